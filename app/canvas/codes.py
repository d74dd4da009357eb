"""The codes of composed masks as colours, and at half their size.

A code is the slot of the instance on top at a pixel, 0 where there is none, with a bit for boundary pixels. A table of
colours (3, 2^16) says what a code looks like as a dash, as a gap between dashes, and without boundaries.
"""

import numpy as np
from numpy.typing import NDArray

from app.canvas.sampling import Pixels

Codes = NDArray[np.uint16]

BOUNDARY = 0x8000  # the bit of a code that says boundary; the others are the slot, 0 where no instance is
DASH = 3  # length of a dash in pixels of the level that is drawn: shorter looks solid, longer skips small objects
CHUNK = 1 << 15  # pixels coloured at once: what numpy widens to indices must stay in the second-level cache


class Colored:
    """The codes of a level as a picture; of a slice only that much is coloured."""

    def __init__(self, codes: Codes, table: Pixels) -> None:
        self._codes, self._table = codes, table
        self.shape = codes.shape

    def __getitem__(self, window: tuple[slice, slice]) -> Pixels:
        codes = self._codes[window]
        pixels = np.empty(codes.shape, dtype=np.uint32)
        color(codes, self._table, window[1].start, window[0].start, pixels)
        return pixels


def color(codes: Codes, table: Pixels, x: int, y: int, pixels: Pixels) -> None:
    """Fill `pixels` (h, w) with the colours of `codes` (h, w), of which the first lies at (x, y)."""
    height, width = codes.shape
    rows = max(1, CHUNK // max(width, 1))
    for first in range(0, height, rows):
        part, colored = codes[first : first + rows], pixels[first : first + rows]
        colored[...] = table[0][part]
        ys, xs = np.divmod(np.flatnonzero(part >= BOUNDARY), width)
        gaps = ((ys + y + first) // DASH + (xs + x) // DASH) % 2 == 1
        ys, xs = ys[gaps], xs[gaps]
        colored[ys, xs] = table[1][part[ys, xs]]


def halved(codes: Codes) -> Codes:
    """Codes (h, w) of half the size, rounded up: of each 2 x 2 the first boundary, else the first instance.

    The choice never looks at the number of a slot, so it is the same in whichever order slots were given away.
    """
    height, width = codes.shape
    if height % 2 or width % 2:
        codes = np.pad(codes, ((0, height % 2), (0, width % 2)))
    best = codes[::2, ::2].copy()
    weight = _weight(best)
    for other in (codes[::2, 1::2], codes[1::2, ::2], codes[1::2, 1::2]):
        rival = _weight(other)
        np.copyto(best, other, where=rival > weight)
        np.maximum(weight, rival, out=weight)
    return best


def _weight(codes: Codes) -> NDArray[np.uint8]:
    return (codes >> 15).astype(np.uint8) + (codes != 0)
