"""Boxes as corrections of other boxes (R-CNN paper, appendix C), and their IoU. Boxes are x1 y1 x2 y2, continuous."""

from __future__ import annotations

import math

import torch
from torch import Tensor

RPN_WEIGHTS = (1.0, 1.0, 1.0, 1.0)
MAX_GROWTH = math.log(1000.0 / 16)
"""Bound of dw and dh: an anchor of 16 px may grow to a 1000 px image. Without it exp() overflows early in training."""


def encode_boxes(boxes: Tensor, references: Tensor, weights: tuple[float, float, float, float]) -> Tensor:
    """Corrections that turn references into boxes; the inverse of `decode_boxes`.

    Args:
        boxes: (n, 4), of positive width and height.
        references: (n, 4) anchors or RoIs, likewise.
        weights: factors of (dx, dy, dw, dh).

    Returns:
        (n, 4): offset of the centres in units of the reference's size, then the logarithm of the size's ratio.
    """
    sizes, reference_sizes = boxes[:, 2:] - boxes[:, :2], references[:, 2:] - references[:, :2]
    centres, reference_centres = boxes[:, :2] + 0.5 * sizes, references[:, :2] + 0.5 * reference_sizes
    deltas = torch.cat([(centres - reference_centres) / reference_sizes, (sizes / reference_sizes).log()], dim=1)
    return deltas * deltas.new_tensor(weights)


def decode_boxes(deltas: Tensor, references: Tensor, weights: tuple[float, float, float, float]) -> Tensor:
    """
    Args:
        deltas: (n, 4) float32.
        references: (n, 4) anchors or RoIs.

    Returns:
        (n, 4) boxes, not clipped to the image.
    """
    deltas = deltas / deltas.new_tensor(weights)
    reference_sizes = references[:, 2:] - references[:, :2]
    centres = deltas[:, :2] * reference_sizes + (references[:, :2] + 0.5 * reference_sizes)
    half = 0.5 * (deltas[:, 2:].clamp(max=MAX_GROWTH).exp() * reference_sizes)
    return torch.cat([centres - half, centres + half], dim=1)


def clip_boxes(boxes: Tensor, image_size: tuple[int, int]) -> Tensor:
    """(n, 4) boxes clipped to an image of (height, width)."""
    height, width = image_size
    return boxes.clamp(min=0).minimum(boxes.new_tensor([width, height, width, height]))


def large_enough(boxes: Tensor, side: float) -> Tensor:
    """(n,) bool: width and height are at least `side`."""
    return ((boxes[:, 2:] - boxes[:, :2]) >= side).all(dim=1)


def box_iou(a: Tensor, b: Tensor) -> Tensor:
    """(n, m) IoU of (n, 4) and (m, 4) boxes; 0 where both are empty.

    Works in place on three (n, m) tables: with 375 instances and 65,000 anchors a (n, m, 2) table alone is 195 MB.
    """
    ax1, ay1, ax2, ay2 = a[:, :, None].unbind(1)
    bx1, by1, bx2, by2 = b.t().contiguous().unbind(0)  # of columns side by side, twice as fast as of strided ones
    overlap = torch.minimum(ax2, bx2).sub_(torch.maximum(ax1, bx1)).clamp_(min=0)
    overlap *= torch.minimum(ay2, by2).sub_(torch.maximum(ay1, by1)).clamp_(min=0)
    union = ((ax2 - ax1) * (ay2 - ay1) + (bx2 - bx1) * (by2 - by1)).sub_(overlap)
    return overlap.div_(union.clamp_(min=1e-12))
