"""Feature pyramid (Lin et al. 2017, section 3): C2..C5 to P2..P6, and which level a RoI is taken from."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.nn.norm import Norm, norms_after


class FPN(nn.Module):
    """Lateral 1x1 convolutions, nearest-neighbour top-down sums, a 3x3 convolution a level; no activation.

    With `norm`, one stands after each convolution and takes the place of its bias.
    """

    def __init__(self, *, in_channels: Sequence[int], channels: int, norm: Norm | None = None) -> None:
        super().__init__()
        bias = norm is None
        self.lateral = nn.ModuleList(nn.Conv2d(c, channels, 1, bias=bias) for c in in_channels)
        self.output = nn.ModuleList(nn.Conv2d(channels, channels, 3, padding=1, bias=bias) for _ in in_channels)
        self.lateral_norms = norms_after([channels] * len(in_channels), norm)
        self.output_norms = norms_after([channels] * len(in_channels), norm)
        for convolution in (*self.lateral, *self.output):
            nn.init.kaiming_uniform_(convolution.weight, a=1)
            if bias:
                nn.init.zeros_(convolution.bias)

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """
        Args:
            maps: C2..C5.

        Returns:
            P2..P6, all with the same channels; P6 is P5 at every second position.
        """
        top_down = self.lateral_norms[-1](self.lateral[-1](maps[-1]))
        levels = [self.output_norms[-1](self.output[-1](top_down))]
        for i in range(len(maps) - 2, -1, -1):
            lateral = self.lateral_norms[i](self.lateral[i](maps[i]))
            top_down = lateral + F.interpolate(top_down, size=lateral.shape[-2:], mode="nearest")
            levels.insert(0, self.output_norms[i](self.output[i](top_down)))
        return [*levels, F.max_pool2d(levels[-1], kernel_size=1, stride=2)]


def roi_levels(
    boxes: Tensor, *, canonical_size: float, canonical_level: int, lowest: int = 2, highest: int = 5
) -> Tensor:
    """Level of the pyramid for each RoI: floor(k0 + log2(sqrt(area) / canonical size)), equation 1 of the FPN paper.

    Args:
        boxes: (n, 4) x1 y1 x2 y2 in pixels of the network's input.

    Returns:
        (n,) int64, 0 for the lowest level. A RoI of no area belongs to the lowest.
    """
    size = ((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])).clamp(min=0).sqrt()
    # 1e-6 keeps a RoI of exactly the canonical size on its level in float32; the value is torchvision's.
    level = torch.floor(canonical_level + torch.log2(size / canonical_size) + 1e-6)
    return level.clamp(min=lowest, max=highest).to(torch.int64) - lowest
