"""One round: fine-tune on accepted images, then prove on the frozen hold-out whether it helped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from engine.checkpoints import checkpoint_id, load, save
from engine.errors import MaskwrightError
from engine.files import check_output, check_output_folder
from engine.inference.predictor import Predictor
from engine.learning.dataset import AnnotatedSet
from engine.learning.evaluation import Evaluation, evaluate, predict_all
from engine.learning.finished import CHECKPOINT_NAME, keep_round
from engine.learning.promotion import Comparison, compare
from engine.learning.trainer import Recipe, Step, train
from engine.learning.worse import Found, WorseImage, worse_images
from engine.nn.device import best_device
from engine.nn.zoo import extend_categories

STEPS_AN_IMAGE = 20
FEWEST_STEPS, MOST_STEPS = 60, 600
"""A fine-tune sees every image some dozens of times; beyond 600 steps of four crops more no longer pays the wait."""


def default_recipe(images: int, seed: int = 0) -> Recipe:
    """The fine-tuning recipe for a number of accepted training images."""
    steps = min(MOST_STEPS, max(FEWEST_STEPS, STEPS_AN_IMAGE * images))
    return Recipe(steps=steps, warmup_steps=max(5, steps // 10), seed=seed)


@dataclass(frozen=True, slots=True)
class RoundResult:
    """What a finished round leaves: its checkpoint and the comparison on the hold-out."""

    checkpoint: Path
    before: Evaluation
    after: Evaluation
    comparison: Comparison
    unedited_share: float | None
    worse: tuple[WorseImage, ...] = ()

    def to_dict(self) -> dict[str, object]:
        """The result as JSON values."""
        named = {"checkpoint": str(self.checkpoint), "checkpoint_id": checkpoint_id(self.checkpoint)}
        return {**named, **self.findings()}

    def findings(self) -> dict[str, object]:
        """The comparison as JSON values, without the checkpoint."""
        return {
            "before": self.before.to_dict(),
            "after": self.after.to_dict(),
            "verdict": str(self.comparison.verdict),
            "reason": self.comparison.reason,
            "unedited_share": self.unedited_share,
            "hold_out_images": self.after.images,
            "hold_out_instances": self.after.instances,
            "worse_images": [image.figures() for image in self.worse],
        }


class RoundCancelled(Exception):
    """The person, or the closing window, stopped the round; nothing of it is kept."""


@dataclass(frozen=True, slots=True)
class RoundObserver:
    """Whom a round tells how far it is."""

    started: Callable[[int, AnnotatedSet, AnnotatedSet], None]
    step: Callable[[Step], None]
    evaluated: Callable[[int, Evaluation], None]
    cancelled: Callable[[], bool]


def run_round(
    training: AnnotatedSet,
    held_out: AnnotatedSet,
    *,
    base: Path,
    current: Path,
    out: Path,
    recipe: Recipe,
    command: str,
    observer: RoundObserver,
    unedited_share: float | None = None,
) -> RoundResult:
    """Fine-tune ``base`` on ``training`` into the folder ``out`` and compare it with ``current`` on ``held_out``.

    Only ``out`` is written to: the checkpoint with its card, and the result as JSON.

    Raises:
        MaskwrightError: nothing to train on, an unreadable image, a diverged loss, a full disk.
        RoundCancelled: ``observer.cancelled()`` said so.
    """
    if training.instances == 0:
        raise MaskwrightError(
            "No accepted image outside the hold-out has an instance to learn from.",
            remedy="Accept a few more images with objects on them, then fine-tune again.",
        )
    check_output_folder(out)
    if out.exists():
        check_output(out / CHECKPOINT_NAME, inputs=(base, current))
    model, base_card = load(base)
    before_model = Predictor.from_checkpoint(current)
    observer.started(recipe.steps, training, held_out)
    before, shown_before = _evaluate(before_model, held_out, observer)
    observer.evaluated(0, before)
    del before_model
    model = extend_categories(model, training.categories).to(best_device())
    if not train(model, training, recipe, on_step=observer.step, cancelled=observer.cancelled):
        raise RoundCancelled
    card = replace(
        base_card,
        name=f"{base_card.name}, fine-tuned",
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        data=f"{len(training.images)} accepted images with {training.instances} instances",
        recipe=recipe.to_dict(),
        metrics={},
        parent=checkpoint_id(base),
        spec=model.spec,
        command=command,
        notes="Trained by the fine-tune button.",
    )
    after, shown_after = _evaluate(Predictor(model, card), held_out, observer)
    observer.evaluated(recipe.steps, after)
    tuned = Predictor(model, replace(card, metrics=after.to_dict()))
    worse = worse_images(held_out.images, shown_before, shown_after)
    return _keep(out / CHECKPOINT_NAME, tuned, before, after, unedited_share, worse)


def _evaluate(predictor: Predictor, held_out: AnnotatedSet, observer: RoundObserver) -> tuple[Evaluation, Found]:
    def stop_if_cancelled(done: int, total: int) -> None:
        if observer.cancelled():
            raise RoundCancelled

    found = predict_all(predictor, held_out, stop_if_cancelled)
    evaluation = evaluate(held_out, found)
    return evaluation, Found(found, evaluation.agreements)


def _keep(
    path: Path,
    tuned: Predictor,
    before: Evaluation,
    after: Evaluation,
    unedited_share: float | None,
    worse: tuple[WorseImage, ...],
) -> RoundResult:
    result = RoundResult(path, before, after, compare(before, after), unedited_share, worse)
    keep_round(path.parent, lambda file: save(file, tuned.model, tuned.card), result.findings(), worse)
    return result
