"""Keypoints as COCO's records hold them: kept, shown and exported, moved with their instance and else never edited.

A point is (x, y, visibility) in COCO's pixel indices, so that its continuous coordinates are half a pixel more.
Visibility 0 is not labelled, 1 labelled but hidden, 2 visible (https://cocodataset.org/#format-data).
"""

import json
import math
from dataclasses import dataclass
from functools import lru_cache

# As many records as the most crowded images hold; each is parsed once however often it is painted.
_KEPT = 4096


@dataclass(frozen=True, slots=True)
class Keypoint:
    """A labelled point in continuous image coordinates; `index` is its place among the category's keypoints."""

    index: int
    x: float
    y: float
    visible: bool


@lru_cache(maxsize=_KEPT)
def keypoints(annotation: str | None) -> tuple[Keypoint, ...]:
    """The labelled points of an annotation's source record; none where it has no, or malformed, keypoints."""
    # Nearly all records have none: the text is searched before it is parsed.
    if annotation is None or '"keypoints"' not in annotation:
        return ()
    triples = _triples(json.loads(annotation).get("keypoints"))
    return tuple(Keypoint(index, x + 0.5, y + 0.5, v > 1) for index, (x, y, v) in enumerate(triples) if v > 0)


def moved(annotation: str | None, dx: int, dy: int) -> str | None:
    """A source record with its labelled points so many pixels further; without any it is the same text."""
    if not keypoints(annotation):
        return annotation
    record = json.loads(annotation or "")
    points = [[x + dx, y + dy, v] if v > 0 else [x, y, v] for x, y, v in _triples(record["keypoints"])]
    record["keypoints"] = [value for point in points for value in point]
    return json.dumps(record, ensure_ascii=False)


@lru_cache(maxsize=_KEPT)
def skeleton(category: str | None) -> tuple[tuple[int, int], ...]:
    """Which keypoints a category's source record joins, as pairs of places counted from 0."""
    if category is None or '"skeleton"' not in category:
        return ()
    pairs = json.loads(category).get("skeleton")
    if not isinstance(pairs, list):
        return ()
    # COCO counts them from 1.
    return tuple((pair[0] - 1, pair[1] - 1) for pair in pairs if _is_pair(pair))


def _triples(values: object) -> list[tuple[float, float, float]]:
    """The points of a record's list, none where it is malformed."""
    if not isinstance(values, list) or len(values) % 3 or not all(map(_is_number, values)):
        return []
    return list(zip(values[0::3], values[1::3], values[2::3], strict=True))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_pair(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(type(place) is int for place in value)
