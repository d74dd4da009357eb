"""Checks the project in the background, and keeps what it found in step with the edits that follow.

Two threads read the project through connections of their own: one examines all of it, which may take minutes, the other
looks again at single images and makes fixes meanwhile. It writes those, too, because thousands take seconds; the window
changes nothing while it does.
"""

import threading
import time
import traceback
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from app.jobs.detector import Detector
from app.jobs.planned_thread import PlannedThread
from app.session import Session
from app.translation import tr, trn
from engine.checkpoints import checkpoint_id, read_card
from engine.errors import InvalidCheckpoint, MaskwrightError
from engine.project import CategoryMap, InstanceChange, Project
from engine.project.beside import apply_beside
from engine.quality.checks import FILE_CHECKS, MODEL_CHECKS, Check
from engine.quality.disagreement import is_judged
from engine.quality.examination import RULES, examine, examine_image
from engine.quality.findings import Finding, Subject
from engine.quality.fixing import Fixed, fix

SETTLE_MS = 300  # after this long without another edit its images are looked at again: not between two strokes
SLICE_SECONDS = 0.006  # the window answers in between
REPORT_SECONDS = 0.1  # how often the window hears of findings and progress: more often it would repaint for nothing


@dataclass(frozen=True)
class ExamineTask:
    number: int
    path: Path
    checks: frozenset[Check]
    detector: Detector | None = field(default=None, compare=False)


@dataclass(frozen=True)
class RecheckTask:
    path: Path
    checks: frozenset[Check]
    image_ids: tuple[int, ...]
    detector: Detector | None = field(default=None, compare=False)


@dataclass(frozen=True)
class FixTask:
    path: Path
    findings: tuple[Finding, ...]
    author: str | None = None
    unwanted: threading.Event = field(default_factory=threading.Event, compare=False)


class _Cancelled(Exception):
    """The person does not want the fixes any more."""


Task = ExamineTask | RecheckTask | FixTask


class _QualityThread(PlannedThread[Task]):
    found = Signal(object, object, int, int)  # task, findings, images done, of how many
    rechecked = Signal(object, int, object)  # task, image id, findings
    fixed = Signal(object, object)  # task, Fixed, which is written
    advanced = Signal(object, object)  # task of fixes, share that is done, from 0 to 1
    cancelled_fix = Signal(object)  # task
    completed = Signal(object)  # task of an examination that was not cancelled
    ended = Signal(object)  # task, whatever became of it
    failed = Signal(str, str)  # message, details

    def work(self, task: Task) -> None:
        try:
            with Project.open(task.path, read_only=True) as project:
                match task:
                    case ExamineTask():
                        self._examine(task, project)
                    case RecheckTask():
                        self._recheck(task, project)
                    case FixTask():
                        self._fix(task, project)
        except _Cancelled:
            self.cancelled_fix.emit(task)
        except MaskwrightError as error:
            self.failed.emit(str(error), "")
        except Exception as error:  # noqa: BLE001 - a defect: told to the person, with the trace behind it
            why = f"{type(error).__name__}: {error}"
            self.failed.emit(tr("The check stopped: {why}", why=why), traceback.format_exc())
        finally:
            self.ended.emit(task)

    def _examine(self, task: ExamineTask, project: Project) -> None:
        findings: list[Finding] = []
        progress = (0, 0)
        reported = time.monotonic()

        def advance(done: int, total: int) -> None:
            nonlocal progress
            progress = (done, total)

        for examined in examine(project, task.checks, detect=task.detector, progress=advance):
            findings += examined.findings
            if self.cancelled():
                break
            if time.monotonic() - reported > REPORT_SECONDS:
                self.found.emit(task, findings, *progress)
                findings, reported = [], time.monotonic()
        self.found.emit(task, findings, *progress)
        if not self.cancelled():
            self.completed.emit(task)

    def _recheck(self, task: RecheckTask, project: Project) -> None:
        names = {category.id: category.name for category in project.categories()}
        for image_id in task.image_ids:
            if self.cancelled():
                return
            image = project.image(image_id)
            detect = task.detector if is_judged(image) else None
            found = detect(project.image_path(image), image.page) if detect is not None else None
            subject = Subject(image, project.instances(image_id), names, detections=found)
            self.rechecked.emit(task, image_id, examine_image(subject, task.checks))

    def _fix(self, task: FixTask, project: Project) -> None:
        """Prepare the edit and write it; what was prepared is half of the work."""

        def advance(share: float) -> None:
            if self.cancelled() or task.unwanted.is_set():
                raise _Cancelled
            self.advanced.emit(task, share)

        fixed = fix(project, task.findings, progress=lambda done, total: advance(done / total / 2))
        apply_beside(task.path, fixed.edit, task.author, lambda share: advance((1 + share) / 2))
        self.fixed.emit(task, fixed)


class Quality(QObject):
    """What the last check of the session's project found, and which of it no longer holds."""

    changed = Signal()  # started, further, ended
    cleared = Signal()
    found = Signal(object)  # findings that are new
    completed = Signal()  # the whole project was checked
    settled = Signal()  # which findings still hold
    progressed = Signal(str, object)  # that fixes are made, and the share that is done, from 0 to 1; "" when over

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._examiner, self._helper = _QualityThread(), _QualityThread()
        self._waiting: deque[RecheckTask | FixTask] = deque()
        self._number = 0
        self._running: ExamineTask | None = None
        self._by_image: dict[int, list[Finding]] = {}
        self._checks: frozenset[Check] = frozenset()
        self._detector: Detector | None = None  # the model that the last check compared with
        self._outdated: set[int] = set()  # by identity, which is looked up for every row that is painted
        self.progress = (0, 0)  # images done, of how many
        self.finished = False  # whether the last check reached its end
        queued = Qt.ConnectionType.QueuedConnection
        self._examiner.found.connect(self._on_found, queued)
        self._examiner.completed.connect(self._on_completed, queued)
        self._helper.rechecked.connect(self._on_rechecked, queued)
        self._helper.fixed.connect(self._on_fixed, queued)
        self._helper.advanced.connect(self._on_advanced, queued)
        self._helper.cancelled_fix.connect(self._on_cancelled, queued)
        for thread in (self._examiner, self._helper):
            thread.ended.connect(self._on_ended, queued)
            thread.failed.connect(session.problem, queued)
        session.project_changed.connect(self.cancel_work)
        session.project_changed.connect(self._clear)
        for changed in (session.image_updated, session.image_annotated):
            changed.connect(lambda image_id: self._recheck_later([image_id]))
        session.images_changed.connect(lambda: self._recheck_later(self._by_image))
        self._edited: set[int] = set()
        self._settle = QTimer(self, singleShot=True, interval=SETTLE_MS)
        self._settle.timeout.connect(self._recheck)
        self._tell = QTimer(self, singleShot=True, interval=round(REPORT_SECONDS * 1000))
        self._tell.timeout.connect(self.settled)
        self._to_refresh: deque[int] = deque()  # images that fixes changed
        self._slices = QTimer(self, interval=0)
        self._slices.timeout.connect(self._refresh_some)

    @property
    def running(self) -> bool:
        return self._running is not None

    @property
    def compares(self) -> bool:
        """Whether the last check compared with a model, and did nothing else."""
        return self._detector is not None

    @property
    def fixing(self) -> bool:
        """Whether fixes are being prepared."""
        return any(isinstance(task, FixTask) for task in self._waiting)

    def is_outdated(self, finding: Finding) -> bool:
        """Whether a finding was mended since, or is about what was edited."""
        return id(finding) in self._outdated

    def start(self, *, files: bool) -> None:
        """Check the whole project anew; `files` says whether image files are opened, too."""
        self._examine(frozenset(Check) if files else frozenset(Check) - FILE_CHECKS, None)

    def compare(self, checkpoint: Path) -> None:
        """Compare the accepted images with what a model finds on them: where they disagree one of the two is wrong."""
        project = self._session.project
        assert project is not None
        names = CategoryMap({})
        with suppress(InvalidCheckpoint):  # the thread that loads it says so
            categories = read_card(checkpoint).spec.categories
            names = project.category_map(checkpoint_id(checkpoint), categories)
        self._examine(MODEL_CHECKS, Detector(checkpoint, names))

    def _examine(self, checks: frozenset[Check], detector: Detector | None) -> None:
        if self._session.project is None:
            return
        self._clear()
        self._checks, self._detector = checks, detector
        self._number += 1
        self._running = ExamineTask(self._number, self._session.project.path, checks, detector)
        self._examiner.set_plan([self._running])
        self.changed.emit()

    def cancel(self) -> None:
        """Stop looking; what was found stays."""
        self._examiner.set_plan([])
        self._running = None
        self.changed.emit()

    def mend(self, findings: Sequence[Finding]) -> None:
        """Fix findings of one check, as one edit. Those that no longer hold are left alone, and said so.

        Nothing else changes the project meanwhile.
        """
        project = self._session.project
        if project is not None and findings and not self._session.read_only and not self._session.refuses():
            self._session.writing.begin()
            self.progressed.emit(_fixing(len(findings)), None)
            self._ask(FixTask(project.path, tuple(findings), project.author))
            self.changed.emit()

    def cancel_work(self) -> None:
        """Give up fixing, which leaves everything as it was."""
        for task in self._waiting:
            if isinstance(task, FixTask):
                task.unwanted.set()  # rather than another plan: of a task that was not begun nothing would be heard
                self.progressed.emit(tr("Cancelling…"), None)

    def stop(self) -> None:
        for thread in (self._examiner, self._helper):
            thread.stop()

    # -- inside

    def _clear(self) -> None:
        self._running, self.finished, self.progress = None, False, (0, 0)
        self._by_image, self._outdated = {}, set()
        self._examiner.set_plan([])
        self._to_refresh.clear()
        self.cleared.emit()
        self.changed.emit()

    def _recheck_later(self, image_ids: Iterable[int]) -> None:
        """Look again at those of the images that have findings."""
        known = [image_id for image_id in image_ids if image_id in self._by_image]
        self._edited.update(known)
        if known:
            self._settle.start()

    def _recheck(self) -> None:
        edited, self._edited = tuple(sorted(self._edited & self._by_image.keys())), set()
        if edited and self._session.project is not None:
            checks = self._checks & set(RULES)
            self._ask(RecheckTask(self._session.project.path, checks, edited, self._detector))

    def _ask(self, task: RecheckTask | FixTask) -> None:
        self._waiting.append(task)
        if len(self._waiting) == 1:
            self._helper.set_plan([task])

    def _concerns(self, task: Task) -> bool:
        """Whether a result is still about the open project and the last check of it."""
        project = self._session.project
        if project is None or project.path != task.path:
            return False
        return not isinstance(task, ExamineTask) or task.number == self._number

    def _on_found(self, task: ExamineTask, findings: list[Finding], done: int, total: int) -> None:
        if self._concerns(task):
            self.progress = (done, total)
            self._add(findings)
            self.changed.emit()

    def _on_completed(self, task: ExamineTask) -> None:
        if self._concerns(task):
            self.finished = True
            self.completed.emit()

    def _add(self, findings: list[Finding]) -> None:
        for finding in findings:
            if finding.image_id is not None:
                self._by_image.setdefault(finding.image_id, []).append(finding)
        if findings:
            self.found.emit(findings)

    def _on_rechecked(self, task: RecheckTask, image_id: int, findings: list[Finding]) -> None:
        if not self._concerns(task) or image_id not in self._by_image:
            return
        known = [finding for finding in self._by_image[image_id] if finding.check in task.checks]
        current = set(findings)
        self._outdated -= {id(finding) for finding in known}
        self._outdated |= {id(finding) for finding in known if finding not in current}
        self._add(list(current.difference(known)))
        if not self._tell.isActive():
            self._tell.start()

    def _on_advanced(self, task: FixTask, share: float) -> None:
        if not task.unwanted.is_set():
            self.progressed.emit(_fixing(len(task.findings)), share)

    def _on_cancelled(self, task: FixTask) -> None:
        if self._concerns(task):
            self._session.notice.emit(tr("Cancelled. Nothing was changed."))

    def _on_fixed(self, task: FixTask, fixed: Fixed) -> None:
        """Bring the window in line with what is written now, some images at a time."""
        if not self._concerns(task):
            return
        changed = [change for change in fixed.edit.changes if isinstance(change, InstanceChange)]
        touched = {one.image_id for change in changed if (one := change.before or change.after) is not None}
        self._to_refresh.extend(touched)
        self._slices.start()
        if self._session.image is not None and self._session.image.id in touched:
            self._session.reload_image()
        self._outdated |= {id(finding) for finding in (*fixed.mended, *fixed.stale)}
        self._session.history_changed.emit()
        self.settled.emit()
        self._session.notice.emit(_outcome(len(fixed.mended), len(fixed.stale)))

    def _refresh_some(self) -> None:
        until = time.monotonic() + SLICE_SECONDS
        while self._to_refresh and time.monotonic() < until:
            image_id = self._to_refresh.popleft()
            if image_id in self._session.images:
                self._session.refresh_image(image_id)
        if not self._to_refresh:
            self._slices.stop()

    def _on_ended(self, task: Task) -> None:
        if isinstance(task, ExamineTask):
            if task == self._running:
                self._running = None
                self.changed.emit()
            return
        if isinstance(task, FixTask):
            self._session.writing.end()
            self.progressed.emit("", None)
        self._waiting.popleft()
        if self._waiting:
            self._helper.set_plan([self._waiting[0]])
        self.changed.emit()


def _fixing(count: int) -> str:
    return trn("Fixing {count} finding…", "Fixing {count} findings…", count)


def _outcome(mended: int, stale: int) -> str:
    left = trn(
        "{count} finding is out of date: the image was edited since.",
        "{count} findings are out of date: the image was edited since.",
        stale,
    )
    fixed = trn("Fixed {count} finding. Undo takes it back.", "Fixed {count} findings. Undo takes it back.", mended)
    return " ".join(words for words, count in ((fixed, mended), (left, stale)) if count)
