"""Where two versions of a list differ, when most of it is the same objects in the same order."""

from collections.abc import Sequence
from operator import is_not


def differing(before: Sequence[object], after: Sequence[object]) -> tuple[slice, slice]:
    """The shortest stretch of each list outside of which both hold the same objects."""
    most = min(len(before), len(after))
    start = _first(before, after, most)
    alike = _first(before[::-1], after[::-1], most - start)
    return slice(start, len(before) - alike), slice(start, len(after) - alike)


def _first(one: Sequence[object], other: Sequence[object], most: int) -> int:
    """The first place, below `most`, where the objects are not the same; `most` where there is none."""
    differ = map(is_not, one, other)
    return next((place for place, does in zip(range(most), differ, strict=False) if does), most)
