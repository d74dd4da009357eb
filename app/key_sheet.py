"""The sheet of every key and mouse gesture, made from the keymap in use."""

from PySide6.QtCore import QSize, Signal
from PySide6.QtWidgets import QDialog, QFrame, QScrollArea, QVBoxLayout, QWidget

from app.key_bindings import key_bindings
from app.key_page import Entry, Group, KeyPage
from app.key_profiles import written
from app.keymap import (
    CANVAS_HELP,
    CATEGORY_COMMANDS,
    COMMANDS,
    HELP,
    MODEL,
    MOUSE_HELP,
    PROJECT,
    Command,
)
from app.panels.parts import EmptyState, TextField, button, label, row
from app.theme import SPACING
from app.translation import tr

_SIZE = QSize(1240, 740)  # fits on a screen of 1280 x 800
_LAST = (PROJECT, MODEL, HELP)  # groups that are looked up least


class KeySheet(QDialog):
    """A page of groups: the keys of commands first, then those of the canvas, then the mouse."""

    customise = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Keyboard shortcuts"))
        self.resize(_SIZE if parent is None else _SIZE.boundedTo(parent.screen().availableSize()))
        self._profile = label("", "muted")
        self.field = TextField(tr("Search keys"), tr("Search"))
        self.field.setClearButtonEnabled(True)
        self.field.setFixedWidth(240)
        self.field.textEdited.connect(self.search)
        self.page = KeyPage()
        self.page.setAccessibleName(tr("Keys"))
        self._scroll = QScrollArea()
        self._scroll.setWidget(self.page)
        self._scroll.setWidgetResizable(True)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._nothing = EmptyState("keyboard-outline", tr("Nothing found"), tr("No command is called like this."))
        self._nothing.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(3 * SPACING, 3 * SPACING, 3 * SPACING, 2 * SPACING)
        layout.setSpacing(2 * SPACING)
        layout.addLayout(row(label(tr("Keyboard shortcuts"), "title"), self._profile, None, self.field))
        layout.addWidget(self._scroll, 1)
        layout.addWidget(self._nothing, 1)
        change = button(tr("Customise Keys…"), self._customise, tip=tr("See and change the keys of every command"))
        close = button(tr("Close"), self.accept, "primary", tr("Close this sheet"))
        close.setDefault(True)
        layout.addLayout(row(change, None, close))
        key_bindings().changed.connect(self.refresh)
        self.refresh()
        self.field.setFocus()

    def refresh(self) -> None:
        """Show the keys that there are now."""
        keymap = key_bindings().keymap
        changed = any(map(keymap.is_changed, keymap.keys))
        name = keymap.profile.name
        self._profile.setText(tr("{profile}, with your changes", profile=name) if changed else name)
        self.page.show_groups(_groups(), self.field.text())
        self._show_found()

    def search(self, words: str) -> None:
        """Show only what has every one of the words in its text, its group or its keys."""
        self.page.search(words)
        self._show_found()

    def _show_found(self) -> None:
        self._scroll.setVisible(bool(self.page.shown))
        self._nothing.setVisible(not self.page.shown)

    def _customise(self) -> None:
        self.accept()
        self.customise.emit()


def _groups() -> list[Group]:
    """Every group with what it lists; groups without a key are left out."""
    names = sorted(dict.fromkeys(command.group for command in COMMANDS), key=lambda group: group in _LAST)
    listed = [Group(name, _of_group(name)) for name in names]
    canvas = tuple(Entry(use, (written(key),)) for key, use in CANVAS_HELP)
    mouse = tuple(Entry(use, (gesture,)) for gesture, use in MOUSE_HELP)
    listed += [Group(tr("Categories"), _categories()), Group(tr("Canvas"), canvas), Group(tr("Mouse"), mouse)]
    return [group for group in listed if group.entries]


def _of_group(name: str) -> tuple[Entry, ...]:
    keys = key_bindings().keymap.keys
    commands = [command for command in COMMANDS if command.group == name and keys[command.id]]
    return tuple(Entry(command.text.rstrip("…"), _caps(command)) for command in commands)


def _categories() -> tuple[Entry, ...]:
    """In one line while each has one key and these follow each other."""
    caps = [_caps(command) for command in CATEGORY_COMMANDS]
    firsts = [each[0] if len(each) == 1 else "" for each in caps]
    if all(each[:-1] == firsts[0][:-1] and each.endswith(str(n)) for n, each in enumerate(firsts, 1)):
        return (Entry(tr("Category of the selection"), (firsts[0], "…", firsts[-1])),)
    return tuple(Entry(command.text, each) for command, each in zip(CATEGORY_COMMANDS, caps, strict=True) if each)


def _caps(command: Command) -> tuple[str, ...]:
    return tuple(written(key) for key in key_bindings().keymap.keys[command.id])
