"""The moving average of a model's weights, which is what a training hands over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn


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

    def state_dict(self) -> dict[str, Any]:
        """What ``load_state_dict`` goes on from."""
        return {"updates": self.updates, "average": self._average}

    @torch.no_grad()
    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from an earlier average of the same model."""
        self.updates = int(state["updates"])
        for average, earlier in zip(self._average, state["average"], strict=True):
            average.copy_(earlier)
