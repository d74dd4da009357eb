"""Outlines as vector paths along pixel edges, sharp at every zoom; each is made once for a mask, not at every paint."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen, QPolygonF

from app.canvas.appearance import premultiplied
from app.canvas.rects import Rect
from engine.geometry.mask import Mask
from engine.geometry.polygons import outlines

# Corners of an outline that are painted or left out together: a partial repaint strokes only the pieces that it meets.
PIECE = 64
# Pixels of a mask's bounds from where on finding its outline would take more than a few milliseconds.
LARGEST_OUTLINED = 1 << 18
KEPT_PATHS = 512  # a path of a large object takes some 100 kB
HALO = QColor(0, 0, 0, 150)
REACH = 4  # widget pixels that any line reaches outside of a mask's bounds


@dataclass(frozen=True)
class Line:
    """One of the lines that an outline is made of; `width` is in device-independent pixels."""

    color: QColor
    width: float

    @cached_property
    def pixel(self) -> int:
        """The colour as premultiplied 0xAARRGGBB."""
        return premultiplied(self.color.name(), self.color.alpha())


# White inside black, which no image and no category can hide both of: the wider line shows on both sides of the other.
SELECTED = Line(QColor("#000000"), 4.4), Line(QColor("#ffffff"), 1.8)
HOVERED = Line(HALO, 3.2), Line(QColor("#ffffff"), 1.4)


@dataclass(frozen=True, slots=True)
class Piece:
    """Part of an outline, and the image rectangle around it."""

    bounds: Rect
    line: QPolygonF


class OutlineCache:
    """Paths in image coordinates by instance, least recently used ones dropped."""

    def __init__(self) -> None:
        self._paths: OrderedDict[int, tuple[Mask, list[Piece]]] = OrderedDict()

    def path(self, instance_id: int, mask: Mask, visible: Rect) -> QPainterPath:
        """The outline of the instance whose mask this is now, as far as it meets the image rectangle `visible`."""
        cached = self._paths.get(instance_id)
        if cached is None or cached[0] is not mask:
            cached = (mask, outline_pieces(mask))
            self._paths[instance_id] = cached
            while len(self._paths) > KEPT_PATHS:
                self._paths.popitem(last=False)
        self._paths.move_to_end(instance_id)
        path = QPainterPath()
        for piece in cached[1]:
            if _touch(piece.bounds, visible):
                path.addPolygon(piece.line)
        return path


def outline_pieces(mask: Mask) -> list[Piece]:
    """The pixel edges of a mask, holes included, in pieces; each ends where the next begins."""
    pieces = []
    for ring in outlines(mask):
        closed = np.concatenate([ring, ring[:1]])
        for start in range(0, len(ring), PIECE):
            part = closed[start : start + PIECE + 1]
            (x1, y1), (x2, y2) = part.min(axis=0).tolist(), part.max(axis=0).tolist()
            pieces.append(Piece((x1, y1, x2, y2), QPolygonF([QPointF(x, y) for x, y in part.tolist()])))
    return pieces


def draw_path(painter: QPainter, path: QPainterPath, lines: Sequence[Line]) -> None:
    """Lines along a path, the first at the bottom."""
    for line in lines:
        painter.strokePath(path, _cosmetic(painter, line))


def _touch(one: Rect, other: Rect) -> bool:
    """Whether rectangles meet, those without a width or height included."""
    return one[0] <= other[2] and other[0] <= one[2] and one[1] <= other[3] and other[1] <= one[3]


def _cosmetic(painter: QPainter, line: Line) -> QPen:
    """A pen as wide at every zoom. Qt takes a cosmetic width in device pixels, so a dense screen needs more of them."""
    pen = QPen(line.color, line.width * painter.device().devicePixelRatio())
    pen.setCosmetic(True)
    pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
    pen.setCapStyle(Qt.PenCapStyle.SquareCap)  # closes the corner between two pieces
    return pen
