"""A project as a COCO dataset.

An imported record is repeated, and an annotation's segmentation, area and bbox verbatim for as long as its mask is the
imported one.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath
from typing import Any, Literal

from engine.formats.coco_document import segmentation_of, write_document
from engine.geometry import rle
from engine.project.project import Project
from engine.records import Image, Instance, InstanceState, Review

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class ExportReport:
    """The file that was written, and how many images and annotations it holds."""

    path: Path
    images: int
    annotations: int


def export_coco(
    project: Project,
    path: str | Path,
    *,
    include: Literal["accepted", "all"] = "accepted",
    progress: Progress | None = None,
) -> ExportReport:
    """Writes the accepted instances as a COCO file, in one piece.

    "accepted" takes the images that a person declared complete (accepted or verified empty), "all" every image that is
    not skipped. Images without instances are kept. `progress(done, total)` counts images and may raise to give up.
    Raises MaskwrightError where the file cannot be written; an existing one stays as it was then.
    """
    complete = (Review.ACCEPTED, Review.VERIFIED_EMPTY)
    allowed = complete if include == "accepted" else (*complete, Review.OPEN)
    images = [image for image in project.images() if image.review in allowed]
    image_records = _image_records(images)
    categories = project.categories()
    category_records = [_record(category.source, {"name": category.name}) for category in categories]
    _assign_ids(category_records, lowest=0)
    category_ids = {category.id: record["id"] for category, record in zip(categories, category_records, strict=True)}
    annotations: list[dict[str, Any]] = []
    for done, (image, record) in enumerate(zip(images, image_records, strict=True), start=1):
        for instance in project.instances(image.id):
            if instance.state is InstanceState.ACCEPTED:
                annotation = _annotation_record(instance, image)
                annotation |= {"image_id": record["id"], "category_id": category_ids[instance.category_id]}
                annotations.append(annotation)
        if progress is not None:
            progress(done, len(images))
    # pycocotools takes an annotation of id 0 for "unmatched".
    _assign_ids(annotations, lowest=1)
    document = {
        **(project.dataset_source or {"info": {"description": project.name}, "licenses": []}),
        "images": image_records,
        "categories": category_records,
        "annotations": annotations,
    }
    write_document(Path(path), document)
    return ExportReport(Path(path), len(images), len(annotations))


def _image_records(images: Sequence[Image]) -> list[dict[str, Any]]:
    """COCO records of images: their source with an id and a file name of its own each."""
    records = []
    used: set[str] = set()
    for image in images:
        record = _record(image.source, {"width": image.width, "height": image.height})
        # An image outside the project's folder has an absolute path, which says nothing on another machine.
        names = (record.get("file_name"), _short_name(image.path), image.path)
        record["file_name"] = next(name for name in names if name and name not in used)
        used.add(record["file_name"])
        records.append(record)
    _assign_ids(records, lowest=0)
    return records


def _short_name(path: str) -> str:
    windows = PureWindowsPath(path)
    return windows.name if windows.root or ".." in windows.parts else path


def _annotation_record(instance: Instance, image: Image) -> dict[str, Any]:
    """The COCO record of an instance: its source where that still describes the mask, else made from the mask."""
    record = _record(instance.source, {"iscrowd": int(instance.crowd)})
    mask = instance.mask
    if not record.get("segmentation"):
        # A crowd is RLE by definition: tools take it for that without looking.
        as_rle = rle.to_coco(mask, image.height, image.width) if instance.crowd else None
        record["segmentation"] = as_rle or segmentation_of(mask, image.width, image.height)
    if record.get("area") is None:
        record["area"] = mask.area
    if record.get("bbox") is None:
        record["bbox"] = [mask.x, mask.y, mask.width, mask.height]
    return record


def _record(source: str | None, facts: dict[str, Any]) -> dict[str, Any]:
    """The source with what the project knows better, its id in front; None stands for an id yet to be given."""
    return {"id": None, **(json.loads(source) if source else {}), **facts}


def _assign_ids(records: Sequence[dict[str, Any]], *, lowest: int) -> None:
    """Makes ids unique whole numbers: the first record with a valid one from `lowest` on keeps it, the others get the
    smallest from 1 on that are free."""
    used: set[int] = set()
    homeless = []
    for record in records:
        number = record.get("id")
        if type(number) is int and number >= lowest and number not in used:
            used.add(number)
        else:
            homeless.append(record)
    for record, number in zip(homeless, _free(used), strict=False):
        record["id"] = number


def _free(used: set[int]) -> Iterator[int]:
    number = 1
    while True:
        if number not in used:
            yield number
        number += 1
