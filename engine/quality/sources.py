"""What the record that an instance was imported with says about its mask, against the mask itself."""

import json
from collections.abc import Iterator
from typing import Any

from engine.quality.checks import Check, Limits
from engine.quality.findings import Finding, Fix, FixKind, Subject, pixels
from engine.records import Image, Instance
from engine.words import Words, words

# No image is as large; infinity, NaN and integers that are too long for a float are no numbers either.
_LARGEST = 1e9


def box_area(subject: Subject) -> Iterator[Finding]:
    """Imported instances whose `bbox` or `area` is not that of their mask."""
    for instance in subject.single:
        record = _record(instance)
        box = _box_problem(record.get("bbox"), instance, subject.limits)
        area = _area_problem(record.get("area"), instance, subject.limits)
        problem = words("{box} and {area}", box=box, area=area) if box and area else box or area
        if problem:
            message = words("{instance} came with {problem}.", instance=subject.named(instance), problem=problem)
            yield subject.finding(Check.BOX_AREA, message, instance, fix=Fix(FixKind.FORGET, instance.id))


def outside_records(subject: Subject) -> Iterator[Finding]:
    """Imported instances whose box or polygon reaches beyond the image; the mask itself was cut at the border."""
    for instance in subject.single:
        record = _record(instance)
        beyond = max(_box_beyond(record, subject.image), _outline_beyond(record, subject.image))
        if beyond > subject.limits.box_pixels:
            message = words(
                "The imported box or outline of {instance} reaches {beyond} beyond the image.",
                instance=subject.named(instance),
                beyond=pixels(round(beyond)),
            )
            yield subject.finding(Check.OUTSIDE, message, instance, fix=Fix(FixKind.FORGET, instance.id))


def _record(instance: Instance) -> dict[str, Any]:
    return {} if instance.source is None else json.loads(instance.source)


def _box_problem(box: Any, instance: Instance, limits: Limits) -> Words | None:
    if box is None:
        return None
    if not _are_numbers(box) or len(box) != 4:
        return words("a box that is not four numbers")
    x1, y1, x2, y2 = instance.mask.bounds
    sides = (x2 - x1, y2 - y1)
    x, y, w, h = box
    if _near((x, y, x + w, y + h), (x1, y1, x2, y2), sides, limits):
        return None
    stated, right = ", ".join(f"{value:g}" for value in box), f"{x1}, {y1}, {sides[0]}, {sides[1]}"
    if _near(box, (x1, y1, x2, y2), sides, limits):
        return words("the box {stated} (it holds two corners), where its mask has {right}", stated=stated, right=right)
    return words("the box {stated}, where its mask has {right}", stated=stated, right=right)


def _area_problem(area: Any, instance: Instance, limits: Limits) -> Words | None:
    if area is None:
        return None
    if not _are_numbers([area]):
        return words("an area that is no number")
    measured = instance.mask.area
    # A polygon through the border pixels' middles lacks half of the border, which in small objects is most of the area.
    border = (instance.mask.width + instance.mask.height) * limits.box_pixels / 2
    if abs(area - measured) <= max(limits.source_share * measured, border):
        return None
    return words("the area {stated}, where its mask has {measured}", stated=f"{area:g}", measured=measured)


def _near(box: Any, bounds: tuple[int, int, int, int], sides: tuple[int, int], limits: Limits) -> bool:
    """Whether each edge lies at that of the bounds, give or take what rounding and smoothing move it by."""
    allowed = [max(limits.box_pixels, limits.source_share * side) for side in sides] * 2
    return all(abs(one - other) <= room for one, other, room in zip(box, bounds, allowed, strict=True))


def _box_beyond(record: dict[str, Any], image: Image) -> float:
    box: Any = record.get("bbox")
    if not _are_numbers(box) or len(box) != 4:
        return 0.0
    x, y, w, h = box
    return max(-x, -y, x + w - image.width, y + h - image.height)


def _outline_beyond(record: dict[str, Any], image: Image) -> float:
    outline = record.get("segmentation")
    if not isinstance(outline, list):
        return 0.0
    rings = [ring for ring in outline if _are_numbers(ring) and len(ring) >= 2]
    beyond = [max(-min(ring), max(ring[::2]) - image.width, max(ring[1::2]) - image.height) for ring in rings]
    return max(beyond, default=0.0)


def _are_numbers(values: Any) -> bool:
    if not isinstance(values, list):
        return False
    numbers = [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
    return len(numbers) == len(values) and all(-_LARGEST < number < _LARGEST for number in numbers)
