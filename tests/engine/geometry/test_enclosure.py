"""What a drawn line encloses: the pixels that OpenCV's test of a point finds inside, more than half of a mask."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.geometry.enclosure import enclosed, wound
from engine.geometry.mask import Mask

SIDE = 40


def square(x: int, y: int, side: int) -> Mask:
    return Mask.from_crop(np.ones((side, side), dtype=bool), x, y)


def box(x1: float, y1: float, x2: float, y2: float) -> np.ndarray:
    return np.array([(x1, y1), (x2, y1), (x2, y2), (x1, y2)], dtype=np.float64)


@given(st.lists(st.tuples(*[st.floats(0, SIDE, width=16)] * 2), min_size=3, max_size=3, unique=True))
def test_a_triangle_holds_the_centres_that_opencv_finds_inside(corners: list[tuple[float, float]]) -> None:
    found = wound(np.array(corners), SIDE, SIDE)
    outline = np.array(corners, dtype=np.float32).reshape(-1, 1, 2)
    for row, column in np.ndindex(SIDE, SIDE):
        distance = cv2.pointPolygonTest(outline, (column + 0.5, row + 0.5), measureDist=True)
        if abs(distance) > 1e-3:
            assert found[row, column] == (distance > 0)


def test_a_line_that_goes_round_twice_encloses_what_it_goes_round() -> None:
    twice = np.concatenate([box(5, 5, 30, 30), box(10, 10, 20, 20)])
    assert wound(twice, SIDE, SIDE)[15, 15]


def test_more_than_half_has_to_be_inside() -> None:
    masks = [square(10, 10, 10), square(26, 10, 10), square(25, 10, 10), square(24, 10, 10), square(60, 60, 5)]
    assert enclosed(masks, box(5, 5, 30, 30)) == [True, False, False, True, False]


def test_a_mask_with_a_hole_counts_its_pixels_only() -> None:
    ring = np.ones((20, 20), dtype=bool)
    ring[2:18, 2:18] = False
    assert enclosed([Mask.from_crop(ring, 10, 10)], box(11.9, 11.9, 28.1, 28.1)) == [False]


@pytest.mark.parametrize("scale", [100, 1000])
def test_a_large_image_is_judged_alike(scale: int) -> None:
    masks = [
        square(3 * scale, 3 * scale, scale),
        square(0, 0, scale),
        Mask.from_crop(np.ones((1, scale)), 3 * scale, 4 * scale),
    ]
    assert enclosed(masks, box(2 * scale, 2 * scale, 7 * scale, 7 * scale)) == [True, False, True]


def test_two_points_enclose_nothing() -> None:
    assert enclosed([square(0, 0, 5)], np.array([[0.0, 0.0], [9.0, 9.0]])) == [False]
