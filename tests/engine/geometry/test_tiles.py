"""A tile holds what is seen, lies in the image, and stays the same while the view moves a little."""

from hypothesis import given
from hypothesis import strategies as st

from engine.geometry.tiles import STEPS, tile_around

sizes = st.integers(1, 20_000)
places = st.integers(-2_000, 22_000)


@given(sizes, sizes, places, places, st.integers(1, 9_000), st.integers(1, 9_000), st.integers(64, 2_000))
def test_a_tile_holds_what_is_seen_of_the_image(
    width: int, height: int, x: int, y: int, seen_width: int, seen_height: int, side: int
) -> None:
    left, top, right, bottom = tile_around((x, y, x + seen_width, y + seen_height), width, height, side)
    assert 0 <= left < right <= width
    assert 0 <= top < bottom <= height
    x1, y1 = min(max(x, 0), width - 1), min(max(y, 0), height - 1)
    x2, y2 = max(min(x + seen_width, width), x1 + 1), max(min(y + seen_height, height), y1 + 1)
    assert left <= x1 and x2 <= right
    assert top <= y1 and y2 <= bottom


@given(sizes, sizes, st.floats(0, 1), st.floats(0, 1), st.integers(64, 2_000))
def test_what_is_small_is_seen_at_full_resolution(
    width: int, height: int, across: float, down: float, side: int
) -> None:
    x, y = int(across * (width - 1)), int(down * (height - 1))
    left, top, right, bottom = tile_around((x, y, x + side // 2, y + side // 2), width, height, side)
    assert right - left <= side and bottom - top <= side


def test_the_same_tile_comes_for_what_is_nearby() -> None:
    seen = {tile_around((x, 5_000, x + 300, 5_300), 12_000, 12_000, 1024) for x in range(4_000, 4_000 + 1024 // STEPS)}
    assert len(seen) <= 2


def test_an_image_that_needs_no_tile_is_seen_whole() -> None:
    assert tile_around((100, 100, 200, 200), 1000, 800, 1024) == (0, 0, 1000, 800)
    assert tile_around((0, 0, 12_000, 9_000), 12_000, 9_000, 1024) == (0, 0, 12_000, 9_000)
