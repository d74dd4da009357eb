"""The brush: adds to the selected instance, or draws a new one of the active category."""

from PySide6.QtCore import Qt

from app.tools.base import PointerEvent
from app.tools.painting import PaintingTool


class Brush(PaintingTool):
    """With Ctrl held when a stroke begins it removes."""

    name = "brush"

    def erases(self, event: PointerEvent) -> bool:
        return event.has(Qt.KeyboardModifier.ControlModifier)
