"""Batch norm as the detector uses it: fixed, or learning from scratch."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.ops import FrozenBatchNorm2d

Norm = Callable[[int], nn.Module]
"""Makes the norm after a convolution of so many channels."""


class FrozenNorm(FrozenBatchNorm2d):
    """Batch norm with fixed statistics and affine part, all buffers under BatchNorm2d's names.

    The one fused call keeps bfloat16 inputs in bfloat16 and reads the activations once, where torchvision's two
    broadcast operations would promote and copy.
    """

    def forward(self, x: Tensor) -> Tensor:
        return F.batch_norm(
            x, self.running_mean, self.running_var, self.weight, self.bias, training=False, eps=self.eps
        )


def batch_norm(*, frozen: bool, eps: float) -> Norm:
    """Norms whose weights have the same names, whether they are frozen or learn."""
    return partial(FrozenNorm if frozen else nn.BatchNorm2d, eps=eps)


def norms_after(channels: list[int], norm: Norm | None) -> nn.ModuleList:
    """One norm for each convolution of so many channels; without `norm` such as change nothing and weigh nothing."""
    return nn.ModuleList(nn.Identity() if norm is None else norm(each) for each in channels)
