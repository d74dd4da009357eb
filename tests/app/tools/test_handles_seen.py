"""Handles as they are seen: how many, how large, and what is repainted of them."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.canvas.view import CanvasView
from app.session import Session
from app.tools import handles
from app.tools.vertices import Vertices
from app.window import MainWindow
from engine.geometry.mask import Mask
from engine.records import Instance
from tests.app.tools.test_vertices import drag, holed, places, rule

WIDTH, HEIGHT = 160, 120
LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
CONTROL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
Add = Callable[..., Instance]
At = Callable[[float, float], QPoint]
Ring = list[tuple[float, float]]

OUTER: Ring = [(30, 30), (70, 30), (70, 70), (30, 70)]
HOLE: Ring = [(45, 45), (55, 45), (55, 55), (45, 55)]
PART: Ring = [(100, 80), (120, 80), (120, 90), (100, 90)]


def test_less_tolerance_shows_more_handles(tool: Vertices, session: Session, add: Add) -> None:
    disc = np.zeros((HEIGHT, WIDTH), dtype=np.uint8)
    cv2.circle(disc, (80, 60), 40, 1, -1)
    session.select([add(Mask.from_full(disc)).id])
    counts = []
    for tolerance in (5.0, 1.5, 0.5):
        tool.tolerance.set(tolerance)
        counts.append(len(places(tool)))
    assert counts == sorted(set(counts))


def test_handles_have_one_size_at_every_zoom_and_what_is_repainted_in_part_is_the_whole(
    canvas: CanvasView, instance: Instance
) -> None:
    def white(picture: QImage, point: QPoint) -> int:
        near = range(-8, 9)
        places = [(point.x() + x, point.y() + y) for x in near for y in near]
        return sum(picture.pixelColor(x, y).lightness() > 250 for x, y in places)

    counts = []
    for zoom in (2.0, 4.0):
        canvas.zoom_to(zoom)
        canvas.pan(*(a - b for a, b in zip((150, 100), canvas.image_to_widget(70, 30), strict=True)))
        point = QPoint(*map(round, canvas.image_to_widget(70, 30)))
        plain = canvas.grab().toImage()
        QTest.mouseMove(canvas, point)
        assert canvas.grab().toImage() != plain
        QTest.mouseMove(canvas, point + QPoint(40, -40))
        assert canvas.grab().toImage() == plain
        counts.append(white(plain, point))
    assert counts[0] > 20
    assert abs(counts[0] - counts[1]) < counts[0] / 2


def test_only_what_changes_is_repainted_and_the_screen_is_as_if_all_were(
    canvas: CanvasView, tool: Vertices, instance: Instance, at: At
) -> None:
    def pixels(picture: QImage) -> np.ndarray:
        picture = picture.convertToFormat(QImage.Format.Format_RGB888)
        rows = np.frombuffer(picture.constBits(), dtype=np.uint8).reshape(picture.height(), picture.bytesPerLine())
        return rows[:, : 3 * picture.width()].astype(int)

    def assert_shown() -> None:
        QApplication.processEvents()
        difference = pixels(canvas.screen().grabWindow(canvas.winId()).toImage()) - pixels(canvas.grab().toImage())
        assert np.abs(difference).max() <= 3  # antialiasing rounds by where its clip begins

    QTest.mouseMove(canvas, at(10, 10))
    for x, y in ((70, 30), (50, 30), (150, 30)):
        QTest.mouseMove(canvas, at(x, y))
        assert_shown()
    drag(canvas, [at(70, 30), at(100, 20), at(90, 50), at(20, 100)], release=False)
    assert_shown()
    QTest.mouseRelease(canvas, LEFT, NONE, at(20, 100))
    assert_shown()
    drag(canvas, [at(40, 40), at(60, 80), at(150, 30), at(20, 20)], release=False)
    assert_shown()
    QTest.mouseRelease(canvas, LEFT, NONE, at(20, 20))
    assert_shown()
    QTest.keyClick(canvas, Qt.Key.Key_Right)
    assert_shown()
    QTest.keyClick(canvas, Qt.Key.Key_Delete)
    assert_shown()


def test_handles_that_would_lie_on_each_other_are_thinned_out_and_come_back(
    canvas: CanvasView, tool: Vertices, session: Session, add: Add
) -> None:
    comb = np.zeros((HEIGHT, WIDTH), dtype=bool)
    comb[20:100, 10:150:4] = comb[20:100, 11:150:4] = comb[96:100, 10:150] = True
    session.select([add(Mask.from_full(comb)).id])
    canvas.zoom_to(1.0)
    few = tool.shown_handles()
    canvas.zoom_to(8.0)
    canvas.fit()
    outline = tool.handles.outline
    assert outline is not None
    assert len(few) < len(outline.handles)
    distances = np.hypot(*(few[:, None] - few[None]).T) + np.eye(len(few)) * 99
    assert np.median(distances.min(axis=0)) >= 4
    canvas.zoom_to(8.0)
    seen = tool.shown_handles()
    size = canvas.width(), canvas.height()
    at_all = [canvas.image_to_widget(x, y) for x, y in outline.places.tolist()]
    inside = [place for place in at_all if 0 <= place[0] <= size[0] and 0 <= place[1] <= size[1]]
    assert {(x, y) for x, y in seen.tolist()} >= set(inside)


def test_the_outline_of_a_large_mask_is_found_in_a_thread(
    tool: Vertices, session: Session, add: Add, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    monkeypatch.setattr(handles, "SHORT", 100)
    first, second = add(holed()), add(Mask.from_full(rule([(5, 5), (25, 5), (25, 25), (5, 25)])))
    session.select([first.id])
    assert tool.handles.waiting
    session.select([second.id])
    qtbot.waitUntil(lambda: not tool.handles.waiting)
    assert places(tool) == {(5, 5), (25, 5), (25, 25), (5, 25)}
    session.select([first.id])
    qtbot.waitUntil(lambda: not tool.handles.waiting)
    assert places(tool) == {*OUTER, *HOLE, *PART}


def test_the_window_offers_the_tool(window: MainWindow) -> None:
    window.workplace.choose_tool("vertices")
    assert isinstance(window.canvas.tool, Vertices)
    window.workplace.choose_tool("brush")
    window.workplace.choose_tool("vertices")
    assert isinstance(window.canvas.tool, Vertices)
