"""Augmented crops for training a whole model, prepared by a thread while the step before is computed."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator

import numpy as np
from torch import Tensor

from engine.inference.preprocess import batch
from engine.learning.augmentation import training_sample
from engine.learning.dataset import AnnotatedSet, PixelCache
from engine.learning.recipe import Recipe
from engine.nn.detector import MaskRCNN, Target

BATCHES_AHEAD = 3
"""Enough that a slow image does not hold up a step; each is some megabytes."""


class Feeder:
    """Batches for the steps of a recipe from ``first`` on; each is a function of the seed and the step alone."""

    def __init__(self, model: MaskRCNN, data: AnnotatedSet, recipe: Recipe, first: int = 0) -> None:
        self._spec, self._data, self._recipe, self._first = model.spec, data, recipe, first
        self._pixels = PixelCache()
        self._queue: queue.Queue[tuple[Tensor, list[Target]] | BaseException] = queue.Queue(BATCHES_AHEAD)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="training-data", daemon=True)

    def __enter__(self) -> Iterator[tuple[Tensor, list[Target]]]:
        self._thread.start()
        return self._batches()

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()

    def _batches(self) -> Iterator[tuple[Tensor, list[Target]]]:
        for _ in range(self._first, self._recipe.steps):
            item = self._queue.get()
            if isinstance(item, BaseException):
                raise item
            yield item

    def _run(self) -> None:
        try:
            for step in range(self._first, self._recipe.steps):
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
