"""A model that a background job asks what is on image files, beside the one that predicts for the window."""

from __future__ import annotations

import gc
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import UnreadableImage
from engine.images import read_rgb
from engine.project import CategoryMap
from engine.records import Detection

if TYPE_CHECKING:
    from engine.inference import Predictor


class Detector:
    """Loads a checkpoint when it is first asked. Threads may share it: it answers one at a time."""

    def __init__(self, checkpoint: Path, names: CategoryMap) -> None:
        """`names` says what its categories are called in the project."""
        self._checkpoint, self._names = checkpoint, names
        self._turn = threading.Lock()
        self._predictor: Predictor | None = None

    def __call__(self, path: Path, page: int) -> list[Detection] | None:
        """What the model finds on a page at any score; None where it cannot be read.

        Raises InvalidCheckpoint.
        """
        with self._turn:
            predictor = self._predictor or self._load()
            try:
                return self._names.renamed(predictor.detect(predictor.encode(read_rgb(path, page))))
            except UnreadableImage:
                return None

    def _load(self) -> Predictor:
        from engine.inference import Predictor

        self._predictor = Predictor.from_checkpoint(self._checkpoint)
        gc.freeze()  # as in the predictor's thread: else the collector walks through torch's objects now and then
        return self._predictor
