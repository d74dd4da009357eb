"""What the fine-tune button and the verb `finetune` run: where the data come from, where the checkpoint goes, and
how the progress is told."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from engine.errors import MaskwrightError
from engine.learning.dataset import AnnotatedSet, from_coco, from_project, is_unedited
from engine.learning.evaluation import Evaluation
from engine.learning.recipe import Recipe
from engine.learning.rounds import (
    RoundCancelled,
    RoundObserver,
    RoundResult,
    default_recipe,
    run_round,
)
from engine.learning.trainer import Step
from engine.project import Project
from engine.records import InstanceState, Review
from engine.reporting import Advance, emit, progress_bar, say


@dataclass(frozen=True, slots=True)
class Source:
    """What a fine-tune learns from and measures on, its base and current checkpoints, and its folder."""

    training: AnnotatedSet
    held_out: AnnotatedSet
    base: Path
    current: Path
    out: Path
    unedited_share: float | None = None


class Reporter(Protocol):
    """Tells a person, or the window, how a fine-tune goes."""

    def started(self, steps: int, training: AnnotatedSet, held_out: AnnotatedSet) -> None: ...
    def step(self, step: Step) -> None: ...
    def evaluated(self, step: int, evaluation: Evaluation) -> None: ...
    def finished(self, result: RoundResult) -> None: ...
    def failed(self, error: MaskwrightError) -> None: ...
    def cancelled(self) -> None: ...


class JsonReporter:
    """One JSON object a line on stdout."""

    def started(self, steps: int, training: AnnotatedSet, held_out: AnnotatedSet) -> None:
        emit({"event": "started", "steps": steps, "images": len(training.images), "hold_out": len(held_out.images)})

    def step(self, step: Step) -> None:
        emit(
            {
                "event": "step",
                "step": step.step,
                "steps": step.steps,
                "loss": step.loss,
                "losses": step.losses,
                "seconds_left": step.seconds_left,
            }
        )

    def evaluated(self, step: int, evaluation: Evaluation) -> None:
        emit({"event": "evaluated", "step": step, "mask_AP50": evaluation.mask.AP50})

    def finished(self, result: RoundResult) -> None:
        emit({"event": "finished", **result.to_dict()})

    def failed(self, error: MaskwrightError) -> None:
        emit({"event": "failed", "message": error.message, "remedy": error.remedy})

    def cancelled(self) -> None:
        emit({"event": "cancelled"})


class BarReporter:
    """A progress bar and words on stderr."""

    def __init__(self) -> None:
        self._bar = ExitStack()
        self._advance: Advance | None = None

    def started(self, steps: int, training: AnnotatedSet, held_out: AnnotatedSet) -> None:
        say(
            f"Training on {len(training.images)} images with {training.instances} instances, "
            f"{len(held_out.images)} images held out."
        )
        self._advance = self._bar.enter_context(progress_bar("Fine-tuning"))

    def step(self, step: Step) -> None:
        if self._advance is not None:
            self._advance(step.step, step.steps, f"loss {step.loss:.3f}")

    def evaluated(self, step: int, evaluation: Evaluation) -> None:
        if step:
            self._bar.close()
        mask = evaluation.mask
        say(f"Hold-out after {step} steps: mask AP50 {_figure(mask.AP50)}, mask AP {_figure(mask.AP)}")

    def finished(self, result: RoundResult) -> None:
        say(f"Verdict: {result.comparison.verdict}. {result.comparison.reason}")
        say(f"Checkpoint: {result.checkpoint}")

    def failed(self, error: MaskwrightError) -> None:
        self._bar.close()

    def cancelled(self) -> None:
        self._bar.close()
        say("Stopped; the model before is kept.")


def _figure(value: float) -> str:
    return f"{value:.3f}" if value >= 0 else "unknown"


def source_from_project(path: Path, base: Path, out: Path | None = None) -> Source:
    """The accepted images of a project, read from a snapshot, so that edits made meanwhile do not matter.

    The model to compare with is the project's current checkpoint, else ``base``.

    Raises:
        InvalidProject: the file is not a project.
    """
    with tempfile.TemporaryDirectory(prefix="maskwright-") as folder:
        snapshot = Path(folder) / path.name
        with Project.open(path, read_only=True) as project:
            project.snapshot(snapshot)
        with Project.open(snapshot, read_only=True) as project:
            training, held_out = from_project(project)
            reference = project.current_checkpoint()
            share = unedited_share(project)
    current = reference.path if reference and reference.path else base
    return Source(training, held_out, base, current, out or next_round_folder(path), share)


def unedited_share(project: Project) -> float | None:
    """The share of accepted hold-out instances that are the model's own output, accepted unedited; None without any."""
    instances = [
        instance
        for image in project.images()
        if image.hold_out and image.review is Review.ACCEPTED
        for instance in project.instances(image.id)
        if instance.state is InstanceState.ACCEPTED
    ]
    if not instances:
        return None
    return sum(map(is_unedited, instances)) / len(instances)


def next_round_folder(project_path: Path) -> Path:
    """The first free folder `round-NNN` in the project's `.rounds` folder."""
    rounds = project_path.with_suffix(".rounds")
    number = 1
    while (rounds / f"round-{number:03d}").exists():
        number += 1
    return rounds / f"round-{number:03d}"


def source_from_coco(coco: Path, images: Path, hold_out_coco: Path | None, weights: Path, out: Path) -> Source:
    """A COCO dataset to train on, and another to measure on."""
    training = from_coco(coco, images)
    held_out = from_coco(hold_out_coco, images) if hold_out_coco else AnnotatedSet(training.categories, ())
    return Source(training, held_out, weights, weights, out)


def finetune(
    source: Source, *, steps: int | None, seed: int, reporter: Reporter, cancelled: Callable[[], bool], command: str
) -> RoundResult | None:
    """Run one round on ``source``; None when it was cancelled, and then nothing of it is left.

    Raises:
        MaskwrightError: as ``run_round``.
    """
    recipe = default_recipe(len(source.training.images), seed)
    if steps is not None:
        recipe = Recipe(steps=steps, warmup_steps=max(1, min(recipe.warmup_steps, steps // 4)), seed=seed)
    try:
        if cancelled():
            raise RoundCancelled
        result = run_round(
            source.training,
            source.held_out,
            base=source.base,
            current=source.current,
            out=source.out,
            recipe=recipe,
            command=command,
            observer=RoundObserver(reporter.started, reporter.step, reporter.evaluated, cancelled),
            unedited_share=source.unedited_share,
        )
    except RoundCancelled:
        reporter.cancelled()
        return None
    reporter.finished(result)
    return result
