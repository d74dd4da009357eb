"""Odd jobs off the GUI thread, one after the other: copying a project, looking at its files."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal

from app.jobs.planned_thread import PlannedThread
from engine.errors import MaskwrightError


@dataclass(frozen=True, eq=False)
class _Job:
    work: Callable[[], Any]
    done: Callable[[Any], object]
    failed: Callable[[str], object]


class _JobThread(PlannedThread[_Job]):
    ended = Signal(object, object, str)  # job, what it returned, why it failed

    def work(self, task: _Job) -> None:
        try:
            self.ended.emit(task, task.work(), "")
        except (MaskwrightError, OSError) as error:
            self.ended.emit(task, None, str(error))
        except Exception:
            self.ended.emit(task, None, "A background job failed inside Maskwright.")
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
        self._jobs.append(_Job(work, done, failed))
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
