"""Predicts in the background: the current image first, then its neighbours; the window never waits for it.

A newer plan replaces the older one, a result carries the image and the checkpoint that it belongs to, and one that came
too late is dropped. Questions about the current image, such as what a box holds, come before everything else.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Qt, Signal

from app.jobs.model_thread import (
    AnswerThread,
    DetectTask,
    EncodeTask,
    MeasureTask,
    ModelThread,
    PredictorState,
    Question,
    ScoreTask,
    Seen,
    Task,
)
from app.jobs.pixels import PixelCache, prefetched
from app.session import Session
from engine.byte_cache import FEATURE_CACHE_BYTES, ByteCache
from engine.geometry.tiles import Tile, tile_around
from engine.project import CategoryMap
from engine.records import Detection, Image, Review

if TYPE_CHECKING:
    from app.jobs.model_thread import FeatureCache
    from engine.checkpoints import ModelCard
    from engine.inference import Features, Predictor


class Prediction(QObject):
    """Keeps the current image and its neighbours predicted with the current checkpoint."""

    state_changed = Signal(str)  # PredictorState
    model_loaded = Signal(str, object)  # checkpoint id, model card
    encoded = Signal()  # other features are there than before
    measured = Signal()  # it is known how long the checkpoint takes for an image
    failed = Signal(str, str)  # message, details
    unusable = Signal(object, str)  # checkpoint, why; nothing is predicted until there is another one
    scored = Signal(object, str, object)  # task, checkpoint id, what came out
    unscored = Signal(object)  # task that failed

    def __init__(self, session: Session, cache: PixelCache) -> None:
        super().__init__()
        self._session = session
        self.features: FeatureCache = ByteCache(FEATURE_CACHE_BYTES)
        self._thread = ModelThread(cache, self.features)
        self._answers = AnswerThread(self.features)
        self._measured: set[Path] = set()  # checkpoints
        self._given_up: set[tuple[int, Path]] = set()  # images that this checkpoint failed on
        self._again: int | None = None  # the image to predict once more
        self._kept: list[Question] = []  # in the order in which they were asked
        self._newest: Question | None = None
        self._attention: tuple[int, Tile | None] | None = None
        self._training = False
        self.idle_tasks: Callable[[], Sequence[Task]] = lambda: ()  # for when there is nothing else to do
        self.checkpoint: Path | None = None
        self.checkpoint_id: str | None = None
        self.card: ModelCard | None = None  # known once the checkpoint is loaded
        self.state = PredictorState.OFF
        self._names: CategoryMap | None = None  # as far as they were asked for
        queued = Qt.ConnectionType.QueuedConnection
        self._thread.state.connect(self._on_state, queued)
        self._thread.loaded.connect(self._on_loaded, queued)
        self._thread.encoded.connect(self._on_encoded, queued)
        self._thread.detected.connect(self._on_detected, queued)
        self._thread.scored.connect(self.scored, queued)
        self._thread.measured.connect(self._on_measured, queued)
        self._answers.answered.connect(self._on_answered, queued)
        self._answers.failed.connect(self._on_unanswered, queued)
        self._answers.missed.connect(self.plan, queued)
        self._thread.failed.connect(self._on_failed, queued)
        self._thread.unusable.connect(self._on_unusable, queued)
        session.image_changed.connect(self.plan)
        session.images_changed.connect(self.plan)
        for signal in (session.project_changed, session.categories_changed, session.images_changed):
            signal.connect(self._forget_names)

    def set_checkpoint(self, checkpoint: Path | None, checkpoint_id: str | None = None) -> None:
        """Predict with another checkpoint from now on; images that an older one predicted are predicted again.

        The id may be left out: the checkpoint is then loaded before it is known which images are stale.
        """
        self.checkpoint, self.checkpoint_id, self.card, self._names = checkpoint, checkpoint_id, None, None
        self._answers.predictor = None
        self._thread.announce()
        self._given_up.clear()
        self.features.clear()
        self.encoded.emit()
        self._drop_questions()
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
            self._again = image.id
            self.plan()

    def plan(self) -> None:
        """Tell the thread what is wanted now."""
        session = self._session
        if session.project is None or session.image is None or self.checkpoint is None:
            self._drop_questions()
            self._thread.set_plan([])
            return
        questions = [*self._kept, *([self._newest] if self._newest is not None else [])]
        self._answers.set_plan([each for each in questions if self._is_answerable(each)])
        tasks: list[Task] = [
            EncodeTask(each.seen, self._training) for each in questions if not self._is_answerable(each)
        ]
        if self._attention is not None and self._attention[0] == session.image.id:
            self._have(tasks, self.seen(session.image, self._attention[1]))
        if not session.read_only:
            for image in self._stale_images(session.image):
                self._have(tasks, self.seen(image))
                tasks.append(DetectTask(self.seen(image), self._training))
        if self._asks_for_masks(session.image):
            self._have(tasks, self.seen(session.image))
        if self.is_idle:
            if self.checkpoint not in self._measured and not questions:
                tasks.append(MeasureTask(self.seen(session.image)))
            tasks += self.idle_tasks()
        self._thread.set_plan(list(dict.fromkeys(tasks)))

    @property
    def names(self) -> CategoryMap:
        """What the model's categories are called in the project; none before both are there."""
        project = self._session.project
        if self._names is None and project is not None and self.card is not None and self.checkpoint_id is not None:
            known = self.card.spec.categories
            # A thread that writes has the file; to write down that everything passes can wait.
            ask = project.category_map if self._session.writing.busy else project.keep_category_map
            self._names = ask(self.checkpoint_id, known)
        return self._names or CategoryMap({})

    def to_model(self, name: str) -> str | None:
        """The model's category that is called so in the project, None where there is none; the name itself as long as
        the model is not loaded."""
        return name if self.card is None else self.names.to_model(name)

    @property
    def is_idle(self) -> bool:
        """Whether there is time for what nobody waits for: no training beside, and no questions to come."""
        return not self._training and self._attention is None

    # -- questions

    def attend(self, tile: Tile | None) -> None:
        """Have the features of the current image there, or of a tile of it, because questions will come: neighbours are
        not predicted meanwhile."""
        image = self._session.image
        attention = None if image is None else (image.id, tile)
        if attention != self._attention:
            self._attention = attention
            self.plan()

    def attend_no_more(self) -> None:
        """No questions will come."""
        if self._attention is not None:
            self._attention = None
            self.forget()

    def ask(
        self,
        answer: Callable[[Predictor, Features], Any],
        done: Callable[[Any], object],
        failed: Callable[[str], object],
        *,
        image: Image | None = None,
        tile: Tile | None = None,
        keep: bool = False,
    ) -> bool:
        """Call `answer` in a thread, then `done` here with what it returned, or `failed` with the reason.

        It is about an image, the current one if None, or a tile of it, which is encoded first where that is not yet
        done. A newer question takes the place of one that is not kept. False where there is no model or no image.
        """
        image = image or self._session.image
        if image is None or self.checkpoint is None:
            return False
        question = Question(self.seen(image, tile), answer, done, failed)
        self._given_up.discard((image.id, self.checkpoint))  # its file may be there again
        if keep:
            self._kept.append(question)
        else:
            self._newest = question
        self.plan()
        return True

    def keep(self) -> bool:
        """What was asked last is wanted whatever else is asked. Whether it is still without an answer."""
        if self._newest is None:
            return False
        self._kept.append(self._newest)
        self._newest = None
        return True

    def forget(self) -> None:
        """What was asked last, unless it is kept, is not wanted any more."""
        self._newest = None
        self.plan()

    def tile_for(self, seen: Tile) -> Tile | None:
        """Which tile of the current image to ask about for what is seen of it; None for all of it, where the model need
        not shrink it or has not told yet."""
        image = self._session.image
        if image is None or self.card is None:
            return None
        tile = tile_around(seen, image.width, image.height, self.card.spec.input_max_side)
        return None if tile == (0, 0, image.width, image.height) else tile

    def has_seen(self, image: Image) -> bool:
        """Whether a question about all of an image is answered at once."""
        return self.checkpoint is not None and self.seen(image) in self.features

    def is_encoded(self, tile: Tile | None) -> bool:
        """Whether a question about the current image, or a tile of it, is answered at once."""
        image = self._session.image
        return image is not None and self.checkpoint is not None and self.seen(image, tile) in self.features

    def stop(self) -> None:
        self._thread.stop()
        self._answers.stop()
        gc.unfreeze()  # else nanobind's modules report at exit that their functions leaked

    def _forget_names(self) -> None:
        self._names = None

    def _stale_images(self, current: Image) -> list[Image]:
        """What is to be predicted, most urgent first."""
        ids = [current.id]
        if not self._training and self._attention is None:
            ids += prefetched(self._session)
        return [image for image in map(self._session.images.__getitem__, ids) if self._is_stale(image)]

    def _asks_for_masks(self, current: Image) -> bool:
        """Whether it may become of interest how the current image's proposals look in other categories."""
        several = self.card is not None and len(self.card.spec.categories) > 1
        return several and current.review is Review.OPEN

    def _have(self, tasks: list[Task], seen: Seen) -> None:
        """Encode what is not there yet: as a task of its own, so that a newer plan does not begin that anew."""
        if seen not in self.features and (seen.image_id, seen.checkpoint) not in self._given_up:
            tasks.append(EncodeTask(seen, self._training))

    def _is_answerable(self, question: Question) -> bool:
        return self._answers.predictor is not None and question.seen in self.features

    def _drop_questions(self, why: str = "", which: Callable[[Question], bool] = lambda _: True) -> None:
        """Nobody answers those any more."""
        dropped = [each for each in (*self._kept, self._newest) if each is not None and which(each)]
        for question in dropped:
            self._answered(question)
        for question in dropped:
            question.failed(why)

    def _is_stale(self, image: Image) -> bool:
        if self._again == image.id:
            return True
        if image.review is not Review.OPEN or (image.id, self.checkpoint) in self._given_up:
            return False
        return image.predicted_by is None or image.predicted_by != self.checkpoint_id

    def seen(self, image: Image, tile: Tile | None = None) -> Seen:
        assert self._session.project is not None
        assert self.checkpoint is not None
        return Seen(self.checkpoint, image.id, self._session.project.image_path(image), image.page, tile)

    def _is_asked(self, question: Question) -> bool:
        return question is self._newest or any(question is each for each in self._kept)

    def _answered(self, question: Question) -> None:
        self._kept = [each for each in self._kept if each is not question]
        if question is self._newest:
            self._newest = None

    def _on_loaded(self, checkpoint: Path, predictor: Predictor) -> None:
        if checkpoint != self.checkpoint:
            return  # another one was chosen meanwhile
        self.checkpoint_id, self.card = predictor.checkpoint_id, predictor.card
        self._answers.predictor = predictor
        self.model_loaded.emit(self.checkpoint_id, self.card)
        self.plan()

    def _on_encoded(self, task: EncodeTask) -> None:
        self.encoded.emit()
        if self._kept or self._newest is not None:
            self.plan()

    def _on_detected(self, task: DetectTask, checkpoint_id: str, detections: Sequence[Detection]) -> None:
        image = self._session.images.get(task.seen.image_id)
        if self.card is None:
            self.plan()  # the checkpoint was chosen anew meanwhile, and tells of itself with the next task
        elif image is not None and self.checkpoint is not None and task.seen == self.seen(image):
            self._again = None
            self._session.set_proposals(image.id, self.names.renamed(detections), checkpoint_id, later=True)

    def _on_measured(self, checkpoint: Path) -> None:
        self._measured.add(checkpoint)
        self.measured.emit()

    def _on_answered(self, question: Question, answer: Any) -> None:
        if self._is_asked(question):
            self._answered(question)
            question.done(answer)

    def _on_state(self, state: str) -> None:
        self._set_state(PredictorState(state))

    def _on_unanswered(self, question: Question, message: str, details: str) -> None:
        if self._is_asked(question):
            self._answered(question)
            question.failed(message)

    def _on_failed(self, task: Task, message: str, details: str) -> None:
        if isinstance(task, ScoreTask):
            self.unscored.emit(task)  # whoever opens the image is told why
            return
        what = task.seen.image_id, task.seen.checkpoint
        told = what in self._given_up  # to encode it failed, too
        self._given_up.add(what)
        self._again = None
        self._drop_questions(message, lambda each: (each.seen.image_id, each.seen.checkpoint) == what)
        if not told:
            self._set_state(PredictorState.FAILED)
            self.failed.emit(message, details)

    def _on_unusable(self, checkpoint: Path, why: str) -> None:
        if checkpoint == self.checkpoint:
            self.set_checkpoint(None)
            self._set_state(PredictorState.FAILED)
            self.unusable.emit(checkpoint, why)

    def _set_state(self, state: PredictorState) -> None:
        if state is not self.state:
            self.state = state
            self.state_changed.emit(state)
