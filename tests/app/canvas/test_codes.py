"""Codes become the colours that a plain reading of the rules gives, whatever part of them is drawn."""

import math

import numpy as np
import pytest

from app.canvas import codes as under_test
from app.canvas.codes import (
    BOTTOM,
    BOUNDARY,
    DASH,
    FALLING,
    LEFT,
    RIGHT,
    TOP,
    Stamp,
    color,
    draw,
    follow_boundary,
    put,
    sides_of,
)
from app.canvas.sampling import DeviceRect, Placement, under
from engine.geometry.mask import Mask

needs_kernels = pytest.mark.skipif(not under_test.can_draw(), reason="installed without a compiler: no kernels")
HEIGHT, WIDTH, SLOTS = 23, 31, 6


def scene(seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Codes and sides of random masks, some of them covered, and a table in which every code has colours of its own."""
    random = np.random.default_rng(seed)
    codes = np.zeros((HEIGHT, WIDTH), dtype=np.uint16)
    sides = np.zeros((HEIGHT, WIDTH), dtype=np.uint8)
    masks = [random.random((HEIGHT, WIDTH)) < 0.3 for _ in range(SLOTS)]
    for slot, mask in enumerate(masks, 1):
        mask[slot : slot + 12, slot : slot + 9] = True
        codes[mask] = slot
    for slot, mask in enumerate(masks, 1):
        ends = sides_of(np.pad(mask, 1))
        follow_boundary(ends)
        codes[ends != 0] = slot | BOUNDARY
        sides[ends != 0] = ends[ends != 0]
    table = random.integers(0, 2**24, (3, 1 << 16), dtype=np.uint32) | np.uint32(0xFF000000)
    table[1, BOUNDARY | 2] = table[0, BOUNDARY | 2]  # one that is not dashed
    return codes, sides, table


def test_the_sides_of_a_boundary_are_those_without_a_neighbour() -> None:
    mask = np.random.default_rng(4).random((HEIGHT, WIDTH)) < 0.6
    sides = sides_of(np.pad(mask, 1))
    for y in range(HEIGHT):
        for x in range(WIDTH):
            expected = 0
            for bit, (dy, dx) in {LEFT: (0, -1), RIGHT: (0, 1), TOP: (-1, 0), BOTTOM: (1, 0)}.items():
                inside = 0 <= y + dy < HEIGHT and 0 <= x + dx < WIDTH and mask[y + dy, x + dx]
                expected |= bit * bool(mask[y, x] and not inside)
            assert sides[y, x] == expected


@pytest.mark.parametrize("kernels", [False, pytest.param(True, marks=needs_kernels)])
def test_every_code_has_its_colour_and_boundaries_are_dashed(kernels: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not kernels:
        monkeypatch.setattr(under_test, "_kernels", None)
    codes, _, table = scene()
    pixels = np.zeros((15, 20), dtype=np.uint32)
    color(codes[3:18, 5:25], table, 5, 3, pixels)
    for y in range(15):
        for x in range(20):
            code = codes[3 + y, 5 + x]
            gap = code >= BOUNDARY and ((y + 3) // DASH + (x + 5) // DASH) % 2
            assert pixels[y, x] == table[int(gap), code]


def drawn(scene: tuple[np.ndarray, ...], rect: DeviceRect, place: Placement, width: int, dash: int) -> np.ndarray:
    """What `draw` lays over black."""
    pixels = np.full((rect[3] - rect[1], rect[2] - rect[0]), 0xFF000000, dtype=np.uint32)
    draw(*scene, rect, place, width, dash, pixels)
    return pixels


def plainly_drawn(
    scene: tuple[np.ndarray, ...], place: Placement, size: tuple[int, int], width: int, dash: int
) -> np.ndarray:
    """The oracle, a device pixel at a time, of the device pixels from (0, 0) to `size`."""
    codes, sides, table = scene
    columns, rows = under((0, 0, *size), place, WIDTH, HEIGHT)
    pixels = table[2][codes[np.ix_(rows, columns)]]

    def paint(y: int, x: int, code: int, side: int) -> None:
        if 0 <= x < size[0] and 0 <= y < size[1]:
            along = (x - round(place.x)) + (-1 if side & FALLING else 1) * (y - round(place.y))
            pixels[y, x] = table[along // dash % 2, code]

    for inner in (False, True):
        for row, column in np.argwhere(sides):
            ys, xs = np.flatnonzero(rows == row), np.flatnonzero(columns == column)
            if len(ys) == 0 or len(xs) == 0:
                continue
            y1, y2, x1, x2 = ys[0], ys[-1] + 1, xs[0], xs[-1] + 1
            side, code, reach = int(sides[row, column]), int(codes[row, column]), width - 1
            left, right = (reach if side & LEFT else 0), (reach if side & RIGHT else 0)
            top, bottom = (reach if side & TOP else 0), (reach if side & BOTTOM else 0)
            for y in range(y1 - top, y2 + bottom):
                for x in range(x1 - left, x2 + right):
                    within = y1 <= y < y2 and x1 <= x < x2
                    on_edge = (
                        (bool(side & LEFT) and x == x1)
                        or (bool(side & RIGHT) and x == x2 - 1)
                        or (bool(side & TOP) and y == y1)
                        or (bool(side & BOTTOM) and y == y2 - 1)
                    )
                    if inner == within and (not within or on_edge):
                        paint(y, x, code, side)
    return pixels


@needs_kernels
@pytest.mark.parametrize(("zoom", "width"), [(1.0, 2), (1.0, 3), (1.3, 2), (2.0, 2), (2.7, 3), (5.0, 4), (9.6, 2)])
def test_outlines_are_lines_of_one_width_along_the_edges_of_masks(zoom: float, width: int) -> None:
    drawn_scene = scene()
    size = math.ceil(WIDTH * zoom - 0.5), math.ceil(HEIGHT * zoom - 0.5)  # all of the image
    place = Placement(zoom, 0.0, 0.0)
    expected = plainly_drawn(drawn_scene, place, size, width, 5)
    np.testing.assert_array_equal(drawn(drawn_scene, (0, 0, *size), place, width, 5), expected)


@needs_kernels
@pytest.mark.parametrize("zoom", [1.0, 1.21, 2.5, 3.0, 7.9])
def test_a_part_is_drawn_like_the_whole(zoom: float) -> None:
    drawn_scene = scene(1)
    place = Placement(zoom, -3.0, 2.0)
    whole: DeviceRect = place.covered((-500, -500, 900, 900), WIDTH, HEIGHT) or (0, 0, 0, 0)
    everything = drawn(drawn_scene, whole, place, 3, 4)
    random = np.random.default_rng(2)
    for _ in range(40):
        x1, x2 = sorted(random.choice(np.arange(whole[0], whole[2] + 1), 2, replace=False).tolist())
        y1, y2 = sorted(random.choice(np.arange(whole[1], whole[3] + 1), 2, replace=False).tolist())
        part = drawn(drawn_scene, (x1, y1, x2, y2), place, 3, 4)
        np.testing.assert_array_equal(part, everything[y1 - whole[1] : y2 - whole[1], x1 - whole[0] : x2 - whole[0]])


@needs_kernels
@pytest.mark.parametrize("zoom", [1.0, 1.5, 2.0, 3.0, 6.0])
def test_a_straight_edge_has_the_same_width_at_every_zoom(zoom: float) -> None:
    mask = np.zeros((HEIGHT, WIDTH), dtype=bool)
    mask[5:20, 8:25] = True
    sides = sides_of(np.pad(mask, 1))
    codes = np.where(sides != 0, 1 | BOUNDARY, mask).astype(np.uint16)
    table = np.zeros((3, 1 << 16), dtype=np.uint32)
    table[:2, 1 | BOUNDARY] = 0xFF000007
    size = int(WIDTH * zoom), int(HEIGHT * zoom)
    pixels = drawn((codes, sides, table), (0, 0, *size), Placement(zoom, 0.0, 0.0), 3, 5)
    line = np.flatnonzero(pixels[int(12 * zoom)] == 0xFF000007)
    left, right = math.ceil(8 * zoom - 0.5), math.ceil(25 * zoom - 0.5)
    assert line.tolist() == [left - 2, left - 1, left, right - 1, right, right + 1]


@needs_kernels
@pytest.mark.parametrize("seed", range(6))
def test_masks_are_put_and_halved_like_numpy_does(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(seed)
    masks = [
        Mask.from_crop(random.random(random.integers(1, 40, 2)) < chance, *random.integers(-25, 30, 2).tolist())
        for chance in (0.3, 0.9, 0.99, 1.0)
    ]
    results = []
    for kernels in (under_test._kernels, None):
        monkeypatch.setattr(under_test, "_kernels", kernels)
        codes, sides = np.zeros((HEIGHT, WIDTH), dtype=np.uint16), np.zeros((HEIGHT, WIDTH), dtype=np.uint8)
        put([Stamp(mask.bitmap, mask.x, mask.y, slot) for slot, mask in enumerate(masks, 1)], 3, -2, codes, sides)
        results.append((codes, sides, under_test.halved(codes)))
    for by_kernel, by_numpy in zip(*results, strict=True):
        np.testing.assert_array_equal(by_kernel, by_numpy)


@needs_kernels
def test_a_mask_beside_the_codes_changes_none() -> None:
    codes, sides = np.zeros((5, 7), dtype=np.uint16), np.zeros((5, 7), dtype=np.uint8)
    for x, y in ((-20, 0), (20, 0), (0, -20), (0, 20)):
        put([Stamp(np.ones((9, 9), dtype=bool), x, y, 1)], 0, 0, codes, sides)
    assert not codes.any() and not sides.any()
