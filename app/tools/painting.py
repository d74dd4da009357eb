"""What brush and eraser share: a round pointer, a stroke shown while it is drawn, one edit when the button goes up."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from app.canvas.appearance import style
from app.canvas.overlay import Preview
from app.tools.base import PointerEvent, Tool
from app.tools.marking import Target
from app.tools.options import Option
from app.tools.stroke import Stroke
from engine.project import Action

ADDING, REMOVING = QColor("#ffffff"), QColor("#ff5a4f")
SMALLEST_RING = 3.0  # widget pixels; a smaller ring would hide under the pointer's own cross


@dataclass
class _Drawing:
    """A stroke between press and release."""

    target: Target
    stroke: Stroke
    erase: bool


class PaintingTool(Tool):
    """A tool that draws strokes; subclasses say when a stroke removes."""

    def __init__(self) -> None:
        super().__init__()
        self._drawing: _Drawing | None = None
        self._pointer: PointerEvent | None = None

    def erases(self, event: PointerEvent) -> bool:
        """Whether a stroke begun now would remove pixels."""
        raise NotImplementedError

    # -- Tool

    def options(self) -> Sequence[Option]:
        return self.canvas.marking.fresh, self.canvas.marking.apart

    def press(self, event: PointerEvent) -> None:
        self._point(event)
        self._drawing = self._begin(event)
        if self._drawing is not None:
            self._show_preview(self._drawing)
            self._extend(event)

    def move(self, event: PointerEvent) -> None:
        self._point(event)
        if self._drawing is not None and event.buttons & Qt.MouseButton.LeftButton:
            self._extend(event)

    def release(self, event: PointerEvent) -> None:
        if self._drawing is None:
            return
        self._extend(event)
        drawing, self._drawing = self._drawing, None
        self.canvas.end_preview()
        try:
            self._commit(drawing)
        finally:
            self.canvas.show_preview(None)

    def leave(self) -> None:
        self._repaint_ring()
        self._pointer = None

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
        radius = self.canvas.brush_size.radius * self.canvas.viewport.scale
        if radius < SMALLEST_RING:
            return
        erase = self._drawing.erase if self._drawing is not None else self.erases(self._pointer)
        centre = QPointF(*self.canvas.viewport.to_widget(self._pointer.x, self._pointer.y))
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for color, width in ((QColor(0, 0, 0, 170), 3.0), (REMOVING if erase else ADDING, 1.4)):
            painter.setPen(QPen(color, width))
            painter.drawEllipse(centre, radius, radius)
        painter.restore()

    # -- the stroke

    def _begin(self, event: PointerEvent) -> _Drawing | None:
        erase = self.erases(event)
        target = self.canvas.marking.target(erase, self.canvas.instances_at(event.x, event.y))
        if target is None:
            return None
        stroke = Stroke(*self.canvas.image_size, self.canvas.brush_size.radius)
        return _Drawing(target, stroke, erase)

    def _extend(self, event: PointerEvent) -> None:
        assert self._drawing is not None
        rect = self._drawing.stroke.extend(event.x, event.y)
        if rect is not None:
            self.canvas.refresh_preview(rect)

    def _show_preview(self, drawing: _Drawing) -> None:
        target, base = drawing.target, self.canvas.marking.base(drawing.target)
        look = style(self.canvas.category_color(target.category_id))
        self.canvas.show_preview(Preview(target.instance_id, base, drawing.stroke, drawing.erase, look))

    def _commit(self, drawing: _Drawing) -> None:
        action = Action.ERASER if drawing.erase else Action.BRUSH
        self.canvas.marking.commit(drawing.target, drawing.stroke.mask(), action, removes=drawing.erase)

    def _point(self, event: PointerEvent) -> None:
        """Move the ring."""
        self._repaint_ring()
        self._pointer = event
        self._repaint_ring()

    def _repaint_ring(self) -> None:
        if self._pointer is not None:
            radius = self.canvas.brush_size.radius + 4 / self.canvas.viewport.scale
            x, y = self._pointer.x, self._pointer.y
            self.canvas.update_image_rect((x - radius, y - radius, x + radius, y + radius))
