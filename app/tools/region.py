"""What polygon and lasso share: they add or subtract what lies inside an outline, shown while it is drawn."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen, QPolygonF, QTransform

from app.canvas.view import CanvasView
from app.tools.base import PointerEvent, Tool
from app.tools.marking import Target
from app.tools.options import Choice, Entry, Option
from app.tools.outline import Point
from app.tools.tip_look import REMOVING
from app.translation import tr
from engine.geometry.mask import Mask
from engine.project import Action

ADD, SUBTRACT = "add", "subtract"
FILL_OPACITY = 70  # out of 255: the image must stay readable under what is only a preview
LINE, SHADE = QColor("#ffffff"), QColor(0, 0, 0, 170)
LINE_WIDTH, SHADE_WIDTH = 1.4, 3.4
DASHES = [4.0, 4.0]  # in pen widths
REACH = 10.0  # widget pixels that handles and lines reach around the outline
PIECE, MOST_PIECES = 200.0, 6  # widget pixels of a sliver repainted at once, and into how many pieces it is cut
BADGE_AT, BADGE_RADIUS, BADGE_REACH = 13.0, 6.5, 24.0  # widget pixels right of and below the pointer


@dataclass
class Outline:
    """An outline between its first point and its closing; `points` are in continuous image coordinates."""

    target: Target
    removes: bool
    points: list[Point] = field(default_factory=list)


class RegionTool(Tool):
    """A tool that draws outlines; subclasses say how, and which pixels are inside."""

    action: Action
    fill_rule: Qt.FillRule  # what the pixels inside an outline that crosses itself are

    def __init__(self) -> None:
        super().__init__()
        entries = Entry(ADD, tr("Add"), "plus"), Entry(SUBTRACT, tr("Subtract"), "minus")
        self.mode = Choice(tr("Mode"), entries, ADD)
        self._outline: Outline | None = None
        self._pointer: PointerEvent | None = None

    def pixels(self, points: Sequence[Point]) -> tuple[Mask, str | None]:
        """What lies inside the closed outline, and the COCO annotation that repeats it where there is one."""
        raise NotImplementedError

    # -- Tool

    def activate(self, canvas: CanvasView) -> None:
        super().activate(canvas)
        canvas.session.active_category_changed.connect(self._recolor)

    def deactivate(self) -> None:
        self.canvas.session.active_category_changed.disconnect(self._recolor)
        super().deactivate()

    def options(self) -> Sequence[Option]:
        return self.mode, self.canvas.marking.fresh, self.canvas.marking.apart

    def cancel(self) -> bool:
        if self._outline is None:
            return False
        self._repaint(self._drawn())
        self._outline = None
        self.point(self._pointer)
        return True

    def leave(self) -> None:
        self.point(None)

    # -- the outline

    def removes(self, event: PointerEvent) -> bool:
        """Whether an outline begun now subtracts."""
        return (self.mode.value == SUBTRACT) != event.has(Qt.KeyboardModifier.ControlModifier)

    def begin(self, event: PointerEvent) -> None:
        """Begin an outline at the pointer, unless there is nothing that it could change."""
        removes = self.removes(event)
        target = self.canvas.marking.target(removes, self.canvas.instances_at(event.x, event.y))
        if target is not None:
            self._outline = Outline(target, removes, [(event.x, event.y)])
            self._repaint(self._drawn())

    def close(self) -> None:
        """Commit what lies inside the outline, and draw it no longer."""
        outline = self._outline
        if outline is None:
            return
        self.cancel()
        mask, source = self.pixels(outline.points)
        if mask.is_empty:
            self.canvas.session.notice.emit(tr("The outline holds no pixel of the image."))
            return
        self.canvas.marking.commit(self._target(outline), mask, self.action, removes=outline.removes, source=source)

    # -- painting

    def point(self, event: PointerEvent | None) -> None:
        """The pointer moved, or left the canvas: repaint what hangs on it."""
        before, places = self._drawn(), (self._pointer, event)
        self._pointer = event
        self._repaint_change(before, self._drawn())
        if self._outline is None:
            for place in places:
                self._repaint([] if place is None else [(place.x, place.y)], BADGE_REACH)

    def paint(self, painter: QPainter) -> None:
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._outline is not None:
            self._paint_outline(painter, self._outline)
        elif self._pointer is not None and self.removes(self._pointer):
            self._paint_badge(painter, QPointF(*self.canvas.viewport.to_widget(self._pointer.x, self._pointer.y)))
        painter.restore()

    def _target(self, outline: Outline) -> Target:
        """A new instance is of the category that is active when the outline is closed, which takes its time."""
        active = self.canvas.session.active_category_id
        if outline.target.instance_id is not None or active is None:
            return outline.target
        return replace(outline.target, category_id=active)

    def _color(self, outline: Outline) -> QColor:
        """The category's, or what stands for removing."""
        return REMOVING if outline.removes else QColor(self.canvas.category_color(self._target(outline).category_id))

    def _recolor(self) -> None:
        self._repaint(self._drawn())

    def _drawn(self) -> list[Point]:
        """The corners of what is shown: the outline so far and the line to the pointer."""
        return [] if self._outline is None else self._outline.points

    def _repaint_change(self, before: Sequence[Point], after: Sequence[Point]) -> None:
        """Repaint where two outlines differ that differ in their last point, or by it."""
        if not before or not after:
            self._repaint((*before, *after))
            return
        self._repaint_between(after[0], before[-1], after[-1])
        if len(before) == len(after) > 1:
            self._repaint_between(after[-2], before[-1], after[-1])

    def _repaint_between(self, apex: Point, before: Point, after: Point) -> None:
        """Repaint a triangle piece by piece: mostly it is a sliver, and a rectangle around it much of the canvas."""
        (x, y), ends = apex, (before, after)
        length = max(math.hypot(end[0] - x, end[1] - y) for end in ends) * self.canvas.viewport.scale
        pieces = min(max(math.ceil(length / PIECE), 1), MOST_PIECES)
        for i in range(pieces):
            parts = i / pieces, (i + 1) / pieces
            self._repaint((x + (end[0] - x) * part, y + (end[1] - y) * part) for end in ends for part in parts)

    def _repaint(self, points: Iterable[Point], reach: float = REACH) -> None:
        """Repaint the smallest rectangle around points, and `reach` widget pixels around it."""
        corners = list(points)
        if corners:
            reach = reach / self.canvas.viewport.scale
            xs, ys = zip(*corners, strict=True)
            self.canvas.update_image_rect((min(xs) - reach, min(ys) - reach, max(xs) + reach, max(ys) + reach))

    def _paint_outline(self, painter: QPainter, outline: Outline) -> QPolygonF:
        """Fill and lines; the edge that will close it is dashed. Returns the corners in widget coordinates."""
        view = self.canvas.viewport
        corners = QPolygonF([QPointF(x, y) for x, y in self._drawn()])
        corners = QTransform(view.scale, 0, 0, view.scale, view.x, view.y).map(corners)
        area = QPainterPath()
        area.addPolygon(corners)
        area.setFillRule(self.fill_rule)
        fill = QColor(self._color(outline))
        fill.setAlpha(FILL_OPACITY)
        painter.fillPath(area, fill)
        ink = REMOVING if outline.removes else LINE
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for pen in (QPen(SHADE, SHADE_WIDTH), QPen(ink, LINE_WIDTH)):
            pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
            painter.setPen(pen)
            painter.drawPolyline(corners)
        if corners.size() > 2:
            dashed = QPen(ink, LINE_WIDTH)
            dashed.setDashPattern(DASHES)
            for pen in (QPen(SHADE, SHADE_WIDTH), dashed):
                painter.setPen(pen)
                painter.drawLine(corners.at(corners.size() - 1), corners.at(0))
        return corners

    def _paint_badge(self, painter: QPainter, pointer: QPointF) -> None:
        """A minus at the pointer: the next outline subtracts."""
        centre = pointer + QPointF(BADGE_AT, BADGE_AT)
        painter.setPen(QPen(SHADE, LINE_WIDTH))
        painter.setBrush(REMOVING)
        painter.drawEllipse(centre, BADGE_RADIUS, BADGE_RADIUS)
        arm = QPointF(BADGE_RADIUS / 2, 0)
        painter.setPen(QPen(LINE, LINE_WIDTH))
        painter.drawLine(centre - arm, centre + arm)
