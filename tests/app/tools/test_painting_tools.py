"""Brush and eraser with real mouse and keys: what is stored is the oracle's mask, in one step for each stroke."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QPointingDevice, QTabletEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.canvas.view import CanvasView
from app.session import Session
from app.timeline import Timeline
from app.tools.base import Tool
from app.tools.brush import Brush
from app.tools.eraser import Eraser
from app.window import MainWindow
from engine.geometry.mask import Bitmap, Mask
from engine.project.edit import Action
from engine.project.project import Project
from engine.records import Instance, InstanceState, Origin

WIDTH, HEIGHT = 160, 120
LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
CONTROL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
Add = Callable[..., Instance]
At = Callable[[float, float], QPoint]


def drag(canvas: CanvasView, points: list[QPoint], modifiers: Qt.KeyboardModifier = NONE, release: bool = True) -> None:
    QTest.mousePress(canvas, LEFT, modifiers, points[0])
    for point in points[1:]:
        QTest.mouseMove(canvas, point)
    if release:
        QTest.mouseRelease(canvas, LEFT, modifiers, points[-1])


def within(points: list[tuple[float, float]], radius: float) -> Bitmap:
    """The oracle: pixel centres (H, W) within `radius` of a polyline in image coordinates."""
    rows, columns = np.indices((HEIGHT, WIDTH)) + 0.5
    result = np.zeros((HEIGHT, WIDTH), dtype=bool)
    for (x1, y1), (x2, y2) in zip(points, points[1:] or points, strict=False):
        length = max((x2 - x1) ** 2 + (y2 - y1) ** 2, 1e-12)
        along = np.clip(((columns - x1) * (x2 - x1) + (rows - y1) * (y2 - y1)) / length, 0, 1)
        result |= np.hypot(columns - x1 - along * (x2 - x1), rows - y1 - along * (y2 - y1)) <= radius
    return result


def swept(points: list[tuple[float, float]], side: int) -> Bitmap:
    """The oracle: pixels (H, W) whose centres a square of that side comes over, whose way is a polyline of steps along
    rows and columns in whole widget pixels, which are half image pixels."""
    result = np.zeros((HEIGHT, WIDTH), dtype=bool)
    for (x1, y1), (x2, y2) in zip(points, points[1:] or points, strict=False):
        steps = round(2 * max(abs(x2 - x1), abs(y2 - y1))) or 1
        for step in range(steps + 1):
            x, y = x1 + (x2 - x1) * step / steps, y1 + (y2 - y1) * step / steps
            left, top = max(math.ceil(x - side / 2 - 0.5), 0), max(math.ceil(y - side / 2 - 0.5), 0)
            right, bottom = math.ceil(x + side / 2 - 0.5), math.ceil(y + side / 2 - 0.5)
            result[top : max(bottom, 0), left : max(right, 0)] = True
    return result


def stored(session: Session, instance_id: int) -> Bitmap:
    """The mask as the project file has it."""
    assert session.project is not None
    return session.project.instance(instance_id).mask.to_full(HEIGHT, WIDTH)


def ring() -> Mask:
    """A square with a hole, and a second part."""
    bitmap = np.zeros((HEIGHT, WIDTH), dtype=bool)
    bitmap[30:70, 30:70] = True
    bitmap[45:55, 45:55] = False
    bitmap[80:90, 100:120] = True
    return Mask.from_full(bitmap)


def test_with_nothing_selected_the_brush_draws_an_instance_of_the_active_category(
    brush: CanvasView, session: Session, at: At
) -> None:
    drag(brush, [at(20, 20), at(60, 40)])
    (instance,) = session.instances.values()
    assert (instance.state, instance.origin) == (InstanceState.ACCEPTED, Origin.DRAWN)
    assert instance.category_id == session.active_category_id
    assert session.selection == (instance.id,)
    np.testing.assert_array_equal(stored(session, instance.id), within([(20, 20), (60, 40)], 6))


def test_the_brush_adds_to_the_selected_instance_and_keeps_its_holes_and_parts(
    brush: CanvasView, session: Session, add: Add, at: At
) -> None:
    instance = add(ring())
    session.select([instance.id])
    line = [(64.0, 33.0), (90.0, 50.0), (90.0, 60.0)]
    drag(brush, [at(x, y) for x, y in line])
    expected = ring().to_full(HEIGHT, WIDTH) | within(line, 6)
    assert not expected[50, 50]
    np.testing.assert_array_equal(stored(session, instance.id), expected)


@pytest.mark.parametrize("way", ["eraser", "brush with Ctrl"])
def test_erasing_cuts_a_hole_into_the_selected_instance(
    canvas: CanvasView, session: Session, add: Add, at: At, way: str
) -> None:
    instance = add(ring())
    session.select([instance.id])
    canvas.set_tool(Eraser() if way == "eraser" else Brush())
    canvas.brush_size.set(3)
    drag(canvas, [at(38, 38), at(60, 38)], NONE if way == "eraser" else CONTROL)
    expected = ring().to_full(HEIGHT, WIDTH) & ~within([(38, 38), (60, 38)], 3)
    np.testing.assert_array_equal(stored(session, instance.id), expected)


def test_with_nothing_selected_the_eraser_takes_the_instance_under_the_press(
    eraser: CanvasView, session: Session, add: Add, at: At
) -> None:
    beneath, other = add(ring()), add(Mask.from_crop(np.ones((20, 20), dtype=bool), 75, 30))
    drag(eraser, [at(66, 40), at(80, 40)])
    expected = ring().to_full(HEIGHT, WIDTH) & ~within([(66, 40), (80, 40)], 6)
    np.testing.assert_array_equal(stored(session, beneath.id), expected)
    assert session.instances[other.id].mask == other.mask


def test_erasing_beside_every_instance_changes_nothing_and_says_why(
    eraser: CanvasView, session: Session, add: Add, at: At, qtbot: QtBot
) -> None:
    instance = add(ring())
    with qtbot.waitSignal(session.notice):
        drag(eraser, [at(5, 5), at(40, 40)])
    assert session.instances[instance.id] == instance


def test_erasing_every_pixel_removes_what_was_drawn(eraser: CanvasView, session: Session, add: Add, at: At) -> None:
    instance = add(Mask.from_crop(np.ones((4, 4), dtype=bool), 50, 50))
    session.select([instance.id])
    drag(eraser, [at(48, 52), at(56, 52)])
    assert instance.id not in session.instances
    assert session.selection == ()


def test_a_stroke_is_one_step_of_the_history_however_many_moves_it_has(
    brush: CanvasView, session: Session, add: Add, at: At
) -> None:
    assert session.project is not None
    instance = add(ring())
    session.select([instance.id])
    before = len(session.project.history(100))
    drag(brush, [at(20 + 3 * i, 20 + 2 * (i % 5)) for i in range(25)])
    assert len(session.project.history(100)) == before + 1
    assert session.project.history(1)[0].action is Action.BRUSH
    Timeline(session).undo()
    np.testing.assert_array_equal(stored(session, instance.id), ring().to_full(HEIGHT, WIDTH))
    assert brush.layers.overlay.shown_mask(instance.id) == ring()


def test_a_fast_movement_leaves_no_gap(brush: CanvasView, session: Session, at: At) -> None:
    brush.brush_size.set(1)
    drag(brush, [at(5, 60), at(155, 60)])
    (instance,) = session.instances.values()
    assert stored(session, instance.id)[60, 5:155].all()


def test_painting_a_proposal_accepts_it(
    brush: CanvasView, session: Session, propose: Callable[..., list[Instance]], at: At
) -> None:
    (proposal,) = propose([ring()])
    session.select([proposal.id])
    drag(brush, [at(64, 33), at(90, 50)])
    changed = session.instances[proposal.id]
    assert (changed.state, changed.edited) == (InstanceState.ACCEPTED, True)


def test_while_it_is_drawn_a_stroke_is_only_shown(brush: CanvasView, session: Session, add: Add, at: At) -> None:
    instance = add(ring())
    session.select([instance.id])
    drag(brush, [at(64, 33), at(90, 50)], release=False)
    expected = ring().to_full(HEIGHT, WIDTH) | within([(64, 33), (90, 50)], 6)
    assert brush.layers.overlay.shown_mask(instance.id) == Mask.from_full(expected)
    np.testing.assert_array_equal(stored(session, instance.id), ring().to_full(HEIGHT, WIDTH))
    QTest.mouseRelease(brush, LEFT, NONE, at(90, 50))
    np.testing.assert_array_equal(stored(session, instance.id), expected)


def test_escape_drops_a_stroke_and_keeps_the_selection(brush: CanvasView, session: Session, add: Add, at: At) -> None:
    assert session.project is not None
    instance = add(ring())
    session.select([instance.id])
    before = len(session.project.history(100))
    drag(brush, [at(64, 33), at(90, 50)], release=False)
    QTest.keyClick(brush, Qt.Key.Key_Escape)
    QTest.mouseMove(brush, at(120, 60))
    QTest.mouseRelease(brush, LEFT, NONE, at(120, 60))
    assert len(session.project.history(100)) == before
    assert brush.layers.overlay.shown_mask(instance.id) == ring()
    assert session.selection == (instance.id,)


def test_going_to_another_image_drops_a_stroke(brush: CanvasView, session: Session, at: At) -> None:
    drag(brush, [at(20, 20), at(60, 40)], release=False)
    session.step_image(1)
    QTest.mouseRelease(brush, LEFT, NONE, at(60, 40))
    assert session.instances == {}
    assert brush.layers.overlay.preview_mask().is_empty


def test_a_stroke_beside_the_image_draws_nothing(brush: CanvasView, session: Session, at: At) -> None:
    drag(brush, [at(-15, 10), at(-15, 60)])
    assert session.instances == {}


def test_a_stroke_across_the_border_stops_there(brush: CanvasView, session: Session, at: At) -> None:
    drag(brush, [at(-10, 50), at(10, 50)])
    (instance,) = session.instances.values()
    assert instance.mask == Mask.from_full(within([(-10, 50), (10, 50)], 6))


def test_with_new_switched_on_the_brush_draws_a_new_instance_beside_the_selected(
    brush: CanvasView, session: Session, add: Add, at: At
) -> None:
    instance = add(ring())
    session.select([instance.id])
    brush.marking.fresh.set(True)
    drag(brush, [at(50, 50), at(60, 50)])
    assert session.instances[instance.id].mask == ring()
    assert len(session.instances) == 2


def test_several_selected_instances_are_not_painted(
    brush: CanvasView, session: Session, add: Add, at: At, qtbot: QtBot
) -> None:
    both = [add(ring()), add(Mask.from_crop(np.ones((9, 9), dtype=bool), 5, 5))]
    session.select(one.id for one in both)
    with qtbot.waitSignal(session.notice):
        drag(brush, [at(50, 50), at(60, 50)])
    assert [session.instances[one.id] for one in both] == both


def test_without_a_category_nothing_is_drawn(brush: CanvasView, session: Session, at: At, qtbot: QtBot) -> None:
    session.set_active_category(None)
    with qtbot.waitSignal(session.notice):
        drag(brush, [at(50, 50), at(60, 50)])
    assert session.instances == {}


@pytest.mark.parametrize("tool", [Brush, Eraser])
def test_a_project_open_for_reading_refuses_with_a_notice(
    canvas: CanvasView, session: Session, add: Add, at: At, qtbot: QtBot, tool: Callable[[], Tool]
) -> None:
    assert session.project is not None
    instance, path, image = add(ring()), session.project.path, session.image
    assert image is not None
    session.open_project(Project.open(path, read_only=True))
    session.open_image(image.id)
    session.set_pixels(image.id, np.zeros((HEIGHT, WIDTH, 3), dtype=np.uint8))
    canvas.set_tool(tool())
    session.select([instance.id])
    with qtbot.waitSignal(session.notice):
        drag(canvas, [at(50, 40), at(60, 40)])
    np.testing.assert_array_equal(stored(session, instance.id), ring().to_full(HEIGHT, WIDTH))


def test_steps_and_wheel_change_the_size_of_the_brush(brush: CanvasView, at: At, wheel: Callable[..., None]) -> None:
    brush.brush_size.step(1)
    assert brush.brush_size.radius > 6
    brush.brush_size.step(-1)
    brush.brush_size.step(-1)
    assert brush.brush_size.radius < 6
    for modifier in (CONTROL, Qt.KeyboardModifier.AltModifier):
        radius, zoom = brush.brush_size.radius, brush.zoom
        wheel(at(50, 50), 120, modifier)
        assert brush.brush_size.radius > radius
        assert brush.zoom == zoom
    for _ in range(60):
        brush.brush_size.step(-1)
    assert brush.brush_size.radius == 0.5
    brush.brush_size.step(1)
    assert brush.brush_size.radius > 0.5


def test_the_ring_is_where_the_stroke_would_be_and_red_where_it_would_remove(
    brush: CanvasView, session: Session, add: Add, at: At
) -> None:
    bare = brush.grab().toImage()
    QTest.mouseMove(brush, at(100, 60))
    ringed = brush.grab().toImage()
    edge = at(106, 60)
    assert ringed.pixelColor(edge) != bare.pixelColor(edge)
    assert ringed.pixelColor(at(100, 60)) == bare.pixelColor(at(100, 60))
    QTest.keyPress(brush, Qt.Key.Key_Control)
    color = brush.grab().toImage().pixelColor(edge)
    assert color.red() > color.green() + 40
    QTest.keyRelease(brush, Qt.Key.Key_Control)
    assert brush.grab().toImage() == ringed


# -- keys and tablets


def test_keys_switch_new_and_keep_apart(window: MainWindow, session: Session) -> None:
    marking = window.canvas.marking
    for command, option in (("new_instance", marking.fresh), ("keep_apart", marking.apart)):
        action = window.actions_[command]
        assert not action.shortcut().isEmpty()
        action.setEnabled(True)
        for expected in (True, False):
            action.trigger()
            assert option.value is expected


def test_a_pen_is_left_to_qt_which_makes_it_a_mouse(brush: CanvasView, at: At) -> None:
    """Qt synthesises mouse events from tablet events that nobody accepts."""
    place = QPointF(at(50, 50))
    pen, pressed = QPointingDevice.primaryPointingDevice(), QEvent.Type.TabletPress
    event = QTabletEvent(pressed, pen, place, place, 0.5, 0, 0, 0, 0, 0, NONE, LEFT, LEFT)
    QApplication.sendEvent(brush, event)
    assert not event.isAccepted()
    assert QCoreApplication.testAttribute(Qt.ApplicationAttribute.AA_SynthesizeMouseForUnhandledTabletEvents)
