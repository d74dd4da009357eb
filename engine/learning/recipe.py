"""Everything that decides a training run beside the data and the model. Knows no torch: the window shows it, too."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from enum import StrEnum


class Scope(StrEnum):
    """What of a model a training changes."""

    WHOLE = "whole"
    HEADS = "heads"
    """RPN, box and mask head, on features that the frozen trunk and FPN computed once."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """The settings of one training run; the model card carries them."""

    steps: int
    scope: Scope = Scope.WHOLE
    views_per_image: int = 24
    """Crops of each image that the heads train on, over and over; a whole model sees other ones at every step."""
    roi_samples: int | None = None
    """RoIs of each crop that train the heads, None for as many as the model's description says."""
    crops_per_step: int = 4
    crop_size: int = 256
    learning_rate: float = 2e-4
    weight_decay: float = 0.02
    warmup_steps: int = 50
    gradient_norm: float = 5.0
    ema_decay: float = 0.99
    scale_jitter: tuple[float, float] = (0.7, 1.4)
    seed: int = 0
    seconds: float | None = None
    """The longest that the steps may take, None for as long as they need: on a machine that is slower than it was
    thought to be the learning rate falls sooner and the last steps are left out."""

    def to_dict(self) -> dict[str, object]:
        """The recipe as JSON values."""
        return asdict(self)

    def progress(self, step: int, elapsed: float) -> float:
        """The share of the run that is over before ``step``, counted from 0, ``elapsed`` seconds after the first."""
        spent = 0.0 if self.seconds is None else elapsed / self.seconds
        return max(step / self.steps, spent)

    def learning_rate_factor(self, step: int, elapsed: float = 0.0) -> float:
        """Linear warm-up, then half a cosine down to zero."""
        if step < self.warmup_steps:
            return (step + 1) / self.warmup_steps
        warm = min(self.warmup_steps / self.steps, 1.0)
        after = (self.progress(step, elapsed) - warm) / max(1.0 - warm, 1 / self.steps)
        return 0.5 * (1.0 + math.cos(math.pi * min(max(after, 0.0), 1.0)))
