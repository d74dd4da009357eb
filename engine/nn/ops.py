"""The operators under the network: RoIAlign over pyramid levels, mask pasting, non-maximum suppression.

RoIAlign and pasting run in the compiled kernels for CPU tensors. CUDA tensors, float64, and an install without the
kernels take torchvision's RoIAlign and torch's grid_sample instead, with the same numbers. float16 and bfloat16 are
computed in float32 and rounded back once. Coordinates are continuous, pixel centres at +0.5; boxes are x1 y1 x2 y2.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import ModuleType
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
import torchvision.ops
from numpy.typing import NDArray
from torch import Tensor

from engine.geometry.mask import Mask

_kernels: ModuleType | None
try:
    from engine import _kernels
except ImportError:
    _kernels = None

# Bitmaps are cropped and copied out of their buffer by the chunk: 32 MB bounds what a hundred masks of a 4K image hold
# meanwhile.
_CHUNK_PIXELS = 32 * 1024 * 1024


def kernels_available() -> bool:
    """Whether the compiled kernels were installed; without them everything works, on the CPU more slowly."""
    return _kernels is not None


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
    """RoIAlign on one feature map (N, C, H, W): (n, C, output_size, output_size).

    `rois` (n, 5) hold the image's index in the batch and x1 y1 x2 y2 in network coordinates. The other arguments, the
    gradient and what is raised are those of `roi_align_levels`.
    """
    image_index = rois[:, 0].to(torch.int64)
    return roi_align_levels(
        [features],
        rois[:, 1:],
        image_index,
        torch.zeros_like(image_index),
        [spatial_scale],
        output_size=output_size,
        sampling_ratio=sampling_ratio,
        aligned=aligned,
        channels_last=channels_last,
    )


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
    """RoIAlign (He et al. 2017, section 3) where each box reads one level: (n, C, output_size, output_size).

    `features` are (N, C, H_l, W_l), fastest in channels-last memory; `scales` map network coordinates to each level's
    grid (1/4 for stride 4). `boxes` (n, 4) are in network coordinates, `image_index` (n,) and `level` (n,) say which
    image and level each reads. `aligned` subtracts the half pixel that puts pixel centres at +0.5; without it the box
    is half a pixel off and at least one pixel wide, as in torchvision's detectors and older checkpoints. A bin averages
    `sampling_ratio` samples per axis, 0 for as many as its size in pixels rounded up. `channels_last` chooses the
    result's memory format. The gradient flows to the features only, and is the same bit by bit with any number of
    threads. Raises TypeError for features that are not floating point, ValueError where counts, images or levels do
    not fit.
    """
    dtype = features[0].dtype
    if not dtype.is_floating_point:
        raise TypeError(f"RoIAlign needs floating-point features, not {dtype}")
    if dtype not in (torch.float32, torch.float64):
        features = [feature.float() for feature in features]
    boxes = boxes.detach().to(features[0].dtype)
    image_index = image_index.to(torch.int64)
    level = level.to(torch.int64)
    align = _roi_align_levels if _runs_in_kernels(features[0]) else _roi_align_levels_torchvision
    pooled = align(
        features, boxes, image_index, level, list(scales), output_size, max(sampling_ratio, 0), aligned, channels_last
    )
    return pooled.to(dtype)


def paste_masks(probabilities: Tensor, boxes: Tensor, height: int, width: int, *, threshold: float = 0.5) -> list[Mask]:
    """The mask head's probabilities (n, m, m) in boxes (n, 4) of the image, as n masks clipped to the image.

    A pixel is set where the bilinear value between cells at its centre is at least `threshold`, as grid_sample with
    align_corners=False gives it over a whole-image canvas, which is never built. Boxes without extent or with a value
    that is not finite give the empty mask. Raises ValueError where shapes do not fit.
    """
    if probabilities.ndim != 3 or probabilities.shape[1] != probabilities.shape[2]:
        raise ValueError(f"probabilities are (n, m, m), not {tuple(probabilities.shape)}")
    if boxes.shape != (len(probabilities), 4):
        raise ValueError(f"boxes are ({len(probabilities)}, 4), not {tuple(boxes.shape)}")
    if not 0.0 < threshold <= 1.0:
        raise ValueError(f"a threshold lies above 0 and up to 1, not at {threshold}")
    probabilities = probabilities.detach().float().contiguous()
    boxes = boxes.detach().float().contiguous()
    windows = _windows(boxes.cpu().numpy(), probabilities.shape[1], height, width)
    paste = _paste_windows if _runs_in_kernels(probabilities) else _paste_windows_torch
    masks = []
    for chunk in _chunks((windows[:, 2] * windows[:, 3]).tolist()):
        places = windows[chunk]
        pixels, start = paste(probabilities[chunk], boxes[chunk], places, threshold), 0
        for x, y, w, h in places.tolist():
            bitmap = pixels[start : start + w * h].view(np.bool_).reshape(h, w)
            masks.append(Mask.from_crop(bitmap, x, y))
            start += w * h
    return masks


def nms(boxes: Tensor, scores: Tensor, iou_threshold: float) -> Tensor:
    """Indices (k,) int64 of the boxes (n, 4) that non-maximum suppression keeps, best score first."""
    return torchvision.ops.nms(boxes, scores, iou_threshold)


def batched_nms(boxes: Tensor, scores: Tensor, groups: Tensor, iou_threshold: float) -> Tensor:
    """As `nms`, but boxes of different groups (n,) (levels, categories) never suppress one another."""
    return torchvision.ops.batched_nms(boxes, scores, groups, iou_threshold)


def _runs_in_kernels(tensor: Tensor) -> bool:
    return _kernels is not None and tensor.device.type == "cpu" and tensor.dtype == torch.float32


def _roi_align_levels_torchvision(
    features: Sequence[Tensor],
    boxes: Tensor,
    image_index: Tensor,
    level: Tensor,
    scales: Sequence[float],
    output_size: int,
    sampling_ratio: int,
    aligned: bool,
    channels_last: bool,
) -> Tensor:
    rois = torch.cat([image_index[:, None].to(boxes.dtype), boxes], dim=1)
    pooled = features[0].new_zeros(len(boxes), features[0].shape[1], output_size, output_size)
    for i, (feature, scale) in enumerate(zip(features, scales, strict=True)):
        chosen = torch.nonzero(level == i)[:, 0]
        part = torchvision.ops.roi_align(feature, rois[chosen], output_size, scale, sampling_ratio, aligned)
        pooled = pooled.index_put((chosen,), part)
    return pooled.contiguous(memory_format=_memory_format(channels_last))


def _memory_format(channels_last: bool) -> torch.memory_format:
    return torch.channels_last if channels_last else torch.contiguous_format


@torch.library.custom_op("maskwright::roi_align_levels", mutates_args=(), device_types="cpu")
def _roi_align_levels(
    features: Sequence[Tensor],
    boxes: Tensor,
    image_index: Tensor,
    level: Tensor,
    scales: Sequence[float],
    output_size: int,
    sampling_ratio: int,
    aligned: bool,
    channels_last: bool,
) -> Tensor:
    assert _kernels is not None
    shape = (len(boxes), features[0].shape[1], output_size, output_size)
    pooled = torch.empty(shape, dtype=torch.float32, memory_format=_memory_format(channels_last))
    if pooled.numel():
        _kernels.roi_align_forward(
            [feature.detach() for feature in features],
            scales,
            boxes.detach().contiguous(),
            image_index.contiguous(),
            level.contiguous(),
            pooled,
            sampling_ratio=sampling_ratio,
            aligned=aligned,
            threads=torch.get_num_threads(),
        )
    return pooled


@_roi_align_levels.register_fake
def _(
    features: Sequence[Tensor],
    boxes: Tensor,
    image_index: Tensor,
    level: Tensor,
    scales: Sequence[float],
    output_size: int,
    sampling_ratio: int,
    aligned: bool,
    channels_last: bool,
) -> Tensor:
    shape = (boxes.shape[0], features[0].shape[1], output_size, output_size)
    return torch.empty(
        shape, dtype=torch.float32, device=features[0].device, memory_format=_memory_format(channels_last)
    )


@torch.library.custom_op("maskwright::roi_align_levels_backward", mutates_args=(), device_types="cpu")
def _roi_align_levels_backward(
    upstream: Tensor,
    boxes: Tensor,
    image_index: Tensor,
    level: Tensor,
    scales: Sequence[float],
    images: int,
    heights: Sequence[int],
    widths: Sequence[int],
    sampling_ratio: int,
    aligned: bool,
) -> list[Tensor]:
    assert _kernels is not None
    gradients = _empty_gradients(upstream, images, heights, widths)
    for gradient in gradients:
        gradient.zero_()
    if upstream.numel():
        _kernels.roi_align_backward(
            upstream.detach().permute(0, 2, 3, 1).contiguous(),
            scales,
            boxes.detach().contiguous(),
            image_index.contiguous(),
            level.contiguous(),
            gradients,
            sampling_ratio=sampling_ratio,
            aligned=aligned,
            threads=torch.get_num_threads(),
        )
    return gradients


@_roi_align_levels_backward.register_fake
def _(
    upstream: Tensor,
    boxes: Tensor,
    image_index: Tensor,
    level: Tensor,
    scales: Sequence[float],
    images: int,
    heights: Sequence[int],
    widths: Sequence[int],
    sampling_ratio: int,
    aligned: bool,
) -> list[Tensor]:
    return _empty_gradients(upstream, images, heights, widths)


def _empty_gradients(upstream: Tensor, images: int, heights: Sequence[int], widths: Sequence[int]) -> list[Tensor]:
    return [
        torch.empty(
            (images, upstream.shape[1], height, width),
            dtype=torch.float32,
            device=upstream.device,
            memory_format=torch.channels_last,
        )
        for height, width in zip(heights, widths, strict=True)
    ]


def _remember_for_backward(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    features, boxes, image_index, level, scales, _, sampling_ratio, aligned, _ = inputs
    ctx.save_for_backward(boxes, image_index, level)
    ctx.scales, ctx.sampling_ratio, ctx.aligned = scales, sampling_ratio, aligned
    ctx.images = features[0].shape[0]
    ctx.heights = [feature.shape[2] for feature in features]
    ctx.widths = [feature.shape[3] for feature in features]


def _backward(ctx: Any, upstream: Tensor) -> tuple[list[Tensor] | None, ...]:
    boxes, image_index, level = ctx.saved_tensors
    gradients = _roi_align_levels_backward(
        upstream,
        boxes,
        image_index,
        level,
        ctx.scales,
        ctx.images,
        ctx.heights,
        ctx.widths,
        ctx.sampling_ratio,
        ctx.aligned,
    )
    return gradients, None, None, None, None, None, None, None, None


_roi_align_levels.register_autograd(_backward, setup_context=_remember_for_backward)


def _windows(boxes: NDArray[np.float32], side: int, height: int, width: int) -> NDArray[np.int64]:
    """The pixels (n, 4) x y w h that side x side cells in each box can reach, clipped to the image."""
    # In numpy, whose calls cost a tenth of torch's: a single box is pasted while a person waits for it.
    corners = boxes.astype(np.float64)
    usable: NDArray[np.bool_] = np.asarray(np.isfinite(corners).all(axis=1))
    corners = np.where(usable[:, None], corners, 0.0)
    extent = corners[:, 2:] - corners[:, :2]
    # Bilinear values fade out half a cell beyond the box, and a pixel is reached at its centre.
    reach = extent / (2 * side) + 0.5
    limit = np.array([width, height], dtype=np.float64)
    start = np.clip(np.floor(corners[:, :2] - reach), 0.0, limit)
    stop = np.clip(np.ceil(corners[:, 2:] + reach), 0.0, limit)
    usable &= (extent > 0).all(axis=1) & (stop > start).all(axis=1)
    windows = np.concatenate([start, stop - start], axis=1)
    return np.where(usable[:, None], windows, 0.0).astype(np.int64)


def _chunks(areas: list[int]) -> Iterator[slice]:
    """Consecutive masks whose windows together hold at most `_CHUNK_PIXELS`, at least one each time."""
    start = total = 0
    for i, area in enumerate(areas):
        if i > start and total + area > _CHUNK_PIXELS:
            yield slice(start, i)
            start, total = i, 0
        total += area
    if areas:
        yield slice(start, len(areas))


def _paste_windows(
    probabilities: Tensor, boxes: Tensor, windows: NDArray[np.int64], threshold: float
) -> NDArray[np.uint8]:
    """The windows' pixels one after the other, each 0 or 1."""
    assert _kernels is not None
    bitmaps = np.empty(int((windows[:, 2] * windows[:, 3]).sum()), dtype=np.uint8)
    if bitmaps.size:
        _kernels.paste_masks(
            probabilities.numpy(),
            boxes.numpy(),
            np.ascontiguousarray(windows),
            bitmaps,
            threshold=threshold,
            threads=torch.get_num_threads(),
        )
    return bitmaps


def _paste_windows_torch(
    probabilities: Tensor, boxes: Tensor, windows: NDArray[np.int64], threshold: float
) -> NDArray[np.uint8]:
    bitmaps = [np.empty(0, dtype=np.uint8)]
    for mask, box, (x, y, w, h) in zip(probabilities, boxes, windows.tolist(), strict=True):
        if w * h == 0:
            continue
        across = (torch.arange(x, x + w, device=box.device) + 0.5 - box[0]) / (box[2] - box[0]) * 2 - 1
        down = (torch.arange(y, y + h, device=box.device) + 0.5 - box[1]) / (box[3] - box[1]) * 2 - 1
        grid = torch.stack(torch.meshgrid(across, down, indexing="xy"), dim=-1)
        values = F.grid_sample(mask[None, None], grid[None], mode="bilinear", padding_mode="zeros", align_corners=False)
        bitmaps.append((values >= threshold).flatten().to(torch.uint8).cpu().numpy())
    return np.concatenate(bitmaps)
