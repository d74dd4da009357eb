"""Anchors have the size and place that the weights were trained with."""

from __future__ import annotations

import pytest
import torch
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.image_list import ImageList

from engine.nn.anchors import cell_anchors, grid_anchors

RATIOS = (0.5, 1.0, 2.0)


def test_float_anchors_have_the_area_and_ratio_asked_for() -> None:
    x1, y1, x2, y2 = cell_anchors(32.0, RATIOS, rounded=False).unbind(1)
    assert ((x2 - x1) * (y2 - y1)).tolist() == pytest.approx([32.0**2] * 3, rel=1e-5)
    assert ((y2 - y1) / (x2 - x1)).tolist() == pytest.approx(RATIOS, rel=1e-5)
    assert (x1 + x2).abs().max() < 1e-5


def test_rounded_anchors_are_torchvisions_famous_ones() -> None:
    assert cell_anchors(32.0, RATIOS, rounded=True).tolist() == [
        [-23.0, -11.0, 23.0, 11.0],
        [-16.0, -16.0, 16.0, 16.0],
        [-11.0, -23.0, 11.0, 23.0],
    ]


def test_a_grid_of_anchors_is_torchvisions_box_for_box() -> None:
    sizes = (32.0, 64.0, 128.0)
    shapes = [(20, 24), (10, 12), (5, 6)]
    theirs = AnchorGenerator(tuple((size,) for size in sizes), (RATIOS,) * 3)
    images = ImageList(torch.zeros(1, 3, 80, 96), [(80, 96)])
    (expected,) = theirs(images, [torch.zeros(1, 1, *shape) for shape in shapes])
    ours = grid_anchors(shapes, [(4, 4), (8, 8), (16, 16)], sizes, RATIOS, rounded=True)
    assert torch.equal(torch.cat(ours), expected)


def test_the_first_cell_is_centred_on_the_images_corner() -> None:
    (level,) = grid_anchors([(2, 2)], [(8, 4)], [10.0], [1.0])
    assert level.tolist() == [[-5, -5, 5, 5], [-1, -5, 9, 5], [-5, 3, 5, 13], [-1, 3, 9, 13]]
