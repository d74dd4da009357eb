"""The magic wand with real mouse and keys: what is stored is what a walk from pixel to pixel finds."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.canvas.view import CanvasView
from app.session import Session
from app.timeline import Timeline
from app.tools.select import Select
from app.tools.wand import BRIGHTNESS, MOST_PIXELS, Wand, looked_at
from engine.geometry.mask import Bitmap, Mask
from engine.geometry.regions import brightness, without_small_holes
from engine.project.edit import Action
from engine.records import Instance
from tests.app.tools.test_painting_tools import stored
from tests.engine.geometry.test_regions import walked

WIDTH, HEIGHT = 160, 120
LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
CONTROL = Qt.KeyboardModifier.ControlModifier
Add = Callable[..., Instance]
At = Callable[[float, float], QPoint]


@pytest.fixture
def pixels(session: Session) -> NDArray[np.uint8]:
    """A bright disc with a dark spot, a second one, and a slow gradient behind them."""
    assert session.image is not None
    rows, columns = np.indices((HEIGHT, WIDTH))
    values = np.random.default_rng(3).integers(0, 8, (HEIGHT, WIDTH, 3))
    values += (columns // 4)[..., None]
    for x, y in ((50, 60), (120, 40)):
        values[np.hypot(columns - x, rows - y) < 25] += [120, 60, 10]
    values[58:60, 50:52] = 0
    image = values.astype(np.uint8)
    session.set_pixels(session.image.id, image)
    return image


@pytest.fixture
def wand(canvas: CanvasView) -> Wand:
    tool = Wand()
    canvas.set_tool(tool)
    return tool


@pytest.fixture
def settle(qtbot: QtBot, canvas: CanvasView) -> Callable[[], None]:
    """Waits until nothing is at work."""
    return lambda: qtbot.waitUntil(lambda: not canvas.work.running)


def click(canvas: CanvasView, point: QPoint, modifiers: Qt.KeyboardModifier = NONE) -> None:
    QTest.mousePress(canvas, LEFT, modifiers, point)
    QTest.mouseRelease(canvas, LEFT, modifiers, point)


def test_a_click_marks_the_connected_region_of_like_pixels(
    canvas: CanvasView,
    session: Session,
    wand: Wand,
    pixels: NDArray[np.uint8],
    at: At,
    settle: Callable[[], None],
) -> None:
    click(canvas, at(40, 60))
    settle()
    (instance,) = session.instances.values()
    expected = walked(pixels, (40, 60), 24)
    assert 1000 < expected.sum() < 3000
    np.testing.assert_array_equal(stored(session, instance.id), expected)
    assert session.selection == (instance.id,)
    assert session.project is not None
    Timeline(session).undo()
    assert session.instances == {}


def test_every_like_pixel_in_view_is_marked_where_they_need_not_be_connected(
    canvas: CanvasView,
    session: Session,
    wand: Wand,
    pixels: NDArray[np.uint8],
    at: At,
    settle: Callable[[], None],
) -> None:
    wand.joined.set(False)
    click(canvas, at(40, 60))
    settle()
    (instance,) = session.instances.values()
    differs = np.abs(pixels.astype(int) - pixels[60, 40].astype(int)).max(axis=2)
    assert canvas.viewport.to_image(canvas.width(), canvas.height()) > (WIDTH, HEIGHT)
    np.testing.assert_array_equal(stored(session, instance.id), differs <= 24)
    canvas.zoom_to(4.0)
    canvas.pan(40 - canvas.viewport.x, 30 - canvas.viewport.y)  # the right and the lower part are out of view now
    session.select([])
    click(canvas, at(40, 60))
    settle()
    seen = np.zeros((HEIGHT, WIDTH), dtype=bool)
    seen[:68, :90] = True
    np.testing.assert_array_equal(stored(session, session.selection[0]), (differs <= 24) & seen)


def test_brightness_alone_is_compared_where_wanted(
    canvas: CanvasView,
    session: Session,
    wand: Wand,
    pixels: NDArray[np.uint8],
    at: At,
    settle: Callable[[], None],
) -> None:
    wand.by.set(BRIGHTNESS)
    wand.tolerance.set(6)
    click(canvas, at(40, 60))
    settle()
    expected = walked(brightness(pixels), (40, 60), 6)
    np.testing.assert_array_equal(stored(session, session.selection[0]), expected)
    assert (expected != walked(pixels, (40, 60), 6)).any()


def test_small_holes_are_filled_where_wanted(
    canvas: CanvasView,
    session: Session,
    wand: Wand,
    pixels: NDArray[np.uint8],
    at: At,
    settle: Callable[[], None],
) -> None:
    wand.filled.set(True)
    click(canvas, at(40, 60))
    settle()
    expected = without_small_holes(walked(pixels, (40, 60), 24))
    assert expected[58, 50]
    np.testing.assert_array_equal(stored(session, session.selection[0]), expected)


def shown(wand: Wand) -> Bitmap:
    assert wand._growing is not None
    assert wand._growing.result is not None
    return wand._growing.result.mask.to_full(HEIGHT, WIDTH)


def test_dragging_to_the_right_marks_more_and_shows_it_before_anything_is_stored(
    canvas: CanvasView,
    session: Session,
    wand: Wand,
    pixels: NDArray[np.uint8],
    at: At,
    settle: Callable[[], None],
) -> None:
    press = at(40, 60)
    QTest.mousePress(canvas, LEFT, NONE, press)
    settle()
    np.testing.assert_array_equal(shown(wand), walked(pixels, (40, 60), 24))
    bare = canvas.grab().toImage()
    for step in (30, 150, 300):
        QTest.mouseMove(canvas, press + QPoint(step, 0))
        settle()
        np.testing.assert_array_equal(shown(wand), walked(pixels, (40, 60), 24 + step // 2))
    assert canvas.grab().toImage() != bare
    QTest.mouseMove(canvas, press - QPoint(30, 0))
    settle()
    assert session.instances == {}
    QTest.mouseRelease(canvas, LEFT, NONE, press - QPoint(30, 0))
    settle()
    np.testing.assert_array_equal(stored(session, session.selection[0]), walked(pixels, (40, 60), 9))
    assert wand.tolerance.value == 9


def test_with_control_the_region_is_taken_away_and_it_is_one_step_of_the_history(
    canvas: CanvasView,
    session: Session,
    wand: Wand,
    pixels: NDArray[np.uint8],
    add: Add,
    at: At,
    settle: Callable[[], None],
) -> None:
    block = np.zeros((HEIGHT, WIDTH), dtype=bool)
    block[20:100, 10:90] = True
    instance = add(Mask.from_full(block))
    session.select([instance.id])
    assert session.project is not None
    entries = len(session.project.history())
    click(canvas, at(40, 60), CONTROL)
    settle()
    np.testing.assert_array_equal(stored(session, instance.id), block & ~walked(pixels, (40, 60), 24))
    assert len(session.project.history()) == entries + 1
    assert session.project.history(1)[0].action is Action.WAND


def test_a_region_is_added_to_the_selected_instance(
    canvas: CanvasView,
    session: Session,
    wand: Wand,
    pixels: NDArray[np.uint8],
    add: Add,
    at: At,
    settle: Callable[[], None],
) -> None:
    block = np.zeros((HEIGHT, WIDTH), dtype=bool)
    block[100:115, 10:40] = True
    instance = add(Mask.from_full(block))
    session.select([instance.id])
    click(canvas, at(40, 60))
    settle()
    np.testing.assert_array_equal(stored(session, instance.id), block | walked(pixels, (40, 60), 24))


def test_a_click_is_not_lost_to_one_that_comes_before_it_is_worked_out(
    canvas: CanvasView,
    session: Session,
    wand: Wand,
    pixels: NDArray[np.uint8],
    at: At,
    settle: Callable[[], None],
) -> None:
    canvas.marking.fresh.set(True)
    click(canvas, at(40, 60))
    click(canvas, at(120, 30))
    canvas.set_tool(Select())
    settle()
    found = [stored(session, number) for number in sorted(session.instances)]
    np.testing.assert_array_equal(found, [walked(pixels, seed, 24) for seed in ((40, 60), (120, 30))])


@pytest.mark.parametrize("at_work", [False, True])
def test_escape_drops_the_region_and_the_change_of_tolerance(
    canvas: CanvasView,
    session: Session,
    wand: Wand,
    pixels: NDArray[np.uint8],
    at: At,
    settle: Callable[[], None],
    at_work: bool,
) -> None:
    QTest.mousePress(canvas, LEFT, NONE, at(40, 60))
    QTest.mouseMove(canvas, at(70, 60))
    if not at_work:
        settle()
    QTest.keyClick(canvas, Qt.Key.Key_Escape)
    QTest.mouseRelease(canvas, LEFT, NONE, at(70, 60))
    settle()
    assert session.instances == {}
    assert wand.tolerance.value == 24


def test_enter_stores_the_region_while_the_button_is_down(
    canvas: CanvasView,
    session: Session,
    wand: Wand,
    pixels: NDArray[np.uint8],
    at: At,
    settle: Callable[[], None],
) -> None:
    QTest.mousePress(canvas, LEFT, NONE, at(40, 60))
    QTest.keyClick(canvas, Qt.Key.Key_Return)
    settle()
    QTest.mouseMove(canvas, at(90, 60))
    QTest.mouseRelease(canvas, LEFT, NONE, at(90, 60))
    settle()
    (instance,) = session.instances.values()
    np.testing.assert_array_equal(stored(session, instance.id), walked(pixels, (40, 60), 24))


def test_another_image_before_the_region_is_found_leaves_both_alone_and_says_so(
    canvas: CanvasView, session: Session, wand: Wand, pixels: NDArray[np.uint8], at: At, qtbot: QtBot
) -> None:
    click(canvas, at(40, 60))
    with qtbot.waitSignal(session.notice):
        session.step_image(1)
    session.step_image(-1)
    assert session.instances == {}


def test_a_press_beside_the_image_does_nothing(
    canvas: CanvasView, session: Session, wand: Wand, pixels: NDArray[np.uint8], at: At
) -> None:
    click(canvas, at(-10, 30))
    assert not canvas.work.running
    assert session.instances == {}


def test_control_and_the_wheel_change_the_tolerance(
    canvas: CanvasView, wand: Wand, pixels: NDArray[np.uint8], at: At, wheel: Callable[..., None]
) -> None:
    zoom = canvas.zoom
    wheel(at(50, 50), 120, CONTROL)
    assert (wand.tolerance.value, canvas.zoom) == (26, zoom)


def test_the_fill_is_painted_just_where_the_region_is(
    canvas: CanvasView, wand: Wand, pixels: NDArray[np.uint8], at: At, settle: Callable[[], None]
) -> None:
    before = canvas.grab().toImage()
    QTest.mousePress(canvas, LEFT, NONE, at(40, 60))
    settle()
    after = canvas.grab().toImage()
    expected = walked(pixels, (40, 60), 24)
    for y in range(0, HEIGHT, 3):
        for x in range(0, WIDTH, 3):
            point = at(x + 0.5, y + 0.5)
            assert (before.pixelColor(point) != after.pixelColor(point)) == expected[y, x], (x, y)


def test_what_is_looked_at_is_bounded_and_holds_the_seed() -> None:
    view = (100, 200, 1100, 900)
    assert looked_at((4096, 4096), view, (500, 500), True) == (0, 0, 4096, 4096)
    assert looked_at((4096, 4096), view, (500, 500), False) == view
    assert looked_at((60000, 60000), view, (500, 500), True) == (0, 0, 1600, 1250)
    x1, y1, x2, y2 = looked_at((60000, 60000), (0, 0, 60000, 60000), (59000, 100), True)
    assert (x2 - x1) * (y2 - y1) <= MOST_PIXELS
    assert x1 <= 59000 < x2 <= 60000 and y1 <= 100 < y2
