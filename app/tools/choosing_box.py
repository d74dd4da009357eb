"""The rectangle that a drag beside all handles draws, and what lies inside of it."""

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen, QRegion

from app.canvas.view import CanvasView
from app.tools.base import PointerEvent
from app.tools.handle_view import BLUE, HALO
from engine.geometry.even_odd import Points

BORDER = 3  # widget pixels that it paints outside of itself
FILL = 36  # opacity out of 255


class ChoosingBox:
    """From where the button went down to the pointer."""

    def __init__(self, canvas: CanvasView, event: PointerEvent) -> None:
        self._canvas = canvas
        self._box = QRectF(event.x, event.y, 0, 0)  # in image coordinates; the second corner may lie before the first

    @property
    def length(self) -> float:
        """Of its longer side, in widget pixels."""
        return max(abs(self._box.width()), abs(self._box.height())) * self._canvas.viewport.scale

    def move(self, event: PointerEvent) -> None:
        """Reach to the pointer. Repaints where the box is now and was not before, or the other way round."""
        before = self._on_widget().toAlignedRect()
        self._box.setBottomRight(QPointF(event.x, event.y))
        after = self._on_widget().toAlignedRect()
        inner = before.intersected(after).adjusted(BORDER, BORDER, -BORDER, -BORDER)
        outer = before.united(after).adjusted(-BORDER, -BORDER, BORDER, BORDER)
        self._canvas.update(QRegion(outer) - QRegion(inner))

    def repaint(self) -> None:
        self._canvas.update(self._on_widget().toAlignedRect().adjusted(-BORDER, -BORDER, BORDER, BORDER))

    def inside(self, places: Points) -> list[int]:
        """Which of places (n, 2) in image coordinates it holds, by their index."""
        box, (x, y) = self._box.normalized(), places.T
        within = (x >= box.left()) & (x <= box.right()) & (y >= box.top()) & (y <= box.bottom())
        found: list[int] = np.flatnonzero(within).tolist()
        return found

    def paint(self, painter: QPainter) -> None:
        box = self._on_widget()
        fill = BLUE.toRgb()
        fill.setAlpha(FILL)
        painter.save()
        painter.fillRect(box, fill)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for color, width in ((HALO, 3.0), (BLUE, 1.0)):
            painter.setPen(QPen(color, width))
            painter.drawRect(box)
        painter.restore()

    def _on_widget(self) -> QRectF:
        box = self._box.normalized()
        corners = (box.topLeft(), box.bottomRight())
        return QRectF(*(QPointF(*self._canvas.image_to_widget(corner.x(), corner.y())) for corner in corners))
