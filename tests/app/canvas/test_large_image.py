"""The canvas shows a large image, which lies on disk, exactly as it shows one in memory."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from app.canvas.layers import Layers
from app.canvas.overlay import Overlay
from app.canvas.view import CanvasView
from app.jobs.pixels import PixelCache, PixelLoader, prefetched
from app.session import Session
from app.timeline import Timeline
from app.tools.base import PointerEvent
from app.tools.brush import Brush
from engine.geometry.mask import Mask
from engine.project import commands
from engine.project.project import Project

WIDTH, HEIGHT = 1500, 1100
LARGE = 1000  # pixels: less than the image has


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MASKWRIGHT_HOME", str(tmp_path / "home"))
    pixels = np.random.default_rng(0).integers(0, 255, (HEIGHT, WIDTH, 3)).astype(np.uint8)
    Picture.fromarray(pixels).save(tmp_path / "a.png", compress_level=1)
    return tmp_path


def opened(qtbot: QtBot, folder: Path, large: int) -> CanvasView:
    """A canvas on the image with some masks, read and composed with that limit."""
    project = Project.create(folder / f"{large}.maskwright")
    project.add_images([folder / "a.png"])
    project.apply(commands.add_category(project.new_category_id(), "cell", "#0072b2"))
    session = Session()
    canvas = CanvasView(session)
    qtbot.addWidget(canvas)
    canvas.resize(500, 400)
    canvas.show()
    canvas.layers.overlay = Overlay(large=large)
    loader = PixelLoader(session, PixelCache(large=large))
    session.open_project(project)
    qtbot.waitUntil(lambda: session.pixels is not None)
    loader.stop()
    random = np.random.default_rng(1)
    for _ in range(20):
        x, y = random.integers((0, 0), (WIDTH - 200, HEIGHT - 200))
        mask = Mask.from_crop(random.random((150, 190)) < 0.97, int(x), int(y))
        assert session.image is not None
        category = next(iter(session.categories))
        assert session.apply(commands.draw(project.new_instance_id(), session.image.id, category, mask))
    return canvas


def wait_for(qtbot: QtBot, *canvases: CanvasView) -> None:
    """Until all is composed that another thread composes."""
    qtbot.waitUntil(lambda: not any(canvas.composer.busy for canvas in canvases))


def painted(canvas: CanvasView) -> np.ndarray:
    picture = canvas.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    return np.frombuffer(picture.constBits(), np.uint8).reshape(picture.height(), -1).copy()


def test_views_and_strokes_look_alike(qtbot: QtBot, folder: Path) -> None:
    usual, large = (opened(qtbot, folder, limit) for limit in (10**9, LARGE))
    assert isinstance(large.session.pixels, np.memmap)
    assert not isinstance(usual.session.pixels, np.memmap)
    brushes = Brush(), Brush()
    for canvas, brush in zip((usual, large), brushes, strict=True):
        canvas.set_tool(brush)
    for zoom in (None, 0.11, 0.5, 0.83, 1.0, 2.7, 9.0):
        for canvas in (usual, large):
            canvas.fit() if zoom is None else canvas.zoom_to(zoom)
        np.testing.assert_array_equal(painted(usual), painted(large), err_msg=f"zoom {zoom}")
    for canvas, brush in zip((usual, large), brushes, strict=True):
        canvas.fit()
        canvas.session.select([])
        brush.press(PointerEvent(100, 100))
        brush.release(PointerEvent(1300, 900))
        brush.leave()
    assert len(large.session.instances) == len(usual.session.instances) == 21
    wait_for(qtbot, usual, large)
    np.testing.assert_array_equal(painted(usual), painted(large))
    for canvas in (usual, large):
        Timeline(canvas.session).undo()
    wait_for(qtbot, usual, large)
    np.testing.assert_array_equal(painted(usual), painted(large))
    for canvas in (usual, large):
        canvas.composer.stop()
        canvas.session.close_project()


def test_neighbours_that_are_large_are_not_read_ahead(session: Session) -> None:
    """They would push the current image out of the cache, and each takes minutes and gigabytes."""
    assert session.image is not None
    other = session.order[1]
    assert prefetched(session) == [other]
    session.images[other] = replace(session.images[other], width=30_000, height=30_000)
    assert prefetched(session) == []


def test_masks_that_find_no_room_on_disk_leave_the_words_to_the_reader() -> None:
    layers = Layers()
    layers.resize(1 << 24, 1 << 24)
    assert (layers.overlay.width, layers.overlay.height) == (0, 0)
    layers.resize(30, 20)
    assert (layers.overlay.width, layers.overlay.height) == (30, 20)
