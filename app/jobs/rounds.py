"""Fine-tuning as the window sees it: starts the verb, follows it, registers the round, promotes it or not."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QTimer, Signal

from app.jobs.verb_process import VerbJob
from app.session import Session
from app.translation import tr
from engine.checkpoints import checkpoint_id, read_card
from engine.checkpoints.catalog import entries
from engine.errors import InvalidCheckpoint, MaskwrightError
from engine.learning.choosing import Choice
from engine.learning.finished import (
    BETTER,
    cut_off_seed,
    forget_cut_off,
    is_training,
    register,
    round_of,
    unregistered_rounds,
)
from engine.learning.recipe import Scope
from engine.project import CheckpointReference, Round
from engine.records import ImageStatus
from engine.resources import BUNDLED_WEIGHTS

DECLINED = "declined_round"  # the project's fact that says which round the person decided against last
IN_ITS_PLACE = tr("The bundled model predicts in its place.")


@dataclass
class RoundProgress:
    """How far the running round is; what the training panel plots."""

    steps: int = 0
    step: int = 0
    images: int = 0
    hold_out: int = 0
    losses: list[tuple[int, float]] = field(default_factory=list)
    precisions: list[tuple[int, float]] = field(default_factory=list)  # step, mask AP50 on the hold-out
    seconds_left: float | None = None
    views: tuple[int, int] = 0, 0  # crops that the frozen trunk has seen, of how many
    scope: Scope | None = None
    choice: Choice | None = None
    seconds: float = 0.0  # as estimated before the start, of all of it
    memory: int = 0  # bytes, likewise


class Rounds(VerbJob):
    """At most one fine-tune at a time, and what to do with what it made. `changed` tells of the list of rounds, too."""

    resumable = True
    progressed = Signal()
    finished = Signal(object)  # Round, already registered
    found = Signal(object)  # Round that a window before this one never heard of, registered now
    cancelled = Signal()  # by the person; nothing of it is left
    cut_off = Signal()  # a round stopped in the middle when a window was closed or gone, and can go on
    checkpoint_changed = Signal()  # another checkpoint is the current one
    failed = Signal(str, str)  # message, details

    def __init__(self, session: Session, program: Sequence[str] = ()) -> None:
        """`program` is what to run instead of `python main.py`."""
        super().__init__(program)
        self._session = session
        self._outcome: dict[str, Any] | None = None
        self._unusable: dict[Path, str] = {}  # checkpoints that turned out broken when they were loaded, and why
        self.progress = RoundProgress()
        session.project_changed.connect(self._on_project)

    @property
    def checkpoint(self) -> Path | None:
        """The checkpoint to predict with: the project's current one where it can be used, else the bundled one."""
        if self._session.project is None:
            return None
        reference = self._session.project.current_checkpoint()
        if reference is not None and reference.path is not None and self._fault(reference.path) is None:
            return reference.path
        return BUNDLED_WEIGHTS if BUNDLED_WEIGHTS.is_file() else None

    @property
    def base(self) -> Path | None:
        """The checkpoint that every round starts from; None where its file is gone."""
        project = self._session.project
        reference = project.base_checkpoint() if project is not None else None
        path = reference.path if reference is not None and reference.path is not None else BUNDLED_WEIGHTS
        return path if path.is_file() else None

    def rounds(self) -> list[Round]:
        """Every round of the project, newest first."""
        return list(reversed(self._session.project.rounds())) if self._session.project is not None else []

    def counts(self) -> tuple[int, int]:
        """How many accepted images there are to train on, and how many of the hold-out to compare on."""
        done = (ImageStatus.ACCEPTED, ImageStatus.VERIFIED_EMPTY)
        held_out = self._session.tally.count(*done, hold_out=True)
        return self._session.tally.count(*done) - held_out, held_out

    def why_not(self) -> str:
        """Why no round can be started, in words; empty where one can, or is running."""
        project = self._session.project
        if project is None or self.running:
            return ""
        if project.read_only:
            return tr("This project can only be looked at.")
        if self.checkpoint is None:
            return tr("There is no model to fine-tune. Choose one under Models.")
        accepted = self._session.tally.count(ImageStatus.ACCEPTED)
        if accepted == self._session.tally.count(ImageStatus.ACCEPTED, hold_out=True):
            return tr("Accept some images with objects first: the model learns from what you accepted.")
        return ""

    def held_out_instances(self) -> int:
        """How many accepted instances there are to compare on."""
        return self._session.project.held_out_instances() if self._session.project is not None else 0

    def start(self, seed: int | None = None) -> None:
        """Fine-tune the project's base checkpoint on the accepted images; another `seed` makes other random choices.
        Without one, a round that was cut off goes on."""
        project = self._session.project
        if project is None or self.running or self.checkpoint is None:
            return
        if is_training(project.path):
            self.failed.emit(tr("Another process is fine-tuning on this project. Wait for it to end."), "")
            return
        if seed is None:
            seed = cut_off_seed(project.path) or 0
        self._outcome = None
        self.progress = RoundProgress()
        data = ["--project", str(project.path), "--weights", str(BUNDLED_WEIGHTS)]
        masks = ["--class-agnostic-masks"] if project.class_agnostic_masks else []
        self._run(["finetune", *data, *masks, "--seed", str(seed), "--progress-json"])

    def promote(self, entry: Round) -> None:
        """Predict with a round's checkpoint from now on, whatever its verdict says."""
        self._choose(entry.checkpoint, entry.checkpoint_id, replace(entry, promoted=True))

    def keep_old(self, entry: Round) -> None:
        """Decide against a round, whatever its verdict says: where its model predicts, what it was compared with takes
        over again; else what predicts stays, were it a model that was chosen meanwhile."""
        if not self.is_current(entry):
            self._decline(entry)
            return
        before = self._model_before(entry)
        if before is None or before.path is None:
            self.failed.emit(tr("The model before is not known any more. Choose another one under Models."), "")
        else:
            self._choose(before.path, before.id, replace(entry, promoted=False))

    def use_as_base(self, checkpoint: Path) -> None:
        """Predict with a checkpoint from now on, and train every round from it."""
        self._choose(checkpoint)

    def use_bundled(self) -> None:
        """Predict with the bundled model again, however many rounds came after it, and train from it."""
        self._choose(BUNDLED_WEIGHTS)

    def is_current(self, entry: Round) -> bool:
        """Whether a round's checkpoint is the one that predicts."""
        project = self._session.project
        reference = project.current_checkpoint() if project is not None else None
        return reference is not None and reference.id == entry.checkpoint_id and self._fault(entry.checkpoint) is None

    def is_declined(self, entry: Round) -> bool:
        """Whether the person decided last that the model before a round goes on predicting."""
        project = self._session.project
        return project is not None and bool(entry.id) and project.fact(DECLINED) == entry.id

    def give_up(self, checkpoint: Path, why: str) -> None:
        """A checkpoint turned out broken when it was loaded; the bundled one, where it is another, takes its place."""
        self._unusable[checkpoint] = why
        if checkpoint == BUNDLED_WEIGHTS:
            self.failed.emit(why, "")
            return
        self.changed.emit()
        self.checkpoint_changed.emit()
        self.failed.emit(f"{why} {IN_ITS_PLACE}", "")

    def _choose(self, path: Path, known_id: str | None = None, decided: Round | None = None) -> None:
        """Make a checkpoint the current one, and note the round that the person thereby decided about; where it is none
        the checkpoint is the base of rounds from now on, too."""
        project = self._session.project
        assert project is not None
        fault = self._fault(path)
        if fault is not None:
            self.failed.emit(f"{fault} {tr('The model stays as it was.')}", "")
            return
        try:
            current = CheckpointReference(known_id or checkpoint_id(path), path)
            if decided is None:
                project.set_base_checkpoint(current, predicts=True)
            else:
                declined = None if decided.promoted else decided.id
                project.register_checkpoint(decided, current=current, facts={DECLINED: declined})
        except MaskwrightError as error:
            self.failed.emit(str(error), "")
            return
        self.changed.emit()
        self.checkpoint_changed.emit()

    def _decline(self, entry: Round) -> None:
        project = self._session.project
        assert project is not None
        try:
            project.register_checkpoint(replace(entry, promoted=False), facts={DECLINED: entry.id})
        except MaskwrightError as error:
            self.failed.emit(str(error), "")
        else:
            self.changed.emit()

    def _fault(self, checkpoint: Path) -> str | None:
        """Why a checkpoint cannot be used, in words, as far as its header and an earlier attempt tell."""
        try:
            read_card(checkpoint)
        except InvalidCheckpoint as error:
            return error.message
        return self._unusable.get(checkpoint)

    def _on_project(self) -> None:
        self.stop()
        self._unusable.clear()
        self.progress = RoundProgress()
        self._take_over()
        self.changed.emit()
        self.checkpoint_changed.emit()
        project = self._session.project
        reference = project.current_checkpoint() if project is not None else None
        fault = self._fault(reference.path) if reference is not None and reference.path is not None else None
        if fault is not None:
            self.failed.emit(f"{fault} {IN_ITS_PLACE}", "")

    def _on_event(self, event: dict[str, Any]) -> None:
        progress = self.progress
        match event.get("event"):
            case "started":
                progress.steps, progress.images = event["steps"], event["images"]
                progress.hold_out = event["hold_out"]
                progress.scope, progress.choice = Scope(event["scope"]), Choice(event["choice"])
                progress.seconds, progress.memory = event["seconds"], event["memory"]
            case "view":
                progress.views = event["done"], event["total"]
            case "step":
                progress.step, progress.steps = event["step"], event["steps"]
                progress.losses.append((event["step"], event["loss"]))
                progress.seconds_left = event.get("seconds_left")
            case "evaluated":
                progress.precisions.append((event["step"], event["mask_AP50"]))
            case "finished" | "failed" | "cancelled":
                self._outcome = event
        self.progressed.emit()

    def _on_ended(self, code: int, errors: str, cancelled: bool) -> None:
        outcome = self._outcome or {}
        if outcome.get("event") == "finished":
            self._session.writing.when_free(partial(self._register, outcome))
        elif outcome.get("event") == "failed":
            self.failed.emit(f"{outcome['message']} {outcome.get('remedy', '')}".strip(), errors)
        elif cancelled or outcome.get("event") == "cancelled":
            self._forget(outcome)
        else:
            self.failed.emit(
                tr("Fine-tuning stopped unexpectedly (exit code {code}). The model is unchanged.", code=code), errors
            )

    def _forget(self, outcome: dict[str, Any]) -> None:
        """A round was cancelled: one that had to be killed could not clear away what it had."""
        project = self._session.project
        if project is not None and not outcome:
            forget_cut_off(project.path)
        self.progress = RoundProgress()
        self.changed.emit()
        self.cancelled.emit()

    def _register(self, outcome: dict[str, Any]) -> None:
        """Write a finished round into the project; better is promoted at once, anything else is for the person."""
        project = self._session.project
        assert project is not None
        try:
            finished = round_of(outcome, Path(outcome["checkpoint"]))
            better = finished.verdict == BETTER and self._still_predicts(finished)
            entry = register(project, finished, promote=better)
        except MaskwrightError as error:
            self.failed.emit(str(error), "")
            return
        self.changed.emit()
        if better:
            self.checkpoint_changed.emit()
        self.finished.emit(entry)

    def _take_over(self) -> None:
        """Register the rounds that finished when no window was there to do so; tell of them, and of one that did not.

        One that is better than the model that predicts is promoted; another model may have been chosen meanwhile.
        """
        project = self._session.project
        if project is None or project.read_only:
            return
        try:
            if cut_off_seed(project.path) is not None:
                QTimer.singleShot(0, self, self.cut_off.emit)
            for entry in unregistered_rounds(project):
                taken = register(project, entry, promote=entry.verdict == BETTER and self._still_predicts(entry))
                # Later, when everybody knows the project.
                QTimer.singleShot(0, self, partial(self.found.emit, taken))
        except MaskwrightError as error:
            self.failed.emit(str(error), "")

    def _still_predicts(self, entry: Round) -> bool:
        """Whether what predicts is what a round was compared with: another model may have been chosen meanwhile."""
        predicting = self.checkpoint
        return predicting is not None and entry.before_id in (None, checkpoint_id(predicting))

    def _model_before(self, entry: Round) -> CheckpointReference | None:
        """What a round was compared with; None where it is not to be found any more."""
        project, wanted = self._session.project, entry.before_id
        assert project is not None
        known = [project.current_checkpoint(), project.base_checkpoint()]
        known += [CheckpointReference(each.checkpoint_id, each.checkpoint) for each in self.rounds()]
        found = next((each for each in known if each is not None and each.id == wanted and each.path is not None), None)
        if found is not None:
            return found
        installed = [each.path for each in entries() if each.path is not None]
        path = next((each for each in installed if wanted in (None, checkpoint_id(each))), None)
        return None if path is None else CheckpointReference(checkpoint_id(path), path)
