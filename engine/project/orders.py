"""The orders in which a person goes through the instances of an image."""

from collections.abc import Iterable
from enum import StrEnum

import numpy as np

from engine.records import Instance, InstanceState

# Of the median height. Centres of one row of text lie closer together than this, those of two rows further apart.
ROW_HEIGHT = 0.75


class Order(StrEnum):
    """What comes first."""

    READING = "reading"
    UNCERTAINTY = "uncertainty"
    AREA = "area"


def ordered(instances: Iterable[Instance], order: Order, threshold: float) -> list[Instance]:
    """The instances in an order; `threshold` is the score from which on proposals are shown."""
    match order:
        case Order.READING:
            return reading_order(instances)
        case Order.UNCERTAINTY:
            return uncertainty_order(instances, threshold)
        case Order.AREA:
            return sorted(instances, key=lambda each: (-each.mask.area, each.id))


def reading_order(instances: Iterable[Instance]) -> list[Instance]:
    """Row by row from the top, each from left to right.

    A row holds the instances whose centres are less than `ROW_HEIGHT` median heights below that of its highest one.
    """
    found = list(instances)
    if not found:
        return []
    masks = [each.mask for each in found]
    key = np.array([each.id for each in found])
    height = np.array([len(mask.bitmap) for mask in masks])
    x, y = np.array([mask.x for mask in masks]), np.array([mask.y for mask in masks])
    middle = y + height / 2
    by_middle = np.argsort(middle)
    reach = ROW_HEIGHT * float(np.median(height))
    starts, falling = [], middle[by_middle]
    start = 0
    while start < len(found):
        starts.append(start)
        start = max(start + 1, int(np.searchsorted(falling, falling[start] + reach)))
    row = np.zeros(len(found), dtype=np.int64)
    row[by_middle] = np.searchsorted(starts, np.arange(len(found)), side="right")
    return [found[place] for place in np.lexsort((key, x, row))]


def uncertainty_order(instances: Iterable[Instance], threshold: float) -> list[Instance]:
    """Undecided proposals before all else, those first whose score is nearest to the threshold.

    On both sides of it the model was about to decide otherwise. Proposals without a score follow, then everything that
    is decided; where nothing else tells, in reading order.
    """

    def doubt(each: Instance) -> tuple[bool, float]:
        decided = each.state is not InstanceState.PROPOSAL
        return decided, 2.0 if decided or each.score is None else abs(each.score - threshold)

    return sorted(reading_order(instances), key=doubt)
