"""The composed overlay shows exactly the masks, and patching it gives what composing it anew gives."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.canvas.appearance import Shown, style
from app.canvas.codes import DASH
from app.canvas.overlay import Overlay
from app.canvas.preview import Preview
from app.canvas.rects import Rect, joined
from engine.geometry.mask import Bitmap, Mask
from engine.images import LARGE_PIXELS

WIDTH, HEIGHT = 531, 307  # odd at several halvings
COLORS = ("#0072b2", "#e69f00", "#009e73")


def blob(seed: int, most: int = 120) -> Mask:
    """A random mask with holes and loose parts, some of them across the image's border."""
    random = np.random.default_rng(seed)
    width, height = random.integers(1, most, 2)
    bitmap = random.random((height, width)) < random.choice([0.3, 0.6, 0.95, 1.0])
    return Mask.from_crop(bitmap, int(random.integers(-20, WIDTH)), int(random.integers(-20, HEIGHT)))


def scene(count: int, seed: int = 0) -> list[Shown]:
    return [Shown(i + 1, blob(seed * 1000 + i), style(COLORS[i % 3], i % 2 == 0)) for i in range(count)]


@dataclass
class Drawing:
    """A stroke that goes on being drawn."""

    bitmap: Bitmap

    @property
    def bounds(self) -> Rect:
        return Mask.from_full(self.bitmap).bounds

    def crop(self, x1: int, y1: int, x2: int, y2: int) -> Bitmap:
        return Mask.from_full(self.bitmap).crop(x1, y1, x2, y2)


def composed(shown: list[Shown], large: int = LARGE_PIXELS) -> Overlay:
    overlay = Overlay(WIDTH, HEIGHT, large)
    overlay.sync(shown)
    return overlay


def boundary_of(bitmap: Bitmap) -> Bitmap:
    """Set pixels with an unset one among their four neighbours; beyond the image everything is unset."""
    padded = np.pad(bitmap, 1)
    neighbours = [padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:]]
    return bitmap & ~np.logical_and.reduce(neighbours)


def painted(shown: list[Shown]) -> np.ndarray:
    """The oracle: fills in order, then boundaries in order, each pixel by its own instance's colours."""
    pixels = np.zeros((HEIGHT, WIDTH), dtype=np.uint32)
    rows, columns = np.indices((HEIGHT, WIDTH))
    gaps = (rows // DASH + columns // DASH) % 2 == 1
    # A mask's boundary is that of the whole mask, also where the image cuts it off.
    frames = [(item, item.mask.crop(-20, -20, WIDTH + 140, HEIGHT + 140)) for item in shown]
    inside = (slice(20, 20 + HEIGHT), slice(20, 20 + WIDTH))
    for item, frame in frames:
        pixels[frame[inside]] = item.style.fill()
    for item, frame in frames:
        edge = boundary_of(frame)[inside]
        pixels[edge & ~gaps] = item.style.outline()
        pixels[edge & gaps] = item.style.gap()
    return pixels


def assert_identical(one: Overlay, other: Overlay) -> None:
    assert one.levels == other.levels
    for level in range(one.levels):
        np.testing.assert_array_equal(one.pixels(level), other.pixels(level), err_msg=f"level {level}")


def test_every_pixel_has_the_colour_of_the_instance_on_top() -> None:
    shown = scene(40)
    np.testing.assert_array_equal(composed(shown).pixels(0), painted(shown))


def test_what_is_shown_of_an_instance_is_its_mask_without_what_lies_on_top() -> None:
    shown = scene(25)
    overlay = composed(shown)
    covered_by_edge = np.zeros((HEIGHT, WIDTH), dtype=bool)
    for item in reversed(shown):
        covered_by_edge |= _edge(item)
    above = np.zeros((HEIGHT, WIDTH), dtype=bool)
    edges_above = np.zeros((HEIGHT, WIDTH), dtype=bool)
    for item in reversed(shown):
        full = item.mask.to_full(HEIGHT, WIDTH)
        edge = _edge(item)
        expected = (full & ~edge & ~above & ~covered_by_edge) | (edge & ~edges_above)
        assert overlay.shown_mask(item.id) == Mask.from_full(expected)
        above |= full
        edges_above |= edge


def _edge(item: Shown) -> Bitmap:
    frame = boundary_of(item.mask.crop(-20, -20, WIDTH + 140, HEIGHT + 140))
    return frame[20 : 20 + HEIGHT, 20 : 20 + WIDTH]


def test_a_lone_mask_with_holes_and_parts_is_shown_pixel_by_pixel() -> None:
    bitmap = np.zeros((60, 80), dtype=bool)
    bitmap[5:40, 5:40] = True
    bitmap[15:25, 15:25] = False
    bitmap[20, 20] = True
    bitmap[50:60, 70:80] = True
    mask = Mask.from_crop(bitmap, 100, 100)
    assert composed([Shown(7, mask, style("#0072b2"))]).shown_mask(7) == mask


@given(st.lists(st.tuples(st.integers(0, 11), st.integers(0, 40), st.booleans()), min_size=1, max_size=25))
@settings(max_examples=25, deadline=None)
def test_any_series_of_changes_ends_in_what_composing_anew_gives(changes: list[tuple[int, int, bool]]) -> None:
    items = {item.id: item for item in scene(8)}
    overlay = composed(list(items.values()))
    for key, seed, proposal in changes:
        if key in items and seed % 4 == 0:
            del items[key]
        else:
            items[key] = Shown(key, blob(seed), style(COLORS[seed % 3], proposal))
        ordered = sorted(items.values(), key=lambda item: item.mask.area, reverse=True)
        overlay.sync(ordered)
    assert_identical(overlay, composed(ordered))


def test_many_scattered_changes_at_once_end_in_what_composing_anew_gives() -> None:
    before, after = scene(60), scene(60, seed=1)
    overlay = composed(before)
    mixed = [new if i % 3 else old for i, (old, new) in enumerate(zip(before, after, strict=True))]
    overlay.sync(mixed)
    assert_identical(overlay, composed(mixed))


def test_another_painting_order_is_composed() -> None:
    shown = scene(12)
    overlay = composed(shown)
    overlay.sync(shown[::-1])
    assert_identical(overlay, composed(shown[::-1]))


def test_an_instance_that_grows_elsewhere_goes_beneath_what_it_covered() -> None:
    small, large = Mask.from_crop(np.ones((20, 20)), 30, 30), Mask.from_crop(np.ones((40, 40)), 20, 20)
    look, other = style("#0072b2"), style("#e69f00")
    overlay = composed([Shown(1, large, look), Shown(2, small, other)])
    grown = small.union(Mask.from_crop(np.ones((90, 90)), 200, 150))
    after = [Shown(2, grown, other), Shown(1, large, look)]
    overlay.sync(after)
    assert_identical(overlay, composed(after))


def test_nothing_is_composed_again_when_nothing_changed() -> None:
    shown = scene(12)
    overlay = composed(shown)
    assert overlay.sync([Shown(s.id, Mask(s.mask.x, s.mask.y, s.mask.bitmap), s.style) for s in shown]) == []


def test_changed_rectangles_cover_every_changed_pixel() -> None:
    before = scene(30)
    overlay = composed(before)
    pixels = overlay.pixels(0).copy()
    after = [item for item in before if item.id % 7] + [Shown(99, blob(5), style("#009e73"))]
    untouched = np.ones((HEIGHT, WIDTH), dtype=bool)
    for x1, y1, x2, y2 in overlay.sync(after):
        untouched[max(y1 - 1, 0) : y2 + 1, max(x1 - 1, 0) : x2 + 1] = False
    np.testing.assert_array_equal(overlay.pixels(0)[untouched], pixels[untouched])
    assert (overlay.pixels(0) != pixels).any()


@pytest.mark.parametrize("erase", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_a_stroke_in_progress_looks_like_its_result_on_top_and_leaves_no_trace(erase: bool, seed: int) -> None:
    shown = scene(20, seed)
    target = shown[4]
    overlay = composed(shown)
    stroke = np.zeros((HEIGHT, WIDTH), dtype=bool)
    look = style("#cc79a7")
    overlay.set_preview(Preview(target.id, target.mask, Drawing(stroke), erase, look))
    random = np.random.default_rng(seed)
    for _ in range(6):
        x, y = int(random.integers(0, WIDTH - 30)), int(random.integers(0, HEIGHT - 30))
        stroke[y : y + 30, x : x + 30] |= random.random((30, 30)) < 0.8
        overlay.refresh((x, y, x + 30, y + 30))
    drawn = Mask.from_full(stroke)
    # Parts of a mask beyond the image stay as they are, as in the instance that is stored.
    result = target.mask.subtract(drawn) if erase else target.mask.union(drawn)
    others = [item for item in shown if item is not target]
    assert_identical(overlay, composed([*others, Shown(target.id, result, look)]))
    overlay.set_preview(None)
    assert_identical(overlay, composed(shown))


@pytest.mark.parametrize("committed", [False, True])
def test_a_stroke_that_ends_leaves_its_result_or_nothing(committed: bool) -> None:
    shown = scene(20)
    target = shown[4]
    overlay = composed(shown)
    stroke = np.zeros((HEIGHT, WIDTH), dtype=bool)
    stroke[100:200, 50:300] = True
    overlay.set_preview(Preview(target.id, target.mask, Drawing(stroke), False, style("#cc79a7")))
    overlay.end_preview()
    if committed:
        shown[4] = Shown(target.id, target.mask.union(Mask.from_full(stroke)), target.style)
        overlay.sync(shown)
    overlay.set_preview(None)
    assert_identical(overlay, composed(shown))


@pytest.mark.parametrize("seed", range(2))
def test_the_overlay_of_a_large_image_looks_like_any_other(
    seed: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MASKWRIGHT_HOME", str(tmp_path))
    monkeypatch.setattr("app.canvas.overlay.BAND", 9000)  # pixels: many bands, and coarse levels in memory
    shown = scene(30, seed)
    large = composed(shown, large=1000)
    for window in ((slice(0, None), slice(0, None)), (slice(17, 100), slice(50, 333))):
        for level in range(large.levels):
            scaled = tuple(slice(each.start >> level, each.stop and (each.stop >> level) + 1) for each in window)
            np.testing.assert_array_equal(large.pixels(level)[scaled], composed(shown).pixels(level)[scaled])
    shown[3] = Shown(shown[3].id, blob(77), shown[3].style)
    large.sync(shown)
    whole = slice(0, None), slice(0, None)
    for level in range(large.levels):
        np.testing.assert_array_equal(large.pixels(level)[whole], composed(shown).pixels(level)[whole])


def test_points_find_the_instances_under_them_topmost_first() -> None:
    shown = scene(30)
    overlay = composed(shown)
    random = np.random.default_rng(3)
    for x, y in random.uniform((0, 0), (WIDTH, HEIGHT), (300, 2)):
        row, column = int(y), int(x)
        under = [item.id for item in shown if item.mask.to_full(HEIGHT, WIDTH)[row, column]]
        assert overlay.at(x, y) == under[::-1]


def test_far_out_a_boundary_outlasts_the_fill() -> None:
    mask = Mask.from_crop(np.ones((128, 128), dtype=bool), 64, 64)
    overlay = composed([Shown(1, mask, style("#0072b2"))])
    coarse = overlay.pixels(1)
    outline = Shown(1, mask, style("#0072b2")).style.outline()
    assert (coarse[32, 32:96] == outline).all()
    assert (coarse[32:96, 95] == outline).all()
    assert (coarse[33:95, 33:95] == style("#0072b2").fill()).all()


def test_proposals_are_fainter_than_accepted_instances_and_dashed() -> None:
    mask = Mask.from_crop(np.ones((60, 60), dtype=bool), 10, 10)
    pixels = {proposal: composed([Shown(1, mask, style("#0072b2", proposal))]).pixels(0) for proposal in (True, False)}
    opacity = {proposal: int(picture[40, 40] >> 24) for proposal, picture in pixels.items()}
    assert opacity[True] * 2 < opacity[False]
    assert len(np.unique(pixels[False][10, 10:70])) == 1
    assert len(np.unique(pixels[True][10, 10:70])) == 2


def test_an_image_without_pixels_and_one_without_instances_are_composed() -> None:
    assert Overlay(0, 0).sync([]) == []
    overlay = Overlay(5, 3)
    overlay.sync([Shown(1, Mask.empty(), style("#0072b2"))])
    assert not overlay.pixels(0).any()
    assert overlay.at(1, 1) == []
    whole: Rect = (-4, -4, 50, 50)
    assert overlay.refresh(whole) == (0, 0, 5, 3)


@pytest.mark.parametrize("seed", range(4))
def test_joined_rectangles_hold_what_the_single_ones_held(seed: int) -> None:
    random = np.random.default_rng(seed)
    corners = random.integers(0, 300, (40, 2)).tolist()
    rects = [(x, y, x + int(random.integers(1, 60)), y + int(random.integers(1, 60))) for x, y in corners]
    covered = np.zeros((360, 360), dtype=bool)
    for x1, y1, x2, y2 in joined(rects):
        covered[y1:y2, x1:x2] = True
    assert all(covered[y1:y2, x1:x2].all() for x1, y1, x2, y2 in rects)


def test_rectangles_along_a_slanted_line_stay_apart_and_those_on_one_spot_become_one() -> None:
    slanted = [(100 * i, 100 * i, 100 * i + 110, 100 * i + 110) for i in range(8)]
    assert sorted(joined(slanted)) == slanted
    assert joined([(0, 0, 50, 50), (2, 1, 52, 51), (1, 3, 51, 53)]) == [(0, 0, 52, 53)]


@given(st.integers(0, 10**6), st.integers(0, 7))
@settings(deadline=None, max_examples=30)
def test_pixels_that_flip_are_shown_in_their_place_and_are_what_is_composed_at_the_end(seed: int, which: int) -> None:
    shown = scene(8, seed % 1000)
    target = shown[which]
    random = np.random.default_rng(seed)
    x, y = int(random.integers(0, WIDTH - 60)), int(random.integers(0, HEIGHT - 60))
    window = (slice(y, y + 60), slice(x, x + 60))
    drawing = Drawing(np.zeros((HEIGHT, WIDTH), dtype=bool))
    overlay = composed(shown)
    overlay.set_preview(Preview(target.id, target.mask, drawing, erase=False, style=target.style, flip=True))
    drawing.bitmap[window] = random.random((60, 60)) < 0.6
    overlay.refresh((x, y, x + 60, y + 60))
    inside = target.mask.to_full(HEIGHT, WIDTH) ^ drawing.bitmap
    # What lies outside of the image does not flip, and stays.
    frame = target.mask.crop(-140, -140, WIDTH + 140, HEIGHT + 140)
    frame[140 : 140 + HEIGHT, 140 : 140 + WIDTH] = inside
    changed = Shown(target.id, Mask.from_crop(frame, -140, -140), target.style)
    after = [changed if item is target else item for item in shown]
    np.testing.assert_array_equal(overlay.pixels(0), painted(after))
    overlay.end_preview()
    overlay.sync(after)
    assert_identical(overlay, composed(after))
    overlay.set_preview(Preview(target.id, changed.mask, drawing, erase=False, style=target.style, flip=True))
    overlay.set_preview(None)
    assert_identical(overlay, composed(after))
