"""Box to mask with the bundled model in a real window: what a box holds, ghosts, categories, likeness, propagation."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as Picture
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication, QLabel, QToolButton
from pytestqt.qtbot import QtBot

from app.jobs.pixels import PixelCache
from app.preferences import Preferences
from app.tools.prompt import Prompt
from app.window import MainWindow
from engine.checkpoints import load, save
from engine.formats.coco_export import export_coco
from engine.geometry.mask import Mask
from engine.images import read_rgb
from engine.inference import Predictor
from engine.nn.zoo import build
from engine.project import Action, category_color, commands
from engine.records import Instance, InstanceState, Origin
from engine.resources import BUNDLED_WEIGHTS, SAMPLE_IMAGES

NAMES = ("fluorescence-011.png", "fluorescence-012.png")
MODEL_MS = 60_000
LEFT, NONE = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
PLAIN, ALT = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.AltModifier
MOVE, PRESS, RELEASE = QEvent.Type.MouseMove, QEvent.Type.MouseButtonPress, QEvent.Type.MouseButtonRelease

Box = tuple[float, float, float, float]


@pytest.fixture
def checkpoint(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The bundled model; with the mark `two_categories` one that knows debris, too, with smaller masks."""
    if request.node.get_closest_marker("two_categories") is None:
        return BUNDLED_WEIGHTS
    path = tmp_path / "two.safetensors"
    nuclei, card = load(BUNDLED_WEIGHTS)
    model = build(nuclei.spec.with_categories(("nucleus", "debris")))
    with torch.no_grad():
        known = nuclei.state_dict()
        for name, weights in model.state_dict().items():
            here = known[name]
            if weights.shape != here.shape:  # a row for each category, or four; debris is as nuclei are
                each = (weights.shape[0] - here.shape[0]) or 1
                here = torch.cat([here, here[-each:]])
            weights.copy_(here)
        model.mask_head.logits.bias[2] -= 2.0
        model.box_head.category.bias[2] -= 4.0
    save(path, model, replace(card, spec=model.spec))
    monkeypatch.setattr("app.jobs.rounds.BUNDLED_WEIGHTS", path)
    return path


@pytest.fixture
def window(qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, checkpoint: Path) -> Iterator[MainWindow]:
    """A window on two sample images; the current one is predicted, and the tool is chosen."""
    monkeypatch.setenv("MASKWRIGHT_HOME", str(tmp_path / "home"))
    folder = tmp_path / "images"
    folder.mkdir()
    for name in NAMES:
        shutil.copy(SAMPLE_IMAGES / name, folder)
    opened = MainWindow(Preferences())
    qtbot.addWidget(opened)
    opened.resize(1200, 800)
    opened.show()
    qtbot.waitExposed(opened)
    assert opened.projects.open_folder(folder)
    session = opened.session
    qtbot.waitUntil(
        lambda: session.image is not None and session.pixels is not None and session.image.predicted_by is not None,
        timeout=MODEL_MS,
    )
    qtbot.waitUntil(lambda: bool(session.instances))
    opened.workplace.choose_tool("prompt")
    qtbot.waitUntil(lambda: opened.prediction.is_encoded(None), timeout=MODEL_MS)
    yield opened
    opened.close()


@pytest.fixture
def predictor(checkpoint: Path) -> Predictor:
    """What answers are compared with: the same model, asked directly."""
    return Predictor.from_checkpoint(checkpoint)


def tool_of(window: MainWindow) -> Prompt:
    assert isinstance(window.canvas.tool, Prompt)
    return window.canvas.tool


def send(
    window: MainWindow, kind: QEvent.Type, x: float, y: float, held: bool, keys: Qt.KeyboardModifier = PLAIN
) -> None:
    canvas = window.canvas
    place = QPointF(*canvas.image_to_widget(x, y))
    button = NONE if kind is MOVE else LEFT
    event = QMouseEvent(kind, place, canvas.mapToGlobal(place), button, LEFT if held else NONE, keys)
    QApplication.sendEvent(canvas, event)


def drag(window: MainWindow, box: Box, keys: Qt.KeyboardModifier = PLAIN) -> None:
    """Draw a box with the mouse."""
    x1, y1, x2, y2 = box
    send(window, MOVE, x1, y1, False, keys)
    send(window, PRESS, x1, y1, True, keys)
    for part in (0.3, 0.6, 1.0):
        send(window, MOVE, x1 + (x2 - x1) * part, y1 + (y2 - y1) * part, True, keys)
    send(window, RELEASE, x2, y2, False, keys)


def click(window: MainWindow, x: float, y: float) -> None:
    send(window, MOVE, x, y, False)
    send(window, PRESS, x, y, True)
    send(window, RELEASE, x, y, False)


def best(window: MainWindow) -> Instance:
    """The proposal that the model is surest of."""
    return max(window.session.instances.values(), key=lambda each: (each.score or 0.0, -each.id))


def around(mask: Mask, by: float = 2.0) -> Box:
    x1, y1, x2, y2 = mask.bounds
    return x1 - by, y1 - by, x2 + by, y2 + by


def remove_all(qtbot: QtBot, window: MainWindow) -> None:
    """Reject every proposal, so that boxes are about nothing that is there already."""
    window.session.select(list(window.session.instances))
    window.decisions.reject()
    qtbot.waitUntil(lambda: not window.session.writing.busy)


def answered(qtbot: QtBot, window: MainWindow) -> list[Instance]:
    """What was accepted once every box has its answer."""
    qtbot.waitUntil(lambda: not tool_of(window)._waiting, timeout=MODEL_MS)
    return [each for each in window.session.instances.values() if each.state is InstanceState.ACCEPTED]


def wait_for_the_neighbour(qtbot: QtBot, window: MainWindow) -> None:
    """Until both images are predicted, which they are not while boxes are drawn."""
    window.workplace.choose_tool("select")
    images = window.session.images
    qtbot.waitUntil(lambda: all(each.predicted_by for each in images.values()), timeout=MODEL_MS)


def on_canvas(box: Box, window: MainWindow) -> Box:
    """The box as whole widget pixels give it back."""
    viewport = window.canvas.viewport
    corners = (viewport.to_image(*window.canvas.image_to_widget(*box[at : at + 2])) for at in (0, 2))
    (x1, y1), (x2, y2) = corners
    return x1, y1, x2, y2


def pixels(name: str = NAMES[0]) -> np.ndarray:
    return read_rgb(SAMPLE_IMAGES / name)


@pytest.mark.parametrize("keys", [PLAIN, ALT])
def test_a_box_gets_the_models_mask_at_once(
    qtbot: QtBot, window: MainWindow, predictor: Predictor, keys: Qt.KeyboardModifier
) -> None:
    target = best(window).mask
    remove_all(qtbot, window)
    drag(window, around(target), keys)
    (found,) = answered(qtbot, window)
    box = on_canvas(around(target), window)
    (wanted,) = predictor.masks_for_boxes(predictor.encode(pixels()), [box], refine=keys is PLAIN)
    assert found.mask == wanted.mask
    assert found.score == pytest.approx(wanted.score)
    assert found.mask.iou(target) > 0.8
    assert (found.origin, found.predicted_by) == (Origin.DRAWN, predictor.checkpoint_id)
    assert window.session.categories[found.category_id].name == wanted.category
    assert window.session.selection == (found.id,)
    assert window.canvas.layers.overlay.shown_mask(found.id) == found.mask
    window.actions_["undo"].trigger()
    assert found.id not in window.session.instances


def test_the_mask_follows_the_pointer(qtbot: QtBot, window: MainWindow) -> None:
    target = best(window).mask
    x1, y1, x2, y2 = around(target)
    send(window, MOVE, x1, y1, False)
    send(window, PRESS, x1, y1, True)
    before = len(window.session.instances)
    for part in (0.5, 1.0):
        send(window, MOVE, x1 + (x2 - x1) * part, y1 + (y2 - y1) * part, True)
        drawn = tool_of(window)._drawn
        assert drawn is not None
        shown, drawn.marked = drawn.marked, None
        qtbot.waitUntil(lambda: drawn.marked is not None and drawn.marked is not shown)  # noqa: B023 (called at once)
    assert drawn.marked is not None
    assert drawn.marked.mask.iou(target) > 0.7
    assert len(window.session.instances) == before
    qtbot.keyClick(window.canvas, Qt.Key.Key_Escape)
    assert tool_of(window)._drawn is None
    send(window, RELEASE, x2, y2, False)
    qtbot.wait(100)
    assert len(window.session.instances) == before


def test_a_box_over_a_proposal_takes_its_place(qtbot: QtBot, window: MainWindow) -> None:
    target, count = best(window), len(window.session.instances)
    drag(window, around(target.mask, 4))
    (found,) = answered(qtbot, window)
    assert found.id == target.id
    assert len(window.session.instances) == count
    window.actions_["undo"].trigger()
    assert window.session.instances[target.id] == target


def test_four_extreme_points_are_a_box(qtbot: QtBot, window: MainWindow, predictor: Predictor) -> None:
    target = best(window).mask
    remove_all(qtbot, window)
    tool_of(window).shape.set("points")
    x1, y1, x2, y2 = target.bounds
    points = ((x1, (y1 + y2) / 2), ((x1 + x2) / 2, y1), (x2, (y1 + y2) / 2), ((x1 + x2) / 2, y2))
    for x, y in points[:3]:
        click(window, x, y)
    assert tool_of(window)._drawn is not None
    click(window, *points[3])
    (found,) = answered(qtbot, window)
    (wanted,) = predictor.masks_for_boxes(
        predictor.encode(pixels()),
        [on_canvas(tuple(map(float, target.bounds)), window)],  # type: ignore[arg-type]
    )
    assert found.mask == wanted.mask


def test_a_choice_follows_its_option_after_the_tool_was_left_and_chosen_again(window: MainWindow) -> None:
    tool = tool_of(window)
    for name in ("brush", "prompt"):
        window.workplace.choose_tool(name)
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)  # what the bar showed before is gone
    tool.shape.set("points")
    texts = {each.text(): each.isChecked() for each in window.workplace.option_bar.findChildren(QToolButton)}
    assert texts["Extreme points"] and not texts["Box"]


def test_backspace_takes_an_extreme_point_back(qtbot: QtBot, window: MainWindow) -> None:
    tool_of(window).shape.set("points")
    for x, y in ((20, 30), (40, 20)):
        click(window, x, y)
    drawn = tool_of(window)._drawn
    assert drawn is not None and len(drawn.points) == 2
    qtbot.keyClick(window.canvas, Qt.Key.Key_Backspace)
    assert len(drawn.points) == 1
    assert tool_of(window).take_back()
    assert tool_of(window)._drawn is None


def test_a_ghost_shows_under_the_pointer_and_a_click_takes_it(qtbot: QtBot, window: MainWindow) -> None:
    session, tool = window.session, tool_of(window)
    ghosts = tool._ghosts
    assert ghosts is not None
    ghost = ghosts.all()[0]
    assert ghost.score is not None and ghost.score < session.threshold
    ys, xs = np.nonzero(ghost.mask.bitmap)
    x, y = ghost.mask.x + xs[len(xs) // 2] + 0.5, ghost.mask.y + ys[len(ys) // 2] + 0.5
    send(window, MOVE, x, y, False)
    assert tool._ghost is not None and tool._ghost[0].id == ghost.id
    click(window, x, y)
    assert session.instances[ghost.id].state is InstanceState.ACCEPTED
    assert session.instances[ghost.id].mask == ghost.mask
    send(window, MOVE, 1.0, 1.0, False)
    assert tool._ghost is None


def test_boxes_wait_for_features_and_are_stored_where_they_were_drawn(qtbot: QtBot, window: MainWindow) -> None:
    target = best(window).mask
    remove_all(qtbot, window)
    window.prediction.features.clear()
    first = window.session.image
    assert first is not None
    drag(window, around(target))
    drag(window, around(target, 3))
    tool = tool_of(window)
    assert len(tool._waiting) == 2
    window.workplace.choose_tool("brush")
    window.session.step_image(1)
    qtbot.waitUntil(lambda: not tool._waiting, timeout=MODEL_MS)
    assert window.session.project is not None
    stored = [each for each in window.session.project.instances(first.id) if each.state is InstanceState.ACCEPTED]
    assert len(stored) == 2
    assert all(each.mask.iou(target) > 0.7 for each in stored)


def test_thirty_missed_nuclei_are_added_by_boxes_accepted_and_exported(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    session = window.session
    targets = sorted(session.instances.values(), key=lambda each: -(each.score or 0.0))[:30]
    remove_all(qtbot, window)
    for target in targets:
        drag(window, around(target.mask))
    found = answered(qtbot, window)
    assert len(found) == 30
    matched = [max(each.mask.iou(target.mask) for each in found) for target in targets]
    assert np.mean(matched) > 0.85
    window.decisions.accept_image()
    qtbot.waitUntil(lambda: not session.writing.busy)
    assert session.project is not None
    held = [each for each in session.project.instances(targets[0].image_id) if each.state is InstanceState.ACCEPTED]
    assert len(held) == 30
    assert [entry.action for entry in session.project.history(2)][1] is Action.PROMPT
    report = export_coco(session.project, tmp_path / "out.json")
    assert report.annotations == 30


def test_without_a_model_a_box_says_so(qtbot: QtBot, window: MainWindow) -> None:
    said: list[str] = []
    window.session.notice.connect(said.append)
    window.prediction.set_checkpoint(None)
    count = len(window.session.instances)
    drag(window, (20, 20, 60, 60))
    assert any("no model" in each for each in said)
    assert len(window.session.instances) == count
    assert not tool_of(window)._waiting


@pytest.mark.two_categories
def test_another_category_shows_its_mask_at_once(qtbot: QtBot, window: MainWindow, predictor: Predictor) -> None:
    session = window.session
    target = best(window)
    assert session.project is not None
    debris = session.project.new_category_id()
    session.apply(commands.add_category(debris, "debris", category_color(debris)))
    session.select([target.id])
    window.decisions.give_category(debris)
    qtbot.waitUntil(lambda: session.instances[target.id].category_id == debris)
    changed = session.instances[target.id]
    features = predictor.encode(pixels())
    (wanted,) = predictor.masks_for_boxes(features, [target.mask.bounds], labels=[1], refine=False)
    assert changed.mask == wanted.mask
    assert changed.mask.area < target.mask.area
    assert changed.edited and changed.state is InstanceState.ACCEPTED
    window.actions_["undo"].trigger()
    assert session.instances[target.id] == target


def test_more_like_this_ranks_and_takes_from_the_cut_on(qtbot: QtBot, window: MainWindow) -> None:
    session, command = window.session, window.likeness
    wait_for_the_neighbour(qtbot, window)
    chosen = best(window)
    session.select([chosen.id])
    window.actions_["more_like_this"].trigger()
    likeness = command.likeness
    qtbot.waitUntil(lambda: bool(likeness.found) and not likeness.is_looking, timeout=MODEL_MS)
    found = [each.likeness for each in likeness.found]
    assert found == sorted(found, reverse=True)
    assert {each.instance.image_id for each in likeness.found} == set(session.images)
    assert chosen.id not in {each.instance.id for each in likeness.found}
    dialog = command.dialog
    assert dialog is not None
    dialog.cut.setValue(97)
    taken = {each.instance.id for each in dialog.chosen}
    assert taken and len(taken) < len(found)
    assert all(each.likeness >= 0.97 for each in dialog.chosen)
    assert session.project is not None
    steps = len(session.project.history(9))
    dialog.take_button.click()
    qtbot.waitUntil(lambda: not session.writing.busy)
    everything = [each for image_id in session.images for each in session.project.instances(image_id)]
    assert {each.id for each in everything if each.state is InstanceState.ACCEPTED} == taken
    assert len(session.project.history(9)) == steps + 1
    assert taken.isdisjoint(each.instance.id for each in likeness.found)
    dialog.reject()


def test_an_image_that_is_gone_is_left_out_of_more_like_this(
    qtbot: QtBot, window: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, command = window.session, window.likeness
    wait_for_the_neighbour(qtbot, window)
    assert session.project is not None
    session.project.image_path(session.images[session.order[1]]).unlink()
    monkeypatch.setattr(command.likeness, "_cache", PixelCache())
    session.select([best(window).id])
    window.actions_["more_like_this"].trigger()
    qtbot.waitUntil(lambda: not command.likeness.is_looking, timeout=MODEL_MS)
    assert command.likeness.left_out == 1
    assert {each.instance.image_id for each in command.likeness.found} == {session.order[0]}
    assert command.dialog is not None
    assert "1 image could not be read" in command.dialog.summary.text()
    command.dialog.reject()


def test_accepted_instances_prompt_the_next_image(qtbot: QtBot, window: MainWindow, predictor: Predictor) -> None:
    session = window.session
    wait_for_the_neighbour(qtbot, window)
    accepted = sorted(session.instances.values(), key=lambda each: -(each.score or 0.0))[:5]
    session.select([each.id for each in accepted])
    window.decisions.accept()
    assert session.project is not None and session.image is not None
    following = session.order[1]
    present = {each.id for each in session.project.instances(following)}
    window.actions_["propagate"].trigger()
    assert session.image.id == following

    def propagated() -> list[Instance]:
        assert session.project is not None
        return [each for each in session.project.instances(following) if each.id not in present]

    qtbot.waitUntil(lambda: Action.PROPAGATE in [each.action for each in session.project.history(3)], timeout=MODEL_MS)
    boxes = [tuple(map(float, each.mask.bounds)) for each in sorted(accepted, key=lambda each: each.id)]
    wanted = predictor.masks_for_boxes(predictor.encode(pixels(NAMES[1])), boxes, labels=[0] * 5)  # type: ignore[arg-type]
    new = propagated()
    assert new
    assert all(each.state is InstanceState.PROPOSAL and each.origin is Origin.PREDICTED for each in new)
    assert {each.mask for each in new} <= {each.mask for each in wanted}


@pytest.mark.slow
def test_fifty_images_in_a_row_stay_within_the_memory_for_features(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    session, features = window.session, window.prediction.features
    random = np.random.default_rng(0)
    for number in range(50):
        picture = random.integers(0, 255, (24, 32, 3), dtype=np.uint8)
        Picture.fromarray(picture).save(tmp_path / "images" / f"more-{number:02}.png")
    assert session.project is not None
    session.project.add_images(sorted((tmp_path / "images").glob("more-*.png")))
    session.reload_images()
    features.limit = 10 * features.bytes
    held = []
    for _ in range(50):
        assert session.step_image(1)
        qtbot.waitUntil(lambda: window.prediction.is_encoded(None), timeout=MODEL_MS)
        held.append(features.bytes)
        assert window.status.findChild(QLabel, "features").text().endswith("MB")
    assert max(held) <= features.limit
    assert held[-1] > 0.8 * features.limit  # it is full, and what was seen first has gone
    assert not window.prediction.has_seen(session.images[session.order[1]])


def test_a_question_does_not_wait_for_the_neighbours(qtbot: QtBot, window: MainWindow) -> None:
    """While the tool is chosen nothing but the current image is looked at."""
    window.prediction.features.clear()
    window.prediction.plan()
    qtbot.waitUntil(lambda: window.prediction.is_encoded(None), timeout=MODEL_MS)
    qtbot.wait(300)
    assert len(window.prediction.features) == 1


def test_a_project_that_is_closed_and_opened_again_is_answered(qtbot: QtBot, window: MainWindow) -> None:
    assert window.session.project is not None
    path, target = window.session.project.path, best(window).mask
    window.projects.close()
    qtbot.waitUntil(lambda: window.session.project is None)
    assert window.projects.open(path)
    qtbot.waitUntil(lambda: window.session.pixels is not None and not window.session.is_arriving)
    window.workplace.choose_tool("prompt")
    drag(window, around(target))
    found = answered(qtbot, window)
    assert [each.mask.iou(target) > 0.7 for each in found] == [True]
    assert window.prediction.card is not None


def test_an_image_without_its_file_fails_its_own_questions_and_no_others(qtbot: QtBot, window: MainWindow) -> None:
    session, said = window.session, list[str]()
    session.notice.connect(said.append)
    session.select([best(window).id])
    window.decisions.accept()
    target = best(window).mask
    assert session.project is not None
    session.project.image_path(session.images[session.order[1]]).unlink()
    window.prediction.features.clear()
    window.prediction._thread._cache = PixelCache()  # nothing of it is in memory either
    for _ in range(2):  # also when it is already known that the file is gone
        drag(window, around(target))
        window.actions_["propagate"].trigger()
        qtbot.waitUntil(lambda: not window.prediction._kept, timeout=MODEL_MS)
        session.step_image(-1)
        qtbot.waitUntil(lambda: session.pixels is not None)
    assert not tool_of(window)._waiting
    accepted = [each for each in session.instances.values() if each.state is InstanceState.ACCEPTED]
    assert any(each.mask.iou(target) > 0.7 for each in accepted)
    assert sum(NAMES[1] in each for each in said) == 2
