"""A forked process that works, says what it has acknowledged, and may be killed meanwhile."""

import json
import os
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, event

Say = Callable[[Any], None]

NICENESS = 10
# What Python tells its audit hooks right before it happens.
MARKED = frozenset({"os.rename", "os.remove", "os.mkdir", "os.rmdir"})
MARK, TOLD, WORDS = "m", "t", "w"


@dataclass(frozen=True)
class Kill:
    """When to kill: so many seconds after the start, or after the mark of that number, counted from 1."""

    seconds: float
    mark: int = 0


@dataclass(frozen=True)
class Outcome:
    """What a process told, how many marks it passed, how it ended, and after how long."""

    told: list[Any]
    marks: int
    status: int
    seconds: float
    words: str

    @property
    def killed(self) -> bool:
        return os.WIFSIGNALED(self.status) and os.WTERMSIG(self.status) == signal.SIGKILL


def run(work: Callable[[Say], None], kill: Kill | None) -> Outcome:
    """Fork a process for `work`, which gets a function to acknowledge with; and kill it where asked."""
    reading, writing = os.pipe()
    began = time.monotonic()
    number = os.fork()
    if number == 0:
        os.close(reading)
        _work(work, writing)
    os.close(writing)
    lines = _Lines(reading)
    if kill is not None:
        if kill.mark:
            lines.read_until(lambda: lines.count(MARK) >= kill.mark, None)
        deadline = time.monotonic() + kill.seconds if kill.mark else began + kill.seconds
        lines.read_until(lambda: False, deadline)
        os.kill(number, signal.SIGKILL)
    lines.read_until(lambda: False, None)
    _, status = os.waitpid(number, 0)
    os.close(reading)
    told = [json.loads(text) for kind, text in lines.complete() if kind == TOLD]
    words = "".join(json.loads(text) for kind, text in lines.complete() if kind == WORDS)
    return Outcome(told, lines.count(MARK), status, time.monotonic() - began, words)


class _Lines:
    """What comes through a pipe: lines of a letter for the kind, and JSON."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._bytes = b""
        self._ended = False

    def read_until(self, enough: Callable[[], bool], deadline: float | None) -> None:
        while not self._ended and not enough():
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                return
            if select.select([self._descriptor], [], [], left)[0]:
                piece = os.read(self._descriptor, 65536)
                self._bytes += piece
                self._ended = not piece

    def complete(self) -> list[tuple[str, str]]:
        """The kind and the text of every line that came whole."""
        lines = self._bytes.decode().split("\n")[:-1]
        return [(line[0], line[1:]) for line in lines]

    def count(self, kind: str) -> int:
        return sum(found == kind for found, _ in self.complete())


def _is_marked(name: str, details: tuple[Any, ...]) -> bool:
    """Whether a file is about to change; opening one to write counts too."""
    return name in MARKED or (name == "open" and isinstance(details[1], str) and "w" in details[1])


def _work(work: Callable[[Say], None], writing: int) -> None:
    """Work, and end the process."""
    os.nice(NICENESS)

    def send(kind: str, value: Any) -> None:
        os.write(writing, f"{kind}{json.dumps(value)}\n".encode())

    event.listen(Engine, "commit", lambda connection: send(MARK, 0))
    sys.addaudithook(lambda name, details: send(MARK, 0) if _is_marked(name, details) else None)
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, sys.stdout.fileno())
    os.dup2(nowhere, sys.stderr.fileno())
    try:
        work(lambda value: send(TOLD, value))
    except BaseException:  # noqa: BLE001, this process ends here, whatever it was
        send(WORDS, traceback.format_exc()[-3000:])
        os._exit(1)
    os._exit(0)
