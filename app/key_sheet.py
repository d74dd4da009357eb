"""The sheet of every key and mouse gesture, made from the keymap."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QDialog, QFrame, QGridLayout, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from app.keymap import COMMANDS, EDIT, HELP, MASK, MODEL, MOUSE_HELP, PROJECT, REVIEW, TOOLS, VIEW
from app.panels.parts import button, label, row
from app.theme import SPACING

COLUMNS = ((REVIEW, EDIT), (TOOLS, MASK, VIEW, MODEL), (PROJECT, HELP))


class KeySheet(QDialog):
    """Three columns of commands with their keys."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keyboard shortcuts")
        self.resize(1220, 720)
        columns = QHBoxLayout()
        columns.setSpacing(4 * SPACING)
        for groups in COLUMNS:
            column = QVBoxLayout()
            column.setSpacing(SPACING)
            for group in groups:
                column.addWidget(label(group, "heading"))
                column.addLayout(_rows(_commands(group)))
                column.addSpacing(SPACING)
            if HELP in groups:
                column.addWidget(label("Mouse", "heading"))
                column.addLayout(_rows([(words, (gesture,)) for gesture, words in MOUSE_HELP]))
            column.addStretch(1)
            columns.addLayout(column, 1)
        page = QWidget()
        page.setLayout(columns)
        scroll = QScrollArea()
        scroll.setWidget(page)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(3 * SPACING, 3 * SPACING, 3 * SPACING, 2 * SPACING)
        layout.setSpacing(2 * SPACING)
        layout.addWidget(label("Keyboard shortcuts", "title"))
        layout.addWidget(scroll, 1)
        layout.addLayout(row(None, button("Close", self.accept, "primary")))


def _commands(group: str) -> list[tuple[str, tuple[str, ...]]]:
    listed = [
        (command.text.rstrip("…"), tuple(dict.fromkeys(map(_written, command.keys))))
        for command in COMMANDS
        if command.group == group and command.keys
    ]
    return [*listed, ("Category of the selection", ("1", "…", "9"))] if group == EDIT else listed


def _written(key: str) -> str:
    """A key as people say it; the two Enter keys are one to them."""
    return QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText).replace("Return", "Enter")


def _rows(entries: list[tuple[str, tuple[str, ...]]]) -> QGridLayout:
    grid = QGridLayout()
    grid.setVerticalSpacing(6)
    grid.setColumnStretch(0, 1)
    for place, (words, keys) in enumerate(entries):
        grid.addWidget(label(words, "muted"), place, 0)
        caps = row(None, *(label(key, "key") for key in keys), spacing=4)
        grid.addLayout(caps, place, 1, Qt.AlignmentFlag.AlignRight)
    return grid
