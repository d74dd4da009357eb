"""While a key is held the canvas shows something else; when it is let go, or the keyboard goes elsewhere, no longer."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture
from PySide6.QtCore import QEvent, QPoint, QRect, Qt
from PySide6.QtGui import QColor, QImage, QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.canvas.peek import COLOR, Look
from app.canvas.view import CanvasView
from app.session import Session
from app.theme import theme
from app.window import MainWindow
from engine.geometry.mask import Mask
from engine.project import commands
from engine.records import Detection, Instance

KEY, NONE, SHIFT = Qt.Key, Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier
At = Callable[[float, float], QPoint]


def square(x: int, y: int, side: int) -> Mask:
    return Mask.from_crop(np.ones((side, side), dtype=bool), x, y)


def seen(canvas: CanvasView) -> QImage:
    return canvas.grab().toImage()


def color_at(canvas: CanvasView, point: QPoint) -> QColor:
    return seen(canvas).pixelColor(point)


@pytest.fixture
def edited(session: Session, propose: Callable[..., list[Instance]]) -> Instance:
    """A proposal of a square of 40 that a person moved to the right."""
    (proposal,) = propose([square(20, 20, 40)], 0.87)
    session.apply(commands.replace_mask(proposal, square(80, 20, 40)))
    return proposal


def test_the_image_alone_is_as_if_there_were_no_masks(
    canvas: CanvasView, session: Session, edited: Instance, at: At
) -> None:
    session.select([edited.id])
    masked = seen(canvas)
    canvas.peek.start(Look.IMAGE)
    bare = seen(canvas)
    session.set_masks_visible(False)
    session.select([])
    below_pill = QRect(0, 60, canvas.width(), canvas.height() - 60)
    assert bare.copy(below_pill) == seen(canvas).copy(below_pill)
    session.set_masks_visible(True)
    session.select([edited.id])
    canvas.peek.end()
    assert seen(canvas) == masked


def test_masks_alone_lie_on_a_plain_ground(canvas: CanvasView, edited: Instance, at: At) -> None:
    inside = color_at(canvas, at(100, 40))
    canvas.peek.start(Look.MASKS)
    assert color_at(canvas, at(30, 100)) == theme().color("surface")
    assert color_at(canvas, at(150, 110)) == theme().color("surface")
    assert color_at(canvas, at(100, 40)) not in (inside, theme().color("surface"))


def test_the_models_proposal_is_outlined_where_it_was(
    canvas: CanvasView, session: Session, edited: Instance, at: At
) -> None:
    canvas.peek.start(Look.ORIGINAL)
    for x, y in ((20, 40), (60, 40), (40, 60)):
        assert color_at(canvas, at(x, y)) == COLOR
    assert color_at(canvas, at(120, 40)) != COLOR
    assert canvas.peek.words is not None
    assert "cell, score 0.87" in canvas.peek.words
    canvas.peek.end()
    assert color_at(canvas, at(20, 40)) != COLOR


def test_what_is_selected_is_asked_for_and_what_was_drawn_has_no_proposal(
    canvas: CanvasView, session: Session, edited: Instance, add: Callable[..., Instance], at: At
) -> None:
    drawn = add(square(100, 80, 20))
    session.select([drawn.id])
    canvas.peek.start(Look.ORIGINAL)
    assert color_at(canvas, at(20, 40)) != COLOR
    assert canvas.peek.words is not None
    assert "nothing" in canvas.peek.words


def test_another_image_ends_a_look(canvas: CanvasView, session: Session, edited: Instance) -> None:
    canvas.peek.start(Look.ORIGINAL)
    session.step_image(1)
    assert canvas.peek.look is None


# -- the keys


@pytest.fixture
def working(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> MainWindow:
    folder = tmp_path / "pictures"
    folder.mkdir()
    Picture.fromarray(np.full((120, 160, 3), 60, dtype=np.uint8)).save(folder / "picture.png")
    assert window.projects.open_folder(folder)
    qtbot.waitUntil(lambda: window.session.pixels is not None)
    image, mask = window.session.image, square(20, 20, 40)
    assert image is not None
    window.session.set_proposals(image.id, [Detection(0, "cell", 0.9, (20.0, 20.0, 60.0, 60.0), mask)], "checkpoint")
    window.canvas.setFocus()
    qtbot.waitUntil(window.canvas.hasFocus)
    return window


def repeat(canvas: CanvasView, key: Qt.Key) -> None:
    """What a key that is held sends."""
    for kind in (QEvent.Type.KeyRelease, QEvent.Type.KeyPress):
        QApplication.sendEvent(canvas, QKeyEvent(kind, key, NONE, "", True))


@pytest.mark.parametrize(
    ("key", "modifiers", "look"),
    [(KEY.Key_Q, NONE, Look.IMAGE), (KEY.Key_Q, SHIFT, Look.MASKS), (KEY.Key_O, NONE, Look.ORIGINAL)],
)
def test_a_look_lasts_while_its_key_is_held(
    working: MainWindow, key: Qt.Key, modifiers: Qt.KeyboardModifier, look: Look
) -> None:
    canvas = working.canvas
    before = seen(canvas)
    QTest.keyPress(canvas, key, modifiers)
    assert canvas.peek.look is look
    changes: list[None] = []
    canvas.peek.changed.connect(lambda: changes.append(None))
    for _ in range(3):
        repeat(canvas, key)
    assert canvas.peek.look is look
    assert changes == []
    QTest.keyRelease(canvas, key)
    assert canvas.peek.look is None
    assert seen(canvas) == before


def test_a_look_ends_where_the_keyboard_goes_elsewhere(qtbot: QtBot, working: MainWindow) -> None:
    QTest.keyPress(working.canvas, KEY.Key_Q)
    working.images.field.setFocus()
    qtbot.waitUntil(lambda: working.canvas.peek.look is None)
    QTest.keyClick(working.images.field, KEY.Key_Q)
    assert working.images.field.text() == "q"
    assert working.canvas.peek.look is None
