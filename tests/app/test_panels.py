"""Promises of the panels: lists follow the session both ways, and what they offer does what it says."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path, PurePath

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QSize, Qt
from PySide6.QtWidgets import QLabel, QPushButton
from pytestqt.qtbot import QtBot

from app.jobs.pixels import PixelCache
from app.jobs.prediction import Prediction
from app.jobs.queue_order import QueueOrder
from app.jobs.rounds import Rounds
from app.panels.categories import CategoriesPanel
from app.panels.image_list import IMAGE_ROLE
from app.panels.images import ImagesPanel
from app.panels.instances import InstancesPanel
from app.panels.round_card import RoundCard
from app.panels.round_figures import ap50
from app.panels.threshold import ThresholdControl
from app.panels.training import TrainingPanel
from app.round_report import RoundReport
from app.session import Session
from app.timeline import Timeline
from engine.geometry.mask import Mask
from engine.project import Project, Round, commands
from engine.records import ImageStatus, Instance
from tests.engine.project.conftest import WriteImage, write_image

__all__ = ["write_image"]

Propose = Callable[..., list[Instance]]


class NoThumbnails:
    def pixmap(self, image: object) -> None:
        return None


def square(x: int, y: int, side: int = 10) -> Mask:
    return Mask.from_crop(np.ones((side, side), dtype=bool), x, y)


@pytest.fixture
def images(qtbot: QtBot, session: Session) -> Iterator[ImagesPanel]:
    prediction = Prediction(session, PixelCache())
    queue = QueueOrder(session, prediction)
    panel = ImagesPanel(session, NoThumbnails(), queue, lambda: None)
    qtbot.addWidget(panel)
    panel.resize(280, 500)
    panel.show()
    yield panel
    queue.stop()
    prediction.stop()


@pytest.fixture
def instances(qtbot: QtBot, session: Session) -> InstancesPanel:
    panel = InstancesPanel(session)
    qtbot.addWidget(panel)
    panel.resize(320, 600)
    panel.show()
    return panel


@pytest.fixture
def categories(qtbot: QtBot, session: Session) -> CategoriesPanel:
    panel = CategoriesPanel(session)
    qtbot.addWidget(panel)
    panel.resize(320, 240)
    panel.show()
    return panel


def test_the_filter_narrows_what_next_means_and_never_changes_the_image(
    qtbot: QtBot, session: Session, images: ImagesPanel
) -> None:
    assert session.image is not None
    current = session.image.id
    qtbot.keyClicks(images.field, "image 1")
    assert len(session.order) == 1
    assert session.order[0] != current
    assert session.image.id == current
    images.field.clear()
    assert len(session.order) == 2


@pytest.mark.parametrize("text", ["", "IMAGE", " image 1 ", "1", "project", "nothing"])
@pytest.mark.parametrize("status", [None, *ImageStatus])
def test_the_filter_lists_what_looking_at_every_image_finds(
    session: Session, images: ImagesPanel, add: Callable[[Mask], Instance], text: str, status: ImageStatus | None
) -> None:
    add(square(10, 10))
    images.field.setText(text)
    images.statuses.setCurrentIndex(images.statuses.findData(status))
    fitting = [
        image.id
        for image in session.images.values()
        if text.strip().lower() in image.path.lower() and status in (None, image.status)
    ]
    assert session.order == fitting
    rows = [images.model.index(row) for row in range(images.model.rowCount())]
    assert [row.data(IMAGE_ROLE).id for row in rows] == fitting
    assert [images.model.row_of(image_id) for image_id in fitting] == list(range(len(fitting)))
    assert all(images.model.row_of(image_id) is None for image_id in session.images.keys() - set(fitting))
    assert all(row.data() == PurePath(row.data(IMAGE_ROLE).path).name for row in rows)


def test_the_counts_follow_every_decision_and_its_undoing(
    session: Session, images: ImagesPanel, add: Callable[[Mask], Instance]
) -> None:
    def check() -> None:
        found = session.images.values()
        for status in ImageStatus:
            assert session.tally.count(status) == sum(image.status is status for image in found)
            held_out = sum(image.status is status and image.hold_out for image in found)
            assert session.tally.count(status, hold_out=True) == held_out
            assert session.tally.count(status, hold_out=False) == session.tally.count(status) - held_out

    add(square(10, 10))
    check()
    accept_image(session)
    check()
    assert images._progress_text.text() == "1 of 2 accepted"
    session.step_image(1)
    assert session.image is not None
    session.apply(commands.skip(session.image))
    check()
    assert images._progress_text.text() == "1 of 1 accepted"
    for text in ("1 of 2 accepted", "0 of 2 accepted"):
        Timeline(session).undo()
        check()
        assert images._progress_text.text() == text
    session.reload_images()
    check()
    session.close_project()
    assert session.tally.count(*ImageStatus) == 0


def test_a_filter_without_matches_says_so(qtbot: QtBot, session: Session, images: ImagesPanel) -> None:
    qtbot.keyClicks(images.field, "nothing is called like this")
    assert images._nothing.isVisible()
    assert session.order == []
    assert not session.step_image(1)


def test_the_list_follows_the_session_and_the_session_follows_the_list(session: Session, images: ImagesPanel) -> None:
    session.step_image(1)
    assert session.image is not None
    assert images.list.currentIndex().data(IMAGE_ROLE).id == session.image.id
    images.list.setCurrentIndex(images.model.index(0, 0))
    assert session.image.id == session.order[0]


def accept_image(session: Session) -> None:
    assert session.image is not None
    held = list(session.instances.values())
    assert session.apply(commands.accept_image(session.image, held, session.threshold))


def test_a_decision_shows_in_status_filter_and_progress(
    session: Session, images: ImagesPanel, add: Callable[[Mask], Instance]
) -> None:
    add(square(10, 10))
    accept_image(session)
    assert images.list.currentIndex().data(IMAGE_ROLE).status is ImageStatus.ACCEPTED
    assert images._progress_text.text() == "1 of 2 accepted"
    images.statuses.setCurrentIndex(images.statuses.findData(ImageStatus.ACCEPTED))
    assert [session.images[i].status for i in session.order] == [ImageStatus.ACCEPTED]


def test_selecting_in_the_list_selects_on_the_canvas_and_back(
    qtbot: QtBot, session: Session, instances: InstancesPanel, propose: Propose
) -> None:
    first, second, third = propose([square(10, 10), square(40, 40), square(80, 60)])
    qtbot.waitUntil(lambda: instances.model.rowCount() == 3)
    session.select([second.id])
    assert [instances.model.id_at(i.row()) for i in instances.list.selectedIndexes()] == [second.id]
    instances.list.selectAll()
    assert set(session.selection) == {first.id, second.id, third.id}


def test_the_list_keeps_its_selection_while_the_instance_is_edited(
    qtbot: QtBot, session: Session, instances: InstancesPanel, propose: Propose
) -> None:
    chosen, _ = propose([square(10, 10), square(60, 60)])
    qtbot.waitUntil(lambda: instances.model.rowCount() == 2)
    session.select([chosen.id])
    session.apply(commands.paint(chosen, square(15, 15), (160, 120)))
    qtbot.waitUntil(lambda: "accepted" in instances.list.currentIndex().data())
    assert session.selection == (chosen.id,)


def test_ghosts_and_rejected_instances_are_listed_on_demand_only(
    qtbot: QtBot, session: Session, instances: InstancesPanel, propose: Propose
) -> None:
    first, _ = propose([square(10, 10), square(60, 60)], 0.6)
    session.apply(commands.reject([first]))
    qtbot.waitUntil(lambda: instances.model.rowCount() == 1)
    session.set_threshold(0.7)
    qtbot.waitUntil(lambda: instances.model.rowCount() == 0)
    assert "threshold" in instances._empty.title.text()
    instances._everything.click()
    assert instances.model.rowCount() == 2


def test_a_click_on_the_eye_asks_to_hide_that_instance_and_selects_nothing(
    qtbot: QtBot, session: Session, instances: InstancesPanel, propose: Propose
) -> None:
    (only,) = propose([square(10, 10)])
    qtbot.waitUntil(lambda: instances.model.rowCount() == 1)
    row = instances.list.visualRect(instances.model.index(0))
    eye = QPoint(row.right() - 16, row.center().y())
    with qtbot.waitSignal(instances.hide_toggled) as emitted:
        qtbot.mouseClick(instances.list.viewport(), Qt.MouseButton.LeftButton, pos=eye)
    assert emitted.args == [only.id]
    assert session.selection == ()


def test_the_slider_is_the_threshold(qtbot: QtBot, session: Session, propose: Propose) -> None:
    control = ThresholdControl(session)
    qtbot.addWidget(control)
    propose([square(10, 10)], 0.6)
    control.slider.setValue(70)
    assert session.threshold == pytest.approx(0.7)
    control.refresh()
    assert control._counts.text() == "0 proposals shown, 1 below"
    session.set_threshold(0.25)
    assert control.slider.value() == 25


def test_adding_a_category_makes_it_active_and_a_taken_name_is_refused(
    qtbot: QtBot, session: Session, categories: CategoriesPanel
) -> None:
    qtbot.keyClicks(categories.field, "spore")
    qtbot.keyClick(categories.field, Qt.Key.Key_Return)
    assert [each.name for each in session.categories.values()] == ["cell", "nucleus", "spore"]
    assert session.categories[session.active_category_id or 0].name == "spore"
    qtbot.keyClicks(categories.field, "cell")
    with qtbot.waitSignal(session.problem):
        qtbot.keyClick(categories.field, Qt.Key.Key_Return)
    assert len(session.categories) == 3


def test_a_category_is_renamed_in_its_row(qtbot: QtBot, session: Session, categories: CategoriesPanel) -> None:
    model = categories.model
    assert model.setData(model.index(0), "fibre")
    assert next(iter(session.categories.values())).name == "fibre"
    assert not model.setData(model.index(0), "  ")
    Timeline(session).undo()
    assert next(iter(session.categories.values())).name == "cell"


def test_choosing_a_row_chooses_the_category_of_new_instances(session: Session, categories: CategoriesPanel) -> None:
    categories.list.setCurrentIndex(categories.model.index(1))
    assert session.categories[session.active_category_id or 0].name == "nucleus"


def evaluation(value: float) -> dict[str, object]:
    return {"mask": {"AP": value / 2, "AP50": value, "AP75": 0.1}, "images": 5, "instances": 120}


@pytest.mark.parametrize(
    ("verdict", "current", "declined", "offers"),
    [
        ("better", True, False, ["Go back to the old model"]),
        ("better", False, True, ["Use the new model"]),
        ("worse", False, False, ["Use it anyway"]),
        ("cannot tell", False, False, ["Use the new model", "Keep the old model"]),
        ("cannot tell", False, True, ["Use the new model"]),
    ],
)
def test_a_round_shows_both_figures_and_offers_to_overrule(
    qtbot: QtBot, tmp_path: Path, verdict: str, current: bool, declined: bool, offers: list[str]
) -> None:
    chosen: list[tuple[str, Round]] = []
    card = RoundCard(
        lambda entry: chosen.append(("promote", entry)),
        lambda entry: chosen.append(("back", entry)),
        lambda entry: chosen.append(("details", entry)),
        lambda: chosen.append(("again", entry)),
    )
    qtbot.addWidget(card)
    entry = Round(tmp_path, tmp_path / "m", "id", verdict=verdict, before=evaluation(0.61), after=evaluation(0.72))
    card.show_round(entry, current=current, declined=declined)
    card.show()
    assert (card._before.text(), card._after.text()) == ("0.610", "0.720")
    visible = [each for each in (card.promote_button, card.keep_button) if each.isVisible()]
    assert [each.text() for each in visible] == offers
    assert card.minimumSizeHint().width() < 260, "the panel beside the canvas is not much wider"
    visible[0].click()
    card.details_button.click()
    card.again_button.click()
    assert chosen == [("back" if current else "promote", entry), ("details", entry), ("again", entry)]
    assert not card.labeler.isVisible(), "this round is of a version that did not measure it"


def test_a_round_shows_what_a_labeler_feels_and_whether_that_is_good(qtbot: QtBot, tmp_path: Path) -> None:
    card = RoundCard(*[lambda entry: None] * 3, lambda: None)
    qtbot.addWidget(card)

    def felt(accepted: float, seconds: float) -> dict[str, object]:
        return {**evaluation(0.5), "labeler": {"accepted_unedited": accepted, "seconds_an_instance": seconds}}

    entry = Round(tmp_path, tmp_path / "m", "id", verdict="better", before=felt(0.61, 4.26), after=felt(0.6, 3.2))
    card.show_round(entry, current=True)
    card.show()
    texts = [each.text() for each in card.labeler.findChildren(QLabel)]
    assert texts == ["Accepted unedited", "61 % → 60 % ✗", "Time per instance", "4.3 s → 3.2 s ✓"]
    assert card.minimumSizeHint().width() < 260, "the panel beside the canvas is not much wider"


def test_an_evaluation_without_instances_has_no_figure(tmp_path: Path) -> None:
    def after(figures: dict[str, object] | None) -> float | None:
        return ap50(Round(tmp_path, tmp_path / "m", "id", after=figures)).after

    assert after({"mask": {"AP50": -1.0}}) is None
    assert after(None) is None
    assert after(evaluation(0.25)) == 0.25


def test_fine_tuning_is_offered_only_with_something_to_learn_from(
    qtbot: QtBot, session: Session, add: Callable[[Mask], Instance]
) -> None:
    rounds = Rounds(session)
    panel = TrainingPanel(session, rounds, lambda: None, lambda: None)
    qtbot.addWidget(panel)
    assert not panel.start_button.isEnabled()
    assert "Accept some images with objects first" in panel._hint.text()
    for image_id in list(session.images):
        session.open_image(image_id)
        add(square(10, 10))
        accept_image(session)
    train, held_out = rounds.counts()
    assert train + held_out == 2
    assert f"{held_out} image" in panel._counts.text()


@pytest.mark.parametrize(("held_out", "instances", "told"), [(4, 30, True), (5, 19, True), (5, 20, False)])
def test_the_hint_tells_of_too_few_images_or_instances_to_compare_on(
    qtbot: QtBot, tmp_path: Path, write_image: WriteImage, held_out: int, instances: int, told: bool
) -> None:
    project = Project.create(tmp_path / "p.maskwright")
    project.add_images([write_image(tmp_path / f"{seed}.png", seed) for seed in range(40)])
    project.apply(commands.add_category(project.new_category_id(), "cell", "#ff0000"))
    training, chosen = ([image for image in project.images() if image.hold_out is held] for held in (False, True))
    assert len(chosen) > 5
    for image in (training[0], *chosen[:held_out]):
        for place in range(instances):
            project.apply(commands.draw(project.new_instance_id(), image.id, 1, square(place, place)))
        project.apply(commands.accept_image(image, project.instances(image.id), 0.5))
    session = Session()
    session.open_project(project)
    panel = TrainingPanel(session, Rounds(session), lambda: None, lambda: None)
    qtbot.addWidget(panel)
    assert ("cannot be told apart" in panel._hint.text()) is told
    session.writing.stop()
    session.close_project()


def test_what_a_round_trains_and_takes_is_said_while_it_runs(qtbot: QtBot, session: Session) -> None:
    started = {"event": "started", "steps": 9, "images": 2, "hold_out": 1, "scope": "heads", "choice": "few images"}
    line = json.dumps({**started, "seconds": 100.0, "memory": 1.5e9})
    rounds = Rounds(session, [sys.executable, "-c", f"import sys; print({line!r}, flush=True); sys.stdin.read()"])
    panel = TrainingPanel(session, rounds, lambda: None, lambda: None)
    qtbot.addWidget(panel)
    rounds.start()
    qtbot.waitUntil(lambda: "2 min in all, 1.5 GB" in panel._plan.text(), timeout=20000)
    assert panel._plan.isVisibleTo(panel)
    rounds.stop()


def test_a_model_whose_figure_fell_is_not_the_obvious_choice(qtbot: QtBot, tmp_path: Path) -> None:
    card = RoundCard(*[lambda entry: None] * 3, lambda: None)
    qtbot.addWidget(card)
    for after, kind in ((0.72, "primary"), (0.6, "")):
        figures = {"before": evaluation(0.61), "after": evaluation(after)}
        card.show_round(Round(tmp_path, tmp_path / "m", "id", verdict="cannot tell", **figures), current=False)
        assert card.promote_button.property("kind") == kind


def test_every_round_is_told_in_full_and_may_be_tried_again(
    qtbot: QtBot, session: Session, add: Callable[[Mask], Instance], tmp_path: Path
) -> None:
    told = tmp_path / "arguments"
    script = f"import sys; open({str(told)!r}, 'w').write(' '.join(sys.argv[1:]))"
    rounds = Rounds(session, [sys.executable, "-c", script])
    panel = TrainingPanel(session, rounds, lambda: None, lambda: None)
    qtbot.addWidget(panel)
    project = session.project
    assert project is not None
    for number in range(2):
        figures = evaluation(number / 2)
        folder = tmp_path / f"round-{number}"
        project.register_checkpoint(
            Round(folder, folder / "m", str(number), verdict="better", before=figures, after=figures)
        )
    for image_id in list(session.images):
        session.open_image(image_id)
        add(square(10, 10))
        accept_image(session)
    panel.refresh()
    panel.show()
    earlier = next(each for each in panel.findChildren(QPushButton) if each.text() == "0.000 → 0.000")
    for opener, newest in ((earlier, False), (panel.outcome.details_button, True)):
        opener.click()
        (report,) = [each for each in panel.findChildren(RoundReport) if each.isVisible()]
        assert report.entry.checkpoint_id == ("1" if newest else "0")
        report.reject()
    with qtbot.waitSignal(rounds.failed, timeout=20000):  # the stand-in makes no model
        panel.outcome.again_button.click()
    assert "--seed 2" in told.read_text()
    report = panel.show_details(rounds.rounds()[0])
    session.close_project()
    assert not report.isVisible()


def test_a_list_of_ten_thousand_images_does_not_ask_for_every_row_when_one_changes(
    session: Session, images: ImagesPanel
) -> None:
    changed: list[tuple[int, int]] = []
    images.model.dataChanged.connect(lambda first, last: changed.append((first.row(), last.row())))
    session.image_updated.emit(session.order[1])
    assert changed == [(1, 1)]
    assert images.list.uniformItemSizes()
    assert images.list.sizeHintForIndex(images.model.index(0, 0)) != QSize()


def test_a_tooltip_tells_where_an_instance_comes_from(
    session: Session, instances: InstancesPanel, add: Callable[[Mask], Instance]
) -> None:
    assert session.project is not None
    session.project.author = "ada"
    drawn = add(square(10, 10))
    session._working_since -= 7
    session.apply(commands.paint(drawn, square(14, 10), (160, 120)))
    instances.refresh()
    words = str(instances.model.data(instances.model.index(0), Qt.ItemDataRole.ToolTipRole)).split("\n")
    assert words[1] == "Drawn by hand"
    assert words[2].startswith("Brush Stroke by ada, ")
    assert words[3].startswith("New Instance by ada, ")
    assert words[4] == "7 s of work in all"


def test_a_locked_instance_says_so_in_its_row(
    qtbot: QtBot, session: Session, instances: InstancesPanel, add: Callable[[Mask], Instance]
) -> None:
    instance = add(square(10, 10))
    qtbot.waitUntil(lambda: instances.model.rowCount() == 1)
    row = instances.model.index(0)
    open_row = instances.list.grab(instances.list.visualRect(row)).toImage()
    session.apply(commands.lock([instance]))
    qtbot.waitUntil(lambda: "locked" in str(row.data(Qt.ItemDataRole.AccessibleTextRole)))
    assert "locked" in str(row.data(Qt.ItemDataRole.ToolTipRole))
    assert instances.list.grab(instances.list.visualRect(row)).toImage() != open_row
