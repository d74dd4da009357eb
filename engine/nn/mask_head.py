"""Mask of each RoI (Mask R-CNN, section 3): a head, its loss and targets, and its logits turned into probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.ops import roi_align

from engine.nn.norm import Norm, norms_after

TARGET_CHUNK = 64
"""Masks turned to float at a time for their targets: 64 of 512 x 512 pixels are 67 MB."""


class MaskHead(nn.Module):
    """3x3 convolutions, a 2x2 deconvolution that doubles the side, a 1x1 convolution to a channel a category.

    `categories` is 1 where one channel serves them all; every label is then 1. With `norm`, one stands after each 3x3
    convolution and takes the place of its bias.
    """

    def __init__(self, *, in_channels: int, layers: Sequence[int], categories: int, norm: Norm | None = None) -> None:
        super().__init__()
        widths = [in_channels, *layers]
        self.convs = nn.ModuleList(nn.Conv2d(a, b, 3, padding=1, bias=norm is None) for a, b in pairwise(widths))
        self.norms = norms_after([*layers], norm)
        self.deconv = nn.ConvTranspose2d(widths[-1], widths[-1], 2, stride=2)
        self.logits = nn.Conv2d(widths[-1], categories + 1, 1)
        for layer in (*self.convs, self.deconv, self.logits):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
        # With one or few categories fan_out would make the first logits huge and the first losses with them.
        nn.init.normal_(self.logits.weight, std=0.001)

    def forward(self, features: Tensor) -> Tensor:
        """
        Args:
            features: (n, C, s, s) from RoIAlign.

        Returns:
            (n, K + 1, 2s, 2s) logits, float32; channel 0 is background's, is never trained and keeps the category axis
            that of the box head.
        """
        for convolution, norm in zip(self.convs, self.norms, strict=True):
            features = F.relu(norm(convolution(features)))
        if self.training:
            return self._enlarged_logits(features).float()
        return self.logits(F.relu(self.deconv(features))).float()

    def _enlarged_logits(self, features: Tensor) -> Tensor:
        """What `logits` makes of what `deconv` makes of (n, C, s, s): neither looks at neighbours, so both are products
        of matrices. Forward and backward take half of the time then; forward alone takes more in float32."""
        assert self.deconv.bias is not None
        count, channels, side, _ = features.shape
        corners = self.deconv.weight.permute(2, 3, 1, 0).reshape(4 * channels, channels)  # a pixel becomes two by two
        hidden = F.relu(F.linear(features.permute(0, 2, 3, 1), corners, self.deconv.bias.repeat(4)))
        hidden = hidden.reshape(count, side, side, 2, 2, channels)
        logits = F.linear(hidden, self.logits.weight.flatten(1), self.logits.bias)
        enlarged = logits.transpose(2, 3).reshape(count, 2 * side, 2 * side, self.logits.out_channels)
        return enlarged.permute(0, 3, 1, 2)


@torch.no_grad()
def mask_targets(masks: Tensor, boxes: Tensor, matched: Tensor, resolution: int) -> Tensor:
    """The part of each RoI's instance that lies in the RoI, at the mask head's resolution.

    Args:
        masks: (g, H, W) bool or uint8 bitmaps in the frame of the boxes.
        boxes: (n, 4) RoIs.
        matched: (n,) int64 index into masks.

    Returns:
        (n, resolution, resolution) float32, 0 or 1: a bin is set where at least half of it is.
    """
    parts = []
    for roi, index in zip(boxes.float().split(TARGET_CHUNK), matched.split(TARGET_CHUNK), strict=True):
        used, position = index.unique(return_inverse=True)
        bitmaps = masks[used, None].float()
        parts.append(roi_align(bitmaps, torch.cat([position[:, None].float(), roi], 1), resolution, aligned=True)[:, 0])
    if not parts:
        return boxes.new_zeros((0, resolution, resolution))
    return (torch.cat(parts) >= 0.5).float()


def mask_loss(logits: Tensor, labels: Tensor, targets: Tensor) -> Tensor:
    """Mean binary cross-entropy over pixels of the channels of the RoIs' own categories; 0, with gradient, for no RoIs.

    Args:
        logits: (n, K + 1, m, m) for RoIs with an instance.
        labels: (n,) int64 from 1.
        targets: (n, m, m) as from `mask_targets`.
    """
    if len(labels) == 0:
        return logits.sum() * 0
    own = logits[torch.arange(len(labels), device=labels.device), labels]
    return F.binary_cross_entropy_with_logits(own, targets)


def mask_probabilities(logits: Tensor, labels: Tensor) -> Tensor:
    """
    Args:
        logits: (n, K + 1, m, m).
        labels: (n,) int64 from 1.

    Returns:
        (n, m, m) in [0, 1]: of each RoI's own category.
    """
    return logits[torch.arange(len(labels), device=labels.device), labels].sigmoid()


def enlarged_as_torchvision(probabilities: Tensor, boxes: Tensor) -> tuple[Tensor, Tensor]:
    """What to paste exactly, to get what torchvision pastes: it adds a border of zeros, enlarges the box by as much,
    cuts its corners to whole pixels and counts the last pixel in (`paste_masks_in_image`).

    Args:
        probabilities: (n, m, m).
        boxes: (n, 4) x1 y1 x2 y2 in pixels of the image.

    Returns:
        (n, m + 2, m + 2) probabilities and (n, 4) boxes with integer corners.
    """
    side = probabilities.shape[-1]
    centre, half = (boxes[:, :2] + boxes[:, 2:]) * 0.5, (boxes[:, 2:] - boxes[:, :2]) * 0.5
    half = half * ((side + 2) / side)
    top_left, bottom_right = (centre - half).trunc(), (centre + half).trunc()
    return F.pad(probabilities, (1, 1, 1, 1)), torch.cat([top_left, torch.maximum(bottom_right, top_left) + 1], dim=1)
