"""What a fine-tune is proved by: figures with known values, and the images that got worse."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.errors import MaskwrightError
from engine.geometry.mask import Mask
from engine.learning import effort
from engine.learning.agreement import CLOSE, FOUND, GOOD, agree
from engine.learning.calibration import BINS, calibration
from engine.learning.corrections import strokes_to_mend
from engine.learning.dataset import AnnotatedImage, AnnotatedSet
from engine.learning.evaluation import Evaluation, evaluate
from engine.learning.finished import keep_round
from engine.learning.matches import ImageMatches
from engine.learning.summary import summary
from engine.learning.worse import MOST_LISTED, WORSE_NAME, Found, read_worse, worse_images
from engine.records import Detection
from tests.engine.learning.scenes import SIDE, block, detection, moved, perfect, truth_set

TWO = ("cell", "debris")


def rectangle(x: int, y: int, width: int, height: int) -> Mask:
    return Mask.from_crop(np.ones((height, width), bool), x, y)


def one_image(*masks: Mask) -> AnnotatedSet:
    image = AnnotatedImage(Path("one.png"), SIDE, SIDE, ("cell",) * len(masks), masks)
    return AnnotatedSet(("cell",), (image,))


def noisy(data: AnnotatedSet, seed: int = 0) -> list[list[Detection]]:
    """Some found well, some badly, some missed, and some false alarms."""
    rng = np.random.default_rng(seed)
    found = []
    for row in perfect(data):
        kept = [replace(each, score=float(rng.random())) for each in row if rng.random() < 0.8]
        shifted = moved([kept], int(rng.integers(0, 3)))[0]
        found.append(shifted + [detection(block(80, 80), score=float(rng.random()))])
    return found


# -- a labeler's figures


def test_perfect_detections_cost_one_look_each_and_are_all_accepted() -> None:
    data = truth_set(3, 10, TWO)
    figures = evaluate(data, perfect(data)).labeler
    assert (figures.accepted_unedited, figures.found) == (1.0, 1.0)
    assert figures.seconds_an_instance == pytest.approx(effort.ACCEPT_OR_REJECT)


@pytest.mark.parametrize("score", [None, 0.49])
def test_nothing_shown_costs_a_box_each(score: float | None) -> None:
    data = truth_set(2, 5)
    found = [[], []] if score is None else perfect(data, score)
    figures = evaluate(data, found).labeler
    assert (figures.accepted_unedited, figures.found) == (None, 0.0)
    assert figures.seconds_an_instance == pytest.approx(effort.BOX + effort.ACCEPT_OR_REJECT)


def test_without_an_instance_there_is_nothing_to_divide_by() -> None:
    data = truth_set(2, 5)
    empty = AnnotatedSet(("cell",), tuple(replace(each, categories=(), masks=()) for each in data.images))
    figures = evaluate(empty, [[], []]).labeler
    assert (figures.accepted_unedited, figures.found, figures.seconds_an_instance) == (None, None, None)
    false = evaluate(empty, perfect(data)).labeler
    assert (false.accepted_unedited, false.found, false.seconds_an_instance) == (0.0, None, None)
    assert evaluate(empty, [[], []]).calibration.error is None


def test_a_mixed_image_costs_what_its_parts_cost() -> None:
    """One good, one to mend, one missed, one false alarm, one of the wrong category that is both."""
    masks = rectangle(0, 0, 30, 30), rectangle(40, 0, 30, 30), rectangle(0, 40, 30, 30), rectangle(40, 40, 30, 30)
    image = AnnotatedImage(Path("one.png"), SIDE, SIDE, ("cell", "cell", "cell", "debris"), masks)
    narrow = rectangle(40, 0, 20, 30)  # IoU 2/3: ten columns are missing
    shown = [masks[0], narrow, rectangle(80, 80, 9, 9), masks[3]]
    figures = evaluate(AnnotatedSet(TWO, (image,)), [[detection(mask) for mask in shown]]).labeler
    assert figures.accepted_unedited == pytest.approx(1 / 4)
    assert figures.found == pytest.approx(2 / 4)
    (length,) = strokes_to_mend(narrow, masks[1], GOOD)
    assert length == 9 + 29  # once around a piece of 10 x 30, through pixel centres, is twice that
    mending = effort.stroke(length * 10)  # a side of 30 pixels is enlarged to 300
    assert mending > effort.MISSED
    seconds = 4 * effort.ACCEPT_OR_REJECT + effort.MISSED + 2 * effort.MISSED
    assert figures.seconds_an_instance == pytest.approx(seconds / 4)


def test_a_small_fault_costs_one_short_stroke() -> None:
    truth = rectangle(0, 0, 40, 10)
    proposal = rectangle(0, 0, 31, 10)
    data = one_image(truth)
    stroke = effort.stroke((8 + 9) * 300 / 40)
    seconds = evaluate(data, [[detection(proposal)]]).labeler.seconds_an_instance
    assert stroke < effort.MISSED
    assert seconds == pytest.approx(effort.ACCEPT_OR_REJECT + stroke)


def test_only_the_largest_pieces_are_mended_and_both_kinds_of_them() -> None:
    truth = rectangle(10, 10, 20, 20)
    assert strokes_to_mend(truth, truth, GOOD) == []
    hole = truth.subtract(rectangle(15, 15, 10, 10)).subtract(rectangle(10, 10, 1, 1))
    assert len(strokes_to_mend(hole, truth, GOOD)) == 1, "a corner pixel more or less needs no stroke"
    extra = truth.union(rectangle(40, 10, 20, 15))
    assert strokes_to_mend(extra, truth, GOOD) == [19 + 14]
    both = hole.union(rectangle(40, 10, 10, 10))
    assert len(strokes_to_mend(both, truth, GOOD)) == 2


def test_proposals_match_one_to_one_the_best_overlap_first() -> None:
    truth = rectangle(0, 0, 20, 20)
    twice = [detection(rectangle(2, 0, 20, 20), score=0.9), detection(truth, score=0.6)]
    agreement = agree(one_image(truth).images[0], twice, 0.5)
    assert [(match.detection, match.iou) for match in agreement.matches] == [(1, 1.0)]
    assert (agreement.false, agreement.missed) == ((0,), ())
    assert agreement.counts(FOUND).f1 == pytest.approx(2 / 3)


def test_what_lies_on_a_crowd_is_neither_right_nor_wrong() -> None:
    data = truth_set(1, 3)
    crowded = replace(data.images[0], crowds=(("cell", block(50, 50, 30)),))
    agreement = agree(crowded, [*perfect(data)[0], detection(block(60, 60))], 0.5)
    assert agreement.false == ()
    assert agreement.shown == 3


def test_instances_that_nobody_edited_count_for_what_is_found_alone() -> None:
    data = truth_set(1, 4)
    image = replace(data.images[0], unedited=(True, True, False, False))
    loose = moved(perfect(data), 2)[0]  # an IoU of 0.6
    figures = evaluate(AnnotatedSet(("cell",), (image,)), [[*loose[:2], *perfect(data)[0][2:]]]).labeler
    assert (figures.accepted_unedited, figures.found) == (1.0, 1.0)
    assert figures.seconds_an_instance == pytest.approx(effort.ACCEPT_OR_REJECT)
    agreement = agree(image, [*loose[:3]], 0.5)
    assert agreement.counts(FOUND) == (3, 0, 1)
    assert agreement.counts(CLOSE) == (0, 1, 2)


def test_figures_are_consistent_with_each_other() -> None:
    data = truth_set(5, 20, TWO)
    found = noisy(data)
    evaluation = evaluate(data, found)
    for image, row, agreement in zip(data.images, found, evaluation.agreements, strict=True):
        assert agreement.instances == len(image.masks)
        assert agreement.shown == sum(each.score >= 0.5 for each in row)
        loose, close = agreement.counts(FOUND), agreement.counts(CLOSE)
        assert loose.hits + loose.missed == close.hits + close.missed == agreement.instances
        assert loose.hits + loose.false == close.hits + close.false == agreement.shown
        assert close.f1 <= loose.f1
    assert sum(each.instances for each in evaluation.categories) == evaluation.instances


# -- calibration


def test_scores_that_mean_what_they_say_have_hardly_an_error() -> None:
    rng = np.random.default_rng(0)
    scores = np.sort(rng.random(50_000))[::-1]
    right = ImageMatches(1, 1, scores, rng.random(len(scores)) < scores, 100)
    found = calibration([right])
    assert found.error is not None and found.error < 0.01
    assert sum(one.detections for one in found.bins) == len(scores)
    boasting = replace(right, hits=np.zeros(len(scores), bool))
    assert calibration([boasting]).error == pytest.approx(scores.mean())


def test_the_calibration_error_of_a_few_detections_is_that_by_hand() -> None:
    scores = np.array([1.0, 0.95, 0.35, 0.35])
    found = calibration([ImageMatches(1, 1, scores, np.array([True, False, False, True]), 3)])
    assert found.error == pytest.approx(0.5 * abs(0.975 - 0.5) + 0.5 * abs(0.35 - 0.5))
    assert [one.detections for one in found.bins] == [0, 0, 0, 2, 0, 0, 0, 0, 0, 2]
    assert len(found.bins) == BINS


# -- categories


def alone(data: AnnotatedSet, found: list[list[Detection]], category: str) -> Evaluation:
    """The evaluation of one category as if there was no other."""
    images = []
    for image in data.images:
        chosen = [place for place, name in enumerate(image.categories) if name == category]
        masks = tuple(image.masks[place] for place in chosen)
        unedited = tuple(image.unedited[place] for place in chosen) if image.unedited else ()
        images.append(replace(image, categories=(category,) * len(chosen), masks=masks, unedited=unedited))
    rows = [[each for each in row if each.category == category] for row in found]
    return evaluate(AnnotatedSet((category,), tuple(images)), rows)


@pytest.mark.parametrize("unedited", [False, True])
def test_the_precision_of_a_category_is_that_of_an_evaluation_of_it_alone(unedited: bool) -> None:
    data = truth_set(5, 20, (*TWO, "fibre"))
    if unedited:
        flags = tuple(place % 4 == 0 for place in range(20))
        data = replace(data, images=tuple(replace(image, unedited=flags) for image in data.images))
    found = noisy(data)
    evaluation = evaluate(data, found)
    assert [each.category for each in evaluation.categories] == list(data.categories)
    for each in evaluation.categories:
        single = alone(data, found, each.category)
        assert each.mask.to_dict() == pytest.approx(single.mask.to_dict())
        assert each.box.to_dict() == pytest.approx(single.box.to_dict())
        assert each.instances == single.instances
    mean = np.mean([each.mask.AP50 for each in evaluation.categories])
    assert pytest.approx(mean) == evaluation.mask.AP50


def test_a_category_without_an_instance_has_no_precision() -> None:
    data = replace(truth_set(2, 5), categories=("cell", "ghost"))
    for found in (perfect(data), [[], []]):
        evaluation = evaluate(data, found)
        cell, ghost = evaluation.categories
        assert (ghost.mask.AP, ghost.mask.AP50, ghost.instances) == (-1.0, -1.0, 0)
        assert cell.mask == evaluation.mask


def test_the_document_keeps_its_keys_and_is_json() -> None:
    data = truth_set(2, 5, TWO)
    document = json.loads(json.dumps(evaluate(data, noisy(data)).to_dict()))
    assert document["mask"].keys() == document["box"].keys() == {"AP", "AP50", "AP75"}
    assert (document["images"], document["instances"], document["max_detections"]) == (2, 10, 500)
    assert document["categories"]["debris"]["mask"].keys() == {"AP", "AP50", "AP75"}
    assert len(document["calibration"]["bins"]) == BINS
    assert document["labeler"].keys() == {"threshold", "accepted_unedited", "found", "seconds_an_instance"}


def test_the_summary_names_every_kind_of_figure() -> None:
    data = truth_set(2, 5, TWO)
    text = "\n".join(summary(evaluate(data, perfect(data))))
    for words in (
        "mask of debris",
        "good as they are 100.0%",
        "seconds an instance 1.6",
        "calibration error",
        "2 images",
    ):
        assert words in text
    assert "seconds an instance unknown" in "\n".join(summary(evaluate(AnnotatedSet(("cell",), ()), [])))


# -- images that got worse


def shown(data: AnnotatedSet, found: list[list[Detection]]) -> Found:
    return Found(found, evaluate(data, found).agreements)


def test_the_images_that_lost_most_come_first_and_those_that_gained_not_at_all() -> None:
    data = truth_set(4, 10)
    before, after = perfect(data), perfect(data)
    before[0] = before[0][:5]  # gained
    after[1] = after[1][:8]
    after[2] = [*after[2][:5], detection(block(80, 80))]
    worse = worse_images(data.images, shown(data, before), shown(data, after))
    assert [image.path.name for image in worse] == ["2.png", "1.png"]
    assert worse[0].figures() == {
        "path": "2.png",
        "page": 0,
        "before": {"F1": 1.0, "F1_75": 1.0, "missed": 0, "false": 0},
        "after": {"F1": 5 / 8, "F1_75": 5 / 8, "missed": 5, "false": 1},
    }
    assert worse[0].loss > worse[1].loss > 0


def test_at_most_a_dozen_images_are_listed() -> None:
    data = truth_set(20, 4)
    worse = worse_images(data.images, shown(data, perfect(data)), shown(data, [[] for _ in data.images]))
    assert len(worse) == MOST_LISTED


def test_what_got_worse_is_kept_in_the_folder_before_the_round_counts_as_complete(tmp_path: Path) -> None:
    data = truth_set(2, 6, TWO)
    root = tmp_path / "project"
    images = tuple(replace(each, path=root / "images" / each.path, page=3) for each in data.images)
    data = replace(data, images=images)
    folder = root / "p.rounds" / "round-001"
    folder.mkdir(parents=True)
    after = [[*row[2:], detection(block(80, 80), "debris", 0.7)] for row in perfect(data)]
    worse = worse_images(data.images, shown(data, perfect(data)), shown(data, after))

    def save(path: Path) -> None:
        path.write_bytes((8).to_bytes(8, "little") + b"{}      ")

    keep_round(folder, save, {}, worse)
    assert read_worse(folder) == worse
    moved_root = tmp_path / "elsewhere"
    root.rename(moved_root)
    found = read_worse(moved_root / "p.rounds" / "round-001")
    assert found is not None
    assert found[0].path == moved_root / "images" / "0.png"
    assert (found[0].page, found[0].after.missed, found[0].after.false) == (3, (0, 1), 1)


def test_a_round_that_kept_nothing_is_no_fault_and_a_broken_file_is_one(tmp_path: Path) -> None:
    assert read_worse(tmp_path) is None
    for text in ("", "[]", '{"images": [{}]}'):
        (tmp_path / WORSE_NAME).write_text(text, encoding="utf-8")
        with pytest.raises(MaskwrightError, match="got worse"):
            read_worse(tmp_path)
