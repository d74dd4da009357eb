"""Whether a job is writing the open project, and the writing of very large edits by a thread of its own."""

import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

from PySide6.QtCore import QCoreApplication, QEventLoop, QObject, Qt, Signal

from app.held_input import HeldInput
from app.jobs.background import Background
from app.translation import tr, trn
from engine.project.beside import Advance

# Changes of one edit that are written and shown within a frame of 16 ms.
MOST_AT_ONCE = 32
HOLDER = "writing"
FINISH_MS = 5  # between two looks whether it is written, where a closing window waits for that
T = TypeVar("T")


class _Cancelled(Exception):
    """The person does not want it any more."""


@dataclass(frozen=True)
class _Written(Generic[T]):
    result: T


class Writing(QObject):
    """While a job writes the project nobody else does. What has to be written meanwhile waits: what `when_free` is
    given, and while `write` is at work also what a person types and clicks."""

    progressed = Signal(str, object)  # what is going on and how much of it is done, 0 to 1 or None; "" when it is over
    _advanced = Signal(str, object)  # told by the thread

    def __init__(self, held_input: HeldInput, parent: QObject) -> None:
        super().__init__(parent)
        self.busy = False
        self._at_work = False  # whether the thread of `write` is what is busy
        self._waiting: list[Callable[[], object]] = []
        self._background = Background()
        self._input = held_input
        self._unwanted = threading.Event()
        self._advanced.connect(self._on_advanced, Qt.ConnectionType.QueuedConnection)

    def begin(self) -> None:
        """A job writes the project from now on."""
        self.busy = True

    def end(self) -> None:
        """The project can be written again."""
        self.busy = False
        waiting, self._waiting = self._waiting, []
        for act in waiting:
            try:
                self.when_free(act)  # which waits again where one before it began to write
            except Exception:  # noqa: BLE001 - told like any other fault; those after it are done all the same
                sys.excepthook(*sys.exc_info())

    def when_free(self, act: Callable[[], object]) -> None:
        """Call `act` now, or where a job is writing the project when it is through."""
        if self.busy:
            self._waiting.append(act)
        else:
            act()

    def forget(self) -> None:
        """The project is closed: nothing has to be written to it any more."""
        self._waiting.clear()

    def write(
        self, words: str, write: Callable[[Advance], T], done: Callable[[T], object], failed: Callable[[str], object]
    ) -> None:
        """Call `write` in the thread, then `done` with what it returned; `failed` with a reason, or with "" where the
        person cancelled it. `words` say what is going on."""
        self.begin()
        self._at_work = True
        self._unwanted.clear()
        self._input.hold(HOLDER)
        self.progressed.emit(words, None)

        def advance(share: float | None) -> None:
            if self._unwanted.is_set():
                raise _Cancelled
            self._advanced.emit(words, share)

        def work() -> _Written[T] | None:
            try:
                return _Written(write(advance))
            except _Cancelled:
                return None

        def ended(written: _Written[T] | None) -> None:
            self._ended(partial(failed, "") if written is None else partial(done, written.result), written is not None)

        self._background.run(work, ended, lambda why: self._ended(partial(failed, why), False))

    def cancel_work(self) -> None:
        """Give it up unless it is written by now."""
        self._unwanted.set()
        self.progressed.emit(tr("Cancelling…"), None)

    def finish(self) -> None:
        """Wait for what `write` is at, and for all that follows from it, because the project is about to be closed."""
        while self._at_work:
            QCoreApplication.processEvents(QEventLoop.ProcessEventsFlag.ExcludeUserInputEvents, FINISH_MS)
            time.sleep(FINISH_MS / 1000)
        self._input.drop(HOLDER)

    def stop(self) -> None:
        """Finish, for a closing window."""
        self.finish()
        self._background.stop()

    def _on_advanced(self, words: str, share: float | None) -> None:
        if self._at_work and not self._unwanted.is_set():
            self.progressed.emit(words, share)

    def _ended(self, tell: Callable[[], object], written: bool) -> None:
        self.busy = self._at_work = False
        self.progressed.emit("", None)
        try:
            tell()
        finally:
            if not self.busy:
                self.end()
            if not self._at_work and written:
                self._input.release(HOLDER)
            elif not self._at_work:
                self._input.drop(HOLDER)  # it was about what did not come about


def saving(count: int) -> str:
    """What is said while so many changes are written."""
    return trn("Saving {count} change…", "Saving {count} changes…", count)
