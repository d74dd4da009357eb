"""What another thread composes is what is composed at once, whatever happens meanwhile."""

import numpy as np
import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from app.canvas.appearance import Opacity, Shown, style
from app.canvas.codes import can_draw
from app.canvas.composer import Composer
from app.canvas.layers import Layers
from app.canvas.overlay import AT_ONCE, PIECE_PIXELS, Overlay
from app.canvas.sampling import Placement
from engine.geometry.mask import Mask

WIDTH, HEIGHT = 1703, 1201
LOOK, OTHER_LOOK = style("#0072b2"), style("#e69f00", proposal=True)


def scene(seed: int, count: int = 60) -> list[Shown]:
    random = np.random.default_rng(seed)
    shown = []
    for number in range(1, count + 1):
        height, width = random.integers(20, 400, 2)
        mask = Mask.from_crop(random.random((height, width)) < 0.97, *random.integers(-50, 1500, 2).tolist())
        shown.append(Shown(number, mask, LOOK if number % 2 else OTHER_LOOK))
    return shown


def assert_alike(overlay: Overlay, shown: list[Shown]) -> None:
    """Every level looks as that of an overlay which composes the same in one go."""
    expected = Overlay(WIDTH, HEIGHT)
    expected.sync(shown)
    expected.refresh((0, 0, WIDTH, HEIGHT))
    for level in range(overlay.levels):
        everything = slice(None), slice(None)
        np.testing.assert_array_equal(overlay.pixels(level)[everything], expected.pixels(level)[everything])


def catch_up(overlay: Overlay, level: int = 0) -> int:
    """How many pieces that took."""
    pieces = 0
    while (work := overlay.begin_piece(level)) is not None:
        work()
        overlay.end_piece()
        pieces += 1
    return pieces


@pytest.mark.parametrize("level", [0, 1, 3])
def test_large_changes_wait_and_are_composed_in_pieces(level: int) -> None:
    overlay, shown = Overlay(WIDTH, HEIGHT), scene(0)
    assert WIDTH * HEIGHT > AT_ONCE
    assert overlay.sync(shown) == []
    assert not overlay.pixels(0)[:, :].any()
    catch_up(overlay, level)
    assert_alike(overlay, shown)
    fewer = shown[10:]
    overlay.sync(fewer)
    catch_up(overlay, level)
    assert_alike(overlay, fewer)


def test_announced_masks_are_composed_as_others_are() -> None:
    overlay, shown = Overlay(WIDTH, HEIGHT), scene(1)
    overlay.announce(shown[:40])
    overlay.announce(shown[20:])
    overlay.sync(shown[5:])  # not all of them are shown in the end
    catch_up(overlay)
    assert_alike(overlay, shown[5:])


def test_announced_masks_have_the_opacity_that_was_chosen_meanwhile() -> None:
    overlay, expected, shown = Overlay(WIDTH, HEIGHT), Overlay(WIDTH, HEIGHT), scene(6)
    overlay.announce(shown)
    for each in (overlay, expected):
        each.set_opacity(Opacity(fill=0.9, outline=0.3))
        each.sync(shown)
        catch_up(each)
    np.testing.assert_array_equal(overlay.pixels(0)[:, :], expected.pixels(0)[:, :])


def test_what_changes_again_and_again_while_it_waits_is_composed_once() -> None:
    overlay, everything = Overlay(WIDTH, HEIGHT), scene(7)
    for turn in range(40):  # as a threshold that is dragged back and forth
        shown = everything[30 * (turn % 2) :]
        overlay.sync(shown)
    assert catch_up(overlay) <= 2 * -(-WIDTH * HEIGHT // PIECE_PIXELS) + 1
    assert_alike(overlay, shown)


@pytest.mark.skipif(not can_draw(), reason="installed without a compiler: no kernels")
def test_outlines_of_another_image_of_the_size_do_not_cut_into_those_that_are_shown() -> None:
    overlay, fresh = Overlay(WIDTH, HEIGHT), Overlay(WIDTH, HEIGHT)
    shown = [Shown(1, Mask.from_crop(np.ones((40, 50)), 300, 200), LOOK)]
    random = np.random.default_rng(8)
    overlay.sync([Shown(2, Mask.from_crop(random.random((100, 100)) < 0.5, 270, 170), OTHER_LOOK)])
    overlay.clear()
    frames = []
    for each in (overlay, fresh):
        each.sync(shown)
        catch_up(each)
        frames.append(np.full((150, 150), 0xFF203040, dtype=np.uint32))
        each.draw((0, 0, 150, 150), Placement(1.0, -250.0, -150.0), 3, 10, frames[-1])
    np.testing.assert_array_equal(*frames)


def test_an_edit_while_a_piece_is_composed_is_not_overwritten() -> None:
    overlay, shown = Overlay(WIDTH, HEIGHT), scene(2)
    overlay.sync(shown)
    for turn in range(60):
        work = overlay.begin_piece(0)
        if work is None:
            break
        number = turn % len(shown)
        old = shown[number].mask
        shown[number] = Shown(shown[number].id, Mask.from_crop(old.bitmap[:30, :30], old.x + 3, old.y - 2), LOOK)
        overlay.sync(shown)
        work()  # as things were before the edit
        overlay.end_piece()
    catch_up(overlay)
    assert_alike(overlay, shown)


@pytest.mark.parametrize("level", [0, 2])
def test_pixels_asked_for_while_a_piece_is_composed_do_not_outlast_it(level: int) -> None:
    overlay, shown = Overlay(WIDTH, HEIGHT), scene(9)
    overlay.sync(shown)
    while (work := overlay.begin_piece(level)) is not None:
        for opacity in (Opacity(fill=0.9), Opacity()):  # so that all colours are made anew
            overlay.set_opacity(opacity)
        pixels = overlay.pixels(level)
        assert isinstance(pixels, np.ndarray)
        before = pixels.copy()
        work()
        pixels[...] = before  # as if the thread that paints had been the slower one
        overlay.end_piece()
    assert_alike(overlay, shown)


def test_a_piece_of_another_image_leaves_nothing_behind() -> None:
    overlay, shown = Overlay(WIDTH, HEIGHT), scene(3)
    overlay.sync(scene(4))
    work = overlay.begin_piece(2)
    assert work is not None
    overlay.clear()
    overlay.sync(shown)
    work()
    assert overlay.end_piece() is None
    catch_up(overlay)
    assert_alike(overlay, shown)


def test_the_composer_lets_the_overlay_catch_up(qtbot: QtBot) -> None:
    layers, parent = Layers(), QObject()
    layers.resize(WIDTH, HEIGHT)
    composer = Composer(layers, lambda: 0.4, parent)
    found: list[tuple[int, int, int, int]] = []
    composer.composed.connect(found.append)
    shown = scene(5)
    layers.overlay.sync(shown)
    composer.catch_up()
    qtbot.waitUntil(lambda: bool(found) and found[-1][3] == HEIGHT)
    composer.stop()
    assert {rect[::2] for rect in found} == {(0, WIDTH)}
    assert_alike(layers.overlay, shown)
