"""A pixel is in a stroke exactly if its centre lies within the radius of the pointer's line."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.tools.stroke import STEPS, Stroke, capsule
from engine.geometry.mask import Bitmap, Mask

WIDTH, HEIGHT = 24, 18
HALF = Fraction(1, 2)

# Beyond the image on every side, in the steps that strokes are computed in.
coordinate = st.integers(-8 * STEPS, 32 * STEPS).map(lambda step: Fraction(step, STEPS))
radius = st.integers(STEPS // 4, 9 * STEPS).map(lambda step: Fraction(step, STEPS))
line = st.lists(st.tuples(coordinate, coordinate), min_size=1, max_size=3)


def squared_distance(x: Fraction, y: Fraction, a: tuple[Fraction, Fraction], b: tuple[Fraction, Fraction]) -> Fraction:
    """From a point to a segment, in exact arithmetic."""
    dx, dy = b[0] - a[0], b[1] - a[1]
    length = dx * dx + dy * dy
    along = ((x - a[0]) * dx + (y - a[1]) * dy) / length if length else Fraction(0)
    along = min(max(along, Fraction(0)), Fraction(1))
    return (x - a[0] - along * dx) ** 2 + (y - a[1] - along * dy) ** 2


def oracle(points: list[tuple[Fraction, Fraction]], reach: Fraction) -> Bitmap:
    segments = list(pairwise(points)) or [(points[0], points[0])]
    return np.array(
        [
            [
                any(squared_distance(column + HALF, row + HALF, a, b) <= reach * reach for a, b in segments)
                for column in range(WIDTH)
            ]
            for row in range(HEIGHT)
        ]
    )


def drawn(points: list[tuple[float, float]], reach: float, width: int = WIDTH, height: int = HEIGHT) -> Stroke:
    stroke = Stroke(width, height, reach)
    for x, y in points:
        stroke.extend(x, y)
    return stroke


@given(line, radius)
@settings(max_examples=40, deadline=None)
def test_a_stroke_is_the_pixels_whose_centres_are_within_the_radius(
    points: list[tuple[Fraction, Fraction]], reach: Fraction
) -> None:
    stroke = drawn([(float(x), float(y)) for x, y in points], float(reach))
    expected = oracle(points, reach)
    np.testing.assert_array_equal(stroke.bitmap, expected)
    assert stroke.mask() == Mask.from_full(expected)


def test_centres_exactly_at_the_radius_belong_to_the_stroke() -> None:
    # 3-4-5 triangles: a centre at distance 5, from a point and from a slanted line.
    assert drawn([(10.5, 10.5)], 5, 48, 36).bitmap[14, 13]
    assert not drawn([(10.5, 10.5)], 5 - 1 / STEPS, 48, 36).bitmap[14, 13]
    slanted = [(4.5, 20.5), (4.5 + 24, 20.5 - 18)]
    row, column = 20 - 9 + 4, 4 + 12 + 3
    assert drawn(slanted, 5, 48, 36).bitmap[row, column]
    assert not drawn(slanted, 5 - 1 / STEPS, 48, 36).bitmap[row, column]


@pytest.mark.parametrize("pieces", [2, 7, 32])
def test_a_line_is_the_same_however_it_is_cut(pieces: int) -> None:
    start, end = np.array([3.0, 30.0]), np.array([35.0, 14.0])
    cut = [tuple(start + (end - start) * i / 64 * (64 // pieces)) for i in range(pieces + 1)]
    cut.append(tuple(end))
    np.testing.assert_array_equal(drawn(cut, 4.5, 48, 36).bitmap, drawn([tuple(start), tuple(end)], 4.5, 48, 36).bitmap)


def test_a_fast_movement_leaves_no_gap() -> None:
    stroke = drawn([(2.5, 100.5), (1990.5, 100.5)], 2.0, 2000, 200)
    assert stroke.bitmap[100, 2:1991].all()


@pytest.mark.parametrize("seed", range(12))
def test_a_long_movement_is_one_capsule(seed: int) -> None:
    """It is computed strip by strip, each only as wide as it must be."""
    random = np.random.default_rng(seed)
    reach = float(random.choice([0.5, 3.25, 40.0]))
    start, end = (tuple(map(float, random.uniform(-60, (1060, 860)))) for _ in range(2))
    if seed < 4:
        end = [(start[0], 700.0), (900.0, start[1]), start, (start[0] + 1 / STEPS, 800.0)][seed]
    start, end = (tuple(round(each * STEPS) / STEPS for each in point) for point in (start, end))
    whole = capsule(start, end, reach, (0, 0, 1000, 800))
    np.testing.assert_array_equal(drawn([start, end], reach, 1000, 800).bitmap, whole)


def test_reported_rectangles_hold_every_changed_pixel() -> None:
    stroke = Stroke(WIDTH, HEIGHT, 3.25)
    random = np.random.default_rng(1)
    for x, y in random.uniform(-8, 32, (30, 2)):
        before = stroke.bitmap.copy()
        rect = stroke.extend(x, y)
        changed = before != stroke.bitmap
        if rect is not None:
            changed[rect[1] : rect[3], rect[0] : rect[2]] = False
        assert not changed.any()


def test_a_stroke_beside_the_image_is_empty() -> None:
    stroke = drawn([(-50, -50), (-20, 90)], 4)
    assert stroke.mask().is_empty
