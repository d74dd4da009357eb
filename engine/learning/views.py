"""What a frozen trunk and FPN make of random crops, computed once and kept on disk: training the heads reads that."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.files import explain
from engine.inference.preprocess import batch
from engine.learning.augmentation import training_sample
from engine.learning.dataset import AnnotatedSet, PixelCache
from engine.learning.recipe import Recipe
from engine.nn.detector import MaskRCNN, Target
from engine.nn.device import autocast
from engine.nn.trunk import go_on

BATCH = 4
"""Crops that the trunk sees at a time: 4 of 256 pixels take 300 MB on the way."""


@dataclass(frozen=True, slots=True)
class _Packed:
    """A target with its (g, H, W) masks as bits, an eighth of the memory, and its matched anchors as short numbers."""

    boxes: Tensor
    labels: Tensor
    shape: tuple[int, ...]
    bits: NDArray[np.uint8]
    anchors: NDArray[np.int16]

    @staticmethod
    def of(target: Target) -> _Packed:
        assert target.anchors is not None
        bits = np.packbits(target.masks.numpy().ravel() != 0)
        return _Packed(
            target.boxes, target.labels, tuple(target.masks.shape), bits, target.anchors.numpy().astype(np.int16)
        )

    def target(self) -> Target:
        count = int(np.prod(self.shape))
        masks = np.unpackbits(self.bits, count=count).reshape(self.shape)
        return Target(self.boxes, self.labels, torch.from_numpy(masks), torch.from_numpy(self.anchors.astype(np.int64)))


class Views:
    """Augmented crops of annotated images as a frozen trunk sees them; the features are in files that are mapped,
    channels last as convolutions like them."""

    def __init__(self, features: Sequence[NDArray[np.float16]], targets: Sequence[_Packed], size: int) -> None:
        self._features = features
        self._targets = targets
        self.size = size

    def __len__(self) -> int:
        return len(self._targets)

    def batch(self, chosen: Sequence[int]) -> tuple[list[Tensor], list[Target]]:
        """P2..P6 (N, C, height, width) float32 of the crops of those numbers, and their targets."""
        rows = np.asarray(chosen)
        levels = [torch.from_numpy(level[rows].astype(np.float32)) for level in self._features]
        return [level.permute(0, 3, 1, 2) for level in levels], [self._targets[number].target() for number in chosen]


@torch.no_grad()
def compute_views(
    model: MaskRCNN,
    data: AnnotatedSet,
    recipe: Recipe,
    folder: Path,
    *,
    cancelled: Callable[[], bool] = lambda: False,
    on_view: Callable[[int, int], None] = lambda done, total: None,
) -> Views:
    """Crop every image of ``data`` as often as the recipe says, and run the trunk and FPN over the crops once. Each is
    a function of the seed, its image and its number alone.

    The files in ``folder`` take about 1 MB for each crop of 256 pixels of the bundled model.

    Raises:
        Cancelled: ``cancelled()`` said to stop.
        UnreadableImage, InvalidDataset: as ``read_pixels`` of an image of ``data``.
        MaskwrightError: there is no room on the disk.
    """
    device, pixels, size = next(model.parameters()).device, PixelCache(), recipe.crop_size
    places = [(image, view) for image in range(len(data.images)) for view in range(recipe.views_per_image)]
    maps: list[NDArray[np.float16]] = []
    targets: list[_Packed] = []
    for start in range(0, len(places), BATCH):
        go_on(cancelled)
        inputs, shown = [], []
        for image, view in places[start : start + BATCH]:
            rng = np.random.default_rng((recipe.seed, image, view))
            annotated = data.images[image]
            tensor, target = training_sample(
                rng, annotated, pixels.read(annotated), model.spec, size=size, scale_jitter=recipe.scale_jitter
            )
            inputs.append(tensor)
            shown.append(target.to(device))
        with autocast(device):
            levels = model.features(batch(inputs).to(device), cancelled)
        if not maps:
            maps = [_map(folder / f"level{i}.npy", len(places), level) for i, level in enumerate(levels, start=2)]
        for kept, level in zip(maps, levels, strict=True):
            kept[start : start + len(inputs)] = level.permute(0, 2, 3, 1).half().cpu().numpy()
        matched = model.match_anchors(model.anchors(levels), shown)
        targets += [_Packed.of(target.to(torch.device("cpu"))) for target in matched]
        on_view(len(targets), len(places))
    return Views(maps, targets, size)


def _map(path: Path, count: int, like: Tensor) -> NDArray[np.float16]:
    """(count, height, width, C) in a file whose room is taken at once: a disk that fills up later would end the
    process, not raise."""
    _, channels, height, width = like.shape
    shape = (count, height, width, channels)
    try:
        array = np.lib.format.open_memmap(path, mode="w+", dtype=np.float16, shape=shape)
        if hasattr(os, "posix_fallocate"):
            with path.open("r+b") as file:
                os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
    except OSError as error:
        raise explain(error, path) or error from error
    return array
