"""Training a model of the zoo from random weights, as the bundled one was made."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import torch

from engine.checkpoints import ModelCard, card_markdown, load, save
from engine.files import atomic_write, work_folder
from engine.inference.predictor import Predictor
from engine.learning.dataset import AnnotatedSet, check_instances, fingerprint
from engine.learning.evaluation import Evaluation, evaluate, predict_all
from engine.learning.finished import training_folder
from engine.learning.recipe import Recipe
from engine.learning.trainer import Step, train
from engine.nn.detector import MaskRCNN
from engine.nn.device import best_device
from engine.nn.zoo import NUCLEI, build

SCRATCH_RECIPE = Recipe(
    steps=6000,
    learning_rate=1e-3,
    weight_decay=0.05,
    warmup_steps=150,
    ema_decay=0.998,
    scale_jitter=(0.6, 1.6),
)
"""Five times the fine-tuning rate, wider scales and a longer average than a short round could fill."""


def new_card(name: str, categories: tuple[str, ...], *, data: str, licence: str, command: str) -> ModelCard:
    """The card of a model about to be trained: the small architecture for these categories."""
    spec = replace(NUCLEI, name=name, categories=categories)
    created = datetime.now(UTC).isoformat(timespec="seconds")
    return ModelCard(name=name, spec=spec, created=created, data=data, licence=licence, command=command)


def train_from_scratch(
    card: ModelCard,
    training: AnnotatedSet,
    held_out: AnnotatedSet,
    out: Path,
    recipe: Recipe,
    *,
    on_step: Callable[[Step], None],
    cancelled: Callable[[], bool],
) -> Evaluation | None:
    """Train the card's model on ``training`` into the checkpoint file ``out``, with its card beside it as Markdown.

    A process that is killed leaves a hidden folder beside ``out``, from which the next one goes on.

    Returns:
        The evaluation on ``held_out``, which the card carries; None where it was cancelled, and nothing is written.
    """
    check_instances(training)
    torch.manual_seed(recipe.seed)
    model = build(card.spec, frozen_norm=False).to(best_device())
    data = fingerprint(training)
    key = json.dumps([data, recipe.to_dict(), card.spec.to_dict()])
    with work_folder(training_folder(out)) as work:
        if not train(model, training, recipe, on_step=on_step, cancelled=cancelled, folder=work.path, key=key):
            return None
    return save_measured(out, model, replace(card, recipe=recipe.to_dict(), fingerprint=data), held_out)


def save_measured(out: Path, model: MaskRCNN, card: ModelCard, held_out: AnnotatedSet) -> Evaluation:
    """Save a model, measure what was saved (half precision and frozen norms included), and put that on its card."""
    out.parent.mkdir(parents=True, exist_ok=True)
    save(out, model, card)
    saved, _ = load(out)
    evaluation = evaluate(held_out, predict_all(Predictor(saved, card), held_out))
    measured = replace(card, metrics=evaluation.to_dict())
    save(out, saved, measured)
    with atomic_write(out.with_suffix(".md")) as temporary:
        temporary.write_text(card_markdown(measured), encoding="utf-8")
    return evaluation
