"""Promises of the key editor and the key sheet: every key can be changed by keyboard alone, and applies at once."""

from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QApplication, QLabel, QPushButton
from pytestqt.qtbot import QtBot

from app.key_bindings import key_bindings, key_hint, keys_of
from app.key_editor import KeyEditor
from app.key_list import CLASHES_ROLE
from app.key_profiles import PROFILES_BY_ID, Keymap
from app.key_sheet import KeySheet
from app.window import MainWindow
from engine.user_folders import config_folder

CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


@pytest.fixture(autouse=True)
def leave_no_window() -> None:
    """Delete the window of the test before, which a dialog keeps until an event loop runs."""
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)


@pytest.fixture
def editor(qtbot: QtBot, window: MainWindow) -> KeyEditor:
    """The editor as the command opens it."""
    window.actions_["customise_keys"].trigger()
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, KeyEditor)
    return dialog


def press(qtbot: QtBot, key: Qt.Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    """Press a key where the focus is."""
    target = QApplication.focusWidget()
    assert target is not None
    qtbot.keyClick(target, key, modifier)


def go_to(qtbot: QtBot, editor: KeyEditor, words: str) -> None:
    """Find a command by typing, and go to the list, by keyboard alone."""
    editor.field.setFocus()
    editor.field.clear()
    qtbot.keyClicks(editor.field, words)
    while QApplication.focusWidget() is not editor.list:
        press(qtbot, Qt.Key.Key_Tab)


def test_a_key_is_added_by_keyboard_alone_and_calls_the_command_at_once(
    qtbot: QtBot, window: MainWindow, editor: KeyEditor
) -> None:
    go_to(qtbot, editor, "Fit Image")
    press(qtbot, Qt.Key.Key_Return)
    assert editor.details.is_waiting
    press(qtbot, Qt.Key.Key_F7, SHIFT)
    assert key_bindings().keymap.keys["fit"] == ("F", "Shift+F7")
    assert window.actions_["fit"].shortcuts() == [QKeySequence("F"), QKeySequence("Shift+F7")]
    assert editor.list.hasFocus()


@pytest.mark.parametrize(
    ("key", "modifier", "recorded"),
    [
        (Qt.Key.Key_Tab, CTRL, "Ctrl+Tab"),
        (Qt.Key.Key_Enter, SHIFT, "Shift+Return"),
        (Qt.Key.Key_F5, SHIFT, "Shift+F5"),
        (Qt.Key.Key_Question, SHIFT | CTRL, "Ctrl+Shift+?"),
        (Qt.Key.Key_Delete, CTRL, "Ctrl+Del"),
    ],
)
def test_keys_of_every_kind_are_recorded(
    qtbot: QtBot, editor: KeyEditor, key: Qt.Key, modifier: Qt.KeyboardModifier, recorded: str
) -> None:
    editor.choose("fit")
    editor.list.setFocus()
    press(qtbot, Qt.Key.Key_Return)
    press(qtbot, key, modifier)
    assert key_bindings().keymap.keys["fit"] == ("F", recorded)


def test_a_key_of_another_command_is_shown_in_both_rows_and_taken_only_on_demand(
    qtbot: QtBot, window: MainWindow, editor: KeyEditor
) -> None:
    def clashing() -> set[str]:
        rows = range(editor.model.rowCount())
        found = [editor.model.command_at(row) for row in rows if editor.model.index(row).data(CLASHES_ROLE)]
        return {command.id for command in found if command is not None}

    editor.choose("accept")
    editor.list.setFocus()
    for answer in (Qt.Key.Key_Escape, Qt.Key.Key_Return):  # Enter is on Cancel at first
        press(qtbot, Qt.Key.Key_Return)
        press(qtbot, Qt.Key.Key_D)
        assert clashing() == {"accept", "next_image"}
        assert "Next Image" in editor.details.yes_button.text()
        press(qtbot, answer)
        assert clashing() == set()
        assert key_bindings().keymap == Keymap()
    press(qtbot, Qt.Key.Key_Return)
    press(qtbot, Qt.Key.Key_D)
    press(qtbot, Qt.Key.Key_Tab)
    press(qtbot, Qt.Key.Key_Return)
    assert key_bindings().keymap.keys["accept"] == ("Return", "D")
    assert key_bindings().keymap.keys["next_image"] == ("PgDown",)
    assert QKeySequence("D") not in window.actions_["next_image"].shortcuts()
    assert window.actions_["next_image"].toolTip() == "Next Image (PgDown)"


def test_backspace_takes_the_keys_away_and_reset_gives_them_back(qtbot: QtBot, editor: KeyEditor) -> None:
    editor.choose("redo")
    editor.list.setFocus()
    press(qtbot, Qt.Key.Key_Backspace)
    assert key_bindings().keymap.keys["redo"] == ()
    editor.details.reset_button.click()
    assert key_bindings().keymap.keys["redo"] == ("Ctrl+Shift+Z", "Ctrl+Y")
    first = next(each for each in editor.details.findChildren(QPushButton) if each.text().startswith("Ctrl+Shift+Z"))
    first.click()
    assert key_bindings().keymap.keys["redo"] == ("Ctrl+Y",)


def test_a_reset_that_takes_a_key_from_another_change_asks_first(qtbot: QtBot, editor: KeyEditor) -> None:
    key_bindings().change(Keymap().without_keys("fit").with_key("zoom_in", "F"))
    editor.choose("fit")
    editor.details.reset_button.click()
    assert key_bindings().keymap.keys["fit"] == ()
    editor.details.yes_button.click()
    assert key_bindings().keymap.keys["fit"] == ("F",)
    assert "F" not in key_bindings().keymap.keys["zoom_in"]


@pytest.mark.parametrize("key", [Qt.Key.Key_Space, Qt.Key.Key_Left, Qt.Key.Key_Tab])
def test_keys_of_the_canvas_and_of_controls_are_refused_in_words(qtbot: QtBot, editor: KeyEditor, key: Qt.Key) -> None:
    editor.choose("fit")
    editor.list.setFocus()
    press(qtbot, Qt.Key.Key_Return)
    press(qtbot, key)
    assert key_bindings().keymap == Keymap()
    assert any(QKeySequence(key).toString() in each.text() for each in editor.details.findChildren(QLabel))


def test_pressing_a_key_finds_what_it_does(qtbot: QtBot, editor: KeyEditor) -> None:
    find = next(each for each in editor.findChildren(QPushButton) if each.text() == "Find by Key")
    for key, command_id in ((Qt.Key.Key_X, "reject"), (Qt.Key.Key_F1, "keys"), (Qt.Key.Key_3, "category_3")):
        find.click()
        press(qtbot, key)
        assert editor.command is not None
        assert editor.command.id == command_id
    find.click()
    press(qtbot, Qt.Key.Key_F8)
    assert editor.command is None


def test_escape_leaves_the_recording_first_and_then_the_dialog(qtbot: QtBot, editor: KeyEditor) -> None:
    editor.choose("fit")
    editor.list.setFocus()
    press(qtbot, Qt.Key.Key_Return)
    press(qtbot, Qt.Key.Key_Escape)
    assert not editor.details.is_waiting
    assert editor.isVisible()
    press(qtbot, Qt.Key.Key_Escape)
    assert not editor.isVisible()


def test_enter_in_the_search_field_goes_to_the_list_and_presses_no_button(qtbot: QtBot, editor: KeyEditor) -> None:
    key_bindings().change(Keymap().with_key("accept", "F7"))
    next(each for each in editor.findChildren(QPushButton) if each.text() == "Reset All (1)").click()
    editor.field.setFocus()
    qtbot.keyClicks(editor.field, "fit")
    assert editor.field.hasFocus()
    press(qtbot, Qt.Key.Key_Return)
    assert editor.isVisible()
    assert editor.list.hasFocus()
    assert key_bindings().keymap.owners["F7"] == "accept"


def test_a_profile_applies_at_once_under_the_persons_own_changes(
    qtbot: QtBot, window: MainWindow, editor: KeyEditor
) -> None:
    key_bindings().change(Keymap().with_key("accept", "Q"))
    editor.profile.setFocus()
    qtbot.keyClicks(editor.profile, "C")
    keymap = key_bindings().keymap
    assert keymap.profile.id == "cvat"
    assert keymap.owners["F"] == "next_image"
    assert keymap.owners["Q"] == "accept"
    assert window.actions_["category_2"].shortcuts() == [QKeySequence("Ctrl+2")]


def test_every_change_can_be_forgotten_at_once_after_a_question(qtbot: QtBot, editor: KeyEditor) -> None:
    key_bindings().change(Keymap(PROFILES_BY_ID["labelme"]).with_key("accept", "S"))
    reset = next(each for each in editor.findChildren(QPushButton) if each.text() == "Reset All (1)")
    reset.click()
    assert key_bindings().keymap.owners["S"] == "accept"
    editor.details.yes_button.click()
    assert key_bindings().keymap == Keymap(PROFILES_BY_ID["labelme"])


def test_keys_come_from_a_file_and_a_broken_one_changes_nothing(editor: KeyEditor, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_text('{"version": 1, "profile": "cvat", "keys": {"accept": ["Q"]}}')
    bad.write_text("{}")
    editor.import_keys(bad)
    assert key_bindings().keymap == Keymap()
    editor.import_keys(good)
    assert key_bindings().keymap.owners["Q"] == "accept"
    editor.import_keys(good)  # now there are own changes to lose
    assert editor.details.is_waiting


def test_texts_name_the_keys_that_there_are(window: MainWindow) -> None:
    assert (keys_of("accept_image"), key_hint("tool_brush")) == ("Ctrl+Enter", " (B)")
    key_bindings().change(Keymap().with_key("tool_brush", "Q").without_key("tool_brush", "B").without_keys("accept"))
    assert (key_hint("tool_brush"), key_hint("accept")) == (" (Q)", "")
    assert window.actions_["tool_brush"].toolTip().startswith("Brush (Q)")


def test_a_broken_file_of_keys_is_told_in_the_window(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.setenv("MASKWRIGHT_HOME", str(tmp_path / "home"))
    config_folder().mkdir(parents=True)
    (config_folder() / "keys.json").write_text("not json")
    window: MainWindow = request.getfixturevalue("window")
    assert window.notices.text.startswith("keys.json is not a file of keys.")
    assert not (config_folder() / "keys.json").exists()


def listed(sheet: KeySheet) -> set[str]:
    return {cap for group in sheet.page.shown for entry in group.entries for cap in entry.caps}


def test_the_sheet_lists_every_key_in_use_and_follows_a_change(qtbot: QtBot, window: MainWindow) -> None:
    sheet = KeySheet(window)
    sheet.show()
    assert {"B", "Ctrl+Enter", "Space", "Esc", "Wheel", "9"} <= listed(sheet)
    key_bindings().change(Keymap(PROFILES_BY_ID["cvat"]).with_key("tool_brush", "Q"))
    assert {"Q", "Ctrl+9", "Shift+Del"} <= listed(sheet)
    assert "9" not in listed(sheet)
    assert any(each.text() == "CVAT, with your changes" for each in sheet.findChildren(QLabel))


def test_the_sheet_is_searched_by_words_and_by_keys(qtbot: QtBot, window: MainWindow) -> None:
    sheet = KeySheet(window)
    sheet.show()
    qtbot.keyClicks(sheet.field, "zoom out")
    assert listed(sheet) == {"Ctrl+-"}
    sheet.field.clear()
    qtbot.keyClicks(sheet.field, "ctrl+enter")
    assert listed(sheet) == {"Ctrl+Enter"}
    qtbot.keyClicks(sheet.field, "nonsense")
    assert listed(sheet) == set()


def test_enter_in_the_sheet_closes_it(qtbot: QtBot, window: MainWindow) -> None:
    window.actions_["keys"].trigger()
    sheet = QApplication.activeModalWidget()
    assert isinstance(sheet, KeySheet)
    qtbot.keyClick(sheet.field, Qt.Key.Key_Return)
    assert not sheet.isVisible()
    assert QApplication.activeModalWidget() is None


def test_the_sheet_leads_to_the_editor(qtbot: QtBot, window: MainWindow) -> None:
    window.actions_["keys"].trigger()
    sheet = QApplication.activeModalWidget()
    assert isinstance(sheet, KeySheet)
    next(each for each in sheet.findChildren(QPushButton) if each.text() == "Customise Keys…").click()
    qtbot.waitUntil(lambda: isinstance(QApplication.activeModalWidget(), KeyEditor))
