"""The select tool: a click selects, another one at the same place goes to the instance beneath."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QPainter

from app.tools.base import PointerEvent

if TYPE_CHECKING:
    from app.canvas.view import CanvasView

SAME_PLACE = 4.0  # widget pixels; a hand that clicks twice moves less


class Select:
    """Click selects the topmost instance, Shift adds or takes away, a click beside everything clears."""

    name = "select"
    text = "Select"
    icon = "cursor-default-outline"
    key = "V"
    cursor = Qt.CursorShape.ArrowCursor

    def __init__(self) -> None:
        self._canvas: CanvasView | None = None
        self._clicked: tuple[float, float] | None = None

    @property
    def canvas(self) -> CanvasView:
        assert self._canvas is not None, "the tool is not active"
        return self._canvas

    def activate(self, canvas: CanvasView) -> None:
        self._canvas = canvas

    def deactivate(self) -> None:
        self.leave()
        self._canvas = None

    def press(self, event: PointerEvent) -> None:
        session = self.canvas.session
        under = self.canvas.instances_at(event.x, event.y)
        repeated = self._is_repeated(event)
        self._clicked = (event.x, event.y)
        if event.has(Qt.KeyboardModifier.ShiftModifier):
            if under:
                session.select(_toggled(session.selection, under[0]))
            return
        if not under:
            session.select([])
            return
        chosen = under[0]
        if repeated and len(session.selection) == 1 and session.selection[0] in under:
            chosen = under[(under.index(session.selection[0]) + 1) % len(under)]
        session.select([chosen])

    def move(self, event: PointerEvent) -> None:
        under = self.canvas.instances_at(event.x, event.y)
        self.canvas.set_hovered(under[0] if under else None)

    def release(self, event: PointerEvent) -> None:
        """A click is complete when it is pressed."""

    def leave(self) -> None:
        self.canvas.set_hovered(None)

    def cancel(self) -> bool:
        self._clicked = None
        return False

    def wheel(self, event: PointerEvent, steps: float) -> bool:
        return False

    def paint(self, painter: QPainter) -> None:
        """The hovered instance is part of the canvas's selection layer."""

    def _is_repeated(self, event: PointerEvent) -> bool:
        if self._clicked is None:
            return False
        x, y = self._clicked
        return math.hypot(event.x - x, event.y - y) * self.canvas.viewport.scale <= SAME_PLACE


def _toggled(selection: tuple[int, ...], instance_id: int) -> list[int]:
    if instance_id in selection:
        return [one for one in selection if one != instance_id]
    return [*selection, instance_id]
