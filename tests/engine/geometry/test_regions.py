"""Regions of like pixels equal what a walk from pixel to pixel finds, and small holes and specks are what they say."""

from collections import deque

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.geometry.mask import Bitmap
from engine.geometry.regions import SMALL_SHARE, alike, brightness, connected, without_small_holes, without_specks


def walked(values: NDArray[np.uint8], seed: tuple[int, int], tolerance: int) -> Bitmap:
    """The oracle: breadth first from pixel to pixel along edges, each compared with the seed."""
    height, width = values.shape[:2]
    here = values[seed[1], seed[0]].astype(int)
    result = np.zeros((height, width), dtype=bool)
    queue = deque([seed])
    while queue:
        x, y = queue.popleft()
        inside = 0 <= x < width and 0 <= y < height
        if not inside or result[y, x] or np.abs(values[y, x].astype(int) - here).max() > tolerance:
            continue
        result[y, x] = True
        queue.extend([(x + 1, y), (x - 1, y), (x, y + 1), (x, y - 1)])
    return result


def blotches(seed: int, channels: int) -> NDArray[np.uint8]:
    """Few values in coarse blocks with single pixels of noise, so that regions meet at edges and at corners."""
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 4, (9, 11, channels)) * 60
    values = coarse.repeat(4, axis=0).repeat(4, axis=1)
    values = np.clip(values + random.integers(-6, 7, values.shape), 0, 255).astype(np.uint8)
    return values if channels > 1 else values[..., 0]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("tolerance", [0, 5, 12, 66, 130, 255])
def test_a_connected_region_is_what_a_walk_from_pixel_to_pixel_finds(channels: int, tolerance: int) -> None:
    for number in range(6):
        values = blotches(number, channels)
        seed = (7 * number % 44, 5 * number % 36)
        found = connected(alike(values, seed, tolerance), seed)
        np.testing.assert_array_equal(found, walked(values, seed, tolerance))


def test_pixels_that_meet_at_a_corner_only_are_not_connected() -> None:
    values = np.array([[9, 0], [0, 9]], dtype=np.uint8)
    np.testing.assert_array_equal(connected(alike(values, (0, 0), 3), (0, 0)), [[True, False], [False, False]])


def test_alike_compares_every_channel_with_the_seed_alone() -> None:
    values = np.array([[[10, 10, 10], [15, 10, 10], [20, 10, 10], [10, 10, 16]]], dtype=np.uint8)
    np.testing.assert_array_equal(alike(values, (0, 0), 5), [[True, True, False, False]])


def test_brightness_is_the_weighted_mean_of_the_channels() -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (20, 30, 3)).astype(np.uint8)
    expected = rgb @ np.array([0.299, 0.587, 0.114])
    assert np.abs(brightness(rgb) - expected).max() <= 0.51  # rounded, by fixed-point weights


def test_small_holes_are_filled_and_larger_ones_and_bays_stay() -> None:
    bitmap = np.zeros((40, 60), dtype=bool)
    bitmap[2:38, 2:58] = True
    area = bitmap.sum()
    bitmap[5:7, 5:7] = False  # a small hole
    bitmap[20:30, 20:30] = False  # a large one
    bitmap[2:5, 40] = False  # open to the outside
    assert 4 <= SMALL_SHARE * area < 100
    expected = bitmap.copy()
    expected[5:7, 5:7] = True
    np.testing.assert_array_equal(without_small_holes(bitmap), expected)


def test_a_hole_that_reaches_the_border_at_a_corner_is_none() -> None:
    bitmap = np.ones((30, 30), dtype=bool)
    bitmap[0, 0] = bitmap[1, 1] = False
    np.testing.assert_array_equal(without_small_holes(bitmap), bitmap)


def test_specks_go_and_larger_parts_stay() -> None:
    bitmap = np.zeros((40, 60), dtype=bool)
    bitmap[2:30, 2:30] = True
    bitmap[5:15, 40:50] = True
    kept = bitmap.copy()
    bitmap[35:37, 35:37] = True
    np.testing.assert_array_equal(without_specks(bitmap), kept)


@pytest.mark.parametrize("value", [False, True])
def test_nothing_and_everything_have_neither_holes_nor_specks(value: bool) -> None:
    bitmap = np.full((8, 9), value)
    np.testing.assert_array_equal(without_small_holes(bitmap), bitmap)
    np.testing.assert_array_equal(without_specks(bitmap), bitmap)
