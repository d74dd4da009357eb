"""Records as table rows and back. A row is a dict from column to value, without columns that are bookkeeping only."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from engine.geometry.mask import Mask
from engine.geometry.rle import Place, decode_crops, encode_crop
from engine.project.schema import images
from engine.records import Category, Image, ImageStatus, Instance, InstanceState, Origin, Review

Row = dict[str, Any]
# A row as SQLAlchemy gives it, or a dict of it.
Fields = Mapping[Any, Any]

# The columns of an image in the order of its fields: a hundred thousand rows are read without naming each value.
IMAGE_COLUMNS = tuple(images.c[field.name] for field in fields(Image))
MASK_COLUMNS = ("mask_x", "mask_y", "mask_w", "mask_h", "mask_counts")
# Looking a member up is several times as fast as calling the enumeration.
_REVIEWS = {review.value: review for review in Review}
_STATUSES = {status.value: status for status in ImageStatus}
_STATES = {state.value: state for state in InstanceState}
_ORIGINS = {origin.value: origin for origin in Origin}


def instance_row(instance: Instance, mask: Row | None = None) -> Row:
    """The columns of an instance, with values as SQLite gives them back (no numpy scalars, no enums); `mask` are those
    of its mask where they are known."""
    return {
        "id": int(instance.id),
        "image_id": int(instance.image_id),
        "category_id": int(instance.category_id),
        "state": instance.state.value,
        "origin": instance.origin.value,
        "score": None if instance.score is None else float(instance.score),
        "edited": bool(instance.edited),
        "crowd": bool(instance.crowd),
        "hidden": bool(instance.hidden),
        "locked": bool(instance.locked),
        "predicted_by": instance.predicted_by,
        "source": instance.source,
        **(_mask_row(instance.mask) if mask is None else mask),
    }


def instances_of(rows: Sequence[Fields]) -> list[Instance]:
    """The instances of rows."""
    masks = decode_crops([place_of(row) for row in rows])
    return [instance_of(row, mask) for row, mask in zip(rows, masks, strict=True)]


def instance_of(row: Fields, mask: Mask | None = None) -> Instance:
    """The instance of a row; `mask` saves decoding it where it is known."""
    return Instance(
        row["id"],
        row["image_id"],
        row["category_id"],
        mask if mask is not None else decode_crops([place_of(row)])[0],
        state=_STATES[row["state"]],
        origin=_ORIGINS[row["origin"]],
        score=row["score"],
        edited=row["edited"],
        crowd=row["crowd"],
        hidden=row["hidden"],
        locked=row["locked"],
        predicted_by=row["predicted_by"],
        source=row["source"],
    )


def category_row(category: Category) -> Row:
    """The columns of a category."""
    return {
        "id": int(category.id),
        "name": category.name,
        "color": category.color,
        "source": category.source,
    }


def category_of(row: Fields) -> Category:
    """The category of a row."""
    return Category(row["id"], row["name"], row["color"], row["source"])


def image_of(row: Sequence[Any]) -> Image:
    """The image of a row of `IMAGE_COLUMNS`."""
    number, path, width, height, content_hash, hold_out, review, status, *rest = row
    return Image(number, path, width, height, content_hash, hold_out, _REVIEWS[review], _STATUSES[status], *rest)


def image_row(image: Image) -> Row:
    """The columns of an image."""
    return {
        "id": image.id,
        "path": image.path,
        "page": image.page,
        "width": image.width,
        "height": image.height,
        "content_hash": image.content_hash,
        "file_size": image.file_size,
        "modified_ns": image.modified_ns,
        "hold_out": image.hold_out,
        "review": image.review.value,
        "status": image.status.value,
        "predicted_by": image.predicted_by,
        "source": image.source,
    }


def place_of(row: Fields) -> Place:
    """Where the mask of a row is, and its stored encoding."""
    return Place(*(row[column] for column in MASK_COLUMNS))


def _mask_row(mask: Mask) -> Row:
    values = (int(mask.x), int(mask.y), mask.width, mask.height, encode_crop(mask))
    return dict(zip(MASK_COLUMNS, values, strict=True))
