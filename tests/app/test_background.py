"""Promises of background work: the newest wins, kept work is never lost, cancelling ends it, the pill tells of it."""

import threading
from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.jobs.background import Advance, ToolWork
from app.work_pill import WorkPill
from engine.errors import MaskwrightError


@pytest.fixture
def work(qtbot: QtBot) -> Iterator[ToolWork]:
    made = ToolWork()
    yield made
    made.stop()


class Slow:
    """Work that goes on until it is told to end or nobody wants it any more."""

    def __init__(self, result: str) -> None:
        self.result = result
        self.begun, self.end = threading.Event(), threading.Event()
        self.cancelled = False

    def __call__(self, advance: Advance) -> str:
        self.begun.set()
        try:
            while not self.end.wait(0.005):
                advance(0.25)
        except Exception:
            self.cancelled = True
            raise
        return self.result


def test_a_result_comes_in_the_thread_that_asked(qtbot: QtBot, work: ToolWork) -> None:
    threads: list[int] = []
    found: list[object] = []

    def count(advance: Advance) -> int:
        threads.append(threading.get_ident())
        return 7

    work.ask("Counting…", count, lambda result: found.append((result, threading.get_ident())), found.append)
    qtbot.waitUntil(lambda: bool(found))
    assert found == [(7, threading.get_ident())]
    assert threads[0] != threading.get_ident()
    assert not work.running


def test_a_newer_request_ends_the_older_one_and_only_its_result_comes(qtbot: QtBot, work: ToolWork) -> None:
    found: list[str] = []
    older, newer = Slow("older"), Slow("newer")
    work.ask("", older, found.append, found.append)
    qtbot.waitUntil(older.begun.is_set)
    work.ask("", newer, found.append, found.append)
    newer.end.set()
    qtbot.waitUntil(lambda: not work.running)
    assert found == ["newer"]
    assert older.cancelled


def test_what_is_kept_is_done_whatever_is_asked_for_after_it(qtbot: QtBot, work: ToolWork) -> None:
    found: list[str] = []
    kept, newer = Slow("kept"), Slow("newer")
    work.ask("", kept, found.append, found.append)
    work.keep()
    work.ask("", newer, found.append, found.append)
    work.forget()
    work.ask("", newer, found.append, found.append)
    newer.end.set()
    kept.end.set()
    qtbot.waitUntil(lambda: not work.running)
    assert found == ["kept", "newer"]


def test_what_is_forgotten_tells_nothing(qtbot: QtBot, work: ToolWork) -> None:
    found: list[str] = []
    slow = Slow("slow")
    work.ask("", slow, found.append, found.append, lambda: found.append("dropped"))
    qtbot.waitUntil(slow.begun.is_set)
    work.forget()
    qtbot.waitUntil(lambda: slow.cancelled)
    assert not work.running
    assert found == []


def test_a_failure_is_told_in_words(qtbot: QtBot, work: ToolWork) -> None:
    found: list[str] = []

    def fail(advance: Advance) -> None:
        raise MaskwrightError("There is nothing.", remedy="Look elsewhere.")

    work.ask("", fail, lambda _: found.append("done"), found.append)
    qtbot.waitUntil(lambda: bool(found))
    assert found == ["There is nothing. Look elsewhere."]


def test_the_pill_tells_how_far_long_work_is_and_its_button_cancels_it(qtbot: QtBot, work: ToolWork) -> None:
    over = QWidget()
    qtbot.addWidget(over)
    over.resize(500, 300)
    pill = WorkPill(over)
    pill.follow(work.progressed, work.cancel)
    over.show()
    found: list[str] = []
    slow = Slow("slow")
    work.ask("Cutting out…", slow, found.append, found.append, lambda: found.append("dropped"))
    qtbot.waitUntil(lambda: pill.isVisible() and pill.share == 0.25)
    assert pill.text == "Cutting out…"
    assert over.rect().contains(pill.geometry())
    QTest.mouseClick(pill.cancel_button, Qt.MouseButton.LeftButton)
    assert found == ["dropped"]
    assert not pill.isVisible()
    qtbot.waitUntil(lambda: slow.cancelled)


def test_work_that_is_soon_over_shows_no_pill(qtbot: QtBot, work: ToolWork) -> None:
    over = QWidget()
    qtbot.addWidget(over)
    pill = WorkPill(over)
    pill.follow(work.progressed, work.cancel)
    over.show()
    found: list[int] = []
    work.ask("Counting…", lambda _: 7, found.append, lambda _: None)
    qtbot.waitUntil(lambda: bool(found))
    assert not pill.isVisible()
    assert not pill._timer.isActive()
