"""Which predicted box answers for which instance in training, and which of them enter the loss."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from engine.nn.box_coding import box_iou

BACKGROUND = -1
IGNORED = -2


def match(
    instances: Tensor, boxes: Tensor, *, foreground_iou: float, background_iou: float, keep_best: bool = False
) -> Tensor:
    """The instance of largest IoU for each box.

    Args:
        instances: (g, 4); g may be 0.
        boxes: (n, 4) anchors or RoIs.
        foreground_iou: from here on a box answers for its instance.
        background_iou: below it a box is background; between the two it is ignored.
        keep_best: an instance's best boxes answer even below `foreground_iou`, for the instance of their own largest
            IoU (Faster R-CNN paper, section 3.1.2), so that no instance is without an anchor.

    Returns:
        (n,) int64: index of an instance, BACKGROUND or IGNORED.
    """
    if len(instances) == 0 or len(boxes) == 0:
        return torch.full((len(boxes),), BACKGROUND, dtype=torch.int64, device=boxes.device)
    iou = box_iou(instances, boxes)
    best, nearest = iou.max(dim=0)
    matched = nearest.clone()
    matched[best < foreground_iou] = IGNORED
    matched[best < background_iou] = BACKGROUND
    if keep_best:
        # An instance that no anchor touches must not claim every anchor at IoU 0.
        highest = iou.max(dim=1, keepdim=True).values.clamp(min=1e-6)
        chosen = (iou == highest).any(dim=0)
        matched[chosen] = nearest[chosen]
    return matched


def sample(matched: Tensor, *, count: int, positive_fraction: float) -> tuple[Tensor, Tensor]:
    """Random positives, at most `positive_fraction` of `count`, and background to fill up.

    Args:
        matched: (n,) as from `match`.

    Returns:
        Indices of positives and of background, int64.
    """
    positive, negative = torch.where(matched >= 0)[0], torch.where(matched == BACKGROUND)[0]
    positives = min(len(positive), int(count * positive_fraction))
    negatives = min(len(negative), count - positives)
    positive = positive[torch.randperm(len(positive), device=matched.device)[:positives]]
    negative = negative[torch.randperm(len(negative), device=matched.device)[:negatives]]
    return positive, negative


@dataclass(frozen=True)
class SampledRoIs:
    """The RoIs of one image that train the heads: first those with an instance, then background."""

    boxes: Tensor
    """(n, 4)"""
    matched: Tensor
    """(n,) int64: the instance, or BACKGROUND."""

    @property
    def positive_boxes(self) -> Tensor:
        return self.boxes[self.matched >= 0]

    @property
    def positive_matches(self) -> Tensor:
        return self.matched[self.matched >= 0]


def sample_rois(
    proposals: Tensor, instances: Tensor, *, foreground_iou: float, count: int, positive_fraction: float
) -> SampledRoIs:
    """RoIs from an image's proposals and its instances' own boxes, which give positives before the RPN has learnt.

    Args:
        proposals: (p, 4) without gradient.
        instances: (g, 4).
    """
    boxes = torch.cat([proposals, instances.to(proposals.dtype)])
    matched = match(instances, boxes, foreground_iou=foreground_iou, background_iou=foreground_iou)
    kept = torch.cat(sample(matched, count=count, positive_fraction=positive_fraction))
    return SampledRoIs(boxes[kept], matched[kept])
