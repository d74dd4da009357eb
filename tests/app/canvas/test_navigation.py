"""The view goes where it is taken, keeps what it should in place, and is found again."""

from collections.abc import Callable

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, QRectF, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.canvas.view import CanvasView
from app.session import Session
from app.theme import theme
from app.tools.select import Select
from app.window import MainWindow
from engine.geometry.mask import Mask
from engine.records import Instance

WIDTH, HEIGHT = 160, 120
LEFT, MIDDLE, NONE = Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton, Qt.KeyboardModifier.NoModifier
Add = Callable[..., Instance]
Wheel = Callable[..., None]


def test_zooming_keeps_what_is_under_the_pointer(canvas: CanvasView, wheel: Wheel) -> None:
    canvas.resize(4000, 3000)
    canvas.zoom_to(3.0)
    point = QPoint(1800, 1300)
    before = canvas.viewport.to_image(point.x(), point.y())
    for turned in (120, 120, -120, 240, -360, 60):
        wheel(point, turned)
        after = canvas.viewport.to_image(point.x(), point.y())
        # The image lies on whole device pixels, so the point may move by half of one at each step.
        assert np.allclose(after, before, atol=3.5 / canvas.zoom)
    assert canvas.zoom == pytest.approx(3.0 * 1.25**0.5)


def test_zoom_stays_within_its_limits(canvas: CanvasView, wheel: Wheel) -> None:
    for _ in range(60):
        wheel(QPoint(200, 150), 240)
    assert canvas.zoom == 64.0
    for _ in range(120):
        wheel(QPoint(200, 150), -240)
    assert canvas.zoom == 1 / 64
    assert canvas.grab().toImage().pixelColor(5, 5) == theme().color("canvas")


def test_view_and_image_coordinates_are_inverse(canvas: CanvasView) -> None:
    canvas.zoom_to(3.7)
    for point in ((0.0, 0.0), (160.0, 120.0), (13.25, 99.5)):
        assert canvas.viewport.to_image(*canvas.image_to_widget(*point)) == pytest.approx(point)


@pytest.mark.parametrize("way", ["middle", "space"])
def test_dragging_moves_the_image_with_the_pointer_and_touches_no_tool(
    canvas: CanvasView, session: Session, add: Add, way: str
) -> None:
    add(Mask.from_crop(np.ones((50, 70)), 40, 30))
    canvas.set_tool(Select())
    if way == "space":
        QTest.keyPress(canvas, Qt.Key.Key_Space)
    button = LEFT if way == "space" else MIDDLE
    under = canvas.viewport.to_image(150, 120)
    QTest.mousePress(canvas, button, NONE, QPoint(150, 120))
    QTest.mouseMove(canvas, QPoint(170, 130))
    QTest.mouseMove(canvas, QPoint(190, 110))
    QTest.mouseRelease(canvas, button, NONE, QPoint(190, 110))
    assert canvas.viewport.to_image(190, 110) == pytest.approx(under)
    assert session.selection == ()
    QTest.keyRelease(canvas, Qt.Key.Key_Space)
    x, y = canvas.image_to_widget(60, 50)
    QTest.mouseClick(canvas, LEFT, NONE, QPoint(round(x), round(y)))
    assert len(session.selection) == 1


def test_the_image_cannot_be_lost(canvas: CanvasView) -> None:
    for dx, dy in ((9999, 9999), (-9999, 0), (0, -9999)):
        canvas.pan(dx, dy)
        corners = QRectF(QPointF(*canvas.image_to_widget(0, 0)), QPointF(*canvas.image_to_widget(WIDTH, HEIGHT)))
        visible = corners.intersected(QRectF(canvas.rect()))
        assert min(visible.width(), visible.height()) >= 40


def test_fitting_shows_the_whole_image_and_follows_the_size_of_the_canvas(canvas: CanvasView) -> None:
    canvas.fit()
    for size in ((400, 300), (300, 500), (900, 320)):
        canvas.resize(*size)
        x1, y1 = canvas.image_to_widget(0, 0)
        x2, y2 = canvas.image_to_widget(WIDTH, HEIGHT)
        assert min(x1, y1) >= 0
        assert x2 <= size[0]
        assert y2 <= size[1]
        assert max((x2 - x1) / size[0], (y2 - y1) / size[1]) > 0.85
        assert (x1 + x2) / 2 == pytest.approx(size[0] / 2, abs=1)


def test_each_image_keeps_its_own_view(canvas: CanvasView, session: Session) -> None:
    canvas.zoom_to(7.0)
    canvas.pan(-100, -60)
    middle = canvas.viewport.to_image(200, 150)
    session.step_image(1)
    assert canvas.zoom != 7.0
    session.step_image(-1)
    assert canvas.zoom == pytest.approx(7.0)
    assert canvas.viewport.to_image(200, 150) == pytest.approx(middle, abs=0.5)


def test_a_shown_instance_is_brought_into_view_only_when_it_is_not(canvas: CanvasView) -> None:
    before = canvas.viewport
    canvas.show_bounds((40, 40, 60, 60))
    assert canvas.viewport == before
    canvas.zoom_to(20.0)
    canvas.show_bounds((150, 110, 158, 118))
    corners = QRectF(QPointF(*canvas.image_to_widget(150, 110)), QPointF(*canvas.image_to_widget(158, 118)))
    assert QRectF(canvas.rect()).contains(corners)


def test_100_percent_is_one_image_pixel_per_device_pixel(canvas: CanvasView, qtbot: QtBot) -> None:
    with qtbot.waitSignal(canvas.zoom_changed) as changed:
        canvas.zoom_to(1.0)
    assert changed.args == [1.0]
    assert canvas.viewport.scale * canvas.devicePixelRatioF() == 1.0


def test_moving_the_pointer_says_where_it_is_in_the_image(canvas: CanvasView, qtbot: QtBot) -> None:
    with qtbot.waitSignal(canvas.cursor_moved) as moved:
        QTest.mouseMove(canvas, QPoint(140, 130))
    assert moved.args == pytest.approx([50.0, 50.0])


def test_an_image_is_looked_at_like_before_after_a_restart(window: MainWindow, session: Session) -> None:
    assert session.project is not None
    path = session.project.path
    session.close_project()
    window.projects.open(path)
    first, second = list(window.session.images)
    window.session.open_image(first)
    window.canvas.zoom_to(3.0)
    window.canvas.pan(30, -20)
    middle = window.canvas.viewport.to_image(window.canvas.width() / 2, window.canvas.height() / 2)
    window.session.open_image(second)
    window.session.close_project()
    window.canvas.fit()
    window.projects.open(path)
    window.session.open_image(first)
    assert window.canvas.zoom == pytest.approx(3.0)
    again = window.canvas.viewport.to_image(window.canvas.width() / 2, window.canvas.height() / 2)
    assert again == pytest.approx(middle, abs=0.5)
    window.session.open_image(second)
    whole = window.canvas.viewport
    window.canvas.fit()
    assert window.canvas.viewport == whole


def test_zooming_to_the_selection_brings_it_into_the_middle(window: MainWindow, session: Session, add: Add) -> None:
    assert session.project is not None
    instance = add(Mask.from_crop(np.ones((12, 30), dtype=bool), 100, 20))
    path = session.project.path
    session.close_project()
    window.projects.open(path)
    window.session.open_image(instance.image_id)
    window.canvas.fit()
    before = window.canvas.viewport
    window.actions_["zoom_selection"].trigger()
    assert window.canvas.viewport == before
    window.session.select([instance.id])
    window.actions_["zoom_selection"].trigger()
    x, y = window.canvas.image_to_widget(115, 26)
    assert (x, y) == pytest.approx((window.canvas.width() / 2, window.canvas.height() / 2), abs=2)
    assert window.canvas.viewport.scale > before.scale
