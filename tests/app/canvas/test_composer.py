"""What another thread composes is what is composed at once, whatever happens meanwhile."""

import numpy as np
import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from app.canvas.appearance import Shown, style
from app.canvas.composer import Composer
from app.canvas.layers import Layers
from app.canvas.overlay import AT_ONCE, Overlay
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


def catch_up(overlay: Overlay, level: int = 0) -> None:
    while (work := overlay.begin_piece(level)) is not None:
        work()
        overlay.end_piece()


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
