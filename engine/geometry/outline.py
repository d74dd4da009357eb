"""The outline of a mask, exact, with few handles to pull it by.

Filled by the even-odd rule at pixel centres (see `even_odd`) the rings of an outline give the mask, pixel by pixel,
holes and parts included. Some of their points are handles. Vertices of COCO polygons are different: all of their points
are handles, and pycocotools' filling decides what is inside.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.geometry import polygons
from engine.geometry.even_odd import Points
from engine.geometry.mask import Bitmap, Mask

Numbers = NDArray[np.int64]
LEAST_HANDLES = 3  # of a ring: with fewer it encloses nothing
STEPS = 64  # per pixel: the grid on which the even-odd rule never rounds, finer than a pointer at the largest zoom


@dataclass(frozen=True, eq=False)
class Outline:
    """Rings one after the other, ring r being `points[starts[r] : starts[r + 1]]`; `handles` says which are handles.

    `points` (n, 2) are x, y in image coordinates, `starts` (r + 1,) and `handles` (k,) ascending indices; every ring
    has a handle. A handle's number is its place in `handles`. `drawn` are the vertices of COCO polygons.
    """

    points: Points
    starts: Numbers
    handles: Numbers
    drawn: bool = False

    @property
    def places(self) -> Points:
        """Where the handles are (k, 2), in image coordinates."""
        return self.points[self.handles]

    @cached_property
    def next_points(self) -> Numbers:
        """For each point the index of the next one of its ring."""
        return _following(len(self.points), self.starts)

    @cached_property
    def first_handles(self) -> Numbers:
        """The number of each ring's first handle, and at the end how many there are."""
        return np.searchsorted(self.handles, self.starts)

    @cached_property
    def next_handles(self) -> Numbers:
        """For each handle the number of the next one of its ring."""
        return _following(len(self.handles), self.first_handles)

    @cached_property
    def is_handle(self) -> Bitmap:
        """Whether each point is a handle (n,)."""
        result = np.zeros(len(self.points), dtype=np.bool_)
        result[self.handles] = True
        return result

    @cached_property
    def stretches(self) -> Numbers:
        """For each point the number of the handle that it is, or else that its stretch begins at."""
        result = np.cumsum(self.is_handle) - 1
        # Points before the first handle of a ring belong to the stretch of its last one.
        heads = np.stack([self.starts[:-1], self.handles[self.first_handles[:-1]]], axis=1)
        for ring in np.flatnonzero(heads[:, 0] < heads[:, 1]):
            result[heads[ring, 0] : heads[ring, 1]] = self.first_handles[ring + 1] - 1
        return result

    @cached_property
    def _boxes(self) -> Points:
        """Around each edge: x1 y1 x2 y2, of which each is a row (4, n), for they are compared row by row."""
        ends = self.points[self.next_points]
        return np.concatenate([np.minimum(self.points, ends).T, np.maximum(self.points, ends).T])

    def nearest_edge(self, x: float, y: float, reach: float) -> tuple[int, tuple[float, float]] | None:
        """The edge within `reach` pixels of a point, by the index of the point it begins at, and its place nearest."""
        x1, y1, x2, y2 = self._boxes
        near = np.flatnonzero((x1 <= x + reach) & (x2 >= x - reach) & (y1 <= y + reach) & (y2 >= y - reach))
        begins = self.points[near]
        along = self.points[self.next_points[near]] - begins
        squares = np.maximum((along * along).sum(axis=1), 1e-12)
        shares = np.clip(((np.array([x, y]) - begins) * along).sum(axis=1) / squares, 0, 1)
        places = begins + shares[:, None] * along
        distances = np.hypot(places[:, 0] - x, places[:, 1] - y)
        if not len(near) or distances.min() > reach:
            return None
        best = int(distances.argmin())
        return int(near[best]), (float(places[best, 0]), float(places[best, 1]))

    def ring(self, index: int) -> Points:
        """The points (m, 2) of one ring."""
        return self.points[self.starts[index] : self.starts[index + 1]]

    def rings(self) -> list[Points]:
        return [self.ring(index) for index in range(len(self.starts) - 1)]

    def to_coco(self) -> list[list[float]]:
        """The rings as COCO polygons [[x, y, x, y, ...], ...]."""
        return [ring.ravel().tolist() for ring in self.rings()]

    def thinned(self, tolerance: float) -> "Outline":
        """The same rings with other handles: those that lie within `tolerance` pixels of the rings when joined."""
        if self.drawn:
            return self
        places = [
            _few(ring, tolerance) + start for ring, start in zip(self.rings(), self.starts.tolist(), strict=False)
        ]
        return Outline(self.points, self.starts, np.concatenate(places) if places else self.handles)


def outline_of(mask: Mask, tolerance: float) -> Outline:
    """The pixel edges of a mask with handles by Douglas-Peucker, `tolerance` in pixels."""
    return _of_rings(polygons.outlines(mask)).thinned(tolerance)


def outline_of_source(source: str | None, mask: Mask, image_size: tuple[int, int]) -> Outline | None:
    """The vertices that an annotation's source record, as JSON text, has for the mask on an image (width, height).

    None where it has no polygons, or polygons of another mask.
    """
    segmentation = json.loads(source).get("segmentation") if source is not None else None
    if not isinstance(segmentation, list) or not all(segmentation):
        return None
    width, height = image_size
    try:
        if polygons.from_coco_polygons(segmentation, height, width) != mask:
            return None
    except ValueError:
        return None
    return _of_rings([np.asarray(polygon).reshape(-1, 2) for polygon in segmentation], drawn=True)


def _of_rings(rings: Sequence[NDArray[np.generic]], drawn: bool = False) -> Outline:
    """All points are handles."""
    points = np.concatenate(rings).astype(np.float64) if rings else np.zeros((0, 2))
    starts = np.cumsum([0, *(len(ring) for ring in rings)])
    return Outline(points, starts, np.arange(len(points)), drawn)


def _following(count: int, starts: Numbers) -> Numbers:
    result = np.arange(1, count + 1)
    result[starts[1:] - 1] = starts[:-1]
    return result


def _few(ring: Points, tolerance: float) -> Numbers:
    """Ascending indices of at least three points of a ring, as far apart as the tolerance allows."""
    # A window of its own, for OpenCV computes in single precision.
    local = (ring - ring.min(axis=0)).astype(np.float32)
    while tolerance > 1 / STEPS:
        found = cv2.approxPolyDP(local[:, None], tolerance, closed=True)[:, 0]
        if len(found) >= LEAST_HANDLES:
            return _indices(local, np.ascontiguousarray(found))
        tolerance /= 2
    return np.arange(len(ring))


def _indices(ring: NDArray[np.float32], found: NDArray[np.float32]) -> Numbers:
    """Where in the ring the points are that were found of it, going round it once from one of them."""
    keys, wanted = ring.view(np.int64)[:, 0], found.view(np.int64)[:, 0]
    order = np.argsort(keys, kind="stable")
    first = np.searchsorted(keys[order], wanted, side="left")
    last = np.searchsorted(keys[order], wanted, side="right")
    if (last - first == 1).all():
        return np.sort(order[first])
    # A ring that meets itself has a corner twice: go along both, from the start that needs no second time round.
    walks = (_walk(keys, wanted, int(start)) for start in order[first[0] : last[0]])
    return np.sort(np.array(min(walks, key=lambda walk: walk[-1] - walk[0])) % len(ring))


def _walk(keys: Numbers, wanted: Numbers, start: int) -> list[int]:
    """The places of wanted keys one after the other from `start`, counting on where the ring begins again."""
    rounds = np.concatenate([keys, keys, keys])
    walk = [start]
    for key in wanted[1:]:
        after = walk[-1] + 1
        ahead = np.flatnonzero(rounds[after : after + len(keys)] == key)
        walk.append(min(after + int(ahead[0]) if len(ahead) else after, 2 * len(keys) - 1))
    return walk
