"""GrabCut with real mouse and keys: what is stored is what OpenCV's call gives for the box and the strokes."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.canvas.view import CanvasView
from app.session import Session
from app.tools.grab_cut import GrabCut
from app.tools.select import Select
from engine.geometry.mask import Bitmap, Mask
from engine.project import commands
from engine.project.edit import Action
from engine.records import Instance, InstanceState
from tests.app.tools.test_painting_tools import drag, stored, within

WIDTH, HEIGHT = 160, 120
LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
CONTROL = Qt.KeyboardModifier.ControlModifier
Add = Callable[..., Instance]
At = Callable[[float, float], QPoint]
BOX = (30, 30, 90, 90)
MARGIN = 15


@pytest.fixture
def pixels(session: Session) -> NDArray[np.uint8]:
    """A bright disc around (60, 60) on a dark, noisy ground."""
    assert session.image is not None
    values = np.random.default_rng(3).integers(20, 70, (HEIGHT, WIDTH, 3))
    values[disc()] += [120, 60, 20]
    image = values.astype(np.uint8)
    session.set_pixels(session.image.id, image)
    return image


def disc() -> Bitmap:
    rows, columns = np.indices((HEIGHT, WIDTH)) + 0.5
    return np.hypot(columns - 60, rows - 60) < 22


def block(x1: int, y1: int, x2: int, y2: int) -> Bitmap:
    bitmap = np.zeros((HEIGHT, WIDTH), dtype=bool)
    bitmap[y1:y2, x1:x2] = True
    return bitmap


def grabbed(
    pixels: NDArray[np.uint8], labels: NDArray[np.uint8], window: tuple[int, int, int, int], rect: bool = False
) -> Bitmap:
    """The oracle: OpenCV's call on the crop, with a rectangle where wanted."""
    x1, y1, x2, y2 = window
    crop, own = np.ascontiguousarray(pixels[y1:y2, x1:x2]), labels[y1:y2, x1:x2].copy()
    box = (BOX[0] - x1, BOX[1] - y1, BOX[2] - BOX[0], BOX[3] - BOX[1])
    cv2.setRNGSeed(0)
    mode = cv2.GC_INIT_WITH_RECT if rect else cv2.GC_INIT_WITH_MASK
    cv2.grabCut(crop, own, box, np.zeros((1, 65)), np.zeros((1, 65)), 5, mode)
    result = np.zeros((HEIGHT, WIDTH), dtype=bool)
    result[y1:y2, x1:x2] = own % 2 == 1
    return result


def box_only() -> NDArray[np.uint8]:
    return np.where(block(*BOX), cv2.GC_PR_FGD, cv2.GC_BGD).astype(np.uint8)


@pytest.fixture
def tool(canvas: CanvasView) -> GrabCut:
    """Without what it does beyond OpenCV's call."""
    made = GrabCut()
    made.solid.set(False)
    made.tidy.set(False)
    canvas.brush_size.set(2)
    canvas.set_tool(made)
    return made


@pytest.fixture
def settle(qtbot: QtBot, canvas: CanvasView) -> Callable[[], None]:
    """Waits until nothing is at work."""
    return lambda: qtbot.waitUntil(lambda: not canvas.work.running)


@pytest.fixture
def boxed(
    canvas: CanvasView, tool: GrabCut, pixels: NDArray[np.uint8], at: At, settle: Callable[[], None]
) -> NDArray[np.uint8]:
    """The box is drawn and its object found; gives the pixels."""
    drag(canvas, [at(*BOX[:2]), at(70, 50), at(*BOX[2:])])
    settle()
    return pixels


WINDOW = (BOX[0] - MARGIN, BOX[1] - MARGIN, BOX[2] + MARGIN, BOX[3] + MARGIN)


def shown(tool: GrabCut) -> Bitmap:
    assert tool._cut is not None
    assert tool._cut.result is not None
    return tool._cut.result.mask.to_full(HEIGHT, WIDTH)


def test_a_box_shows_what_opencvs_call_finds_and_enter_stores_it_as_one_instance(
    canvas: CanvasView, session: Session, tool: GrabCut, boxed: NDArray[np.uint8]
) -> None:
    assert session.project is not None
    expected = grabbed(boxed, box_only(), WINDOW, rect=True)
    assert (expected & disc()).sum() > 0.9 * (expected | disc()).sum()
    np.testing.assert_array_equal(shown(tool), expected)
    assert session.instances == {}
    entries = len(session.project.history())
    QTest.keyClick(canvas, Qt.Key.Key_Return)
    (instance,) = session.instances.values()
    np.testing.assert_array_equal(stored(session, instance.id), expected)
    assert len(session.project.history()) == entries + 1
    assert (instance.state, session.selection) == (InstanceState.ACCEPTED, (instance.id,))


def test_strokes_say_what_belongs_and_with_control_what_does_not(
    canvas: CanvasView,
    session: Session,
    tool: GrabCut,
    boxed: NDArray[np.uint8],
    at: At,
    settle: Callable[[], None],
) -> None:
    drag(canvas, [at(60, 35), at(75, 35)])
    settle()
    drag(canvas, [at(50, 60), at(58, 60)], CONTROL)
    settle()
    labels = box_only()
    labels[within([(60, 35), (75, 35)], 2)] = cv2.GC_FGD
    labels[within([(50, 60), (58, 60)], 2)] = cv2.GC_BGD
    QTest.keyClick(canvas, Qt.Key.Key_Return)
    (instance,) = session.instances.values()
    expected = grabbed(boxed, labels, WINDOW)
    np.testing.assert_array_equal(stored(session, instance.id), expected)
    assert expected[35, 60:75].all() and not expected[60, 50:58].any()


def test_backspace_takes_the_last_stroke_back(
    canvas: CanvasView, tool: GrabCut, boxed: NDArray[np.uint8], at: At, settle: Callable[[], None]
) -> None:
    before = shown(tool)
    drag(canvas, [at(50, 60), at(58, 60)], CONTROL)
    settle()
    assert (shown(tool) != before).any()
    QTest.keyClick(canvas, Qt.Key.Key_Backspace)
    settle()
    np.testing.assert_array_equal(shown(tool), before)


def test_strokes_on_the_selected_instance_correct_its_mask(
    canvas: CanvasView,
    session: Session,
    tool: GrabCut,
    pixels: NDArray[np.uint8],
    add: Add,
    at: At,
    settle: Callable[[], None],
) -> None:
    assert session.project is not None
    wrong = block(44, 44, 84, 84)
    instance = add(Mask.from_full(wrong))
    session.select([instance.id])
    drag(canvas, [at(42, 60), at(50, 60)])
    settle()
    margin = 10
    labels = np.where(wrong, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    labels[within([(42, 60), (50, 60)], 2)] = cv2.GC_FGD
    expected = grabbed(pixels, labels, (40 - margin, 44 - margin, 84 + margin, 84 + margin))
    np.testing.assert_array_equal(shown(tool), expected)
    assert canvas.layers.overlay.shown_mask(instance.id).is_empty  # the result stands in its place
    QTest.keyClick(canvas, Qt.Key.Key_Return)
    np.testing.assert_array_equal(stored(session, instance.id), expected)
    assert canvas.layers.overlay.shown_mask(instance.id) == Mask.from_full(expected)
    assert session.project.history(1)[0].action is Action.GRAB_CUT
    assert (expected & disc()).sum() > 0.9 * (expected | disc()).sum()


def test_a_box_beside_the_selected_instance_begins_a_new_one(
    canvas: CanvasView,
    session: Session,
    tool: GrabCut,
    pixels: NDArray[np.uint8],
    add: Add,
    at: At,
    settle: Callable[[], None],
) -> None:
    other = add(Mask.from_full(block(130, 5, 140, 15)))
    session.select([other.id])
    drag(canvas, [at(*BOX[:2]), at(*BOX[2:])])
    settle()
    QTest.keyClick(canvas, Qt.Key.Key_Return)
    assert session.instances[other.id] == other
    assert len(session.instances) == 2


@pytest.mark.parametrize("at_work", [False, True])
def test_escape_drops_everything(
    canvas: CanvasView,
    session: Session,
    tool: GrabCut,
    pixels: NDArray[np.uint8],
    add: Add,
    at: At,
    settle: Callable[[], None],
    at_work: bool,
) -> None:
    instance = add(Mask.from_full(block(44, 44, 84, 84)))
    session.select([instance.id])
    drag(canvas, [at(42, 60), at(50, 60)])
    if not at_work:
        settle()
    QTest.keyClick(canvas, Qt.Key.Key_Escape)
    settle()
    QTest.keyClick(canvas, Qt.Key.Key_Return)
    assert session.instances[instance.id] == instance
    assert canvas.layers.overlay.shown_mask(instance.id) == instance.mask
    assert session.selection == (instance.id,)


@pytest.mark.parametrize("change", ["lock", "delete", "paint"])
def test_a_correction_never_takes_back_what_happened_to_its_instance_meanwhile(
    canvas: CanvasView,
    session: Session,
    tool: GrabCut,
    pixels: NDArray[np.uint8],
    add: Add,
    at: At,
    settle: Callable[[], None],
    qtbot: QtBot,
    change: str,
) -> None:
    instance = add(Mask.from_full(block(44, 44, 84, 84)))
    session.select([instance.id])
    drag(canvas, [at(42, 60), at(50, 60)])
    settle()
    painted = commands.paint(instance, Mask.from_full(block(84, 44, 90, 50)), (WIDTH, HEIGHT))
    session.apply(
        {"lock": commands.lock, "delete": commands.delete}[change]([instance]) if change != "paint" else painted
    )
    changed = dict(session.instances)
    with qtbot.waitSignal(session.notice):
        QTest.keyClick(canvas, Qt.Key.Key_Return)
    assert session.instances == changed
    assert canvas.layers.preview is None


def test_enter_while_it_is_at_work_stores_the_result_when_it_comes(
    canvas: CanvasView,
    session: Session,
    tool: GrabCut,
    pixels: NDArray[np.uint8],
    at: At,
    settle: Callable[[], None],
) -> None:
    drag(canvas, [at(*BOX[:2]), at(*BOX[2:])])
    QTest.keyClick(canvas, Qt.Key.Key_Return)
    canvas.set_tool(Select())
    assert session.instances == {}
    settle()
    (instance,) = session.instances.values()
    np.testing.assert_array_equal(stored(session, instance.id), grabbed(pixels, box_only(), WINDOW, rect=True))


def test_a_box_in_which_nothing_stands_out_says_so_and_a_stroke_helps(
    canvas: CanvasView,
    session: Session,
    tool: GrabCut,
    pixels: NDArray[np.uint8],
    at: At,
    settle: Callable[[], None],
    qtbot: QtBot,
) -> None:
    assert session.image is not None
    session.set_pixels(session.image.id, np.full_like(pixels, 90))
    with qtbot.waitSignal(session.notice) as said:
        drag(canvas, [at(*BOX[:2]), at(*BOX[2:])])
    assert "Nothing stands out" in said.args[0]
    assert tool._cut is not None
    drag(canvas, [at(50, 50), at(70, 50)])
    settle()
    assert shown(tool)[50, 50:70].all()


def test_a_click_draws_no_box(canvas: CanvasView, tool: GrabCut, pixels: NDArray[np.uint8], at: At) -> None:
    QTest.mouseClick(canvas, LEFT, NONE, at(50, 50))
    assert tool._cut is None
    assert not canvas.work.running


def test_what_belongs_is_green_and_whole_and_what_does_not_is_vermilion_and_dashed(
    canvas: CanvasView, tool: GrabCut, boxed: NDArray[np.uint8], at: At
) -> None:
    canvas.brush_size.set(3)

    def along(modifiers: Qt.KeyboardModifier, y: float) -> list[QColor]:
        points = [at(x, y) for x in (40, 60, 80)]
        QTest.mousePress(canvas, LEFT, modifiers, points[0])
        for point in points[1:]:
            QTest.mouseMove(canvas, point)
        picture = canvas.grab().toImage()
        QTest.keyClick(canvas, Qt.Key.Key_Escape)
        QTest.mouseRelease(canvas, LEFT, modifiers, points[-1])
        return [picture.pixelColor(at(x / 2, y)) for x in range(92, 150)]

    belongs = along(NONE, 60)
    assert all(color.green() > color.red() + 30 for color in belongs)
    drag(canvas, [at(*BOX[:2]), at(*BOX[2:])])
    not_so = along(CONTROL, 60)
    vermilion = [color.red() > color.green() + 60 and color.blue() < 90 for color in not_so]
    assert any(vermilion) and not all(vermilion)
