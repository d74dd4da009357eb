"""The lasso: what a freehand line goes round is added or subtracted when the button goes up."""

import math
from collections.abc import Sequence

from PySide6.QtCore import Qt

from app.tools.base import PointerEvent
from app.tools.outline import Point, lasso_mask
from app.tools.region import RegionTool
from engine.geometry.mask import Mask
from engine.project import Action

LEAST_STEP = 1.0  # widget pixels between two points of the line


class Lasso(RegionTool):
    """With Ctrl held at the press it subtracts where it would add, and the other way round."""

    name = "lasso"
    action = Action.LASSO
    fill_rule = Qt.FillRule.WindingFill

    def pixels(self, points: Sequence[Point]) -> tuple[Mask, str | None]:
        return lasso_mask(points, *self.canvas.image_size), None

    def press(self, event: PointerEvent) -> None:
        self.begin(event)

    def move(self, event: PointerEvent) -> None:
        if self._outline is None:
            self.point(event)
        elif event.buttons & Qt.MouseButton.LeftButton:
            self._extend(event, LEAST_STEP)

    def release(self, event: PointerEvent) -> None:
        if self._outline is not None:
            self._extend(event, 0.0)
            if len(self._outline.points) < 3:
                self.cancel()  # a click
            self.close()
        self.point(event)

    def _extend(self, event: PointerEvent, least: float) -> None:
        assert self._outline is not None
        before = self._outline.points[-1]
        if math.hypot(event.x - before[0], event.y - before[1]) * self.canvas.viewport.scale > least:
            self._outline.points.append((event.x, event.y))
            self._repaint_between(self._outline.points[0], before, (event.x, event.y))
