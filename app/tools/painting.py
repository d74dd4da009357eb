"""What brush and eraser share: a round pointer, a stroke shown while it is drawn, one edit when the button goes up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from app.canvas.appearance import style
from app.canvas.overlay import Preview
from app.tools.base import PointerEvent
from app.tools.stroke import Stroke
from engine.geometry.mask import Mask
from engine.project import commands
from engine.records import Instance

if TYPE_CHECKING:
    from app.canvas.view import CanvasView

ADDING, REMOVING = QColor("#ffffff"), QColor("#ff5a4f")
SMALLEST_RING = 3.0  # widget pixels; a smaller ring would hide under the pointer's own cross


@dataclass
class _Drawing:
    """A stroke between press and release. `target` is None for a new instance of `category_id`."""

    image_id: int
    stroke: Stroke
    erase: bool
    target: int | None
    category_id: int


class PaintingTool:
    """A tool that draws strokes; subclasses say when a stroke removes and what it does with nothing selected."""

    name = text = icon = key = ""
    cursor = Qt.CursorShape.CrossCursor

    def __init__(self) -> None:
        self._canvas: CanvasView | None = None
        self._drawing: _Drawing | None = None
        self._pointer: PointerEvent | None = None

    @property
    def canvas(self) -> CanvasView:
        assert self._canvas is not None, "the tool is not active"
        return self._canvas

    def erases(self, event: PointerEvent) -> bool:
        """Whether a stroke begun now would remove pixels."""
        raise NotImplementedError

    # -- Tool

    def activate(self, canvas: CanvasView) -> None:
        self._canvas = canvas

    def deactivate(self) -> None:
        self.cancel()
        self.leave()
        self._canvas = None

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
        session = self.canvas.session
        assert session.image is not None
        if session.read_only:
            session.notice.emit("This project is open for reading only, so masks cannot be changed.")
            return None
        erase = self.erases(event)
        target = self._target(event, erase)
        if isinstance(target, str):
            session.notice.emit(target)
            return None
        category = target.category_id if target is not None else session.active_category_id
        if category is None:
            session.notice.emit("Add a category first: a new instance needs one.")
            return None
        stroke = Stroke(session.image.width, session.image.height, self.canvas.brush_size.radius)
        return _Drawing(session.image.id, stroke, erase, target.id if target is not None else None, category)

    def _target(self, event: PointerEvent, erase: bool) -> Instance | str | None:
        """The instance that a stroke changes, None for a new one, or why there is none, in words."""
        session = self.canvas.session
        fresh = event.has(Qt.KeyboardModifier.ShiftModifier) and not erase
        selected = [] if fresh else session.selected_instances()
        if len(selected) > 1:
            return "Several instances are selected. Select the one to change."
        if selected:
            if not session.is_shown(selected[0]):
                return "The selected instance is hidden. Show it before you change it."
            return selected[0]
        if not erase:
            return None
        under = self.canvas.instances_at(event.x, event.y)
        if not under:
            return "Nothing to erase here. Select an instance, or begin on one."
        session.select([under[0]])
        return session.instances[under[0]]

    def _extend(self, event: PointerEvent) -> None:
        assert self._drawing is not None
        rect = self._drawing.stroke.extend(event.x, event.y)
        if rect is not None:
            self.canvas.refresh_preview(rect)

    def _show_preview(self, drawing: _Drawing) -> None:
        session = self.canvas.session
        base = Mask.empty() if drawing.target is None else session.instances[drawing.target].mask
        look = style(self.canvas.category_color(drawing.category_id))
        self.canvas.show_preview(Preview(drawing.target, base, drawing.stroke, drawing.erase, look))

    def _commit(self, drawing: _Drawing) -> None:
        session = self.canvas.session
        stroke = drawing.stroke.mask()
        if stroke.is_empty or session.image is None or session.project is None or session.image.id != drawing.image_id:
            return
        size = session.image.width, session.image.height
        if drawing.target is None:
            new_id = session.project.new_instance_id()
            if session.apply(commands.draw(new_id, drawing.image_id, drawing.category_id, stroke)):
                session.select([new_id])
            return
        instance = session.instances.get(drawing.target)
        if instance is None:
            session.notice.emit("The instance is no longer there, so the stroke was dropped.")
            return
        change = commands.erase if drawing.erase else commands.paint
        edit = change(instance, stroke, size)
        if edit.changes:
            session.apply(edit)

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
