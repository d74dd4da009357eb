"""How verbs talk: progress bars and words on stderr, one JSON document or JSON lines on stdout."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

CONSOLE = Console(stderr=True)


class Advance(Protocol):
    """Tells a progress bar how much is done."""

    def __call__(self, done: int, total: int, note: str = "") -> None: ...


@contextmanager
def progress_bar(title: str) -> Iterator[Advance]:
    """A progress bar on stderr while the block runs; nothing where stderr is no terminal."""
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


def say(text: str) -> None:
    """One line for the person, on stderr."""
    CONSOLE.print(text, highlight=False, markup=False, soft_wrap=True)


def emit(document: dict[str, object]) -> None:
    """One JSON object on its own line of stdout."""
    sys.stdout.write(json.dumps(document) + "\n")
    sys.stdout.flush()


class StopSignal:
    """Becomes true when the process is asked to stop: by SIGTERM or Ctrl+C, or where wanted by the end of stdin,
    which is how a subprocess learns that the window that started it is gone."""

    def __init__(self, *, watch_stdin: bool) -> None:
        self._stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stop.set())
        if watch_stdin:
            threading.Thread(target=self._wait_for_end_of_stdin, name="stdin-watch", daemon=True).start()

    def __call__(self) -> bool:
        return self._stop.is_set()

    def _wait_for_end_of_stdin(self) -> None:
        # Not through sys.stdin: its lock, held by a read that never ends, aborts the interpreter at the end.
        while os.read(sys.stdin.fileno(), 1024):
            pass
        self._stop.set()
