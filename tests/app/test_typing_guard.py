"""Promise of the window: what is typed into a field is typed, whatever keys the commands have."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QDateEdit,
    QDialog,
    QDoubleSpinBox,
    QLineEdit,
    QPlainTextEdit,
    QSpinBox,
    QTextEdit,
    QWidget,
)
from pytestqt.qtbot import QtBot

from app.dataset_dialogs import ExportDialog, ImportDialog
from app.key_bindings import key_bindings
from app.key_editor import KeyEditor
from app.key_profiles import PROFILES, Keymap, Profile
from app.key_sheet import KeySheet
from app.pages_dialog import PagesDialog
from app.tools.base import Tool
from app.tools.options import Number
from app.window import MainWindow

Kinds = tuple[type[QWidget], ...]
FIELDS: Kinds = (QLineEdit, QAbstractSpinBox, QPlainTextEdit, QTextEdit)


class Sized(Tool):
    """A tool with a number to set."""

    def options(self) -> tuple[Number]:
        return (Number("Size", "How large", 1, 500, 20, 1, "px"),)


@pytest.fixture
def working(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> MainWindow:
    """The window with a project of three images open."""
    images = tmp_path / "pictures"
    images.mkdir()
    for number in range(3):
        Picture.fromarray(np.full((60, 80, 3), 40 * number, dtype=np.uint8)).save(images / f"{number}.png")
    assert window.projects.open_folder(images)
    qtbot.waitUntil(lambda: len(window.session.images) == 3 and window.session.pixels is not None)
    return window


@pytest.fixture
def fired(working: MainWindow) -> list[str]:
    """The commands that fire, as they do; none does anything."""
    calls: list[str] = []
    for command_id in key_bindings().keymap.keys:
        action = working.actions_[command_id]
        action.setEnabled(True)
        action.triggered.disconnect()
        action.triggered.connect(_noting(calls, command_id))
    return calls


def _noting(calls: list[str], command_id: str) -> Callable[..., None]:
    return lambda *_: calls.append(command_id)


def single_keys(profile: Profile) -> list[str]:
    """Every key of a profile that takes no Ctrl, Alt or Meta, the function keys aside."""
    keys = [
        key
        for key in Keymap(profile).owners
        if not key.startswith(("Ctrl", "Alt", "Meta")) and not re.fullmatch(r"(.*\+)?F\d+", key)
    ]
    assert {"B", "[", "Return", "Del", "Shift+E", "PgUp", "?", "Backspace"} <= set(keys)
    return keys


def press(qtbot: QtBot, target: QWidget, key: str) -> None:
    """Press a key of a keymap on a widget, with the text that a keyboard gives."""
    chord = QKeySequence(key)[0]  # type: ignore[index]
    text = key if len(key) == 1 else ""
    modifiers = chord.keyboardModifiers()
    event = QKeyEvent(QKeyEvent.Type.KeyPress, chord.key(), modifiers, text.lower())
    qtbot.keyClick(target, Qt.Key(event.key()), modifiers)


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.id)
def test_no_single_key_fires_while_a_field_of_the_window_has_the_focus(
    qtbot: QtBot, working: MainWindow, fired: list[str], profile: Profile
) -> None:
    key_bindings().change(Keymap(profile))
    fields = every_field(working)
    assert working.images.field in fields
    for field in fields:
        for key in single_keys(profile):
            field.setFocus()
            assert QApplication.focusWidget() is field
            press(qtbot, field, key)
            assert fired == [], f"{key} in {type(field).__name__} {field.accessibleName()}"


def every_field(window: MainWindow) -> list[QWidget]:
    """Every field of the window that can have the focus, those of hidden panels brought to the front."""
    for name in ("instances", "model", "history", "quality", "categories", "images"):
        window.docks.reveal(name)
    QApplication.processEvents()
    editor = rename_first_category(window)
    found = [each for kind in FIELDS for each in window.findChildren(kind)]
    found += [each for each in window.findChildren(QComboBox) if each.isEditable()]
    # The line inside of a spin box or a combo box leaves the focus to it.
    shown = [each for each in found if each.isVisible() and each.isEnabled() and each.focusProxy() is None]
    assert editor in shown
    return [each for each in shown if each is not editor]


def rename_first_category(window: MainWindow) -> QWidget:
    """Begin to rename a category in its list; returns the field for it."""
    view = window.categories.list
    window.categories.field.setText("cell")
    window.categories.add()
    view.setCurrentIndex(view.model().index(0, 0))
    view.edit(view.currentIndex())
    editor = view.findChild(QLineEdit)
    assert isinstance(editor, QLineEdit)
    return editor


def test_typing_a_name_into_the_list_of_categories_types_it(
    qtbot: QtBot, working: MainWindow, fired: list[str]
) -> None:
    editor = rename_first_category(working)
    editor.setFocus()
    editor.selectAll()
    qtbot.keyClicks(editor, "bad 123 [x]?")
    assert editor.text() == "bad 123 [x]?"
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: [each.name for each in working.session.categories.values()] == ["bad 123 [x]?"])
    assert fired == []


@pytest.mark.parametrize("kind", [QLineEdit, QPlainTextEdit, QTextEdit, QSpinBox, QDoubleSpinBox, QDateEdit, QComboBox])
def test_a_field_of_any_kind_keeps_what_is_typed(
    qtbot: QtBot, working: MainWindow, fired: list[str], kind: type[QWidget]
) -> None:
    field = kind(working.workplace)
    if isinstance(field, QComboBox):
        field.setEditable(True)
    field.show()
    field.setFocus()
    for key in single_keys(PROFILES[0]):
        press(qtbot, field, key)
    assert fired == []


def test_numbers_typed_into_the_option_bar_choose_no_category(
    qtbot: QtBot, working: MainWindow, fired: list[str]
) -> None:
    working.workplace.option_bar.show_tool(Sized(), "Sized", "")
    field = working.workplace.option_bar.findChildren(QDoubleSpinBox)[0]
    field.setFocus()
    field.selectAll()
    qtbot.keyClicks(field, "12")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert field.value() == 12
    assert fired == []


def test_keys_with_ctrl_and_function_keys_are_commands_in_a_field_too(
    qtbot: QtBot, working: MainWindow, fired: list[str]
) -> None:
    field = working.images.field
    field.setFocus()
    qtbot.keyClick(field, Qt.Key.Key_F1)
    qtbot.keyClick(field, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert fired == ["keys", "accept_image"]


def test_lists_and_buttons_leave_the_letters_to_the_commands(
    qtbot: QtBot, working: MainWindow, fired: list[str]
) -> None:
    for target in (working.images.list, working.instances.list, working.categories.list, working.canvas):
        target.setFocus()
        qtbot.keyClick(target, Qt.Key.Key_D)
    assert fired == ["next_image"] * 4


def test_nothing_of_the_window_fires_on_what_is_typed_into_a_dialog(
    qtbot: QtBot, working: MainWindow, fired: list[str]
) -> None:
    project = working.session.project
    assert project is not None
    dialogs: list[QDialog] = [
        ExportDialog(project.path, working),
        ImportDialog(new=False, parent=working),
        PagesDialog({Path("pages.tif"): 3}, working),
        KeyEditor(working),
        KeySheet(working),
    ]
    for dialog in dialogs:
        dialog.open()
        dialog.activateWindow()
        qtbot.waitUntil(dialog.isActiveWindow)
        fields = [field for kind in FIELDS for field in dialog.findChildren(kind) if field.focusProxy() is None]
        assert fields
        for field in fields:
            field.setFocus()
            for key in single_keys(PROFILES[0]):
                if key not in ("Return", "Tab", "Shift+Tab"):  # they accept the dialog, or walk through it
                    press(qtbot, field, key)
        dialog.close()
    assert fired == []
