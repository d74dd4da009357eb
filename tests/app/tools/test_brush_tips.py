"""Square tips and straight lines: the stroke is what the oracle says, and the ring shows where it would be."""

from collections.abc import Callable

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from app.canvas.view import CanvasView
from app.session import Session
from app.tools.brush import Brush
from app.tools.eraser import Eraser
from app.tools.tips import Tip
from engine.geometry.mask import Mask
from engine.project.edit import Action
from engine.records import Instance
from tests.app.tools.test_painting_tools import drag, ring, stored, swept, within

WIDTH, HEIGHT = 160, 120
LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
CONTROL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
Add = Callable[..., Instance]
At = Callable[[float, float], QPoint]
Move = Callable[..., None]


def test_a_square_tip_paints_squares_along_the_way(brush: CanvasView, session: Session, add: Add, at: At) -> None:
    instance = add(ring())
    session.select([instance.id])
    brush.brush_tip.set(Tip.SQUARE)
    line = [(-4.0, 20.0), (90.0, 20.0), (90.0, 100.5), (60.5, 100.5)]
    drag(brush, [at(x, y) for x, y in line])
    expected = ring().to_full(HEIGHT, WIDTH) | swept(line, 12)
    np.testing.assert_array_equal(stored(session, instance.id), expected)


def test_a_click_with_a_square_tip_covers_its_side_squared(brush: CanvasView, session: Session, at: At) -> None:
    brush.brush_tip.set(Tip.SQUARE)
    brush.brush_size.set(2.5)
    drag(brush, [at(50.5, 40)])
    (instance,) = session.instances.values()
    assert (instance.mask.width, instance.mask.height, instance.mask.area) == (5, 5, 25)


def test_brush_and_eraser_share_size_and_tip(canvas: CanvasView) -> None:
    canvas.set_tool(Brush())
    assert canvas.tool is not None
    options = canvas.tool.options()
    canvas.set_tool(Eraser())
    assert list(canvas.tool.options()) == list(options)
    assert options[:2] == (canvas.brush_tip, canvas.brush_size)


def test_the_ring_has_the_shape_of_the_tip(brush: CanvasView, at: At, move: Move) -> None:
    move(at(100, 60))
    ringed = brush.grab().toImage()
    corner = at(106, 66)
    brush.brush_tip.set(Tip.SQUARE)
    assert brush.grab().toImage().pixelColor(corner) != ringed.pixelColor(corner)
    brush.brush_tip.set(Tip.ROUND)
    assert brush.grab().toImage() == ringed


def test_what_follows_the_pointer_leaves_no_trace(brush: CanvasView, session: Session, at: At, move: Move) -> None:
    """Only what changed is painted again, so a whole repaint must not change anything."""
    random = np.random.default_rng(3)
    drag(brush, [at(20, 20), at(40, 30)])
    for turn, (x, y) in enumerate(random.uniform((-10, -10), (WIDTH + 10, HEIGHT + 10), (25, 2))):
        move(at(x, y), SHIFT if turn % 3 else NONE)
        brush.brush_size.set(float(random.integers(1, 30)))
        brush.brush_tip.set(Tip.SQUARE if turn % 2 else Tip.ROUND)
    kept = brush.grab().toImage()
    brush.update()
    assert brush.grab().toImage() == kept


# -- the other way round


def test_ctrl_with_the_eraser_adds(eraser: CanvasView, session: Session, add: Add, at: At) -> None:
    assert session.project is not None
    instance = add(ring())
    session.select([instance.id])
    line = [(64.0, 33.0), (90.0, 50.0)]
    drag(eraser, [at(x, y) for x, y in line], CONTROL)
    expected = ring().to_full(HEIGHT, WIDTH) | within(line, 6)
    np.testing.assert_array_equal(stored(session, instance.id), expected)
    assert session.project.history(1)[0].action is Action.BRUSH


# -- straight lines


@pytest.mark.parametrize("tip", Tip)
def test_while_shift_is_held_a_stroke_goes_straight_from_the_press(
    brush: CanvasView, session: Session, at: At, move: Move, tip: Tip
) -> None:
    brush.brush_tip.set(tip)
    QTest.mousePress(brush, LEFT, NONE, at(20, 20))
    for x, y in ((30, 90), (120, 100), (140, 20)):
        move(at(x, y), NONE if x == 30 else SHIFT, pressed=True)
    shown = brush.layers.overlay.preview_mask()
    QTest.mouseRelease(brush, LEFT, SHIFT, at(140, 20))
    (instance,) = session.instances.values()
    line = [(20.0, 20.0), (140.0, 20.0)]
    expected = within(line, 6) if tip is Tip.ROUND else swept(line, 12)
    np.testing.assert_array_equal(stored(session, instance.id), expected)
    assert shown == instance.mask


def test_let_go_of_shift_the_line_stays_and_the_stroke_goes_on(
    brush: CanvasView, session: Session, at: At, move: Move
) -> None:
    QTest.mousePress(brush, LEFT, NONE, at(20, 20))
    move(at(100, 80), SHIFT, pressed=True)
    move(at(100, 80), NONE, pressed=True)
    move(at(140, 30), NONE, pressed=True)
    QTest.mouseRelease(brush, LEFT, NONE, at(140, 30))
    (instance,) = session.instances.values()
    assert instance.mask == Mask.from_full(within([(20, 20), (100, 80), (140, 30)], 6))


@pytest.mark.parametrize("erase", [False, True])
def test_with_shift_a_click_draws_a_line_from_the_end_of_the_last_stroke(
    brush: CanvasView, session: Session, add: Add, at: At, erase: bool
) -> None:
    instance = add(Mask.from_crop(np.ones((HEIGHT, WIDTH), dtype=bool), 0, 0) if erase else ring())
    session.select([instance.id])
    before = instance.mask.to_full(HEIGHT, WIDTH)
    if erase:
        brush.set_tool(Eraser())
    lines = [(20.0, 20.0), (40.0, 20.0), (120.0, 60.0), (60.0, 110.0)]
    drag(brush, [at(*lines[0]), at(*lines[1])])
    for place in lines[2:]:
        QTest.mouseClick(brush, LEFT, SHIFT, at(*place))
    drawn = within(lines, 6)
    np.testing.assert_array_equal(stored(session, instance.id), before & ~drawn if erase else before | drawn)


def test_the_first_stroke_on_an_image_begins_where_it_is_pressed(brush: CanvasView, session: Session, at: At) -> None:
    drag(brush, [at(20, 20), at(40, 20)])
    session.step_image(1)
    assert session.image is not None
    session.set_pixels(session.image.id, np.zeros((HEIGHT, WIDTH, 3), dtype=np.uint8))
    QTest.mouseClick(brush, LEFT, SHIFT, at(100, 80))
    (instance,) = session.instances.values()
    assert max(instance.mask.width, instance.mask.height) <= 13


def test_shift_shows_where_the_line_would_begin(brush: CanvasView, session: Session, at: At, move: Move) -> None:
    drag(brush, [at(20, 20), at(40, 20)])
    move(at(120, 100))
    bare = brush.grab().toImage()
    move(at(120, 100), SHIFT)
    guided = brush.grab().toImage()
    changed = [
        guided.pixelColor(x, y) != bare.pixelColor(x, y)
        for x, y in ((at(x, 20 + (x - 40)).x(), at(x, 20 + (x - 40)).y()) for x in range(60, 100))
    ]
    assert any(changed)
    move(at(120, 100))
    assert brush.grab().toImage() == bare
