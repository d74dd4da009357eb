"""Closed polygons as pixels by the even-odd rule at pixel centres.

A pixel is inside exactly if a ray from its centre to the left crosses an odd number of edges; a centre on an edge
counts as lying right of it, and one on a row of a vertex as lying below. So every edge flips the pixels right of it by
itself, and edges that two polygons share cancel: filling several polygons together gives the pixels that an odd
number of them fill, and replacing a stretch of a polygon changes no pixel but those between the old and the new.
On coordinates that are whole multiples of 1/64 pixel nothing is decided by rounding.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine.geometry.mask import Mask

Points = NDArray[np.float64]
Runs = NDArray[np.int64]
STRIP = 64  # rows: fewer take longer one by one, and more leave little of a slanting border out


def filled(polygons: Sequence[Points]) -> Mask:
    """The pixels that an odd number of closed polygons (n, 2) of x, y in image coordinates fill.

    The first point is not repeated at the end; crossings, repeated points and positions outside of any image are fine.
    """
    return _drawn(_runs(polygons))


def filled_strips(polygons: Sequence[Points]) -> list[Mask]:
    """What `filled` gives, in parts of few rows each: along a slanting border much smaller than the box around it."""
    runs = _runs(polygons)
    strips = np.split(runs, np.flatnonzero(np.diff(runs[:, 0] // STRIP)) + 1)
    return [_drawn(strip) for strip in strips if len(strip)]


def _runs(polygons: Sequence[Points]) -> Runs:
    """Row, first column and one past the last (n, 3) of each run of pixels inside, row by row."""
    rows, columns = _crossings(_edges(polygons))
    order = np.lexsort((columns, rows))
    # In each row the crossings come in pairs, between which it is inside.
    pairs = np.stack([rows[order[::2]], columns[order[::2]], columns[order[1::2]]], axis=1)
    return pairs[pairs[:, 1] < pairs[:, 2]]


def _drawn(runs: Runs) -> Mask:
    """The pixels of runs, row by row and from the left."""
    if not len(runs):
        return Mask.empty()
    y1, y2 = int(runs[0, 0]), int(runs[-1, 0]) + 1
    x1, x2 = int(runs[:, 1].min()), int(runs[:, 2].max())
    # The end of a row is the start of the next.
    places = (runs[:, :1] - y1) * (x2 - x1) + runs[:, 1:] - x1
    lengths = np.diff(places.ravel(), prepend=0, append=(y2 - y1) * (x2 - x1))
    inside = np.repeat(np.arange(len(lengths)) % 2 == 1, lengths)
    return Mask.from_crop(inside.reshape(y2 - y1, x2 - x1), x1, y1)


def _edges(polygons: Sequence[Points]) -> Points:
    """Edges (m, 4) x1 y1 x2 y2, upper end first so that either direction gives the same crossings; none level."""
    pairs = [np.concatenate([points, np.roll(points, -1, axis=0)], axis=1) for points in polygons if len(points)]
    if not pairs:
        return np.zeros((0, 4))
    edges = np.concatenate(pairs).astype(np.float64)
    rising = edges[:, 1] > edges[:, 3]
    edges[rising] = edges[rising][:, [2, 3, 0, 1]]
    return edges[edges[:, 1] < edges[:, 3]]


def _crossings(edges: Points) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For each edge and each row whose centre it passes: the row, and the first column whose centre is right of it."""
    x1, y1, x2, y2 = edges.T
    first = np.ceil(y1 - 0.5).astype(np.int64)
    counts = np.ceil(y2 - 0.5).astype(np.int64) - first
    of = np.repeat(np.arange(len(edges)), counts)
    rows = np.arange(len(of)) - np.repeat(np.cumsum(counts) - counts, counts) + first[of]
    crossing = x1[of] + (rows + 0.5 - y1[of]) * (x2 - x1)[of] / (y2 - y1)[of]
    return rows, np.ceil(crossing - 0.5).astype(np.int64)
