"""Augmentation keeps its promise: masks move exactly with their pixels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from engine.geometry.mask import Mask
from engine.learning.augmentation import Crop, boxes_of, crop_mask, crop_pixels, training_sample, turn
from engine.learning.dataset import AnnotatedImage
from engine.nn.zoo import NUCLEI

SPEC = replace(NUCLEI, stretch_contrast=False)


def scene(rng: np.random.Generator, side: int = 200) -> tuple[np.ndarray, tuple[Mask, ...]]:
    """An image whose pixels are 250 on its objects (rectangles, one with a hole) and 5 elsewhere."""
    pixels = np.full((side, side, 3), 5, np.uint8)
    masks = []
    for x, y in ((20, 30), (90, 40), (50, 120), (130, 130)):
        bitmap = np.ones((int(rng.integers(20, 40)), int(rng.integers(20, 40))), bool)
        bitmap[6:14, 6:14] = False
        masks.append(Mask.from_crop(bitmap, x, y))
        pixels[masks[-1].to_full(side, side)] = 250
    return pixels, tuple(masks)


@pytest.mark.parametrize("seed", range(6))
def test_a_sample_shows_each_mask_where_its_pixels_are(tmp_path, seed):
    rng = np.random.default_rng(seed)
    pixels, masks = scene(rng)
    image = AnnotatedImage(tmp_path / "unread.png", 200, 200, ("nucleus",) * len(masks), masks)
    tensor, target = training_sample(rng, image, pixels, SPEC, size=256, scale_jitter=(0.8, 1.25))
    assert tensor.shape == (3, 256, 256)
    assert len(target.labels) == len(target.masks) == len(target.boxes) > 0
    inside = torch.stack([tensor[:, mask.bool()].mean() for mask in target.masks])
    outside = tensor[:, ~target.masks.bool().any(dim=0)].mean()
    assert (inside > outside + 1.0).all()


def test_boxes_are_the_tight_boxes_of_the_masks():
    rng = np.random.default_rng(0)
    masks = np.zeros((5, 40, 40), np.uint8)
    for mask in masks:
        y, x = rng.integers(0, 30, 2)
        mask[y : y + 7, x : x + 4] = 1
    for mask, (x1, y1, x2, y2) in zip(masks, boxes_of(masks), strict=True):
        rows, columns = np.nonzero(mask)
        assert (x1, y1, x2, y2) == (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    assert boxes_of(np.zeros((0, 8, 8), np.uint8)).shape == (0, 4)


def test_turns_are_the_eight_symmetries_and_keep_pixels_and_masks_together():
    rng = np.random.default_rng(1)
    base = rng.integers(0, 255, (16, 16, 3)).astype(np.uint8)
    seen = set()
    for _ in range(100):
        rgb, masks = turn(rng, base, base[None, :, :, 0])
        assert np.array_equal(rgb[..., 0], masks[0])
        seen.add(rgb.tobytes())
    assert len(seen) == 8


def test_a_crop_at_scale_one_is_the_window_itself():
    pixels, masks = scene(np.random.default_rng(2))
    crop = Crop(10, 20, 64, 64)
    assert np.array_equal(crop_pixels(pixels, crop), pixels[20:84, 10:74])
    shown = crop_mask(masks[0], crop)
    assert shown is not None
    assert np.array_equal(shown.astype(bool), masks[0].to_full(200, 200)[20:84, 10:74])


def test_slivers_and_strangers_are_not_shown():
    mask = Mask.from_crop(np.ones((40, 40), bool), 100, 100)
    assert crop_mask(mask, Crop(0, 0, 64, 64)) is None
    assert crop_mask(mask, Crop(38, 38, 64, 64)) is None  # 2 x 2 of 1,600 pixels
    assert crop_mask(mask, Crop(90, 90, 64, 64)) is not None


def test_a_window_larger_than_the_image_is_padded():
    pixels = np.full((10, 20, 3), 9, np.uint8)
    padded = crop_pixels(pixels, Crop(0, 0, 32, 32))
    assert (padded[:10, :20] == 9).all()
    assert (padded[10:] == 0).all()
    assert (padded[:, 20:] == 0).all()
