"""The handles of an outline as they are on the canvas: which can be told apart, which is hit, what they look like."""

from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPixmap

from app.canvas.viewport import Viewport
from engine.geometry.even_odd import Points
from engine.geometry.outline import Numbers, Outline

REACH = 9.0  # widget pixels from which a handle is hit
GAP = 9.0  # widget pixels: of handles closer to each other one is shown
MOST = 1500  # handles painted at once; each takes some 3 us
RADIUS = 8  # widget pixels around a handle that it paints at most


class Look(Enum):
    PLAIN = auto()
    HOVERED = auto()
    CHOSEN = auto()
    GHOST = auto()  # where a handle would come


_RADII = {Look.PLAIN: 4.0, Look.HOVERED: 5.5, Look.CHOSEN: 4.5, Look.GHOST: 5.0}
# Images are of no theme, so these are the same in each: a blue that shows on dark and on bright ones.
_WHITE, _DARK, BLUE = QColor("#ffffff"), QColor("#10131a"), QColor("#4f86ff")
HALO = QColor(0, 0, 0, 110)


@dataclass(frozen=True, eq=False)
class HandleView:
    """The handles that are shown: their numbers (m,) and where they are (m, 2) in widget coordinates."""

    outline: Outline
    viewport: Viewport
    size: tuple[int, int]  # of the widget
    numbers: Numbers
    places: Points

    def at(self, x: float, y: float) -> int | None:
        """The number of the handle at a widget point."""
        if not len(self.numbers):
            return None
        distances = np.hypot(self.places[:, 0] - x, self.places[:, 1] - y)
        nearest = int(distances.argmin())
        return int(self.numbers[nearest]) if distances[nearest] <= REACH else None


def visible_handles(outline: Outline, viewport: Viewport, size: tuple[int, int]) -> HandleView:
    """What a widget of that size shows; thinned out where handles would lie on top of each other.

    Which ones stay depends on the zoom alone, so that none comes or goes while the image is moved.
    """
    places = outline.places * viewport.scale
    x1, y1 = -RADIUS - viewport.x, -RADIUS - viewport.y
    x2, y2 = size[0] + RADIUS - viewport.x, size[1] + RADIUS - viewport.y
    x, y = places.T
    numbers = np.flatnonzero((x >= x1) & (x <= x2) & (y >= y1) & (y <= y2))
    gap = GAP
    shown = _one_a_cell(places, numbers, gap)
    while len(shown) > MOST:
        gap *= 1.5
        shown = _one_a_cell(places, numbers, gap)
    return HandleView(outline, viewport, size, shown, places[shown] + (viewport.x, viewport.y))


def draw_handles(painter: QPainter, places: Points, look: Look) -> None:
    """Handles around widget points (m, 2)."""
    picture = _picture(look, painter.device().devicePixelRatioF())
    for x, y in (places - RADIUS).tolist():
        painter.drawPixmap(QPointF(x, y), picture)


def draw_lines(painter: QPainter, lines: list[list[QPointF]]) -> None:
    """Stretches in progress, over any image."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for color, width in ((HALO, 3.4), (BLUE, 1.6)):
        painter.setPen(QPen(color, width))
        for line in lines:
            painter.drawPolyline(line)
    painter.restore()


def _one_a_cell(places: Points, numbers: Numbers, gap: float) -> Numbers:
    cells: NDArray[np.int64] = np.floor(places[numbers] / gap).astype(np.int64)
    keys = (cells[:, 0] << 32) + cells[:, 1]
    first: Numbers = np.unique(keys, return_index=True)[1]
    return numbers[np.sort(first)]


@lru_cache(maxsize=64)
def _picture(look: Look, ratio: float) -> QPixmap:
    """A handle painted once: white in a dark ring, which no image hides both of."""
    side = 2 * RADIUS
    picture = QPixmap(round(side * ratio), round(side * ratio))
    picture.setDevicePixelRatio(ratio)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    centre, radius = QPointF(RADIUS, RADIUS), _RADII[look]
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(HALO)
    painter.drawEllipse(centre, radius + 1.8, radius + 1.8)
    inner, ring, width = _WHITE, _DARK, 1.4
    if look is Look.CHOSEN:
        inner, ring = BLUE, _WHITE
    elif look is not Look.PLAIN:
        ring, width = BLUE, 2.0
    painter.setPen(QPen(ring, width))
    painter.setBrush(inner)
    painter.drawEllipse(centre, radius, radius)
    if look is Look.GHOST:
        painter.setPen(QPen(BLUE, 1.6))
        painter.drawLine(centre - QPointF(2.5, 0), centre + QPointF(2.5, 0))
        painter.drawLine(centre - QPointF(0, 2.5), centre + QPointF(0, 2.5))
    painter.end()
    return picture
