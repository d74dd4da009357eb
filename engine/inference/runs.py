"""Prediction over many images: a project's open images, or image files into a COCO dataset."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.errors import MaskwrightError, UnreadableImage
from engine.files import check_output
from engine.formats.coco_document import segmentation_of, write_document
from engine.images import find_images, read_rgb
from engine.inference.predictor import Predictor
from engine.project import Project
from engine.records import Detection, Review

Progress = Callable[[int, int], None]
"""Called with how many images are done, and of how many."""


@dataclass(frozen=True, slots=True)
class RunReport:
    """What a run over many images did; ``unreadable`` says of each image that was left out why."""

    images: int
    annotations: int
    unreadable: tuple[str, ...]


def predict_open_images(project: Project, predictor: Predictor, progress: Progress) -> RunReport:
    """Fill every image that nobody reviewed yet with proposals, under the project's names for the model's categories.

    Raises:
        UnreadableImage: none of them can be read.
    """
    images = [image for image in project.images() if image.review is Review.OPEN]
    names = project.keep_category_map(predictor.checkpoint_id, predictor.model.spec.categories)
    run = _Run(predictor)
    annotations = 0
    for index, found in run.over([(project.image_path(image), image.page) for image in images], progress):
        named = names.renamed(found.detections)
        annotations += len(named)
        project.set_proposals(images[index].id, named, predictor.checkpoint_id)
    return RunReport(len(images) - len(run.unreadable), annotations, tuple(run.unreadable))


@dataclass(frozen=True, slots=True)
class _Found:
    width: int
    height: int
    detections: list[Detection]


class _Run:
    """Predicts image after image and notes those that cannot be read."""

    def __init__(self, predictor: Predictor, score_floor: float | None = None) -> None:
        self._predictor, self._score_floor = predictor, score_floor
        self.unreadable: list[str] = []

    def over(self, pages: Sequence[tuple[Path, int]], progress: Progress) -> Iterator[tuple[int, _Found]]:
        """The index of each readable image, given as file and page, with what is on it.

        Raises UnreadableImage, the first one, where there is none.
        """
        first: UnreadableImage | None = None
        for index, (path, page) in enumerate(pages):
            try:
                _check_name(path)
                rgb = read_rgb(path, page)
            except UnreadableImage as error:
                first = first or error
                self.unreadable.append(str(error))
            else:
                found = self._predictor.detect(self._predictor.encode(rgb), self._score_floor)
                yield index, _Found(rgb.shape[1], rgb.shape[0], found)
            progress(index + 1, len(pages))
        if first is not None and len(self.unreadable) == len(pages):
            raise first


def images_among(paths: Sequence[Path]) -> list[Path]:
    """The image files that ``paths`` name, folders searched, each file once.

    Raises:
        MaskwrightError: a path does not exist, or there is no image at all.
    """
    found: list[Path] = []
    for path in paths:
        if not path.exists():
            raise MaskwrightError(f"There is no file or folder {path}.")
        found += find_images(path) if path.is_dir() else [path]
    if not found:
        raise MaskwrightError(f"There is no image in {', '.join(map(str, paths))}.")
    return list({file.resolve(): file for file in found}.values())


def _check_name(path: Path) -> None:
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        shown = os.fsencode(path).decode("utf-8", "backslashreplace")
        raise UnreadableImage(f"The name of {shown} is not valid UTF-8.", remedy="Rename the file.") from error


def predict_to_coco(
    paths: Sequence[Path], out: Path, predictor: Predictor, threshold: float, progress: Progress
) -> RunReport:
    """Detect objects on image files and write them, with their scores, as one COCO dataset.

    Image names are relative to the folder that holds all of them.

    Raises:
        UnreadableImage: no image can be read; nothing is written.
        MaskwrightError: ``out`` cannot be written, or is one of the images.
    """
    files = images_among(paths)
    check_output(out, inputs=files)
    root = Path(*_common_parts([file.resolve().parent for file in files]))
    categories = predictor.model.spec.categories
    images: list[dict[str, object]] = []
    annotations: list[dict[str, object]] = []
    run = _Run(predictor, threshold)
    for index, found in run.over([(file, 0) for file in files], progress):
        number = len(images) + 1
        name = files[index].resolve().relative_to(root).as_posix()
        images.append({"id": number, "file_name": name, "width": found.width, "height": found.height})
        for detection in found.detections:
            annotations.append(_annotation(detection, len(annotations) + 1, number, found.width, found.height))
    document = {
        "info": {"description": f"Predicted by {predictor.card.name} ({predictor.checkpoint_id})"},
        "licenses": [],
        "images": images,
        "categories": [{"id": number, "name": name} for number, name in enumerate(categories, start=1)],
        "annotations": annotations,
    }
    write_document(out, document)
    return RunReport(len(images), len(annotations), tuple(run.unreadable))


def _annotation(found: Detection, number: int, image: int, width: int, height: int) -> dict[str, object]:
    x1, y1, x2, y2 = found.mask.bounds
    return {
        "id": number,
        "image_id": image,
        "category_id": found.label + 1,
        "iscrowd": 0,
        "area": found.mask.area,
        "bbox": [x1, y1, x2 - x1, y2 - y1],
        "segmentation": segmentation_of(found.mask, width, height),
        "score": round(found.score, 6),
    }


def _common_parts(folders: Sequence[Path]) -> list[str]:
    shared = []
    for parts in zip(*(folder.parts for folder in folders), strict=False):
        if len(set(parts)) > 1:
            break
        shared.append(parts[0])
    return shared
