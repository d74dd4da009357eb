"""A widget that shows an image through a viewport: where its pixels lie, and how the view is zoomed and moved."""

import math

from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, Qt, Signal
from PySide6.QtGui import QNativeGestureEvent, QRegion, QResizeEvent
from PySide6.QtWidgets import QWidget

from app.canvas.edges import REACH
from app.canvas.navigation import Navigation
from app.canvas.rects import Rect, joined
from app.canvas.viewport import Viewport

SCATTERED = 24  # dirty rectangles painted one by one; where there are more, those that lie near become one


class ImageWidget(QWidget):
    """Keeps the view on whole device pixels when it is resized or moves to another screen. Paints nothing itself."""

    zoom_changed = Signal(float)  # device pixels per image pixel, 1.0 is 100 %

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.navigation = Navigation(self._view_changed)

    @property
    def viewport(self) -> Viewport:
        """Where the image lies in the widget."""
        return self.navigation.viewport

    @property
    def zoom(self) -> float:
        """Device pixels per image pixel."""
        return self.navigation.zoom

    def image_to_widget(self, x: float, y: float) -> tuple[float, float]:
        return self.viewport.to_widget(x, y)

    def fit(self) -> None:
        """Show the whole image, and keep showing it whole when the canvas is resized."""
        self.navigation.fit()

    def zoom_to(self, zoom: float, at: QPointF | None = None) -> None:
        """Zoom to `zoom` device pixels per image pixel, keeping what lies at a widget point, else the centre, there."""
        at = QRectF(self.rect()).center() if at is None else at
        self.navigation.zoom_to(zoom, at.x(), at.y())

    def zoom_by(self, factor: float, at: QPointF | None = None) -> None:
        self.zoom_to(self.zoom * factor, at)

    def pan(self, dx: float, dy: float) -> None:
        """Move the image by widget pixels."""
        self.navigation.pan(dx, dy)

    def show_bounds(self, bounds: Rect) -> None:
        """Bring image bounds into view with some of their surroundings, unless they are in view already."""
        self.navigation.show_bounds(bounds)

    def update_image_rect(self, rect: tuple[float, float, float, float]) -> None:
        """Repaint what shows an image rectangle x1 y1 x2 y2, and the width of outlines around it."""
        x1, y1 = self.viewport.to_widget(rect[0], rect[1])
        x2, y2 = self.viewport.to_widget(rect[2], rect[3])
        left, top = math.floor(x1) - REACH, math.floor(y1) - REACH
        width, height = math.ceil(x2) + REACH - left, math.ceil(y2) + REACH - top
        self.update(QRect(left, top, width, height).intersected(self.rect()))

    # -- Qt

    def resizeEvent(self, event: QResizeEvent) -> None:
        self.navigation.set_room((self.width(), self.height()), self.devicePixelRatioF())

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QNativeGestureEvent) and event.gestureType() == Qt.NativeGestureType.ZoomNativeGesture:
            self.zoom_by(1 + event.value(), event.position())
            return True
        if event.type() == QEvent.Type.DevicePixelRatioChange:
            self.navigation.set_room((self.width(), self.height()), self.devicePixelRatioF())
        return super().event(event)

    # -- inside

    def _view_changed(self, zoomed: bool) -> None:
        if zoomed:
            self.zoom_changed.emit(self.zoom)
        self.update()


def few(region: QRegion) -> list[QRect]:
    """Rectangles around a region: one for what lies together, because each has its price."""
    rects = [(x, y, x + w, y + h) for x, y, w, h in (each.getRect() for each in region)]  # type: ignore[attr-defined]
    for room_added in (1.2, 1.8, 3.0):
        rects = joined(rects, room_added)
        if len(rects) <= SCATTERED:
            return [QRect(x1, y1, x2 - x1, y2 - y1) for x1, y1, x2, y2 in rects]
    return [region.boundingRect()]
