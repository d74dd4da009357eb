"""Average precision as COCO defines it, computed by pycocotools, with a detection limit that suits dense images."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from engine.geometry import rle
from engine.inference.predictor import Predictor
from engine.learning.dataset import AnnotatedImage, AnnotatedSet, read_pixels
from engine.records import Detection

MAX_DETECTIONS = 500
"""Detections an image that count. COCO's 100 caps recall near 0.8 where an image holds hundreds of objects."""


@dataclass(frozen=True, slots=True)
class Precision:
    """Average precisions as fractions from 0 to 1, averaged over the categories that occur; -1 where none does.

    AP and AP75, which look closer than IoU 0.5, are over instances whose mask a person drew or corrected. A mask that
    was accepted as a model proposed it is that model's own: how closely another one repeats it says nothing. Those
    count for AP50 alone.
    """

    AP: float
    AP50: float
    AP75: float


@dataclass(frozen=True, slots=True)
class ImageMatches:
    """The mask matches of one image and category at IoU 0.5, all that AP50 needs: scores in descending order, which
    of them hit, and how many instances there were to hit."""

    image: int
    category: int
    scores: NDArray[np.float64]
    hits: NDArray[np.bool_]
    instances: int


@dataclass(frozen=True, slots=True)
class Evaluation:
    """How well detections agree with the truth."""

    box: Precision
    mask: Precision
    images: int
    instances: int
    max_detections: int
    matches: tuple[ImageMatches, ...]

    def to_dict(self) -> dict[str, object]:
        """The document that the verb ``evaluate`` prints."""
        return {
            kind: {"AP": value.AP, "AP50": value.AP50, "AP75": value.AP75}
            for kind, value in (("box", self.box), ("mask", self.mask))
        } | {"images": self.images, "instances": self.instances, "max_detections": self.max_detections}


def predict_all(
    predictor: Predictor, data: AnnotatedSet, progress: Callable[[int, int], None] = lambda done, total: None
) -> list[list[Detection]]:
    """The predictor's detections on every image of ``data``. Raises as ``read_pixels``."""
    found = []
    for done, image in enumerate(data.images, start=1):
        found.append(predictor.detect(predictor.encode(read_pixels(image))))
        progress(done, len(data.images))
    return found


def evaluate(
    data: AnnotatedSet, found: Sequence[Sequence[Detection]], max_detections: int = MAX_DETECTIONS
) -> Evaluation:
    """Score ``found`` (detections an image, in the order of ``data.images``) against the truth.

    Detections of categories that ``data`` does not have count as nothing.
    """
    category_ids = {name: index for index, name in enumerate(data.categories, start=1)}
    truth = _truth(data, category_ids)
    results = [
        _result(detection, index, category_ids[detection.category], image)
        for index, (image, detections) in enumerate(zip(data.images, found, strict=True), start=1)
        for detection in detections
        if detection.category in category_ids
    ]
    precisions = {}
    matches: tuple[ImageMatches, ...] = ()
    for kind in ("bbox", "segm"):
        run = _run(truth, results, kind, max_detections) if results else None
        precisions[kind] = _precision(data, run, _without_unedited(data, run, results, kind)) if run else _missed(data)
        if kind == "segm":
            matches = _matches(run) if run else _all_missed(data, category_ids)
    return Evaluation(precisions["bbox"], precisions["segm"], len(data.images), data.instances, max_detections, matches)


def _truth(data: AnnotatedSet, category_ids: dict[str, int]) -> COCO:
    annotations: list[dict[str, object]] = []
    for index, image in enumerate(data.images, start=1):
        objects = [(n, m, 0) for n, m in zip(image.categories, image.masks, strict=True)]
        objects += [(name, mask, 1) for name, mask in image.crowds]
        for name, mask, crowd in objects:
            x1, y1, x2, y2 = mask.bounds
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": index,
                    "category_id": category_ids[name],
                    "iscrowd": crowd,
                    "area": mask.area,
                    "bbox": [x1, y1, x2 - x1, y2 - y1],
                    "segmentation": rle.to_coco(mask, image.height, image.width),
                }
            )
    truth = COCO()
    truth.dataset = {
        "images": [
            {"id": index, "width": image.width, "height": image.height}
            for index, image in enumerate(data.images, start=1)
        ],
        "categories": [{"id": index, "name": name} for name, index in category_ids.items()],
        "annotations": annotations,
    }
    with contextlib.redirect_stdout(io.StringIO()):
        truth.createIndex()
    return truth


def _result(detection: Detection, image_id: int, category_id: int, image: AnnotatedImage) -> dict[str, object]:
    x1, y1, x2, y2 = detection.box
    return {
        "image_id": image_id,
        "category_id": category_id,
        "score": detection.score,
        "bbox": [x1, y1, x2 - x1, y2 - y1],
        "segmentation": rle.to_coco(detection.mask, image.height, image.width),
    }


def _run(truth: COCO, results: list[dict[str, object]], kind: str, max_detections: int) -> COCOeval:
    """pycocotools' matching and accumulation; a result that carries a box would have its areas taken from it, so the
    masks are evaluated without."""
    kept = [{k: v for k, v in result.items() if kind == "bbox" or k != "bbox"} for result in results]
    if kind == "bbox":
        kept = [{k: v for k, v in result.items() if k != "segmentation"} for result in kept]
    with contextlib.redirect_stdout(io.StringIO()):
        run = COCOeval(truth, truth.loadRes(kept), kind)
        run.params.maxDets = [max_detections]
        run.params.areaRng = [run.params.areaRng[0]]
        run.params.areaRngLbl = ["all"]
        run.evaluate()
        run.accumulate()
    return run


def _without_unedited(
    data: AnnotatedSet, run: COCOeval, results: list[dict[str, object]], kind: str
) -> COCOeval | None:
    """The evaluation without the instances that nobody edited and what found them; None where nothing is left."""
    flags = [flag for image in data.images for flag in _flags(image)]
    if not any(flags):
        return run
    left_out = {number for number, flag in enumerate(flags, start=1) if flag}
    cells = [cell for cell in run.evalImgs if cell is not None]
    finders = {
        int(detection)
        for cell in cells
        for detection, found in zip(cell["dtIds"], cell["dtMatches"][0], strict=True)
        if int(found) in left_out
    }
    # loadRes numbers detections from 1 in their order.
    kept = [result for number, result in enumerate(results, start=1) if number not in finders]
    truth = COCO()
    annotations = [each for each in run.cocoGt.dataset["annotations"] if each["id"] not in left_out]
    truth.dataset = {**run.cocoGt.dataset, "annotations": annotations}
    with contextlib.redirect_stdout(io.StringIO()):
        truth.createIndex()
    return _run(truth, kept, kind, run.params.maxDets[-1]) if kept else None


def _flags(image: AnnotatedImage) -> list[bool]:
    """For each annotation of `_truth` whether nobody edited it."""
    unedited = list(image.unedited) or [False] * len(image.masks)
    return unedited + [False] * len(image.crowds)


def _precision(data: AnnotatedSet, run: COCOeval, close: COCOeval | None) -> Precision:
    """AP50 from one evaluation, AP and AP75 from the other, which is None where it has no detection."""

    def mean(evaluation: COCOeval, thresholds: slice) -> float:
        rows = evaluation.eval["precision"][thresholds, :, :, 0, 0]  # IoU threshold, recall, category
        known = rows[rows > -1]
        return float(known.mean()) if known.size else -1.0

    at_half = mean(run, slice(0, 1))
    if close is None:
        return replace(_missed(data), AP50=at_half)
    return Precision(mean(close, slice(None)), at_half, mean(close, slice(5, 6)))


def _missed(data: AnnotatedSet) -> Precision:
    """Where nothing was found: 0, or -1 where there was nothing to find."""
    edited = data.instances - sum(sum(image.unedited) for image in data.images)
    close = 0.0 if edited else -1.0
    return Precision(close, 0.0 if data.instances else -1.0, close)


def _matches(run: COCOeval) -> tuple[ImageMatches, ...]:
    """The matches at IoU 0.5, detections that fell on crowds left out as pycocotools leaves them out."""
    found = []
    for cell in run.evalImgs:
        if cell is None:
            continue
        counted = ~cell["dtIgnore"][0].astype(bool)
        found.append(
            ImageMatches(
                image=cell["image_id"],
                category=cell["category_id"],
                scores=np.asarray(cell["dtScores"], np.float64)[counted],
                hits=(cell["dtMatches"][0] > 0)[counted],
                instances=int((np.asarray(cell["gtIgnore"]) == 0).sum()),
            )
        )
    return tuple(found)


def _all_missed(data: AnnotatedSet, category_ids: dict[str, int]) -> tuple[ImageMatches, ...]:
    nothing = np.zeros(0)
    return tuple(
        ImageMatches(index, category_id, nothing, nothing.astype(bool), image.categories.count(name))
        for index, image in enumerate(data.images, start=1)
        for name, category_id in category_ids.items()
    )
