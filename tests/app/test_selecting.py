"""What is listed, in which order a person goes through it, and a review of an image by keys alone."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.category_chooser import matching
from app.decisions import Decisions
from app.panels.instances import InstancesPanel
from app.preferences import Preferences
from app.session import Session
from app.window import MainWindow
from engine.geometry.mask import Mask
from engine.project import commands
from engine.project.orders import Order
from engine.records import Category, Detection, ImageStatus, Instance, InstanceState

KEY = Qt.Key


def square(x: int, y: int, side: int = 10) -> Mask:
    return Mask.from_crop(np.ones((side, side), dtype=bool), x, y)


@pytest.fixture
def panel(qtbot: QtBot, session: Session) -> InstancesPanel:
    opened = InstancesPanel(session)
    qtbot.addWidget(opened)
    opened.show()
    qtbot.waitExposed(opened)
    return opened


def propose(session: Session, *found: tuple[int, int, int, float]) -> list[Instance]:
    """Let a model propose squares (x, y, side, score) on the current image."""
    assert session.image is not None
    masks = [(square(x, y, side), score) for x, y, side, score in found]
    detections = [Detection(0, "cell", score, tuple(map(float, mask.bounds)), mask) for mask, score in masks]
    session.set_proposals(session.image.id, detections, "checkpoint")
    return sorted(session.instances.values(), key=lambda each: each.id)


@pytest.fixture
def four(qtbot: QtBot, session: Session, panel: InstancesPanel) -> list[Instance]:
    """Proposals in two rows: in reading order the second, the first, the fourth, the third."""
    found = propose(session, (80, 12, 10, 0.55), (10, 10, 10, 0.9), (60, 60, 20, 0.7), (10, 54, 30, 0.6))
    qtbot.waitUntil(lambda: panel.model.rowCount() == len(found))
    return found


def type_filter(qtbot: QtBot, panel: InstancesPanel, text: str) -> None:
    panel.filter.field.clear()
    qtbot.keyClicks(panel.filter.field, text)
    qtbot.keyClick(panel.filter.field, KEY.Key_Return)


def places(four: list[Instance], ids: list[int] | tuple[int, ...]) -> list[int]:
    """Which of the four these are, from 1."""
    return [[each.id for each in four].index(one) + 1 for one in ids]


def assert_listed(qtbot: QtBot, panel: InstancesPanel, four: list[Instance], expected: list[int]) -> None:
    """On a busy machine a list comes in several goes."""
    qtbot.waitUntil(lambda: places(four, panel.model.ids) == expected)


# -- the list


def test_the_list_shows_what_the_filter_lets_through(
    qtbot: QtBot, session: Session, panel: InstancesPanel, four: list[Instance]
) -> None:
    type_filter(qtbot, panel, "score<0.65 area>200")
    assert_listed(qtbot, panel, four, [4])
    type_filter(qtbot, panel, "-area=100 or score>0.8")
    assert_listed(qtbot, panel, four, [2, 4, 3])
    panel.filter.field.clear()
    assert_listed(qtbot, panel, four, [2, 1, 4, 3])
    assert "4" in panel.summary.text()


def test_a_wrong_filter_is_explained_and_the_last_good_one_stays(
    qtbot: QtBot, session: Session, panel: InstancesPanel, four: list[Instance]
) -> None:
    type_filter(qtbot, panel, "area>500")
    with qtbot.assertNotEmitted(panel.filter.left):
        type_filter(qtbot, panel, "area>500 stattus:accepted")
    assert "status" in panel.filter.error.text()
    assert panel.filter.error.isVisible()
    assert_listed(qtbot, panel, four, [4])
    type_filter(qtbot, panel, "category:leaf")
    assert "nucleus" in panel.filter.error.text()
    type_filter(qtbot, panel, "area>300")
    assert not panel.filter.error.isVisible()
    assert_listed(qtbot, panel, four, [4, 3])


def test_a_filter_by_score_lists_ghosts_and_one_by_status_also_what_is_rejected(
    qtbot: QtBot, session: Session, panel: InstancesPanel, four: list[Instance]
) -> None:
    session.apply(commands.reject([four[1]]))
    session.set_threshold(0.65)
    type_filter(qtbot, panel, "cell")
    assert_listed(qtbot, panel, four, [3])
    type_filter(qtbot, panel, "score>0")
    assert_listed(qtbot, panel, four, [3, 1, 4])
    type_filter(qtbot, panel, "status:rejected")
    assert_listed(qtbot, panel, four, [2])


def test_a_key_is_completed_and_escape_leaves_the_field(
    qtbot: QtBot, session: Session, panel: InstancesPanel, four: list[Instance]
) -> None:
    field = panel.filter.field
    qtbot.keyClicks(field, "area>500 cat")
    offers = QApplication.activePopupWidget()
    assert offers is not None
    qtbot.keyClick(offers, KEY.Key_Down)
    qtbot.keyClick(offers, KEY.Key_Return)
    assert field.text() == "area>500 category:"
    qtbot.keyClicks(field, "nu")
    qtbot.keyClick(QApplication.activePopupWidget() or field, KEY.Key_Tab)
    assert field.text() == "area>500 category:nucleus"
    assert QApplication.activePopupWidget() is None
    with qtbot.waitSignal(panel.filter.left):
        qtbot.keyClick(field, KEY.Key_Escape)


def test_every_order_is_that_of_the_list_and_of_tab(
    qtbot: QtBot, session: Session, panel: InstancesPanel, four: list[Instance]
) -> None:
    walk = Decisions(session).walk
    for order, expected in (
        (Order.UNCERTAINTY, [1, 4, 3, 2]),
        (Order.AREA, [4, 3, 1, 2]),
        (Order.READING, [2, 1, 4, 3]),
    ):
        session.instance_order.set(order)
        session.select([])
        assert_listed(qtbot, panel, four, expected)
        visited = []
        for _ in range(4):
            walk.step(1)
            visited += session.selection
        assert places(four, visited) == expected
        walk.step(-1)
        assert places(four, session.selection) == [expected[2]]


def test_an_edit_keeps_the_rows_of_all_others(
    qtbot: QtBot, session: Session, panel: InstancesPanel, four: list[Instance]
) -> None:
    gone: list[tuple[int, int]] = []
    panel.model.modelReset.connect(lambda: gone.append((-1, -1)))
    panel.model.rowsRemoved.connect(lambda _, first, last: gone.append((first, last)))
    session.apply(commands.accept([four[0]]))
    panel.refresh()
    assert gone == []
    session.apply(commands.reject([session.instances[four[0].id]]))
    panel.refresh()
    assert_listed(qtbot, panel, four, [2, 4, 3])
    assert gone == [(1, 1)]


def test_everything_listed_is_selected_at_once_and_taken_over_by_the_list(
    qtbot: QtBot, session: Session, panel: InstancesPanel, four: list[Instance]
) -> None:
    type_filter(qtbot, panel, "area>200")
    assert_listed(qtbot, panel, four, [4, 3])
    panel.select_listed()
    assert set(session.selection) == {four[2].id, four[3].id}
    assert len(panel.list.selectedIndexes()) == 2
    session.select([four[0].id, four[3].id])
    assert [panel.model.id_at(each.row()) for each in panel.list.selectedIndexes()] == [four[3].id]


def test_a_row_under_the_pointer_is_told(qtbot: QtBot, panel: InstancesPanel, four: list[Instance]) -> None:
    middle = panel.list.visualRect(panel.model.index(1)).center()
    with qtbot.waitSignal(panel.hovered) as told:
        qtbot.mouseMove(panel.list.viewport(), middle)
    assert told.args == [panel.model.id_at(1)]


# -- going on


def test_the_next_uncertain_one_is_looked_at_and_a_decision_leads_to_the_one_after_it(
    qtbot: QtBot, session: Session, four: list[Instance]
) -> None:
    decisions = Decisions(session)
    with qtbot.waitSignal(decisions.walk.arrived) as arrived:
        decisions.walk.step_uncertain(1)
    assert arrived.args == [four[0], True]
    decisions.accept()
    assert places(four, session.selection) == [4]
    decisions.reject()
    assert places(four, session.selection) == [3]
    decisions.walk.step(1)  # in reading order again
    assert places(four, session.selection) == [2]
    decisions.accept()
    assert places(four, session.selection) == [3]
    decisions.accept()
    assert session.selection == ()
    with qtbot.waitSignal(session.notice):
        decisions.walk.step_uncertain(1)


def test_only_what_the_filter_lets_through_is_gone_through(
    qtbot: QtBot, session: Session, panel: InstancesPanel, four: list[Instance]
) -> None:
    walk = Decisions(session).walk
    walk.passes = panel.model.passes
    type_filter(qtbot, panel, "area=100")
    assert_listed(qtbot, panel, four, [2, 1])
    visited = []
    for _ in range(3):
        walk.step(1)
        visited += session.selection
    assert places(four, visited) == [2, 1, 2]


# -- categories


def test_categories_are_found_by_their_beginnings_first_and_recent_ones_before_others() -> None:
    names = ["nucleus", "cell", "white cell", "concrete wall", "necrotic", "n-cell"]
    categories = [Category(number, name, "#000000") for number, name in enumerate(names)]

    def found(typed: str, *recent: int) -> list[str]:
        return [each.name for each in matching(categories, typed, recent)]

    assert found("") == names
    assert found("", 4, 2)[:2] == ["necrotic", "white cell"]
    assert found("ce") == ["cell", "white cell", "n-cell", "nucleus", "concrete wall"]
    assert found("NE", 3) == ["necrotic", "concrete wall", "nucleus", "n-cell"]
    assert found("nu") == ["nucleus"]
    assert found("leaf") == []


# -- all of it, in the window


@pytest.fixture
def working(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> MainWindow:
    """The window on two images, with proposals on the first, and the canvas focused."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(2):
        pixels = np.full((240, 320, 3), 60 + number, dtype=np.uint8)
        Picture.fromarray(pixels).save(folder / f"picture {number}.png")
    assert window.projects.open_folder(folder)
    qtbot.waitUntil(lambda: len(window.session.images) == 2 and window.session.pixels is not None)
    window.canvas.setFocus()
    qtbot.waitUntil(window.canvas.hasFocus)
    return window


def press(qtbot: QtBot, window: MainWindow, key: Qt.Key, modifier: Qt.KeyboardModifier | None = None) -> None:
    """Press a key where the focus is."""
    qtbot.keyClick(QApplication.focusWidget() or window, key, modifier or Qt.KeyboardModifier.NoModifier)


def type_text(qtbot: QtBot, text: str) -> None:
    qtbot.keyClicks(QApplication.focusWidget(), text)


def test_an_image_is_reviewed_by_keys_alone(qtbot: QtBot, working: MainWindow) -> None:
    session, canvas = working.session, working.canvas
    low, high, middle, wrong = propose(
        session, (200, 150, 12, 0.51), (10, 10, 12, 0.9), (90, 90, 12, 0.6), (20, 200, 12, 0.55)
    )
    first = session.image
    assert first is not None

    press(qtbot, working, KEY.Key_U)
    assert session.selection == (low.id,)
    zoomed = canvas.zoom
    assert zoomed > 1
    assert canvas.rect().contains(*map(round, canvas.image_to_widget(206, 156)))
    press(qtbot, working, KEY.Key_Return)
    assert session.selection == (wrong.id,)
    assert canvas.rect().contains(*map(round, canvas.image_to_widget(26, 206)))
    press(qtbot, working, KEY.Key_X)
    assert session.selection == (middle.id,)

    press(qtbot, working, KEY.Key_C)
    type_text(qtbot, "fungus")
    press(qtbot, working, KEY.Key_Return)
    qtbot.waitUntil(canvas.hasFocus)
    fungus = session.categories[session.instances[middle.id].category_id]
    assert fungus.name == "fungus"

    press(qtbot, working, KEY.Key_Slash)
    type_text(qtbot, "status:proposal")
    press(qtbot, working, KEY.Key_Return)
    press(qtbot, working, KEY.Key_Return)
    qtbot.waitUntil(canvas.hasFocus)
    qtbot.waitUntil(lambda: working.instances.model.ids == [high.id])
    press(qtbot, working, KEY.Key_L, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    assert session.selection == (high.id,)
    press(qtbot, working, KEY.Key_C)
    press(qtbot, working, KEY.Key_Escape)
    assert canvas.hasFocus()
    press(qtbot, working, KEY.Key_C)
    type_text(qtbot, "fu")
    press(qtbot, working, KEY.Key_Return)
    assert session.instances[high.id].category_id == fungus.id
    assert session.active_category_id == fungus.id

    press(qtbot, working, KEY.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert session.image is not None
    assert session.image.id != first.id
    assert session.images[first.id].status is ImageStatus.ACCEPTED
    assert session.project is not None
    decided = {each.id: each.state for each in session.project.instances(first.id)}
    accepted, rejected = InstanceState.ACCEPTED, InstanceState.REJECTED
    assert decided == {low.id: accepted, high.id: accepted, middle.id: accepted, wrong.id: rejected}


def test_selections_by_category_and_their_inverse(qtbot: QtBot, working: MainWindow) -> None:
    session = working.session
    one, two, three = propose(session, (10, 10, 12, 0.9), (90, 90, 12, 0.9), (150, 20, 12, 0.9))
    press(qtbot, working, KEY.Key_C)
    type_text(qtbot, "other")
    press(qtbot, working, KEY.Key_Return)
    session.select([one.id])
    press(qtbot, working, KEY.Key_1 if next(iter(session.categories)) != one.category_id else KEY.Key_2)
    session.select([two.id])
    press(qtbot, working, KEY.Key_C, Qt.KeyboardModifier.ShiftModifier)
    assert set(session.selection) == {two.id, three.id}
    press(qtbot, working, KEY.Key_I, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    assert session.selection == (one.id,)


def test_the_order_is_remembered(window: MainWindow) -> None:
    window.session.instance_order.set(Order.AREA)
    assert Preferences().order is Order.AREA


def test_the_command_to_filter_leads_to_the_field(qtbot: QtBot, working: MainWindow) -> None:
    working.docks.reveal("history")
    working.actions_["filter_instances"].trigger()
    qtbot.waitUntil(working.instances.filter.field.isVisible)
    assert QApplication.focusWidget() is working.instances.filter.field
