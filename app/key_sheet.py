"""The sheet of every key and mouse gesture, made from the keymap in use."""

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QDialog, QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from app.key_bindings import key_bindings
from app.key_profiles import written
from app.keymap import (
    BOUND_COMMANDS,
    CANVAS_HELP,
    CATEGORY,
    CATEGORY_COMMANDS,
    HELP,
    MODEL,
    MOUSE_HELP,
    PROJECT,
    Command,
)
from app.panels.parts import EmptyState, TextField, button, label, row
from app.theme import SPACING
from app.translation import tr

Entries = list[tuple[str, Sequence[str]]]  # what is done, and the keys or gestures that do it
_SIZE = QSize(1240, 740)  # fits on a screen of 1280 x 800
_COLUMNS = 4
_HEADING_ROWS = 2  # how many entries a heading and the gap after its group stand for, when columns are balanced
_LAST = (PROJECT, MODEL, HELP)  # groups that are looked up least


class KeySheet(QDialog):
    """Columns of groups: the keys of commands first, then those of the canvas, then the mouse."""

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
        self._groups: list[_Group] = []
        self._scroll = QScrollArea()
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
        change = button(tr("Customise Keys…"), self._customise)
        close = button(tr("Close"), self.accept, "primary")
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
        self._groups = [_Group(heading, entries) for heading, entries in _entries()]
        page = QWidget()
        columns = QHBoxLayout(page)
        columns.setContentsMargins(0, 0, SPACING, 0)
        columns.setSpacing(4 * SPACING)
        for groups in _balanced(self._groups):
            column = QVBoxLayout()
            column.setSpacing(2 * SPACING)
            for group in groups:
                column.addWidget(group)
            column.addStretch(1)
            columns.addLayout(column, 1)
        self._scroll.setWidget(page)
        self.search(self.field.text())

    def search(self, words: str) -> None:
        """Show only what has every one of the words in its text, its group or its keys."""
        wanted = words.casefold().split()
        found = [group.search(wanted) for group in self._groups]
        self._scroll.setVisible(any(found))
        self._nothing.setVisible(not any(found))

    def _customise(self) -> None:
        self.accept()
        self.customise.emit()


class _Group(QWidget):
    """A heading and its entries: what is done, and the keys or gestures that do it."""

    def __init__(self, heading: str, entries: Entries) -> None:
        super().__init__()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(5)
        column.addWidget(label(heading, "heading"))
        self._entries: list[tuple[str, QWidget]] = []
        for words, keys in entries:
            entry = _Entry(words, keys)
            self._entries.append((f"{words} {' '.join(keys)} {heading}".casefold(), entry))
            column.addWidget(entry)
        self.weight = len(entries) + _HEADING_ROWS

    def search(self, wanted: Sequence[str]) -> bool:
        """Show the entries that match, or nothing where none does. Returns whether any does."""
        found = False
        for text, entry in self._entries:
            matches = all(word in text for word in wanted)
            entry.setVisible(matches)
            found = found or matches
        self.setVisible(found)
        return found


class _Entry(QWidget):
    """What is done at the left, in two lines where it must, and its keys at the right."""

    def __init__(self, words: str, keys: Sequence[str]) -> None:
        super().__init__()
        self.setAccessibleName(f"{words}: {', '.join(keys)}")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(label(words, "muted", wrap=True), 1)
        for key in keys:
            layout.addWidget(label(key, "key"), 0, Qt.AlignmentFlag.AlignTop)


def _entries() -> list[tuple[str, Entries]]:
    """Every group with what it lists; groups without a key are left out."""
    groups = sorted(dict.fromkeys(command.group for command in BOUND_COMMANDS), key=lambda group: group in _LAST)
    listed = [(group, _of_group(group)) for group in groups if group != CATEGORY]
    canvas: Entries = [(use, (key,)) for key, use in CANVAS_HELP]
    mouse: Entries = [(use, (gesture,)) for gesture, use in MOUSE_HELP]
    found = [*listed, (tr("Categories"), _categories()), (tr("Canvas"), canvas), (tr("Mouse"), mouse)]
    return [(heading, entries) for heading, entries in found if entries]


def _of_group(group: str) -> Entries:
    keys = key_bindings().keymap.keys
    commands = [command for command in BOUND_COMMANDS if command.group == group and keys[command.id]]
    return [(command.text.rstrip("…"), _caps(command)) for command in commands]


def _categories() -> Entries:
    """In one line while each has one key and they follow each other."""
    caps = [_caps(command) for command in CATEGORY_COMMANDS]
    first, last = caps[0], caps[-1]
    if all(len(each) == 1 for each in caps) and first[0][:-1] == last[0][:-1]:
        return [(tr("Category of the selection"), (first[0], "…", last[0]))]
    return [(command.text, each) for command, each in zip(CATEGORY_COMMANDS, caps, strict=True) if each]


def _caps(command: Command) -> tuple[str, ...]:
    return tuple(written(key) for key in key_bindings().keymap.keys[command.id])


def _balanced(groups: Sequence[_Group]) -> list[list[_Group]]:
    """The groups in their order, in columns of about the same length."""
    share = sum(group.weight for group in groups) / _COLUMNS
    columns: list[list[_Group]] = [[] for _ in range(_COLUMNS)]
    before = 0
    for group in groups:
        middle = before + group.weight / 2
        columns[min(_COLUMNS - 1, int(middle / share))].append(group)
        before += group.weight
    return columns
