"""Downloads a model or exports one, through the verbs, in a process of its own: one at a time."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import Signal

from app.jobs.verb_process import VerbJob
from app.translation import tr


class ModelFiles(VerbJob):
    """What is going on with model files, and what became of it."""

    started = Signal()
    progressed = Signal(int, int)  # bytes, and of how many; 0 where that is not known
    downloaded = Signal(object)  # Path of the checkpoint
    exported = Signal(str, str)  # what was written, what should be known of it
    failed = Signal(str)

    def __init__(self, program: Sequence[str] = ()) -> None:
        """`program` is what to run instead of `python main.py`."""
        super().__init__(program)
        self._subject = ""
        self._out: Path | None = None
        self._outcome: dict[str, Any] = {}

    @property
    def subject(self) -> str | None:
        """The name of what is downloaded, or the path of what is exported; None while nothing is going on."""
        return self._subject if self.running else None

    def download(self, name: str) -> None:
        """Fetch a published model by its name."""
        self._start(name, None, ["models", "--download", name, "--progress-json"])

    def export(self, checkpoint: Path, out: Path) -> None:
        """Write a checkpoint once more: `.safetensors` or `.pth`."""
        self._start(str(checkpoint), out, ["export-model", str(checkpoint), str(out)])

    def _start(self, subject: str, out: Path | None, arguments: Sequence[str]) -> None:
        if not self.running:
            self._subject, self._out, self._outcome = subject, out, {}
            self.started.emit()
            self._run(arguments)

    def _on_event(self, event: dict[str, Any]) -> None:
        if event.get("event") == "progress":
            self.progressed.emit(event["done"], event["total"])
        else:
            self._outcome = event

    def _on_ended(self, code: int, errors: str, cancelled: bool) -> None:
        out, outcome = self._out, self._outcome
        said = errors.strip().splitlines()
        if outcome.get("event") == "finished":
            self.downloaded.emit(Path(outcome["path"]))
        elif outcome.get("event") == "failed":
            self.failed.emit(f"{outcome['message']} {outcome.get('remedy', '')}".strip())
        elif code == 0 and out is not None:
            self.exported.emit(tr("{file} is written.", file=out.name), "\n".join(said[1:]))
        elif not cancelled:
            why = said[-1].removeprefix("Error: ") if said else tr("It stopped unexpectedly.")
            self.failed.emit(why)
