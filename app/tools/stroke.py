"""A stroke of a round brush as a set of pixels.

A pixel belongs to a stroke exactly if its centre lies within the radius of the line that the pointer drew, ends
included: a union of capsules, one for each movement of the pointer. So a fast movement leaves no gap, a single press
is a disc, and a stroke is the same however it is cut into movements along the same line. Coordinates are rounded to
1/64 pixel and computed in whole multiples of it, so no pixel is ever decided by rounding.
"""

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from engine.geometry.mask import Bitmap, Mask

Point = tuple[float, float]
Rect = tuple[int, int, int, int]
STRIP = 128  # rows computed at once; a short movement is one strip
STEPS = 64  # per pixel, as many as a pointer can tell at the largest zoom


class Stroke:
    """The pixels of one stroke on an image of `width` x `height`, growing with the pointer's line."""

    def __init__(self, width: int, height: int, radius: float) -> None:
        self.bitmap: Bitmap = np.zeros((height, width), dtype=np.bool_)
        self.radius = rounded(radius)
        self.bounds: Rect | None = None  # around what was drawn so far
        self._last: Point | None = None

    def extend(self, x: float, y: float) -> Rect | None:
        """Draw on to a point in continuous image coordinates. The rectangle of pixels that may have changed."""
        point = (rounded(x), rounded(y))
        start = point if self._last is None else self._last
        self._last = point
        rect = _window(start, point, self.radius, self.bitmap.shape)
        if rect is None:
            return None
        for strip in _strips(start, point, self.radius, rect):
            x1, y1, x2, y2 = strip
            self.bitmap[y1:y2, x1:x2] |= capsule(start, point, self.radius, strip)
        self.bounds = rect if self.bounds is None else _around(self.bounds, rect)
        return rect

    def mask(self) -> Mask:
        """The pixels so far."""
        if self.bounds is None:
            return Mask.empty()
        x1, y1, x2, y2 = self.bounds
        return Mask.from_crop(self.bitmap[y1:y2, x1:x2], x1, y1)


def capsule(start: Point, end: Point, radius: float, rect: Rect) -> Bitmap:
    """Which pixels (h, w) of `rect` have their centre within `radius` of the segment from `start` to `end`.

    Either the foot of the perpendicular lies on the segment and the perpendicular is short enough, or an end is near.
    Everything is a whole number of 1/64 pixels, or of their squares, below 2^53 for images of up to 2^16 pixels a
    side, and so exact in double precision; the only root is a whole-number one.
    """
    (x1, y1), (x2, y2) = ((round(x * STEPS), round(y * STEPS)) for x, y in (start, end))
    reach = round(radius * STEPS)
    xs = (np.arange(rect[0], rect[2], dtype=np.float64) + 0.5) * STEPS - x1
    ys = (np.arange(rect[1], rect[3], dtype=np.float64)[:, None] + 0.5) * STEPS - y1
    inside: Bitmap = xs * xs + ys * ys <= reach * reach
    dx, dy = x2 - x1, y2 - y1
    if dx or dy:
        inside |= (xs - dx) ** 2 + (ys - dy) ** 2 <= reach * reach
        length = dx * dx + dy * dy
        along: NDArray[np.float64] = xs * dx + ys * dy
        across: NDArray[np.float64] = xs * dy - ys * dx
        inside |= (along >= 0) & (along <= length) & (np.abs(across) <= math.isqrt(reach * reach * length))
    return inside


def rounded(value: float) -> float:
    """To the grid on which strokes are computed."""
    return round(value * STEPS) / STEPS


def _window(start: Point, end: Point, radius: float, shape: tuple[int, ...]) -> Rect | None:
    """The pixels of the image whose centres can lie within `radius` of the segment."""
    x1 = max(math.floor(min(start[0], end[0]) - radius), 0)
    y1 = max(math.floor(min(start[1], end[1]) - radius), 0)
    x2 = min(math.ceil(max(start[0], end[0]) + radius), shape[1])
    y2 = min(math.ceil(max(start[1], end[1]) + radius), shape[0])
    return (x1, y1, x2, y2) if x1 < x2 and y1 < y2 else None


def _strips(start: Point, end: Point, radius: float, window: Rect) -> Iterator[Rect]:
    """Rows of the window a few at a time, narrowed to where the capsule can be: far out on a large image the pointer
    moves thousands of pixels at once, and of the square around such a line hardly any pixel is near it."""
    (ax, ay), (bx, by) = sorted((start, end), key=lambda point: point[1])
    x1, y1, x2, y2 = window
    for top in range(y1, y2, STRIP):
        bottom = min(top + STRIP, y2)
        first, last = 0.0, 1.0  # the part of the line that these rows can be near
        if by > ay:
            first = min(max((top - radius - ay) / (by - ay), 0.0), 1.0)
            last = min(max((bottom + radius - ay) / (by - ay), 0.0), 1.0)
        xs = ax + (bx - ax) * first, ax + (bx - ax) * last
        left, right = max(math.floor(min(xs) - radius) - 1, x1), min(math.ceil(max(xs) + radius) + 1, x2)
        if left < right:
            yield left, top, right, bottom


def _around(a: Rect, b: Rect) -> Rect:
    return min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])
