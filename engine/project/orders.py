"""The orders in which a person goes through the instances of an image."""

from collections.abc import Iterable
from enum import StrEnum
from statistics import median

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
    placed = sorted((each.mask.y + each.mask.height / 2, each.mask.x, each.id, each) for each in instances)
    if not placed:
        return []
    reach = ROW_HEIGHT * median(each.mask.height for *_, each in placed)
    rows: list[int] = []
    number, first = 0, placed[0][0]
    for middle, *_ in placed:
        if middle - first >= reach > 0:
            number, first = number + 1, middle
        rows.append(number)
    keyed = sorted((number, left, key, each) for number, (_, left, key, each) in zip(rows, placed, strict=True))
    return [each for *_, each in keyed]


def uncertainty_order(instances: Iterable[Instance], threshold: float) -> list[Instance]:
    """Undecided proposals before all else, those first whose score is nearest to the threshold.

    On both sides of it the model was about to decide otherwise. Proposals without a score follow, then everything that
    is decided; where nothing else tells, in reading order.
    """

    def doubt(each: Instance) -> tuple[bool, float]:
        decided = each.state is not InstanceState.PROPOSAL
        return decided, 2.0 if decided or each.score is None else abs(each.score - threshold)

    return sorted(reading_order(instances), key=doubt)
