"""Display settings change what is seen and nothing else, and are there again after a restart."""

from collections.abc import Callable
from itertools import pairwise

import cv2
import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.canvas.appearance import Opacity, Shown, style
from app.canvas.display import DisplaySettings
from app.canvas.overlay import Overlay
from app.canvas.palettes import OKABE_ITO, Coloring, color_of, score_color
from app.canvas.pyramid import DeepPyramid
from app.canvas.rects import Rect
from app.canvas.tone import Channel, Tone
from app.canvas.view import CanvasView
from app.panels.display import NumberSlider
from app.preferences import Preferences
from app.session import Session
from app.window import MainWindow
from engine.geometry.mask import Mask
from engine.images import DeepPixels, apply_window
from engine.records import Instance

TONES = (
    Tone(brightness=0.3),
    Tone(contrast=-0.7, gamma=2.2),
    Tone(gamma=0.4, inverted=True),
    Tone(channel=Channel.GREEN, contrast=1.0),
    Tone(channel=Channel.LUMINANCE, inverted=True),
)
Add = Callable[..., Instance]


def toned(rgb: np.ndarray, tone: Tone) -> np.ndarray:
    """The oracle: RGB (..., 3) as it is to be seen, in floating point."""
    if tone.channel is Channel.LUMINANCE:
        rgb = np.repeat(cv2.cvtColor(rgb.reshape(1, -1, 3), cv2.COLOR_RGB2GRAY).reshape(*rgb.shape[:-1], 1), 3, axis=-1)
    elif tone.channel is not Channel.ALL:
        place = ("red", "green", "blue").index(tone.channel)
        rgb = np.repeat(rgb[..., place : place + 1], 3, axis=-1)
    values = (((rgb / 255.0) ** (1 / tone.gamma)) - 0.5) * 4**tone.contrast + 0.5 + tone.brightness
    values = np.clip(values, 0, 1)
    return 255 * (1 - values if tone.inverted else values)


def look_closely(canvas: CanvasView) -> None:
    """400 %, image point (10, 5) at the canvas's corner."""
    canvas.zoom_to(4.0)
    canvas.pan(-40 - canvas.viewport.x, -20 - canvas.viewport.y)


def choose(canvas: CanvasView, tone: Tone) -> None:
    canvas.display.set_settings(
        DisplaySettings(
            brightness=100 * tone.brightness,
            contrast=100 * tone.contrast,
            gamma=tone.gamma,
            channel=tone.channel,
            inverted=tone.inverted,
        )
    )


def pixels_of(picture: QImage) -> np.ndarray:
    """(H, W, 3) red, green, blue."""
    picture = picture.convertToFormat(QImage.Format.Format_RGB32)
    return np.array(picture.constBits()).reshape(picture.height(), picture.width(), 4)[..., 2::-1]


@pytest.mark.parametrize("tone", TONES)
def test_the_drawn_image_is_adjusted_and_its_data_is_not(canvas: CanvasView, session: Session, tone: Tone) -> None:
    pixels = session.pixels
    assert pixels is not None
    before = pixels.tobytes()
    look_closely(canvas)
    plain = pixels_of(canvas.grab().toImage())
    choose(canvas, tone)
    seen = pixels_of(canvas.grab().toImage())
    x, y = (int(place) for place in canvas.image_to_widget(20, 10))
    np.testing.assert_allclose(seen[y : y + 100, x : x + 200], toned(plain[y : y + 100, x : x + 200], tone), atol=1)
    assert session.pixels is pixels
    assert pixels.tobytes() == before
    canvas.display.reset_image()
    np.testing.assert_array_equal(pixels_of(canvas.grab().toImage()), plain)


def test_deep_images_are_adjusted_after_their_window(canvas: CanvasView, session: Session) -> None:
    values = (np.arange(160 * 120).reshape(120, 160) % 4096).astype(np.uint16)
    deep = DeepPyramid(DeepPixels(values, 100.0, 3000.0, 0.0, 4095.0))
    assert session.image is not None
    session.set_pixels(session.image.id, deep.image.rgb(), deep)
    deep.window = (500.0, 2500.0)
    look_closely(canvas)
    tone = Tone(gamma=0.5, inverted=True)
    choose(canvas, tone)
    x, y = (int(place) for place in canvas.image_to_widget(30, 20))
    seen = pixels_of(canvas.grab().toImage())[y + 2 : y + 42 : 4, x + 2 : x + 82 : 4]
    window = apply_window(values[20:30, 30:50], 500.0, 2500.0)
    np.testing.assert_allclose(seen, toned(window, tone), atol=1)
    assert values[0, 5] == 5


def test_a_repaint_of_a_part_is_adjusted_too(canvas: CanvasView) -> None:
    choose(canvas, TONES[2])
    QApplication.processEvents()
    canvas.update_image_rect((20, 20, 60, 50))
    QApplication.processEvents()
    screen = pixels_of(canvas.screen().grabWindow(canvas.winId()).toImage())
    np.testing.assert_array_equal(screen, pixels_of(canvas.grab().toImage()))


class Watched(Overlay):
    """Counts what is composed."""

    composed = 0

    def refresh(self, rect: Rect) -> Rect | None:
        self.composed += 1
        return super().refresh(rect)


def scene(coloring: int) -> list[Shown]:
    random = np.random.default_rng(0)
    masks = [Mask.from_crop(random.random((60, 50)) < 0.9, *random.integers(-20, 300, 2).tolist()) for _ in range(20)]
    return [Shown(i, mask, style(OKABE_ITO[(i * coloring) % 7], i % 2 == 0)) for i, mask in enumerate(masks)]


def test_other_colours_and_opacities_compose_nothing_and_look_like_composed_anew() -> None:
    overlay = Watched(340, 310)
    overlay.sync(scene(1))
    for level in range(overlay.levels):
        overlay.pixels(level)
    before = overlay.composed
    overlay.set_opacity(Opacity(0.7, 0.2))
    assert overlay.sync(scene(3))
    assert overlay.composed == before
    anew = Overlay(340, 310)
    anew.set_opacity(Opacity(0.7, 0.2))
    anew.sync(scene(3))
    for level in range(overlay.levels):
        np.testing.assert_array_equal(overlay.pixels(level), anew.pixels(level))


def test_masks_are_coloured_by_what_was_chosen(
    canvas: CanvasView, session: Session, add: Add, propose: Callable[..., list[Instance]]
) -> None:
    drawn = add(Mask.from_crop(np.ones((30, 30), dtype=bool), 10, 10))
    low, high = (
        propose([Mask.from_crop(np.ones((30, 30), dtype=bool), x, 60)], score=score)[0]
        for x, score in ((60, 0.55), (100, 0.95))
    )
    category = session.categories[drawn.category_id]
    colors = {coloring: [color_of(each, category, coloring) for each in (drawn, low, high)] for coloring in Coloring}
    assert len(set(colors[Coloring.CATEGORY])) == 1
    assert len(set(colors[Coloring.INSTANCE])) == 3
    assert len(set(colors[Coloring.SCORE])) == 3
    assert colors[Coloring.STATUS][1] == colors[Coloring.STATUS][2] != colors[Coloring.STATUS][0]
    pictures = []
    for coloring in Coloring:
        canvas.display.coloring.set(coloring)
        pictures.append(canvas.grab().toImage())
    assert all(one != other for i, one in enumerate(pictures) for other in pictures[i + 1 :])


def test_no_fill_and_no_outline_leave_the_bare_image(canvas: CanvasView, session: Session, add: Add) -> None:
    bare = canvas.grab().toImage()
    add(Mask.from_crop(np.ones((30, 30), dtype=bool), 10, 10))
    session.select([])
    assert canvas.grab().toImage() != bare
    canvas.display.fill.set(0)
    canvas.display.outline.set(0)
    assert canvas.grab().toImage() == bare


def test_the_first_colour_is_not_red_and_scores_grow_lighter() -> None:
    red, green, blue = (int(OKABE_ITO[0][place : place + 2], 16) for place in (1, 3, 5))
    assert red < max(green, blue)
    colors = [score_color(score) for score in np.linspace(0, 1, 41)]
    lightness = [
        sum(weight * int(color[place : place + 2], 16) for weight, place in ((0.2126, 1), (0.7152, 3), (0.0722, 5)))
        for color in colors
    ]
    assert all(one < other for one, other in pairwise(lightness))


def test_the_panel_opens_changes_resets_and_closes_by_keyboard(window: MainWindow, qtbot: QtBot) -> None:
    panel, display = window.viewing.panel, window.canvas.display
    action = window.actions_["display"]
    action.setEnabled(True)
    window.pages.setCurrentWidget(window.workplace)
    action.trigger()
    assert panel.isVisible() and action.isChecked()
    sliders = {each.accessibleName(): each for each in panel.findChildren(NumberSlider)}
    assert set(sliders) == {"Fill", "Outline", "Brightness", "Contrast", "Gamma"}
    assert all(each.toolTip() for each in sliders.values())
    QTest.keyClick(sliders["Gamma"], Qt.Key.Key_Right)
    assert display.gamma.value > 1
    QTest.mouseDClick(sliders["Gamma"], Qt.MouseButton.LeftButton)
    assert display.gamma.value == 1
    sliders["Brightness"].setValue(30)
    assert display.brightness.value == 30
    assert panel.reset_button.isEnabled()
    QTest.mouseClick(panel.reset_button, Qt.MouseButton.LeftButton)
    assert display.tone.is_neutral
    assert not panel.reset_button.isEnabled()
    QTest.keyClick(sliders["Gamma"], Qt.Key.Key_Escape)
    assert not panel.isVisible() and not action.isChecked()


def test_an_adjusted_view_is_seen_on_its_icon(window: MainWindow) -> None:
    def shown() -> QImage:
        return window.actions_["display"].icon().pixmap(20, 20).toImage()

    neutral = shown()
    window.viewing.handlers()["invert"]()
    assert window.actions_["invert"].isChecked()
    assert shown() != neutral
    window.viewing.handlers()["reset_display"]()
    assert not window.actions_["invert"].isChecked()
    assert shown() == neutral


def test_settings_are_remembered_and_unreadable_ones_are_the_usual(window: MainWindow) -> None:
    chosen = DisplaySettings(20, 60, Coloring.SCORE, 10, -20, 1.5, Channel.RED, True)
    window.canvas.display.set_settings(chosen)
    assert Preferences().display == chosen
    preferences = Preferences()
    for name, value in (("gamma", "nan"), ("channel", "infrared"), ("fill", "much")):
        preferences._settings.setValue(f"display/{name}", value)
    read = preferences.display
    assert (read.gamma, read.channel, read.fill, read.outline) == (1.0, Channel.ALL, 38.0, 60.0)
