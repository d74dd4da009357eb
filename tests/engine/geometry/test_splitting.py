"""Splitting: the pieces are disjoint, together the mask, and where a person would cut."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from engine.geometry.mask import Bitmap, Mask
from engine.geometry.splitting import split_by_line, split_by_watershed

WIDTH, HEIGHT = 30, 24
bitmaps = st.builds(
    lambda noise, density: noise < density,
    hnp.arrays(np.uint8, (HEIGHT, WIDTH), elements=st.integers(0, 9)),
    st.integers(1, 10),
)
coordinates = st.floats(-10, 40)
lines = st.lists(st.tuples(coordinates, coordinates), min_size=2, max_size=5)


def assert_pieces(pieces: list[Mask], mask: Mask) -> None:
    """Disjoint, together the mask, largest first."""
    together = np.zeros((HEIGHT, WIDTH), dtype=int)
    for piece in pieces:
        together += piece.to_full(HEIGHT, WIDTH)
    assert np.array_equal(together, mask.to_full(HEIGHT, WIDTH))
    assert [piece.area for piece in pieces] == sorted((piece.area for piece in pieces), reverse=True)
    assert mask.is_empty or not any(piece.is_empty for piece in pieces)


def discs(*places: tuple[float, float, float], size: tuple[int, int] = (300, 200)) -> Bitmap:
    rows, columns = np.indices(size[::-1]) + 0.5
    return np.any([np.hypot(columns - x, rows - y) <= radius for x, y, radius in places], axis=0)


@given(bitmaps, lines)
def test_a_cut_loses_no_pixel(bitmap: Bitmap, points: list[tuple[float, float]]) -> None:
    mask = Mask.from_full(bitmap)
    assert_pieces(split_by_line(mask, points), mask)


@given(bitmaps)
def test_a_watershed_loses_no_pixel_and_every_piece_is_of_one_part(bitmap: Bitmap) -> None:
    mask = Mask.from_full(bitmap)
    pieces = split_by_watershed(mask)
    assert_pieces(pieces, mask)
    count, parts = cv2.connectedComponents(bitmap.astype(np.uint8), connectivity=8)
    assert len(pieces) >= max(count - 1, 1)
    assert all(len(np.unique(parts[piece.to_full(HEIGHT, WIDTH)])) <= 1 for piece in pieces)
    assert split_by_watershed(mask) == pieces


def test_a_watershed_reaches_across_no_water() -> None:
    bitmap = np.ones((HEIGHT, WIDTH), dtype=bool)
    for row, column in ((5, 27), (7, 28), (7, 29), (8, 28), (9, 28), (9, 29), (10, 12)):
        bitmap[row, column] = False
    pieces = split_by_watershed(Mask.from_full(bitmap))
    assert (29, 8, 30, 9) in [piece.bounds for piece in pieces]  # a pixel on its own, near to others


def test_a_line_across_a_square_gives_both_sides() -> None:
    square = Mask.from_crop(np.ones((20, 20)), 5, 2)
    left, right = sorted(split_by_line(square, [(12.5, 0), (12.5, 24)]), key=lambda piece: piece.x)
    # The pixels under the line, column 12, go to either side.
    assert left.bounds[0] == 5
    assert right.bounds[2] == 25
    assert left.bounds[2] in (12, 13)
    assert right.x == left.bounds[2]
    assert (left.height, right.height) == (20, 20)


def test_no_diagonal_line_leaks() -> None:
    square = Mask.from_crop(np.ones((20, 20)), 2, 2)
    for x in range(23):
        pieces = split_by_line(square, [(x - 11, -1), (x + 11, 24)])
        assert len(pieces) <= 2
        if 4 < x < 20:
            assert len(pieces) == 2


@pytest.mark.parametrize("line", [[(12.5, 0), (12.5, 12)], [(0, 0), (0, 24)], [(12, 12)]])
def test_a_line_that_does_not_run_right_across_cuts_nothing(line: list[tuple[float, float]]) -> None:
    square = Mask.from_crop(np.ones((20, 20)), 5, 2)
    assert split_by_line(square, line) == [square]


def test_a_bent_line_cuts_a_corner_off() -> None:
    square = Mask.from_crop(np.ones((20, 20)), 0, 0)
    rest, corner = split_by_line(square, [(6.5, -2), (6.5, 6.5), (-2, 6.5)])
    assert corner.bounds in ((0, 0, 6, 6), (0, 0, 7, 7), (0, 0, 6, 7), (0, 0, 7, 6))
    assert rest.area + corner.area == 400


def test_parts_that_the_line_does_not_cross_stay_with_the_largest_piece() -> None:
    bitmap = np.zeros((HEIGHT, WIDTH), dtype=bool)
    bitmap[2:20, 2:20] = True
    bitmap[2:5, 25:28] = True
    large, small = split_by_line(Mask.from_full(bitmap), [(0, 6.5), (22, 6.5)])
    assert large.contains(26, 3)
    assert not small.contains(26, 3)


def test_crumbs_beside_the_line_are_no_pieces() -> None:
    bitmap = np.zeros((HEIGHT, WIDTH), dtype=bool)
    bitmap[4:20, 2:28] = True
    bitmap[4, 2:28:2] = False  # a ragged upper border
    pieces = split_by_line(Mask.from_full(bitmap), [(0, 5.5), (15.5, 5.5), (15.5, 30)])
    assert len(pieces) == 2


def test_a_cut_through_a_ring_needs_both_walls() -> None:
    ring = discs((50, 50, 40), size=(100, 100)) & ~discs((50, 50, 20), size=(100, 100))
    mask = Mask.from_full(ring)
    assert len(split_by_line(mask, [(50, 0), (50, 50)])) == 1
    assert len(split_by_line(mask, [(50, 0), (50, 100)])) == 2


def test_touching_discs_come_apart_at_their_necks() -> None:
    places = ((60, 80, 40), (130, 80, 40), (192, 110, 30))
    pieces = split_by_watershed(Mask.from_full(discs(*places)))
    assert len(pieces) == 3
    for place in places:
        own = Mask.from_full(discs(place))
        assert max(piece.iou(own) for piece in pieces) > 0.9


def test_one_ragged_disc_stays_one() -> None:
    rows, columns = np.indices((200, 300))
    angle = np.arctan2(rows - 100, columns - 150)
    ragged = np.hypot(columns - 150, rows - 100) <= 60 + 3 * np.sin(9 * angle)
    ragged |= np.hypot((columns - 150) / 2, rows - 100) <= 40
    mask = Mask.from_full(ragged)
    assert split_by_watershed(mask) == [mask]


def test_masks_larger_than_what_is_searched_come_apart_alike() -> None:
    bitmap = discs((900, 800, 700), (2100, 800, 700), size=(3000, 1600))
    bitmap[3:6, 3:5] = True  # between the pixels that are searched
    mask = Mask.from_full(bitmap)
    pieces = split_by_watershed(mask)
    assert [piece.area for piece in pieces[2:]] == [6]
    assert len(pieces) == 3
    assert sum(piece.area for piece in pieces) == mask.area
    assert pieces[0].union(pieces[1]).union(pieces[2]) == mask
    assert abs(pieces[0].bounds[2] - 1500) < 20 or abs(pieces[0].x - 1500) < 20
