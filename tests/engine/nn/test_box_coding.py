"""Corrections of boxes are invertible, and IoU is torchvision's."""

from __future__ import annotations

import pytest
import torch
import torchvision.ops
from torch import Tensor

from engine.nn.box_coding import RPN_WEIGHTS, box_iou, clip_boxes, decode_boxes, encode_boxes, large_enough


def random_boxes(count: int, seed: int, extent: float = 200.0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    corner = torch.rand(count, 2, generator=generator) * extent
    return torch.cat([corner, corner + 1 + torch.rand(count, 2, generator=generator) * extent / 2], dim=1)


@pytest.mark.parametrize("weights", [RPN_WEIGHTS, (10.0, 10.0, 5.0, 5.0)])
def test_decoding_is_the_inverse_of_encoding(weights: tuple[float, float, float, float]) -> None:
    boxes, references = random_boxes(300, 0), random_boxes(300, 1)
    decoded = decode_boxes(encode_boxes(boxes, references, weights), references, weights)
    # Without the growth limit: 200 px boxes from 1 px references exceed it.
    within = ((boxes[:, 2:] - boxes[:, :2]) / (references[:, 2:] - references[:, :2])).amax(dim=1) < 62
    assert int(within.sum()) > 250
    torch.testing.assert_close(decoded[within], boxes[within], rtol=1e-5, atol=1e-3)


def test_deltas_of_zero_keep_the_reference() -> None:
    references = random_boxes(50, 2)
    torch.testing.assert_close(decode_boxes(torch.zeros(50, 4), references, RPN_WEIGHTS), references)


def test_growth_is_bounded_so_that_no_delta_overflows() -> None:
    box = decode_boxes(torch.tensor([[0.0, 0.0, 500.0, 500.0]]), torch.tensor([[0.0, 0.0, 16.0, 16.0]]), RPN_WEIGHTS)
    assert (box[0, 2:] - box[0, :2]).tolist() == pytest.approx([1000.0, 1000.0])


def test_iou_is_torchvisions() -> None:
    a, b = random_boxes(40, 3), random_boxes(70, 4)
    torch.testing.assert_close(box_iou(a, b), torchvision.ops.box_iou(a, b))


def test_iou_leaves_its_arguments_alone() -> None:
    a, b = random_boxes(3, 3), random_boxes(4, 4)
    copies = a.clone(), b.clone()
    box_iou(a, b)
    assert torch.equal(a, copies[0])
    assert torch.equal(b, copies[1])


def test_empty_boxes_have_no_overlap_and_no_nan() -> None:
    point = torch.tensor([[5.0, 5.0, 5.0, 5.0]])
    assert box_iou(point, point).tolist() == [[0.0]]


def test_clipped_boxes_lie_in_the_image() -> None:
    clipped = clip_boxes(torch.tensor([[-5.0, -1.0, 30.0, 40.0], [18.0, 9.0, 40.0, 50.0]]), (10, 20))
    assert clipped.tolist() == [[0.0, 0.0, 20.0, 10.0], [18.0, 9.0, 20.0, 10.0]]
    assert large_enough(clipped, 1.5).tolist() == [True, False]


def test_no_boxes_give_no_boxes() -> None:
    none = torch.zeros(0, 4)
    assert encode_boxes(none, none, RPN_WEIGHTS).shape == (0, 4)
    assert decode_boxes(none, none, RPN_WEIGHTS).shape == (0, 4)
    assert clip_boxes(none, (5, 5)).shape == (0, 4)
    assert box_iou(none, random_boxes(3, 0)).shape == (0, 3)
    assert box_iou(random_boxes(3, 0), none).shape == (3, 0)
