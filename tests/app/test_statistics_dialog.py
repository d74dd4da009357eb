"""Promises of the statistics dialog: it tells what the journal says, and writes what it tells."""

import csv
import json
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture
from PySide6.QtCore import QPoint
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from app.day_bars import DAYS, DayBars
from app.statistics_dialog import StatisticsDialog, duration, write_statistics
from app.theme import theme
from app.window import MainWindow
from engine.errors import MaskwrightError
from engine.geometry.mask import Mask
from engine.project import commands

TODAY = date(2026, 3, 31)


def texts(dialog: StatisticsDialog) -> set[str]:
    return {each.text() for each in dialog.findChildren(QLabel)}


def open_dialog(window: MainWindow) -> StatisticsDialog:
    window.actions_["statistics"].trigger()
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, StatisticsDialog)
    return dialog


@pytest.fixture
def working(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> MainWindow:
    """The window with a project of one image open, and a category."""
    (tmp_path / "pictures").mkdir()
    Picture.fromarray(np.zeros((60, 80, 3), dtype=np.uint8)).save(tmp_path / "pictures" / "one.png")
    assert window.projects.open_folder(tmp_path / "pictures")
    qtbot.waitUntil(lambda: window.session.image is not None)
    window.categories.field.setText("cell")
    window.categories.add()
    return window


def draw(window: MainWindow) -> None:
    session = window.session
    assert session.project is not None
    assert session.image is not None
    (category_id,) = session.categories
    mask = Mask.from_crop(np.ones((9, 9), dtype=bool), 3, 3)
    assert session.apply(commands.draw(session.project.new_instance_id(), session.image.id, category_id, mask))


def test_the_dialog_tells_what_was_done_in_the_open_project(qtbot: QtBot, working: MainWindow) -> None:
    draw(working)
    draw(working)
    dialog = open_dialog(working)
    qtbot.waitUntil(dialog.export_button.isEnabled)
    assert {"2", "2 today", "0 %", "1.0", "cell"} <= texts(dialog)
    assert any("Nothing leaves this computer" in each for each in texts(dialog))


def test_a_project_without_an_accepted_instance_says_so(qtbot: QtBot, working: MainWindow) -> None:
    dialog = open_dialog(working)
    qtbot.waitUntil(dialog.export_button.isEnabled)
    assert "Nothing is accepted yet" in texts(dialog)


def test_a_dialog_that_is_closed_before_the_figures_come_does_no_harm(qtbot: QtBot, working: MainWindow) -> None:
    open_dialog(working).close()
    dialog = open_dialog(working)
    qtbot.waitUntil(dialog.export_button.isEnabled)


def test_what_is_exported_is_what_the_project_says(working: MainWindow, tmp_path: Path) -> None:
    draw(working)
    assert working.session.project is not None
    figures = working.session.project.statistics()
    write_statistics(tmp_path / "figures.json", figures)
    write_statistics(tmp_path / "figures.csv", figures)
    assert json.loads((tmp_path / "figures.json").read_text(encoding="utf-8")) == figures.document()
    with (tmp_path / "figures.csv").open(encoding="utf-8", newline="") as file:
        heading, *rows = csv.reader(file)
    assert heading == ["section", "name", "figure", "value"]
    assert rows == [[str(value) for value in row] for row in figures.table()]
    with pytest.raises(MaskwrightError):
        write_statistics(tmp_path / "missing" / "figures.csv", figures)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, "–"), (0.04, "0.0 s"), (4.25, "4.3 s"), (59.9, "59.9 s"), (61.0, "1 min"), (3661.0, "1 h 1 min")],
)
def test_times_are_said_as_people_say_them(seconds: float | None, words: str) -> None:
    assert duration(seconds) == words


def test_bars_stand_on_their_days_and_are_as_high_as_their_counts(qtbot: QtBot) -> None:
    bars = DayBars()
    qtbot.addWidget(bars)
    bars.resize(10 * DAYS, bars.height())
    counts = {TODAY: 4, TODAY - timedelta(days=10): 8, TODAY - timedelta(days=DAYS): 100}
    bars.show_days(counts, TODAY)
    assert bars.day_at(10 * DAYS - 1) == (TODAY, 4)
    assert bars.day_at(0) == (TODAY - timedelta(days=DAYS - 1), 0)
    assert bars.day_at(10 * DAYS) is None
    image = bars.grab().toImage()
    accent = QColor(theme().tokens.accent)

    def height(x: int) -> int:
        return sum(QColor(image.pixel(QPoint(x, y))) == accent for y in range(image.height()))

    today, earlier = height(10 * DAYS - 5), height(10 * (DAYS - 10) - 5)
    assert abs(earlier - 2 * today) <= 3
    assert today > 20
    assert height(10 * (DAYS - 5) - 5) == 0


def test_no_bar_at_all_is_painted_without_a_count(qtbot: QtBot) -> None:
    bars = DayBars()
    qtbot.addWidget(bars)
    bars.grab()
    bars.show_days({}, TODAY)
    bars.grab()
    assert bars.accessibleDescription() == ""


def test_figures_that_cannot_be_read_are_explained(qtbot: QtBot) -> None:
    dialog = StatisticsDialog("cells")
    qtbot.addWidget(dialog)
    dialog.say("The disk is gone.")
    assert {"The figures could not be read", "The disk is gone."} <= texts(dialog)
    assert not dialog.export_button.isEnabled()
