"""What tests of every format share: a project, one that holds given masks, and masks to fill it with."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as PillowImage

from engine.formats.dataset import Dataset, mask_of
from engine.formats.exporting import ExportReport, ImageFiles
from engine.formats.importing import import_dataset
from engine.formats.registry import FORMATS, export_to_folder
from engine.geometry.mask import Mask
from engine.project import commands
from engine.project.project import Project

# Masks of each image by its file name, as (category, mask).
Masks = Mapping[str, Sequence[tuple[str, Mask]]]


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with Project.create(tmp_path / "test.maskwright") as opened:
        yield opened


@pytest.fixture
def holding(tmp_path: Path) -> Iterator[Callable[..., Project]]:
    """Makes a project of images of one size that are all accepted, with the masks given."""
    opened = []
    numbers = itertools.count()

    def make(masks: Masks, size: tuple[int, int]) -> Project:
        folder = tmp_path / f"made{next(numbers)}"
        folder.mkdir()
        project = Project.create(folder / "made.maskwright")
        opened.append(project)
        for number, name in enumerate(masks):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            PillowImage.new("RGB", size, (number % 256, number // 256, 7)).save(folder / name)
        project.add_images(folder / name for name in masks)
        categories: dict[str, int] = {}
        for image, instances in zip(project.images(), masks.values(), strict=True):
            for category, mask in instances:
                if category not in categories:
                    categories[category] = project.new_category_id()
                    project.apply(commands.add_category(categories[category], category, "#112233"))
                drawn = commands.draw(project.new_instance_id(), image.id, categories[category], mask)
                project.apply(drawn)
            held = project.instances(image.id)
            project.apply(commands.accept_image(image, held, 0.5) if held else commands.verify_empty(image, held))
        return project

    yield make
    for project in opened:
        project.close()


@pytest.fixture
def there_and_back(tmp_path: Path) -> Iterator[Callable[..., tuple[Project, ExportReport, Dataset]]]:
    """Exports a project with copies of its images, and imports that into a fresh one."""
    opened = []
    numbers = itertools.count()

    def go(project: Project, name: str, **options: Any) -> tuple[Project, ExportReport, Dataset]:
        folder = tmp_path / f"exported{next(numbers)}"
        report = export_to_folder(project, FORMATS[name], folder, image_files=ImageFiles.COPY, **options)
        dataset = FORMATS[name].read(folder)
        again = Project.create(folder.with_suffix(".maskwright"))
        opened.append(again)
        import_dataset(again, dataset, dataset.images_folder or folder, accept_images=True)
        return again, report, dataset

    yield go
    for project in opened:
        project.close()


@pytest.fixture
def contents() -> Callable[[Project], dict[str, list[tuple[str, Mask]]]]:
    """The accepted masks of each image by the name of its file, in a set order."""

    def read(project: Project) -> dict[str, list[tuple[str, Mask]]]:
        names = {category.id: category.name for category in project.categories()}
        images = project.images()
        return {
            Path(image.path).name: sorted(
                ((names[held.category_id], held.mask) for held in instances), key=lambda each: (each[0], hash(each[1]))
            )
            for image, (_, instances) in zip(
                images, project.accepted_instances([image.id for image in images]), strict=True
            )
        }

    return read


@pytest.fixture
def drawn() -> Callable[..., list[tuple[str, Mask]]]:
    """The category and mask of each annotation of a dataset, on images of one size."""

    def draw(dataset: Dataset, width: int, height: int) -> list[tuple[str, Mask]]:
        names = {category.id: category.name for category in dataset.categories}
        return [(names[each.category_id], mask_of(dataset, each, width, height)) for each in dataset.annotations]

    return draw


@pytest.fixture
def random_masks() -> Callable[..., list[tuple[str, Mask]]]:
    """Masks with holes, several parts, pixels that touch at corners, at the borders of an image of that size."""

    def make(seed: int, width: int, height: int, count: int = 4) -> list[tuple[str, Mask]]:
        generator = np.random.default_rng(seed)
        masks = []
        for _ in range(count):
            x1, y1 = int(generator.integers(0, width - 2)), int(generator.integers(0, height - 2))
            x2, y2 = int(generator.integers(x1 + 1, width + 1)), int(generator.integers(y1 + 1, height + 1))
            density = generator.choice([0.3, 0.5, 0.8, 0.95, 1.0])
            mask = Mask.from_crop(generator.random((y2 - y1, x2 - x1)) < density, x1, y1)
            if not mask.is_empty:
                masks.append((str(generator.choice(["cell", "debris of a cell"])), mask))
        return masks

    return make
