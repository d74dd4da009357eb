"""One image twice, with different masks on it, looked at through one view: what moves one moves the other."""

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QFrame, QHBoxLayout, QWidget

from app.canvas.edges import HALO, REACH, Line, draw_outline
from app.canvas.navigation import Navigation
from app.canvas.peek import MOST_OUTLINED
from app.canvas.rects import meet
from app.canvas.wheel import NOTCH_ZOOM, Turn
from app.panels.parts import set_kind
from app.theme import SPACING, theme
from app.translation import tr
from app.worse_scenes import TRUTH, Scene

MISSED_LINES = Line(HALO, 4.4), Line(QColor(TRUTH), 2.6)
PAN_STEP = 48.0  # widget pixels of an arrow key
LEAST = QSize(200, 180)


class SideBySide(QFrame):
    """Two panes and one view. Arrow keys step through images, with Shift they move the view."""

    stepped = Signal(int)  # -1 for the image before, 1 for the next

    def __init__(self, left: str, right: str) -> None:
        super().__init__()
        self.setProperty("kind", "around")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(tr("Both models on the same image"))
        self.setToolTip(
            tr("Wheel or + and − zoom, dragging or Shift and arrows move, 0 fits, ← and → change the image")
        )
        self.navigation = Navigation(self._view_changed)
        self.panes = _Pane(self.navigation, left), _Pane(self.navigation, right)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(SPACING)
        for pane in self.panes:
            row.addWidget(pane, 1)

    def show_scenes(self, left: Scene, right: Scene) -> None:
        """Show another image, whole."""
        overlay = left.layers.overlay
        for pane, shown in zip(self.panes, (left, right), strict=True):
            pane.scene = shown
            pane.update()
        self.navigation.open_image(None, (overlay.width, overlay.height))

    def clear(self) -> None:
        """Show nothing until the next image has come."""
        for pane in self.panes:
            pane.scene = None
            pane.update()

    def zoom_by(self, factor: float) -> None:
        """Zoom around the middle."""
        pane = self.panes[0]
        self.navigation.zoom_to(self.navigation.zoom * factor, pane.width() / 2, pane.height() / 2)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, shift = event.key(), bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        steps = {
            Qt.Key.Key_Left: (1, 0),
            Qt.Key.Key_Right: (-1, 0),
            Qt.Key.Key_Up: (0, 1),
            Qt.Key.Key_Down: (0, -1),
        }
        if key in steps and shift:
            dx, dy = steps[Qt.Key(key)]
            self.navigation.pan(dx * PAN_STEP, dy * PAN_STEP)
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            self.stepped.emit(-1 if key == Qt.Key.Key_Left else 1)
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.zoom_by(NOTCH_ZOOM)
        elif key == Qt.Key.Key_Minus:
            self.zoom_by(1 / NOTCH_ZOOM)
        elif key == Qt.Key.Key_0:
            self.navigation.fit()
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        set_kind(self, "around-focused")

    def focusOutEvent(self, event: QFocusEvent) -> None:
        set_kind(self, "around")

    def _view_changed(self, _zoomed: bool) -> None:
        for pane in self.panes:
            pane.update()


class _Pane(QWidget):
    """Paints a scene through a view that it shares."""

    def __init__(self, navigation: Navigation, name: str) -> None:
        super().__init__()
        self.scene: Scene | None = None
        self._navigation = navigation
        self._dragged_from: tuple[float, float] | None = None
        self.setMinimumSize(LEAST)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setCursor(Qt.CursorShape.OpenHandCursor)
        self.setAccessibleName(name)
        theme().changed.connect(self.update)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, rect = QPainter(self), QRectF(event.rect())
        painter.fillRect(rect, theme().color("canvas"))
        if self.scene is not None:
            viewport, zoom = self._navigation.viewport, self._navigation.zoom
            self.scene.layers.paint_picture(painter, rect, viewport, zoom, ground=None, masks=True)
            self._paint_missed(painter, rect, self.scene)
        painter.end()

    def _paint_missed(self, painter: QPainter, rect: QRectF, shown: Scene) -> None:
        viewport, overlay = self._navigation.viewport, shown.layers.overlay
        x1, y1 = viewport.to_image(rect.left() - REACH, rect.top() - REACH)
        x2, y2 = viewport.to_image(rect.right() + REACH, rect.bottom() + REACH)
        visible = max(int(x1), 0), max(int(y1), 0), min(int(x2) + 1, overlay.width), min(int(y2) + 1, overlay.height)
        for mask in [each for each in shown.missed if meet(each.bounds, visible)][:MOST_OUTLINED]:
            draw_outline(painter, rect, viewport, mask, visible, MISSED_LINES)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._navigation.set_room((self.width(), self.height()), self.devicePixelRatioF())

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.DevicePixelRatioChange:
            self._navigation.set_room((self.width(), self.height()), self.devicePixelRatioF())
        return super().event(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        turn, at = Turn.of(event), event.position()
        if turn.pan is not None:
            self._navigation.pan(*turn.pan)
        elif turn.notches:
            self._navigation.zoom_to(self._navigation.zoom * turn.zoom, at.x(), at.y())
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._dragged_from = event.position().toTuple()
        self.setCursor(Qt.CursorShape.ClosedHandCursor)
        event.ignore()  # so that the frame around takes the focus

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._dragged_from is not None:
            x, y = event.position().toTuple()
            self._navigation.pan(x - self._dragged_from[0], y - self._dragged_from[1])
            self._dragged_from = x, y

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._dragged_from = None
        self.setCursor(Qt.CursorShape.OpenHandCursor)
