"""The codes of composed masks as colours, and at half their size.

A code is the slot of the instance on top at a pixel, 0 where there is none, with a bit for boundary pixels. The sides
of a boundary pixel say across which of them its instance ends. A table of colours (3, 2^16) says what a code looks like
as a dash, as a gap between dashes, and without boundaries.
"""

from collections.abc import Sequence
from types import ModuleType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.canvas.sampling import THREADS, DeviceRect, Pixels, Placement, starts
from engine.geometry.mask import Bitmap

_kernels: ModuleType | None
try:
    from engine import _kernels
except ImportError:
    _kernels = None

Codes = NDArray[np.uint16]
Sides = NDArray[np.uint8]

BOUNDARY = 0x8000  # the bit of a code that says boundary; the others are the slot, 0 where no instance is
# Bits of a pixel's sides. With the last, dashes follow x - y along the boundary rather than x + y.
LEFT, RIGHT, TOP, BOTTOM, FALLING = 1, 2, 4, 8, 16
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
    if _kernels is not None:
        _kernels.color_codes(codes, table, DASH, x, y, pixels)
        return
    height, width = codes.shape
    rows = max(1, CHUNK // max(width, 1))
    for first in range(0, height, rows):
        part, colored = codes[first : first + rows], pixels[first : first + rows]
        colored[...] = table[0][part]
        ys, xs = np.divmod(np.flatnonzero(part >= BOUNDARY), width)
        gaps = ((ys + y + first) // DASH + (xs + x) // DASH) % 2 == 1
        ys, xs = ys[gaps], xs[gaps]
        colored[ys, xs] = table[1][part[ys, xs]]


def can_draw() -> bool:
    """Whether `draw` works: it needs the compiled kernels, and an install without a compiler has none."""
    return _kernels is not None


def draw(
    codes: Codes, sides: Sides, table: Pixels, rect: DeviceRect, place: Placement, width: int, dash: int, output: Pixels
) -> None:
    """Lay what falls on the device pixels `rect`, all of them on the image (H, W), over opaque `output` (h, w).

    At a zoom of at least 1. Outlines are lines along the edges of image pixels, `width` device pixels wide, of which
    one lies inside of the mask, in dashes of `dash`. A device pixel is computed from its own place alone.
    """
    assert _kernels is not None
    x1, y1, x2, y2 = rect
    reach = width - 1
    first, columns = starts(x1 - reach, x2 + reach, place.x, place.zoom, codes.shape[1])
    top, rows = starts(y1 - reach, y2 + reach, place.y, place.zoom, codes.shape[0])
    window = slice(top, top + len(rows) - 1), slice(first, first + len(columns) - 1)
    x, y = x1 - round(place.x), y1 - round(place.y)
    placed = (columns - x1).astype(np.int32), (rows - y1).astype(np.int32)
    _kernels.draw_codes(
        codes[window], sides[window], table, *placed, output, width=width, dash=dash, x=x, y=y, threads=THREADS
    )


class Stamp(NamedTuple):
    """A bitmap that is put onto codes as instance `slot`, its first pixel on image pixel (x, y)."""

    bitmap: Bitmap
    x: int
    y: int
    slot: int


def put(stamps: Sequence[Stamp], x: int, y: int, codes: Codes, sides: Sides, *, threads: int = THREADS) -> None:
    """Write the stamps' pixels, later ones on top, and over them all their boundaries, to codes and sides (h, w).

    The first code lies at image pixel (x, y). All beyond a bitmap is unset.
    """
    if _kernels is not None:
        places = np.array([(stamp.x - x, stamp.y - y, stamp.slot) for stamp in stamps], dtype=np.int64).reshape(-1, 3)
        _kernels.put_codes([stamp.bitmap for stamp in stamps], places, codes, sides, threads=threads)
        return
    for stamp in stamps:
        target, source = _met(stamp, x, y, codes.shape)
        np.copyto(codes[target], stamp.slot, where=stamp.bitmap[source])
    for stamp in stamps:
        target, source = _met(stamp, x, y, codes.shape)
        boundary = sides_of(np.pad(stamp.bitmap, 1))
        follow_boundary(boundary)
        boundary = boundary[source]
        np.copyto(codes[target], stamp.slot | BOUNDARY, where=boundary != 0)
        np.copyto(sides[target], boundary, where=boundary != 0)


def _met(stamp: Stamp, x: int, y: int, shape: tuple[int, ...]) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Where a stamp lies on codes of a shape, the first of them at (x, y): in the codes, and in its bitmap."""
    target, source = [], []
    for place, length, room in zip((stamp.y - y, stamp.x - x), stamp.bitmap.shape, shape, strict=True):
        start, end = max(place, 0), max(min(place + length, room), 0)
        target.append(slice(start, end))
        source.append(slice(start - place, max(end - place, start - place)))
    return (target[0], target[1]), (source[0], source[1])


def sides_of(padded: Bitmap) -> Sides:
    """Across which sides the set pixels (h, w) of `padded` (h + 2, w + 2) have an unset one; 0 where it is inside."""
    bits = padded.view(np.uint8)
    middle = bits[1:-1, 1:-1]
    sides: Sides = np.greater(middle, bits[1:-1, :-2]).view(np.uint8)
    for neighbour, bit in ((bits[1:-1, 2:], RIGHT), (bits[:-2, 1:-1], TOP), (bits[2:, 1:-1], BOTTOM)):
        sides |= np.greater(middle, neighbour).view(np.uint8) * np.uint8(bit)
    return sides


def follow_boundary(sides: Sides) -> None:
    """Say which way the dashes of a whole mask's boundary run, from where around its middle they lie.

    x + y grows by one with every step of a boundary that goes right and down, x - y with one that goes right and up,
    so that dashes have one length at any slope; on the other diagonal they would be solid.
    """
    half_height, half_width = sides.shape[0] // 2, sides.shape[1] // 2
    for quarter in (sides[:half_height, :half_width], sides[half_height:, half_width:]):
        quarter |= (quarter != 0).view(np.uint8) * np.uint8(FALLING)


def halved(codes: Codes, *, threads: int = THREADS) -> Codes:
    """Codes (h, w) of half the size, rounded up: of each 2 x 2 the first boundary, else the first instance.

    The choice never looks at the number of a slot, so it is the same in whichever order slots were given away.
    """
    height, width = codes.shape
    if _kernels is not None:
        half = np.empty(((height + 1) // 2, (width + 1) // 2), dtype=np.uint16)
        _kernels.halve_codes(codes, half, threads=threads)
        return half
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
