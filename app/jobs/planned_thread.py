"""A thread that works through a plan of tasks, where a newer plan replaces the older one at any time."""

import os
import sys
import threading
from collections import deque
from collections.abc import Sequence
from typing import Generic, TypeVar

from PySide6.QtCore import QObject, QThread

T = TypeVar("T")


class PlannedThread(QThread, Generic[T]):
    """Works on the first task of the newest plan. A running task that the newest plan does not name is cancelled.

    Subclasses do the work in `work`, ask `cancelled` in between, and emit signals, which Qt queues to the GUI thread.
    """

    niceness = 5  # the window's own thread comes first on a machine with few cores; Linux counts it per thread

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._condition = threading.Condition()
        self._plan: deque[T] = deque()
        self._running: T | None = None
        self._cancel = threading.Event()
        self._stopping = False

    def set_plan(self, tasks: Sequence[T]) -> None:
        """Replace what is still to be done, most urgent first. Starts the thread on first use; never waits."""
        with self._condition:
            if self._running is not None and (not tasks or self._running != tasks[0]):
                self._cancel.set()
            busy = self._running if not self._cancel.is_set() else None
            self._plan = deque(task for task in tasks if task != busy)
            self._condition.notify()
        if tasks and not self.isRunning() and not self._stopping:
            self.start()

    def stop(self) -> None:
        """Cancel everything and wait for the thread to end."""
        with self._condition:
            self._stopping = True
            self._plan.clear()
            self._cancel.set()
            self._condition.notify()
        self.wait()

    def cancelled(self) -> bool:
        return self._cancel.is_set()

    def pause(self, seconds: float) -> None:
        """Leave the processor to others for a while, unless something more urgent is wanted."""
        self._cancel.wait(seconds)

    def work(self, task: T) -> None:
        """Do one task; runs in this thread, and reports its own errors. Another exception counts as a fault."""
        raise NotImplementedError

    def run(self) -> None:
        if hasattr(os, "setpriority"):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), self.niceness)
        while True:
            with self._condition:
                self._running = None
                while not self._plan and not self._stopping:
                    self._condition.wait()
                if self._stopping:
                    return
                self._running = self._plan.popleft()
                self._cancel.clear()
                task = self._running
            try:
                self.work(task)
            except Exception:  # noqa: BLE001 - told like any other fault; the tasks after it are done all the same
                sys.excepthook(*sys.exc_info())
