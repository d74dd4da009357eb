"""Promises of the checks of imported records, of collections, and of what a model says."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from engine.geometry.mask import Mask
from engine.quality.checks import Check, Limits
from engine.quality.collection import imbalance
from engine.quality.findings import Finding, FixKind
from engine.records import Category, Detection, Image, Instance, InstanceState, Origin, Review

Run = Callable[..., list[Finding]]
Make = Callable[..., Instance]
SIZE = 200


def block(x: int, y: int, width: int, height: int | None = None) -> Mask:
    return Mask.from_crop(np.ones((height or width, width), dtype=bool), x, y)


@pytest.fixture
def imported(instance: Make) -> Make:
    """imported(mask, **source): an instance with the annotation that it came from."""
    return lambda mask, **source: instance(1, mask, source=json.dumps(source))


MASK = block(20, 30, 40, 50)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ({"bbox": [20, 30, 60, 80]}, "two corners"),
        ({"bbox": [20, 30, 40, 70]}, "the box 20, 30, 40, 70, where its mask has 20, 30, 40, 50"),
        ({"bbox": [20, 30, 40]}, "not four numbers"),
        ({"bbox": "20 30 40 50"}, "not four numbers"),
        ({"area": 1000}, "the area 1000, where its mask has 2,000"),
        ({"bbox": [0, 0, float("inf"), 10**400]}, "not four numbers"),
        ({"area": "big"}, "an area that is no number"),
        ({"bbox": [0, 0, 1, 1], "area": 1}, "and the area"),
    ],
)
def test_a_box_or_area_that_contradicts_the_mask_is_told(
    found: Run, imported: Make, source: dict[str, Any], words: str
) -> None:
    (finding,) = found(Check.BOX_AREA, imported(MASK, **source))
    assert words in finding.message
    assert finding.fix is not None and finding.fix.kind is FixKind.FORGET and finding.fix.safe


@pytest.mark.parametrize(
    "source",
    [
        {},
        {"bbox": [20, 30, 40, 50], "area": 2000.0},
        {"bbox": [20.5, 30.5, 39, 49], "area": 1911},  # through the middles of the border pixels
        {"bbox": None, "area": None, "category_id": 3},
    ],
)
def test_what_rounding_and_polygons_do_is_no_mismatch(found: Run, imported: Make, source: dict[str, Any]) -> None:
    assert not found(Check.BOX_AREA, imported(MASK, **source))


@pytest.mark.parametrize(
    "source",
    [
        {"bbox": [SIZE - 30, 10, 40, 20]},
        {"bbox": [-5, 10, 40, 20]},
        {"segmentation": [[10, 10, SIZE + 8, 10, 10, 40]]},
    ],
)
def test_a_box_or_polygon_beyond_the_image_is_outside(found: Run, imported: Make, source: dict[str, Any]) -> None:
    (finding,) = found(Check.OUTSIDE, imported(MASK, **source))
    assert finding.fix is not None and finding.fix.kind is FixKind.FORGET


def test_a_polygon_that_rounds_over_the_border_is_not(found: Run, imported: Make) -> None:
    assert not found(Check.OUTSIDE, imported(MASK, segmentation=[[-0.5, 10, SIZE + 1.5, 10, 10, 40]]))


@pytest.mark.parametrize(
    ("review", "told"),
    [(Review.OPEN, True), (Review.ACCEPTED, True), (Review.VERIFIED_EMPTY, False), (Review.SKIPPED, False)],
)
def test_an_image_without_instances_is_unlabelled_unless_somebody_looked(
    found: Run, review: Review, told: bool, instance: Make, image: Callable[..., Image]
) -> None:
    rejected = instance(1, MASK, state=InstanceState.REJECTED)
    assert bool(found(Check.UNLABELLED, rejected, image=image(review))) is told
    assert not found(Check.UNLABELLED, instance(1, MASK), image=image(review))


def test_categories_with_few_instances_are_told_fewest_first() -> None:
    categories = [Category(number, name, "#000000") for number, name in enumerate("abcd")]
    findings = imbalance(categories, {0: 2000, 1: 9, 2: 19}, Limits())
    assert [finding.message for finding in findings] == [
        "The category 'd' has no instance.",
        "The category 'b' has 9 instances.",
        "The category 'c' has 19 instances, the largest has 2,000.",
    ]
    assert not list(imbalance(categories[:2], {0: 1000, 1: 10}, Limits()))


def detected(mask: Mask, score: float) -> Detection:
    return Detection(0, "cell", score, (0.0, 0.0, 1.0, 1.0), mask)


def test_a_confident_detection_on_nothing_may_be_missed_and_a_doubtful_one_is_not(found: Run, instance: Make) -> None:
    detections = [detected(block(100, 100, 20), 0.9), detected(block(150, 150, 20), 0.4), detected(MASK, 0.9)]
    (finding,) = found(Check.MISSED, instance(1, MASK), detections=detections)
    assert finding.bounds == (100, 100, 120, 120)
    assert finding.score == 0.9
    assert finding.fix is None


def test_a_detection_within_a_crowd_is_not_missed(found: Run, instance: Make) -> None:
    crowd = instance(1, block(90, 90, 60), crowd=True)
    assert not found(Check.MISSED, crowd, detections=[detected(block(100, 100, 20), 0.9)])


def test_an_instance_that_no_detection_touches_may_be_too_much(found: Run, instance: Make) -> None:
    other = instance(2, block(100, 100, 20))
    (finding,) = found(Check.EXTRA, instance(1, MASK), other, detections=[detected(MASK, 0.05)])
    assert finding.instance_ids == (2,)


def test_outlines_that_differ_come_with_how_much(found: Run, instance: Make) -> None:
    detections = [detected(block(20, 30, 40, 25), 0.9), detected(block(100, 100, 20), 0.9)]
    (finding,) = found(Check.LOW_IOU, instance(1, MASK), instance(2, block(102, 100, 20)), detections=detections)
    assert finding.instance_ids == (1,)
    assert finding.score == 0.5


def test_another_category_is_told_where_no_detection_agrees(
    found: Run, instance: Make, image: Callable[..., Image]
) -> None:
    other = Detection(1, "debris", 0.8, (0, 0, 1, 1), MASK)
    (finding,) = found(Check.OTHER_CATEGORY, instance(1, MASK), instance(2, block(100, 100, 9)), detections=[other])
    assert finding.instance_ids == (1,)
    assert "debris" in finding.message and finding.score == 0.8
    agreeing = Detection(0, "cell", 0.6, (0, 0, 1, 1), MASK)
    assert not found(Check.OTHER_CATEGORY, instance(1, MASK), detections=[other, agreeing])
    unsure = Detection(1, "debris", 0.3, (0, 0, 1, 1), MASK)
    assert not found(Check.OTHER_CATEGORY, instance(1, MASK), detections=[unsure])
    assert not found(Check.OTHER_CATEGORY, instance(1, MASK), detections=[other], image=image(Review.OPEN))


@pytest.mark.parametrize("check", [Check.MISSED, Check.EXTRA, Check.LOW_IOU])
def test_an_image_that_nobody_declared_complete_or_no_model_saw_is_not_compared(
    found: Run, check: Check, instance: Make, image: Callable[..., Image]
) -> None:
    detections = [detected(block(20, 30, 40, 25), 0.9), detected(block(100, 100, 20), 0.9)]
    mine = instance(1, MASK), instance(2, block(0, 0, 9))
    assert found(check, *mine, detections=detections)
    assert not found(check, *mine, detections=detections, image=image(Review.OPEN))
    assert not found(check, *mine)


def test_without_a_model_the_stored_proposals_speak(found: Run, instance: Make, image: Callable[..., Image]) -> None:
    predicted = {"origin": Origin.PREDICTED, "score": 0.8}
    stored = [
        instance(1, MASK, **predicted),
        instance(2, block(100, 100, 20), state=InstanceState.GHOST, **predicted),
        instance(3, block(150, 150, 20), state=InstanceState.REJECTED, **predicted),
        instance(4, block(0, 0, 9), origin=Origin.DRAWN),
    ]
    seen = image(predicted_by="model")
    missed = found(Check.MISSED, *stored, image=seen)
    assert [finding.instance_ids for finding in missed] == [(2,), (3,)]
    assert "was rejected" in missed[1].message
    assert all(finding.fix is not None and finding.fix.kind is FixKind.ACCEPT for finding in missed)
    assert [finding.instance_ids for finding in found(Check.EXTRA, *stored, image=seen)] == [(4,)]
    empty = image(Review.VERIFIED_EMPTY, predicted_by="model")
    assert [finding.fix for finding in found(Check.MISSED, *stored[1:3], image=empty)] == [None, None]
