"""The gate: AP50 as pycocotools computes it, and a verdict that a poisoned or an equal model does not get past."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.learning.dataset import AnnotatedSet
from engine.learning.evaluation import evaluate
from engine.learning.promotion import Verdict, compare, mean_average_precision
from engine.records import Detection
from tests.engine.learning.scenes import block, detection, moved, perfect, truth_set


def detections(data: AnnotatedSet, rng: np.random.Generator, quality: float) -> list[list[Detection]]:
    """Each true instance is found with probability ``quality``, misses become false alarms."""
    found = []
    for image in data.images:
        row = []
        for name, mask in zip(image.categories, image.masks, strict=True):
            hit = rng.random() < quality
            x1, y1, _, _ = mask.bounds
            shown = mask if hit else block(x1 + 5, y1 + 5)
            box = tuple(float(v) for v in shown.bounds)
            row.append(Detection(data.categories.index(name), name, float(rng.random()), box, shown))
        found.append(row)
    return found


@pytest.mark.parametrize("categories", [("cell",), ("cell", "debris")])
def test_average_precision_is_that_of_pycocotools(categories):
    rng = np.random.default_rng(3)
    data = truth_set(6, 20, categories)
    evaluation = evaluate(data, detections(data, rng, 0.7))
    assert 0.3 < evaluation.mask.AP50 < 0.95
    assert mean_average_precision(evaluation.matches) == pytest.approx(evaluation.mask.AP50, abs=1e-9)


def test_perfect_detections_score_one():
    data = truth_set(3, 10)
    evaluation = evaluate(data, detections(data, np.random.default_rng(0), 1.0))
    assert pytest.approx(1.0) == evaluation.mask.AP
    assert pytest.approx(1.0) == evaluation.box.AP
    assert mean_average_precision(evaluation.matches) == pytest.approx(1.0)


def test_masks_that_nobody_edited_count_for_ap50_alone():
    def shifted(data: AnnotatedSet) -> list[list[Detection]]:
        """The second half of each image exactly, the first half at an IoU of 0.6."""
        half = len(data.images[0].masks) // 2
        return [
            [
                Detection(0, "cell", 0.9, tuple(map(float, shown.bounds)), shown)
                for place, mask in enumerate(image.masks)
                for shown in [block(mask.x + 2, mask.y) if place < half else mask]
            ]
            for image in data.images
        ]

    data = truth_set(3, 10)

    def with_unedited(flags: tuple[bool, ...]) -> AnnotatedSet:
        return replace(data, images=tuple(replace(image, unedited=flags) for image in data.images))

    plain = evaluate(data, shifted(data)).mask
    assert pytest.approx(1.0) == plain.AP50
    assert plain.AP75 < 0.7
    half = evaluate(with_unedited((True,) * 5 + (False,) * 5), shifted(data)).mask
    assert pytest.approx((1.0, 1.0, 1.0)) == (half.AP, half.AP50, half.AP75)
    every = evaluate(with_unedited((True,) * 10), shifted(data)).mask
    assert pytest.approx((-1.0, 1.0, -1.0)) == (every.AP, every.AP50, every.AP75)
    only_unedited_found = [row[:5] for row in shifted(data)]
    none_close = evaluate(with_unedited((True,) * 5 + (False,) * 5), only_unedited_found).mask
    assert (none_close.AP, none_close.AP75) == (0.0, 0.0)
    assert 0.3 < none_close.AP50 < 0.7


def test_nothing_found_scores_zero_and_no_truth_scores_minus_one():
    data = truth_set(2, 5)
    assert evaluate(data, [[], []]).mask.AP50 == 0.0
    empty = AnnotatedSet(("cell",), tuple(replace(i, categories=(), masks=()) for i in data.images))
    assert evaluate(empty, [[], []]).mask.AP50 == -1.0


def test_more_detections_than_coco_counts_are_scored():
    """With COCO's own 100 an image of 81 objects and 200 lower-scored false alarms before them would lose recall."""
    data = truth_set(1, 81)
    alarm = Detection(0, "cell", 0.9, (88.0, 88.0, 96.0, 96.0), block(88, 88))
    found = [
        [
            *(alarm for _ in range(100)),
            *(replace(d, score=0.1) for d in detections(data, np.random.default_rng(0), 1)[0]),
        ]
    ]
    assert evaluate(data, found, max_detections=500).mask.AP50 > 0.3
    assert evaluate(data, found, max_detections=100).mask.AP50 == 0.0


def test_a_clearly_better_model_is_better_and_a_poisoned_one_worse():
    data = truth_set(20, 20)
    rng = np.random.default_rng(5)
    good, poor = evaluate(data, detections(data, rng, 0.9)), evaluate(data, detections(data, rng, 0.5))
    assert compare(poor, good).verdict is Verdict.BETTER
    assert compare(good, poor).verdict is Verdict.WORSE


def test_the_same_model_cannot_be_told_apart():
    data = truth_set(20, 20)
    same = evaluate(data, detections(data, np.random.default_rng(5), 0.8))
    comparison = compare(same, same)
    assert comparison.verdict is Verdict.CANNOT_TELL
    assert comparison.low <= 0 <= comparison.high


@pytest.mark.parametrize(("images", "instances"), [(4, 50), (8, 12)])
def test_a_small_hold_out_never_gives_a_verdict(images, instances):
    data = truth_set(images, instances)
    rng = np.random.default_rng(5)
    good, poor = evaluate(data, detections(data, rng, 1.0)), evaluate(data, detections(data, rng, 0.2))
    comparison = compare(poor, good)
    assert comparison.verdict is Verdict.CANNOT_TELL
    assert str(images) in comparison.reason


def test_what_lands_on_a_crowd_counts_neither_way():
    data = truth_set(1, 5)
    crowd = block(60, 60, 30)
    crowded = AnnotatedSet(data.categories, (replace(data.images[0], crowds=(("cell", crowd),)),))
    found = detections(data, np.random.default_rng(0), 1.0)[0]
    stray = Detection(0, "cell", 0.99, (70.0, 70.0, 78.0, 78.0), block(70, 70))
    evaluation = evaluate(crowded, [[stray, *found]])
    assert pytest.approx(1.0) == evaluation.mask.AP50
    assert mean_average_precision(evaluation.matches) == pytest.approx(1.0)
    assert evaluation.instances == 5


def poisoned(data: AnnotatedSet, how: str) -> list[list[Detection]]:
    """What a model finds that was trained on spoilt truth: masks of other instances, or boxes that lie elsewhere."""
    if how == "masks of other instances":
        return [
            [detection(mask, each.category) for each, mask in zip(row, np.roll(image.masks, 1), strict=True)]
            for row, image in zip(perfect(data), data.images, strict=True)
        ]
    return moved(perfect(data), {"boxes a third away": 3, "boxes half away": 4}[how])


@pytest.mark.parametrize("how", ["masks of other instances", "boxes a third away", "boxes half away"])
@pytest.mark.parametrize("base", [0.6, 0.9])
def test_a_poisoned_model_is_never_better(how, base):
    """Shuffled among instances of two categories, or moved away, masks hit nothing, however sure the model is."""
    data = truth_set(20, 20, ("cell", "debris"))
    before = evaluate(data, detections(data, np.random.default_rng(7), base))
    assert compare(before, evaluate(data, poisoned(data, how))).verdict is Verdict.WORSE


def test_a_model_poisoned_where_ap50_does_not_look_is_not_better_either():
    """Masks one pixel off still hit at IoU 0.5, so that the gate cannot tell; the labeler's figures can."""
    data = truth_set(20, 20)
    before, after = evaluate(data, perfect(data)), evaluate(data, moved(perfect(data), 1, 1))
    assert compare(before, after).verdict is Verdict.CANNOT_TELL
    assert before.labeler.accepted_unedited == 1.0
    assert after.labeler.accepted_unedited == 0.0


@pytest.mark.parametrize("seed", range(3))
def test_a_truly_better_model_is_better_on_twenty_images(seed):
    data = truth_set(20, 20, ("cell", "debris"))
    rng = np.random.default_rng(seed)
    before, after = (evaluate(data, detections(data, rng, quality)) for quality in (0.6, 0.8))
    assert compare(before, after).verdict is Verdict.BETTER
