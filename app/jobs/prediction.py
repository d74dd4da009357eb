"""Predicts in the background: the current image first, then its neighbours; the window never waits for it.

The thread owns the `Predictor`, and torch is imported there. A newer plan replaces the older one, a result carries the
image and the checkpoint that it belongs to, and one that came too late is dropped.
"""

import gc
import traceback
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Signal

from app.jobs.pixels import PixelCache, prefetched
from app.jobs.planned_thread import PlannedThread
from app.session import Session
from app.translation import tr
from engine.errors import InvalidCheckpoint, MaskwrightError
from engine.records import Detection, Image, Review

if TYPE_CHECKING:
    from engine.inference import Predictor


SHOWING_SECONDS = 0.06  # the window stores and paints what was found; the next image competes for the interpreter


class PredictorState(StrEnum):
    OFF = "off"  # no checkpoint
    WAITING = "waiting"  # nothing to do
    LOADING = "loading"  # torch and the checkpoint
    PREDICTING = "predicting"
    FAILED = "failed"


@dataclass(frozen=True)
class PredictTask:
    image_id: int
    path: Path
    checkpoint: Path
    aside: bool = False
    """Whether to leave the GPU, if there is one, to a training that runs beside."""
    page: int = 0


class _PredictionThread(PlannedThread[PredictTask]):
    state = Signal(str)  # PredictorState
    loaded = Signal(str, object)  # checkpoint id, model card
    done = Signal(object, str, object)  # task, checkpoint id, list of detections
    failed = Signal(object, str, str)  # task, message, details
    unusable = Signal(object, str)  # checkpoint, why it cannot be loaded

    def __init__(self, cache: PixelCache) -> None:
        super().__init__()
        self._cache = cache
        self._path: Path | None = None
        self._predictor: Predictor | None = None

    def work(self, task: PredictTask) -> None:
        try:
            detections = self._predict(task)
        except InvalidCheckpoint as error:
            self.unusable.emit(task.checkpoint, error.message)
            return
        except MaskwrightError as error:
            self.failed.emit(task, str(error), "")
            return
        except Exception as error:  # noqa: BLE001 - a defect: told to the person, with the trace behind it
            message = tr("The prediction stopped: {error}", error=f"{type(error).__name__}: {error}")
            self.failed.emit(task, message, traceback.format_exc())
            return
        if detections is not None and self._predictor is not None:
            self.done.emit(task, self._predictor.checkpoint_id, detections)
            self.pause(SHOWING_SECONDS)
        self.state.emit(PredictorState.WAITING)

    def _predict(self, task: PredictTask) -> list[Detection] | None:
        """What the model finds, or None where the plan changed meanwhile."""
        if self._path != task.checkpoint:
            self.state.emit(PredictorState.LOADING)
            self._load(task.checkpoint)
        from engine.nn.detector import Cancelled
        from engine.nn.device import CPU, best_device

        assert self._predictor is not None
        self._predictor.move_to(CPU if task.aside else best_device())
        self.state.emit(PredictorState.PREDICTING)
        try:
            pixels = self._cache.read(task.path, task.page).rgb
            features = self._predictor.encode(pixels, cancelled=self.cancelled)
            return None if self.cancelled() else self._predictor.detect(features)
        except Cancelled:
            return None

    def _load(self, checkpoint: Path) -> None:
        from engine.inference import Predictor

        self._predictor, self._path = None, None  # the old weights are freed before the new ones are read
        self._predictor = Predictor.from_checkpoint(checkpoint)
        self._path = checkpoint
        # The garbage collector walks through all of torch's objects from time to time, and nothing else runs for up to
        # 200 ms meanwhile. Frozen ones it leaves alone.
        gc.freeze()
        self.loaded.emit(self._predictor.checkpoint_id, self._predictor.card)


class Prediction(QObject):
    """Keeps the current image and its neighbours predicted with the current checkpoint."""

    state_changed = Signal(str)  # PredictorState
    model_loaded = Signal(str, object)  # checkpoint id, model card
    failed = Signal(str, str)  # message, details
    unusable = Signal(object, str)  # checkpoint, why; nothing is predicted until there is another one

    def __init__(self, session: Session, cache: PixelCache) -> None:
        super().__init__()
        self._session = session
        self._thread = _PredictionThread(cache)
        self._given_up: set[tuple[int, Path]] = set()  # images that this checkpoint failed on
        self._training = False
        self.checkpoint: Path | None = None
        self.checkpoint_id: str | None = None
        self.state = PredictorState.OFF
        queued = Qt.ConnectionType.QueuedConnection
        self._thread.state.connect(self._on_state, queued)
        self._thread.loaded.connect(self._on_loaded, queued)
        self._thread.done.connect(self._on_done, queued)
        self._thread.failed.connect(self._on_failed, queued)
        self._thread.unusable.connect(self._on_unusable, queued)
        session.image_changed.connect(self.plan)
        session.images_changed.connect(self.plan)

    def set_checkpoint(self, checkpoint: Path | None, checkpoint_id: str | None = None) -> None:
        """Predict with another checkpoint from now on; images that an older one predicted are predicted again.

        The id may be left out: the checkpoint is then loaded before it is known which images are stale.
        """
        self.checkpoint, self.checkpoint_id = checkpoint, checkpoint_id
        self._given_up.clear()
        self._set_state(PredictorState.WAITING if checkpoint is not None else PredictorState.OFF)
        self.plan()

    def set_training(self, training: bool) -> None:
        """While a model trains beside, only the current image is predicted, and not on the GPU."""
        if training != self._training:
            self._training = training
            self.plan()

    def predict_again(self) -> None:
        """Predict the current image even though this checkpoint already did."""
        image = self._session.image
        if image is not None and image.review is Review.OPEN and self.checkpoint is not None:
            self._given_up.discard((image.id, self.checkpoint))
            self._thread.set_plan([self._task(image)])

    def plan(self) -> None:
        """Tell the thread what is wanted now."""
        session = self._session
        if session.project is None or session.image is None or self.checkpoint is None or session.read_only:
            self._thread.set_plan([])
            return
        ids = [session.image.id]
        if not self._training:
            ids += prefetched(session)
        images = [session.images[image_id] for image_id in ids]
        self._thread.set_plan([self._task(image) for image in images if self._is_stale(image)])

    def stop(self) -> None:
        self._thread.stop()
        gc.unfreeze()  # else nanobind's modules report at exit that their functions leaked

    def _is_stale(self, image: Image) -> bool:
        if image.review is not Review.OPEN or (image.id, self.checkpoint) in self._given_up:
            return False
        return image.predicted_by is None or image.predicted_by != self.checkpoint_id

    def _task(self, image: Image) -> PredictTask:
        assert self._session.project is not None
        assert self.checkpoint is not None
        path = self._session.project.image_path(image)
        return PredictTask(image.id, path, self.checkpoint, self._training, image.page)

    def _on_loaded(self, checkpoint_id: str, card: object) -> None:
        self.checkpoint_id = checkpoint_id
        self.model_loaded.emit(checkpoint_id, card)
        self.plan()

    def _on_done(self, task: PredictTask, checkpoint_id: str, detections: list[Detection]) -> None:
        image = self._session.images.get(task.image_id)
        if image is not None and self.checkpoint is not None and task == replace(self._task(image), aside=task.aside):
            self._session.set_proposals(image.id, detections, checkpoint_id, later=True)

    def _on_state(self, state: str) -> None:
        self._set_state(PredictorState(state))

    def _on_failed(self, task: PredictTask, message: str, details: str) -> None:
        self._given_up.add((task.image_id, task.checkpoint))
        self._set_state(PredictorState.FAILED)
        self.failed.emit(message, details)

    def _on_unusable(self, checkpoint: Path, why: str) -> None:
        if checkpoint == self.checkpoint:
            self.set_checkpoint(None)
            self._set_state(PredictorState.FAILED)
            self.unusable.emit(checkpoint, why)

    def _set_state(self, state: PredictorState) -> None:
        self.state = state
        self.state_changed.emit(state)
