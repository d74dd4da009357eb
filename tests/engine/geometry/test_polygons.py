"""Polygons follow pixel edges: filling the rings gives the mask back, pixel by pixel."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pycocotools import mask as oracle

from engine.geometry import polygons
from engine.geometry.mask import Bitmap, Mask
from engine.geometry.polygons import Ring

bitmaps = hnp.arrays(np.bool_, hnp.array_shapes(min_dims=2, max_dims=2, min_side=0, max_side=12))


def filled(rings: list[Ring], height: int, width: int) -> Bitmap:
    """The even-odd rule for axis-parallel rings: a pixel is inside where an odd number of edges lies left of it."""
    crossings = np.zeros((height, width), dtype=int)
    for ring in rings:
        for (x1, y1), (x2, y2) in zip(ring, np.roll(ring, -1, axis=0), strict=True):
            if x1 == x2:
                crossings[min(y1, y2) : max(y1, y2), x1:] += 1
    return crossings % 2 == 1


def signed_area(ring: Ring) -> float:
    x, y = ring.T
    return float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y) / 2)


def blob(seed: int) -> Mask:
    """A wavy disc of about 30 pixels across."""
    generator = np.random.default_rng(seed)
    y, x = np.mgrid[:34, :34] - 17
    angle = np.arctan2(y, x)
    border = 13 + 1.5 * np.cos(2 * angle + generator.uniform(0, 6)) + np.cos(5 * angle + generator.uniform(0, 6))
    return Mask.from_crop(np.hypot(x, y) <= border, 100, 200)


@given(bitmaps, st.integers(0, 5), st.integers(0, 5))
def test_filling_the_rings_gives_the_bitmap_back(bitmap: Bitmap, x: int, y: int) -> None:
    mask = Mask.from_crop(bitmap, x, y)
    assert np.array_equal(filled(polygons.outlines(mask), 20, 20), mask.to_full(20, 20))


@given(bitmaps)
def test_every_point_of_a_ring_is_a_turn(bitmap: Bitmap) -> None:
    for ring in polygons.outlines(Mask.from_full(bitmap)):
        horizontal = (np.roll(ring, -1, axis=0) - ring)[:, 1] == 0
        vertical = (np.roll(ring, -1, axis=0) - ring)[:, 0] == 0
        assert (horizontal != vertical).all()
        assert (horizontal != np.roll(horizontal, 1)).all()


@given(bitmaps)
def test_outer_rings_and_holes_run_in_opposite_directions(bitmap: Bitmap) -> None:
    mask = Mask.from_full(bitmap)
    assert sum(signed_area(ring) for ring in polygons.outlines(mask)) == mask.area


def test_a_ring_has_an_outer_border_and_a_hole() -> None:
    bitmap = np.ones((5, 5))
    bitmap[2, 2] = 0
    assert [signed_area(ring) for ring in polygons.outlines(Mask.from_full(bitmap))] == [25, -1]


def test_pixels_that_touch_at_a_corner_have_rings_of_their_own() -> None:
    for diagonal in (np.eye(2), np.eye(2)[::-1]):
        assert [len(ring) for ring in polygons.outlines(Mask.from_full(diagonal))] == [4, 4]


@given(bitmaps)
def test_pycocotools_decodes_coco_polygons_to_the_same_mask(bitmap: Bitmap) -> None:
    mask = Mask.from_crop(bitmap, 3, 4)
    encoded = polygons.to_coco_polygons(mask, 20, 20)
    if encoded is not None:
        decoded = oracle.decode(oracle.merge(oracle.frPyObjects(encoded, 20, 20)))
        assert np.array_equal(decoded.astype(bool), mask.to_full(20, 20))
        assert polygons.from_coco_polygons(encoded, 20, 20) == mask


def test_masks_without_holes_have_coco_polygons_and_those_with_holes_have_none() -> None:
    assert all(polygons.to_coco_polygons(blob(seed), 300, 300) is not None for seed in range(50))
    holed = blob(0).subtract(Mask.from_crop(np.ones((2, 2)), 116, 216))
    assert polygons.to_coco_polygons(holed, 300, 300) is None
    assert polygons.to_coco_polygons(Mask.empty(), 300, 300) is None


def test_the_union_of_several_polygons_is_read() -> None:
    square = [1.0, 1.0, 3.0, 1.0, 3.0, 3.0, 1.0, 3.0]
    other = [5.0, 5.0, 8.0, 5.0, 8.0, 6.0, 5.0, 6.0]
    expected = np.zeros((10, 10), dtype=bool)
    expected[1:3, 1:3] = expected[5, 5:8] = True
    assert polygons.from_coco_polygons([square, other, [2.0, 2.0, 9.0, 9.0]], 10, 10) == Mask.from_full(expected)


@pytest.mark.parametrize(
    "polygon",
    [[1.0, 2.0, 3.0], ["a", 1], [[1.0, 2.0], [3.0, 4.0]], [0, 0, 1e9, 0, 1, 1], [0, 0, float("nan"), 0, 1, 1], None, 3],
    ids=str,
)
def test_what_is_no_polygon_is_refused_by_its_place(polygon: Any) -> None:
    with pytest.raises(ValueError, match="polygon 1"):
        polygons.from_coco_polygons([[0, 0, 4, 0, 4, 4], polygon], 10, 10)
