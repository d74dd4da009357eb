"""Prediction over many images: a project's open images, or image files into a COCO dataset."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from engine.errors import MaskwrightError
from engine.formats.coco import ExportReport
from engine.formats.coco_document import segmentation_of, write_document
from engine.images import find_images, read_rgb
from engine.inference.predictor import Predictor
from engine.project import Project
from engine.records import Review

Progress = Callable[[int, int], None]
"""Called with how many images are done, and of how many."""


def predict_open_images(project: Project, predictor: Predictor, progress: Progress) -> int:
    """Fill every image that nobody reviewed yet with proposals; returns how many images."""
    images = [image for image in project.images() if image.review is Review.OPEN]
    for done, image in enumerate(images, start=1):
        features = predictor.encode(read_rgb(project.image_path(image)))
        project.set_proposals(image.id, predictor.detect(features), predictor.checkpoint_id)
        progress(done, len(images))
    return len(images)


def images_among(paths: Sequence[Path]) -> list[Path]:
    """The image files that ``paths`` name, folders searched.

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
    return found


def predict_to_coco(
    paths: Sequence[Path], out: Path, predictor: Predictor, threshold: float, progress: Progress
) -> ExportReport:
    """Detect objects on image files and write them, with their scores, as one COCO dataset.

    Image names are relative to the folder that holds all of them. Nothing is written unless every image was read.
    """
    files = images_among(paths)
    root = Path(*_common_parts([file.resolve().parent for file in files]))
    categories = predictor.model.spec.categories
    images: list[dict[str, object]] = []
    annotations: list[dict[str, object]] = []
    for number, file in enumerate(files, start=1):
        rgb = read_rgb(file)
        height, width = rgb.shape[:2]
        name = file.resolve().relative_to(root).as_posix()
        images.append({"id": number, "file_name": name, "width": width, "height": height})
        for found in predictor.detect(predictor.encode(rgb), threshold):
            x1, y1, x2, y2 = found.mask.bounds
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": found.label + 1,
                    "iscrowd": 0,
                    "area": found.mask.area,
                    "bbox": [x1, y1, x2 - x1, y2 - y1],
                    "segmentation": segmentation_of(found.mask, width, height),
                    "score": round(found.score, 6),
                }
            )
        progress(number, len(files))
    document = {
        "info": {"description": f"Predicted by {predictor.card.name} ({predictor.checkpoint_id})"},
        "licenses": [],
        "images": images,
        "categories": [{"id": number, "name": name} for number, name in enumerate(categories, start=1)],
        "annotations": annotations,
    }
    write_document(out, document)
    return ExportReport(out, len(images), len(annotations))


def _common_parts(folders: Sequence[Path]) -> list[str]:
    shared = []
    for parts in zip(*(folder.parts for folder in folders), strict=False):
        if len(set(parts)) > 1:
            break
        shared.append(parts[0])
    return shared
