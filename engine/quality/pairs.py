"""Which masks of many share pixels: a sweep over their bounds, and exact counts only for those that meet."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from engine.geometry.boxes import bounds_of
from engine.geometry.mask import Mask


class Overlap(NamedTuple):
    """Two masks by index, the first before the second: the pixels they share, IoU, and share of the smaller."""

    first: int
    second: int
    shared: int
    iou: float
    of_smaller: float


def overlaps(masks: Sequence[Mask]) -> list[Overlap]:
    """Every pair of masks with a common pixel, in order of the indices. Memory grows with the masks, not the pairs."""
    areas = [mask.area for mask in masks]
    found = []
    for first, second in _meeting(masks):
        shared = masks[first].intersection_area(masks[second])
        if shared:
            union = areas[first] + areas[second] - shared
            smaller = min(areas[first], areas[second])
            found.append(Overlap(first, second, shared, shared / union, shared / smaller))
    return sorted(found)


def _meeting(masks: Sequence[Mask]) -> Iterator[tuple[int, int]]:
    """The pairs whose bounds meet: from left to right, each with those that begin before it ends."""
    order = np.argsort([mask.x for mask in masks], kind="stable")
    left, top, right, bottom = bounds_of(masks)[order].T
    ends = np.searchsorted(left, right, side="left")
    for place, end in enumerate(ends.tolist()):
        rest = slice(place + 1, end)
        meets = (top[rest] < bottom[place]) & (bottom[rest] > top[place])
        for other in (np.flatnonzero(meets) + place + 1).tolist():
            one, two = int(order[place]), int(order[other])
            yield min(one, two), max(one, two)
