"""The pixels inside an outline that a person drew, by vertices or freehand; coordinates are continuous image ones."""

import json
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.geometry.mask import Mask
from engine.geometry.polygons import from_coco_polygons

Point = tuple[float, float]
DECIMALS = 2  # of the vertices that are kept: a hundredth of a pixel is finer than anybody points


def polygon_ring(points: Sequence[Point], width: int, height: int) -> list[float]:
    """The polygon's part on the image as COCO's x, y, x, y, ..., rounded; empty where there is none.

    Cut at the image's borders one after the other (Sutherland and Hodgman, 1974), so a polygon that leaves the image
    and comes back runs along its border, which holds no pixel. One within the image is left as it is.
    """
    ring = np.array(points, dtype=np.float64).reshape(-1, 2)
    for axis, most in ((0, width), (1, height)):
        ring = _cut(ring, ring[:, axis])
        ring = _cut(ring, most - ring[:, axis])
    flat: list[float] = np.round(ring, DECIMALS).ravel().tolist()
    return flat if len(ring) >= 3 else []


def polygon_mask(points: Sequence[Point], width: int, height: int) -> tuple[Mask, str]:
    """The pixels of a polygon, and the COCO annotation as JSON text that repeats them verbatim.

    They are what pycocotools decodes the annotation to. Where the border crosses itself that is the even-odd rule: what
    it goes round twice is outside again.
    """
    ring = polygon_ring(points, width, height)
    return from_coco_polygons([ring], height, width), json.dumps({"segmentation": [ring]})


def lasso_mask(points: Sequence[Point], width: int, height: int) -> Mask:
    """The pixels whose centres a closed freehand line goes round, once or more often.

    A hand closes a loop by going on past its beginning, and that must not cut a hole (so the non-zero winding rule).
    For each row it counts where the line crosses the row's middle, up or down; a crossing at a centre is left of it.
    """
    start = np.array(points, dtype=np.float64).reshape(-1, 2)
    end = np.roll(start, -1, axis=0)
    upper, lower = np.minimum(start[:, 1], end[:, 1]), np.maximum(start[:, 1], end[:, 1])
    first = np.clip(np.ceil(upper - 0.5), 0, height).astype(np.int64)  # rows with their middle in [upper, lower)
    last = np.clip(np.ceil(lower - 0.5), 0, height).astype(np.int64)
    rows_of = np.maximum(last - first, 0)
    if not rows_of.any():
        return Mask.empty()
    edge = np.repeat(np.arange(len(start)), rows_of)
    rows = np.arange(len(edge)) - np.repeat(np.cumsum(rows_of) - rows_of, rows_of) + first[edge]
    along = (rows + 0.5 - start[edge, 1]) / (end[edge, 1] - start[edge, 1])
    crossed = start[edge, 0] + along * (end[edge, 0] - start[edge, 0])
    columns = np.clip(np.ceil(crossed - 0.5), 0, width).astype(np.int64)
    order = np.lexsort((columns, rows))
    rows, columns = rows[order], columns[order]
    # Each row comes back to 0, so one sum along all rows tells how often the line goes round what lies to the right.
    around = np.cumsum(np.where(end[edge, 1] > start[edge, 1], 1, -1)[order])
    begins = np.flatnonzero((around != 0) & (np.concatenate([[0], around[:-1]]) == 0))
    ends = np.flatnonzero((around == 0) & (np.concatenate([[0], around[:-1]]) != 0))
    left, top = int(columns.min()), int(rows[0])
    inside = np.zeros((int(rows[-1]) - top + 1, int(columns.max()) - left), dtype=np.bool_)
    for row, x1, x2 in zip(*((rows - top)[begins], (columns - left)[begins], (columns - left)[ends]), strict=True):
        inside[row, x1:x2] = True
    return Mask.from_crop(inside, left, top)


def simplified(points: Sequence[Point], tolerance: float) -> list[Point]:
    """Those points of a freehand line, its ends among them, that leave it nowhere farther than `tolerance` pixels away
    (Douglas and Peucker, 1973)."""
    line = np.array(points, dtype=np.float64)
    near = (line - line[0]).astype(np.float32)  # all that OpenCV takes; far from the origin it would be coarse
    kept = cv2.approxPolyDP(near[:, None], tolerance, closed=False)[:, 0].astype(np.float64) + line[0]
    return [(float(x), float(y)) for x, y in kept]


def _cut(ring: NDArray[np.float64], inside: NDArray[np.float64]) -> NDArray[np.float64]:
    """The ring (n, 2) where `inside` (n,), linear in the coordinates, is not negative."""
    if (inside >= 0).all():
        return ring
    after, ahead = np.roll(ring, -1, axis=0), np.roll(inside, -1)
    kept: list[NDArray[np.float64]] = []
    for point, here, following, there in zip(ring, inside, after, ahead, strict=True):
        if here >= 0:
            kept.append(point)
        if (here < 0) != (there < 0):
            kept.append(point + (following - point) * (here / (here - there)))
    return np.array(kept).reshape(-1, 2)
