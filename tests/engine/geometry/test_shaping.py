"""Tidying masks: what goes, what stays, against oracles that look at every pixel of a whole image."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from engine.geometry import shaping
from engine.geometry.mask import Bitmap, Mask

WIDTH, HEIGHT = 26, 22
SIZE = (WIDTH, HEIGHT)

# Noise of every density: most such masks have holes, islands in holes and several parts, some reach the border.
bitmaps = st.builds(
    lambda noise, density: noise < density,
    hnp.arrays(np.uint8, (HEIGHT, WIDTH), elements=st.integers(0, 9)),
    st.integers(1, 9),
)
radii = st.integers(0, 6)


def full(mask: Mask) -> Bitmap:
    return mask.to_full(HEIGHT, WIDTH)


def count_parts(bitmap: Bitmap, connectivity: int = 8) -> int:
    return cv2.connectedComponents(bitmap.astype(np.uint8), connectivity=connectivity)[0] - 1


def disc(radius: float, x: float, y: float, size: tuple[int, int] = SIZE) -> Bitmap:
    rows, columns = np.indices(size[::-1]) + 0.5
    return np.hypot(columns - x, rows - y) <= radius


def squared_distances(bitmap: Bitmap) -> np.ndarray:
    """The oracle: from each pixel to the nearest set one, each to each."""
    points = np.argwhere(bitmap)
    rows, columns = np.indices(bitmap.shape)
    return ((rows[..., None] - points[:, 0]) ** 2 + (columns[..., None] - points[:, 1]) ** 2).min(axis=-1)


@given(bitmaps)
def test_the_parts_are_connected_disjoint_and_together_the_mask(bitmap: Bitmap) -> None:
    parts = shaping.parts(Mask.from_full(bitmap))
    assert len(parts) == count_parts(bitmap)
    assert all(count_parts(part.bitmap) == 1 for part in parts)
    assert np.array_equal(sum((full(part).astype(int) for part in parts), np.zeros_like(bitmap, int)), bitmap)
    assert [part.area for part in parts] == sorted((part.area for part in parts), reverse=True)


@given(bitmaps)
def test_holes_are_what_filling_adds_apart_from_islands(bitmap: Bitmap) -> None:
    mask = Mask.from_full(bitmap)
    filled = full(shaping.fill_holes(mask))
    gaps = np.zeros_like(bitmap)
    for hole in shaping.holes(mask):
        assert not (gaps & full(hole)).any()
        gaps |= full(hole)
    assert np.array_equal(filled & ~bitmap, gaps)


def test_a_notch_open_at_a_corner_only_is_a_hole() -> None:
    ring = np.array([[0, 1, 1], [1, 0, 1], [1, 1, 1]], dtype=bool)
    assert [hole.area for hole in shaping.holes(Mask.from_full(ring))] == [1]


@given(bitmaps)
def test_filled_is_everything_that_the_outside_does_not_reach(bitmap: Bitmap) -> None:
    filled = full(shaping.fill_holes(Mask.from_full(bitmap)))
    _, labels = cv2.connectedComponents(np.pad(~bitmap, 1, constant_values=True).astype(np.uint8), connectivity=4)
    assert np.array_equal(filled, labels[1:-1, 1:-1] != labels[0, 0])


@given(bitmaps, st.integers(0, 12))
def test_no_part_and_no_hole_below_the_area_is_left_but_the_largest_part(bitmap: Bitmap, area: int) -> None:
    mask = Mask.from_full(bitmap)
    cleaned = shaping.remove_specks(mask, area)
    assert cleaned.is_empty == mask.is_empty
    assert all(part.area >= area for part in shaping.parts(cleaned)[1:])
    assert all(hole.area >= area for hole in shaping.holes(cleaned))
    assert shaping.remove_specks(cleaned, area) == cleaned
    expected = [part for index, part in enumerate(shaping.parts(mask)) if not index or part.area >= area]
    assert all(part.subtract(cleaned).is_empty for part in expected)


@given(bitmaps)
def test_the_largest_part_is_the_first(bitmap: Bitmap) -> None:
    mask = Mask.from_full(bitmap)
    assert shaping.keep_largest(mask) == (shaping.parts(mask) or [Mask.empty()])[0]


@given(bitmaps, radii)
def test_growing_reaches_all_pixels_within_the_radius(bitmap: Bitmap, radius: int) -> None:
    grown = shaping.grow(Mask.from_full(bitmap), radius, SIZE)
    if not bitmap.any():
        assert grown.is_empty
        return
    assert np.array_equal(full(grown), squared_distances(bitmap) <= radius**2)


@given(bitmaps, radii)
def test_shrinking_keeps_the_pixels_farther_than_the_radius_from_the_rest_of_the_image(
    bitmap: Bitmap, radius: int
) -> None:
    shrunk = shaping.shrink(Mask.from_full(bitmap), radius, SIZE)
    if not bitmap.any() or bitmap.all():
        assert np.array_equal(full(shrunk), bitmap)
        return
    assert np.array_equal(full(shrunk), squared_distances(~bitmap) > radius**2)


@given(bitmaps, radii)
def test_shrinking_and_growing_are_each_others_complement(bitmap: Bitmap, radius: int) -> None:
    if bitmap.all() or not bitmap.any():
        return
    rest = shaping.grow(Mask.from_full(~bitmap), radius, SIZE)
    assert np.array_equal(full(shaping.shrink(Mask.from_full(bitmap), radius, SIZE)), ~full(rest))


@pytest.mark.parametrize("radius", [1, 2, 3, 7])
def test_growing_is_opencvs_dilation_by_a_disc(radius: int) -> None:
    bitmap = np.random.default_rng(radius).random((90, 120)) < 0.01
    rows, columns = np.indices((2 * radius + 1, 2 * radius + 1)) - radius
    element = (rows**2 + columns**2 <= radius**2).astype(np.uint8)
    grown = shaping.grow(Mask.from_full(bitmap), radius, (120, 90))
    assert np.array_equal(grown.to_full(90, 120), cv2.dilate(bitmap.astype(np.uint8), element).astype(bool))


@given(st.lists(bitmaps, max_size=4))
def test_masks_together_are_their_union(several: list[Bitmap]) -> None:
    expected = np.any([*several, np.zeros((HEIGHT, WIDTH), dtype=bool)], axis=0)
    assert np.array_equal(full(shaping.together([Mask.from_full(each) for each in several])), expected)


@given(bitmaps, radii)
def test_smoothing_loses_no_part_and_stays_near(bitmap: Bitmap, radius: int) -> None:
    mask = Mask.from_full(bitmap)
    smoothed = shaping.smooth(mask, radius, SIZE)
    assert all(part.overlaps(smoothed) for part in shaping.parts(mask))
    reach = shaping.grow(mask, 2 * radius, SIZE)
    assert smoothed.subtract(reach).is_empty


def test_smoothing_keeps_the_size_of_an_object_its_hole_and_thin_walls() -> None:
    size = (200, 200)
    solid, hole = disc(60, 100, 100, size), disc(57, 100, 100, size)
    ragged = solid & ~hole  # a wall of three pixels
    ragged[98:103, 160:164] = True  # a bump
    smoothed = shaping.smooth(Mask.from_full(ragged), 8, size).to_full(200, 200)
    assert count_parts(smoothed) == 1
    assert count_parts(~smoothed, 4) == 2
    assert not smoothed[98:103, 162:].any()
    assert abs(np.count_nonzero(smoothed) - np.count_nonzero(solid & ~hole)) < 0.02 * np.count_nonzero(solid)


def test_smoothing_rounds_stairs() -> None:
    coarse = disc(20, 25, 25, (50, 50)).repeat(4, axis=0).repeat(4, axis=1)
    smoothed = shaping.smooth(Mask.from_full(coarse), 6, (200, 200)).to_full(200, 200)
    ideal = disc(80, 100, 100, (200, 200))
    assert np.count_nonzero(smoothed ^ ideal) < 0.5 * np.count_nonzero(coarse ^ ideal)


def test_what_the_border_of_the_image_cuts_off_is_left_straight() -> None:
    bitmap = np.zeros((HEIGHT, WIDTH), dtype=bool)
    bitmap[:, :10] = True
    mask = Mask.from_full(bitmap)
    assert shaping.smooth(mask, 4, SIZE) == mask
    assert shaping.shrink(mask, 3, SIZE).bounds == (0, 0, 7, HEIGHT)


def test_a_lone_pixel_and_a_lone_hole_outlive_smoothing() -> None:
    bitmap = np.zeros((40, 40), dtype=bool)
    bitmap[2, 2] = True
    bitmap[10:30, 10:30] = True
    bitmap[20, 20] = False
    smoothed = shaping.smooth(Mask.from_full(bitmap), 5, (40, 40))
    assert smoothed.contains(2, 2)
    assert not smoothed.contains(20, 20)


@pytest.mark.parametrize(
    "change",
    [
        shaping.fill_holes,
        shaping.keep_largest,
        lambda mask: shaping.remove_specks(mask, 9),
        lambda mask: shaping.grow(mask, 3, SIZE),
        lambda mask: shaping.shrink(mask, 3, SIZE),
        lambda mask: shaping.smooth(mask, 3, SIZE),
    ],
)
def test_of_nothing_comes_nothing(change: Callable[[Mask], Mask]) -> None:
    assert change(Mask.empty()).is_empty
    assert shaping.parts(Mask.empty()) == shaping.holes(Mask.empty()) == []


@given(bitmaps)
def test_a_radius_of_nothing_changes_nothing(bitmap: Bitmap) -> None:
    mask = Mask.from_full(bitmap)
    for change in (shaping.grow, shaping.shrink, shaping.smooth):
        assert change(mask, 0, SIZE) == mask


def test_a_radius_beyond_what_distances_can_tell_is_refused() -> None:
    with pytest.raises(ValueError, match="between 0 and 1000"):
        shaping.grow(Mask.from_full(np.ones((3, 3))), 1001, SIZE)
