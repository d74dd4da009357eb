"""A project in a temporary folder, and the small shapes that its tests draw."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

from engine.geometry.mask import Mask
from engine.project import Project, commands
from engine.records import Detection, Image

Disc = Callable[..., Mask]
Detect = Callable[..., Detection]
WriteImage = Callable[..., Path]


@pytest.fixture
def write_image() -> WriteImage:
    """write_image(path, seed): a small PNG whose content the seed decides."""

    def write(path: Path, seed: int = 0) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(seed).integers(0, 256, (48, 64, 3), dtype=np.uint8)
        PillowImage.fromarray(pixels).save(path)
        return path

    return write


@pytest.fixture
def disc() -> Disc:
    """disc(x, y, size, hole=0): a round mask in the box at (x, y), with a hole of that size in its middle."""

    def draw(x: int, y: int, size: int = 12, hole: int = 0) -> Mask:
        row, column = np.mgrid[:size, :size] + 0.5
        distance = np.hypot(row - size / 2, column - size / 2)
        return Mask.from_crop((distance <= size / 2) & (distance >= hole / 2), x, y)

    return draw


@pytest.fixture
def detection() -> Detect:
    """detection(mask, score=0.9, category="cell")."""

    def detect(mask: Mask, score: float = 0.9, category: str = "cell") -> Detection:
        x1, y1, x2, y2 = mask.bounds
        return Detection(0, category, score, (float(x1), float(y1), float(x2), float(y2)), mask)

    return detect


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """An open project with one category, in a folder of its own."""
    with Project.create(tmp_path / "cells.maskwright") as created:
        created.apply(commands.add_category(created.new_category_id(), "cell", "#ff0000"))
        yield created


@pytest.fixture
def image(project: Project, write_image: WriteImage) -> Image:
    """The first image of the project, 64 x 48."""
    return project.add_images([write_image(project.root / "first.png")]).added[0]
