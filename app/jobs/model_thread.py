"""The threads that a model runs in: one loads the checkpoint, encodes images and detects, another answers questions.

torch is imported in the first. Features of images that were encoded are kept for as long as there is room, by what they
were made of; a task finds them there, or makes them itself.
"""

from __future__ import annotations

import gc
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Signal

from app.jobs.pixels import PixelCache
from app.jobs.planned_thread import PlannedThread
from app.translation import tr
from engine.byte_cache import ByteCache
from engine.errors import InvalidCheckpoint, MaskwrightError
from engine.geometry.tiles import Tile
from engine.images import read_rgb
from engine.project import Project
from engine.project.scores import ImageScore, ImageVector

if TYPE_CHECKING:
    from engine.inference import Features, Predictor

SHOWING_SECONDS = 0.06  # the window stores and paints what was found; the next image competes for the interpreter


class PredictorState(StrEnum):
    OFF = "off"  # no checkpoint
    WAITING = "waiting"  # nothing to do
    LOADING = "loading"  # torch and the checkpoint
    PREDICTING = "predicting"
    FAILED = "failed"


@dataclass(frozen=True)
class Seen:
    """What features are made of: a checkpoint, and an image or a tile of it in image pixels."""

    checkpoint: Path
    image_id: int
    path: Path
    page: int = 0
    tile: Tile | None = None


if TYPE_CHECKING:
    FeatureCache = ByteCache[Seen, Features]


@dataclass(frozen=True)
class EncodeTask:
    """Have the features there."""

    seen: Seen
    aside: bool = False  # whether to leave the GPU, if there is one, to a training that runs beside


@dataclass(frozen=True)
class DetectTask:
    """Find the objects on an image."""

    seen: Seen
    aside: bool = False


@dataclass(frozen=True)
class ScoreTask:
    """See how much a person could teach the model on an image; of an accepted one, only what it looks like."""

    seen: Seen
    project: Path  # that holds its annotations
    accepted: bool
    version: int  # counts what was done to the image: of an older one nobody wants the score
    aside: bool = False


@dataclass(frozen=True)
class MeasureTask:
    """Find out how long the checkpoint takes for an image here, once nothing else is to be done."""

    seen: Seen
    aside: bool = False


@dataclass(frozen=True, eq=False)
class Question:
    """What somebody wants to know of features; `answer` runs in a thread and touches nothing of Qt's."""

    seen: Seen
    answer: Callable[[Predictor, Features], Any]
    done: Callable[[Any], object] = field(repr=False)
    failed: Callable[[str], object] = field(repr=False)


Task = EncodeTask | DetectTask | ScoreTask | MeasureTask


class AnswerThread(PlannedThread[Question]):
    """Answers questions at once from features that are there, whatever the model is doing in its own thread meanwhile:
    on few cores it is slowed down by that, but waits for nothing."""

    niceness = 0  # a person waits for each answer
    answered = Signal(object, object)  # question, answer
    failed = Signal(object, str, str)  # question, message, details
    missed = Signal()  # the features were pushed out of the memory meanwhile

    def __init__(self, features: FeatureCache) -> None:
        super().__init__()
        self._features = features
        self._alone = False  # whether torch computes here without other threads
        self.predictor: Predictor | None = None

    def work(self, task: Question) -> None:
        predictor, features = self.predictor, self._features.get(task.seen)
        if predictor is None or features is None:
            self.missed.emit()
            return
        if not self._alone:
            import torch

            torch.set_num_threads(1)  # of this thread: to wake others takes longer than what one box asks of them
            self._alone = True
        try:
            self.answered.emit(task, task.answer(predictor, features))
        except MaskwrightError as error:
            self.failed.emit(task, str(error), "")
        except Exception as error:  # noqa: BLE001 - a defect: told to the person, with the trace behind it
            self.failed.emit(task, _fault(error), traceback.format_exc())


class ModelThread(PlannedThread[Task]):
    """Says what became of each task."""

    state = Signal(str)  # PredictorState
    loaded = Signal(object, object)  # checkpoint, predictor
    encoded = Signal(object)  # task
    detected = Signal(object, str, object)  # task, checkpoint id, list of detections
    scored = Signal(object, str, object)  # task, checkpoint id, ImageScore or vector
    measured = Signal(object)  # checkpoint
    failed = Signal(object, str, str)  # task, message, details
    unusable = Signal(object, str)  # checkpoint, why it cannot be loaded

    def __init__(self, cache: PixelCache, features: FeatureCache) -> None:
        super().__init__()
        self._cache = cache
        self._features = features
        self._path: Path | None = None
        self._announced = False  # whether it was said which checkpoint is loaded
        self._threads = 0  # that torch computes with; 0 before it is known
        self._predictor: Predictor | None = None

    def announce(self) -> None:
        """Say at the next task which checkpoint is loaded, also where it was before."""
        self._announced = False

    def work(self, task: Task) -> None:
        try:
            self._do(task)
        except InvalidCheckpoint as error:
            self.unusable.emit(task.seen.checkpoint, error.message)
            return
        except MaskwrightError as error:
            self.failed.emit(task, str(error), "")
            return
        except Exception as error:  # noqa: BLE001 - a defect: told to the person, with the trace behind it
            self.failed.emit(task, _fault(error), traceback.format_exc())
            return
        self.state.emit(PredictorState.WAITING)

    def _do(self, task: Task) -> None:
        from engine.nn.detector import Cancelled

        predictor = self._ready(task)
        try:
            if isinstance(task, ScoreTask):
                self.scored.emit(task, predictor.checkpoint_id, self._score(predictor, task))
                self.pause(SHOWING_SECONDS)
                return
            if isinstance(task, MeasureTask):
                self._measure(predictor, task)
                return
            features = self._seen(predictor, task.seen)
            if isinstance(task, EncodeTask):
                self.encoded.emit(task)
                return
            self.state.emit(PredictorState.PREDICTING)
            detections = predictor.detect(features, cancelled=self.cancelled)
        except Cancelled:
            return  # it is in the newer plan, or not wanted any more
        self.detected.emit(task, predictor.checkpoint_id, detections)
        self.pause(SHOWING_SECONDS)

    def _measure(self, predictor: Predictor, task: MeasureTask) -> None:
        from engine.checkpoints.speeds import speeds_of
        from engine.inference.speed import device_name, measure

        if device_name(predictor.device) not in speeds_of(predictor.checkpoint_id):
            with suppress(MaskwrightError):  # a full disk is told of where something is lost
                measure(predictor, self.cancelled)
        self.measured.emit(task.seen.checkpoint)

    def _ready(self, task: Task) -> Predictor:
        """The predictor of a task's checkpoint, where it is to compute."""
        import torch

        from engine.nn.device import CPU, best_device

        self._threads = self._threads or torch.get_num_threads()
        if self._path != task.seen.checkpoint:
            self.state.emit(PredictorState.LOADING)
            self._load(task.seen.checkpoint)
        assert self._predictor is not None
        if not self._announced:
            self._announced = True
            self.loaded.emit(self._path, self._predictor)
        torch.set_num_threads(self._threads)  # of this thread, and of those that first use torch from now on
        self._predictor.move_to(CPU if task.aside else best_device())
        return self._predictor

    def _seen(self, predictor: Predictor, seen: Seen) -> Features:
        features = self._features.get(seen)
        if features is None:
            self.state.emit(PredictorState.PREDICTING)
            pixels = self._cache.read(seen.path, seen.page).rgb
            features = predictor.encode(pixels, self.cancelled, seen.tile)
            self._features.put(seen, features, features.bytes)
        return features

    def _score(self, predictor: Predictor, task: ScoreTask) -> ImageScore | ImageVector:
        """Neither pixels nor features are kept: those of the image that is looked at, and of its neighbours, are."""
        from engine.learning.scoring import image_vector, score_stored

        kept, features = self._cache.get(task.seen.path, task.seen.page), self._features.get(task.seen)
        pixels = kept.rgb if kept is not None else read_rgb(task.seen.path, task.seen.page)
        if task.accepted:
            return image_vector(features or predictor.encode(pixels, self.cancelled))
        with Project.open(task.project, read_only=True) as project:
            return score_stored(
                project, task.seen.image_id, predictor, pixels, features=features, cancelled=self.cancelled
            )

    def _load(self, checkpoint: Path) -> None:
        from engine.inference import Predictor

        self._announced = False
        self._predictor, self._path = None, None  # the old weights are freed before the new ones are read
        self._predictor = Predictor.from_checkpoint(checkpoint)
        self._path = checkpoint
        # The garbage collector walks through all of torch's objects from time to time, and nothing else runs for up to
        # 200 ms meanwhile. Frozen ones it leaves alone.
        gc.freeze()


def _fault(error: Exception) -> str:
    return tr("The prediction stopped: {error}", error=f"{type(error).__name__}: {error}")
