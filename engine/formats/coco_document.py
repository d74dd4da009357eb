"""A COCO file as plain, checked records, and back to JSON. Knows nothing of projects.

What this program has no field for is kept: every record carries its source, the JSON object it was read from.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from engine.errors import InvalidDataset
from engine.files import atomic_write
from engine.geometry import polygons, rle
from engine.geometry.mask import Mask

Record = Mapping[str, Any]
T = TypeVar("T")

_LISTS = ("images", "annotations", "categories")


@dataclass(frozen=True, slots=True)
class CocoCategory:
    """A category as the file has it."""

    id: int
    name: str
    source: Record


@dataclass(frozen=True, slots=True)
class CocoImage:
    """An image as the file has it; `size` is (width, height), None where the file leaves it out."""

    id: int
    file_name: str
    size: tuple[int, int] | None
    source: Record


@dataclass(frozen=True, slots=True)
class CocoAnnotation:
    """An annotation as the file has it; `index` is its place in the file. `mask_on` draws its mask."""

    index: int
    image_id: int
    category_id: int
    crowd: bool
    source: Record


@dataclass(frozen=True, slots=True)
class CocoDataset:
    """A whole file. `source` holds the keys of the document beside images, annotations and categories."""

    path: Path
    images: tuple[CocoImage, ...]
    annotations: tuple[CocoAnnotation, ...]
    categories: tuple[CocoCategory, ...]
    source: Record


def read_dataset(path: str | Path) -> CocoDataset:
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
            raise _wrong(where, "annotations", annotation.index, "image_id", f"no image has id {annotation.image_id}")
        if annotation.category_id not in category_ids:
            problem = f"no category has id {annotation.category_id}"
            raise _wrong(where, "annotations", annotation.index, "category_id", problem)
    others = {key: value for key, value in document.items() if key not in _LISTS}
    return CocoDataset(path, images, annotations, categories, others)


def mask_of(dataset: CocoDataset, annotation: CocoAnnotation, width: int, height: int) -> Mask:
    """The annotation's mask on its image, by polygons or either RLE; empty where it has none.

    Raises InvalidDataset naming the annotation whose segmentation is malformed or of another size.
    """
    segmentation = annotation.source.get("segmentation")
    if not segmentation:
        return Mask.empty()
    try:
        if isinstance(segmentation, list):
            return polygons.from_coco_polygons(segmentation, height, width)
        if not isinstance(segmentation, dict):
            raise ValueError("it is neither a list of polygons nor an RLE object")
        if segmentation.get("size") != [height, width]:
            raise ValueError(f"its size {segmentation.get('size')} is not the image's, [{height}, {width}]")
        return rle.from_coco(segmentation)
    except ValueError as error:
        raise _wrong(dataset.path.name, "annotations", annotation.index, "segmentation", str(error)) from error


def segmentation_of(mask: Mask, width: int, height: int) -> list[list[float]] | dict[str, Any]:
    """Polygons where pycocotools decodes them to the same mask, else compressed RLE."""
    return polygons.to_coco_polygons(mask, height, width) or rle.to_coco(mask, height, width)


def write_document(path: Path, document: Record) -> None:
    """Writes a COCO file in one piece: it is complete or not there. Raises MaskwrightError where that is impossible."""
    text = json.dumps(document, ensure_ascii=False, allow_nan=False)
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _parse(path: Path) -> dict[str, Any]:
    try:
        # NaN and Infinity are no JSON, though Python writes them; nothing that is read here can be either.
        document = json.loads(path.read_text(encoding="utf-8-sig"), parse_constant=lambda _: None)
    except FileNotFoundError as error:
        raise InvalidDataset(f"There is no file {path}.") from error
    except OSError as error:
        raise InvalidDataset(f"{path} cannot be read: {error.strerror}.") from error
    except json.JSONDecodeError as error:
        at = f"line {error.lineno}, column {error.colno}"
        raise InvalidDataset(f"{path.name} is not valid JSON: {error.msg} at {at}.") from error
    except (UnicodeDecodeError, RecursionError) as error:
        raise InvalidDataset(f"{path.name} is not a JSON file.") from error
    if not isinstance(document, dict):
        raise InvalidDataset(
            f"{path.name} holds no JSON object at its top level, so it is no COCO dataset.",
            remedy="Files of results (lists of detections) cannot be imported.",
        )
    return document


def _each(document: Record, key: str, where: str, parse: Callable[[str, int, Record], T]) -> list[T]:
    parsed = []
    for index, record in enumerate(document[key]):
        if not isinstance(record, dict):
            raise InvalidDataset(f"{where}: {key}[{index}] is not an object.")
        parsed.append(parse(where, index, record))
    return parsed


def _image(where: str, index: int, record: Record) -> CocoImage:
    file_name = record.get("file_name")
    if not isinstance(file_name, str) or not file_name:
        raise _wrong(where, "images", index, "file_name", "it is missing or is no text")
    size = None
    if "width" in record or "height" in record:
        size = (_integer(where, "images", index, record, "width"), _integer(where, "images", index, record, "height"))
        if min(size) < 1:
            raise _wrong(where, "images", index, "width", "an image has at least one pixel each way")
    return CocoImage(_integer(where, "images", index, record, "id"), file_name, size, record)


def _category(where: str, index: int, record: Record) -> CocoCategory:
    name = record.get("name")
    if not isinstance(name, str) or not name.strip():
        raise _wrong(where, "categories", index, "name", "it is missing or is no text")
    return CocoCategory(_integer(where, "categories", index, record, "id"), name.strip(), record)


def _annotation(where: str, index: int, record: Record) -> CocoAnnotation:
    crowd = record.get("iscrowd", 0)
    if crowd not in (0, 1):
        raise _wrong(where, "annotations", index, "iscrowd", "it is neither 0 nor 1")
    image_id = _integer(where, "annotations", index, record, "image_id")
    return CocoAnnotation(
        index, image_id, _integer(where, "annotations", index, record, "category_id"), bool(crowd), record
    )


def _integer(where: str, key: str, index: int, record: Record, name: str) -> int:
    value = record.get(name)
    # Some tools write whole numbers as 3.0.
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise _wrong(where, key, index, name, "it is missing" if value is None else "it is no whole number")
    return value


def _unique_ids(key: str, where: str, ids: list[int]) -> set[int]:
    seen: set[int] = set()
    for index, number in enumerate(ids):
        if number in seen:
            raise _wrong(where, key, index, "id", f"{number} was used before")
        seen.add(number)
    return seen


def _wrong(where: str, key: str, index: int, name: str, problem: str) -> InvalidDataset:
    return InvalidDataset(f"{where}: {key}[{index}], key {name!r}: {problem}.")
