"""Proposals and RPN losses from fixed outputs are torchvision's."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torchvision.models.detection._utils import BoxCoder
from torchvision.models.detection.rpn import AnchorGenerator, RegionProposalNetwork, concat_box_prediction_layers
from torchvision.models.detection.rpn import RPNHead as TheirHead

from engine.nn.anchors import grid_anchors
from engine.nn.matching import match
from engine.nn.rpn import RPNHead, rpn_loss, rpn_proposals

SHAPES = [(16, 20), (8, 10), (4, 5)]
STRIDES = [(4, 4), (8, 8), (16, 16)]
SIZES = (8.0, 16.0, 32.0)
RATIOS = (0.5, 1.0, 2.0)
IMAGE_SIZES = [(64, 80), (60, 70)]


@pytest.fixture
def anchors() -> list[Tensor]:
    return grid_anchors(SHAPES, STRIDES, SIZES, RATIOS)


@pytest.fixture
def outputs(anchors: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
    generator = torch.Generator().manual_seed(0)
    objectness = [torch.randn(2, len(level), generator=generator) * 3 for level in anchors]
    deltas = [torch.randn(2, len(level), 4, generator=generator) * 0.5 for level in anchors]
    return objectness, deltas


def theirs(*, pre_nms: int, post_nms: int, samples: int = 256) -> RegionProposalNetwork:
    amounts = {"training": 0, "testing": pre_nms}, {"training": 0, "testing": post_nms}
    return RegionProposalNetwork(
        AnchorGenerator(), torch.nn.Identity(), 0.7, 0.3, samples, 0.5, *amounts, nms_thresh=0.7
    ).eval()


@pytest.mark.parametrize(("pre_nms", "post_nms"), [(1000, 1000), (50, 1000), (200, 20)])
def test_proposals_are_torchvisions(
    anchors: list[Tensor], outputs: tuple[list[Tensor], list[Tensor]], pre_nms: int, post_nms: int
) -> None:
    objectness, deltas = outputs
    decoded = BoxCoder((1.0, 1.0, 1.0, 1.0)).decode(torch.cat(deltas, 1).flatten(0, 1), [torch.cat(anchors)] * 2)
    expected, _ = theirs(pre_nms=pre_nms, post_nms=post_nms).filter_proposals(
        decoded.view(2, -1, 4), torch.cat(objectness, 1), IMAGE_SIZES, [len(level) for level in anchors]
    )
    ours = rpn_proposals(
        objectness, deltas, anchors, IMAGE_SIZES, pre_nms=pre_nms, post_nms=post_nms, nms_threshold=0.7
    )
    for found, wanted in zip(ours, expected, strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-6, atol=1e-4)
        assert len(found) > 10


def test_proposals_lie_in_their_image_best_first(
    anchors: list[Tensor], outputs: tuple[list[Tensor], list[Tensor]]
) -> None:
    first, second = rpn_proposals(*outputs, anchors, IMAGE_SIZES, pre_nms=100, post_nms=100, nms_threshold=0.7)
    assert bool((first >= 0).all())
    assert float(second[:, 2].max()) <= 70
    assert float(second[:, 3].max()) <= 60


def test_losses_are_torchvisions(anchors: list[Tensor], outputs: tuple[list[Tensor], list[Tensor]]) -> None:
    objectness, deltas = outputs
    targets = [torch.tensor([[5.0, 5.0, 30.0, 28.0], [40.0, 8.0, 49.0, 15.0]]), torch.zeros(0, 4)]
    # As many samples as there are anchors: both programs then use the same ones.
    samples = 2 * sum(len(level) for level in anchors)
    reference = theirs(pre_nms=1, post_nms=1, samples=samples)
    all_anchors = [torch.cat(anchors)] * 2
    labels, matched = reference.assign_targets_to_anchors(all_anchors, [{"boxes": boxes} for boxes in targets])
    wanted = list(reference.box_coder.encode(matched, all_anchors))
    flat = torch.cat(objectness, 1).flatten(), torch.cat(deltas, 1).flatten(0, 1)
    expected = reference.compute_loss(*flat, labels, wanted)
    ours = rpn_loss(
        objectness,
        deltas,
        anchors,
        targets,
        [match(boxes, torch.cat(anchors), foreground_iou=0.7, background_iou=0.3, keep_best=True) for boxes in targets],
        samples=samples,
        positive_fraction=0.5,
    )
    torch.testing.assert_close(ours, expected)
    assert float(ours[1]) > 0


def test_the_heads_outputs_are_in_the_order_of_the_anchors() -> None:
    ours = RPNHead(in_channels=8, channels=8, anchors=3)
    reference = TheirHead(8, 3)
    pairs = ((ours.conv, reference.conv[0][0]), (ours.objectness, reference.cls_logits))
    for mine, other in (*pairs, (ours.deltas, reference.bbox_pred)):
        other.load_state_dict(mine.state_dict())
    features = [torch.randn(2, 8, *shape) for shape in SHAPES]
    objectness, deltas = ours(features)
    flat_objectness, flat_deltas = concat_box_prediction_layers(*reference(features))
    torch.testing.assert_close(torch.cat(objectness, 1).flatten(), flat_objectness.flatten())
    torch.testing.assert_close(torch.cat(deltas, 1).flatten(0, 1), flat_deltas)
