"""LabelMe: a JSON file an image, with polygons, rectangles, circles and bitmaps.

Points are continuous pixel coordinates, as LabelMe's window shows them, and are filled as COCO polygons are. (LabelMe's
own scripts draw the outline as well, which makes every mask about half a pixel larger on each side.)
"""

import base64
import binascii
import io
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from PIL import Image as Pillow

from engine.errors import InvalidDataset
from engine.formats.dataset import Dataset, DatasetAnnotation, DatasetCategory, DatasetImage, Record, Shape
from engine.formats.exporting import ExportImage, Part, Progress, ordinary, polygons_of
from engine.formats.reading import Tally, check_inside, files_below, finite, name_in, read_json, shown, within
from engine.formats.shapes import Circle, Nothing, Polygons, Union
from engine.geometry.mask import Mask
from engine.images import MAX_PIXELS
from engine.records import Instance

# What LabelMe's own scripts take for "nothing" and "do not look here".
_SPECIAL_LABELS = frozenset({"_background_", "__ignore__"})
# What is kept of a shape and of a file, and written again.
_SHAPE_KEYS = ("group_id", "description", "flags")
_FILE_KEYS = ("version", "flags")
_VERSION = "5.5.0"


@dataclass(frozen=True, slots=True)
class _Bitmap:
    """A PNG in base64 whose top left pixel is (x, y) of the image."""

    text: str
    x: int
    y: int
    width: int
    height: int

    def draw(self, width: int, height: int) -> Mask:
        """See `engine.formats.dataset.Shape`."""
        try:
            with Pillow.open(io.BytesIO(base64.b64decode(self.text, validate=True)), formats=("PNG",)) as image:
                if image.size != (self.width, self.height):
                    stated = f"{self.width} x {self.height}"
                    raise ValueError("its picture has {} x {} pixels, its points {}".format(*image.size, stated))
                pixels = np.asarray(image)
        except (binascii.Error, OSError, SyntaxError) as error:
            raise ValueError("key 'mask': it is no PNG image in base64") from error
        if pixels.ndim != 2:
            raise ValueError("key 'mask': its picture has several channels")
        return Mask.from_crop(pixels, self.x, self.y).clip(width, height)


@dataclass(frozen=True, slots=True)
class _Found:
    """A shape of a file, checked."""

    label: str
    shape: Shape
    where: str
    kept: Record


def read_labelme(path: str | Path) -> Dataset:
    """The images and shapes of a LabelMe file, or of all that lie below a folder.

    Shapes of one label and `group_id` on an image become one instance. Raises InvalidDataset naming the file, the shape
    and the key that is wrong.
    """
    path = Path(path)
    if not path.exists():
        raise InvalidDataset(f"There is no file or folder {path}.")
    folder = path if path.is_dir() else path.parent
    tally = Tally()
    images: list[DatasetImage] = []
    annotations: list[DatasetAnnotation] = []
    categories: dict[str, int] = {}
    for file in files_below(path, {".json"}) if path.is_dir() else [path]:
        name = name_in(folder, file)
        check_inside(folder, file)
        document = read_json(file, name)
        if not isinstance(document, dict) or "shapes" not in document:
            if file == path:
                raise _wrong(name, "shapes", "it is missing, so this is no LabelMe file")
            tally.add("JSON files without shapes, which are not LabelMe's and were left out", name)
            continue
        image = _image(len(images) + 1, name, document, tally)
        images.append(image)
        for members in _groups(name, document, tally):
            category = categories.setdefault(members[0].label, len(categories) + 1)
            annotations.append(_annotation(image.id, category, members, tally))
    if not images:
        raise InvalidDataset(f"{folder.name} holds no LabelMe file.", remedy="Choose the folder with the JSON files.")
    records = tuple(DatasetCategory(number, label) for label, number in categories.items())
    return Dataset(path, tuple(images), tuple(annotations), records, notes=tally.sentences(), images_folder=folder)


def image_folder(part: str) -> PurePosixPath:
    """Where the images of a part lie in a folder that `write_labelme` wrote to: beside their JSON files."""
    return PurePosixPath(part)


def write_labelme(parts: Sequence[Part], folder: Path, progress: Progress | None = None) -> tuple[int, tuple[str, ...]]:
    """Writes a JSON file for each image. Returns how many instances, and what LabelMe cannot hold.

    Masks are polygons, several parts of one with a `group_id` in common; those with holes are bitmaps, which LabelMe
    reads from version 5.3 on. Reading them again gives the same masks.
    """
    losses = Tally()
    written = 0
    for part in parts:
        labels = {category.id: category.name for category in part.categories}
        for one, instances in part.instances(progress):
            kept = ordinary(instances, losses)
            written += len(kept)
            target = folder / image_folder(part.name) / PurePosixPath(one.file_name).with_suffix(".json")
            target.parent.mkdir(parents=True, exist_ok=True)
            document = _document(one, kept, labels)
            target.write_text(json.dumps(document, ensure_ascii=False, indent=2), encoding="utf-8")
    return written, losses.sentences()


def _image(number: int, name: str, document: Record, tally: Tally) -> DatasetImage:
    stated = document.get("imagePath")
    if not isinstance(stated, str) or not stated:
        raise _wrong(name, "imagePath", "it is missing or is no text")
    file_name = within(PurePosixPath(name).parent, stated)
    if file_name is None:
        tally.add("Images whose imagePath leads out of the folder, looked for by their name alone", name)
        file_name = within(PurePosixPath(name).parent, stated.replace("\\", "/").rpartition("/")[2])
    if file_name is None or not file_name.name:
        raise _wrong(name, "imagePath", f"{shown(stated)!r} names no file")
    size = None
    if document.get("imageWidth") is not None or document.get("imageHeight") is not None:
        size = (_length(name, document, "imageWidth"), _length(name, document, "imageHeight"))
    return DatasetImage(number, str(file_name), size, name, {"labelme": _kept(document, _FILE_KEYS)})


def _length(name: str, document: Record, key: str) -> int:
    value = document.get(key)
    if type(value) is not int or value < 1:
        raise _wrong(name, key, "it is no whole number above zero")
    return value


def _groups(name: str, document: Record, tally: Tally) -> Iterable[list[_Found]]:
    """The shapes of a file that have a label, those of one instance together, in the order of their first ones."""
    shapes = document["shapes"]
    if not isinstance(shapes, list):
        raise _wrong(name, "shapes", "it is no list")
    groups: dict[tuple[str, object], list[_Found]] = {}
    for index, record in enumerate(shapes):
        where = f"{name}, shapes[{index}]"
        if not isinstance(record, dict):
            raise InvalidDataset(f"{where} is not an object.")
        label = record.get("label")
        if not isinstance(label, str) or not label.strip():
            raise _wrong(where, "label", "it is missing or is no text")
        label = label.strip()
        if label in _SPECIAL_LABELS:
            tally.add(f"Shapes labelled {label}, which mark no object and were left out", where)
            continue
        group = record.get("group_id")
        if group is not None and not isinstance(group, int | str):
            raise _wrong(where, "group_id", "it is neither a whole number nor null")
        found = _Found(label, _shape(where, record, tally), where, record)
        # Without a group each shape is an instance; no file gives a tuple for one.
        groups.setdefault((label, (index,) if group is None else group), []).append(found)
    return groups.values()


def _annotation(image_id: int, category_id: int, members: Sequence[_Found], tally: Tally) -> DatasetAnnotation:
    first = members[0]
    kept = _kept(first.kept, _SHAPE_KEYS)
    if any(_kept(other.kept, _SHAPE_KEYS) != kept for other in members[1:]):
        tally.add("Groups whose shapes differ in flags or description, of which the first's are kept", first.where)
    shapes = [member.shape for member in members]
    source: dict[str, Any] = {"labelme": kept} if kept else {}
    if all(isinstance(shape, Polygons) for shape in shapes):
        rings = [ring for shape in shapes if isinstance(shape, Polygons) for ring in shape.rings]
        # A COCO file can repeat these: it fills them alike.
        source["segmentation"] = [ring for ring in rings if len(ring) >= 6]
    shape = shapes[0] if len(shapes) == 1 else Union(shapes)
    return DatasetAnnotation(image_id, category_id, shape, first.where, source=source)


def _shape(where: str, record: Record, tally: Tally) -> Shape:
    # Early versions wrote polygons only, and no type.
    kind = record.get("shape_type") or "polygon"
    if kind not in ("polygon", "rectangle", "circle", "mask"):
        tally.add(f"Shapes of type {shown(str(kind))}, which have no area and were left out", where)
        return Nothing()
    points = _points(where, record)
    if kind == "polygon" or (kind == "rectangle" and len(points) == 4):
        return Polygons([[coordinate for point in points for coordinate in point]])
    if len(points) != 2:
        raise _wrong(where, "points", f"a {kind} has two points, not {len(points)}")
    (x1, y1), (x2, y2) = points
    if kind == "rectangle":
        return Polygons([[x1, y1, x2, y1, x2, y2, x1, y2]])
    if kind == "circle":
        return Circle(x1, y1, math.hypot(x2 - x1, y2 - y1))
    return _bitmap(where, record, (round(x1), round(y1)), (round(x2), round(y2)))


def _bitmap(where: str, record: Record, first: tuple[int, int], last: tuple[int, int]) -> Shape:
    text = record.get("mask")
    if not isinstance(text, str):
        raise _wrong(where, "mask", "it is missing or is no text")
    width, height = last[0] - first[0] + 1, last[1] - first[1] + 1
    if min(width, height) < 1 or width * height > MAX_PIXELS:
        raise _wrong(where, "points", "they are not the first and the last corner of a picture")
    return _Bitmap(text, *first, width, height)


def _points(where: str, record: Record) -> list[tuple[float, float]]:
    points = record.get("points")
    if not isinstance(points, list):
        raise _wrong(where, "points", "it is missing or is no list")
    checked = []
    for index, point in enumerate(points):
        numbers = [finite(value) for value in point] if isinstance(point, list) else []
        if len(numbers) != 2 or numbers[0] is None or numbers[1] is None:
            raise _wrong(where, "points", f"point {index} is no pair of numbers")
        checked.append((numbers[0], numbers[1]))
    return checked


def _document(one: ExportImage, instances: Sequence[Instance], labels: Mapping[int, str]) -> dict[str, Any]:
    """The LabelMe file of an image. The picture itself stays beside it."""
    kept = json.loads(one.image.source).get("labelme", {}) if one.image.source else {}
    return {
        "version": _VERSION,
        "flags": {},
        **kept,
        "shapes": list(_shape_records(instances, labels, one)),
        "imagePath": PurePosixPath(one.file_name).name,
        "imageData": None,
        "imageHeight": one.image.height,
        "imageWidth": one.image.width,
    }


def _shape_records(
    instances: Sequence[Instance], labels: Mapping[int, str], one: ExportImage
) -> Iterator[dict[str, Any]]:
    sources = [_source(instance) for instance in instances]
    stated = [kept.get("group_id") for kept in sources]
    free = max((number for number in stated if type(number) is int), default=0) + 1
    taken: set[tuple[str, object]] = set()
    for instance, kept in zip(instances, sources, strict=True):
        label = labels[instance.category_id]
        shapes = list(_pieces(instance, one))
        group = kept.get("group_id")
        if (label, group) in taken:
            group = None
        if group is None and len(shapes) > 1:
            group, free = free, free + 1
        if group is not None:
            taken.add((label, group))
        for shape in shapes:
            yield {"description": "", "flags": {}, **kept, "label": label, "group_id": group, **shape}


def _pieces(instance: Instance, one: ExportImage) -> Iterator[dict[str, Any]]:
    rings = polygons_of(instance, one.image.width, one.image.height)
    for ring in rings or ():
        points = [[x, y] for x, y in zip(ring[::2], ring[1::2], strict=True)]
        yield {"points": points, "shape_type": "polygon", "mask": None}
    if rings is None:
        mask = instance.mask
        x1, y1, x2, y2 = mask.bounds
        file = io.BytesIO()
        Pillow.fromarray(mask.bitmap.astype(np.uint8) * 255).save(file, "PNG")
        text = base64.b64encode(file.getvalue()).decode("ascii")
        yield {"points": [[x1, y1], [x2 - 1, y2 - 1]], "shape_type": "mask", "mask": text}


def _source(instance: Instance) -> dict[str, Any]:
    record = json.loads(instance.source) if instance.source else {}
    kept = record.get("labelme")
    return kept if isinstance(kept, dict) else {}


def _kept(record: Record, keys: Iterable[str]) -> dict[str, Any]:
    return {key: record[key] for key in keys if record.get(key) is not None}


def _wrong(where: str, name: str, problem: str) -> InvalidDataset:
    return InvalidDataset(f"{where}, key {name!r}: {problem}.")
