"""How verbs talk: progress bars and words on stderr, one JSON document or JSON lines on stdout."""

from __future__ import annotations

import json
import math
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

CONSOLE = Console(stderr=True)
STDIN = 0
CANCEL = b"cancel"  # on stdin: the person wants the process to stop
LINE_SECONDS, LINE_SHARE = 0.1, 0.01  # between two lines of progress: a bar moves no more smoothly for more


class Advance(Protocol):
    """Tells a progress bar how much is done."""

    def __call__(self, done: int, total: int, note: str = "") -> None: ...


@contextmanager
def progress_bar(title: str, *, as_json: bool = False) -> Iterator[Advance]:
    """A progress bar on stderr while the block runs; nothing where stderr is no terminal.

    Or, `as_json`, lines {"event": "progress", "done", "total"} on stdout: the first, then some a second or per cent.
    """
    if as_json:
        yield _progress_lines()
        return
    if not CONSOLE.is_terminal:
        yield lambda done, total, note="": None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, TextColumn("{task.fields[note]}"), console=CONSOLE) as progress:
        task = progress.add_task(title, total=None, note="")

        def advance(done: int, total: int, note: str = "") -> None:
            progress.update(task, completed=done, total=total, note=note)

        try:
            yield advance
        except BaseException:
            progress.live.transient = True  # what went wrong is said alone, without half a bar above it
            raise


def _progress_lines() -> Advance:
    told, told_at = 0, -math.inf

    def advance(done: int, total: int, note: str = "") -> None:
        nonlocal told, told_at
        far = total > 0 and done - told >= LINE_SHARE * total
        if far or time.monotonic() - told_at > LINE_SECONDS:
            told, told_at = done, time.monotonic()
            emit({"event": "progress", "done": done, "total": total})

    return advance


def say(text: str) -> None:
    """One line for the person, on stderr."""
    CONSOLE.print(text, highlight=False, markup=False, soft_wrap=True)


def counted(count: int, noun: str) -> str:
    """A number of things: "1 image", "2,000 images"."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def emit(document: dict[str, object]) -> None:
    """One JSON object on its own line of stdout."""
    sys.stdout.write(json.dumps(document) + "\n")
    sys.stdout.flush()


def leave_stdout() -> None:
    """Send what is still to be written to stdout nowhere: it failed once, and the interpreter would fail again."""
    sink = os.open(os.devnull, os.O_WRONLY)
    os.dup2(sink, sys.stdout.fileno())
    os.close(sink)


@contextmanager
def sigterm_as_interrupt() -> Iterator[None]:
    """While the block runs SIGTERM does what Ctrl+C does, so that what was begun is cleared away."""
    with _handling(signal.default_int_handler, signal.SIGTERM):
        yield


class StopSignal:
    """True, when called, from when the process was asked to stop."""

    def __init__(self) -> None:
        self._asked, self._deserted = threading.Event(), threading.Event()

    def __call__(self) -> bool:
        return self._asked.is_set() or self._deserted.is_set()

    @property
    def deserted(self) -> bool:
        """Whether no person asked: whoever started the process is gone, or the system ends."""
        return self._deserted.is_set() and not self._asked.is_set()

    def ask(self) -> None:
        """A person wants the process to stop."""
        self._asked.set()

    def desert(self) -> None:
        """It has to stop, and no person asked for that."""
        self._deserted.set()


@contextmanager
def stop_signal(*, watch_stdin: bool) -> Iterator[StopSignal]:
    """A question that is true from when the process has to stop: by Ctrl+C or SIGTERM.

    Where wanted also by stdin, as a subprocess of the window: a line says that the person cancelled, its end that the
    window is gone. A signal does not come from the person then, but to the whole session, for example as it ends.
    """
    stop = StopSignal()
    signalled = stop.desert if watch_stdin else stop.ask
    with _handling(lambda *_: signalled(), signal.SIGTERM, signal.SIGINT):
        if watch_stdin:
            threading.Thread(target=_watch_stdin, args=(stop,), name="stdin-watch", daemon=True).start()
        yield stop


@contextmanager
def _handling(handler: Callable[[int, FrameType | None], object], *numbers: signal.Signals) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)


def _watch_stdin(stop: StopSignal) -> None:
    # Not through sys.stdin: its lock, held by a read that never ends, aborts the interpreter at the end.
    with suppress(OSError):  # a stdin that was closed from the start has ended, too
        while words := os.read(STDIN, 1024):
            if CANCEL in words:
                stop.ask()
    stop.desert()
