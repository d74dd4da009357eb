"""How boxes and strokes that say what belongs to an object are painted, in widget coordinates.

What belongs is green and solid with a plus, what does not is vermilion and dashed with a minus: the two colours differ
for colour-blind people, too, and the meaning never rests on colour alone.
"""

from collections.abc import Sequence

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from app.canvas.viewport import Viewport
from app.tools.cutting import Scribble

BELONGS, BELONGS_NOT = QColor(0, 158, 115, 190), QColor(213, 94, 0, 190)
SHADOW = QColor(0, 0, 0, 150)
THINNEST = 3.0  # widget pixels
POINT = 3.5  # radius of a point in widget pixels
SIGN = 4.0  # half the length of the plus and the minus


def paint_scribble(painter: QPainter, viewport: Viewport, scribble: Scribble) -> None:
    """A stroke as wide as its brush."""
    width = max(2 * scribble.radius * viewport.scale, THINNEST)
    line = [QPointF(*viewport.to_widget(x, y)) for x, y in scribble.points]
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    pen = QPen(BELONGS if scribble.belongs else BELONGS_NOT, width)
    pen.setCapStyle(Qt.PenCapStyle.RoundCap if scribble.belongs or len(line) == 1 else Qt.PenCapStyle.FlatCap)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    if not scribble.belongs and len(line) > 1:
        pen.setDashPattern([6 / width, 3 / width])  # in widths of the pen
    painter.setPen(pen)
    if len(line) > 1:
        painter.drawPolyline(line)
    else:
        painter.drawPoint(line[0])
    _paint_sign(painter, line[0], plus=scribble.belongs)
    painter.restore()


def paint_box(painter: QPainter, viewport: Viewport, box: tuple[float, float, float, float], *, waiting: bool) -> None:
    """The box around an object, x1 y1 x2 y2 in image coordinates; dashed until something was found in it."""
    corners = QPointF(*viewport.to_widget(box[0], box[1])), QPointF(*viewport.to_widget(box[2], box[3]))
    painter.save()
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for color, width, kind in (
        (SHADOW, 3.0, Qt.PenStyle.SolidLine),
        (QColor("#ffffff"), 1.4, Qt.PenStyle.DashLine if waiting else Qt.PenStyle.SolidLine),
    ):
        painter.setPen(QPen(color, width, kind))
        painter.drawRect(QRectF(*corners).normalized())
    painter.restore()


def paint_points(painter: QPainter, viewport: Viewport, points: Sequence[tuple[float, float]]) -> None:
    """Points in image coordinates that something reaches to."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(SHADOW, 1.5))
    painter.setBrush(QColor("#ffffff"))
    for x, y in points:
        painter.drawEllipse(QPointF(*viewport.to_widget(x, y)), POINT, POINT)
    painter.restore()


def paint_ring(painter: QPainter, viewport: Viewport, point: tuple[float, float], radius: float, belongs: bool) -> None:
    """Where a stroke begun at an image point would be, and whether it says that something belongs."""
    centre = QPointF(*viewport.to_widget(*point))
    reach = max(radius * viewport.scale, THINNEST)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    color = BELONGS if belongs else BELONGS_NOT
    for pen in (
        QPen(SHADOW, 3.5),
        QPen(color.lighter(130), 1.8, Qt.PenStyle.SolidLine if belongs else Qt.PenStyle.DashLine),
    ):
        painter.setPen(pen)
        painter.drawEllipse(centre, reach, reach)
    painter.restore()


def _paint_sign(painter: QPainter, at: QPointF, *, plus: bool) -> None:
    painter.setPen(QPen(QColor("#ffffff"), 2.0))
    painter.drawLine(QLineF(at.x() - SIGN, at.y(), at.x() + SIGN, at.y()))
    if plus:
        painter.drawLine(QLineF(at.x(), at.y() - SIGN, at.x(), at.y() + SIGN))
