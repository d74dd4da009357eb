"""Keeps the queue of the open project in step with its scores: which image is next, and why."""

from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

from PySide6.QtCore import QObject, QTimer, Signal

from app.jobs.arrangement import Arrangement
from app.jobs.background import Background
from app.jobs.prediction import Prediction
from app.jobs.queue_scores import QueueScores
from app.session import Session
from engine.errors import MaskwrightError
from engine.learning.queue import Queue, QueueMix, queue
from engine.project import Project

SEED = 0  # one for all projects: what draws the controls is the content of the images
REST_MS = 5000  # between two orders while scores come in: rows that move all the time cannot be clicked
REST_SHARE = 10  # an order that took long to find is not found again for ten times as long


class _Found(NamedTuple):
    places: Queue
    seconds: float


class QueueOrder(QObject):
    """The places of the images that are scored. The order is found in a thread, from what the project holds."""

    changed = Signal()  # other places
    mix_changed = Signal()
    wanted_changed = Signal()

    def __init__(self, session: Session, prediction: Prediction) -> None:
        super().__init__()
        self._session = session
        self._prediction = prediction
        self._arrangement = Arrangement(session)
        self.scores = QueueScores(session, prediction)
        self._background = Background()
        self._working = False
        self._again = False
        self.mix = QueueMix()
        self.places = Queue.empty()
        self._due = QTimer(self, singleShot=True, interval=REST_MS)
        self._due.timeout.connect(self._find)
        self.scores.scored.connect(self._find_later)
        self.scores.settled.connect(self._find)
        session.image_updated.connect(lambda image_id: self._find_later())
        session.project_changed.connect(self._begin)

    @property
    def wanted(self) -> bool:
        """Whether anybody goes by the queue."""
        return self.scores.wanted

    def want(self, wanted: bool) -> None:
        """Go by the queue from now on, and score what is missing, or no longer."""
        if wanted != self.wanted:
            self.scores.want(wanted)
            self._keep("queue_order", wanted)
            self.wanted_changed.emit()
            self._find()

    def set_mix(self, mix: QueueMix) -> None:
        """Let other things count from now on."""
        if mix != self.mix:
            self.mix = mix
            self._keep("queue_mix", asdict(mix))
            self.mix_changed.emit()
            self._find()

    def arranged(self, passed: Sequence[int]) -> list[int]:
        """All images in the queue's order.

        First come the open ones that the person went past, then the current one, so that what follows is the best of
        the others by what is known now; then those without a score, and at last what is decided, in list order.
        """
        current = self._session.image
        return self._arrangement.of([*passed, *([current.id] if current is not None else [])], self.places.ids)

    def stop(self) -> None:
        self.scores.stop()
        self._background.stop()

    # -- inside

    def _begin(self) -> None:
        """Another project, or none: what it was left with."""
        self.places = Queue.empty()
        project = self._session.project
        self.mix = _mix_of(project)
        self.scores.pause(False)
        self.scores.want(bool(project is not None and project.queue_order))
        self.mix_changed.emit()
        self.wanted_changed.emit()
        self.changed.emit()

    def _keep(self, key: str, value: object) -> None:
        project = self._session.project
        if project is not None and not project.read_only:
            self._session.writing.when_free(partial(self._write, project, key, value))

    def _write(self, project: Project, key: str, value: object) -> None:
        try:
            project.set_fact(key, value)
        except MaskwrightError as error:
            self._session.problem.emit(str(error), "")

    def _find_later(self) -> None:
        if self.wanted and not self._due.isActive():
            self._due.start()

    def _find(self) -> None:
        project, checkpoint = self._session.project, self._prediction.checkpoint_id
        if not self.wanted or project is None or checkpoint is None:
            return
        if self._working:
            self._again = True
            return
        self._due.stop()
        self._working, self._again = True, False
        done = partial(self._on_found, project)
        self._background.run(partial(_found, project.path, checkpoint, self.mix), done, self._on_failed)

    def _on_found(self, project: Project, found: _Found) -> None:
        self._working = False
        self._due.setInterval(max(REST_MS, round(1000 * REST_SHARE * found.seconds)))
        if project is self._session.project:
            self.places = found.places
            self.changed.emit()
        if self._again:
            self._find()

    def _on_failed(self, why: str) -> None:
        self._working = False
        self._session.problem.emit(why, "")


def _found(path: Path, checkpoint: str, mix: QueueMix) -> _Found:
    start = perf_counter()
    with Project.open(path, read_only=True) as project:
        scores = project.scores(checkpoint)
    return _Found(queue(scores.open, scores.accepted, mix, SEED), perf_counter() - start)


def _mix_of(project: Project | None) -> QueueMix:
    """As the project keeps it; the usual one where it keeps none, or one of a version that knew other parts."""
    stored = project.queue_mix if project is not None else None
    try:
        return QueueMix(**stored) if stored else QueueMix()
    except (TypeError, ValueError):
        return QueueMix()
