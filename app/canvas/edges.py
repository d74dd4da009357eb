"""The outline of a mask drawn pixel edge by pixel edge, for masks that change at every movement of the pointer.

As bars rather than a path, which takes many times as long, and on whole device pixels: a part of an outline would be
rounded otherwise than all of it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from types import ModuleType

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QPainter

from app.canvas.appearance import premultiplied
from app.canvas.pictures import PREMULTIPLIED, blit
from app.canvas.rects import Rect, common, grown
from app.canvas.sampling import Pixels
from app.canvas.viewport import Viewport
from engine.geometry.mask import Bitmap, Mask

_kernels: ModuleType | None
try:
    from engine import _kernels
except ImportError:
    _kernels = None

HALO = QColor(0, 0, 0, 150)
REACH = 4  # widget pixels that any line reaches outside of a mask's bounds
LARGEST_OUTLINED = 1 << 18  # pixels of a mask's bounds; to look for the edges of more takes longer than a millisecond


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


def draw_outline(
    painter: QPainter, room: QRectF, viewport: Viewport, mask: Mask, visible: Rect, lines: Sequence[Line]
) -> None:
    """Lines around a mask and its holes, as far as they lie in `room`, where the image pixels `visible` are seen."""
    part = common(grown(visible), grown(mask.bounds))
    if part is not None:
        draw_edges(painter, room, viewport, mask.crop(*part), part[:2], lines)


def draw_edges(
    painter: QPainter,
    room: QRectF,
    viewport: Viewport,
    window: Bitmap,
    corner: tuple[int, int],
    lines: Sequence[Line],
) -> None:
    """Lines along the edges between set and unset in a window (h, w) of a mask, whose top left pixel is at `corner`, as
    far as they lie in `room`, in widget pixels.

    The window's own border draws nothing: what lies beyond it is another window's.
    """
    ratio = painter.device().devicePixelRatio()
    zoom, origin = viewport.scale * ratio, np.array((viewport.x, viewport.y)) * ratio
    reach = math.ceil(max(line.width for line in lines) * ratio / 2) + 1
    height, width = window.shape
    first = np.floor(origin + np.array(corner) * zoom).astype(np.int64) - reach
    last = np.ceil(origin + np.array((corner[0] + width, corner[1] + height)) * zoom).astype(np.int64) + reach
    x1, y1 = max(int(first[0]), math.floor(room.left() * ratio)), max(int(first[1]), math.floor(room.top() * ratio))
    x2, y2 = min(int(last[0]), math.ceil(room.right() * ratio)), min(int(last[1]), math.ceil(room.bottom() * ratio))
    if x1 >= x2 or y1 >= y2:
        return
    pixels, begin = np.zeros((y2 - y1, x2 - x1), dtype=np.uint32), np.array((x1, y1), dtype=np.int64)
    draw = _edges if _kernels is None else _kernels.draw_edges
    for line in lines:
        draw(window, *corner, zoom, origin, begin, line.width * ratio, line.pixel, pixels)
    blit(painter, pixels, (x1, y1, x2, y2), ratio, PREMULTIPLIED)


def _edges(
    window: Bitmap,
    x: int,
    y: int,
    zoom: float,
    origin: NDArray[np.float64],
    corner: NDArray[np.int64],
    width: float,
    color: int,
    output: Pixels,
) -> None:
    """As the kernel's `draw_edges`."""
    row, start, end = _runs(window[1:] != window[:-1])
    across = np.stack([start + x, row + 1 + y, end + x, row + 1 + y], axis=1)
    column, start, end = _runs((window[:, 1:] != window[:, :-1]).T)
    down = np.stack([column + 1 + x, start + y, column + 1 + x, end + y], axis=1)
    ends = np.concatenate([across, down]) * zoom + np.tile(origin, 2)
    bars = np.floor(ends + np.array((-0.5, -0.5, 0.5, 0.5)) * width + 0.5).astype(np.int64) - np.tile(corner, 2)
    for x1, y1, x2, y2 in np.maximum(bars, 0).tolist():
        output[y1:y2, x1:x2] = color


def _runs(steps: Bitmap) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """(line, start, end) of each run of set values in each line of (h, w)."""
    padded = np.zeros((steps.shape[0], steps.shape[1] + 2), dtype=np.bool_)
    padded[:, 1:-1] = steps
    line = padded.ravel()  # all lines in one: each begins and ends with an unset value
    changes = np.flatnonzero(line[1:] != line[:-1])
    lines, starts = np.divmod(changes[::2], padded.shape[1])
    return lines, starts, changes[1::2] - lines * padded.shape[1]
