"""Outlines as vector paths along pixel edges, sharp at every zoom; each is made once for a mask, not at every paint."""

from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen, QPolygonF

from app.canvas.rects import Rect
from engine.geometry.mask import Bitmap, Mask
from engine.geometry.polygons import outlines

# Corners of an outline that are painted or left out together: a partial repaint strokes only the pieces that it meets.
PIECE = 64
# Pixels of a mask's bounds from where on finding its outline would take more than a few milliseconds.
LARGEST_OUTLINED = 1 << 18
KEPT_PATHS = 512  # a path of a large object takes some 100 kB
HALO = QColor(0, 0, 0, 150)
SELECTED_INNER, SELECTED_OUTER = QColor("#ffffff"), QColor("#000000")
# Pen widths in device-independent pixels: the outer must show on both sides of the inner.
HALO_WIDTH = 3.2
INNER_WIDTH, OUTER_WIDTH = 1.8, 4.4
HOVER_WIDTH = 1.4
REACH = 4  # widget pixels that any of these reach outside of a mask's bounds


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


def draw_selected(painter: QPainter, path: QPainterPath) -> None:
    """White inside black, which no image and no category can hide both of."""
    painter.strokePath(path, _cosmetic(painter, SELECTED_OUTER, OUTER_WIDTH))
    painter.strokePath(path, _cosmetic(painter, SELECTED_INNER, INNER_WIDTH))


def draw_hovered(painter: QPainter, path: QPainterPath) -> None:
    painter.strokePath(path, _cosmetic(painter, HALO, HALO_WIDTH))
    painter.strokePath(path, _cosmetic(painter, SELECTED_INNER, HOVER_WIDTH))


def edge_path(window: Bitmap, x: int, y: int) -> QPainterPath:
    """The pixel edges between set and unset in a small window (h, w) whose top left pixel is (x, y), run by run.

    The window's own border draws nothing: what lies beyond it is another window's.
    """
    path = QPainterPath()
    steps = window[1:] != window[:-1]
    for row, start, end in _runs(steps):
        path.moveTo(x + start, y + row + 1)
        path.lineTo(x + end, y + row + 1)
    steps = (window[:, 1:] != window[:, :-1]).T
    for column, start, end in _runs(steps):
        path.moveTo(x + column + 1, y + start)
        path.lineTo(x + column + 1, y + end)
    return path


def _touch(one: Rect, other: Rect) -> bool:
    """Whether rectangles meet, those without a width or height included."""
    return one[0] <= other[2] and other[0] <= one[2] and one[1] <= other[3] and other[1] <= one[3]


def _runs(steps: Bitmap) -> list[tuple[int, int, int]]:
    """(line, start, end) of each run of set values in each line."""
    padded = np.zeros((steps.shape[0], steps.shape[1] + 2), dtype=np.int8)
    padded[:, 1:-1] = steps
    change = np.diff(padded, axis=1)
    lines, starts = np.nonzero(change == 1)
    ends = np.nonzero(change == -1)[1]
    return list(zip(lines.tolist(), starts.tolist(), ends.tolist(), strict=True))


def _cosmetic(painter: QPainter, color: QColor, width: float) -> QPen:
    """A pen as wide at every zoom. Qt takes a cosmetic width in device pixels, so a dense screen needs more of them."""
    pen = QPen(color, width * painter.device().devicePixelRatio())
    pen.setCosmetic(True)
    pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
    pen.setCapStyle(Qt.PenCapStyle.SquareCap)  # closes the corner between two pieces
    return pen
