"""The lasso with a real mouse: what is stored is what its line goes round, by a count of turns."""

from collections.abc import Callable

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from app.canvas.view import CanvasView
from app.session import Session
from app.timeline import Timeline
from app.tools.lasso import Lasso
from engine.project.edit import Action
from engine.records import Instance
from tests.app.tools.test_region_tools import assert_gone_round, circle, distance, drag, gone_round, only, ring, stored

WIDTH, HEIGHT = 160, 120
LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
CONTROL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
Add = Callable[..., Instance]
At = Callable[[float, float], QPoint]

# Concave, with a part of every direction, and crossing itself once.


@pytest.fixture
def lasso(canvas: CanvasView) -> CanvasView:
    canvas.set_tool(Lasso())
    return canvas


def test_the_lasso_marks_what_its_line_goes_round_when_it_is_released(
    lasso: CanvasView, session: Session, at: At
) -> None:
    line = [(30.25, 20.0), (100.0, 35.5), (70.0, 60.0), (120.0, 100.0), (25.0, 90.0)]
    drag(lasso, at, line)
    instance = only(session)
    points = [_pointed(lasso, at, x, y) for x, y in line]
    assert_gone_round(stored(session, instance.id), points)


def test_a_loop_that_goes_on_past_its_beginning_has_no_hole(lasso: CanvasView, session: Session, at: At) -> None:
    line = circle(80, 60, 35, turns=1.3, steps=90)
    drag(lasso, at, line)
    points = [_pointed(lasso, at, x, y) for x, y in line]
    assert_gone_round(stored(session, only(session).id), points)
    assert only(session).mask.contains(80, 60)


@pytest.mark.parametrize("seed", range(3))
def test_the_lasso_goes_wherever_the_hand_goes(lasso: CanvasView, session: Session, at: At, seed: int) -> None:
    random = np.random.default_rng(seed)
    line = [(float(x), float(y)) for x, y in random.uniform((-15, -12), (WIDTH + 15, HEIGHT + 12), (12, 2))]
    drag(lasso, at, line)
    points = [_pointed(lasso, at, x, y) for x, y in line]
    assert_gone_round(stored(session, only(session).id), points)


def test_the_lasso_subtracts_with_ctrl_and_undo_gives_back_the_exact_mask(
    lasso: CanvasView, session: Session, add: Add, at: At
) -> None:
    assert session.project is not None
    instance = add(ring())
    session.select([instance.id])
    line = circle(50, 40, 12)
    drag(lasso, at, line, CONTROL)
    points = [_pointed(lasso, at, x, y) for x, y in line]
    before, clear = ring().to_full(HEIGHT, WIDTH), distance(points) > 1e-6
    np.testing.assert_array_equal(stored(session, instance.id)[clear], (before & ~gone_round(points))[clear])
    assert session.project.history(1)[0].action is Action.LASSO
    Timeline(session).undo()
    assert session.instances[instance.id] == instance


def test_a_click_with_the_lasso_or_escape_draws_nothing(lasso: CanvasView, session: Session, at: At) -> None:
    QTest.mouseClick(lasso, LEFT, NONE, at(50, 50))
    QTest.mousePress(lasso, LEFT, NONE, at(20, 20))
    for x, y in circle(80, 60, 30):
        QTest.mouseMove(lasso, at(x, y))
    QTest.keyClick(lasso, Qt.Key.Key_Escape)
    QTest.mouseRelease(lasso, LEFT, NONE, at(20, 20))
    assert session.instances == {}


def _pointed(canvas: CanvasView, at: At, x: float, y: float) -> tuple[float, float]:
    """The image point that a whole widget pixel stands for."""
    point = at(x, y)
    return canvas.viewport.to_image(point.x(), point.y())
