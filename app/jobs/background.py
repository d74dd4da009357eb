"""Odd jobs off the GUI thread: those of the window one after the other, those of the tools with the newest first.

A job's work is told how to say how far it is, and stops where it says so once nobody wants it any more. It touches
nothing of Qt's and no open project; what it returns arrives in the GUI thread.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from PySide6.QtCore import QObject, Qt, Signal

from app.jobs.planned_thread import PlannedThread
from app.translation import tr
from engine.errors import MaskwrightError

FAULT = tr("A background job failed inside Maskwright.")
Then = Callable[[], object]


class Advance(Protocol):
    """Says that `share` of the work is done, from 0 to 1 or None where that is not known; ends work not wanted."""

    def __call__(self, share: float | None = None, /) -> None: ...


class _Cancelled(Exception):
    """Nobody waits for this work any more; raised out of it, where it says how far it is."""


@dataclass(frozen=True, eq=False)
class _Job:
    work: Callable[[Advance], Any]
    done: Callable[[Any], object]
    failed: Callable[[str], object]
    text: str = ""
    dropped: Then | None = None


class _JobThread(PlannedThread[_Job]):
    advanced = Signal(object, object)  # job, share
    ended = Signal(object, object, str)  # job, what it returned, why it failed

    def work(self, task: _Job) -> None:
        def advance(share: float | None = None, /) -> None:
            if self.cancelled():
                raise _Cancelled
            self.advanced.emit(task, share)

        try:
            self.ended.emit(task, task.work(advance), "")
        except _Cancelled:
            pass  # who cancelled it knows
        except (MaskwrightError, OSError) as error:
            self.ended.emit(task, None, str(error))
        except Exception:
            self.ended.emit(task, None, FAULT)
            raise


class Background(QObject):
    """Runs what it is given in its own thread, and tells the outcome in the GUI thread."""

    def __init__(self) -> None:
        super().__init__()
        self._jobs: list[_Job] = []
        self._thread = _JobThread()
        self._thread.ended.connect(self._on_ended, Qt.ConnectionType.QueuedConnection)

    def run(self, work: Callable[[], Any], done: Callable[[Any], object], failed: Callable[[str], object]) -> None:
        """Call `work` in the thread once the jobs before it are done, then `done` with what it returned, or `failed`.

        `work` may touch nothing of Qt's and no open project: it opens its own.
        """
        self._jobs.append(_Job(lambda _: work(), done, failed))
        if len(self._jobs) == 1:
            self._thread.set_plan(self._jobs)

    def stop(self) -> None:
        """Wait for the job that is running and forget the others."""
        self._thread.stop()

    def _on_ended(self, job: _Job, result: Any, error: str) -> None:
        self._jobs.pop(0)
        self._thread.set_plan(self._jobs[:1])
        if error:
            job.failed(error)
        else:
            job.done(result)


class ToolWork(QObject):
    """Pixel work of the canvas's tools. A newer request takes the place of the one before, unless that is kept."""

    progressed = Signal(str, object)  # what is going on and how much of it is done, 0 to 1 or None; "" when it is over

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._kept: list[_Job] = []
        self._newest: _Job | None = None
        self._thread = _JobThread()
        self._thread.advanced.connect(self._on_advanced, Qt.ConnectionType.QueuedConnection)
        self._thread.ended.connect(self._on_ended, Qt.ConnectionType.QueuedConnection)

    @property
    def running(self) -> bool:
        return bool(self._kept) or self._newest is not None

    def ask(
        self,
        text: str,
        work: Callable[[Advance], Any],
        done: Callable[[Any], object],
        failed: Callable[[str], object],
        dropped: Then | None = None,
    ) -> None:
        """Call `work` in the thread in the place of what was asked for last, then `done` with what it returned.

        `text` says what is going on. `failed` is called with the reason, `dropped` where the person cancels it.
        """
        self._newest = _Job(work, done, failed, text, dropped)
        self._plan()

    def keep(self) -> None:
        """What was asked for last is wanted whatever else is asked for."""
        if self._newest is not None:
            self._kept.append(self._newest)
            self._newest = None

    def forget(self) -> None:
        """What was asked for last, unless it is kept, is not wanted any more."""
        self._newest = None
        self._plan()

    def cancel(self) -> None:
        """The person wants none of it any more."""
        jobs = [*self._kept, *([self._newest] if self._newest is not None else [])]
        self._kept, self._newest = [], None
        self._plan()
        for job in jobs:
            if job.dropped is not None:
                job.dropped()

    def stop(self) -> None:
        """Cancel everything and wait, for a closing window."""
        self._kept, self._newest = [], None
        self._thread.stop()

    def _plan(self) -> None:
        jobs = [*self._kept, *([self._newest] if self._newest is not None else [])]
        self._thread.set_plan(jobs)
        self.progressed.emit(jobs[0].text if jobs else "", None)

    def _on_advanced(self, job: _Job, share: float | None) -> None:
        if job is self._newest or job in self._kept:
            self.progressed.emit(job.text, share)

    def _on_ended(self, job: _Job, result: Any, error: str) -> None:
        if job in self._kept:
            self._kept.remove(job)
        elif job is self._newest:
            self._newest = None
        else:
            return  # a newer request took its place while it ended
        if not self.running:
            self.progressed.emit("", None)
        if error:
            job.failed(error)
        else:
            job.done(result)
