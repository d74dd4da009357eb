"""Detections and box losses from fixed outputs are torchvision's, labels shifted by the background."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torchvision.models.detection.roi_heads import RoIHeads, fastrcnn_loss

from engine.nn.box_head import BoxHead, box_detections, box_loss

WEIGHTS = (10.0, 10.0, 5.0, 5.0)
CATEGORIES = 4
IMAGE_SIZE = (90, 110)


def outputs(count: int) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(count)
    logits = torch.randn(count, CATEGORIES + 1, generator=generator) * 2
    deltas = torch.randn(count, CATEGORIES + 1, 4, generator=generator)
    corner = torch.rand(count, 2, generator=generator) * 80
    return logits, deltas, torch.cat([corner, corner + 5 + torch.rand(count, 2, generator=generator) * 30], dim=1)


@pytest.mark.parametrize(("floor", "limit"), [(0.05, 100), (0.4, 1000), (0.0, 30)])
def test_detections_are_torchvisions(floor: float, limit: int) -> None:
    logits, deltas, rois = outputs(150)
    heads = RoIHeads(None, None, None, 0.5, 0.5, 512, 0.25, WEIGHTS, floor, 0.5, limit)
    expected_boxes, expected_scores, expected_labels = heads.postprocess_detections(
        logits, deltas.flatten(1), [rois], [IMAGE_SIZE]
    )
    boxes, scores, labels = box_detections(
        logits, deltas, rois, IMAGE_SIZE, weights=WEIGHTS, score_floor=floor, nms_threshold=0.5, limit=limit
    )
    assert torch.equal(labels + 1, expected_labels[0])
    torch.testing.assert_close(scores, expected_scores[0])
    torch.testing.assert_close(boxes, expected_boxes[0], rtol=1e-6, atol=1e-4)
    assert len(boxes) > 20


def test_losses_are_torchvisions() -> None:
    logits, deltas, _ = outputs(60)
    labels = torch.arange(60) % (CATEGORIES + 1)
    wanted = torch.randn(60, 4)
    expected = fastrcnn_loss(logits, deltas.flatten(1), [labels], [wanted])
    torch.testing.assert_close(box_loss(logits, deltas, labels, wanted[labels > 0]), expected)


def test_no_rois_give_no_detections_and_finite_losses() -> None:
    head = BoxHead(in_channels=3, resolution=2, hidden=5, categories=CATEGORIES)
    logits, deltas = head(torch.zeros(0, 3, 2, 2))
    assert logits.shape == (0, CATEGORIES + 1)
    assert deltas.shape == (0, CATEGORIES + 1, 4)
    none = torch.zeros(0, 4)
    found = box_detections(
        logits, deltas, none, IMAGE_SIZE, weights=WEIGHTS, score_floor=0.05, nms_threshold=0.5, limit=9
    )
    assert [len(part) for part in found] == [0, 0, 0]
    losses = box_loss(logits, deltas, torch.zeros(0, dtype=torch.int64), none)
    assert [loss.item() for loss in losses] == [0.0, 0.0]
    (losses[0] + losses[1]).backward()


def test_background_alone_trains_no_box() -> None:
    logits, deltas, _ = outputs(8)
    category, regression = box_loss(logits, deltas, torch.zeros(8, dtype=torch.int64), torch.zeros(0, 4))
    assert float(category) > 0
    assert float(regression) == 0
