"""The tips of a brush, and which pixels a tip covers that is moved along a straight line.

A pixel is covered exactly if its centre is: by a round tip if it lies within the radius r of the line, the circle
included; by a square one if for some point (x, y) of the line it lies in [x - r, x + r) x [y - r, y + r). So a square
of side 2r covers 2r x 2r pixels wherever it stands. What a tip covers along a line is convex, which makes one run of
pixels of each row.

Everything is in whole numbers of 1/64 pixel or products of two of them, below 2^53 for images of up to 2^16 pixels a
side and lines that begin and end as far from them, so no pixel is ever decided by rounding.
"""

import math
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

STEPS = 64  # per pixel, as many as a pointer can tell at the largest zoom
HALF = STEPS // 2
_FAR = 1 << 50  # beyond every row; twice that still fits into 64 bits

Place = tuple[int, int]  # x, y in steps
Numbers = NDArray[np.int64]


class Tip(StrEnum):
    """The shape of a brush."""

    ROUND = "round"
    SQUARE = "square"


def runs(tip: Tip, start: Place, end: Place, radius: int, rows: Numbers) -> tuple[Numbers, Numbers]:
    """First pixel (n,) covered of each of `rows` (n,), and one past the last; not above the first where none is.

    `start`, `end` and `radius` are in steps.
    """
    across = rows * STEPS + HALF - start[1]
    move = end[0] - start[0], end[1] - start[1]
    covered = _round if tip is Tip.ROUND else _square
    return covered(start[0], move, radius, across)


def _round(x: int, move: Place, radius: int, across: Numbers) -> tuple[Numbers, Numbers]:
    """The union of the discs at both ends, and of the band between them where the perpendicular is short enough."""
    dx, dy = move
    low, high = _chord(across, radius)
    if dx or dy:
        first, last = _chord(across - dy, radius)
        low, high = np.minimum(low, first + dx), np.maximum(high, last + dx)
        length = dx * dx + dy * dy
        width = math.isqrt(radius * radius * length)
        first, last = _solutions(dx, -across * dy, length - across * dy)
        left, right = _solutions(dy, across * dx - width, across * dx + width)
        first, last = np.maximum(first, left), np.minimum(last, right)
        inside = first <= last
        low, high = np.where(inside, np.minimum(low, first), low), np.where(inside, np.maximum(high, last), high)
    return -(-(low + x - HALF) // STEPS), (high + x - HALF) // STEPS + 1


def _square(x: int, move: Place, radius: int, across: Numbers) -> tuple[Numbers, Numbers]:
    """The line's part from `begin` to `finish`, out of `whole`, is where a row is covered; its ends may be left out."""
    dx, dy = move
    whole = abs(dy) or 1
    begin, finish = np.zeros_like(across), np.full_like(across, whole)
    open_begin, open_finish = np.zeros((2, len(across)), dtype=np.bool_)
    if dy > 0:
        open_begin = across - radius >= 0
        begin, finish = np.maximum(across - radius, 0), np.minimum(across + radius, whole)
    elif dy < 0:
        open_finish = radius - across <= whole
        begin, finish = np.maximum(-across - radius, 0), np.minimum(radius - across, whole)
    else:
        finish = np.where((-radius <= across) & (across < radius), finish, -1)
    covered = (begin < finish) | ((begin == finish) & ~open_begin & ~open_finish)
    if dx < 0:
        begin, finish, open_begin = finish, begin, open_finish
    step = STEPS * whole
    least, most = ((x - HALF) * whole + dx * ends for ends in (begin, finish))
    least, most = least - radius * whole, most + radius * whole
    # An end that is left out takes its own leftmost pixel along, unless all of the line has the same one.
    left = np.where(open_begin & (dx != 0), least // step + 1, -(-least // step))
    return np.where(covered, left, _FAR), np.where(covered, -(-most // step), -_FAR)


def _chord(across: Numbers, radius: int) -> tuple[Numbers, Numbers]:
    """From where to where a disc reaches along lines at these distances from its centre."""
    squared = radius * radius - across * across
    half = np.sqrt(np.maximum(squared, 0)).astype(np.int64)  # exact: of whole numbers below 2^52
    return np.where(squared >= 0, -half, _FAR), np.where(squared >= 0, half, -_FAR)


def _solutions(factor: int, least: Numbers, most: Numbers) -> tuple[Numbers, Numbers]:
    """The first and the last whole number n with `least` <= factor * n <= `most`; far apart where all are."""
    if factor == 0:
        all_are = (least <= 0) & (most >= 0)
        return np.where(all_are, -_FAR, _FAR), np.where(all_are, _FAR, -_FAR)
    if factor < 0:
        factor, least, most = -factor, -most, -least
    return -(-least // factor), most // factor
