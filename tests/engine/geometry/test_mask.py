"""Masks: their set operations on windows are those of bitmaps of a whole image."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from engine.geometry.mask import Bitmap, Mask

SIDE = 24


@st.composite
def placed(draw: st.DrawFn) -> tuple[Mask, Bitmap]:
    """A mask that may reach outside the image, and its bitmap on a canvas with a margin of one image on every side."""
    bitmap = draw(hnp.arrays(np.bool_, hnp.array_shapes(min_dims=2, max_dims=2, min_side=0, max_side=10)))
    x, y = draw(st.integers(-12, SIDE + 4)), draw(st.integers(-12, SIDE + 4))
    canvas = np.zeros((3 * SIDE, 3 * SIDE), dtype=np.bool_)
    canvas[y + SIDE : y + SIDE + bitmap.shape[0], x + SIDE : x + SIDE + bitmap.shape[1]] = bitmap
    return Mask.from_crop(bitmap, x, y), canvas


def canvas_of(mask: Mask) -> Bitmap:
    return mask.crop(-SIDE, -SIDE, 2 * SIDE, 2 * SIDE)


def assert_normal(mask: Mask) -> None:
    """Building it again from its parts checks the normal form; equal masks must have equal parts."""
    assert Mask(mask.x, mask.y, mask.bitmap) == mask
    assert not mask.bitmap.flags.writeable
    assert mask.bitmap.flags.c_contiguous


@given(placed(), placed())
def test_set_operations_are_those_of_whole_bitmaps(first: tuple[Mask, Bitmap], second: tuple[Mask, Bitmap]) -> None:
    (a, full_a), (b, full_b) = first, second
    for result, expected in (
        (a.union(b), full_a | full_b),
        (a.subtract(b), full_a & ~full_b),
        (a.intersect(b), full_a & full_b),
    ):
        assert_normal(result)
        assert np.array_equal(canvas_of(result), expected)
    shared, either = np.count_nonzero(full_a & full_b), np.count_nonzero(full_a | full_b)
    assert a.area == np.count_nonzero(full_a)
    assert a.intersection_area(b) == shared
    assert a.overlaps(b) == (shared > 0)
    assert a.iou(b) == (shared / either if either else 0.0)


@given(placed(), placed())
def test_masks_are_equal_exactly_where_their_pixels_are(
    first: tuple[Mask, Bitmap], second: tuple[Mask, Bitmap]
) -> None:
    (a, full_a), (b, full_b) = first, second
    assert (a == b) == np.array_equal(full_a, full_b)
    again = Mask.from_crop(full_a, -SIDE, -SIDE)
    assert again == a
    assert hash(again) == hash(a)


@given(placed())
def test_clip_and_to_full_keep_what_is_inside_the_image(one: tuple[Mask, Bitmap]) -> None:
    mask, canvas = one
    inside = canvas[SIDE : 2 * SIDE, SIDE : 2 * SIDE]
    assert np.array_equal(mask.to_full(SIDE, SIDE), inside)
    assert mask.clip(SIDE, SIDE) == Mask.from_full(inside)
    assert_normal(mask.clip(SIDE, SIDE))


@given(placed(), st.floats(-13, 37), st.floats(-13, 37))
def test_a_point_belongs_to_the_pixel_it_falls_in(one: tuple[Mask, Bitmap], x: float, y: float) -> None:
    mask, canvas = one
    assert mask.contains(x, y) == canvas[int(np.floor(y)) + SIDE, int(np.floor(x)) + SIDE]


def test_there_is_one_empty_mask() -> None:
    empty = Mask.from_crop(np.zeros((5, 7)), 3, 4)
    assert empty == Mask.empty()
    assert empty.is_empty
    assert empty.bounds == (0, 0, 0, 0)
    assert empty.area == 0
    assert empty.iou(empty) == 0.0
    assert not empty.contains(0.5, 0.5)


def test_changing_an_array_changes_no_mask_that_was_made_from_it() -> None:
    bitmap = np.ones((2, 2), dtype=np.bool_)
    mask = Mask(0, 0, bitmap)
    bitmap[0, 0] = False
    assert mask.area == 4


@pytest.mark.parametrize(
    "bitmap",
    [np.array([[False, True], [False, True]]), np.ones((2, 2), dtype=np.uint8), np.ones(4, dtype=np.bool_)],
    ids=["loose crop", "not bool", "one dimension"],
)
def test_a_mask_that_is_not_in_normal_form_cannot_be_made(bitmap: Any) -> None:
    with pytest.raises(ValueError, match="bitmap"):
        Mask(0, 0, bitmap)
