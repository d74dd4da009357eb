"""Category and box of each RoI: a head, its loss, and its raw outputs turned into detections."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.nn.box_coding import clip_boxes, decode_boxes, large_enough
from engine.nn.norm import Norm, norms_after
from engine.nn.ops import batched_nms
from engine.nn.rpn import SMOOTH_L1_BETA

MIN_SIDE = 1e-2
"""Detections thinner than this, in pixels, have left the image when clipped."""


class BoxHead(nn.Module):
    """3x3 convolutions, most often none, then one or two hidden layers; outputs for background at index 0 and each
    category after it.

    With `norm`, one stands after each convolution and takes the place of its bias.
    """

    def __init__(
        self,
        *,
        in_channels: int,
        resolution: int,
        hidden: int,
        categories: int,
        layers: Sequence[int] = (),
        hidden_layers: int = 2,
        norm: Norm | None = None,
    ) -> None:
        super().__init__()
        widths = [in_channels, *layers]
        self.convs = nn.ModuleList(nn.Conv2d(a, b, 3, padding=1, bias=norm is None) for a, b in pairwise(widths))
        self.norms = norms_after([*layers], norm)
        for name, parameter in self.convs.named_parameters():
            if name.endswith("weight"):
                nn.init.kaiming_normal_(parameter, mode="fan_out", nonlinearity="relu")
        self.fc1 = nn.Linear(widths[-1] * resolution**2, hidden)
        self.fc2 = nn.Linear(hidden, hidden) if hidden_layers == 2 else nn.Identity()
        self.category = nn.Linear(hidden, categories + 1)
        self.deltas = nn.Linear(hidden, 4 * (categories + 1))
        # Small outputs make every category equally likely, and every box its RoI, at first (Fast R-CNN, section 3.1).
        for layer, std in ((self.category, 0.01), (self.deltas, 0.001)):
            nn.init.normal_(layer.weight, std=std)
            nn.init.zeros_(layer.bias)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """
        Args:
            features: (n, C, s, s) from RoIAlign.

        Returns:
            Category logits (n, K + 1), background first, and deltas (n, K + 1, 4), both float32.
        """
        hidden = self.describe(features)
        return self.category(hidden).float(), self.deltas(hidden).unflatten(1, (-1, 4)).float()

    def describe(self, features: Tensor) -> Tensor:
        """What both outputs are made of: (n, hidden), alike for RoIs whose content is alike."""
        for convolution, norm in zip(self.convs, self.norms, strict=True):
            features = F.relu(norm(convolution(features)))
        return F.relu(self.fc2(F.relu(self.fc1(features.flatten(1)))))


def box_loss(logits: Tensor, deltas: Tensor, labels: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
    """
    Args:
        logits, deltas: the head's outputs for n sampled RoIs.
        labels: (n,) int64, 0 = background.
        wanted: (p, 4) encoded boxes for the RoIs that are not background, in their order.

    Returns:
        Mean cross-entropy, and smooth L1 over the number of *all* RoIs: divided by the positives, an image's few
        would weigh as much as another's many (detectron2, `box_reg_loss`).
    """
    count = max(len(labels), 1)
    positive = torch.where(labels > 0)[0]
    category = F.cross_entropy(logits, labels, reduction="sum") / count
    predicted = deltas[positive, labels[positive]]
    return category, F.smooth_l1_loss(predicted, wanted, beta=SMOOTH_L1_BETA, reduction="sum") / count


def box_detections(
    logits: Tensor,
    deltas: Tensor,
    rois: Tensor,
    image_size: tuple[int, int],
    *,
    weights: tuple[float, float, float, float],
    score_floor: float,
    nms_threshold: float,
    limit: int,
) -> tuple[Tensor, Tensor, Tensor]:
    """
    Args:
        logits, deltas: the head's outputs for the (n, 4) RoIs of one image.
        image_size: (height, width).
        limit: the best detections kept, over all categories; NMS works within categories.

    Returns:
        Boxes (d, 4) inside the image, scores (d,), labels (d,) without background, so from 0; best first.
    """
    scores = logits.softmax(dim=1)[:, 1:]
    roi, label = torch.where(scores > score_floor)
    score = scores[roi, label]
    boxes = clip_boxes(decode_boxes(deltas[roi, label + 1], rois[roi], weights), image_size)
    valid = torch.where(large_enough(boxes, MIN_SIDE))[0]
    kept = valid[batched_nms(boxes[valid], score[valid], label[valid], nms_threshold)][:limit]
    return boxes[kept], score[kept], label[kept]
