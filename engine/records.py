"""The plain values that every room passes around: images, categories, instances, detections."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import PurePosixPath

from engine.geometry.mask import Mask

# What a COCO annotation says about its mask. They are dropped together when the mask changes, and their presence in a
# source record means "repeat these verbatim".
MASK_KEYS = ("segmentation", "area", "bbox")

# The score from which proposals are shown until a person chooses another: at half, a shown one is more likely right
# than wrong if scores mean what they say. What a fine-tune is proved by looks at the same proposals.
DEFAULT_THRESHOLD = 0.5


class InstanceState(StrEnum):
    """What a person decided about an instance."""

    PROPOSAL = "proposal"
    # Stored: a proposal that was below the threshold when its image was accepted. While an image is under review, a
    # ghost is just a proposal whose score is below the threshold.
    GHOST = "ghost"
    ACCEPTED = "accepted"
    REJECTED = "rejected"


class Origin(StrEnum):
    """Where an instance came from."""

    PREDICTED = "predicted"
    DRAWN = "drawn"
    IMPORTED = "imported"


class Review(StrEnum):
    """What a person decided about an image."""

    OPEN = "open"
    ACCEPTED = "accepted"
    VERIFIED_EMPTY = "verified-empty"
    SKIPPED = "skipped"


class ImageStatus(StrEnum):
    """How far an image has come; derived from its review and its instances."""

    TODO = "todo"
    PREDICTED = "predicted"
    EDITED = "edited"
    ACCEPTED = "accepted"
    VERIFIED_EMPTY = "verified-empty"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Category:
    """A kind of object. `color` is "#rrggbb"; `source` is the imported COCO record as JSON text."""

    id: int
    name: str
    color: str
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Image:
    """An image of a project; `width` and `height` are in pixels after the EXIF orientation.

    `path` is relative to the project's folder with `/` where possible, else absolute; `page` counts from 0 and is above
    it only in files of several pages. `content_hash` is the SHA-256 of the file (and the page); `file_size` in bytes
    and `modified_ns` are what the file was like then. `predicted_by` is the id of the checkpoint whose proposals the
    image holds. `source` is the imported COCO record as JSON text.
    """

    id: int
    path: str
    width: int
    height: int
    content_hash: str
    hold_out: bool
    review: Review
    status: ImageStatus
    predicted_by: str | None
    source: str | None = None
    page: int = 0
    file_size: int | None = None
    modified_ns: int | None = None

    @property
    def name(self) -> str:
        """What a person calls it: the name of its file, and the page where it is not the first."""
        name = PurePosixPath(self.path).name
        return f"{name}, page {self.page + 1}" if self.page else name


@dataclass(frozen=True, slots=True)
class Instance:
    """One object on one image.

    `score` is the model's, in [0, 1], None where no model said anything. `edited` says that a person changed the mask
    or the category. `crowd` marks a COCO crowd region: a mask over several objects, never trained on. `source` is the
    imported COCO annotation as JSON text; it holds MASK_KEYS as long as the mask is the imported one. `locked` protects
    what a person settled: no command changes its mask or category, or takes it away.
    """

    id: int
    image_id: int
    category_id: int
    mask: Mask
    state: InstanceState
    origin: Origin
    score: float | None = None
    edited: bool = False
    crowd: bool = False
    hidden: bool = False
    predicted_by: str | None = None
    source: str | None = None
    locked: bool = False

    def with_mask(self, mask: Mask, polygons: Sequence[Sequence[float]] | None = None) -> "Instance":
        """A copy with another mask: edited, and with a source record that no longer speaks of the old mask.

        COCO `polygons` that repeat the new mask go into the record instead of the old ones.
        """
        source = _without_mask_keys(self.source)
        if polygons is not None:
            source = json.dumps({**json.loads(source or "{}"), "segmentation": polygons}, ensure_ascii=False)
        return replace(self, mask=mask, edited=True, source=source)


@dataclass(frozen=True, slots=True)
class Detection:
    """One object that a model found.

    `label` is an index into the model's category list and `category` its name there; `box` is x1 y1 x2 y2 in
    continuous image coordinates, `score` is in [0, 1].
    """

    label: int
    category: str
    score: float
    box: tuple[float, float, float, float]
    mask: Mask


def _without_mask_keys(source: str | None) -> str | None:
    if source is None:
        return None
    record = json.loads(source)
    return json.dumps({key: value for key, value in record.items() if key not in MASK_KEYS}, ensure_ascii=False)
