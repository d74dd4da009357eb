"""Whoever works with the keyboard sees where it is: every control changes visibly when it gets the focus."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QDockWidget, QScrollBar, QTabBar, QWidget
from pytestqt.qtbot import QtBot

from app.canvas.view import CanvasView
from app.dataset_dialogs import ExportDialog, ImportDialog
from app.key_sheet import KeySheet
from app.messages import ErrorDialog
from app.pages_dialog import PagesDialog
from app.round_report import RoundReport
from app.session import Session
from app.theme import DARK, LIGHT, Mode, Tokens, theme
from app.window import MainWindow
from engine.project import Round

VISIBLE = 3.0  # WCAG 2.2, 1.4.11 and 2.4.13: between the states of a control, and between it and what is around it
FEWEST = 40  # pixels: a ring around the handle of a slider
GROUNDS = ("background", "surface", "raised", "selection", "canvas")


@pytest.fixture(params=[Mode.DARK, Mode.LIGHT], ids=str)
def mode(request: pytest.FixtureRequest) -> Iterator[Mode]:
    """Either theme, and the dark one again afterwards."""
    theme().set_mode(request.param)
    yield request.param
    theme().set_mode(Mode.DARK)


def test_every_control_of_the_window_shows_the_focus(
    qtbot: QtBot, window: MainWindow, session: Session, mode: Mode
) -> None:
    theme().set_mode(mode)
    assert unseen(qtbot, window) == []
    assert session.project is not None
    window.projects.open(session.project.path, read_only=True)
    window.workplace.choose_tool("brush")
    for name in ("model", "history", "quality", "instances"):
        window.docks.reveal(name)
        QApplication.processEvents()
        assert unseen(qtbot, window) == []


@pytest.mark.parametrize(
    "build",
    [
        lambda: ExportDialog(Path("p.maskwright")),
        lambda: ImportDialog(new=False),
        lambda: PagesDialog({Path("a.tif"): 3}),
        lambda: ErrorDialog("It broke.", "Here."),
        KeySheet,
        lambda: RoundReport(Round(Path("round"), Path("m"), "id")),
    ],
    ids=["export", "import", "pages", "error", "keys", "round"],
)
def test_every_control_of_a_dialog_shows_the_focus(qtbot: QtBot, mode: Mode, build: Callable[[], QDialog]) -> None:
    application = QApplication.instance()
    assert isinstance(application, QApplication)
    theme().apply(application, mode)
    dialog = build()
    qtbot.addWidget(dialog)
    dialog.show()
    assert unseen(qtbot, dialog) == []
    dialog.done(0)


def test_the_canvas_is_framed_where_the_keyboard_led_and_not_where_the_pointer_did(
    qtbot: QtBot, window: MainWindow, session: Session
) -> None:
    assert session.project is not None
    window.projects.open(session.project.path, read_only=True)
    qtbot.waitUntil(lambda: QApplication.activeWindow() is window)
    frame = window.canvas.parentWidget()
    window.images.list.setFocus()
    window.canvas.setFocus(Qt.FocusReason.TabFocusReason)
    assert frame.property("kind") == "around-focused"
    QTest.mouseClick(window.canvas, Qt.MouseButton.LeftButton, pos=QPoint(20, 20))
    assert frame.property("kind") == "around"


def test_f6_goes_through_the_parts_of_the_window_and_out_of_the_canvas(
    qtbot: QtBot, window: MainWindow, session: Session
) -> None:
    assert session.project is not None
    window.projects.open(session.project.path, read_only=True)
    window.activateWindow()
    qtbot.waitUntil(lambda: QApplication.activeWindow() is window)
    window.canvas.setFocus()
    seen = []
    for _ in range(12):  # more than there are parts
        QTest.keyClick(window, Qt.Key.Key_F6)
        focused = QApplication.focusWidget()
        seen.append(
            next((dock.objectName() for dock in window.findChildren(QDockWidget) if dock.isAncestorOf(focused)), "")
        )
        if focused is window.canvas:
            break
    assert focused is window.canvas
    assert {"images", "instances"} <= set(seen)
    QTest.keyClick(window, Qt.Key.Key_F6, Qt.KeyboardModifier.ShiftModifier)
    assert window.workplace.isAncestorOf(QApplication.focusWidget())


@pytest.mark.parametrize("tokens", [DARK, LIGHT], ids=["dark", "light"])
def test_texts_are_readable_and_edges_are_seen(tokens: Tokens) -> None:
    for ground in (getattr(tokens, name) for name in GROUNDS):
        for text in ("text", "muted"):
            assert contrast(getattr(tokens, text), ground) >= 4.5, (text, ground)
        for edge in ("accent", "faint"):  # what has the focus, and every field, button and box
            assert contrast(getattr(tokens, edge), ground) >= VISIBLE, (edge, ground)
        assert contrast(tokens.text, ground) >= 7
        for icon in ("success", "warning", "danger", "proposal"):
            assert contrast(getattr(tokens, icon), ground) >= VISIBLE, (icon, ground)
    for word in ("accent", "success", "warning", "danger"):
        for ground in (tokens.background, tokens.surface):
            assert contrast(getattr(tokens, word), ground) >= 4.5, word
    for button in (tokens.accent, tokens.accent_hover):
        assert contrast(tokens.on_accent, button) >= 4.5
    assert contrast(tokens.text, tokens.accent) >= VISIBLE  # the ring around a primary button


def unseen(qtbot: QtBot, window: QWidget) -> list[str]:
    """The controls of a window whose look does not change enough when they get the focus."""
    window.activateWindow()
    qtbot.waitUntil(lambda: QApplication.activeWindow() is window)
    found = []
    for widget in [each for each in window.findChildren(QWidget) if takes_focus(each)]:
        place = widget.parentWidget() if isinstance(widget, CanvasView) else widget
        widget.clearFocus()
        window.setFocus()
        before = pixels(place)
        widget.setFocus(Qt.FocusReason.TabFocusReason)
        if QApplication.focusWidget() is not widget:
            found.append(f"{type(widget).__name__} {widget.accessibleName()} cannot be reached")
        elif np.count_nonzero(contrasts(before, pixels(place)) >= VISIBLE) < FEWEST:
            found.append(f"{type(widget).__name__} {widget.accessibleName()}")
    return found


def takes_focus(widget: QWidget) -> bool:
    reachable = widget.isVisible() and widget.isEnabled() and widget.focusPolicy() & Qt.FocusPolicy.TabFocus
    if isinstance(widget, QScrollBar) or widget.focusProxy() is not None or widget.objectName().startswith("qt_"):
        return False
    return bool(reachable) and not isinstance(widget.parent(), QTabBar)


def pixels(widget: QWidget) -> NDArray[np.float64]:
    """(height, width, 3) in [0, 1] as the widget is painted now."""
    image = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3) / 255.0


def contrasts(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """The contrast ratio of each pixel with itself, WCAG 2.2."""
    lights = [_luminance(each) + 0.05 for each in (first, second)]
    return np.maximum(*lights) / np.minimum(*lights)


def contrast(first: str, second: str) -> float:
    """The contrast ratio of two colours written as "#rrggbb"."""
    values = [np.array([int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]) for color in (first, second)]
    return float(contrasts(values[0], values[1]))


def _luminance(color: NDArray[np.float64]) -> NDArray[np.float64]:
    linear = np.where(color <= 0.04045, color / 12.92, ((color + 0.055) / 1.055) ** 2.4)
    return linear @ np.array([0.2126, 0.7152, 0.0722])
