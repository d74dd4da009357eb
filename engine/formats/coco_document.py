"""A COCO file as checked records, and back to JSON.

What this program has no field for is kept: every record carries its source, the JSON object it was read from.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeVar

from engine.errors import InvalidDataset
from engine.files import atomic_write
from engine.formats.dataset import Dataset, DatasetAnnotation, DatasetCategory, DatasetImage, EncodedShape, Record
from engine.formats.reading import read_json, shown
from engine.geometry import polygons, rle
from engine.geometry.mask import Mask

T = TypeVar("T")

_LISTS = ("images", "annotations", "categories")


@dataclass(frozen=True, slots=True)
class Segmentation(EncodedShape):
    """COCO's segmentation: polygons, either RLE, or nothing at all."""

    value: Any

    def counts(self, width: int, height: int) -> bytes:
        """See `engine.formats.dataset.EncodedShape`."""
        if not self.value:
            return b""
        if isinstance(self.value, list):
            return polygons.coco_counts(self.value, height, width)
        if not isinstance(self.value, dict):
            raise ValueError("it is neither a list of polygons nor an RLE object")
        if self.value.get("size") != [height, width]:
            raise ValueError(f"its size {shown(str(self.value.get('size')))} is not the image's, [{height}, {width}]")
        return rle.compressed(self.value)

    def draw(self, width: int, height: int) -> Mask:
        """See `engine.formats.dataset.Shape`."""
        try:
            return EncodedShape.draw(self, width, height)
        except ValueError as error:
            raise ValueError(f"key 'segmentation': {error}") from error


def read_dataset(path: str | Path) -> Dataset:
    """The records of a COCO file, checked: keys, types, unique ids of images and categories, and that ids refer.

    Raises InvalidDataset naming the list, the index and the key that is wrong. Masks are checked when they are drawn.
    """
    path = Path(path)
    document = _parse(path)
    where = path.name
    for key in _LISTS:
        if not isinstance(document.get(key), list):
            raise InvalidDataset(
                f"{where}: key {key!r} is missing or is no list.", remedy="Choose a COCO file with instances."
            )
    images = tuple(_each(document, "images", where, _image))
    categories = tuple(_each(document, "categories", where, _category))
    annotations = tuple(_each(document, "annotations", where, _annotation))
    image_ids = _unique_ids("images", where, [image.id for image in images])
    category_ids = _unique_ids("categories", where, [category.id for category in categories])
    for annotation in annotations:
        if annotation.image_id not in image_ids:
            raise _wrong(where, annotation.where, "image_id", f"no image has id {annotation.image_id}")
        if annotation.category_id not in category_ids:
            problem = f"no category has id {annotation.category_id}"
            raise _wrong(where, annotation.where, "category_id", problem)
    others = {key: value for key, value in document.items() if key not in _LISTS}
    return Dataset(path, images, annotations, categories, others)


def segmentation_of(mask: Mask, width: int, height: int) -> list[list[float]] | dict[str, Any]:
    """Polygons where pycocotools decodes them to the same mask, else compressed RLE."""
    return polygons.to_coco_polygons(mask, height, width) or rle.to_coco(mask, height, width)


def write_document(path: Path, document: Mapping[str, object]) -> None:
    """Writes a COCO file in one piece: it is complete or not there. Raises MaskwrightError where that is impossible.

    Values that are iterators become lists as they are consumed, so that the file never has to fit into the memory.
    """
    with atomic_write(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        for index, (key, value) in enumerate(document.items()):
            file.write(f"{', ' if index else '{'}{json.dumps(key, ensure_ascii=False)}: ")
            if isinstance(value, Iterator):
                _stream(file, value)
            else:
                file.write(_text(value))
        file.write("}" if document else "{}")


def _stream(file: IO[str], records: Iterator[object]) -> None:
    file.write("[")
    for index, record in enumerate(records):
        file.write(f"{', ' if index else ''}{_text(record)}")
    file.write("]")


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _parse(path: Path) -> dict[str, Any]:
    document = read_json(path, path.name)
    if not isinstance(document, dict):
        raise InvalidDataset(
            f"{path.name} holds no JSON object at its top level, so it is no COCO dataset.",
            remedy="Files of results (lists of detections) are imported as proposals: import --results.",
        )
    return document


def _each(document: Record, key: str, where: str, parse: Callable[[str, int, Record], T]) -> list[T]:
    parsed = []
    for index, record in enumerate(document[key]):
        if not isinstance(record, dict):
            raise InvalidDataset(f"{where}: {key}[{index}] is not an object.")
        parsed.append(parse(where, index, record))
    return parsed


def _image(where: str, index: int, record: Record) -> DatasetImage:
    place = f"images[{index}]"
    file_name = record.get("file_name")
    if file_name is None and isinstance(record.get("coco_url"), str):
        file_name = record["coco_url"].rpartition("/")[2]  # LVIS names its images by their address only
    if not isinstance(file_name, str) or not file_name:
        raise _wrong(where, place, "file_name", "it is missing or is no text")
    size = None
    if "width" in record or "height" in record:
        size = (integer(where, place, record, "width"), integer(where, place, record, "height"))
        if min(size) < 1:
            raise _wrong(where, place, "width", "an image has at least one pixel each way")
    # Not in COCO: this program's exports tell with it the pages of one file apart.
    page = integer(where, place, record, "page") if "page" in record else 0
    return DatasetImage(integer(where, place, record, "id"), file_name, size, place, record, page)


def _category(where: str, index: int, record: Record) -> DatasetCategory:
    place = f"categories[{index}]"
    name = record.get("name")
    if not isinstance(name, str) or not name.strip():
        raise _wrong(where, place, "name", "it is missing or is no text")
    return DatasetCategory(integer(where, place, record, "id"), name.strip(), record)


def _annotation(where: str, index: int, record: Record) -> DatasetAnnotation:
    place = f"annotations[{index}]"
    crowd = record.get("iscrowd", 0)
    if crowd not in (0, 1):
        raise _wrong(where, place, "iscrowd", "it is neither 0 nor 1")
    image_id = integer(where, place, record, "image_id")
    category_id = integer(where, place, record, "category_id")
    return DatasetAnnotation(
        image_id, category_id, Segmentation(record.get("segmentation")), place, bool(crowd), record
    )


def integer(where: str, place: str, record: Record, name: str) -> int:
    """The whole number under a key. Raises InvalidDataset naming file, place and key where there is none."""
    value = record.get(name)
    # Some tools write whole numbers as 3.0.
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise _wrong(where, place, name, "it is missing" if value is None else "it is no whole number")
    return value


def _unique_ids(key: str, where: str, ids: list[int]) -> set[int]:
    seen: set[int] = set()
    for index, number in enumerate(ids):
        if number in seen:
            raise _wrong(where, f"{key}[{index}]", "id", f"{number} was used before")
        seen.add(number)
    return seen


def _wrong(where: str, place: str, name: str, problem: str) -> InvalidDataset:
    return InvalidDataset(f"{where}: {place}, key {name!r}: {problem}.")
