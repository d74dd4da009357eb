"""Window and level change what an image of more than 8 bits looks like, and nothing else."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image as Picture
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from app.canvas.pyramid import DeepPyramid, Pyramid
from app.jobs.pixels import PixelCache, PixelLoader
from app.panels.window_level import WindowLevelBar
from app.window import MainWindow
from engine.images import apply_window, read_deep, read_rgb
from engine.images.depth import deep_pixels
from engine.project.project import Project

HEIGHT, WIDTH = 90, 120


def values(seed: int = 0) -> np.ndarray:
    """16-bit values from 1000 to some 12,000, with a few at 60,000."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    found = (1000 + 40 * x + 70 * y + np.random.default_rng(seed).integers(0, 300, x.shape)).astype(np.uint16)
    found[:2, :2] = 60_000
    return found


@pytest.fixture
def working(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> MainWindow:
    """The window on two deep images and one of 8 bits."""
    for seed in range(2):
        tifffile.imwrite(tmp_path / f"deep {seed}.tif", values(seed))
    Picture.fromarray((values() >> 8).astype(np.uint8)).save(tmp_path / "shallow.png")
    project = Project.create(tmp_path / "project.maskwright")
    project.add_images([tmp_path / name for name in ("deep 0.tif", "deep 1.tif", "shallow.png")])
    project.close()
    window.projects.open(tmp_path / "project.maskwright")
    qtbot.waitUntil(lambda: window.session.pixels is not None)
    return window


def go_to(qtbot: QtBot, window: MainWindow, place: int) -> None:
    window.session.open_image(window.session.order[place])
    qtbot.waitUntil(lambda: window.session.pixels is not None)


def painted(window: MainWindow) -> np.ndarray:
    """The canvas at 100 %, image point (0, 0) in its corner, as (HEIGHT, WIDTH, 3) RGB."""
    canvas = window.canvas
    canvas.zoom_to(1.0)
    canvas.pan(20 - canvas.viewport.x, 20 - canvas.viewport.y)
    picture = canvas.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    pixels = np.frombuffer(picture.constBits(), np.uint8).reshape(picture.height(), -1)
    return pixels[20 : 20 + HEIGHT, 60 : 3 * (20 + WIDTH)].reshape(HEIGHT, WIDTH, 3)


def test_the_control_is_there_for_deep_images_only(qtbot: QtBot, working: MainWindow) -> None:
    bar = working.workplace.window_level
    assert bar.isVisible()
    go_to(qtbot, working, 2)
    assert not bar.isVisible()
    go_to(qtbot, working, 1)
    assert bar.isVisible()
    working.projects.close()
    assert not bar.isVisible()


def test_the_canvas_shows_the_chosen_window(working: MainWindow) -> None:
    bar = working.workplace.window_level
    np.testing.assert_array_equal(painted(working), working.session.pixels)
    bar.set_window(2000, 3000)
    np.testing.assert_array_equal(painted(working), apply_window(values(), 2000, 3000))
    bar.full.click()
    np.testing.assert_array_equal(painted(working), apply_window(values(), values().min(), values().max()))
    bar.auto.click()
    np.testing.assert_array_equal(painted(working), working.session.pixels)


def test_sliders_and_keys_move_the_window(qtbot: QtBot, working: MainWindow) -> None:
    bar, picture = working.workplace.window_level, working.session.deep
    assert picture is not None
    least, most = picture.image.least, picture.image.most
    bar.width_slider.setValue(bar.width_slider.maximum())
    bar.level_slider.setValue(bar.level_slider.maximum() // 2)
    assert picture.window == pytest.approx((least, most))
    bar.width_slider.setValue(0)
    low, high = picture.window
    assert high - low == pytest.approx((most - least) / 1000)
    before = picture.window
    bar.level_slider.setFocus()
    qtbot.keyClick(bar.level_slider, Qt.Key.Key_Right)
    assert picture.window[0] > before[0]
    assert picture.window[1] - picture.window[0] == pytest.approx(before[1] - before[0])


def test_each_image_keeps_its_window_until_the_project_closes(
    qtbot: QtBot, working: MainWindow, tmp_path: Path
) -> None:
    working.workplace.window_level.set_window(2000, 3000)
    go_to(qtbot, working, 1)
    assert working.session.deep is not None
    found = read_deep(tmp_path / "deep 1.tif")
    assert working.session.deep.window == (found.low, found.high)
    go_to(qtbot, working, 0)
    assert working.session.deep.window == (2000, 3000)
    working.projects.close()
    working.projects.open(tmp_path / "project.maskwright")
    qtbot.waitUntil(lambda: working.session.pixels is not None)
    assert working.session.deep.window != (2000, 3000)


def test_the_model_sees_the_automatic_window(working: MainWindow, tmp_path: Path) -> None:
    working.workplace.window_level.set_window(2000, 3000)
    expected = read_rgb(tmp_path / "deep 0.tif")
    np.testing.assert_array_equal(working.session.pixels, expected)


def test_the_control_names_itself(working: MainWindow) -> None:
    bar: WindowLevelBar = working.workplace.window_level
    for widget in (bar.width_slider, bar.level_slider, bar.auto, bar.full):
        assert widget.accessibleName() and widget.toolTip()


@pytest.mark.parametrize("kind", [np.uint16, np.int16, np.float32, np.float64, np.uint32, np.int8])
@pytest.mark.parametrize("shape", [(301, 517), (301, 517, 3)])
def test_every_level_is_the_mean_seen_through_the_window(shape: tuple[int, ...], kind: type) -> None:
    found = np.random.default_rng(4).integers(-100 if np.dtype(kind).kind == "i" else 0, 100, shape).astype(kind)
    pyramid = DeepPyramid(deep_pixels(found, sampled=False))
    means = found.astype(np.float64)
    for level in range(pyramid.levels):
        shown = pyramid.pixels(level)
        whole = shown[slice(0, None), slice(0, None)].view(np.uint8).reshape(*shown.shape, 4)[:, :, 2::-1]
        # Integers are rounded to whole values at each level, by a half at most.
        slack = 255 * 0.5 * level / (pyramid.window[1] - pyramid.window[0]) + 1
        assert np.abs(whole.astype(int) - apply_window(means, *pyramid.window)).max() <= slack
        padded = np.pad(means, [(0, means.shape[0] % 2), (0, means.shape[1] % 2), (0, 0)][: means.ndim], "edge")
        means = sum(padded[i::2, j::2] for i in (0, 1) for j in (0, 1)) / 4


def test_a_large_image_is_painted_from_disk_with_the_same_pixels(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    """A limit of a few pixels lets an image of 2000 x 2000 take the way of one of 30,000 x 30,000."""
    rgb = np.random.default_rng(0).integers(0, 255, (2000, 2000, 3)).astype(np.uint8)
    Picture.fromarray(rgb).save(tmp_path / "a.png", compress_level=1)
    decoded = PixelCache(large=1000).read(tmp_path / "a.png")
    assert isinstance(decoded.rgb, np.memmap)
    assert decoded.deep is not None
    plain = Pyramid(rgb)
    assert decoded.deep.levels == plain.levels
    for level in range(plain.levels):
        windows = [(slice(0, None), slice(0, None)), (slice(100 >> level, 700 >> level), slice(9, 1500 >> level))]
        for each in windows:
            np.testing.assert_array_equal(decoded.deep.pixels(level)[each], plain.pixels(level)[each])


def test_of_large_images_one_is_kept_and_it_pushes_out_no_others(tmp_path: Path) -> None:
    for name, side in (("small.png", 20), ("large 1.png", 90), ("large 2.png", 91)):
        Picture.fromarray(np.zeros((side, side, 3), dtype=np.uint8)).save(tmp_path / name)
    cache = PixelCache(limit=2000, large=1000)
    for name in ("small.png", "large 1.png", "large 2.png"):
        cache.read(tmp_path / name)
    kept = [name for name in ("small.png", "large 1.png", "large 2.png") if cache.get(tmp_path / name) is not None]
    assert kept == ["small.png", "large 2.png"]


def test_who_asks_for_an_image_that_is_being_decoded_gets_the_same_one(
    qtbot: QtBot, working: MainWindow, tmp_path: Path
) -> None:
    cache = PixelCache()
    loader = PixelLoader(working.session, cache)
    working.session.open_image(working.session.order[1])
    path = tmp_path / "deep 1.tif"
    decoded = cache.read(path)
    qtbot.waitUntil(lambda: working.session.pixels is not None)
    assert cache.read(path) is decoded
    loader.stop()
