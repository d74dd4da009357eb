"""The canvas widget: turns pointer, wheel and keys into views and tool calls, and repaints what changed."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import (
    QEnterEvent,
    QFontMetricsF,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QRegion,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.canvas.appearance import Looks
from app.canvas.brush_size import BrushSize
from app.canvas.brush_tip import BrushTip
from app.canvas.composer import Composer
from app.canvas.display import Display
from app.canvas.image_widget import SCATTERED, ImageWidget, few
from app.canvas.keypoints import have_keypoints, paint_keypoints
from app.canvas.layers import Layers
from app.canvas.messages import draw_pill, draw_state, pill_rect
from app.canvas.navigation import Size
from app.canvas.palettes import UNKNOWN_COLOR, Coloring, color_of
from app.canvas.panning import Panning
from app.canvas.peek import Peek
from app.canvas.preview import Preview
from app.canvas.pyramid import Pyramid
from app.canvas.rects import Rect
from app.canvas.selection_look import SelectionLook
from app.canvas.wheel import Turn
from app.jobs.background import ToolWork
from app.session import Session
from app.theme import theme
from app.tools.base import MODIFIER_KEYS, PointerEvent, Tool
from app.tools.marking import Marking
from app.tools.shaping import Shaping
from app.translation import tr
from app.work_pill import WorkPill
from engine.records import Instance

MOST_RESTYLED = 32  # instances that look different at once while a key waits
LOADING_AFTER = 200  # milliseconds; images that come sooner would only make the message flicker


class CanvasView(ImageWidget):
    """Shows the session's current image and instances, and lends the pointer to a tool."""

    cursor_moved = Signal(float, float)  # continuous image coordinates
    cursor_left = Signal()
    tool_changed = Signal(str)  # the tool's name

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.layers = Layers()
        self.peek = Peek(session)
        self.peek.changed.connect(self.update)
        self._looks = Looks()
        self.brush_size = BrushSize()
        self.brush_tip = BrushTip()
        self.display = Display()
        self.marking = Marking(session, self)
        self.shaping = Shaping(session, self)
        self.work = ToolWork(self)
        WorkPill(self).follow(self.work.progressed, self.work.cancel)
        self.tool: Tool | None = None
        self._image_id: int | None = None
        self._hovered: int | None = None
        self._selected = SelectionLook()
        self._pointed = False
        self._busy: str | None = None
        self._panning = Panning()
        self._pressed = False
        self._pointer: QPointF | None = None
        self._loading = QTimer(self, singleShot=True, interval=LOADING_AFTER)
        self._loading.timeout.connect(self.update)
        self._syncing = QTimer(self, singleShot=True, interval=0)  # what takes a while does not keep a key waiting
        self._syncing.timeout.connect(self._sync)
        self.composer = Composer(self.layers, lambda: self.zoom, self)
        self.composer.composed.connect(self.update_image_rect)
        self.composer.failed.connect(lambda reason: session.problem.emit(reason, ""))
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(160, 120)
        self.setAccessibleName(tr("Image"))
        self.setAccessibleDescription(tr("The current image and the masks of its instances"))
        theme().changed.connect(self.update)
        session.project_changed.connect(self.navigation.forget)
        session.image_changed.connect(self._show_image)
        session.instances_changed.connect(self._sync)
        session.instances_arrived.connect(self._announce)
        session.categories_changed.connect(self._sync)
        session.selection_changed.connect(self._show_selection)
        self.display.masks_changed.connect(self._show_colors)
        self.display.image_changed.connect(self._show_tone)
        self._show_image()
        self._show_selection()

    @property
    def image_size(self) -> Size:
        """(width, height) of the current image, (0, 0) without one."""
        image = self.session.image
        return (0, 0) if image is None else (image.width, image.height)

    # -- tools

    def set_tool(self, tool: Tool) -> None:
        if tool is self.tool:
            return
        if self.tool is not None:
            self.tool.deactivate()
        self._pressed = False
        self.tool = tool
        tool.activate(self)
        self._show_cursor()
        self.tool_changed.emit(tool.name)
        self._point_again()

    def instances_at(self, x: float, y: float) -> list[int]:
        """Ids of the shown instances under an image point, topmost first."""
        self.session.await_instances()
        # The overlay may show proposals for one turn of the event loop after newer ones have replaced them.
        return [found for found in self.layers.overlay.at(x, y) if found in self.session.instances]

    def category_color(self, category_id: int) -> str:
        category = self.session.categories.get(category_id)
        return UNKNOWN_COLOR if category is None else category.color

    def set_hovered(self, instance_id: int | None) -> None:
        if instance_id != self._hovered:
            before, self._hovered = self._hovered, instance_id
            self._update_instances([one for one in (before, instance_id) if one is not None])

    def show_preview(self, preview: Preview | None) -> None:
        """Show a stroke in progress in the place of its target, or no longer any."""
        if preview is not None and self.display.color_by is not Coloring.CATEGORY:
            target = self.session.instances.get(preview.target) if preview.target is not None else None
            if target is not None:
                color = color_of(target, None, self.display.color_by)
                preview = replace(preview, style=replace(preview.style, color=color))
        self.layers.preview = preview
        for rect in self.layers.overlay.set_preview(preview):
            self.update_image_rect(rect)
        self.composer.catch_up()

    def end_preview(self) -> None:
        """The stroke in progress is about to be committed, which composes its place anew."""
        self.layers.preview = None
        self.layers.overlay.end_preview()

    def refresh_preview(self, rect: Rect) -> None:
        """The stroke in progress changed inside `rect`, in image pixels."""
        changed = self.layers.overlay.refresh(rect)
        if changed is not None:
            self.update_image_rect(changed)

    # -- states

    def set_busy(self, text: str | None) -> None:
        """Say over the image what is going on, such as "Predicting…"; None when it is over."""
        if text != self._busy:
            for one in (self._busy, text):
                if one is not None:
                    self.update(self._pill(one))
            self._busy = text

    @property
    def is_ready(self) -> bool:
        """Whether the image is there to be worked on."""
        return self.session.image is not None and self.layers.pyramid is not None

    # -- Qt: painting

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        region = event.region()
        for rect in few(region):
            painter.setClipRect(rect)
            self._paint(painter, rect)
        painter.setClipRegion(QRegion(region))
        if self.tool is not None and self.is_ready and self._panning.cursor is None:
            self.tool.paint(painter)
        pill = self.peek.words or self._busy
        if pill is not None:
            draw_pill(painter, QRectF(self.rect()), pill)
        painter.end()

    def _paint(self, painter: QPainter, widget_rect: QRect) -> None:
        rect, view = QRectF(widget_rect), (self.viewport, self.zoom)
        bare = QRegion(widget_rect)
        if self.is_ready:  # else what the picture will cover would be painted twice
            bare -= QRegion(self.layers.covered(widget_rect, *view))
        for each in bare:  # type: ignore[attr-defined]
            painter.fillRect(each, theme().color("canvas"))
        if self.is_ready:
            masks = self.peek.shows_masks
            self.layers.paint_picture(painter, rect, *view, ground=self.peek.ground, masks=masks)
            if masks:
                self.layers.paint_selection(painter, rect, *view, self._selected.outlined, self._hovered)
                if self._pointed:
                    paint_keypoints(painter, self.session, self.viewport)
            self.peek.paint(painter, rect, self.viewport, self.image_size)
        else:
            draw_state(painter, QRectF(self.rect()), self.session, late=not self._loading.isActive())

    # -- Qt: pointer and keys

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if self._panning.press(event):
            self._show_cursor()
        elif event.button() == Qt.MouseButton.LeftButton and self.tool is not None and self.is_ready:
            self._pressed = True
            self.tool.press(self._pointer_event(event.position(), event.buttons(), event.modifiers()))

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self.tool is not None and self.is_ready:
            self._pressed = True
            self.tool.double_press(self._pointer_event(event.position(), event.buttons(), event.modifiers()))
        else:
            self.mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._pointer = event.position()
        if self._panning.is_dragging:
            step = self._panning.move(event)
            self.pan(step.x(), step.y())
        pointer = self._pointer_event(event.position(), event.buttons(), event.modifiers())
        if self.tool is not None and self.is_ready and not self._panning.is_dragging:
            self.tool.move(pointer)
        self.cursor_moved.emit(pointer.x, pointer.y)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._panning.release(event):
            self._show_cursor()
        elif event.button() == Qt.MouseButton.LeftButton and self._pressed:
            self._pressed = False
            if self.tool is not None:
                self.tool.release(self._pointer_event(event.position(), event.buttons(), event.modifiers()))

    def wheelEvent(self, event: QWheelEvent) -> None:
        if not self.is_ready:
            return
        turn = Turn.of(event)
        pointer = self._pointer_event(event.position(), event.buttons(), event.modifiers())
        if turn.notches and self.tool is not None and self.tool.wheel(pointer, turn.notches):
            return
        if turn.pan is not None:
            self.pan(*turn.pan)
        elif turn.notches:
            self.zoom_by(turn.zoom, event.position())

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.ShortcutOverride and self._is_tools(event):
            event.accept()  # or a command of that key would have it
            return True
        return super().event(event)

    def enterEvent(self, event: QEnterEvent) -> None:
        self._pointer = event.position()

    def leaveEvent(self, event: QEvent) -> None:
        self._pointer = None
        if self.tool is not None and not self._pressed:
            self.tool.leave()
        self.cursor_left.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = event.key()
        if not self._pressed and self._panning.press_key(event):
            self._show_cursor()
        elif self.tool is not None and self._is_tools(event):
            self.tool.press_key(Qt.Key(key))
        elif key == Qt.Key.Key_Escape:
            if self.tool is None or not self.tool.cancel():
                self.session.select([])
        else:
            if key in MODIFIER_KEYS:
                self._point_again(event.modifiers() | MODIFIER_KEYS[Qt.Key(key)])
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if self._panning.release_key(event):
            self._show_cursor()
            return
        if event.key() in MODIFIER_KEYS:
            self._point_again(event.modifiers() & ~MODIFIER_KEYS[Qt.Key(event.key())])
        super().keyReleaseEvent(event)

    def focusOutEvent(self, event: QEvent) -> None:
        self._panning.lose_focus()
        self._show_cursor()

    # -- following the session

    def _show_image(self) -> None:
        image, pixels = self.session.image, self.session.pixels
        image_id = None if image is None else image.id
        if image_id != self._image_id:
            self._drop_stroke()
            self._image_id = image_id
            self.layers.resize(*self.image_size)
            if not self.session.is_arriving:
                self._sync()
            self.navigation.open_image(image_id, self.image_size)
        if pixels is None:
            self.layers.pyramid = None
            self._loading.start()
        else:
            self.layers.pyramid = Pyramid(pixels) if self.session.deep is None else self.session.deep
            self._loading.stop()
        self.update()

    def _drop_stroke(self) -> None:
        if self.tool is not None:
            self.tool.cancel()
        self._pressed = False
        self._hovered = None

    def _announce(self, part: Sequence[Instance]) -> None:
        """Make ready for instances that will be shown when all the others have arrived."""
        shown = [each for each in part if self.session.is_shown(each)]
        self.layers.overlay.announce(
            self._looks.learn(shown, self.session.categories, self._selected.emphasised, self.display.color_by)
        )

    def _sync(self, _dirty: object = None) -> None:
        """Bring the overlay in line. It finds what changed by itself, so a rectangle that came along is not needed."""
        instances = self.session.shown_so_far() if self.session.image is not None else []
        self._selected.follow(self.session)
        rects = self.layers.overlay.sync(
            self._looks.of(instances, self.session.categories, self._selected.emphasised, self.display.color_by)
        )
        before, self._pointed = self._pointed, have_keypoints(self.session)
        if len(rects) > SCATTERED or before or self._pointed:  # points may lie outside of what changed
            self.update()
        else:
            for rect in rects:
                self.update_image_rect(rect)
        self.composer.catch_up()
        if self._hovered is not None and self._hovered not in self.session.instances:
            self._hovered = None

    def _show_colors(self) -> None:
        self.layers.overlay.set_opacity(self.display.opacity)
        self._sync()
        self.update()

    def _show_tone(self) -> None:
        self.layers.tone = self.display.tone
        self.update()

    def _show_selection(self) -> None:
        before, emphasised = self._selected.outlined, self._selected.emphasised
        self._selected.follow(self.session)
        if len(self._selected.emphasised ^ emphasised) > MOST_RESTYLED:
            self._syncing.start()
        elif self._selected.emphasised != emphasised:
            self._sync()
        self._update_instances({*before, *self._selected.outlined})

    def _update_instances(self, ids: Iterable[int]) -> None:
        for one in ids:
            instance = self.session.instances.get(one)
            if instance is None:
                self.update()
            elif not instance.mask.is_empty:
                self.update_image_rect(instance.mask.bounds)

    # -- inside

    def _pointer_event(self, at: QPointF, buttons: Qt.MouseButton, modifiers: Qt.KeyboardModifier) -> PointerEvent:
        x, y = self.viewport.to_image(at.x(), at.y())
        return PointerEvent(x, y, buttons, modifiers)

    def _point_again(self, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        """Tell the tool about a pointer at rest: a modifier changed, or the tool is new."""
        if self._pointer is not None and self.tool is not None and self.is_ready and not self._panning.is_dragging:
            buttons = Qt.MouseButton.LeftButton if self._pressed else Qt.MouseButton.NoButton
            self.tool.move(self._pointer_event(self._pointer, buttons, modifiers))

    def _is_tools(self, event: QKeyEvent) -> bool:
        """Whether a key is the tool's rather than a command's."""
        plain = not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        return plain and self.tool is not None and event.key() in self.tool.taken_keys()

    def _show_cursor(self) -> None:
        """The cursor of who has the pointer; the tool paints its own shape only where that is the tool."""
        cursor = self._panning.cursor
        if cursor is None:
            cursor = Qt.CursorShape.ArrowCursor if self.tool is None else self.tool.cursor
        self.setCursor(cursor)
        self.update()

    def _pill(self, text: str) -> QRect:
        return pill_rect(QFontMetricsF(self.font()), QRectF(self.rect()), text).toAlignedRect().adjusted(-1, -1, 1, 1)
