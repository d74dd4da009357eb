"""The whole loop in a real window on real images: predict, correct with the mouse, accept, export, fine-tune, swap."""

import json
import shutil
from collections.abc import Iterator
from functools import reduce
from pathlib import Path

import cv2
import numpy as np
import pytest
from pycocotools.coco import COCO
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.preferences import Preferences
from app.window import MainWindow
from engine.checkpoints import checkpoint_id
from engine.geometry.mask import Mask
from engine.project import Project
from engine.records import ImageStatus, InstanceState, Origin
from engine.resources import BUNDLED_WEIGHTS

# Five images of 256 x 256 with few nuclei, of which the content puts the first into the hold-out.
NAMES = ("1c2f9e121fc207ef", "2ad489c11ed8b77a", "305a8baaf726d7c9", "aa4d989d262c618a", "be1916d0e5592c17")
PREDICTED_MS = 60_000
TRAINED_MS = 300_000

pytestmark = pytest.mark.slow


@pytest.fixture
def window(qtbot: QtBot, tmp_path: Path, data_root: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MainWindow]:
    """A window on a folder of five real images, with the bundled model."""
    monkeypatch.setenv("MASKWRIGHT_HOME", str(tmp_path / "home"))
    folder = tmp_path / "nuclei"
    folder.mkdir()
    for name in NAMES:
        shutil.copy(data_root / "nuclei" / "images" / f"{name}.png", folder)
    opened = MainWindow(Preferences())
    qtbot.addWidget(opened)
    opened.show()
    opened.activateWindow()
    qtbot.waitExposed(opened)
    assert opened.projects.open_folder(folder)
    qtbot.waitUntil(lambda: len(opened.session.images) == len(NAMES))
    opened.canvas.setFocus()
    yield opened
    opened.close()


def wait_for_proposals(qtbot: QtBot, window: MainWindow) -> None:
    """Until the current image's pixels and its proposals are on the canvas."""
    session = window.session

    def predicted() -> bool:
        return session.image is not None and session.pixels is not None and session.image.predicted_by is not None

    qtbot.waitUntil(predicted, timeout=PREDICTED_MS)
    QApplication.processEvents()


def stroke(qtbot: QtBot, window: MainWindow, *points: tuple[float, float]) -> Mask:
    """Draw with the mouse through image points; returns what the canvas showed just before the button was released."""
    canvas = window.canvas
    on_widget = [QPoint(*map(round, canvas.image_to_widget(x, y))) for x, y in points]
    qtbot.mousePress(canvas, Qt.MouseButton.LeftButton, pos=on_widget[0])
    for point in on_widget[1:]:
        qtbot.mouseMove(canvas, point)
    shown = canvas.layers.overlay.preview_mask()
    qtbot.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=on_widget[-1])
    return shown


def press(qtbot: QtBot, window: MainWindow, key: Qt.Key, modifiers: Qt.KeyboardModifier | None = None) -> None:
    window.canvas.setFocus()
    qtbot.keyClick(window.canvas, key, modifiers or Qt.KeyboardModifier.NoModifier)


def ring_around(mask: Mask, distance: float = 9.0) -> list[tuple[float, float]]:
    """A closed path about the middle of an instance."""
    x, y = mask.x + mask.width / 2, mask.y + mask.height / 2
    radius = max(mask.width, mask.height) / 2 + distance
    angles = np.linspace(0, 2 * np.pi, 24)
    return [
        (float(np.clip(x + radius * np.cos(a), 1, 255)), float(np.clip(y + radius * np.sin(a), 1, 255))) for a in angles
    ]


def holes(mask: Mask) -> int:
    """How many unset regions the mask encloses."""
    padded = np.pad(mask.bitmap, 1)
    return int(cv2.connectedComponents((~padded).astype(np.uint8), connectivity=4)[0]) - 2


def correct_with_the_mouse(qtbot: QtBot, window: MainWindow) -> None:
    """Paint a ring around the first proposal, which leaves holes; undo and redo; erase a line through another."""
    session = window.session
    first, second = list(session.instances.values())[:2]
    at = next(point for point in points_inside(first.mask) if window.canvas.instances_at(*point)[:1] == [first.id])
    press(qtbot, window, Qt.Key.Key_V)
    qtbot.mouseClick(
        window.canvas, Qt.MouseButton.LeftButton, pos=QPoint(*map(round, window.canvas.image_to_widget(*at)))
    )
    assert session.selection == (first.id,)
    press(qtbot, window, Qt.Key.Key_B)
    window.canvas.brush_size.set(3)
    shown = stroke(qtbot, window, *ring_around(first.mask))
    painted = session.instances[first.id]
    assert painted.state is InstanceState.ACCEPTED and painted.edited
    others = [each.mask for each in session.shown_instances() if each.id != first.id]
    assert reduce(Mask.subtract, others, painted.mask) == reduce(Mask.subtract, others, shown)
    assert holes(painted.mask) >= 1
    press(qtbot, window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert session.instances[first.id] == first
    window.actions_["redo"].trigger()
    assert session.instances[first.id] == painted
    session.select([second.id])
    press(qtbot, window, Qt.Key.Key_E)
    window.canvas.brush_size.set(1)
    middle = second.mask.y + second.mask.height / 2
    stroke(qtbot, window, (second.mask.x - 2, middle), (second.mask.x + second.mask.width + 2, middle))
    assert session.instances[second.id].mask.area < second.mask.area


def points_inside(mask: Mask) -> list[tuple[float, float]]:
    rows, columns = np.nonzero(mask.bitmap)
    return [(float(mask.x + x) + 0.5, float(mask.y + y) + 0.5) for y, x in zip(rows, columns, strict=True)]


def compare_export(window: MainWindow, exported: COCO) -> int:
    """Assert that the canvas shows the current image exactly as it was exported; returns how many instances it has."""
    session = window.session
    assert session.image is not None and session.project is not None
    name = Path(session.image.path).name
    (record,) = (each for each in exported.dataset["images"] if Path(each["file_name"]).name == name)
    annotations = exported.imgToAnns[record["id"]]
    held = [each for each in session.project.instances(session.image.id) if each.state is InstanceState.ACCEPTED]
    assert len(annotations) == len(held)
    decoded = {each.id: exported.annToMask(one).astype(bool) for each, one in zip(held, annotations, strict=True)}
    assert {each.id for each in session.shown_instances()} == set(decoded)
    claims = sum(decoded.values(), start=np.zeros((session.image.height, session.image.width), dtype=int))
    assert (claims == 1).sum() > 100
    on_canvas = np.zeros_like(claims)
    for instance_id, mask in decoded.items():
        shown = window.canvas.layers.overlay.shown_mask(instance_id).to_full(*claims.shape)
        on_canvas += shown
        assert not (shown & ~mask).any()
        np.testing.assert_array_equal(shown[claims == 1], mask[claims == 1])
    np.testing.assert_array_equal(on_canvas, claims > 0)  # where several overlap, the canvas shows one of them
    return len(held)


def accept_images(qtbot: QtBot, window: MainWindow, count: int) -> list[int]:
    """Accept the current image and those after it by key, each once it is predicted; returns their ids."""
    accepted = []
    for _ in range(count):
        wait_for_proposals(qtbot, window)
        assert window.session.image is not None
        assert window.session.shown_instances(), "the bundled model found nothing"
        accepted.append(window.session.image.id)
        press(qtbot, window, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
        qtbot.waitUntil(lambda: not window.session.writing.busy)
        assert window.session.images[accepted[-1]].status is ImageStatus.ACCEPTED
        assert window.session.image.id not in accepted
    return accepted


def fine_tune(qtbot: QtBot, window: MainWindow) -> None:
    """Press the button and wait for the round, then overrule the gate and see the new model predict."""
    session, rounds = window.session, window.rounds
    assert session.project is not None and session.image is not None
    old, open_image = checkpoint_id(BUNDLED_WEIGHTS), session.image.id
    wait_for_proposals(qtbot, window)
    assert session.images[open_image].predicted_by == old
    with qtbot.waitSignal(rounds.finished, timeout=TRAINED_MS) as finished:
        window.training.start_button.click()
        assert rounds.running
    entry = finished.args[0]
    assert len(rounds.progress.losses) == rounds.progress.steps > 0
    assert [step for step, _ in rounds.progress.precisions] == [0, rounds.progress.steps]
    assert entry.verdict == "cannot tell"  # one image is held out
    assert rounds.checkpoint == BUNDLED_WEIGHTS
    window.training.outcome.promote_button.click()
    assert rounds.checkpoint == entry.checkpoint
    assert entry.checkpoint_id == checkpoint_id(entry.checkpoint) != old
    qtbot.waitUntil(lambda: session.images[open_image].predicted_by == entry.checkpoint_id, timeout=PREDICTED_MS)


def test_predict_correct_accept_export_and_fine_tune(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    wait_for_proposals(qtbot, window)
    assert {each.origin for each in window.session.instances.values()} == {Origin.PREDICTED}
    correct_with_the_mouse(qtbot, window)
    accepted = accept_images(qtbot, window, len(NAMES) - 1)

    out = tmp_path / "nuclei.json"
    window.projects.export_dataset(["--out", str(out)])
    qtbot.waitUntil(out.is_file, timeout=60_000)
    exported = COCO(str(out))
    assert [each["id"] for each in json.loads(out.read_text())["images"]] == [1, 2, 3, 4]
    before = window.session.image
    assert before is not None
    compared = 0
    for image_id in accepted:
        window.session.open_image(image_id)
        qtbot.waitUntil(lambda: window.session.pixels is not None)
        compared += compare_export(window, exported)
    assert compared == len(exported.dataset["annotations"]) > 20

    window.session.open_image(before.id)
    touched = {each: window.session.project.instances(each) for each in accepted} if window.session.project else {}
    fine_tune(qtbot, window)
    path = window.session.project.path if window.session.project else tmp_path
    window.close()
    with Project.open(path) as project:
        assert {each: project.instances(each) for each in accepted} == touched
