"""Lets the model look at every image when there is nothing else to do, to know what to label next.

The predictor's own thread does it, as the last thing in its plan: whatever a person waits for cancels it at once.
What came out is written to the project image by image, so that closing the window loses nothing.
"""

from functools import partial
from itertools import islice

from PySide6.QtCore import QObject, QTimer, Signal

from app.jobs.background import Background
from app.jobs.model_thread import EncodeTask, ScoreTask, Task
from app.jobs.prediction import Prediction
from app.session import Session
from engine.errors import MaskwrightError
from engine.images import LARGE_PIXELS
from engine.project import Project
from engine.project.scores import ImageScore, ImageVector
from engine.records import Image, ImageStatus, Review

SETTLE_MS = 1000  # after this long without another edit an image is looked at again: not between two strokes
AT_ONCE = 2  # in a plan: the second keeps the thread busy while the first is written
DONE = (Review.ACCEPTED, Review.VERIFIED_EMPTY)


class QueueScores(QObject):
    """Keeps the scores of the open project those of the current checkpoint, while `wanted`."""

    changed = Signal()  # how far it is
    scored = Signal()  # another image was
    settled = Signal()  # it is known of every image whether it has to be looked at, or all of them were

    def __init__(self, session: Session, prediction: Prediction) -> None:
        super().__init__()
        self._session = session
        self._prediction = prediction
        self._background = Background()
        self._missing: dict[int, None] = {}  # ids, in the order in which they are looked at
        self._failed: set[int] = set()  # that cannot be read
        self._versions: dict[int, int] = {}
        self._asked = 0  # counts questions to the project: a newer one makes the answer to an older one worthless
        self.known = False  # whether it is known what is missing
        self.wanted = False
        self.paused = False
        prediction.idle_tasks = self._tasks
        prediction.scored.connect(self._on_scored)
        prediction.unscored.connect(self._on_failed)
        prediction.model_loaded.connect(self._look)
        session.project_changed.connect(self._look)
        session.images_changed.connect(self._look)
        session.image_annotated.connect(self._touch)
        session.image_updated.connect(self._touch)
        session.image_changed.connect(self.changed)
        self._touched: set[int] = set()
        self._settle = QTimer(self, singleShot=True, interval=SETTLE_MS)
        self._settle.timeout.connect(lambda: session.writing.when_free(self._take_up_touched))

    @property
    def total(self) -> int:
        """How many images the model has looked at, or will."""
        session = self._session
        return len(session.images) - session.tally.count(ImageStatus.SKIPPED)

    @property
    def left(self) -> int:
        """How many of them are still to be looked at."""
        return len(self._missing) - self._is_being_edited()

    @property
    def waiting(self) -> bool:
        """Whether something else comes first for now: a training, or a tool that asks the model."""
        return not self._prediction.is_idle

    @property
    def has_model(self) -> bool:
        return self._prediction.checkpoint is not None

    @property
    def read_only(self) -> bool:
        """Whether nothing new can be found out."""
        return self._session.read_only

    def want(self, wanted: bool) -> None:
        """Look at images from now on, or no longer."""
        if wanted != self.wanted:
            self.wanted = wanted
            self._look()

    def pause(self, paused: bool) -> None:
        """Leave the rest for later, or go on."""
        self.paused = paused
        self._prediction.plan()
        self.changed.emit()

    def stop(self) -> None:
        self._background.stop()

    # -- what is missing

    def _look(self) -> None:
        """Ask the project, in a thread: with a hundred thousand images that takes a while."""
        self._asked += 1
        self._missing, self.known = {}, False
        self._touched.clear()
        project, checkpoint = self._session.project, self._prediction.checkpoint_id
        if self.wanted and project is not None and checkpoint is not None and not project.read_only:
            path = project.path

            def unscored() -> list[int]:
                with Project.open(path, read_only=True) as reader:
                    return reader.unscored(checkpoint)

            self._background.run(unscored, partial(self._on_known, self._asked), self._tell_problem)
        self._prediction.plan()
        self.changed.emit()
        if self.read_only:
            self.settled.emit()

    def _on_known(self, asked: int, ids: list[int]) -> None:
        if asked != self._asked:
            return
        self._failed.clear()
        self._missing, self.known = dict.fromkeys(filter(self._is_possible, ids)), True
        self._prediction.plan()
        self.changed.emit()
        self.settled.emit()

    def _touch(self, image_id: int) -> None:
        """Something was done to an image: what is found out just now is about an older state."""
        self._versions[image_id] = self._versions.get(image_id, 0) + 1
        if self.known:
            self._touched.add(image_id)
            self._settle.start()

    def _take_up_touched(self) -> None:
        project, checkpoint = self._session.project, self._prediction.checkpoint_id
        touched, self._touched = self._touched, set()
        if project is None or checkpoint is None:
            return
        for image_id in filter(self._is_possible, touched):
            if project.is_scored(image_id, checkpoint):
                self._missing.pop(image_id, None)
            else:
                self._missing[image_id] = None
        self._prediction.plan()
        self.changed.emit()

    def _is_possible(self, image_id: int) -> bool:
        """A mirror image of a large one would take gigabytes."""
        image = self._session.images.get(image_id)
        return image is not None and image_id not in self._failed and image.width * image.height <= LARGE_PIXELS

    def _is_being_edited(self) -> bool:
        """Whether the current image is to be looked at, but not before the person goes on to another."""
        image = self._session.image
        return image is not None and image.id in self._missing and image.status is ImageStatus.EDITED

    def _tasks(self) -> list[Task]:
        session, prediction = self._session, self._prediction
        if not self.wanted or self.paused or session.project is None or session.image is None:
            return []
        if prediction.card is None:  # nobody knows what is missing before the model is loaded
            return [EncodeTask(prediction.seen(session.image))]
        left_alone = session.image.id if self._is_being_edited() else None
        following = (image_id for image_id in self._missing if image_id != left_alone)
        return [self._task(session.images[image_id], session.project) for image_id in islice(following, AT_ONCE)]

    def _task(self, image: Image, project: Project) -> ScoreTask:
        version = self._versions.get(image.id, 0)
        return ScoreTask(self._prediction.seen(image), project.path, image.review in DONE, version)

    # -- what came out

    def _on_scored(self, task: ScoreTask, checkpoint_id: str, found: ImageScore | ImageVector) -> None:
        self._session.writing.when_free(partial(self._store, task, checkpoint_id, found))

    def _store(self, task: ScoreTask, checkpoint_id: str, found: ImageScore | ImageVector) -> None:
        project, image_id = self._session.project, task.seen.image_id
        current = self._versions.get(image_id, 0) == task.version and checkpoint_id == self._prediction.checkpoint_id
        if project is None or project.path != task.project or project.read_only or not current:
            return
        try:
            if isinstance(found, ImageScore):
                project.set_score(image_id, checkpoint_id, found)
            else:
                project.set_image_vector(image_id, checkpoint_id, found)
        except MaskwrightError as error:
            self.paused = True
            self._tell_problem(str(error))
        else:
            self._missing.pop(image_id, None)
            self.scored.emit()
        self._go_on()

    def _on_failed(self, task: ScoreTask) -> None:
        self._failed.add(task.seen.image_id)
        self._missing.pop(task.seen.image_id, None)
        self._go_on()

    def _go_on(self) -> None:
        self._prediction.plan()
        self.changed.emit()
        if not self.left:
            self.settled.emit()

    def _tell_problem(self, why: str) -> None:
        self._session.problem.emit(why, "")
        self.changed.emit()
