"""Painting with "Keep apart": a stroke is shown and stored without what other instances hold."""

from collections.abc import Callable

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from app.canvas.view import CanvasView
from app.session import Session
from app.timeline import Timeline
from app.tools.tips import Tip
from engine.geometry.mask import Bitmap, Mask
from engine.records import Instance
from tests.app.tools.test_painting_tools import drag, ring, stored, swept, within

WIDTH, HEIGHT = 160, 120
LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
CONTROL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
Add = Callable[..., Instance]
At = Callable[[float, float], QPoint]


def previewed(canvas: CanvasView) -> Bitmap:
    """The mask (H, W) that is shown for the stroke in progress, having made sure that all of it is composed."""
    overlay, preview = canvas.layers.overlay, canvas.layers.preview
    assert preview is not None
    composed = overlay.pixels(0).copy()
    overlay.refresh((0, 0, WIDTH, HEIGHT))
    np.testing.assert_array_equal(composed, overlay.pixels(0))
    return preview.window((0, 0, WIDTH, HEIGHT))


def crowd(add: Add, count: int = 40) -> Bitmap:
    """Many overlapping neighbours; the pixels of all together."""
    random = np.random.default_rng(2)
    together = np.zeros((HEIGHT, WIDTH), dtype=bool)
    for _ in range(count):
        x, y = int(random.integers(0, WIDTH - 12)), int(random.integers(0, HEIGHT - 12))
        neighbour = Mask.from_crop(random.random((12, 12)) < 0.8, x, y)
        add(neighbour)
        together |= neighbour.to_full(HEIGHT, WIDTH)
    return together


@pytest.mark.parametrize("tip", Tip)
def test_kept_apart_a_stroke_is_shown_as_it_is_stored(
    brush: CanvasView, session: Session, add: Add, at: At, tip: Tip
) -> None:
    taken = crowd(add)
    instance = add(ring())
    session.select([instance.id])
    brush.marking.apart.set(True)
    brush.brush_tip.set(tip)
    line = [(-6.0, 60.0), (100.0, 60.0), (100.0, 125.0)]
    drawn = within(line, 6) if tip is Tip.ROUND else swept(line, 12)
    before = ring().to_full(HEIGHT, WIDTH)
    QTest.mousePress(brush, LEFT, NONE, at(*line[0]))
    for x, y in line[1:]:
        QTest.mouseMove(brush, at(x, y))
    shown = previewed(brush)
    QTest.mouseRelease(brush, LEFT, NONE, at(*line[-1]))
    expected = before | (drawn & ~taken)
    np.testing.assert_array_equal(shown, expected)
    np.testing.assert_array_equal(stored(session, instance.id), expected)
    Timeline(session).undo()
    np.testing.assert_array_equal(stored(session, instance.id), before)


def test_switching_keep_apart_while_a_stroke_is_drawn_shows_at_once(
    brush: CanvasView, session: Session, add: Add, at: At
) -> None:
    taken = crowd(add)
    drawn = within([(20, 60), (120, 60)], 6)
    session.select([])
    drag(brush, [at(20, 60), at(120, 60)], release=False)
    np.testing.assert_array_equal(previewed(brush), drawn)
    brush.marking.apart.set(True)
    np.testing.assert_array_equal(previewed(brush), drawn & ~taken)
    before = set(session.instances)
    QTest.mouseRelease(brush, LEFT, NONE, at(120, 60))
    (new,) = session.instances.keys() - before
    np.testing.assert_array_equal(stored(session, new), drawn & ~taken)


def test_proposals_that_arrive_while_a_stroke_is_drawn_are_kept_apart_too(
    brush: CanvasView, session: Session, propose: Callable[..., list[Instance]], at: At
) -> None:
    brush.marking.apart.set(True)
    drag(brush, [at(20, 60), at(120, 60)], release=False)
    (proposal,) = propose([Mask.from_crop(np.ones((20, 20), dtype=bool), 60, 50)])
    expected = within([(20, 60), (120, 60)], 6) & ~proposal.mask.to_full(HEIGHT, WIDTH)
    np.testing.assert_array_equal(previewed(brush), expected)
    QTest.mouseRelease(brush, LEFT, NONE, at(120, 60))
    (new,) = session.instances.keys() - {proposal.id}
    np.testing.assert_array_equal(stored(session, new), expected)
