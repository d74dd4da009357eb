"""What a training run needs to go on from after it was killed."""

from __future__ import annotations

import pickle
import time
from pathlib import Path
from typing import Any

import torch

from engine.files import atomic_write
from engine.learning.finished import STATE_NAME

SAVE_SECONDS = 15.0
"""What a kill costs at most, beside the time of one save."""
SHARE_FOR_SAVING = 0.05
"""Of the run's time: a whole model with its optimiser is 200 MB, which a slow disk takes seconds for."""


class SavedRun:
    """The state of one run in a folder of its own, written now and then, whole or not at all."""

    def __init__(self, folder: Path, key: str) -> None:
        """``key`` names everything that the run depends on: a state that was saved under another is not its own."""
        self._path = folder / STATE_NAME
        self._key = key
        self._next = time.monotonic() + SAVE_SECONDS

    def load(self) -> dict[str, Any] | None:
        """What was saved last; None where there is nothing of this run, or it cannot be read."""
        try:
            saved = torch.load(self._path, map_location="cpu", weights_only=True)
        except (OSError, RuntimeError, EOFError, pickle.UnpicklingError):
            return None
        return saved["state"] if isinstance(saved, dict) and saved.get("key") == self._key else None

    @property
    def due(self) -> bool:
        """Whether it is time to save again."""
        return time.monotonic() >= self._next

    def save(self, state: dict[str, Any]) -> None:
        """Replace what was saved. Raises MaskwrightError, in words, where the disk refuses."""
        began = time.monotonic()
        with atomic_write(self._path) as temporary, temporary.open("wb") as file:
            torch.save({"key": self._key, "state": state}, file)
        ended = time.monotonic()
        self._next = ended + max(SAVE_SECONDS, (ended - began) / SHARE_FOR_SAVING)
