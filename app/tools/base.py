"""What every tool is to the canvas, and what the canvas tells it about the pointer."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QPainter

from app.tools.options import Option

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

    def is_at(self, other: PointerEvent) -> bool:
        """Whether it says nothing new but which buttons are held."""
        return (self.x, self.y, self.modifiers) == (other.x, other.y, other.modifiers)


class Tool:
    """One way to use the pointer. The canvas calls it only while an image is open and its pixels are there.

    `press` and `release` are of the left button; `move` comes with and without a button held, and also when a
    modifier key changes under a pointer at rest. What a tool does not override it does not care for.
    """

    name = ""  # stable, as in the command "tool_<name>"
    cursor = Qt.CursorShape.CrossCursor

    def __init__(self) -> None:
        self._canvas: CanvasView | None = None

    @property
    def canvas(self) -> CanvasView:
        assert self._canvas is not None, "the tool is not active"
        return self._canvas

    def activate(self, canvas: CanvasView) -> None:
        """Become the canvas's tool."""
        self._canvas = canvas

    def deactivate(self) -> None:
        """Another tool takes over: drop what is not finished."""
        self.cancel()
        self.leave()
        self._canvas = None

    def options(self) -> Sequence[Option]:
        """What can be set about this tool while it is active, in the order of the bar."""
        return ()

    def press(self, event: PointerEvent) -> None: ...

    def double_press(self, event: PointerEvent) -> None:
        """The second press of a double click; a press like any other unless a tool makes more of it."""
        self.press(event)

    def move(self, event: PointerEvent) -> None: ...

    def release(self, event: PointerEvent) -> None: ...

    def leave(self) -> None:
        """The pointer left the canvas."""

    def cancel(self) -> bool:
        """Escape was pressed, or the image changed. Whether there was anything to drop."""
        return False

    def take_back(self) -> bool:
        """Undo was called for: drop the last step of what is not finished. Whether there was one."""
        return False

    def taken_keys(self) -> Collection[Qt.Key]:
        """The keys that are the tool's at present and reach no command meanwhile, such as Enter to close a polygon."""
        return ()

    def press_key(self, key: Qt.Key) -> None:
        """One of `taken_keys` was pressed, without modifiers."""

    def wheel(self, event: PointerEvent, steps: float) -> bool:
        """The wheel turned by so many notches, away from the person positive. Whether the tool made use of it."""
        return False

    def paint(self, painter: QPainter) -> None:
        """Paint over everything else, in widget coordinates."""
