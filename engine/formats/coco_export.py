"""A project as a COCO dataset.

An imported record is repeated, and an annotation's segmentation, area and bbox verbatim for as long as its mask is the
imported one.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from engine.formats.coco_document import segmentation_of, write_document
from engine.formats.exporting import ExportImage, ExportReport, Part, Progress, Selection, parts_of
from engine.geometry import rle
from engine.project.project import Project
from engine.records import Image, ImageStatus, Instance

EVERYTHING = frozenset(ImageStatus) - {ImageStatus.SKIPPED}


def export_coco(
    project: Project, path: str | Path, *, selection: Selection | None = None, progress: Progress | None = None
) -> ExportReport:
    """Writes the accepted instances of the selected images, by default the complete ones, as a COCO file, in one piece.

    Images without instances are kept. `progress(done, total)` counts images and may raise to give up. Raises
    MaskwrightError where the file cannot be written; an existing one stays as it was then.
    """
    with project.consistent():
        (part,) = parts_of(project, selection or Selection())
        return write_coco_file(part, Path(path), progress)


def write_coco(parts: Sequence[Part], folder: Path, progress: Progress | None = None) -> tuple[int, tuple[str, ...]]:
    """Writes each part as `annotations/instances_NAME.json`. Returns how many annotations, and no losses."""
    (folder / "annotations").mkdir()
    written = 0
    for part in parts:
        name = f"instances_{part.name}.json" if part.name else "instances.json"
        written += write_coco_file(part, folder / "annotations" / name, progress).annotations
    return written, ()


def image_folder(part: str) -> PurePosixPath:
    """Where the images of a part lie in a folder that `write_coco` wrote to."""
    return PurePosixPath("images") / part


def write_coco_file(part: Part, path: Path, progress: Progress | None = None) -> ExportReport:
    """Writes one part as a COCO file. Memory holds the ids of annotations, never all of them."""
    image_records = _image_records(part.images)
    category_records = [_record(category.source, {"name": category.name}) for category in part.categories]
    _set_ids(category_records, lowest=0)
    category_ids = {
        category.id: record["id"] for category, record in zip(part.categories, category_records, strict=True)
    }
    image_ids = {one.image.id: record["id"] for one, record in zip(part.images, image_records, strict=True)}
    # pycocotools takes an annotation of id 0 for "unmatched".
    ids = _final_ids(part.project.annotation_ids(list(image_ids)), lowest=1)
    source = part.project.dataset_source or {"info": {"description": part.project.name}, "licenses": []}
    document = {
        **source,
        "images": image_records,
        "categories": category_records,
        "annotations": _annotations(part, ids, image_ids, category_ids, progress),
    }
    write_document(path, document)
    return ExportReport(path, len(image_records), len(ids))


def _annotations(
    part: Part, ids: Iterable[int], image_ids: dict[int, int], category_ids: dict[int, int], progress: Progress | None
) -> Iterator[dict[str, Any]]:
    numbers = iter(ids)
    for one, instances in part.instances(progress):
        for instance in instances:
            record = _annotation_record(instance, one.image)
            ids_of = {"image_id": image_ids[one.image.id], "category_id": category_ids[instance.category_id]}
            yield {**record, "id": next(numbers), **ids_of}


def _image_records(images: Sequence[ExportImage]) -> list[dict[str, Any]]:
    """COCO records of images: their source with an id of its own each."""
    records = []
    for one in images:
        page = {"page": one.image.page} if one.image.page else {}
        facts = {"file_name": one.file_name, "width": one.image.width, "height": one.image.height, **page}
        records.append(_record(one.image.source, facts))
    _set_ids(records, lowest=0)
    return records


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


def _set_ids(records: Sequence[dict[str, Any]], *, lowest: int) -> None:
    for record, number in zip(records, _final_ids([record["id"] for record in records], lowest=lowest), strict=True):
        record["id"] = number


def _final_ids(wanted: Sequence[Any], *, lowest: int) -> list[int]:
    """Unique whole numbers: the first that wants a valid one from `lowest` on gets it, the others get the smallest from
    1 on that are free."""
    used: set[int] = set()
    given: list[int | None] = []
    for number in wanted:
        keeps = type(number) is int and number >= lowest and number not in used
        given.append(number if keeps else None)
        if keeps:
            used.add(number)
    free = _free(used)
    return [next(free) if number is None else number for number in given]


def _free(used: set[int]) -> Iterator[int]:
    number = 1
    while True:
        if number not in used:
            yield number
        number += 1
