"""The window by keyboard: each key does what it says, and none where it would be typed."""

from PySide6.QtCore import QPointF, Qt
from pytestqt.qtbot import QtBot

from app.window import MainWindow
from engine.project import commands
from engine.records import ImageStatus, InstanceState, Review
from tests.app.test_window import press, propose, states


def test_letters_step_through_images_and_choose_tools(qtbot: QtBot, working: MainWindow) -> None:
    session = working.session
    assert session.image is not None
    press(qtbot, working, Qt.Key.Key_D)
    assert session.image.id == session.order[1]
    press(qtbot, working, Qt.Key.Key_A)
    assert session.image.id == session.order[0]
    for key, name in ((Qt.Key.Key_B, "brush"), (Qt.Key.Key_E, "eraser"), (Qt.Key.Key_V, "select")):
        press(qtbot, working, key)
        assert working.canvas.tool is not None
        assert working.canvas.tool.name == name
        assert working.actions_[f"tool_{name}"].isChecked()


def test_brackets_change_the_size_of_the_brush(qtbot: QtBot, working: MainWindow) -> None:
    radius = working.canvas.brush_size.radius
    press(qtbot, working, Qt.Key.Key_BracketRight)
    assert working.canvas.brush_size.radius > radius
    press(qtbot, working, Qt.Key.Key_BracketLeft)
    press(qtbot, working, Qt.Key.Key_BracketLeft)
    assert working.canvas.brush_size.radius < radius


def test_typing_never_fires_a_shortcut(qtbot: QtBot, working: MainWindow) -> None:
    propose(working, (10, 10))
    image, tool = working.session.image, working.canvas.tool
    for field in (working.images.field, working.categories.field):
        field.setFocus()
        qtbot.waitUntil(field.hasFocus)
        qtbot.keyClicks(field, "adbevfxh123[]?")
        press(qtbot, working, Qt.Key.Key_Backspace)
        press(qtbot, working, Qt.Key.Key_Delete)
        assert field.text() == "adbevfxh123[]"
    assert working.session.image == image
    assert working.canvas.tool is tool
    assert set(states(working).values()) == {InstanceState.PROPOSAL}


def test_enter_in_a_text_field_does_not_accept_instances(qtbot: QtBot, working: MainWindow) -> None:
    ids = propose(working, (10, 10))
    working.session.select(ids)
    working.categories.field.setFocus()
    qtbot.waitUntil(working.categories.field.hasFocus)
    qtbot.keyClicks(working.categories.field, "fungus")
    press(qtbot, working, Qt.Key.Key_Return)
    assert "fungus" in {each.name for each in working.session.categories.values()}
    assert states(working)[ids[0]] is InstanceState.PROPOSAL


def test_enter_accepts_and_leads_on_to_the_next_proposal(qtbot: QtBot, working: MainWindow) -> None:
    first, second, third = propose(working, (10, 10), (60, 10), (60, 60))
    press(qtbot, working, Qt.Key.Key_Tab)
    assert working.session.selection == (first,)
    press(qtbot, working, Qt.Key.Key_Return)
    assert working.session.selection == (second,)
    press(qtbot, working, Qt.Key.Key_X)
    assert working.session.selection == (third,)
    press(qtbot, working, Qt.Key.Key_Backspace)
    assert working.session.selection == ()
    assert states(working) == {
        first: InstanceState.ACCEPTED,
        second: InstanceState.REJECTED,
        third: InstanceState.REJECTED,
    }


def test_tab_walks_instances_on_the_canvas_and_controls_elsewhere(qtbot: QtBot, working: MainWindow) -> None:
    first, second = propose(working, (10, 10), (60, 10))
    press(qtbot, working, Qt.Key.Key_Tab)
    press(qtbot, working, Qt.Key.Key_Tab)
    assert working.session.selection == (second,)
    qtbot.keyClick(working.canvas, Qt.Key.Key_Backtab, Qt.KeyboardModifier.ShiftModifier)
    assert working.session.selection == (first,)
    working.images.field.setFocus()
    qtbot.waitUntil(working.images.field.hasFocus)
    press(qtbot, working, Qt.Key.Key_Tab)
    assert not working.images.field.hasFocus()
    assert working.session.selection == (first,)


def test_digits_choose_the_category_of_the_selection(qtbot: QtBot, working: MainWindow) -> None:
    (only,) = propose(working, (10, 10))
    working.categories.field.setText("spore")
    working.categories.add()
    working.session.select([only])
    working.canvas.setFocus()
    press(qtbot, working, Qt.Key.Key_2)
    instance = working.session.instances[only]
    assert working.session.categories[instance.category_id].name == "spore"
    assert instance.state is InstanceState.ACCEPTED
    press(qtbot, working, Qt.Key.Key_9)
    assert working.notices.text == "There is no category 9."


def test_accepting_the_image_goes_on_to_the_next_undecided_one(qtbot: QtBot, working: MainWindow) -> None:
    session = working.session
    first, second, third = session.order
    session.open_image(third)
    propose(working, (10, 10))
    press(qtbot, working, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert session.images[third].status is ImageStatus.ACCEPTED
    assert session.image is not None
    assert session.image.id == first
    press(qtbot, working, Qt.Key.Key_E, Qt.KeyboardModifier.ShiftModifier)
    assert session.images[first].status is ImageStatus.VERIFIED_EMPTY
    press(qtbot, working, Qt.Key.Key_S, Qt.KeyboardModifier.ShiftModifier)
    assert session.images[second].status is ImageStatus.SKIPPED
    assert working.notices.text == "That was the last undecided image."


def test_an_image_with_nothing_on_it_is_not_accepted_by_accident(qtbot: QtBot, working: MainWindow) -> None:
    assert working.session.image is not None
    press(qtbot, working, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert working.session.image.review is Review.OPEN
    assert "Shift+E" in working.notices.text


def test_an_image_with_an_accepted_instance_is_not_verified_as_empty(qtbot: QtBot, working: MainWindow) -> None:
    propose(working, (10, 10))
    working.actions_["select_all"].trigger()
    working.decisions.accept()
    working.decisions.verify_empty()
    assert "accepted" in working.notices.text
    assert working.session.image is not None
    assert working.session.image.review is Review.OPEN


def test_undo_and_redo_say_what_they_would_do(qtbot: QtBot, working: MainWindow) -> None:
    (only,) = propose(working, (10, 10))
    working.session.select([only])
    undo, redo = working.actions_["undo"], working.actions_["redo"]
    assert not undo.isEnabled()
    press(qtbot, working, Qt.Key.Key_Return)
    assert undo.isEnabled()
    qtbot.waitUntil(lambda: undo.text() == "Undo Accept")
    press(qtbot, working, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert redo.isEnabled()
    qtbot.waitUntil(lambda: redo.text() == "Redo Accept")
    assert states(working)[only] is InstanceState.PROPOSAL
    press(qtbot, working, Qt.Key.Key_Y, Qt.KeyboardModifier.ControlModifier)
    assert states(working)[only] is InstanceState.ACCEPTED


def test_undo_takes_back_the_last_vertex_of_an_open_polygon_before_the_last_edit(
    qtbot: QtBot, working: MainWindow
) -> None:
    (proposal,) = propose(working, (10, 10))
    working.session.apply(commands.accept([working.session.instances[proposal]]))
    working.workplace.choose_tool("polygon")
    canvas, polygon = working.canvas, working.canvas.tool
    assert polygon is not None
    for x, y in ((20, 20), (60, 20), (60, 60)):
        place = QPointF(*canvas.image_to_widget(x, y)).toPoint()
        qtbot.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=place)
    for _ in range(3):
        assert polygon.taken_keys()
        press(qtbot, working, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert not polygon.taken_keys()
    assert states(working) == {proposal: InstanceState.ACCEPTED}
    press(qtbot, working, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert states(working) == {proposal: InstanceState.PROPOSAL}
