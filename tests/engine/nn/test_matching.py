"""Which boxes answer for which instance in training."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torchvision.models.detection._utils import Matcher
from torchvision.ops import box_iou

from engine.nn.matching import BACKGROUND, IGNORED, match, sample, sample_rois


def crowded(count: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    corner = torch.rand(count, 2, generator=generator) * 60
    return torch.cat([corner, corner + 8 + torch.rand(count, 2, generator=generator) * 20], dim=1)


@pytest.mark.parametrize("keep_best", [False, True])
@pytest.mark.parametrize(("foreground", "background"), [(0.7, 0.3), (0.5, 0.5)])
def test_matches_are_torchvisions(foreground: float, background: float, keep_best: bool) -> None:
    instances, boxes = crowded(12, 0), crowded(400, 1)
    expected = Matcher(foreground, background, allow_low_quality_matches=keep_best)(box_iou(instances, boxes))
    matched = match(instances, boxes, foreground_iou=foreground, background_iou=background, keep_best=keep_best)
    assert torch.equal(matched, expected)
    assert bool((matched >= 0).any())
    assert bool((matched == BACKGROUND).any())


def test_every_instance_that_a_box_touches_has_a_box() -> None:
    instances, boxes = crowded(12, 2), crowded(400, 3)
    matched = match(instances, boxes, foreground_iou=0.99, background_iou=0.3, keep_best=True)
    assert bool(((box_iou(instances, boxes) == box_iou(instances, boxes).amax(1, True)).any(0) == (matched >= 0)).all())


def test_an_instance_that_no_box_touches_claims_none() -> None:
    boxes = crowded(50, 4)
    far = torch.tensor([[900.0, 900.0, 910.0, 910.0]])
    assert set(match(far, boxes, foreground_iou=0.7, background_iou=0.3, keep_best=True).tolist()) == {BACKGROUND}


def test_without_instances_all_is_background() -> None:
    matched = match(torch.zeros(0, 4), crowded(5, 0), foreground_iou=0.7, background_iou=0.3, keep_best=True)
    assert matched.tolist() == [BACKGROUND] * 5


def test_without_boxes_nothing_is_matched() -> None:
    assert match(crowded(5, 0), torch.zeros(0, 4), foreground_iou=0.7, background_iou=0.3).shape == (0,)


def test_a_sample_has_at_most_its_share_of_positives_and_none_ignored() -> None:
    matched = torch.tensor([0] * 40 + [IGNORED] * 50 + [BACKGROUND] * 60)
    positive, negative = sample(matched, count=64, positive_fraction=0.25)
    assert len(positive) == 16
    assert len(negative) == 48
    assert set(matched[positive].tolist()) == {0}
    assert set(matched[negative].tolist()) == {BACKGROUND}
    assert len(set(positive.tolist())) == 16


def test_background_fills_up_for_missing_positives() -> None:
    positive, negative = sample(torch.tensor([3] + [BACKGROUND] * 99), count=64, positive_fraction=0.25)
    assert (len(positive), len(negative)) == (1, 63)


def test_sampled_rois_begin_with_positives_matched_to_their_own_instance() -> None:
    instances = crowded(6, 5)
    rois = sample_rois(crowded(300, 6), instances, foreground_iou=0.5, count=64, positive_fraction=0.25)
    positives = len(rois.positive_boxes)
    assert 0 < positives <= 16
    assert bool((rois.matched[:positives] >= 0).all())
    assert set(rois.matched[positives:].tolist()) == {BACKGROUND}
    overlap = box_iou(instances, rois.positive_boxes)[rois.positive_matches, torch.arange(positives)]
    assert bool((overlap >= 0.5).all())


def test_an_instances_own_box_is_a_roi_even_where_the_rpn_found_nothing() -> None:
    instances = crowded(4, 7)
    rois = sample_rois(torch.zeros(0, 4), instances, foreground_iou=0.5, count=64, positive_fraction=0.25)
    assert sorted(rois.positive_matches.tolist()) == [0, 1, 2, 3]
