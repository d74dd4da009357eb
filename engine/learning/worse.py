"""The held-out images on which a fine-tuned model is worse than the one before: which, how, and what both show there.

They are kept in a round's folder, for a person to look at. Nothing here needs torch, because the window reads them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.errors import MaskwrightError
from engine.geometry import rle
from engine.geometry.mask import Mask
from engine.learning.agreement import CLOSE, FOUND, Agreement
from engine.learning.dataset import AnnotatedImage
from engine.project.paths import located, portable
from engine.records import Detection

WORSE_NAME = "worse.json"
MOST_LISTED = 12
"""Images that are kept: as many as a person looks through before deciding."""


@dataclass(frozen=True, slots=True)
class Proposed:
    """A proposal that a model shows; ``iou`` is that with the instance that it shows, None where it shows none."""

    category: str
    score: float
    mask: Mask
    iou: float | None


@dataclass(frozen=True, slots=True)
class View:
    """What one model shows on an image, which instances it misses, by their places, and its F1 at two IoUs."""

    proposals: tuple[Proposed, ...]
    missed: tuple[int, ...]
    f1: float
    f1_close: float

    @property
    def false(self) -> int:
        """How many proposals show no instance."""
        return sum(each.iou is None for each in self.proposals)

    def figures(self) -> dict[str, object]:
        """What a list of images says of this one."""
        return {"F1": self.f1, "F1_75": self.f1_close, "missed": len(self.missed), "false": self.false}


@dataclass(frozen=True, slots=True)
class WorseImage:
    """One image, its instances by category and mask, and what the model before and the one after show there.

    ``page`` counts from 0 in a file of several; ``width`` and ``height`` are in pixels.
    """

    path: Path
    page: int
    width: int
    height: int
    truth: tuple[tuple[str, Mask], ...]
    before: View
    after: View

    @property
    def loss(self) -> float:
        """By how much F1 fell, the mean of that at both IoUs; negative where the image became better."""
        fallen = self.before.f1 - self.after.f1 + self.before.f1_close - self.after.f1_close
        return fallen / 2

    def figures(self) -> dict[str, object]:
        """The image and its figures, without masks, as JSON values."""
        sides = {"before": self.before.figures(), "after": self.after.figures()}
        return {"path": str(self.path), "page": self.page, **sides}


@dataclass(frozen=True, slots=True)
class Found:
    """What a model found on the compared images, in their order, and how that agrees with the truth."""

    detections: Sequence[Sequence[Detection]]
    agreements: Sequence[Agreement]


def worse_images(images: Sequence[AnnotatedImage], before: Found, after: Found) -> tuple[WorseImage, ...]:
    """The images whose F1 fell, those that lost most first, at most ``MOST_LISTED``."""
    compared = [
        WorseImage(
            image.path,
            image.page,
            image.width,
            image.height,
            tuple(zip(image.categories, image.masks, strict=True)),
            _view(before, place),
            _view(after, place),
        )
        for place, image in enumerate(images)
        if _f1(before.agreements[place]) > _f1(after.agreements[place])
    ]
    return tuple(sorted(compared, key=lambda each: -each.loss)[:MOST_LISTED])


def worse_document(images: Sequence[WorseImage], folder: Path) -> dict[str, object]:
    """JSON values to be kept in a round's ``folder``; masks are COCO RLE, images named so that the project may move."""
    return {"images": [_to_json(image, _root(folder)) for image in images]}


def read_worse(folder: Path) -> tuple[WorseImage, ...] | None:
    """What a round kept in its ``folder``; None where it kept nothing, as those of earlier versions did.

    Raises MaskwrightError where the file cannot be read.
    """
    path = folder / WORSE_NAME
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        return tuple(_of_json(image, _root(folder)) for image in document["images"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise MaskwrightError(
            f"{path} cannot be read, so the images that got worse cannot be shown.",
            remedy="Fine-tune again to compare anew.",
        ) from error


def _root(folder: Path) -> Path:
    """The folder of the project that a round's folder belongs to."""
    return folder.parent.parent


def _f1(agreement: Agreement) -> float:
    return (agreement.counts(FOUND).f1 + agreement.counts(CLOSE).f1) / 2


def _view(shown: Found, place: int) -> View:
    detections, agreement = shown.detections[place], shown.agreements[place]
    overlaps: dict[int, float | None] = dict.fromkeys(agreement.false)
    overlaps.update({match.detection: match.iou for match in agreement.matches})
    proposals = tuple(
        Proposed(detections[one].category, detections[one].score, detections[one].mask, iou)
        for one, iou in sorted(overlaps.items())
    )
    return View(proposals, agreement.missed, agreement.counts(FOUND).f1, agreement.counts(CLOSE).f1)


def _to_json(image: WorseImage, root: Path) -> dict[str, object]:
    def mask_of(mask: Mask) -> dict[str, Any]:
        return rle.to_coco(mask, image.height, image.width)

    def side(view: View) -> dict[str, object]:
        detections = [
            {"category": each.category, "score": each.score, "iou": each.iou, "segmentation": mask_of(each.mask)}
            for each in view.proposals
        ]
        return {"F1": view.f1, "F1_75": view.f1_close, "missed": view.missed, "detections": detections}

    return {
        "path": portable(image.path, root),
        "page": image.page,
        "width": image.width,
        "height": image.height,
        "truth": [{"category": name, "segmentation": mask_of(mask)} for name, mask in image.truth],
        "before": side(image.before),
        "after": side(image.after),
    }


def _of_json(document: Mapping[str, Any], root: Path) -> WorseImage:
    width, height = int(document["width"]), int(document["height"])
    truth, before, after = document["truth"], document["before"], document["after"]
    records = [*truth, *before["detections"], *after["detections"]]
    counts = [rle.compressed(record["segmentation"]) for record in records]
    masks = iter(rle.from_counts(counts, height, width))
    return WorseImage(
        path=located(document["path"], root),
        page=int(document["page"]),
        width=width,
        height=height,
        truth=tuple((str(record["category"]), next(masks)) for record in truth),
        before=_view_of_json(before, [next(masks) for _ in before["detections"]]),
        after=_view_of_json(after, [next(masks) for _ in after["detections"]]),
    )


def _view_of_json(document: Mapping[str, Any], masks: Sequence[Mask]) -> View:
    proposals = tuple(
        Proposed(str(record["category"]), float(record["score"]), mask, record["iou"])
        for record, mask in zip(document["detections"], masks, strict=True)
    )
    return View(proposals, tuple(document["missed"]), float(document["F1"]), float(document["F1_75"]))
