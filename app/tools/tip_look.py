"""The outline of a brush's tip at the pointer; a picture is kept of it, because it is painted at every movement."""

import math
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPixmap

from app.tools.tips import Tip

ADDING, REMOVING = QColor("#ffffff"), QColor("#ff5a4f")
SHADE = QColor(0, 0, 0, 170)
SHADE_WIDTH, LINE_WIDTH = 3.0, 1.4
LARGEST_KEPT = 160.0  # widget pixels: a picture of a larger tip takes longer to paint than its outline


@dataclass(frozen=True, slots=True)
class TipLook:
    """How a tip looks: `radius` in widget pixels, of which each has `ratio` device pixels along a side."""

    radius: float
    tip: Tip
    removes: bool
    ratio: float

    @property
    def reach(self) -> int:
        """Widget pixels from the centre that hold all of it."""
        return math.ceil(self.radius + SHADE_WIDTH)

    def picture(self) -> QPixmap | None:
        """The outline, its centre in the middle; None where it is too large for one."""
        if self.radius > LARGEST_KEPT:
            return None
        side = round(2 * self.reach * self.ratio)
        picture = QPixmap(side, side)
        picture.setDevicePixelRatio(self.ratio)
        picture.fill(Qt.GlobalColor.transparent)
        painter = QPainter(picture)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self.paint(painter, QPointF(self.reach, self.reach), None)
        painter.end()
        return picture

    def paint(self, painter: QPainter, centre: QPointF, picture: QPixmap | None) -> None:
        """Paint it with that centre; from its picture, where there is one, on whole device pixels."""
        if picture is not None:
            corner = (centre - QPointF(self.reach, self.reach)) * self.ratio
            painter.drawPixmap(QPointF(round(corner.x()), round(corner.y())) / self.ratio, picture)
            return
        square = QRectF(centre.x() - self.radius, centre.y() - self.radius, 2 * self.radius, 2 * self.radius)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for color, width in ((SHADE, SHADE_WIDTH), (REMOVING if self.removes else ADDING, LINE_WIDTH)):
            painter.setPen(QPen(color, width))
            if self.tip is Tip.ROUND:
                painter.drawEllipse(centre, self.radius, self.radius)
            else:
                painter.drawRect(square)
