"""The canvas shows the image and its masks where it says they are, and stays that way however it is moved."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QObject, QPoint, QRect, Qt
from PySide6.QtGui import QColor, QImage, QPaintEvent, QRegion
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.canvas.tone import Tone
from app.canvas.view import CanvasView
from app.session import Session
from app.theme import theme
from app.timeline import Timeline
from app.tools.brush import Brush
from app.tools.select import Select
from engine.geometry.mask import Mask
from engine.images import find_images, read_rgb
from engine.project import commands
from engine.records import Instance

WIDTH, HEIGHT = 160, 120
LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
Add = Callable[..., Instance]
Wheel = Callable[..., None]


def pixels_of(picture: QImage) -> np.ndarray:
    """(H, W, 4) blue, green, red, alpha."""
    picture = picture.convertToFormat(QImage.Format.Format_RGB32)
    return np.array(picture.constBits()).reshape(picture.height(), picture.width(), 4)


def blob(seed: int = 0) -> Mask:
    random = np.random.default_rng(seed)
    return Mask.from_crop(random.random((50, 70)) < 0.8, 40, 30)


@pytest.mark.parametrize("zoom", [4.0, 9.0, 1.0])
def test_the_image_is_painted_where_the_view_says_it_is(canvas: CanvasView, session: Session, zoom: float) -> None:
    assert session.pixels is not None
    canvas.zoom_to(zoom)
    shown = pixels_of(canvas.grab().toImage())
    checked = 0
    for x in range(0, WIDTH, 7):
        for y in range(0, HEIGHT, 7):
            column, row = (int(place) for place in canvas.image_to_widget(x + 0.5, y + 0.5))
            if 0 <= column < canvas.width() and 0 <= row < canvas.height():
                checked += 1
                np.testing.assert_array_equal(shown[row, column, 2::-1], session.pixels[y, x])
    assert checked > 15


def test_masks_are_painted_on_their_own_pixels(canvas: CanvasView, session: Session, add: Add) -> None:
    canvas.zoom_to(8.0)
    bare = pixels_of(canvas.grab().toImage())
    add(blob())
    changed = (pixels_of(canvas.grab().toImage()) != bare).any(axis=2)
    full = blob().to_full(HEIGHT, WIDTH)
    for y in range(HEIGHT):
        for x in range(WIDTH):
            column, row = (int(place) for place in canvas.image_to_widget(x + 0.5, y + 0.5))
            if 0 <= column < canvas.width() and 0 <= row < canvas.height():
                assert changed[row, column] == full[y, x]


@pytest.mark.parametrize("zoom", [0.4, 1.0, 2.0, 2.7, 5.0, 20.0])
def test_repainting_what_changed_gives_what_repainting_everything_gives(
    canvas: CanvasView, session: Session, add: Add, zoom: float
) -> None:
    """What partial repaints left on the screen, against a grab, which paints everything."""
    canvas.zoom_to(zoom)
    canvas.set_tool(Brush())
    assert_screen_is_complete(canvas)
    first = add(blob())
    assert_screen_is_complete(canvas)
    session.select([first.id])
    assert_screen_is_complete(canvas)
    second = add(blob(1), "nucleus")
    canvas.set_hovered(second.id)
    assert_screen_is_complete(canvas)
    session.apply(commands.erase(first, Mask.from_crop(np.ones((20, 20), dtype=bool), 50, 40), (WIDTH, HEIGHT)))
    canvas.set_busy("Predicting…")
    assert_screen_is_complete(canvas)
    x, y = (round(place) for place in canvas.image_to_widget(80, 60))
    QTest.mouseMove(canvas, QPoint(x, y))
    QTest.mousePress(canvas, LEFT, NONE, QPoint(x, y))
    for step in range(1, 5):
        QTest.mouseMove(canvas, QPoint(x + 9 * step, y - 4 * step))
        assert_screen_is_complete(canvas)
    QTest.mouseRelease(canvas, LEFT, NONE, QPoint(x + 36, y - 16))
    assert_screen_is_complete(canvas)
    canvas.set_busy(None)
    canvas.set_hovered(None)
    Timeline(session).undo()
    session.select([])
    assert_screen_is_complete(canvas)


def assert_screen_is_complete(canvas: CanvasView) -> None:
    QApplication.processEvents()
    screen = pixels_of(canvas.screen().grabWindow(canvas.winId()).toImage())[..., :3].astype(int)
    difference = np.abs(screen - pixels_of(canvas.grab().toImage())[..., :3])
    # The ring's antialiasing rounds by where its clip begins.
    assert difference.max() <= 3


def test_a_brush_movement_repaints_its_surroundings_only(canvas: CanvasView, session: Session, add: Add) -> None:
    canvas.set_tool(Brush())
    canvas.brush_size.set(5)
    add(blob())
    QTest.mousePress(canvas, LEFT, NONE, QPoint(150, 120))
    QApplication.processEvents()
    painted = PaintedRegions(canvas)
    QTest.mouseMove(canvas, QPoint(160, 125))
    QApplication.processEvents()
    # A ring of radius 5 at 200 % before and after the step, and the outlines around it.
    assert painted.union.boundingRect().width() <= 50
    assert painted.union.boundingRect().height() <= 45
    assert not painted.union.isEmpty()


class PaintedRegions(QObject):
    """What the widget was asked to paint since."""

    def __init__(self, canvas: CanvasView) -> None:
        super().__init__(canvas)
        self.union = QRegion()
        canvas.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QPaintEvent):
            self.union = self.union.united(event.region())
        return False


def test_a_hidden_or_rejected_instance_is_not_painted(canvas: CanvasView, session: Session, add: Add) -> None:
    bare = canvas.grab().toImage()
    instance = add(blob())
    assert canvas.grab().toImage() != bare
    session.apply(commands.hide([instance]))
    assert canvas.grab().toImage() == bare
    session.apply(commands.show([session.instances[instance.id]]))
    session.set_masks_visible(False)
    assert canvas.grab().toImage() == bare


def test_proposals_below_the_threshold_are_not_painted(
    canvas: CanvasView, session: Session, propose: Callable[..., list[Instance]]
) -> None:
    bare = canvas.grab().toImage()
    propose([blob()], score=0.6)
    shown = canvas.grab().toImage()
    assert shown != bare
    session.set_threshold(0.7)
    assert canvas.grab().toImage() == bare
    session.set_threshold(0.5)
    assert canvas.grab().toImage() == shown


def test_another_colour_of_a_category_is_shown(canvas: CanvasView, session: Session, add: Add) -> None:
    instance = add(Mask.from_crop(np.ones((50, 50), dtype=bool), 40, 30))
    before = canvas.grab().toImage()
    session.apply(commands.recolor_category(session.categories[instance.category_id], "#00ff00"))
    x, y = (round(place) for place in canvas.image_to_widget(60, 50))
    assert canvas.grab().toImage().pixelColor(x, y).green() > before.pixelColor(x, y).green() + 20


def test_proposed_accepted_and_selected_instances_look_different(
    canvas: CanvasView, session: Session, propose: Callable[..., list[Instance]]
) -> None:
    (proposal,) = propose([Mask.from_crop(np.ones((40, 40), dtype=bool), 40, 30)])
    pictures = [canvas.grab().toImage()]
    session.apply(commands.accept([proposal]))
    pictures.append(canvas.grab().toImage())
    session.select([proposal.id])
    pictures.append(canvas.grab().toImage())
    assert pictures[0] != pictures[1]
    x, y = (round(place) for place in canvas.image_to_widget(60, 30))
    column = {pictures[2].pixelColor(x, y + step).name() for step in range(-4, 5)}
    assert {"#ffffff", "#000000"} <= column


def test_a_great_selection_is_shown_too(canvas: CanvasView, session: Session, add: Add) -> None:
    many = [add(Mask.from_crop(np.ones((8, 8), dtype=bool), 2 + 15 * (i % 10), 2 + 15 * (i // 10))) for i in range(60)]
    before = canvas.grab().toImage()
    session.select(instance.id for instance in many)
    QApplication.processEvents()
    selected = canvas.grab().toImage()
    x, y = (round(place) for place in canvas.image_to_widget(6, 2.25))
    assert selected.pixelColor(x, y).lightness() > before.pixelColor(x, y).lightness() + 60
    session.select([])
    QApplication.processEvents()
    assert canvas.grab().toImage() == before


def test_states_without_an_image_are_said_in_words(canvas: CanvasView, session: Session, qtbot: QtBot) -> None:
    pictures = [canvas.grab().toImage()]
    session.step_image(1)
    qtbot.waitUntil(lambda: canvas.grab().toImage() != pictures[0] and inked(canvas) > 50)
    pictures.append(canvas.grab().toImage())
    assert session.image is not None
    session.set_unreadable(session.image.id, "The file is empty.")
    pictures.append(canvas.grab().toImage())
    session.close_project()
    pictures.append(canvas.grab().toImage())
    assert all(one != other for i, one in enumerate(pictures) for other in pictures[i + 1 :])
    assert inked(canvas) > 50


def inked(canvas: CanvasView) -> int:
    """How many pixels are not the background's."""
    background = QColor(theme().color("canvas"))
    shown = pixels_of(canvas.grab().toImage())
    return int((shown[..., :3] != (background.blue(), background.green(), background.red())).any(axis=2).sum())


def test_tools_do_nothing_before_the_pixels_are_there(canvas: CanvasView, session: Session, wheel: Wheel) -> None:
    canvas.set_tool(Select())
    session.step_image(1)
    QTest.mouseMove(canvas, QPoint(100, 100))
    QTest.mouseClick(canvas, LEFT, NONE, QPoint(100, 100))
    wheel(QPoint(100, 100), 120)
    assert not canvas.is_ready


def test_busy_is_shown_over_the_image_and_goes_away(canvas: CanvasView) -> None:
    before = canvas.grab().toImage()
    canvas.set_busy("Predicting…")
    busy = canvas.grab().toImage()
    assert busy != before
    assert busy.copy(QRect(0, 150, 400, 150)) == before.copy(QRect(0, 150, 400, 150))
    canvas.set_busy(None)
    assert canvas.grab().toImage() == before


def test_a_real_photo_is_shown_at_every_zoom(canvas: CanvasView, session: Session, data_root: Path) -> None:
    photo = read_rgb(find_images(data_root / "photos")[0])
    assert session.project is not None
    session.project.add_images([find_images(data_root / "photos")[0]])
    session.reload_images()
    image = list(session.images.values())[-1]
    session.open_image(image.id)
    session.set_pixels(image.id, photo)
    mean = photo.reshape(-1, 3).mean(axis=0)
    for width in (120, 333, 800):
        canvas.resize(width, width)
        canvas.fit()
        x1, y1 = (round(place) for place in canvas.image_to_widget(0, 0))
        x2, y2 = (round(place) for place in canvas.image_to_widget(image.width, image.height))
        shown = pixels_of(canvas.grab().toImage())[y1:y2, x1:x2, 2::-1]
        np.testing.assert_allclose(shown.reshape(-1, 3).mean(axis=0), mean, atol=2.5)


@pytest.mark.parametrize("ratio", [1.0, 1.25, 1.5, 2.0])
@pytest.mark.parametrize("zoom", [1.0, 1.5, 2.0, 4.0])
def test_outlines_are_as_wide_on_every_screen_at_every_zoom(
    canvas: CanvasView, session: Session, add: Add, ratio: float, zoom: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(Mask.from_crop(np.ones((60, 60), dtype=bool), 20, 20))
    session.select([])
    monkeypatch.setattr(CanvasView, "devicePixelRatioF", lambda self: ratio)
    canvas.navigation.set_room((400, 300), ratio)
    canvas.zoom_to(zoom)
    canvas.pan(-canvas.viewport.x, -canvas.viewport.y)
    picture = QImage(round(400 * ratio), round(300 * ratio), QImage.Format.Format_RGB32)
    picture.setDevicePixelRatio(ratio)
    canvas.layers.tone = Tone(brightness=-1.0)
    canvas.display.fill.set(0)
    canvas.render(picture)
    row = pixels_of(picture)[round(50 * zoom), : round(80 * zoom) + 10, :3].any(axis=1)
    widths = {1.0: 2, 1.25: 2, 1.5: 2, 2.0: 3}
    start = math.ceil(20 * zoom - 0.5)
    lit = [x for x in np.flatnonzero(row) if x <= start + 5]
    assert lit == list(range(start - widths[ratio] + 1, start + 1))
