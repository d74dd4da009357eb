"""What the window says of rounds: in the middle of its work, and of one that was cut off when it closed."""

from pathlib import Path

from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.messages import NoticeBar
from app.window import MainWindow
from engine.learning.finished import STATE_NAME, next_round_folder, training_folder


def test_a_round_that_was_cut_off_is_told_of_when_the_project_opens(
    qtbot: QtBot, window: MainWindow, folder: Path
) -> None:
    assert window.projects.open_folder(folder)
    assert window.session.project is not None
    path = window.session.project.path
    window.projects.close()
    left = training_folder(next_round_folder(path))
    left.mkdir(parents=True)
    (left / STATE_NAME).write_bytes(b"as far as it came")
    assert window.projects.open(path)
    qtbot.waitUntil(lambda: "A fine-tune was cut off." in window.notices.text, timeout=20000)


def test_the_shortcut_says_why_there_is_nothing_to_fine_tune(working: MainWindow) -> None:
    working.actions_["finetune"].trigger()
    assert not working.rounds.running
    assert working.notices.text == working.rounds.why_not() != ""


def test_a_long_notice_is_read_whole_in_a_narrow_window(qtbot: QtBot, working: MainWindow) -> None:
    notices: NoticeBar = working.notices
    text = "A fine-tune finished after the window was gone, and what it came to takes many words to say. " * 2
    working.resize(900, 640)
    notices.show_notice(text.strip(), action="Show", then=working.close)
    label = notices._label
    assert notices.width() <= working.width()
    needed = label.fontMetrics().boundingRect(label.rect(), Qt.TextFlag.TextWordWrap, text.strip())
    assert label.rect().contains(needed)
    notices.show_notice("Short.")
    assert notices.height() < 2 * label.fontMetrics().height() + notices.layout().contentsMargins().top() * 4
