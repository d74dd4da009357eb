"""Instances as text on the clipboard: a small COCO document, so that other programs can read it too."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from app.translation import tr
from engine.errors import MaskwrightError
from engine.geometry import rle
from engine.geometry.mask import Mask
from engine.records import Category, Image, Instance

MARK = "Instances copied from Maskwright"
MOST_CHARACTERS = 100_000_000  # of a text that is read: more would fill the memory


@dataclass(frozen=True, slots=True)
class Copied:
    """An instance as the clipboard has it, with its category's name; `mask` is in pixels of the image it is from."""

    category: str
    mask: Mask
    crowd: bool


def written(instances: Iterable[Instance], categories: Mapping[int, Category], image: Image) -> str:
    """The text of instances of an image."""
    chosen = list(instances)
    used = [categories[number] for number in sorted({each.category_id for each in chosen}) if number in categories]
    document = {
        "info": {"description": MARK},
        "images": [{"id": image.id, "file_name": image.name, "width": image.width, "height": image.height}],
        "categories": [{"id": category.id, "name": category.name} for category in used],
        "annotations": [_annotation(each, image) for each in chosen],
    }
    return json.dumps(document, ensure_ascii=False)


def read(text: str) -> list[Copied]:
    """The instances of such a text. Raises MaskwrightError for any other."""
    foreign = MaskwrightError(tr("The clipboard holds no instances."), remedy=tr("Copy some with Ctrl+C first."))
    if MARK not in text[:200] or len(text) > MOST_CHARACTERS:
        raise foreign
    try:
        document = json.loads(text)
        names = {category["id"]: str(category["name"]) for category in document["categories"]}
        return [
            Copied(names[one["category_id"]], rle.from_coco(one["segmentation"]), one["iscrowd"] == 1)
            for one in document["annotations"]
        ]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise foreign from error


def _annotation(instance: Instance, image: Image) -> dict[str, Any]:
    mask = instance.mask
    return {
        "id": instance.id,
        "image_id": image.id,
        "category_id": instance.category_id,
        "segmentation": rle.to_coco(mask, image.height, image.width),
        "area": mask.area,
        "bbox": [mask.x, mask.y, mask.width, mask.height],
        "iscrowd": int(instance.crowd),
    }
