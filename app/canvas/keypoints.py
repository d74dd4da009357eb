"""The keypoints of the shown instances: points over their masks, joined as their category says."""

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from app.canvas.palettes import UNKNOWN_COLOR
from app.canvas.viewport import Viewport
from app.session import Session
from engine.keypoints import keypoints, skeleton
from engine.records import Instance

RADIUS = 3.5  # device-independent pixels, whatever the zoom
BONE_WIDTH, HALO_WIDTH = 1.6, 3.4
HALO = QColor(0, 0, 0, 150)  # keeps them apart from an image of the same colour


def have_keypoints(session: Session) -> bool:
    """Whether an instance of the current image has points, which may lie outside of its mask."""
    return any(each.source is not None and keypoints(each.source) for each in session.arrived.values())


def paint_keypoints(painter: QPainter, session: Session, viewport: Viewport) -> None:
    """Points and the lines between them, over everything else; a hidden point is a ring."""
    for instance in session.arrived.values():
        if keypoints(instance.source) and session.is_shown(instance):
            _paint(painter, session, instance, viewport)


def _paint(painter: QPainter, session: Session, instance: Instance, viewport: Viewport) -> None:
    category = session.categories.get(instance.category_id)
    color = QColor(UNKNOWN_COLOR if category is None else category.color)
    points = {
        point.index: (QPointF(*viewport.to_widget(point.x, point.y)), point.visible)
        for point in keypoints(instance.source)
    }
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    bones = skeleton(category.source if category is not None else None)
    for pen in (QPen(HALO, HALO_WIDTH), QPen(color, BONE_WIDTH)):
        painter.setPen(pen)
        for one, other in bones:
            if one in points and other in points:
                painter.drawLine(points[one][0], points[other][0])
    for place, visible in points.values():
        painter.setPen(QPen(HALO if visible else color, BONE_WIDTH))
        painter.setBrush(color if visible else Qt.BrushStyle.NoBrush)
        painter.drawEllipse(place, RADIUS, RADIUS)
    painter.restore()
