"""The codes of composed masks and of what lies below them at every halved size, and their colours.

Only the finest codes are written by who composes; everything else follows from them, where and when it is looked at.
"""

from collections.abc import Callable, Sequence
from itertools import chain, islice

import numpy as np

from app.canvas.codes import Codes, Colored, Sides, Stamp, color, halved, put
from app.canvas.rects import Rect, around, banded, coarser, joined
from app.canvas.sampling import Picture, Pixels
from engine.images import LARGE_PIXELS
from engine.images.arrays import new_array

SMALLEST_LEVEL = 256  # levels go on until the longer side is at most this many pixels; smaller ones save nothing
MOST_STALE = 64  # rectangles remembered for a level that nobody looks at; more become one
BAND = 1 << 24  # pixels composed or halved at once, so that a change of a whole large image needs little memory


class Levels:
    """Those of one image of `width` x `height` pixels; a pixel of level k covers 2^k x 2^k image pixels.

    Rectangles are in image pixels.
    """

    def __init__(self, width: int = 0, height: int = 0, *, on_disk: bool = False) -> None:
        """Nothing is composed yet. Raises OutOfSpace."""
        self.width, self.height = width, height
        self.codes: list[Codes] = []
        self._pixels: list[Pixels | None] = []  # None where they are made when they are drawn
        most_colored = BAND if width * height > LARGE_PIXELS else LARGE_PIXELS
        while True:
            large = on_disk and width * height > BAND
            self.codes.append(new_array((height, width), np.uint16, on_disk=large))
            self._pixels.append(np.zeros((height, width), dtype=np.uint32) if width * height <= most_colored else None)
            if len(self.codes) == 1:
                self.sides: Sides = new_array((height, width), np.uint8, on_disk=large)  # of the finest codes
            if max(width, height) <= SMALLEST_LEVEL:
                break
            width, height = (width + 1) // 2, (height + 1) // 2
        # Rectangles of each level, in its own pixels, that changed since it was last asked for: its codes, its colours.
        self._stale_codes: list[list[Rect]] = [[] for _ in self.codes]
        self._stale_colors: list[list[Rect]] = [[] for _ in self.codes]
        self._used = 0  # rows from the top on which something was ever composed; those below are still zeros

    def clear(self) -> None:
        """Nothing is composed any more."""
        for codes in self.codes:
            codes.fill(0)
        self.sides.fill(0)  # or the outlines of what was there would cut into new ones nearby
        self._used = 0
        self.forget_colors((0, 0, self.width, self.height))

    def picture(self, level: int, table: Pixels) -> Picture:
        """Premultiplied 0xAARRGGBB (h, w) of a level, coloured by a table as `app.canvas.codes` has them."""
        for half in range(1, level + 1):
            stale, self._stale_codes[half] = self._stale_codes[half], []
            for x1, y1, x2, y2 in banded(joined(stale), BAND):
                finer = self.codes[half - 1][2 * y1 : 2 * y2, 2 * x1 : 2 * x2]
                self.codes[half][y1:y2, x1:x2] = halved(finer)
        stale, self._stale_colors[level] = self._stale_colors[level], []
        pixels = self._pixels[level]
        if pixels is None:
            return Colored(self.codes[level], table)
        for x1, y1, x2, y2 in joined(stale):
            color(self.codes[level][y1:y2, x1:x2], table, x1, y1, pixels[y1:y2, x1:x2])
        return pixels

    def is_stale(self, level: int) -> bool:
        """Whether `picture` has something to make, which reads the finer codes."""
        return bool(self._stale_colors[level]) or any(self._stale_codes[1 : level + 1])

    def writing(self, rect: Rect, stamps: Sequence[Stamp], threads: int) -> Callable[[], None]:
        """What composes stamps in a rectangle; `note_composed` follows it."""
        x1, y1, x2, y2 = rect
        codes, sides = self.codes[0][y1:y2, x1:x2], self.sides[y1:y2, x1:x2]
        used, self._used = max(self._used - y1, 0), max(self._used, y2)

        def write() -> None:
            codes[:used] = 0
            sides[:used] = 0
            put(stamps, x1, y1, codes, sides, threads=threads)

        return write

    def making(self, rect: Rect, level: int, table: Pixels) -> Callable[[], None]:
        """What makes the coarser codes and the colours of a composed rectangle up to a level, in one thread."""
        codes, pixels = self.codes[: level + 1], self._pixels[level]
        rects = [rect, *islice(coarser(rect), level)]

        def make() -> None:
            for finer, half, (x1, y1, x2, y2) in zip(codes, codes[1:], rects[1:], strict=False):
                half[y1:y2, x1:x2] = halved(finer[2 * y1 : 2 * y2, 2 * x1 : 2 * x2], threads=1)
            if pixels is not None:
                x1, y1, x2, y2 = rects[-1]
                color(codes[-1][y1:y2, x1:x2], table, x1, y1, pixels[y1:y2, x1:x2])

        return make

    def note_composed(self, rect: Rect, made: int | None = None) -> None:
        """Coarser codes and all colours of a rectangle are stale, but for what was made up to a level and of it."""
        for level, coarse in enumerate(islice(chain([rect], coarser(rect)), len(self.codes))):
            if level > (made or 0):
                _remember(self._stale_codes[level], coarse)
            if level != made:
                _remember(self._stale_colors[level], coarse)

    def forget_colors(self, rect: Rect) -> None:
        """Image pixels have other colours than those that are kept."""
        rect = max(rect[0], 0), max(rect[1], 0), min(rect[2], self.width), min(rect[3], self.height)
        if rect[0] < rect[2] and rect[1] < rect[3]:
            for stale, coarse in zip(self._stale_colors, chain([rect], coarser(rect)), strict=False):
                _remember(stale, coarse)


def _remember(stale: list[Rect], rect: Rect) -> None:
    stale.append(rect)
    if len(stale) > MOST_STALE:
        stale[:] = [around(stale)]
