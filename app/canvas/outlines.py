"""Outlines as vector paths along pixel edges, sharp at every zoom; each is made once for a mask, not at every paint."""

from collections import OrderedDict
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRect, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen, QPolygonF

from app.canvas.rects import Rect
from app.canvas.viewport import Viewport
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


def draw_edges(painter: QPainter, window: Bitmap, x: int, y: int, viewport: Viewport) -> None:
    """As `draw_selected` of a mask that changes at every movement of the pointer: the edges between set and unset in a
    window (h, w) of it, whose top left pixel is (x, y).

    As bars rather than a path, which takes ten times as long. The window's own border draws nothing: what lies beyond
    it is another window's.
    """
    row, start, end = _runs(window[1:] != window[:-1])
    across = np.stack([start, row + 1, end, row + 1], axis=1)
    column, start, end = _runs(cv2.transpose((window[:, 1:] != window[:, :-1]).view(np.uint8)).view(np.bool_))
    down = np.stack([column + 1, start, column + 1, end], axis=1)
    ratio = painter.device().devicePixelRatio()
    ends = (np.concatenate([across, down]) + (x, y, x, y)) * viewport.scale + (viewport.x, viewport.y) * 2
    painter.save()
    painter.scale(1 / ratio, 1 / ratio)
    painter.setPen(Qt.PenStyle.NoPen)
    for color, width in ((SELECTED_OUTER, OUTER_WIDTH), (SELECTED_INNER, INNER_WIDTH)):
        # On whole device pixels, or parts of one would be rounded otherwise than all of it.
        bars = np.floor((ends + np.array((-0.5, -0.5, 0.5, 0.5)) * width) * ratio + 0.5).astype(np.intp)
        bars[:, 2:] -= bars[:, :2]
        painter.setBrush(color)
        painter.drawRects([QRect(*bar) for bar in bars.tolist()])
    painter.restore()


def _touch(one: Rect, other: Rect) -> bool:
    """Whether rectangles meet, those without a width or height included."""
    return one[0] <= other[2] and other[0] <= one[2] and one[1] <= other[3] and other[1] <= one[3]


def _runs(steps: Bitmap) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """(line, start, end) of each run of set values in each line of (h, w)."""
    padded = np.zeros((steps.shape[0], steps.shape[1] + 2), dtype=np.bool_)
    padded[:, 1:-1] = steps
    line = padded.ravel()  # all lines in one: each begins and ends with an unset value
    changes = np.flatnonzero(line[1:] != line[:-1])
    lines, starts = np.divmod(changes[::2], padded.shape[1])
    return lines, starts, changes[1::2] - lines * padded.shape[1]


def _cosmetic(painter: QPainter, color: QColor, width: float) -> QPen:
    """A pen as wide at every zoom. Qt takes a cosmetic width in device pixels, so a dense screen needs more of them."""
    pen = QPen(color, width * painter.device().devicePixelRatio())
    pen.setCosmetic(True)
    pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
    pen.setCapStyle(Qt.PenCapStyle.SquareCap)  # closes the corner between two pieces
    return pen
