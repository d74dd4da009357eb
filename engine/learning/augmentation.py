"""Random crops for training: scale, flips and right-angle turns, intensity; masks move exactly with their pixels."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.geometry.mask import Mask
from engine.inference.preprocess import input_scale, normalise, stretch_contrast
from engine.learning.dataset import AnnotatedImage
from engine.nn.detector import Target
from engine.nn.zoo import ModelSpec

SMALLEST_AREA = 12
"""Crop pixels below which what is left of a cut or shrunk object no longer tells the network anything."""

SMALLEST_VISIBLE_SHARE = 0.2
"""Share of an object that must lie inside the crop; slivers at the border teach fragments."""


@dataclass(frozen=True, slots=True)
class Crop:
    """A square window of the user's frame, ``side`` pixels wide at ``x``, ``y``, seen at ``size`` network pixels."""

    x: int
    y: int
    side: int
    size: int

    @property
    def scale(self) -> float:
        """Network pixels a user pixel."""
        return self.size / self.side


def random_crop(
    rng: np.random.Generator, image: AnnotatedImage, spec: ModelSpec, size: int, jitter: tuple[float, float]
) -> Crop:
    """A window around the model's own input scale times a log-uniform ``jitter``, anywhere on the image.

    A window larger than the image is padded on the right and below.
    """
    low, high = np.log(jitter)
    scale = input_scale(spec, image.width, image.height) * float(np.exp(rng.uniform(low, high)))
    side = max(1, round(size / scale))
    x = int(rng.integers(0, max(0, image.width - side) + 1))
    y = int(rng.integers(0, max(0, image.height - side) + 1))
    return Crop(x, y, side, size)


def crop_pixels(pixels: NDArray[np.uint8], crop: Crop) -> NDArray[np.uint8]:
    """The window's pixels as (size, size, 3), zero outside the image."""
    window = pixels[crop.y : crop.y + crop.side, crop.x : crop.x + crop.side]
    missing_rows, missing_columns = crop.side - window.shape[0], crop.side - window.shape[1]
    if missing_rows or missing_columns:
        window = np.pad(window, ((0, missing_rows), (0, missing_columns), (0, 0)))
    interpolation = cv2.INTER_AREA if crop.size < crop.side else cv2.INTER_LINEAR
    return cv2.resize(window, (crop.size, crop.size), interpolation=interpolation)  # type: ignore[return-value]


def crop_mask(mask: Mask, crop: Crop) -> NDArray[np.uint8] | None:
    """What the window shows of ``mask`` as (size, size) of 0 and 1, or None where too little of it is left."""
    x1, y1, x2, y2 = mask.bounds
    if x2 <= crop.x or y2 <= crop.y or x1 >= crop.x + crop.side or y1 >= crop.y + crop.side:
        return None
    window = mask.crop(crop.x, crop.y, crop.x + crop.side, crop.y + crop.side).view(np.uint8)
    if int(window.sum()) < SMALLEST_VISIBLE_SHARE * mask.area:
        return None
    resized = cv2.resize(window * np.uint8(255), (crop.size, crop.size), interpolation=cv2.INTER_LINEAR)
    shown = (np.asarray(resized) >= 128).astype(np.uint8)
    return shown if int(shown.sum()) >= SMALLEST_AREA else None


def jitter_intensity(rng: np.random.Generator, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Random gamma, gain, offset, hue-free channel gains and, now and then, blur or noise."""
    gamma = float(np.exp(rng.uniform(-0.5, 0.5)))
    gains = rng.uniform(0.75, 1.25) * rng.uniform(0.9, 1.1, size=3)
    offset = rng.uniform(-20, 20)
    ramp = 255.0 * (np.arange(256) / 255.0) ** gamma
    table = np.clip(ramp[:, None] * gains[None, :] + offset, 0, 255).astype(np.uint8)
    changed = np.stack([table[:, channel][rgb[..., channel]] for channel in range(3)], axis=-1)
    if rng.random() < 0.15:
        changed = cv2.GaussianBlur(changed, (0, 0), float(rng.uniform(0.4, 1.2))).astype(np.uint8)
    if rng.random() < 0.3:
        noise = rng.normal(0, rng.uniform(2, 12), size=changed.shape[:2])[..., None]
        changed = np.clip(changed + noise, 0, 255).astype(np.uint8)
    return changed


def turn(
    rng: np.random.Generator, rgb: NDArray[np.uint8], masks: NDArray[np.uint8]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """One of the eight symmetries of the square, applied to (S, S, 3) pixels and (g, S, S) masks alike."""
    quarter, mirrored = int(rng.integers(4)), bool(rng.integers(2))
    rgb, masks = np.rot90(rgb, quarter, (0, 1)), np.rot90(masks, quarter, (1, 2))
    if mirrored:
        rgb, masks = rgb[:, ::-1], masks[:, :, ::-1]
    return np.ascontiguousarray(rgb), np.ascontiguousarray(masks)


def boxes_of(masks: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Tight x1 y1 x2 y2 boxes of (g, S, S) masks without empty ones, as (g, 4) in network pixels."""
    columns, rows = np.asarray(masks.any(axis=1)), np.asarray(masks.any(axis=2))
    x1, y1 = columns.argmax(axis=1), rows.argmax(axis=1)
    x2 = masks.shape[2] - columns[:, ::-1].argmax(axis=1)
    y2 = masks.shape[1] - rows[:, ::-1].argmax(axis=1)
    return np.stack([x1, y1, x2, y2], axis=1).astype(np.float32)


def training_sample(
    rng: np.random.Generator,
    image: AnnotatedImage,
    pixels: NDArray[np.uint8],
    spec: ModelSpec,
    *,
    size: int,
    scale_jitter: tuple[float, float],
) -> tuple[Tensor, Target]:
    """One augmented crop: a normalised (3, size, size) tensor and its target in network pixels."""
    crop = random_crop(rng, image, spec, size, scale_jitter)
    if spec.stretch_contrast:
        pixels = stretch_contrast(pixels)
    shown = [
        (spec.categories.index(category), bitmap)
        for category, mask in zip(image.categories, image.masks, strict=True)
        if (bitmap := crop_mask(mask, crop)) is not None
    ]
    masks = np.stack([bitmap for _, bitmap in shown]) if shown else np.zeros((0, size, size), np.uint8)
    rgb, masks = turn(rng, jitter_intensity(rng, crop_pixels(pixels, crop)), masks)
    target = Target(
        boxes=torch.from_numpy(boxes_of(masks)),
        labels=torch.tensor([label for label, _ in shown], dtype=torch.int64),
        masks=torch.from_numpy(masks),
    )
    return normalise(rgb, spec), target
