"""Outlines along pixel edges: where they run, the same from kernel and NumPy, and the same in parts as in one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage, QPainter

from app.canvas import edges
from app.canvas.edges import SELECTED, draw_edges
from app.canvas.viewport import Viewport
from engine.geometry.mask import Bitmap

SIDE = 96
OUTER, INNER = (line.pixel for line in SELECTED)
windows = arrays(np.bool_, st.tuples(st.integers(1, 9), st.integers(1, 9)))


def drawn(window: Bitmap, viewport: Viewport, rooms: list[QRectF], ratio: float = 1.0) -> np.ndarray:
    """(SIDE, SIDE) uint32: what is painted of a window that begins at (3, 2), room by room."""
    picture = QImage(SIDE, SIDE, QImage.Format.Format_ARGB32_Premultiplied)
    picture.setDevicePixelRatio(ratio)
    picture.fill(0)
    painter = QPainter(picture)
    for room in rooms:
        draw_edges(painter, room, viewport, window, (3, 2), SELECTED)
    painter.end()
    return np.frombuffer(picture.constBits(), dtype=np.uint32).reshape(SIDE, SIDE).copy()


def whole(ratio: float = 1.0) -> list[QRectF]:
    return [QRectF(0, 0, SIDE / ratio, SIDE / ratio)]


@given(windows, st.floats(1.0, 7.0), st.floats(-20, 20), st.floats(-20, 20))
def test_the_kernel_draws_what_numpy_draws(window: Bitmap, zoom: float, x: float, y: float) -> None:
    kernels = edges._kernels
    if kernels is None:
        pytest.skip("the kernels were not built")
    outputs = [np.zeros((40, 50), dtype=np.uint32) for _ in range(2)]
    for draw, output in zip((kernels.draw_edges, edges._edges), outputs, strict=True):
        draw(window, 2, 1, zoom, np.array((x, y)), np.array((-3, 4)), 2.6, 0xFF102030, output)
    assert np.array_equal(*outputs)


def test_lines_run_where_set_meets_unset_and_nowhere_else() -> None:
    window = np.zeros((6, 7), dtype=np.bool_)
    window[2:4, 2:5] = True
    found = drawn(window, Viewport(8.0, 10.0, 4.0), whole())
    left, top, right, bottom = 10 + 5 * 8, 4 + 4 * 8, 10 + 8 * 8, 4 + 6 * 8  # the set pixels on the widget
    ys, xs = np.nonzero(found == INNER)
    assert (xs.min(), xs.max(), ys.min(), ys.max()) == (left - 1, right, top - 1, bottom)
    assert (found[top + 2 : bottom - 2, left + 2 : right - 2] == 0).all()
    assert (found[top - 1 : top + 1, left : right + 1] == INNER).all()
    ys, xs = np.nonzero(found)
    assert (xs.min(), xs.max(), ys.min(), ys.max()) == (left - 2, right + 1, top - 2, bottom + 1)
    assert found[top - 2, left] == OUTER


@pytest.mark.parametrize("ratio", [1.0, 1.5, 2.0])
@given(window=windows, zoom=st.floats(1.0, 5.0), x=st.floats(-9, 9), y=st.floats(-9, 9), cut=st.integers(1, 40))
def test_parts_of_a_picture_are_those_of_the_whole(
    window: Bitmap, zoom: float, x: float, y: float, cut: int, ratio: float
) -> None:
    viewport, (room,) = Viewport(zoom, x, y), whole(ratio)
    parts = [
        QRectF(0, 0, cut / ratio, room.height()),
        QRectF(cut / ratio, 0, room.width() - cut / ratio, room.height()),
    ]
    once, twice = drawn(window, viewport, [room], ratio), drawn(window, viewport, parts, ratio)
    assert np.array_equal(once, twice)
