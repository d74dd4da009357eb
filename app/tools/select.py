"""The select tool: a click selects, another one at the same place goes to the instance beneath."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import Qt

from app.tools.base import PointerEvent, Tool
from app.tools.options import Option

SAME_PLACE = 4.0  # widget pixels; a hand that clicks twice moves less


class Select(Tool):
    """Click selects the topmost instance, Shift adds or takes away, a click beside everything clears."""

    name = "select"
    cursor = Qt.CursorShape.ArrowCursor

    def __init__(self) -> None:
        super().__init__()
        self._clicked: tuple[float, float] | None = None

    def options(self) -> Sequence[Option]:
        return self.canvas.shaping.options()

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

    def leave(self) -> None:
        self.canvas.set_hovered(None)

    def cancel(self) -> bool:
        self._clicked = None
        return False

    def _is_repeated(self, event: PointerEvent) -> bool:
        if self._clicked is None:
            return False
        x, y = self._clicked
        return math.hypot(event.x - x, event.y - y) * self.canvas.viewport.scale <= SAME_PLACE


def _toggled(selection: tuple[int, ...], instance_id: int) -> list[int]:
    if instance_id in selection:
        return [one for one in selection if one != instance_id]
    return [*selection, instance_id]
