"""The interface of a tool, and what the canvas tells it about the pointer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from PySide6.QtCore import Qt
from PySide6.QtGui import QPainter

if TYPE_CHECKING:
    from app.canvas.view import CanvasView

MODIFIER_KEYS = {
    Qt.Key.Key_Control: Qt.KeyboardModifier.ControlModifier,
    Qt.Key.Key_Shift: Qt.KeyboardModifier.ShiftModifier,
    Qt.Key.Key_Alt: Qt.KeyboardModifier.AltModifier,
    Qt.Key.Key_Meta: Qt.KeyboardModifier.MetaModifier,
}


@dataclass(frozen=True, slots=True)
class PointerEvent:
    """The pointer at (x, y) in continuous image coordinates, maybe outside of the image."""

    x: float
    y: float
    buttons: Qt.MouseButton = Qt.MouseButton.NoButton
    modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier

    def has(self, modifier: Qt.KeyboardModifier) -> bool:
        return bool(self.modifiers & modifier)


class Tool(Protocol):
    """One way to use the pointer. The canvas calls it only while an image is open and its pixels are there.

    `press` and `release` are of the left button; `move` comes with and without a button held, and also when a
    modifier key changes under a pointer at rest.
    """

    name: str  # stable, as in the command "tool_<name>"
    text: str  # what a person reads
    icon: str  # of the Material set
    key: str
    cursor: Qt.CursorShape

    def activate(self, canvas: CanvasView) -> None:
        """Become the canvas's tool."""

    def deactivate(self) -> None:
        """Another tool takes over: drop what is not finished."""

    def press(self, event: PointerEvent) -> None: ...

    def move(self, event: PointerEvent) -> None: ...

    def release(self, event: PointerEvent) -> None: ...

    def leave(self) -> None:
        """The pointer left the canvas."""

    def cancel(self) -> bool:
        """Escape was pressed, or the image changed. Whether there was anything to drop."""

    def wheel(self, event: PointerEvent, steps: float) -> bool:
        """The wheel turned by so many notches, away from the person positive. Whether the tool made use of it."""

    def paint(self, painter: QPainter) -> None:
        """Paint over everything else, in widget coordinates."""
