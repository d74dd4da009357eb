"""Region proposal network (Faster R-CNN, section 3.1): a head, its loss, and its raw outputs turned into proposals."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.nn.box_coding import RPN_WEIGHTS, clip_boxes, decode_boxes, encode_boxes, large_enough
from engine.nn.matching import sample
from engine.nn.ops import batched_nms

SMOOTH_L1_BETA = 1 / 9
"""Where L1 turns quadratic, for the deltas of RPN and box head alike; torchvision's and Detectron's value."""
MIN_SIDE = 1e-3
"""Proposals thinner than this, in pixels, have left the image when clipped."""


class RPNHead(nn.Module):
    """3x3 convolutions, most often one, with two 1x1 siblings after them, the same weights on every level."""

    def __init__(self, *, in_channels: int, channels: int, anchors: int, layers: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, channels, 3, padding=1)
        self.further = nn.ModuleList(nn.Conv2d(channels, channels, 3, padding=1) for _ in range(layers - 1))
        self.objectness = nn.Conv2d(channels, anchors, 1)
        self.deltas = nn.Conv2d(channels, 4 * anchors, 1)
        for name, parameter in self.named_parameters():
            nn.init.zeros_(parameter) if name.endswith("bias") else nn.init.normal_(parameter, std=0.01)

    def forward(self, features: Sequence[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """
        Args:
            features: P2..P6.

        Returns:
            Objectness logits (N, cells * anchors) and deltas (N, cells * anchors, 4) of each level, float32, in the
            order of `grid_anchors`.
        """
        objectness, deltas = [], []
        for level in features:
            hidden = F.relu(self.conv(level))
            for convolution in self.further:
                hidden = F.relu(convolution(hidden))
            objectness.append(self.objectness(hidden).permute(0, 2, 3, 1).flatten(1).float())
            deltas.append(self.deltas(hidden).permute(0, 2, 3, 1).reshape(len(level), -1, 4).float())
        return objectness, deltas


def rpn_loss(
    objectness: Sequence[Tensor],
    deltas: Sequence[Tensor],
    anchors: Sequence[Tensor],
    instances: Sequence[Tensor],
    matched: Sequence[Tensor],
    *,
    samples: int,
    positive_fraction: float,
) -> tuple[Tensor, Tensor]:
    """
    Args:
        objectness, deltas: the head's outputs.
        anchors: of each level.
        instances: (g, 4) boxes of each image.
        matched: (a,) int64 of each image, as `match` says of the anchors of all levels one after the other.

    Returns:
        Mean binary cross-entropy of the sampled anchors, and smooth L1 of the positives' deltas over the number of
        *all* sampled anchors, so that an image with few positives weighs no more than others.
    """
    all_objectness, all_deltas, all_anchors = (
        torch.cat(list(objectness), 1),
        torch.cat(list(deltas), 1),
        torch.cat(list(anchors)),
    )
    logits, truth, predicted, wanted = [], [], [], []
    for image, (boxes, answers) in enumerate(zip(instances, matched, strict=True)):
        positive, negative = sample(answers, count=samples, positive_fraction=positive_fraction)
        chosen = torch.cat([positive, negative])
        logits.append(all_objectness[image, chosen])
        truth.append((answers[chosen] >= 0).float())
        predicted.append(all_deltas[image, positive])
        wanted.append(encode_boxes(boxes[answers[positive]], all_anchors[positive], RPN_WEIGHTS))
    count = max(sum(len(part) for part in logits), 1)
    category = F.binary_cross_entropy_with_logits(torch.cat(logits), torch.cat(truth), reduction="sum") / count
    box = F.smooth_l1_loss(torch.cat(predicted), torch.cat(wanted), beta=SMOOTH_L1_BETA, reduction="sum") / count
    return category, box


@torch.no_grad()
def rpn_proposals(
    objectness: Sequence[Tensor],
    deltas: Sequence[Tensor],
    anchors: Sequence[Tensor],
    image_sizes: Sequence[tuple[int, int]],
    *,
    pre_nms: int,
    post_nms: int,
    nms_threshold: float,
) -> list[Tensor]:
    """
    Args:
        objectness, deltas: the head's outputs, no gradient flows back.
        anchors: of each level.
        image_sizes: (height, width) of each image without padding.
        pre_nms: best anchors of each level that enter NMS, which works within levels.
        post_nms: proposals of an image over all levels.

    Returns:
        For each image (p, 4) boxes inside it, best first.
    """
    logits, boxes, levels = [], [], []
    for level, (level_logits, level_deltas, level_anchors) in enumerate(zip(objectness, deltas, anchors, strict=True)):
        # Decoding only what enters NMS: 5,000 boxes instead of 200,000 at 800 x 1333.
        best, index = level_logits.topk(min(pre_nms, level_logits.shape[1]), dim=1)
        chosen = level_deltas.gather(1, index[:, :, None].expand(-1, -1, 4))
        decoded = decode_boxes(chosen.reshape(-1, 4), level_anchors[index.reshape(-1)], RPN_WEIGHTS)
        logits.append(best)
        boxes.append(decoded.reshape(*index.shape, 4))
        levels.append(torch.full_like(index[0], level))
    scores, all_boxes, all_levels = torch.cat(logits, 1).sigmoid(), torch.cat(boxes, 1), torch.cat(levels)
    proposals = []
    for image, image_size in enumerate(image_sizes):
        inside = clip_boxes(all_boxes[image], image_size)
        valid = torch.where(large_enough(inside, MIN_SIDE))[0]
        kept = valid[batched_nms(inside[valid], scores[image, valid], all_levels[valid], nms_threshold)]
        proposals.append(inside[kept[:post_nms]])
    return proposals
