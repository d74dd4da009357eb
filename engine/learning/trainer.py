"""The training loop, the same for the bundled model from scratch and for a fine-tune on ten images."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from engine.errors import MaskwrightError
from engine.learning.dataset import AnnotatedSet
from engine.learning.feeding import Feeder
from engine.learning.moving_average import MovingAverage
from engine.learning.recipe import Recipe, Scope
from engine.learning.resuming import SavedRun
from engine.learning.views import Views, compute_views
from engine.nn.detector import Cancelled, MaskRCNN
from engine.nn.device import autocast


class TrainingDiverged(MaskwrightError):
    """The loss is no longer a finite number."""


@dataclass(frozen=True, slots=True)
class Step:
    """What one step reports: its number from 1, the losses, and the seconds that the rest will take."""

    step: int
    steps: int
    losses: dict[str, float]
    seconds_left: float

    @property
    def loss(self) -> float:
        """The sum that was minimised."""
        return sum(self.losses.values())


Losses = Callable[[int], dict[str, Tensor]]
"""The losses, with gradients, of the step of that number from 0."""


def train(
    model: MaskRCNN,
    data: AnnotatedSet,
    recipe: Recipe,
    *,
    on_step: Callable[[Step], None],
    cancelled: Callable[[], bool] = lambda: False,
    on_view: Callable[[int, int], None] = lambda done, total: None,
    folder: Path | None = None,
    key: str = "",
) -> bool:
    """Train ``model`` in place on ``data``; at the end it holds the moving average of the weights.

    Args:
        on_view: told how many of how many crops the frozen trunk has seen, where only the heads are trained.
        folder: for the features of those crops and the state to go on from; a temporary one where None.
        key: what the run depends on. Where ``folder`` holds the state of a run with the same key, which was killed,
            this one goes on from there and ends as that one would have.

    Returns:
        True when every step ran, False when ``cancelled()`` said to stop (the model is then not to be kept).

    Raises:
        TrainingDiverged: a loss is not finite.
        UnreadableImage, InvalidDataset: as ``read_pixels`` of an image of ``data``.
        MaskwrightError: no image, or no room on the disk.
    """
    if not data.images:
        raise MaskwrightError("There is no image to train on.", remedy="Accept some images first.")
    losses: Losses
    with ExitStack() as stack:
        if folder is None:
            place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="maskwright-training-")))
        else:
            place = folder
        try:
            run = _Run(model, recipe, SavedRun(place, key) if folder is not None else None)
            if recipe.scope is Scope.WHOLE:
                losses = stack.enter_context(_whole_losses(model, data, recipe, run.next_step))
            else:
                views = compute_views(model, data, recipe, place, cancelled=cancelled, on_view=on_view)
                losses = partial(_heads_losses, model, views, recipe)
            return run.go(losses, on_step, cancelled)
        except Cancelled:
            return False
        finally:
            model.requires_grad_(True).eval()


class _Run:
    """The optimiser's side of a training: what changes from step to step."""

    def __init__(self, model: MaskRCNN, recipe: Recipe, saved: SavedRun | None) -> None:
        torch.manual_seed(recipe.seed)
        self._recipe, self._saved = recipe, saved
        self._device = next(model.parameters()).device
        model.to(memory_format=torch.channels_last).train()
        self._trained: nn.Module = model
        if recipe.scope is Scope.HEADS:
            for frozen in (model.trunk, model.fpn):
                frozen.requires_grad_(False).eval()
            self._trained = nn.ModuleList([model.rpn, model.box_head, model.mask_head])
        self._optimiser = torch.optim.AdamW(
            parameter_groups(self._trained, recipe), lr=recipe.learning_rate, fused=True
        )
        self._average = MovingAverage(self._trained, recipe.ema_decay)
        self.next_step = 0
        self._elapsed = 0.0
        state = saved.load() if saved is not None else None
        if state is not None:
            self._restore(state)

    def go(self, losses: Losses, on_step: Callable[[Step], None], cancelled: Callable[[], bool]) -> bool:
        recipe, before = self._recipe, self._elapsed
        first, began = self.next_step, time.monotonic()
        while recipe.progress(self.next_step, self._elapsed) < 1.0:
            if cancelled():
                return False
            told = self._step(losses)
            self.next_step += 1
            here = time.monotonic() - began
            self._elapsed = before + here
            left = here / (self.next_step - first) * (recipe.steps - self.next_step)
            if recipe.seconds is not None:
                left = min(left, max(0.0, recipe.seconds - self._elapsed))
            on_step(Step(self.next_step, recipe.steps, told, left))
            if self._saved is not None and self._saved.due:
                self._saved.save(self._state())
        self._average.copy_to_model()
        return True

    def _step(self, losses: Losses) -> dict[str, float]:
        index, recipe = self.next_step, self._recipe
        for group in self._optimiser.param_groups:
            group["lr"] = recipe.learning_rate * recipe.learning_rate_factor(index, self._elapsed)
        with autocast(self._device):
            parts = losses(index)
            total = torch.stack([loss.float() for loss in parts.values()]).sum()
        if not torch.isfinite(total):
            raise TrainingDiverged(
                f"The training loss became {total.item()} at step {index + 1}; the model before is kept.",
                remedy="Try again with a lower learning rate.",
            )
        self._optimiser.zero_grad(set_to_none=True)
        total.backward()
        nn.utils.clip_grad_norm_(self._trained.parameters(), recipe.gradient_norm)
        self._optimiser.step()
        self._average.update()
        return {name: loss.item() for name, loss in parts.items()}

    def _state(self) -> dict[str, Any]:
        on_gpu = self._device.type == "cuda"
        return {
            "step": self.next_step,
            "elapsed": self._elapsed,
            "model": self._trained.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "average": self._average.state_dict(),
            "random": torch.get_rng_state(),
            "random_gpu": torch.cuda.get_rng_state(self._device) if on_gpu else None,
        }

    def _restore(self, state: dict[str, Any]) -> None:
        self.next_step, self._elapsed = state["step"], state["elapsed"]
        self._trained.load_state_dict(state["model"])
        self._optimiser.load_state_dict(state["optimiser"])
        self._average.load_state_dict(state["average"])
        torch.set_rng_state(state["random"])
        if state["random_gpu"] is not None and self._device.type == "cuda":
            torch.cuda.set_rng_state(state["random_gpu"], self._device)


def parameter_groups(model: nn.Module, recipe: Recipe) -> list[dict[str, object]]:
    """Weight decay for weights of convolutions and linear layers only; norms and biases are left free."""
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    return [
        {"params": [p for p in trainable if p.ndim > 1], "weight_decay": recipe.weight_decay},
        {"params": [p for p in trainable if p.ndim <= 1], "weight_decay": 0.0},
    ]


@contextmanager
def _whole_losses(model: MaskRCNN, data: AnnotatedSet, recipe: Recipe, first: int) -> Iterator[Losses]:
    """The losses of all of a model, the steps in turn from ``first`` on."""
    device = next(model.parameters()).device
    with Feeder(model, data, recipe, first) as batches:

        def losses(index: int) -> dict[str, Tensor]:
            images, targets = next(batches)
            features = model.features(images.to(device))
            targets = [target.to(device) for target in targets]
            return model.losses_of(features, _size(images), targets, recipe.roi_samples)

        yield losses


def _heads_losses(model: MaskRCNN, views: Views, recipe: Recipe, index: int) -> dict[str, Tensor]:
    """The losses of the heads on crops that a frozen trunk has seen; which, is a function of seed and step alone."""
    device = next(model.parameters()).device
    rng = np.random.default_rng((recipe.seed, index))
    chosen = rng.choice(len(views), min(recipe.crops_per_step, len(views)), replace=False)
    levels, targets = views.batch(chosen.tolist())
    levels = [level.to(device) for level in levels]
    targets = [target.to(device) for target in targets]
    return model.losses_of(levels, (views.size, views.size), targets, recipe.roi_samples)


def _size(images: Tensor) -> tuple[int, int]:
    return images.shape[-2], images.shape[-1]
