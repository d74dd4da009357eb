"""The training loop, the same for the bundled model from scratch and for a fine-tune on ten images."""

from __future__ import annotations

import math
import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass

import numpy as np
import torch
from torch import Tensor, nn

from engine.errors import MaskwrightError
from engine.inference.preprocess import batch
from engine.learning.augmentation import training_sample
from engine.learning.dataset import AnnotatedSet, PixelCache
from engine.nn.detector import MaskRCNN, Target
from engine.nn.device import autocast


class TrainingDiverged(MaskwrightError):
    """The loss is no longer a finite number."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """Everything that decides a training run beside the data and the model."""

    steps: int
    crops_per_step: int = 4
    crop_size: int = 256
    learning_rate: float = 2e-4
    weight_decay: float = 0.02
    warmup_steps: int = 50
    gradient_norm: float = 5.0
    ema_decay: float = 0.99
    scale_jitter: tuple[float, float] = (0.7, 1.4)
    seed: int = 0

    def to_dict(self) -> dict[str, object]:
        """The recipe as JSON values, for the model card."""
        return asdict(self)


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


def learning_rate_factor(step: int, recipe: Recipe) -> float:
    """Linear warm-up, then half a cosine down to zero; ``step`` counts from 0."""
    if step < recipe.warmup_steps:
        return (step + 1) / recipe.warmup_steps
    progress = (step - recipe.warmup_steps) / max(1, recipe.steps - recipe.warmup_steps)
    return 0.5 * (1.0 + math.cos(math.pi * progress))


class MovingAverage:
    """An exponential moving average of a model's parameters and floating-point buffers.

    The decay is warmed up, min(decay, (1 + t) / (10 + t)), so that a short run forgets its first steps.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.updates = 0
        self._live = [tensor for tensor in model.state_dict().values() if tensor.is_floating_point()]
        self._average = [tensor.clone() for tensor in self._live]

    @torch.no_grad()
    def update(self) -> None:
        """Move the average towards the model's present tensors."""
        self.updates += 1
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        torch._foreach_lerp_(self._average, self._live, 1.0 - decay)

    @torch.no_grad()
    def copy_to_model(self) -> None:
        """Overwrite the model with the average."""
        for live, average in zip(self._live, self._average, strict=True):
            live.copy_(average)


class _Feeder:
    """Prepares batches on a thread of its own; every sample is a function of the seed and its number alone."""

    def __init__(self, model: MaskRCNN, data: AnnotatedSet, recipe: Recipe) -> None:
        self._spec, self._data, self._recipe = model.spec, data, recipe
        self._pixels = PixelCache()
        self._queue: queue.Queue[tuple[Tensor, list[Target]] | BaseException] = queue.Queue(maxsize=3)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="training-data", daemon=True)

    def __enter__(self) -> Iterator[tuple[Tensor, list[Target]]]:
        self._thread.start()
        return self._batches()

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()

    def _batches(self) -> Iterator[tuple[Tensor, list[Target]]]:
        for _ in range(self._recipe.steps):
            item = self._queue.get()
            if isinstance(item, BaseException):
                raise item
            yield item

    def _run(self) -> None:
        try:
            for step in range(self._recipe.steps):
                self._put(self._make(step))
                if self._stopped.is_set():
                    return
        except BaseException as error:  # noqa: BLE001  carried to the training thread, which raises it
            self._put(error)

    def _put(self, item: tuple[Tensor, list[Target]] | BaseException) -> None:
        while not self._stopped.is_set():
            try:
                self._queue.put(item, timeout=0.2)
            except queue.Full:
                continue
            return

    def _make(self, step: int) -> tuple[Tensor, list[Target]]:
        rng = np.random.default_rng((self._recipe.seed, step))
        inputs, targets = [], []
        for _ in range(self._recipe.crops_per_step):
            image = self._data.images[int(rng.integers(len(self._data.images)))]
            tensor, target = training_sample(
                rng,
                image,
                self._pixels.read(image),
                self._spec,
                size=self._recipe.crop_size,
                scale_jitter=self._recipe.scale_jitter,
            )
            inputs.append(tensor)
            targets.append(target)
        return batch(inputs), targets


def parameter_groups(model: nn.Module, recipe: Recipe) -> list[dict[str, object]]:
    """Weight decay for weights of convolutions and linear layers only; norms and biases are left free."""
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    return [
        {"params": [p for p in trainable if p.ndim > 1], "weight_decay": recipe.weight_decay},
        {"params": [p for p in trainable if p.ndim <= 1], "weight_decay": 0.0},
    ]


def train(
    model: MaskRCNN,
    data: AnnotatedSet,
    recipe: Recipe,
    *,
    on_step: Callable[[Step], None],
    cancelled: Callable[[], bool] = lambda: False,
) -> bool:
    """Train ``model`` in place on ``data``; at the end it holds the moving average of the weights.

    Returns:
        True when every step ran, False when ``cancelled()`` said to stop (the model is then not to be kept).

    Raises:
        TrainingDiverged: a loss is not finite.
        UnreadableImage, InvalidDataset: as ``read_pixels`` of an image of ``data``.
    """
    if not data.images:
        raise MaskwrightError("There is no image to train on.", remedy="Accept some images first.")
    torch.manual_seed(recipe.seed)
    device = next(model.parameters()).device
    model.to(memory_format=torch.channels_last).train()
    optimiser = torch.optim.AdamW(parameter_groups(model, recipe), lr=recipe.learning_rate, fused=True)
    average = MovingAverage(model, recipe.ema_decay)
    started = time.monotonic()
    with _Feeder(model, data, recipe) as batches:
        for index, (images, targets) in enumerate(batches):
            if cancelled():
                return False
            for group in optimiser.param_groups:
                group["lr"] = recipe.learning_rate * learning_rate_factor(index, recipe)
            with autocast(device):
                losses = model.losses(images.to(device), [target.to(device) for target in targets])
                total = torch.stack([loss.float() for loss in losses.values()]).sum()
            if not torch.isfinite(total):
                raise TrainingDiverged(
                    f"The training loss became {total.item()} at step {index + 1}; the model before is kept.",
                    remedy="Try again with a lower learning rate.",
                )
            optimiser.zero_grad(set_to_none=True)
            total.backward()
            nn.utils.clip_grad_norm_(model.parameters(), recipe.gradient_norm)
            optimiser.step()
            average.update()
            left = (time.monotonic() - started) / (index + 1) * (recipe.steps - index - 1)
            on_step(Step(index + 1, recipe.steps, {k: v.item() for k, v in losses.items()}, left))
    average.copy_to_model()
    model.eval()
    return True
