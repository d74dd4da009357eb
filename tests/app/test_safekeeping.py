"""The window looks after the open project: what was cut off, copies, lost images, and the way through its history."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from app.backups_dialog import BackupsDialog
from app.image_files_dialog import ImageFilesDialog
from app.window import MainWindow
from engine.geometry.mask import Mask
from engine.learning.finished import keep_round
from engine.project import FileProblem, Project, backups, commands
from engine.resources import BUNDLED_WEIGHTS

WAIT = 20_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project with three images in a folder of their own, and a category."""
    (tmp_path / "pictures").mkdir()
    for index in range(3):
        Picture.new("RGB", (80, 60), (40 * index, 90, 90)).save(tmp_path / "pictures" / f"{index}.png")
    with Project.create(tmp_path / "p.maskwright") as project:
        project.add_images(sorted((tmp_path / "pictures").iterdir()))
        project.apply(commands.add_category(project.new_category_id(), "cell", "#0072b2"))
    return tmp_path


def square(x: int) -> Mask:
    return Mask.from_crop(np.ones((8, 8)), x, 5)


def draw(window: MainWindow, image_id: int, x: int) -> None:
    project = window.session.project
    assert project is not None
    window.session.open_image(image_id)
    assert window.session.apply(commands.draw(project.new_instance_id(), image_id, 1, square(x)))


def test_a_session_that_was_cut_off_is_told_at_the_next_start(qtbot: QtBot, window: MainWindow, folder: Path) -> None:
    project = Project.open(folder / "p.maskwright")
    project.apply(commands.draw(project.new_instance_id(), 1, 1, square(4)))
    copy = folder / "copy"
    copy.mkdir()
    for name in ("p.maskwright", "p.maskwright-wal"):
        shutil.copy(folder / name, copy)  # as a kill would leave them
    project.close()
    shutil.copytree(folder / "pictures", copy / "pictures")
    assert window.projects.open(copy / "p.maskwright")
    assert "Nothing was lost: its one edit is here" in window.notices.text
    assert window.notices.isVisible()
    window.session.close_project()
    assert window.projects.open(copy / "p.maskwright")
    assert not window.notices.isVisible()


def test_a_fine_tune_that_outlived_its_window_is_told_after_what_was_cut_off(
    qtbot: QtBot, window: MainWindow, folder: Path
) -> None:
    figures = {"mask": {"AP50": 0.5}}
    findings = {"before": figures, "after": figures, "verdict": "worse", "reason": "Because."}
    keep_round(folder / "p.rounds" / "round-001", lambda path: shutil.copyfile(BUNDLED_WEIGHTS, path), findings)
    project = Project.open(folder / "p.maskwright")
    project.checkpoint()
    killed = (folder / "p.maskwright").read_bytes()
    project.close()
    (folder / "p.maskwright").write_bytes(killed)
    assert window.projects.open(folder / "p.maskwright")
    qtbot.waitUntil(lambda: "The last session was cut off" in window.notices.text)
    window.notices.hide()
    qtbot.waitUntil(lambda: "A fine-tune finished while no window was open: Worse" in window.notices.text)
    assert window.notices.isVisible()
    assert [entry.verdict for entry in window.rounds.rounds()] == ["worse"]


def test_missing_images_are_told_found_in_another_folder_and_opened(
    qtbot: QtBot, window: MainWindow, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = folder / "elsewhere"
    shutil.move(folder / "pictures", elsewhere)
    (elsewhere / "1.png").rename(elsewhere / "renamed.png")
    with qtbot.waitSignal(window.safekeeping.problems_changed, timeout=WAIT, check_params_cb=lambda: True):
        assert window.projects.open(folder / "p.maskwright")
    qtbot.waitUntil(lambda: len(window.safekeeping.problems) == 3, timeout=WAIT)
    assert "3 images are missing" in window.notices.text
    window.show_image_files()
    (dialog,) = window.findChildren(ImageFilesDialog)
    assert (dialog.list.count(), dialog.find_button.isEnabled(), dialog.take_button.isEnabled()) == (3, True, False)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(elsewhere))
    qtbot.mouseClick(dialog.find_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: window.safekeeping.problems == [], timeout=WAIT)
    assert dialog.list.count() == 0
    qtbot.waitUntil(lambda: window.session.pixels is not None, timeout=WAIT)


def test_changed_images_are_told_and_may_be_kept_as_they_are(qtbot: QtBot, window: MainWindow, folder: Path) -> None:
    Picture.new("RGB", (80, 60), (1, 2, 3)).save(folder / "pictures" / "2.png")
    assert window.projects.open(folder / "p.maskwright")
    qtbot.waitUntil(lambda: len(window.safekeeping.problems) == 1, timeout=WAIT)
    assert window.safekeeping.problems[0].problem is FileProblem.CHANGED
    window.safekeeping.take_changed_as_they_are()
    qtbot.waitUntil(lambda: window.safekeeping.problems == [], timeout=WAIT)


def test_a_copy_is_made_after_edits_and_one_click_goes_back(qtbot: QtBot, window: MainWindow, folder: Path) -> None:
    path = folder / "p.maskwright"
    assert window.projects.open(path)
    window.safekeeping._back_up_if_due()
    assert window.safekeeping.backups() == []  # nothing was done yet
    draw(window, 1, 4)
    with qtbot.waitSignal(window.safekeeping.backups_changed, timeout=WAIT):
        window.safekeeping._back_up_if_due()
    draw(window, 1, 30)
    window.safekeeping._back_up_if_due()
    assert len(window.safekeeping.backups()) == 1  # the next is due in ten minutes
    window.show_backups()
    (dialog,) = window.findChildren(BackupsDialog)
    assert dialog.list.count() == 1
    with qtbot.waitSignal(window.safekeeping.restored, timeout=WAIT):
        qtbot.mouseClick(dialog.restore_button, Qt.MouseButton.LeftButton)
    project = window.session.project
    assert project is not None
    assert [one.mask for one in project.instances(1)] == [square(4)]
    assert len(backups.listed(path)) == 2  # what it was before is kept


def test_the_history_lists_every_edit_and_travels_to_any(qtbot: QtBot, window: MainWindow, folder: Path) -> None:
    assert window.projects.open(folder / "p.maskwright")
    for number, x in ((1, 4), (2, 20), (3, 40), (1, 60)):
        draw(window, number, x)
    project = window.session.project
    assert project is not None
    window.docks.reveal("history")
    panel = window.history
    qtbot.waitUntil(lambda: panel.model.rowCount() == 6, timeout=WAIT)  # four, the category, and the beginning
    panel.list.setCurrentIndex(panel.model.index(2))
    assert panel.go_button.isEnabled()
    qtbot.mouseClick(panel.go_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not window.session.writing.busy)
    assert [len(project.instances(number)) for number in (1, 2, 3)] == [1, 1, 0]
    assert window.session.image is not None
    assert window.session.image.id == 3  # where the last step happened
    qtbot.waitUntil(lambda: panel.summary.text() == "2 undone", timeout=WAIT)
    panel.list.setCurrentIndex(panel.model.index(5))
    qtbot.keyClick(panel.list, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: not window.session.writing.busy)
    assert project.categories() == []
    qtbot.waitUntil(lambda: panel.model.current_row() == 5, timeout=WAIT)
    panel.list.setCurrentIndex(panel.model.index(0))
    qtbot.mouseClick(panel.go_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not window.session.writing.busy)
    assert [len(project.instances(number)) for number in (1, 2, 3)] == [2, 1, 1]
    assert len(window.session.instances) == 2


def test_the_history_reads_further_back_only_when_scrolled_to(qtbot: QtBot, window: MainWindow, folder: Path) -> None:
    path = folder / "p.maskwright"
    with Project.open(path) as project:
        for number in range(450):
            project.apply(commands.draw(project.new_instance_id(), 1 + number % 3, 1, square(number % 60)))
    assert window.projects.open(path)
    model = window.history.model
    model.refresh()
    assert model.rowCount() == 200
    while model.canFetchMore(model.index(-1)):
        model.fetchMore(model.index(-1))
    assert model.rowCount() == 450 + 1 + 1
    assert model.entry(451) is None
    assert model.data(model.index(451)) == "Beginning"


def test_edits_are_timed_and_idle_time_does_not_count(window: MainWindow, folder: Path) -> None:
    assert window.projects.open(folder / "p.maskwright")
    draw(window, 1, 4)
    session = window.session
    session._working_since -= 10
    draw(window, 1, 20)
    session._working_since -= 3600
    draw(window, 1, 40)
    assert session.project is not None
    seconds = [entry.seconds for entry in session.project.history(3)]
    assert seconds[0] == 60
    assert 10 <= seconds[1] < 20
    assert seconds[2] < 10
