"""Filling by the even-odd rule: every pixel is what counting crossings at its centre says, in whole numbers."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from engine.geometry import polygons
from engine.geometry.even_odd import Points, filled, filled_strips
from engine.geometry.mask import Bitmap, Mask

SIDE, STEPS = 16, 64
coordinates = st.integers(-2 * STEPS, (SIDE + 2) * STEPS)
halves = st.integers(-4, 2 * SIDE + 4).map(lambda value: value * STEPS // 2)  # pixel centres, corners and edges
rings = st.lists(st.tuples(st.one_of(coordinates, halves), st.one_of(coordinates, halves)), max_size=9)
bitmaps = hnp.arrays(np.bool_, hnp.array_shapes(min_dims=2, max_dims=2, min_side=0, max_side=12))


def counted(several: list[list[tuple[int, int]]]) -> Bitmap:
    """The oracle: crossings left of or at each pixel centre, without a single division."""
    result = np.zeros((SIDE, SIDE), dtype=bool)
    for row in range(SIDE):
        for column in range(SIDE):
            x, y = column * STEPS + STEPS // 2, row * STEPS + STEPS // 2
            for ring in several:
                for (x1, y1), (x2, y2) in zip(ring, ring[1:] + ring[:1], strict=True):
                    if (y1 > y) != (y2 > y):
                        across = (x - x1) * (y2 - y1) - (y - y1) * (x2 - x1)
                        result[row, column] ^= across >= 0 if y2 > y1 else across <= 0
    return result


def points(ring: list[tuple[int, int]]) -> Points:
    return np.array(ring, dtype=np.float64).reshape(-1, 2) / STEPS


@given(st.lists(rings, max_size=3))
def test_every_pixel_is_what_counting_crossings_says(several: list[list[tuple[int, int]]]) -> None:
    result = filled([points(ring) for ring in several]).to_full(SIDE, SIDE)
    np.testing.assert_array_equal(result, counted(several))


@given(st.lists(rings.map(lambda ring: [(x * 9, y * 9) for x, y in ring]), max_size=2))
def test_strips_are_the_whole_in_parts_that_share_nothing(several: list[list[tuple[int, int]]]) -> None:
    polygons_ = [points(ring) for ring in several]
    whole, strips = filled(polygons_), filled_strips(polygons_)
    assert sum(strip.area for strip in strips) == whole.area
    assert all(strip.intersect(whole) == strip for strip in strips)


@given(rings, rings)
def test_several_polygons_fill_what_an_odd_number_of_them_fills(
    one: list[tuple[int, int]], other: list[tuple[int, int]]
) -> None:
    apart = [filled([points(ring)]).crop(-2, -2, SIDE + 2, SIDE + 2) for ring in (one, other)]
    together = filled([points(one), points(other)[::-1]]).crop(-2, -2, SIDE + 2, SIDE + 2)
    np.testing.assert_array_equal(together, apart[0] ^ apart[1])


@given(bitmaps, st.integers(-5, 5), st.integers(-5, 5))
def test_filling_the_outlines_of_a_mask_gives_it_back(bitmap: Bitmap, x: int, y: int) -> None:
    mask = Mask.from_crop(bitmap, x, y)
    assert filled([ring.astype(np.float64) for ring in polygons.outlines(mask)]) == mask
