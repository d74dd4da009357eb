"""One round: fine-tune on accepted images, then prove on the frozen hold-out whether it helped."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import torch

from engine.checkpoints import ModelCard, checkpoint_id, save
from engine.checkpoints.project_base import base_for_project
from engine.files import atomic_write, check_new_folder, work_folder
from engine.inference.predictor import Predictor
from engine.learning.choosing import Choice, choose_scope, recipe_for
from engine.learning.dataset import AnnotatedSet, check_instances, fingerprint
from engine.learning.estimate import Estimate, check_memory, estimate, kept_to, peak_memory
from engine.learning.evaluation import Evaluation, evaluate, predict_all
from engine.learning.finished import CHECKPOINT_NAME, SEED_NAME, keep_round, training_folder
from engine.learning.promotion import Comparison, compare
from engine.learning.recipe import Recipe, Scope
from engine.learning.trainer import Step, train
from engine.learning.worse import Found, WorseImage, worse_images
from engine.nn.detector import MaskRCNN
from engine.nn.device import best_device
from engine.nn.trunk import Cancelled, go_on
from engine.nn.zoo import with_class_agnostic_masks
from engine.project import CategoryMap
from engine.reporting import StopSignal, counted


@dataclass(frozen=True, slots=True)
class Source:
    """What a fine-tune learns from and measures on, its base and current checkpoints, and its folder."""

    training: AnnotatedSet
    held_out: AnnotatedSet
    base: Path
    current: Path
    out: Path
    base_names: CategoryMap
    current_names: CategoryMap
    """What the two checkpoints' categories are called in the data."""
    unedited_share: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What a person asked for; None where it is for the data and the machine to decide."""

    steps: int | None = None
    seed: int = 0
    scope: Scope | None = None
    class_agnostic_masks: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """What a round is about to do, why, and what it will take."""

    recipe: Recipe
    choice: Choice
    expected: Estimate
    training: AnnotatedSet
    held_out: AnnotatedSet


@dataclass(frozen=True, slots=True)
class RoundResult:
    """What a finished round leaves: its checkpoint and the comparison on the hold-out."""

    checkpoint: Path
    before: Evaluation
    after: Evaluation
    comparison: Comparison
    unedited_share: float | None
    before_id: str
    """Of the checkpoint that the new one was compared with."""
    expected: dict[str, float]
    took: dict[str, float | None]
    """Seconds and bytes of memory, as estimated before the start and as measured."""
    worse: tuple[WorseImage, ...] = ()

    def to_dict(self) -> dict[str, object]:
        """The result as JSON values."""
        named = {"checkpoint": str(self.checkpoint), "checkpoint_id": checkpoint_id(self.checkpoint)}
        return {**named, **self.findings()}

    def findings(self) -> dict[str, object]:
        """The comparison as JSON values, without the checkpoint."""
        return {
            "before": {**self.before.to_dict(), "checkpoint_id": self.before_id},
            "after": {
                **self.after.to_dict(),
                "change": [self.comparison.low, self.comparison.high],
                "unedited_share": self.unedited_share,
            },
            "verdict": str(self.comparison.verdict),
            "reason": self.comparison.reason,
            "unedited_share": self.unedited_share,
            "hold_out_images": self.after.images,
            "hold_out_instances": self.after.instances,
            "expected": self.expected,
            "took": self.took,
            "worse_images": [image.figures() for image in self.worse],
        }


class RoundCancelled(Exception):
    """The person, or the closing window, stopped the round; nothing of it is kept."""


class RoundObserver(Protocol):
    """Whom a round tells how far it is."""

    def started(self, plan: Plan) -> None: ...
    def view(self, done: int, total: int) -> None: ...
    def step(self, step: Step) -> None: ...
    def evaluated(self, step: int, evaluation: Evaluation) -> None: ...


def run_round(
    source: Source, wishes: Wishes, *, command: str, observer: RoundObserver, cancelled: Callable[[], bool]
) -> RoundResult:
    """Fine-tune the base on what was accepted, into the source's folder, and compare it with the current checkpoint.

    It always starts from the base: a chain of fine-tunes would remember the first images best. Only the folder is
    written to (the checkpoint with its card, and the result as JSON), and while it trains a hidden one beside it, which
    a process that is killed leaves for the next attempt.

    Raises:
        MaskwrightError: nothing to train on, an unreadable image, a diverged loss, a full disk, too little memory.
        RoundCancelled: ``cancelled()`` said so.
    """
    check_instances(source.training)
    check_new_folder(source.out)
    with work_folder(training_folder(source.out)) as work:
        with atomic_write(work.path / SEED_NAME) as temporary:
            temporary.write_text(str(wishes.seed), encoding="utf-8")
        try:
            return _run(source, wishes, command, observer, cancelled, work.path)
        except Cancelled as error:
            raise RoundCancelled from error
        finally:
            work.keep = isinstance(cancelled, StopSignal) and cancelled.deserted


def _run(
    source: Source,
    wishes: Wishes,
    command: str,
    observer: RoundObserver,
    cancelled: Callable[[], bool],
    folder: Path,
) -> RoundResult:
    began = time.monotonic()
    go_on(cancelled)
    device = best_device()
    model, base_card = _base_model(source, wishes, device)
    plan = _plan(source, wishes, model, device, cancelled)
    observer.started(plan)
    before, shown_before = _evaluate(
        Predictor.from_checkpoint(source.current), source.current_names, source.held_out, cancelled
    )
    observer.evaluated(0, before)
    data = fingerprint(source.training)
    done = train(
        model,
        source.training,
        plan.recipe,
        on_step=observer.step,
        on_view=observer.view,
        cancelled=cancelled,
        folder=folder,
        key=_resuming_key(source, model, plan.recipe, data),
    )
    if not done:
        raise RoundCancelled
    card = _card(base_card, model, plan, data, command)
    after, shown_after = _evaluate(Predictor(model, card), CategoryMap({}), source.held_out, cancelled)
    observer.evaluated(plan.recipe.steps, after)
    result = RoundResult(
        source.out / CHECKPOINT_NAME,
        before,
        after,
        compare(before, after),
        source.unedited_share,
        before_id=checkpoint_id(source.current),
        expected={"seconds": round(plan.expected.seconds, 1), "memory": plan.expected.memory},
        took={"seconds": round(time.monotonic() - began, 1), "memory": peak_memory(device)},
        worse=worse_images(source.held_out.images, shown_before, shown_after),
    )
    kept = replace(card, metrics=after.to_dict())
    keep_round(source.out, lambda file: save(file, model, kept), result.findings(), result.worse)
    return result


def _plan(source: Source, wishes: Wishes, model: MaskRCNN, device: torch.device, cancelled: Callable[[], bool]) -> Plan:
    """What to train and for how long. Raises MaskwrightError where the memory is not enough."""
    images = len(source.training.images)
    scope, choice = choose_scope(images, gpu=device.type != "cpu", asked=wishes.scope)
    recipe = recipe_for(images, scope, steps=wishes.steps, seed=wishes.seed)
    expected = estimate(model, recipe, source.training, source.held_out, cancelled)
    check_memory(expected, device)
    return Plan(kept_to(recipe, expected), choice, expected, source.training, source.held_out)


def _resuming_key(source: Source, model: MaskRCNN, recipe: Recipe, data: str) -> str:
    """What has to be the same for a training to go on from another one's state: all but how long it may take."""
    asked = replace(recipe, seconds=None)
    names = dict(source.base_names.targets)
    return json.dumps([data, checkpoint_id(source.base), names, asked.to_dict(), model.spec.to_dict()])


def _card(base: ModelCard, model: MaskRCNN, plan: Plan, data: str, command: str) -> ModelCard:
    """The model's card, but for its metrics."""
    images = counted(len(plan.training.images), "accepted image")
    return replace(
        base,
        name=f"{base.name}, fine-tuned",
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        data=f"{images} with {counted(plan.training.instances, 'instance')}",
        fingerprint=data,
        recipe=plan.recipe.to_dict(),
        metrics={},
        spec=model.spec,
        command=command,
        notes="",
    )


def _base_model(source: Source, wishes: Wishes, device: torch.device) -> tuple[MaskRCNN, ModelCard]:
    model, card = base_for_project(source.base, source.base_names, source.training.categories)
    if wishes.class_agnostic_masks:
        model = with_class_agnostic_masks(model)
    return model.to(device), card


def _evaluate(
    predictor: Predictor, names: CategoryMap, held_out: AnnotatedSet, cancelled: Callable[[], bool]
) -> tuple[Evaluation, Found]:
    detected = predict_all(predictor, held_out, cancelled=cancelled)
    found = [names.renamed(each) for each in detected]
    evaluation = evaluate(held_out, found)
    return evaluation, Found(found, evaluation.agreements)
