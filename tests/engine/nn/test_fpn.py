"""The pyramid's shapes, and the level that a RoI is read from."""

from __future__ import annotations

import torch
from torchvision.ops.poolers import LevelMapper

from engine.nn.fpn import FPN, roi_levels


def squares(*sides: float) -> torch.Tensor:
    return torch.tensor([[3.0, 5.0, 3.0 + side, 5.0 + side] for side in sides])


def test_levels_are_torchvisions() -> None:
    generator = torch.Generator().manual_seed(0)
    boxes = torch.cat([torch.zeros(2000, 2), torch.rand(2000, 2, generator=generator) * 900 + 1], dim=1)
    expected = LevelMapper(2, 5)([boxes])
    assert torch.equal(roi_levels(boxes, canonical_size=224.0, canonical_level=4), expected)


def test_the_canonical_size_is_the_first_on_its_level() -> None:
    levels = roi_levels(squares(23.9, 47.9, 48.0, 95.9, 96.0, 192.0, 5000.0), canonical_size=48.0, canonical_level=3)
    assert levels.tolist() == [0, 0, 1, 1, 2, 3, 3]


def test_a_roi_without_area_is_read_from_the_lowest_level() -> None:
    degenerate = torch.tensor([[4.0, 4.0, 4.0, 9.0], [9.0, 9.0, 4.0, 12.0]])
    assert roi_levels(degenerate, canonical_size=224.0, canonical_level=4).tolist() == [0, 0]
    assert roi_levels(torch.zeros(0, 4), canonical_size=224.0, canonical_level=4).shape == (0,)


def test_every_level_has_the_pyramids_channels_and_p6_is_every_second_of_p5() -> None:
    maps = [torch.randn(2, channels, 16 >> i, 24 >> i) for i, channels in enumerate((4, 8, 16, 32))]
    levels = FPN(in_channels=(4, 8, 16, 32), channels=6)(maps)
    assert [tuple(level.shape) for level in levels] == [
        (2, 6, 16, 24),
        (2, 6, 8, 12),
        (2, 6, 4, 6),
        (2, 6, 2, 3),
        (2, 6, 1, 2),
    ]
    assert torch.equal(levels[4], levels[3][:, :, ::2, ::2])
