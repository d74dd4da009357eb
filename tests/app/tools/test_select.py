"""Clicks select what is under them, what lies beneath can be reached, and hovering changes only the picture."""

from collections.abc import Callable

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from app.canvas.view import CanvasView
from app.session import Session
from app.tools.select import Select
from engine.geometry.mask import Mask
from engine.records import Instance

LEFT, NONE, SHIFT = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier
Add = Callable[..., Instance]
At = Callable[[float, float], QPoint]


def square(x: int, y: int, side: int) -> Mask:
    return Mask.from_crop(np.ones((side, side), dtype=bool), x, y)


@pytest.fixture
def nested(canvas: CanvasView, add: Add) -> list[Instance]:
    """Three squares, each within the one before, and one apart."""
    canvas.set_tool(Select())
    return [add(square(20, 20, 60)), add(square(30, 30, 40)), add(square(40, 40, 20)), add(square(120, 80, 20))]


def click(canvas: CanvasView, point: QPoint, modifiers: Qt.KeyboardModifier = NONE) -> None:
    QTest.mouseClick(canvas, LEFT, modifiers, point)


def test_a_click_selects_the_smallest_under_it(
    canvas: CanvasView, session: Session, nested: list[Instance], at: At
) -> None:
    for point, expected in (((50, 50), 2), ((33, 33), 1), ((22, 22), 0), ((130, 90), 3)):
        click(canvas, at(*point))
        assert session.selection == (nested[expected].id,)


def test_repeated_clicks_go_round_what_lies_beneath(
    canvas: CanvasView, session: Session, nested: list[Instance], at: At
) -> None:
    visited = []
    for _ in range(4):
        click(canvas, at(50, 50))
        visited += session.selection
    assert visited == [nested[i].id for i in (2, 1, 0, 2)]


def test_a_click_elsewhere_begins_at_the_top_again(
    canvas: CanvasView, session: Session, nested: list[Instance], at: At
) -> None:
    click(canvas, at(50, 50))
    click(canvas, at(55, 55))
    assert session.selection == (nested[2].id,)


def test_a_hole_is_not_part_of_an_instance(canvas: CanvasView, session: Session, add: Add, at: At) -> None:
    canvas.set_tool(Select())
    bitmap = np.ones((40, 40), dtype=bool)
    bitmap[10:30, 10:30] = False
    instance = add(Mask.from_crop(bitmap, 20, 20))
    click(canvas, at(25, 25))
    assert session.selection == (instance.id,)
    click(canvas, at(40, 40))
    assert session.selection == ()


def test_shift_adds_and_takes_away(canvas: CanvasView, session: Session, nested: list[Instance], at: At) -> None:
    click(canvas, at(50, 50))
    click(canvas, at(130, 90), SHIFT)
    assert session.selection == (nested[2].id, nested[3].id)
    click(canvas, at(5, 5), SHIFT)
    assert session.selection == (nested[2].id, nested[3].id)
    click(canvas, at(50, 50), SHIFT)
    assert session.selection == (nested[3].id,)


def test_a_click_beside_everything_and_escape_clear(
    canvas: CanvasView, session: Session, nested: list[Instance], at: At
) -> None:
    click(canvas, at(50, 50))
    click(canvas, at(5, 5))
    assert session.selection == ()
    click(canvas, at(50, 50))
    QTest.keyClick(canvas, Qt.Key.Key_Escape)
    assert session.selection == ()


def test_what_is_not_shown_cannot_be_clicked(
    canvas: CanvasView, session: Session, propose: Callable[..., list[Instance]], at: At
) -> None:
    canvas.set_tool(Select())
    propose([square(20, 20, 40)], score=0.6)
    session.set_threshold(0.7)
    click(canvas, at(30, 30))
    assert session.selection == ()
    session.set_threshold(0.6)
    click(canvas, at(30, 30))
    assert len(session.selection) == 1


def test_hovering_highlights_and_leaves_no_trace(
    canvas: CanvasView, session: Session, nested: list[Instance], at: At
) -> None:
    before = canvas.grab().toImage()
    QTest.mouseMove(canvas, at(130, 90))
    assert canvas.grab().toImage() != before
    assert session.selection == ()
    QTest.mouseMove(canvas, at(5, 5))
    assert canvas.grab().toImage() == before


def drag(canvas: CanvasView, points: list[QPoint], modifiers: Qt.KeyboardModifier = NONE, release: bool = True) -> None:
    QTest.mousePress(canvas, LEFT, modifiers, points[0])
    for point in points[1:]:
        QTest.mouseMove(canvas, point)
    if release:
        QTest.mouseRelease(canvas, LEFT, modifiers, points[-1])


def around(at: At, x1: float, y1: float, x2: float, y2: float) -> list[QPoint]:
    return [at(x1, y1), at(x2, y1), at(x2, y2), at(x1, y2)]


def test_clicks_that_move_a_little_still_go_round(
    canvas: CanvasView, session: Session, nested: list[Instance], at: At
) -> None:
    visited = []
    for step in range(4):
        drag(canvas, [at(50, 50) + QPoint(step % 2, 0), at(50, 50) + QPoint(2, step % 2)])
        visited += session.selection
    assert visited == [nested[i].id for i in (2, 1, 0, 2)]


def test_a_lasso_selects_what_is_mostly_inside(
    canvas: CanvasView, session: Session, nested: list[Instance], at: At
) -> None:
    drag(canvas, around(at, 25, 25, 75, 75))
    assert set(session.selection) == {nested[i].id for i in (0, 1, 2)}  # 2500 of the largest one's 3600 pixels
    drag(canvas, around(at, 35, 35, 65, 62))
    assert set(session.selection) == {nested[2].id, nested[1].id}
    drag(canvas, around(at, 2, 2, 10, 10))
    assert session.selection == ()


def test_a_lasso_adds_with_shift_and_takes_away_with_ctrl_or_alt(
    canvas: CanvasView, session: Session, nested: list[Instance], at: At
) -> None:
    click(canvas, at(22, 22))
    drag(canvas, around(at, 115, 75, 145, 105), SHIFT)
    assert session.selection == (nested[0].id, nested[3].id)
    drag(canvas, around(at, 115, 75, 145, 105), Qt.KeyboardModifier.AltModifier)
    assert session.selection == (nested[0].id,)
    drag(canvas, around(at, 15, 15, 85, 85), Qt.KeyboardModifier.ControlModifier)
    assert session.selection == ()


def test_ctrl_and_a_click_take_away(canvas: CanvasView, session: Session, nested: list[Instance], at: At) -> None:
    session.select([nested[0].id, nested[3].id])
    click(canvas, at(50, 50), Qt.KeyboardModifier.ControlModifier)
    assert session.selection == (nested[3].id,)


def test_escape_drops_a_lasso_and_keeps_the_selection(
    canvas: CanvasView, session: Session, nested: list[Instance], at: At
) -> None:
    click(canvas, at(130, 90))
    before = canvas.grab().toImage()
    points = around(at, 15, 15, 85, 85)
    drag(canvas, points, release=False)
    assert canvas.grab().toImage() != before
    QTest.keyClick(canvas, Qt.Key.Key_Escape)
    QTest.mouseRelease(canvas, LEFT, NONE, points[-1])
    assert session.selection == (nested[3].id,)
    QTest.mouseMove(canvas, at(5, 5))
    assert canvas.grab().toImage() == before


def test_a_lasso_leaves_out_what_is_not_shown(
    canvas: CanvasView, session: Session, propose: Callable[..., list[Instance]], at: At
) -> None:
    canvas.set_tool(Select())
    propose([square(20, 20, 20)], score=0.6)
    (clear,) = propose([square(60, 20, 20)], score=0.9)
    session.set_threshold(0.7)
    drag(canvas, around(at, 5, 5, 110, 60))
    assert session.selection == (clear.id,)
