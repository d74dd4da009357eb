"""A pixel is in a stroke exactly if its centre is covered by the tip somewhere on the pointer's line."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.tools.sparse import TILE, SparseBitmap
from app.tools.stroke import Stroke
from app.tools.tips import STEPS, Tip
from engine.geometry.mask import Bitmap, Mask

WIDTH, HEIGHT = 24, 18
HALF = Fraction(1, 2)
Place = tuple[Fraction, Fraction]

# Beyond the image on every side, in the steps that strokes are computed in, or in halves, where ends are met exactly.
coordinate = st.one_of(
    st.integers(-8 * STEPS, 32 * STEPS).map(lambda step: Fraction(step, STEPS)),
    st.integers(-16, 64).map(lambda step: Fraction(step, 2)),
)
radius = st.one_of(
    st.integers(STEPS // 4, 9 * STEPS).map(lambda step: Fraction(step, STEPS)),
    st.integers(1, 18).map(lambda step: Fraction(step, 2)),
)
line = st.lists(st.tuples(coordinate, coordinate), min_size=1, max_size=3)


def in_round(x: Fraction, y: Fraction, a: Place, b: Place, reach: Fraction) -> bool:
    """Whether a point is within `reach` of a segment, in exact arithmetic."""
    dx, dy = b[0] - a[0], b[1] - a[1]
    length = dx * dx + dy * dy
    along = ((x - a[0]) * dx + (y - a[1]) * dy) / length if length else Fraction(0)
    along = min(max(along, Fraction(0)), Fraction(1))
    return (x - a[0] - along * dx) ** 2 + (y - a[1] - along * dy) ** 2 <= reach * reach


def in_square(x: Fraction, y: Fraction, a: Place, b: Place, reach: Fraction) -> bool:
    """Whether a half-open square comes over a point on its way: where it can begin or stop to, and between those."""
    times = {Fraction(0), Fraction(1)}
    for point, start, end in ((x, a[0], b[0]), (y, a[1], b[1])):
        if start != end:
            times |= {(point + side - start) / (end - start) for side in (-reach, reach)}
    inside = sorted(time for time in times if 0 <= time <= 1)
    inside += [(one + other) / 2 for one, other in pairwise(inside)]
    return any(
        -reach <= x - (a[0] + time * (b[0] - a[0])) < reach and -reach <= y - (a[1] + time * (b[1] - a[1])) < reach
        for time in inside
    )


def oracle(points: list[Place], reach: Fraction, tip: Tip) -> Bitmap:
    covers = in_round if tip is Tip.ROUND else in_square
    segments = list(pairwise(points)) or [(points[0], points[0])]
    return np.array(
        [
            [any(covers(column + HALF, row + HALF, a, b, reach) for a, b in segments) for column in range(WIDTH)]
            for row in range(HEIGHT)
        ]
    )


def drawn(
    points: list[tuple[float, float]], reach: float, width: int = WIDTH, height: int = HEIGHT, tip: Tip = Tip.ROUND
) -> Stroke:
    stroke = Stroke(width, height, reach, tip)
    for x, y in points:
        stroke.extend(x, y)
    return stroke


def full(stroke: Stroke, width: int = WIDTH, height: int = HEIGHT) -> Bitmap:
    return stroke.crop(0, 0, width, height)


@pytest.mark.parametrize("tip", Tip)
@given(points=line, reach=radius)
@settings(max_examples=30, deadline=None)
def test_a_stroke_is_the_pixels_whose_centres_the_tip_comes_over(
    tip: Tip, points: list[Place], reach: Fraction
) -> None:
    stroke = drawn([(float(x), float(y)) for x, y in points], float(reach), tip=tip)
    expected = oracle(points, reach, tip)
    np.testing.assert_array_equal(full(stroke), expected)
    assert stroke.mask() == Mask.from_full(expected)


def test_centres_exactly_at_the_radius_belong_to_the_stroke() -> None:
    # 3-4-5 triangles: a centre at distance 5, from a point and from a slanted line.
    assert full(drawn([(10.5, 10.5)], 5, 48, 36), 48, 36)[14, 13]
    assert not full(drawn([(10.5, 10.5)], 5 - 1 / STEPS, 48, 36), 48, 36)[14, 13]
    slanted = [(4.5, 20.5), (4.5 + 24, 20.5 - 18)]
    row, column = 20 - 9 + 4, 4 + 12 + 3
    assert full(drawn(slanted, 5, 48, 36), 48, 36)[row, column]
    assert not full(drawn(slanted, 5 - 1 / STEPS, 48, 36), 48, 36)[row, column]


@given(x=st.integers(6 * STEPS, 18 * STEPS), y=st.integers(6 * STEPS, 12 * STEPS), side=st.integers(1, 12))
def test_a_square_covers_as_many_pixels_wherever_it_stands(x: int, y: int, side: int) -> None:
    mask = drawn([(x / STEPS, y / STEPS)], side / 2, tip=Tip.SQUARE).mask()
    assert (mask.width, mask.height, mask.area) == (side, side, side * side)


@pytest.mark.parametrize("tip", Tip)
@pytest.mark.parametrize("pieces", [2, 7, 32])
def test_a_line_is_the_same_however_it_is_cut(pieces: int, tip: Tip) -> None:
    start, end = np.array([3.0, 30.0]), np.array([35.0, 14.0])
    cut = [tuple(start + (end - start) * i / 64 * (64 // pieces)) for i in range(pieces + 1)]
    cut.append(tuple(end))
    whole = drawn([tuple(start), tuple(end)], 4.5, 48, 36, tip)
    assert drawn(cut, 4.5, 48, 36, tip).mask() == whole.mask()


@pytest.mark.parametrize("tip", Tip)
def test_a_fast_movement_leaves_no_gap(tip: Tip) -> None:
    stroke = drawn([(2.5, 100.5), (1990.5, 100.5)], 2.0, 2000, 200, tip)
    assert full(stroke, 2000, 200)[100, 2:1991].all()


@pytest.mark.parametrize("seed", range(12))
def test_a_long_movement_is_one_capsule(seed: int) -> None:
    """However many tiles it crosses. The oracle is good to far less than a step, and no centre is as near the edge."""
    random = np.random.default_rng(seed)
    reach = float(random.choice([0.5, 3.25, 40.0]))
    start, end = random.uniform(-60, (1060, 860)), random.uniform(-60, (1060, 860))
    if seed < 4:
        end = [(start[0], 700.0), (900.0, start[1]), start, (start[0] + 1 / STEPS, 800.0)][seed]
    start, end = (np.round(np.array(point) * STEPS) / STEPS for point in (start, end))
    rows, columns = np.indices((800, 1000)) + 0.5
    dx, dy = end - start
    along = np.clip(((columns - start[0]) * dx + (rows - start[1]) * dy) / max(dx * dx + dy * dy, 1e-9), 0, 1)
    distance = np.hypot(columns - start[0] - along * dx, rows - start[1] - along * dy)
    clear = np.abs(distance - reach) > 1e-9
    stroke = full(drawn([tuple(start), tuple(end)], reach, 1000, 800), 1000, 800)
    np.testing.assert_array_equal(stroke[clear], distance[clear] <= reach)


@pytest.mark.parametrize("tip", Tip)
def test_reported_rectangles_hold_every_changed_pixel(tip: Tip) -> None:
    width, height = 3 * TILE + 5, 2 * TILE + 9
    stroke = Stroke(width, height, 3.25, tip)
    random = np.random.default_rng(1)
    places = random.uniform(-20, (width + 20, height + 20), (30, 2))
    for turn, (x, y) in enumerate(places):
        before = full(stroke, width, height)
        rects = stroke.extend(x, y) if turn % 5 else stroke.retrace([tuple(places[0]), (x, y)])
        changed = before != full(stroke, width, height)
        for x1, y1, x2, y2 in rects:
            changed[y1:y2, x1:x2] = False
        assert not changed.any()
    everything = full(stroke, width, height)
    for x1, y1, x2, y2 in stroke.rects():
        everything[y1:y2, x1:x2] = False
    assert not everything.any()


@pytest.mark.parametrize("tip", Tip)
def test_a_retraced_stroke_is_the_one_along_those_lines(tip: Tip) -> None:
    corners = [(20.25, 30.0), (500.5, 90.75), (480.0, 333.0)]
    stroke = drawn([(5, 5), (300, 300)], 7.5, 600, 400, tip)
    stroke.retrace(corners)
    assert stroke.mask() == drawn(corners, 7.5, 600, 400, tip).mask()
    stroke.extend(10, 10)
    assert stroke.mask() == drawn([*corners, (10, 10)], 7.5, 600, 400, tip).mask()


@pytest.mark.parametrize("tip", Tip)
def test_a_stroke_beside_the_image_is_empty(tip: Tip) -> None:
    stroke = drawn([(-50, -50), (-20, 90)], 4, tip=tip)
    assert stroke.mask().is_empty
    assert stroke.bounds == (0, 0, 0, 0)


def test_a_window_that_reaches_out_of_the_image_is_unset_there() -> None:
    stroke = drawn([(0, 0), (WIDTH, HEIGHT)], 40)
    window = stroke.crop(-3, -2, WIDTH + 5, HEIGHT + 4)
    assert window[2 : 2 + HEIGHT, 3 : 3 + WIDTH].all()
    assert np.count_nonzero(window) == WIDTH * HEIGHT


def test_a_stroke_on_a_huge_image_takes_the_memory_of_the_touched_tiles() -> None:
    pixels = SparseBitmap(1 << 16, 1 << 16)
    rows = np.arange(60_000, 60_050, dtype=np.int64)
    pixels.set_runs(rows, np.full(50, 40_000), np.full(50, 40_100))
    assert pixels.mask().bounds == (40_000, 60_000, 40_100, 60_050)
    pixels.clear()
    assert pixels.mask().is_empty
