"""What brush and eraser share: the tip at the pointer, a stroke shown while it is drawn, one edit at its end.

With Shift a stroke is straight: held when the button goes down, it begins where the last stroke on the image ended;
while it is held during a drag, the stroke goes straight from the press to the pointer, whatever was drawn between
them. Let go, what is drawn stays and the stroke goes on freely.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QLineF, QPointF, Qt
from PySide6.QtGui import QPainter, QPen, QPixmap

from app.canvas.appearance import style
from app.canvas.preview import Preview
from app.canvas.rects import Rect, joined
from app.canvas.view import CanvasView
from app.tools.base import PointerEvent, Tool
from app.tools.marking import Marking, Target
from app.tools.options import Option
from app.tools.stroke import Point, Stroke
from app.tools.tip_look import ADDING, SHADE, TipLook
from engine.geometry.mask import Bitmap
from engine.project import Action

SMALLEST_RING = 3.0  # widget pixels; a smaller ring would hide under the pointer's own cross
FREE = 1 << 14  # pixels composed in the time that one more rectangle takes
GUIDE_PIECE = 240.0  # widget pixels of the guide line repainted at once: one rectangle around it would be the canvas
GUIDE_DASHES = [5.0, 4.0]  # in pen widths


@dataclass(frozen=True, slots=True)
class _Marks:
    """What a stroke is going to change: its pixels without those that stay with the instances around."""

    marking: Marking
    target: Target
    stroke: Stroke
    erase: bool

    @property
    def bounds(self) -> Rect:
        return self.stroke.bounds

    def crop(self, x1: int, y1: int, x2: int, y2: int) -> Bitmap:
        pixels = self.stroke.crop(x1, y1, x2, y2)
        if not self.erase:
            pixels &= ~self.marking.taken_in(self.target, (x1, y1, x2, y2))
        return pixels


@dataclass(frozen=True, slots=True)
class _Drawing:
    """A stroke between press and release; a straight one goes along `corners` and then to the pointer."""

    marks: _Marks
    corners: tuple[Point, ...]


class PaintingTool(Tool):
    """A tool that draws strokes; subclasses say when a stroke removes."""

    def __init__(self) -> None:
        super().__init__()
        self._drawing: _Drawing | None = None
        self._pointer: PointerEvent | None = None
        self._ended: tuple[int, Point] | None = None  # the image and the place where the last stroke ended
        self._tip: tuple[TipLook, QPixmap | None] | None = None
        self._painted: list[tuple[float, float, float, float]] = []  # image rectangles of the tip and the guide line

    def erases(self, event: PointerEvent) -> bool:
        """Whether a stroke begun now would remove pixels."""
        raise NotImplementedError

    # -- Tool

    def activate(self, canvas: CanvasView) -> None:
        super().activate(canvas)
        canvas.brush_size.changed.connect(self._repaint_tip)
        canvas.brush_tip.changed.connect(self._repaint_tip)
        canvas.marking.apart.changed.connect(self._refresh)

    def deactivate(self) -> None:
        self.canvas.brush_size.changed.disconnect(self._repaint_tip)
        self.canvas.brush_tip.changed.disconnect(self._repaint_tip)
        self.canvas.marking.apart.changed.disconnect(self._refresh)
        super().deactivate()

    def options(self) -> Sequence[Option]:
        canvas = self.canvas
        return canvas.brush_tip, canvas.brush_size, canvas.marking.fresh, canvas.marking.apart

    def press(self, event: PointerEvent) -> None:
        self._drawing = self._begin(event)
        self._point(event)
        if self._drawing is not None:
            self._show_preview(self._drawing.marks)
            self._draw(self._drawing.marks.stroke.retrace(self._drawing.corners))

    def move(self, event: PointerEvent) -> None:
        self._point(event)
        if self._drawing is not None and event.buttons & Qt.MouseButton.LeftButton:
            self._extend(self._drawing, event)

    def release(self, event: PointerEvent) -> None:
        if self._drawing is None:
            return
        if self._pointer is None or not event.is_at(self._pointer):
            self._extend(self._drawing, event)
        drawing, self._drawing = self._drawing, None
        self._ended = drawing.marks.target.image_id, (event.x, event.y)
        self.canvas.end_preview()
        try:
            self._commit(drawing.marks)
        finally:
            self.canvas.show_preview(None)

    def leave(self) -> None:
        self._pointer = None
        self._repaint_tip()

    def cancel(self) -> bool:
        if self._drawing is None:
            return False
        self._drawing = None
        self.canvas.show_preview(None)
        return True

    def wheel(self, event: PointerEvent, steps: float) -> bool:
        if not (event.has(Qt.KeyboardModifier.ControlModifier) or event.has(Qt.KeyboardModifier.AltModifier)):
            return False
        self.canvas.brush_size.step(steps)
        return True

    def paint(self, painter: QPainter) -> None:
        if self._pointer is None:
            return
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        guide = self._guide()
        if guide is not None:
            self._paint_guide(painter, QLineF(*map(self._to_widget, guide)))
        self._paint_tip(painter, self._pointer)
        painter.restore()

    # -- the stroke

    def _begin(self, event: PointerEvent) -> _Drawing | None:
        erase = self.erases(event)
        target = self.canvas.marking.target(erase, self.canvas.instances_at(event.x, event.y))
        if target is None:
            return None
        stroke = Stroke(*self.canvas.image_size, self.canvas.brush_size.radius, self.canvas.brush_tip.tip)
        before = self._last_end() if event.has(Qt.KeyboardModifier.ShiftModifier) else None
        corners = ((event.x, event.y),) if before is None else (before, (event.x, event.y))
        return _Drawing(_Marks(self.canvas.marking, target, stroke, erase), corners)

    def _extend(self, drawing: _Drawing, event: PointerEvent) -> None:
        stroke = drawing.marks.stroke
        straight = event.has(Qt.KeyboardModifier.ShiftModifier)
        self._draw(
            stroke.retrace([*drawing.corners, (event.x, event.y)]) if straight else stroke.extend(event.x, event.y)
        )

    def _draw(self, rects: Sequence[Rect]) -> None:
        for rect in joined(rects, free=FREE):
            self.canvas.refresh_preview(rect)

    def _refresh(self) -> None:
        """What the stroke may cover changed while it is drawn."""
        if self._drawing is not None:
            self._draw(self._drawing.marks.stroke.rects())

    def _show_preview(self, marks: _Marks) -> None:
        target, base = marks.target, self.canvas.marking.base(marks.target)
        look = style(self.canvas.category_color(target.category_id))
        self.canvas.show_preview(Preview(target.instance_id, base, marks, marks.erase, look))

    def _commit(self, marks: _Marks) -> None:
        action = Action.ERASER if marks.erase else Action.BRUSH
        self.canvas.marking.commit(marks.target, marks.stroke.mask(), action, removes=marks.erase)

    def _last_end(self) -> Point | None:
        """Where the last stroke on the current image ended."""
        image = self.canvas.session.image
        return self._ended[1] if self._ended is not None and image is not None and self._ended[0] == image.id else None

    # -- the tip and the guide line

    def _guide(self) -> tuple[Point, Point] | None:
        """Where a press would draw a straight line, from the end of the last stroke."""
        pointer, before = self._pointer, self._last_end()
        if pointer is None or before is None or self._drawing is not None:
            return None
        return (before, (pointer.x, pointer.y)) if pointer.has(Qt.KeyboardModifier.ShiftModifier) else None

    def _point(self, event: PointerEvent) -> None:
        self._pointer = event
        self._repaint_tip()

    def _repaint_tip(self) -> None:
        """Repaint where tip and guide line were, and where they are now."""
        before, self._painted = self._painted, list(self._occupied())
        for rect in (*before, *self._painted):
            self.canvas.update_image_rect(rect)

    def _occupied(self) -> Iterator[tuple[float, float, float, float]]:
        if self._pointer is None:
            return
        reach = self.canvas.brush_size.radius + 4 / self.canvas.viewport.scale
        x, y = self._pointer.x, self._pointer.y
        yield x - reach, y - reach, x + reach, y + reach
        guide = self._guide()
        if guide is not None:
            (x1, y1), (x2, y2) = guide
            pieces = math.ceil(math.hypot(x2 - x1, y2 - y1) * self.canvas.viewport.scale / GUIDE_PIECE)
            for i in range(pieces):
                xs = sorted(x1 + (x2 - x1) * part / pieces for part in (i, i + 1))
                ys = sorted(y1 + (y2 - y1) * part / pieces for part in (i, i + 1))
                yield xs[0], ys[0], xs[1], ys[1]

    def _to_widget(self, point: Point) -> QPointF:
        return QPointF(*self.canvas.viewport.to_widget(*point))

    def _paint_tip(self, painter: QPainter, pointer: PointerEvent) -> None:
        radius = self.canvas.brush_size.radius * self.canvas.viewport.scale
        if radius < SMALLEST_RING:
            return
        erase = self._drawing.marks.erase if self._drawing is not None else self.erases(pointer)
        look = TipLook(radius, self.canvas.brush_tip.tip, erase, painter.device().devicePixelRatio())
        if self._tip is None or self._tip[0] != look:
            self._tip = look, look.picture()
        look.paint(painter, self._to_widget((pointer.x, pointer.y)), self._tip[1])

    def _paint_guide(self, painter: QPainter, line: QLineF) -> None:
        for color, width in ((SHADE, 2.4), (ADDING, 1.0)):
            pen = QPen(color, width)
            if color is ADDING:
                pen.setDashPattern(GUIDE_DASHES)
            painter.setPen(pen)
            painter.drawLine(line)
