"""Commands on the selected masks by key and menu: the pixels are the oracle's, each is one step, locks hold."""

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image as Picture
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QToolButton
from pytestqt.qtbot import QtBot

from app.window import MainWindow
from engine.geometry.mask import Bitmap, Mask
from engine.project import Action, commands
from engine.records import Instance, InstanceState

WIDTH, HEIGHT = 160, 120
CONTROL, SHIFT, NONE = (
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.NoModifier,
)
LEFT = Qt.MouseButton.LeftButton
Add = Callable[..., Instance]


@pytest.fixture
def working(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> MainWindow:
    """The window with two images open, of 160 x 120 and of 100 x 80, with the categories cell and nucleus."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name, size in (("a.png", (HEIGHT, WIDTH)), ("b.png", (80, 100))):
        Picture.fromarray(np.random.default_rng(1).integers(0, 255, (*size, 3), dtype=np.uint8)).save(folder / name)
    assert window.projects.open_folder(folder)
    session = window.session
    qtbot.waitUntil(lambda: len(session.images) == 2 and session.pixels is not None)
    assert session.project is not None
    for name in ("cell", "nucleus"):
        session.apply(commands.add_category(session.project.new_category_id(), name, "#0072b2"))
    window.canvas.setFocus()
    qtbot.waitUntil(window.canvas.hasFocus)
    return window


@pytest.fixture
def add(working: MainWindow) -> Add:
    """Draws an accepted instance with a mask on the current image and returns it."""

    def draw(mask: Mask, category: str = "cell") -> Instance:
        session = working.session
        assert session.project is not None
        assert session.image is not None
        category_id = next(one.id for one in session.categories.values() if one.name == category)
        new_id = session.project.new_instance_id()
        assert session.apply(commands.draw(new_id, session.image.id, category_id, mask))
        return session.instances[new_id]

    return draw


def square(x: int, y: int, side: int) -> Mask:
    return Mask.from_crop(np.ones((side, side), dtype=bool), x, y)


def ragged() -> Mask:
    """A square with a hole and a speck beside it."""
    bitmap = np.zeros((HEIGHT, WIDTH), dtype=bool)
    bitmap[20:60, 20:60] = True
    bitmap[30:36, 30:36] = False
    bitmap[70:72, 70:73] = True
    return Mask.from_full(bitmap)


def full(mask: Mask) -> Bitmap:
    return mask.to_full(HEIGHT, WIDTH)


def stored(window: MainWindow, instance_id: int) -> Bitmap:
    """The mask as the project file has it."""
    assert window.session.project is not None
    return full(window.session.project.instance(instance_id).mask)


def steps(window: MainWindow) -> int:
    assert window.session.project is not None
    return len(window.session.project.history(None))


def key(window: MainWindow, code: Qt.Key, modifiers: Qt.KeyboardModifier = NONE) -> None:
    QTest.keyClick(window.canvas, code, modifiers)


def disc(radius: int) -> np.ndarray:
    rows, columns = np.indices((2 * radius + 1, 2 * radius + 1)) - radius
    return (rows**2 + columns**2 <= radius**2).astype(np.uint8)


def filled() -> Bitmap:
    result = full(ragged())
    result[30:36, 30:36] = True
    return result


SHAPES = {
    "fill_holes": filled,
    "remove_specks": lambda: full(ragged().subtract(square(68, 68, 9))),
    "keep_largest": lambda: full(ragged().subtract(square(68, 68, 9))),
    "grow": lambda: cv2.dilate(full(ragged()).astype(np.uint8), disc(2)).astype(bool),
    "shrink": lambda: cv2.erode(full(ragged()).astype(np.uint8), disc(2)).astype(bool),
}


@pytest.mark.parametrize("command", SHAPES)
def test_a_command_shapes_the_whole_selection_in_one_step(working: MainWindow, add: Add, command: str) -> None:
    session = working.session
    both, untouched = [add(ragged()), add(ragged(), "nucleus")], add(ragged())
    session.select(one.id for one in both)
    before = steps(working)
    working.actions_[command].trigger()
    for one in both:
        np.testing.assert_array_equal(stored(working, one.id), SHAPES[command]())
    assert session.instances[untouched.id] == untouched
    assert steps(working) == before + 1
    working.actions_["undo"].trigger()
    for one in both:
        np.testing.assert_array_equal(stored(working, one.id), full(ragged()))


def test_the_amount_is_that_of_the_bar(working: MainWindow, add: Add) -> None:
    instance = add(square(40, 40, 20))
    working.session.select([instance.id])
    working.canvas.shaping.amount.set(7)
    key(working, Qt.Key.Key_Period)
    expected = cv2.dilate(full(instance.mask).astype(np.uint8), disc(7)).astype(bool)
    np.testing.assert_array_equal(stored(working, instance.id), expected)
    key(working, Qt.Key.Key_Comma)
    expected = cv2.erode(expected.astype(np.uint8), disc(7)).astype(bool)
    np.testing.assert_array_equal(stored(working, instance.id), expected)


def test_the_bars_buttons_are_the_commands(working: MainWindow, add: Add) -> None:
    instance = add(ragged())
    working.session.select([instance.id])
    buttons = {each.accessibleName(): each for each in working.workplace.option_bar.findChildren(QToolButton)}
    QTest.mouseClick(buttons["Fill Holes"], LEFT)
    np.testing.assert_array_equal(stored(working, instance.id), filled())


@pytest.mark.parametrize(
    ("command", "combine"),
    [
        ("union", np.logical_or),
        ("subtract", lambda one, other: one & ~other),
        ("intersect", np.logical_and),
    ],
)
def test_the_first_selected_is_combined_with_the_others(
    working: MainWindow, add: Add, command: str, combine: Callable[[Bitmap, Bitmap], Bitmap]
) -> None:
    other, first = add(square(30, 30, 20)), add(ragged())
    working.session.select([first.id, other.id])
    working.actions_[command].trigger()
    np.testing.assert_array_equal(stored(working, first.id), combine(full(ragged()), full(other.mask)))
    assert working.session.instances[other.id] == other


def test_merged_instances_are_one(working: MainWindow, add: Add) -> None:
    first, second = add(square(10, 10, 20)), add(square(60, 10, 20), "nucleus")
    working.session.select([second.id, first.id])
    key(working, Qt.Key.Key_M)
    assert list(working.session.instances) == [second.id]
    np.testing.assert_array_equal(stored(working, second.id), full(first.mask) | full(second.mask))
    assert working.session.selection == (second.id,)


def test_touching_objects_are_split_and_both_selected(qtbot: QtBot, working: MainWindow, add: Add) -> None:
    rows, columns = np.indices((HEIGHT, WIDTH)) + 0.5
    both = (np.hypot(columns - 50, rows - 60) <= 30) | (np.hypot(columns - 105, rows - 60) <= 30)
    instance = add(Mask.from_full(both), "nucleus")
    session = working.session
    session.select([instance.id])
    working.actions_["split_watershed"].trigger()
    qtbot.waitUntil(lambda: len(session.instances) == 2, timeout=20000)
    pieces = list(session.instances.values())
    assert set(session.selection) == {one.id for one in pieces}
    assert instance.id in session.selection
    assert {one.category_id for one in pieces} == {instance.category_id}
    np.testing.assert_array_equal(stored(working, pieces[0].id) | stored(working, pieces[1].id), both)
    assert not pieces[0].mask.overlaps(pieces[1].mask)


def test_noise_is_not_split_into_thousands(qtbot: QtBot, working: MainWindow, add: Add) -> None:
    dots = np.zeros((HEIGHT, WIDTH), dtype=bool)
    dots[::3, ::3] = True
    instance = add(Mask.from_full(dots))
    working.session.select([instance.id])
    working.actions_["split_watershed"].trigger()
    qtbot.waitUntil(lambda: "2,159 new instances" in working.notices.text, timeout=20000)
    assert list(working.session.instances) == [instance.id]


def test_arrow_keys_move_by_one_pixel_and_with_shift_by_ten(working: MainWindow, add: Add) -> None:
    instance = add(square(40, 40, 20))
    key(working, Qt.Key.Key_Right)
    assert working.session.instances[instance.id] == instance
    working.session.select([instance.id])
    key(working, Qt.Key.Key_Right)
    key(working, Qt.Key.Key_Up)
    key(working, Qt.Key.Key_Down, SHIFT)
    np.testing.assert_array_equal(stored(working, instance.id), full(square(41, 49, 20)))
    for _ in range(9):
        key(working, Qt.Key.Key_Left, SHIFT)
    assert working.session.instances[instance.id].mask == square(1, 49, 20)
    assert working.notices.text.startswith("It would leave the image.")


def test_copies_are_pasted_on_another_image_and_end_at_its_border(working: MainWindow, add: Add) -> None:
    session = working.session
    chosen = [add(ragged()), add(square(90, 30, 20), "nucleus"), add(square(120, 90, 20))]
    session.select(one.id for one in chosen)
    key(working, Qt.Key.Key_C, CONTROL)
    session.step_image(1)
    key(working, Qt.Key.Key_V, CONTROL)
    pasted = list(session.instances.values())
    assert [one.mask for one in pasted] == [chosen[0].mask, chosen[1].mask.clip(100, 80)]
    assert [one.category_id for one in pasted] == [chosen[0].category_id, chosen[1].category_id]
    assert {one.state for one in pasted} == {InstanceState.ACCEPTED}
    assert session.selection == tuple(one.id for one in pasted)
    assert working.notices.text.startswith("1 instance lies outside")


def test_what_is_cut_is_gone_until_it_is_pasted(working: MainWindow, add: Add) -> None:
    session = working.session
    instance = add(ragged())
    session.select([instance.id])
    key(working, Qt.Key.Key_X, CONTROL)
    assert session.instances == {}
    key(working, Qt.Key.Key_V, CONTROL)
    (back,) = session.instances.values()
    assert (back.mask, back.category_id) == (instance.mask, instance.category_id)


def test_categories_are_matched_by_name_and_missing_ones_become_the_active_one(working: MainWindow, add: Add) -> None:
    session = working.session
    instance = add(ragged(), "nucleus")
    session.select([instance.id])
    key(working, Qt.Key.Key_C, CONTROL)
    nucleus = session.categories[instance.category_id]
    session.apply(commands.rename_category(nucleus, "debris"))
    key(working, Qt.Key.Key_V, CONTROL)
    (pasted,) = session.selected_instances()
    assert pasted.category_id == session.active_category_id != instance.category_id
    assert "no category nucleus" in working.notices.text


def test_what_is_copied_is_a_coco_document(working: MainWindow, add: Add) -> None:
    working.session.select([add(ragged()).id])
    key(working, Qt.Key.Key_C, CONTROL)
    document = json.loads(QGuiApplication.clipboard().text())
    (annotation,) = document["annotations"]
    assert annotation["area"] == ragged().area
    assert annotation["segmentation"]["size"] == [HEIGHT, WIDTH]
    assert document["categories"] == [{"id": annotation["category_id"], "name": "cell"}]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a word",
        "[]",
        '{"annotations": []}',
        '{"info": {"description": "Instances copied from Maskwright"}, "annotations": [{}]}',
    ],
)
def test_foreign_text_is_ignored_in_words(working: MainWindow, text: str) -> None:
    QGuiApplication.clipboard().setText(text)
    before = steps(working)
    key(working, Qt.Key.Key_V, CONTROL)
    assert working.notices.text.startswith("The clipboard holds no instances.")
    assert steps(working) == before


def test_duplicates_are_selected_and_move_away_from_their_originals(working: MainWindow, add: Add) -> None:
    instance = add(ragged())
    working.session.select([instance.id])
    key(working, Qt.Key.Key_D, CONTROL)
    key(working, Qt.Key.Key_Right, SHIFT)
    (copy,) = working.session.selected_instances()
    assert copy.id != instance.id
    assert copy.mask == Mask(30, 20, ragged().bitmap)
    assert working.session.instances[instance.id] == instance


def test_nothing_changes_a_locked_instance(working: MainWindow, add: Add) -> None:
    session = working.session
    instance = add(ragged())
    session.select([instance.id])
    key(working, Qt.Key.Key_L, CONTROL)
    locked = session.instances[instance.id]
    assert locked.locked
    before = steps(working)
    session.set_active_category(None)
    for command in ("fill_holes", "grow", "nudge_left", "cut", "delete", "reject", "smooth"):
        working.actions_[command].trigger()
        assert "locked" in working.notices.text, command
        working.notices.hide()
    QTest.keyClick(working, Qt.Key.Key_2)
    for tool in ("tool_brush", "tool_eraser", "tool_cut"):
        working.actions_[tool].trigger()
        start, end = (QPoint(*map(round, working.canvas.image_to_widget(x, 40))) for x in (5, 75))
        QTest.mousePress(working.canvas, LEFT, NONE, start)
        QTest.mouseMove(working.canvas, end)
        QTest.mouseRelease(working.canvas, LEFT, NONE, end)
        assert "locked" in working.notices.text, tool
        working.notices.hide()
    assert session.instances[instance.id] == locked
    assert steps(working) == before
    key(working, Qt.Key.Key_L, CONTROL)
    assert not session.instances[instance.id].locked


def test_others_are_hidden_and_shown_again(working: MainWindow, add: Add) -> None:
    session = working.session
    chosen, *others = [add(square(10 * number, 10, 8)) for number in range(4)]
    session.select([chosen.id])
    key(working, Qt.Key.Key_H, CONTROL | SHIFT)
    assert [one.id for one in session.shown_instances()] == [chosen.id]
    working.actions_["show_all"].trigger()
    assert {one.id for one in session.shown_instances()} == {chosen.id, *(one.id for one in others)}


def test_with_nothing_selected_a_command_says_so(working: MainWindow) -> None:
    before = steps(working)
    for command in ("fill_holes", "merge", "split_watershed", "duplicate", "copy", "cut", "lock", "hide_others"):
        working.notices.hide()
        working.actions_[command].trigger()
        assert working.notices.text == "Select an instance first.", command
    assert steps(working) == before


@pytest.fixture
def at_work(working: MainWindow, monkeypatch: pytest.MonkeyPatch) -> MainWindow:
    """As if every mask were large: all work goes through the thread."""
    monkeypatch.setattr("app.tools.shaping.MOST_AT_ONCE", -1)
    return working


def test_large_masks_change_when_the_thread_is_through(qtbot: QtBot, at_work: MainWindow, add: Add) -> None:
    instance = add(ragged())
    at_work.session.select([instance.id])
    at_work.actions_["fill_holes"].trigger()
    assert at_work.session.instances[instance.id] == instance
    qtbot.waitUntil(lambda: at_work.session.instances[instance.id] != instance)
    np.testing.assert_array_equal(stored(at_work, instance.id), filled())


def test_what_changed_meanwhile_is_left_as_it_is(qtbot: QtBot, at_work: MainWindow, add: Add) -> None:
    session = at_work.session
    instance = add(ragged())
    session.select([instance.id])
    at_work.actions_["fill_holes"].trigger()
    session.apply(commands.recategorise([instance], 2))
    qtbot.waitUntil(lambda: "changed meanwhile" in at_work.notices.text)
    np.testing.assert_array_equal(stored(at_work, instance.id), full(ragged()))


def test_a_paste_waits_for_the_copy_before_it(qtbot: QtBot, at_work: MainWindow, add: Add) -> None:
    QGuiApplication.clipboard().setText("something else")
    session = at_work.session
    session.select([add(ragged()).id])
    key(at_work, Qt.Key.Key_C, CONTROL)
    key(at_work, Qt.Key.Key_V, CONTROL)
    qtbot.waitUntil(lambda: len(session.instances) == 2)
    assert [one.mask for one in session.instances.values()] == [ragged(), ragged()]
    assert session.project is not None
    assert session.project.history(1)[0].action is Action.PASTE


def test_work_for_a_project_that_was_closed_is_dropped(qtbot: QtBot, at_work: MainWindow, add: Add) -> None:
    assert at_work.session.project is not None
    path = at_work.session.project.path
    instance = add(ragged())
    at_work.session.select([instance.id])
    at_work.actions_["fill_holes"].trigger()
    at_work.projects.close()
    at_work.projects.open(path)
    qtbot.waitUntil(lambda: instance.id in at_work.session.instances)
    done: list[None] = []
    at_work.canvas.shaping.work(lambda: None, done.append, 1)
    qtbot.waitUntil(lambda: bool(done))
    np.testing.assert_array_equal(stored(at_work, instance.id), full(ragged()))


def test_a_project_open_for_reading_is_copied_from_only(qtbot: QtBot, working: MainWindow, add: Add) -> None:
    session = working.session
    assert session.project is not None
    path, instance = session.project.path, add(ragged())
    working.projects.close()
    working.projects.open(path, read_only=True)
    qtbot.waitUntil(lambda: instance.id in session.instances)
    session.select([instance.id])
    working.actions_["copy"].trigger()
    assert "Instances copied" in QGuiApplication.clipboard().text()
    enabled = {one for one in ("cut", "paste", "grow", "lock", "duplicate") if working.actions_[one].isEnabled()}
    assert not enabled


@pytest.mark.parametrize("command", ["fill_holes", "remove_specks", "keep_largest"])
def test_a_command_that_finds_nothing_to_change_says_so(working: MainWindow, add: Add, command: str) -> None:
    session, told = working.session, list[str]()
    session.select([add(square(20, 20, 10)).id])
    session.notice.connect(told.append)
    before = session.project.history_position if session.project is not None else None
    working.actions_[command].trigger()
    assert [text for text in told if "nothing to change" in text]
    assert session.project is not None
    assert session.project.history_position == before
