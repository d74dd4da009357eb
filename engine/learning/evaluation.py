"""Average precision as COCO defines it, computed by pycocotools, with a detection limit that suits dense images."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from engine.geometry import rle
from engine.images import read_rgb
from engine.inference.predictor import Predictor
from engine.learning.dataset import AnnotatedImage, AnnotatedSet
from engine.records import Detection

MAX_DETECTIONS = 500
"""Detections an image that count. COCO's 100 caps recall near 0.8 where an image holds hundreds of objects."""


@dataclass(frozen=True, slots=True)
class Precision:
    """Average precisions as fractions from 0 to 1, averaged over the categories that occur; -1 where none does."""

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
    """The predictor's detections on every image of ``data``."""
    found = []
    for done, image in enumerate(data.images, start=1):
        found.append(predictor.detect(predictor.encode(read_rgb(image.path))))
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
        precisions[kind] = _precision(run) if run else _nothing_found(data)
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


def _precision(run: COCOeval) -> Precision:
    table = run.eval["precision"][:, :, :, 0, 0]  # IoU threshold, recall, category

    def mean(rows: NDArray[np.float64]) -> float:
        known = rows[rows > -1]
        return float(known.mean()) if known.size else -1.0

    return Precision(mean(table), mean(table[0]), mean(table[5]))


def _nothing_found(data: AnnotatedSet) -> Precision:
    value = 0.0 if data.instances else -1.0
    return Precision(value, value, value)


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
