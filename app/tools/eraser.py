"""The eraser: removes from the selected instance, or from the one under the pointer."""

from PySide6.QtCore import Qt

from app.tools.base import PointerEvent
from app.tools.painting import PaintingTool


class Eraser(PaintingTool):
    """An instance whose last pixel goes is deleted. With Ctrl held when a stroke begins it adds, as the brush does."""

    name = "eraser"

    def erases(self, event: PointerEvent) -> bool:
        return not event.has(Qt.KeyboardModifier.ControlModifier)
