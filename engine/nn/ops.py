"""The operators under the network: RoIAlign over pyramid levels, mask pasting, non-maximum suppression."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
import torchvision.ops
from torch import Tensor

from engine.geometry.mask import Mask


def roi_align(
    features: Tensor,
    rois: Tensor,
    *,
    output_size: int,
    spatial_scale: float = 1.0,
    sampling_ratio: int = 2,
    aligned: bool = True,
    channels_last: bool = False,
) -> Tensor:
    """RoIAlign on one level. rois (n, 5): image index, x1 y1 x2 y2 in network coordinates -> (n, C, s, s)."""
    out = torchvision.ops.roi_align(
        features, rois.to(features.dtype), output_size, spatial_scale, sampling_ratio, aligned
    )
    return out.contiguous(memory_format=torch.channels_last) if channels_last else out


def roi_align_levels(
    features: Sequence[Tensor],
    boxes: Tensor,
    image_index: Tensor,
    level: Tensor,
    scales: Sequence[float],
    *,
    output_size: int,
    sampling_ratio: int = 2,
    aligned: bool = True,
    channels_last: bool = False,
) -> Tensor:
    """RoIAlign where each box reads the level that `level` names -> (n, C, s, s)."""
    rois = torch.cat([image_index[:, None].to(boxes.dtype), boxes], dim=1)
    out = features[0].new_zeros(len(boxes), features[0].shape[1], output_size, output_size)
    for i, (map_, scale) in enumerate(zip(features, scales, strict=True)):
        chosen = torch.nonzero(level == i)[:, 0]
        out = out.index_put(
            (chosen,),
            roi_align(
                map_,
                rois[chosen],
                output_size=output_size,
                spatial_scale=scale,
                sampling_ratio=sampling_ratio,
                aligned=aligned,
            ),
        )
    return out.contiguous(memory_format=torch.channels_last) if channels_last else out


def paste_masks(probabilities: Tensor, boxes: Tensor, height: int, width: int, *, threshold: float = 0.5) -> list[Mask]:
    """(n, m, m) probabilities in boxes (n, 4) of the image -> n masks clipped to the image."""
    masks = []
    for mask, box in zip(probabilities.float().cpu(), boxes.float().cpu(), strict=True):
        x1, y1, x2, y2 = box.tolist()
        left, top = max(int(x1) - 1, 0), max(int(y1) - 1, 0)
        right, bottom = min(int(x2) + 2, width), min(int(y2) + 2, height)
        if x2 <= x1 or y2 <= y1 or right <= left or bottom <= top:
            masks.append(Mask.empty())
            continue
        x = (torch.arange(left, right) + 0.5 - x1) / (x2 - x1) * 2 - 1
        y = (torch.arange(top, bottom) + 0.5 - y1) / (y2 - y1) * 2 - 1
        grid = torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1)
        pasted = F.grid_sample(mask[None, None], grid[None], align_corners=False)[0, 0] >= threshold
        masks.append(Mask.from_crop(pasted.numpy(), left, top))
    return masks


def nms(boxes: Tensor, scores: Tensor, iou_threshold: float) -> Tensor:
    """Indices of the boxes (n, 4) kept by non-maximum suppression, best score first."""
    return torchvision.ops.nms(boxes, scores, iou_threshold)


def batched_nms(boxes: Tensor, scores: Tensor, groups: Tensor, iou_threshold: float) -> Tensor:
    """As `nms`, but boxes of different groups (levels, categories) never suppress one another."""
    return torchvision.ops.batched_nms(boxes, scores, groups, iou_threshold)
