"""A stroke of a brush as a set of pixels: all that its tip covers on the pointer's way (see `tips`).

So a fast movement leaves no gap, a single press is one imprint of the tip, and a stroke is the same however it is cut
into movements along the same line. Coordinates are rounded to 1/64 pixel.
"""

from collections.abc import Sequence

import numpy as np

from app.canvas.rects import Rect
from app.tools.sparse import SparseBitmap, joined_by_tile
from app.tools.tips import STEPS, Place, Tip, runs
from engine.geometry.mask import Bitmap, Mask

Point = tuple[float, float]


class Stroke:
    """The pixels of one stroke on an image of `width` x `height`, growing with the pointer's line."""

    def __init__(self, width: int, height: int, radius: float, tip: Tip = Tip.ROUND) -> None:
        """`radius` is in pixels; a square tip has sides of twice that."""
        self._pixels = SparseBitmap(width, height)
        self._radius = round(radius * STEPS)
        self._tip = tip
        self._last: Place | None = None

    @property
    def bounds(self) -> Rect:
        """A rectangle that holds every pixel so far, (0, 0, 0, 0) where there is none."""
        return self._pixels.bounds

    def extend(self, x: float, y: float) -> list[Rect]:
        """Draw on to a point in continuous image coordinates. Rectangles of the pixels that may have changed."""
        end = round(x * STEPS), round(y * STEPS)
        start = end if self._last is None else self._last
        self._last = end
        top = max((min(start[1], end[1]) - self._radius) // STEPS - 1, 0)
        bottom = min((max(start[1], end[1]) + self._radius) // STEPS + 1, self._pixels.height)
        if top >= bottom:
            return []
        rows = np.arange(top, bottom, dtype=np.int64)
        return self._pixels.set_runs(rows, *runs(self._tip, start, end, self._radius, rows))

    def retrace(self, points: Sequence[Point]) -> list[Rect]:
        """Begin again, along straight lines from point to point. Rectangles of the pixels that may have changed."""
        rects, self._last = self._pixels.clear(), None
        for x, y in points:
            rects += self.extend(x, y)
        return joined_by_tile(rects)

    def rects(self) -> list[Rect]:
        """Rectangles that together hold every pixel so far and do not overlap."""
        return self._pixels.rects()

    def crop(self, x1: int, y1: int, x2: int, y2: int) -> Bitmap:
        """A new bitmap (y2 - y1, x2 - x1) of that window, which may reach out of the image."""
        return self._pixels.crop(x1, y1, x2, y2)

    def mask(self) -> Mask:
        """The pixels so far."""
        return self._pixels.mask()
