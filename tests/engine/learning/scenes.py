"""Drawn truths and what models of known faults would find on them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from engine.geometry.mask import Mask
from engine.learning.dataset import AnnotatedImage, AnnotatedSet
from engine.records import Detection

SIDE = 96


def block(x: int, y: int, size: int = 8) -> Mask:
    """A square of set pixels."""
    return Mask.from_crop(np.ones((size, size), bool), x, y)


def truth_set(images: int, instances: int, categories: tuple[str, ...] = ("cell",)) -> AnnotatedSet:
    """Images of squares in rows of nine, their categories by turns."""
    rows = []
    for index in range(images):
        masks = tuple(block(10 * (i % 9), 10 * (i // 9)) for i in range(instances))
        names = tuple(categories[i % len(categories)] for i in range(instances))
        rows.append(AnnotatedImage(Path(f"{index}.png"), SIDE, SIDE, names, masks))
    return AnnotatedSet(categories, tuple(rows))


def detection(mask: Mask, category: str = "cell", score: float = 0.9) -> Detection:
    """A detection of a mask, its box around it."""
    x1, y1, x2, y2 = map(float, mask.bounds)
    return Detection(0, category, score, (x1, y1, x2, y2), mask)


def perfect(data: AnnotatedSet, score: float = 0.9) -> list[list[Detection]]:
    """Every instance as it is."""
    return [
        [detection(mask, name, score) for name, mask in zip(image.categories, image.masks, strict=True)]
        for image in data.images
    ]


def moved(found: Sequence[Sequence[Detection]], dx: int, dy: int = 0) -> list[list[Detection]]:
    """The same, so many pixels to the right and down."""
    return [[detection(each.mask.moved(dx, dy), each.category, each.score) for each in row] for row in found]
