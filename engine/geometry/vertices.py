"""What pulling at the handles of an outline changes: nothing but the pixels along the stretches next to them.

A stretch is what lies between two neighbouring handles of a ring. A handle that moves, comes or goes replaces the
stretches next to it by straight lines, so that only pixels between the old and the new stretches can change, whatever
the rest looks like. Where the result crosses itself or another ring the even-odd rule decides: what is enclosed twice
is outside. The new rings fill the new mask, so an outline outlives its edits and handles stay where they were put.
"""

from collections.abc import Iterable, Sequence

import numpy as np

from engine.geometry import polygons
from engine.geometry.even_odd import Points, filled, filled_strips
from engine.geometry.mask import Bitmap, Mask
from engine.geometry.outline import LEAST_HANDLES, STEPS, Numbers, Outline


class Reshaping:
    """One change of an outline's handles on an image (width, height), whose mask the outline describes."""

    def __init__(self, before: Outline, mask: Mask, image_size: tuple[int, int]) -> None:
        self.before = before
        self._mask = mask
        self._size = image_size
        self._old: list[Points] = []
        self._now: list[Points] = []
        self._drawn = mask  # of COCO polygons, as it is now

    @property
    def outline(self) -> Outline:
        """How it is now."""
        raise NotImplementedError

    @property
    def paths(self) -> Sequence[Points]:
        """What stands in the place of the changed stretches, each (n, 2) from handle to handle."""
        return self._now

    @property
    def flipped(self) -> Mask:
        """The pixels of the image that are not what they were before the change."""
        if self.before.drawn:
            return differing(self._mask, self._drawn)
        return filled([*self._old, *self._now]).clip(*self._size)

    @property
    def mask(self) -> Mask:
        """What the outline fills now."""
        return self._drawn if self.before.drawn else differing(self._mask, self.flipped)

    @property
    def polygons(self) -> list[list[float]] | None:
        """COCO polygons that repeat the mask; None for an outline that is none of those."""
        return self.outline.to_coco() if self.before.drawn else None

    def _show(self, paths: list[Points]) -> list[Mask]:
        """The changed stretches are now these. Returns the pixels that differ from what they were last, in parts."""
        before, self._now = self._now, paths
        if not self.before.drawn:
            return [strip.clip(*self._size) for strip in filled_strips([*before, *paths])]
        width, height = self._size
        drawn, self._drawn = self._drawn, polygons.from_coco_polygons(self.outline.to_coco(), height, width)
        return [differing(drawn, self._drawn)]


class Move(Reshaping):
    """Chosen handles on the way to another place, all by the same distance.

    A stretch between a chosen handle and another one becomes a straight line; one between two chosen handles moves
    along with them as it is.
    """

    def __init__(self, before: Outline, mask: Mask, image_size: tuple[int, int], chosen: Iterable[int]) -> None:
        super().__init__(before, mask, image_size)
        self.chosen = np.array(sorted(set(chosen)), dtype=np.int64)
        begins, ends, own = _chosen_ends(before, self.chosen)
        self._moved: Bitmap = np.where(before.is_handle, own, begins & ends)
        self._kept: Bitmap = before.is_handle | (begins == ends)
        self._sections = _sections(before, self.chosen)
        self._start = [before.points[section] for section in self._sections]
        self._old = self._now = self._start
        self.step = np.zeros(2)

    @property
    def outline(self) -> Outline:
        if not self.step.any():
            return self.before
        return _keeping(self.before, self._kept, self.before.points + self._moved[:, None] * self.step)

    def to(self, dx: float, dy: float) -> list[Mask]:
        """Move by so many pixels from where they were, but not out of the image.

        Returns the pixels that differ from what they were last, in parts. Back at the start everything is as it was.
        """
        self.step = self._within(dx, dy)
        if not self.step.any():
            return self._show(self._start)
        kept = [section[self._kept[section]] for section in self._sections]
        return self._show([self.before.points[part] + self._moved[part, None] * self.step for part in kept])

    def _within(self, dx: float, dy: float) -> Points:
        """The distance on the grid, and no farther out of the image than the chosen handles are already."""
        places = self.before.places[self.chosen]
        least = np.minimum(-places.min(axis=0), 0)
        most = np.maximum(np.array(self._size) - places.max(axis=0), 0)
        step: Points = np.round(np.clip([dx, dy], least, most) * STEPS) / STEPS
        return step


class Insertion(Move):
    """A new handle at (x, y) on the edge that begins at a point, by its index; it can then be moved."""

    def __init__(
        self, before: Outline, mask: Mask, image_size: tuple[int, int], edge: int, place: tuple[float, float]
    ) -> None:
        grown, number = _with_handle(before, edge, place)
        super().__init__(grown, mask, image_size, [number])
        if len(grown.points) > len(before.points):
            # On the grid it may lie a hair beside a slanting edge, so the edge without it is what there was.
            added = grown.handles[number]
            self._old = self._now = [grown.points[section[section != added]] for section in self._sections]

    @property
    def number(self) -> int:
        """The new handle's."""
        return int(self.chosen[0])


class Removal(Reshaping):
    """The outline without the chosen handles: straight lines in the place of the stretches next to them.

    A ring that is left with fewer than three handles goes, and with it the rings directly inside of it: what it
    enclosed becomes like its surroundings, so that a hole is filled and a part goes with its holes.
    """

    def __init__(self, before: Outline, mask: Mask, image_size: tuple[int, int], chosen: Iterable[int]) -> None:
        super().__init__(before, mask, image_size)
        numbers = np.array(sorted(set(chosen)), dtype=np.int64)
        begins, ends, own = _chosen_ends(before, numbers)
        kept: Bitmap = np.where(before.is_handle, ~own, ~(begins | ends))
        gone = _gone(before, numbers)
        for ring in gone:
            kept[before.starts[ring] : before.starts[ring + 1]] = False
        sections = [one for one in _sections(before, numbers) if _ring_of(before, one[0]) not in gone]
        self._old = self._now = [before.points[one] for one in sections] + [before.ring(ring) for ring in gone]
        self._left = _keeping(before, kept, before.points)
        self._show([before.points[one[kept[one]]] for one in sections])

    @property
    def outline(self) -> Outline:
        return self._left


def differing(one: Mask, other: Mask) -> Mask:
    """The pixels that are in one of the masks only."""
    if one.is_empty or other.is_empty:
        return other if one.is_empty else one
    x1, y1, x2, y2 = one.bounds
    u1, v1, u2, v2 = other.bounds
    left, top = min(x1, u1), min(y1, v1)
    window = one.crop(left, top, max(x2, u2), max(y2, v2))
    window[v1 - top : v2 - top, u1 - left : u2 - left] ^= other.bitmap
    return Mask.from_crop(window, left, top)


def _with_handle(outline: Outline, edge: int, place: tuple[float, float]) -> tuple[Outline, int]:
    """The outline with a handle at a place on an edge, and its number. A point that is there already becomes it."""
    point = np.round(np.array(place) * STEPS) / STEPS
    for end in (edge, int(outline.next_points[edge])):
        if np.array_equal(outline.points[end], point):
            number = int(np.searchsorted(outline.handles, end))
            if outline.is_handle[end]:
                return outline, number
            return Outline(outline.points, outline.starts, np.insert(outline.handles, number, end)), number
    number = int(np.searchsorted(outline.handles, edge, side="right"))
    points = np.insert(outline.points, edge + 1, point, axis=0)
    starts = outline.starts + (outline.starts > edge)
    handles = np.insert(outline.handles + (outline.handles > edge), number, edge + 1)
    return Outline(points, starts, handles, outline.drawn), number


def _chosen_ends(outline: Outline, numbers: Numbers) -> tuple[Bitmap, Bitmap, Bitmap]:
    """For each point whether its stretch begins at a chosen handle, ends at one, and whether it is one itself."""
    chosen = np.zeros(len(outline.handles), dtype=np.bool_)
    chosen[numbers] = True
    begins = chosen[outline.stretches]
    return begins, chosen[outline.next_handles][outline.stretches], begins & outline.is_handle


def _sections(outline: Outline, numbers: Numbers) -> list[Numbers]:
    """Point indices along each run of stretches that begin or end at a chosen handle, both ends included.

    A ring of which no stretch is left alone is one section from its first point to its last.
    """
    affected = np.zeros(len(outline.handles), dtype=np.bool_)
    affected[numbers] = True
    affected |= affected[outline.next_handles]
    sections = []
    for ring in np.unique(np.searchsorted(outline.first_handles, numbers, side="right") - 1).tolist():
        first, last = outline.first_handles[ring], outline.first_handles[ring + 1]
        start, stop = outline.starts[ring], outline.starts[ring + 1]
        own = affected[first:last]
        if own.all():
            sections.append(np.arange(start, stop))
            continue
        begins = np.flatnonzero(own & ~np.roll(own, 1))
        ends = np.flatnonzero(own & ~np.roll(own, -1))
        if ends[0] < begins[0]:
            ends = np.roll(ends, -1)
        for begin, end in zip(begins, ends, strict=True):
            a, b = outline.handles[first + begin], outline.handles[outline.next_handles[first + end]]
            around = np.arange(a, b + 1) if a < b else np.concatenate([np.arange(a, stop), np.arange(start, b + 1)])
            sections.append(around)
    return sections


def _keeping(outline: Outline, kept: Bitmap, points: Points) -> Outline:
    """The outline of the kept points, at `points`; rings without any are no longer there."""
    before = np.concatenate([[0], np.cumsum(kept)])
    starts = np.unique(before[outline.starts])
    handles = outline.handles[kept[outline.handles]]
    return Outline(points[kept], starts, before[handles], outline.drawn)


def _ring_of(outline: Outline, point: int) -> int:
    return int(np.searchsorted(outline.starts, point, side="right")) - 1


def _gone(outline: Outline, numbers: Numbers) -> set[int]:
    """The rings that go with the chosen handles."""
    rings, counts = np.unique(np.searchsorted(outline.first_handles, numbers, side="right") - 1, return_counts=True)
    left = np.diff(outline.first_handles)[rings] - counts
    few: list[int] = rings[left < LEAST_HANDLES].tolist()
    if outline.drawn:  # polygons cover together what each of them covers: none is a hole
        return set(few)
    gone: set[int] = set()
    # From the outside in: a hole that goes with the part around it takes no part inside of it along.
    for ring in sorted(few, key=lambda one: -float(np.ptp(outline.ring(one), axis=0).prod())):
        if ring not in gone:
            gone |= {ring} | _directly_inside(outline, ring)
    return gone


def _directly_inside(outline: Outline, ring: int) -> set[int]:
    """The rings inside of a ring but of no other one that is inside of it too."""
    inside = _inside(outline, ring, range(len(outline.starts) - 1))
    deeper = set[int]().union(*(_inside(outline, one, inside) for one in inside))
    return set(inside) - deeper


def _inside(outline: Outline, ring: int, others: Iterable[int]) -> list[int]:
    """Which of the other rings lie inside of a ring: mostly, for a handle may have been pulled across."""
    x1, y1, x2, y2 = _box(outline.ring(ring))
    boxes = {other: _box(outline.ring(other)) for other in others if other != ring}
    near = [other for other, (u1, v1, u2, v2) in boxes.items() if u1 < x2 and x1 < u2 and v1 < y2 and y1 < v2]
    area = filled([outline.ring(ring)]) if near else Mask.empty()
    fills = {other: filled([outline.ring(other)]) for other in near}
    smaller = {other: fill for other, fill in fills.items() if fill.area < area.area}
    return [other for other, fill in smaller.items() if 2 * area.intersection_area(fill) > fill.area]


def _box(ring: Points) -> tuple[float, float, float, float]:
    (x1, y1), (x2, y2) = ring.min(axis=0).tolist(), ring.max(axis=0).tolist()
    return x1, y1, x2, y2
