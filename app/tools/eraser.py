"""The eraser: removes from the selected instance, or from the one under the pointer."""

from app.tools.base import PointerEvent
from app.tools.painting import PaintingTool


class Eraser(PaintingTool):
    """Every stroke removes; an instance whose last pixel goes is deleted."""

    name = "eraser"

    def erases(self, event: PointerEvent) -> bool:
        return True
