"""Runs a headless verb of `main.py` as a subprocess and hands on the JSON lines that it prints.

The child is niced, and in a session of its own: a Ctrl+C in the terminal is the window's alone. Its stdin stays open as
long as it may live: the end of it, by whatever ended this process, tells a child that is resumable to stop and to keep
what it needs to go on another time. A word before it says that a person cancelled. Other children are asked by a
signal.
"""

import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QProcess, QTimer, Signal

from engine.reporting import CANCEL

MAIN = Path(__file__).resolve().parent.parent.parent / "main.py"
NICENESS = 10  # a fine-tune takes minutes; the window's threads come first
GRACE_MS = 5000  # a training step and the removal of half-written files fit in this
STDERR_KEPT = 20_000  # characters of the child's stderr kept for the details of an error


class VerbProcess(QObject):
    """One run of one verb."""

    reported = Signal(object)  # one JSON object of the child's stdout
    ended = Signal(int, str)  # exit code, what it wrote to stderr

    def __init__(self, parent: QObject | None = None, program: Sequence[str] = (), *, resumable: bool = False) -> None:
        """`program` is what to run instead of `python main.py`; a `resumable` one listens to its stdin."""
        super().__init__(parent)
        self._resumable = resumable
        nice = shutil.which("nice")
        self._program = [nice, "-n", str(NICENESS)] if nice else []
        self._program += list(program) or [sys.executable, str(MAIN)]
        self._process = QProcess(self)
        if sys.platform != "win32":
            self._process.setUnixProcessParameters(QProcess.UnixProcessFlag.CreateNewSession)
        self._process.readyReadStandardOutput.connect(self._read_output)
        self._process.readyReadStandardError.connect(self._read_errors)
        self._process.finished.connect(self._on_finished)
        self._process.errorOccurred.connect(self._on_error)
        self._kill = QTimer(self)
        self._kill.setSingleShot(True)
        self._kill.setInterval(GRACE_MS)
        self._kill.timeout.connect(self._process.kill)
        self._errors = ""
        self.cancelling = False

    @property
    def running(self) -> bool:
        return self._process.state() is not QProcess.ProcessState.NotRunning

    def start(self, arguments: Sequence[str]) -> None:
        """Start the verb; `ended` comes when it is over, also when it could not be started."""
        self._process.start(self._program[0], [*self._program[1:], *arguments])

    def cancel(self) -> None:
        """Ask the child to stop, and end it by force when it has not after a grace."""
        if self.running and not self.cancelling:
            self.cancelling = True
            self._end()
            self._kill.start()

    def stop(self) -> None:
        """Wait until the child is gone: for a closing window. A resumable one keeps what it has for another time."""
        if self.running:
            self._process.blockSignals(True)
            if self._resumable:
                self._process.closeWriteChannel()
            else:
                self._end()
            if not self._process.waitForFinished(GRACE_MS):
                self._process.kill()
                self._process.waitForFinished(GRACE_MS)

    def _end(self) -> None:
        if self._resumable:
            self._process.write(CANCEL + b"\n")
        else:
            self._process.terminate()
        self._process.closeWriteChannel()

    def _read_output(self) -> None:
        while self._process.canReadLine():
            line = bytes(self._process.readLine().data()).decode("utf-8", "replace").strip()
            document = _json_object(line)
            if document is not None:
                self.reported.emit(document)
            elif line:
                self._remember(line + "\n")

    def _read_errors(self) -> None:
        self._remember(bytes(self._process.readAllStandardError().data()).decode("utf-8", "replace"))

    def _remember(self, text: str) -> None:
        self._errors = (self._errors + text)[-STDERR_KEPT:]

    def _on_finished(self, code: int, status: QProcess.ExitStatus) -> None:
        self._kill.stop()
        self._read_output()
        self._read_errors()
        self.ended.emit(code if status is QProcess.ExitStatus.NormalExit else -1, self._errors)

    def _on_error(self, error: QProcess.ProcessError) -> None:
        if error is QProcess.ProcessError.FailedToStart:
            self.ended.emit(-1, self._process.errorString())


class VerbJob(QObject):
    """Runs a verb, one at a time. A subclass says what its lines mean, and how it ended."""

    changed = Signal()  # one began or ended
    resumable = False  # whether a verb that a closing window cuts off goes on another time

    def __init__(self, program: Sequence[str] = ()) -> None:
        """`program` is what to run instead of `python main.py`."""
        super().__init__()
        self._program = program
        self._process: VerbProcess | None = None

    @property
    def running(self) -> bool:
        return self._process is not None

    @property
    def cancelling(self) -> bool:
        return self._process is not None and self._process.cancelling

    def cancel(self) -> None:
        if self._process is not None:
            self._process.cancel()
            self.changed.emit()

    def stop(self) -> None:
        """Wait until it has stopped, for a closing window or project."""
        if self._process is not None:
            self._process.stop()
            self._process = None
            self.changed.emit()

    def _run(self, arguments: Sequence[str]) -> None:
        self._process = VerbProcess(self, self._program, resumable=self.resumable)
        self._process.reported.connect(self._on_event)
        self._process.ended.connect(self._on_process_ended)
        self._process.start(arguments)
        self.changed.emit()

    def _on_process_ended(self, code: int, errors: str) -> None:
        assert self._process is not None
        cancelled = self._process.cancelling
        self._process.deleteLater()
        self._process = None
        self.changed.emit()
        self._on_ended(code, errors, cancelled)

    def _on_event(self, event: dict[str, Any]) -> None:
        """The verb printed a JSON object."""
        raise NotImplementedError

    def _on_ended(self, code: int, errors: str, cancelled: bool) -> None:
        """The verb is gone: its exit code, what it wrote to stderr, and whether the person cancelled it."""
        raise NotImplementedError


def _json_object(line: str) -> dict[str, Any] | None:
    try:
        document = json.loads(line)
    except json.JSONDecodeError:
        return None
    return document if isinstance(document, dict) else None
