"""The polygon: what lies inside clicked vertices is added or subtracted when the outline is closed."""

import math
from collections.abc import Collection, Sequence

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from app.tools.base import PointerEvent
from app.tools.outline import Point, polygon_mask, simplified
from app.tools.region import LINE, LINE_WIDTH, SHADE, Outline, RegionTool
from app.tools.tip_look import REMOVING
from engine.geometry.mask import Mask
from engine.project import Action

CLOSE_REACH = 9.0  # widget pixels around the first vertex in which a click closes
FREEHAND_FROM = 5.0  # widget pixels that a held button moves before it draws; a click trembles less
FREEHAND_STEP = 1.0  # widget pixels between two points of a freehand line
TOLERANCE = 0.75  # widget pixels that vertices may leave a freehand line by: less than is seen
SNAP = math.pi / 4
VERTEX, FIRST_VERTEX = 3.0, 4.0  # widget pixels, radius of the handles
CLOSING_RING = 8.0


class Polygon(RegionTool):
    """Clicks set vertices, dragging draws freehand, and Enter, a double click or a click on the first vertex closes.

    With Ctrl held at the first click it subtracts where it would add, and the other way round. Where the outline
    crosses itself, what it goes round twice is outside again; the fill shows it while it is drawn.
    """

    name = "polygon"
    action = Action.POLYGON
    fill_rule = Qt.FillRule.OddEvenFill

    def __init__(self) -> None:
        super().__init__()
        self._pressed: PointerEvent | None = None  # where the button went down, until it goes up
        self._line: list[Point] = []  # the freehand line since then

    def pixels(self, points: Sequence[Point]) -> tuple[Mask, str | None]:
        return polygon_mask(points, *self.canvas.image_size)

    # -- Tool

    def press(self, event: PointerEvent) -> None:
        self._pressed, self._line = event, []
        self.point(event)
        if self._outline is None:
            self.begin(event)
        elif self._closes(event):
            self._finish()
        else:
            self._add(self._snapped(event))

    def double_press(self, event: PointerEvent) -> None:
        """The first press of the two has set the last vertex, or closed the outline."""
        self._finish()

    def move(self, event: PointerEvent) -> None:
        before, pressed = self._drawn(), self._pressed
        if pressed is not None and self._outline is not None and event.buttons & Qt.MouseButton.LeftButton:
            self._draw(pressed, event)
            self._repaint_change(before, self._drawn())
        self.point(event)

    def release(self, event: PointerEvent) -> None:
        closes, line = self._closes(event), self._line
        self._drop_line()
        if self._outline is not None and line:
            self._outline.points += simplified(line, TOLERANCE / self.canvas.viewport.scale)[1:]
            if closes:
                self._finish()
        self.point(event)

    def cancel(self) -> bool:
        self._drop_line()
        return super().cancel()

    def taken_keys(self) -> Collection[Qt.Key]:
        if self._outline is None:
            return ()
        return Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Backspace

    def press_key(self, key: Qt.Key) -> None:
        if key == Qt.Key.Key_Backspace:
            self.take_back()
        else:
            self._finish()

    def take_back(self) -> bool:
        if self._outline is None:
            return False
        self._drop_line()
        if len(self._outline.points) == 1:
            return self.cancel()
        before = self._drawn()
        self._repaint((self._outline.points[0], *before[-3:]))
        self._outline.points.pop()
        return True

    # -- vertices

    def _drop_line(self) -> None:
        self._repaint(self._line)
        self._pressed, self._line = None, []

    def _finish(self) -> None:
        """Close the outline; one of fewer than three vertices stays open."""
        if self._outline is not None and len(self._outline.points) > 2:
            self.close()

    def _add(self, point: Point) -> None:
        assert self._outline is not None
        if point != self._outline.points[-1]:
            before = self._drawn()
            self._outline.points.append(point)
            self._repaint_change(before, self._drawn())

    def _draw(self, pressed: PointerEvent, event: PointerEvent) -> None:
        """Draw freehand from the last vertex, once the pointer has clearly left it."""
        assert self._outline is not None
        scale = self.canvas.viewport.scale
        away = math.hypot(event.x - pressed.x, event.y - pressed.y) * scale
        if not self._line and (away < FREEHAND_FROM or event.has(Qt.KeyboardModifier.ShiftModifier)):
            return
        last = self._line[-1] if self._line else self._outline.points[-1]
        if not self._line:
            self._line = [last]
        if math.hypot(event.x - last[0], event.y - last[1]) * scale > FREEHAND_STEP:
            self._line.append((event.x, event.y))

    def _snapped(self, event: PointerEvent) -> Point:
        """Where a click sets a vertex: with Shift, in a direction from the last one that is a multiple of 45 degrees,
        at the point of it that is nearest to the pointer."""
        assert self._outline is not None
        if not event.has(Qt.KeyboardModifier.ShiftModifier):
            return event.x, event.y
        x, y = self._outline.points[-1]
        turn = round(math.atan2(event.y - y, event.x - x) / SNAP) % 8
        # Whole numbers, so that a level edge is exactly level.
        dx, dy = ((1, 0), (1, 1), (0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1))[turn]
        length = ((event.x - x) * dx + (event.y - y) * dy) / (dx * dx + dy * dy)
        return x + dx * length, y + dy * length

    def _closes(self, event: PointerEvent) -> bool:
        """Whether the pointer is on the first vertex of an outline that can be closed."""
        if self._outline is None or len(self._outline.points) + len(self._line) < 3:
            return False
        x, y = self._outline.points[0]
        reach = CLOSE_REACH / self.canvas.viewport.scale
        left = any(math.hypot(a - x, b - y) > reach for a, b in (*self._outline.points, *self._line))
        return left and math.hypot(event.x - x, event.y - y) <= reach

    # -- what is shown

    def _drawn(self) -> list[Point]:
        if self._outline is None:
            return []
        points = self._outline.points
        if self._line:
            return [*points, *self._line[1:]]
        if self._pointer is None or self._closes(self._pointer):
            return list(points)
        return [*points, self._snapped(self._pointer)]

    def _paint_outline(self, painter: QPainter, outline: Outline) -> QPolygonF:
        corners = super()._paint_outline(painter, outline)
        ink = REMOVING if outline.removes else LINE
        if self._pointer is not None and self._closes(self._pointer):
            _draw_handle(painter, corners.at(0), CLOSING_RING, self._color(outline))
        for place in range(1, len(outline.points)):
            _draw_handle(painter, corners.at(place), VERTEX, ink)
        _draw_handle(painter, corners.at(0), FIRST_VERTEX, ink)
        return corners


def _draw_handle(painter: QPainter, at: QPointF, radius: float, color: QColor) -> None:
    painter.setPen(QPen(SHADE, LINE_WIDTH))
    painter.setBrush(color)
    painter.drawEllipse(at, radius, radius)
