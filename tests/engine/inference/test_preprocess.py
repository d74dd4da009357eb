"""Scaling and normalising keep what they promise."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.inference.preprocess import batch, input_scale, normalise, percentiles, stretch_contrast
from engine.nn.zoo import NUCLEI


@pytest.mark.parametrize(
    ("width", "height", "scale"),
    [(256, 256, 2.0), (696, 520, 1.0), (1024, 1024, 1.0), (4096, 3000, 0.25), (100, 2000, 0.512), (1, 1, 512.0)],
)
def test_the_scale_keeps_both_sides_within_bounds(width, height, scale):
    assert input_scale(NUCLEI, width, height) == pytest.approx(scale)


@pytest.mark.parametrize("size", [1, 2, 3, 100, 99_999])
def test_percentiles_are_numpys(size):
    rng = np.random.default_rng(size)
    values = rng.normal(60, 25, size).clip(0, 255).astype(np.uint8)
    shares = (0, 0.5, 33, 50, 99.8, 100)
    assert percentiles(values, shares) == pytest.approx(list(np.percentile(values, shares)))


def test_stretching_spans_the_range_keeps_order_and_leaves_flat_images_alone():
    rng = np.random.default_rng(0)
    dim = rng.integers(3, 40, (64, 64, 3)).astype(np.uint8)
    bright = stretch_contrast(dim)
    assert bright.min() == 0
    assert bright.max() == 255
    order = np.argsort(dim.ravel(), kind="stable")
    assert (np.diff(bright.ravel()[order].astype(int)) >= 0).all()
    flat = np.full((8, 8, 3), 7, np.uint8)
    assert np.array_equal(stretch_contrast(flat), flat)


def test_normalised_pixels_are_those_of_imagenet_models():
    rgb = np.full((2, 3, 3), 255, np.uint8)
    expected = (1.0 - torch.tensor(NUCLEI.pixel_mean)) / torch.tensor(NUCLEI.pixel_std)
    tensor = normalise(rgb, NUCLEI)
    assert tensor.shape == (3, 2, 3)
    assert torch.allclose(tensor[:, 0, 0], expected, atol=1e-5)


def test_a_batch_pads_right_and_below_to_a_multiple_of_32():
    stacked = batch([torch.ones(3, 40, 33), torch.ones(3, 10, 70)])
    assert stacked.shape == (2, 3, 64, 96)
    assert stacked.is_contiguous(memory_format=torch.channels_last)
    assert stacked[0, :, :40, :33].min() == 1
    assert stacked[0].sum() == 3 * 40 * 33
    assert stacked[1].sum() == 3 * 10 * 70
