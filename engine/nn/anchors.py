"""Anchors: the reference boxes that the RPN scores and corrects."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def cell_anchors(size: float, ratios: Sequence[float], *, rounded: bool) -> Tensor:
    """Anchors of one cell around the origin.

    Args:
        size: square root of their area, pixels.
        ratios: height divided by width.
        rounded: round corners to whole pixels, half to even, as torchvision does.

    Returns:
        (len(ratios), 4) x1 y1 x2 y2.
    """
    roots = torch.as_tensor(ratios, dtype=torch.float32).sqrt()
    widths, heights = size / roots, size * roots
    corners = torch.stack([-widths, -heights, widths, heights], dim=1) / 2
    return corners.round() if rounded else corners


def grid_anchors(
    shapes: Sequence[tuple[int, int]],
    strides: Sequence[tuple[int, int]],
    sizes: Sequence[float],
    ratios: Sequence[float],
    *,
    rounded: bool = False,
    device: torch.device | str = "cpu",
) -> list[Tensor]:
    """Anchors of all cells, one tensor a level.

    A cell's anchors lie around its upper left corner and not its middle: a ResNet's 3x3 stride-2 convolutions keep
    the centre of output cell i at input pixel i * stride, whose middle is i * stride + 0.5.

    Args:
        shapes: (height, width) of each level's feature map.
        strides: (down, across) in pixels of the network's input.
        sizes: anchor size of each level.

    Returns:
        For each level (height * width * ratios, 4) x1 y1 x2 y2, ordered by row, column, ratio.
    """
    levels = []
    for (height, width), (down, across), size in zip(shapes, strides, sizes, strict=True):
        cell = cell_anchors(size, ratios, rounded=rounded).to(device)
        y = torch.arange(height, device=device, dtype=torch.float32) * down
        x = torch.arange(width, device=device, dtype=torch.float32) * across
        y, x = torch.meshgrid(y, x, indexing="ij")
        corners = torch.stack([x, y, x, y], dim=-1).reshape(-1, 1, 4)
        levels.append((corners + cell).reshape(-1, 4))
    return levels
