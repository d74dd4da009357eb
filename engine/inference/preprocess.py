"""From the user's image to the network's input: scale, contrast, normalisation and padding.

Two frames meet here. The user's frame is the image as displayed, x in [0, W], y in [0, H]. The network's frame is
that image resized by one factor (``input_scale``), so a box moves between them by a multiplication.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.nn.zoo import ModelSpec

PADDING_MULTIPLE = 32
"""The stride of the coarsest trunk stage: sides that are multiples of it keep every FPN level aligned."""

STRETCH_PERCENTILES = (0.5, 99.8)
"""Ends of the contrast stretch. The upper one spares bright debris."""

PERCENTILE_SAMPLES = 250_000
"""Pixels looked at for the percentiles; more do not move them visibly and cost time on large images."""


def input_scale(spec: ModelSpec, width: int, height: int) -> float:
    """The factor from the user's frame to the network's: short side at least ``input_min_side``, long side at most
    ``input_max_side``, and unchanged in between; the upper limit wins."""
    short, long = min(width, height), max(width, height)
    return min(max(1.0, spec.input_min_side / short), spec.input_max_side / long)


def resize(rgb: NDArray[np.uint8], width: int, height: int, antialias: bool) -> NDArray[np.uint8]:
    """Resize an (H, W, 3) image; with ``antialias`` it is averaged where it shrinks."""
    if rgb.shape[1] == width and rgb.shape[0] == height:
        return rgb
    interpolation = cv2.INTER_AREA if antialias and width < rgb.shape[1] else cv2.INTER_LINEAR
    return cv2.resize(rgb, (width, height), interpolation=interpolation)  # type: ignore[return-value]


def stretch_contrast(rgb: NDArray[np.uint8], whole: NDArray[np.uint8] | None = None) -> NDArray[np.uint8]:
    """Spread the image's own intensity range over 0..255, all channels alike so that colours keep their hue.

    Where ``rgb`` is a reduced copy, ``whole`` is the image whose range counts.
    """
    whole = rgb if whole is None else whole
    every = max(1, whole.size // 3 // PERCENTILE_SAMPLES)
    low, high = percentiles(np.ascontiguousarray(whole.reshape(-1, 3)[::every]), STRETCH_PERCENTILES)
    if high - low < 1:
        return rgb
    table = np.clip((np.arange(256) - low) * (255.0 / (high - low)), 0, 255).astype(np.uint8)
    return cv2.LUT(rgb, table)  # type: ignore[return-value]


def percentiles(values: NDArray[np.uint8], shares: Sequence[float]) -> list[float]:
    """``np.percentile(values, shares)``, counted by OpenCV, which lets other threads run meanwhile."""
    counts = cv2.calcHist([values.reshape(-1, 1)], [0], None, [256], [0, 256])
    upto = np.cumsum(counts.astype(np.int64))
    found = []
    for share in shares:
        place = share / 100 * (values.size - 1)
        below, above = np.searchsorted(upto, [np.floor(place), np.ceil(place)], side="right")
        found.append(float(below + (above - below) * (place - np.floor(place))))
    return found


def normalise(rgb: NDArray[np.uint8], spec: ModelSpec) -> Tensor:
    """An (H, W, 3) uint8 image as a (3, H, W) float32 tensor in the model's pixel units (channels-last strides)."""
    mean, deviation = torch.tensor(spec.pixel_mean) * 255.0, torch.tensor(spec.pixel_std) * 255.0
    # In torch rather than numpy, which would keep other threads from running meanwhile.
    pixels = torch.from_numpy(rgb if rgb.flags.writeable else rgb.copy()).float()
    return pixels.sub_(mean).mul_(1.0 / deviation).permute(2, 0, 1)


def batch(images: Sequence[Tensor]) -> Tensor:
    """Stack (3, H_i, W_i) tensors into (N, 3, H, W) channels-last, zero-padded right and below to a multiple of 32."""
    height = max(image.shape[1] for image in images)
    width = max(image.shape[2] for image in images)
    height += -height % PADDING_MULTIPLE
    width += -width % PADDING_MULTIPLE
    stacked = torch.zeros(len(images), 3, height, width).contiguous(memory_format=torch.channels_last)
    for index, image in enumerate(images):
        stacked[index, :, : image.shape[1], : image.shape[2]] = image
    return stacked
