"""How well detections agree with the truth: average precision as COCO defines it, computed by pycocotools with a
detection limit that suits dense images, and what follows from the same matches."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from engine.geometry import rle
from engine.inference.predictor import Predictor
from engine.learning.agreement import Agreement, agree
from engine.learning.calibration import Calibration, calibration
from engine.learning.dataset import AnnotatedImage, AnnotatedSet, read_pixels
from engine.learning.labeler import LabelerFigures, labeler_figures
from engine.learning.matches import ImageMatches
from engine.records import DEFAULT_THRESHOLD, Detection

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

    def to_dict(self) -> dict[str, float]:
        """The three as JSON values."""
        return {"AP": self.AP, "AP50": self.AP50, "AP75": self.AP75}


@dataclass(frozen=True, slots=True)
class CategoryPrecision:
    """The precisions of one category alone, and how many instances there were to find."""

    category: str
    box: Precision
    mask: Precision
    instances: int


@dataclass(frozen=True, slots=True)
class Evaluation:
    """How well detections agree with the truth. ``agreements`` are one for each image, in their order."""

    box: Precision
    mask: Precision
    images: int
    instances: int
    max_detections: int
    matches: tuple[ImageMatches, ...]
    categories: tuple[CategoryPrecision, ...]
    calibration: Calibration
    labeler: LabelerFigures
    agreements: tuple[Agreement, ...]

    def to_dict(self) -> dict[str, object]:
        """The document that the verb ``evaluate`` prints."""
        categories = {
            each.category: {"box": each.box.to_dict(), "mask": each.mask.to_dict(), "instances": each.instances}
            for each in self.categories
        }
        return {
            "box": self.box.to_dict(),
            "mask": self.mask.to_dict(),
            "images": self.images,
            "instances": self.instances,
            "max_detections": self.max_detections,
            "categories": categories,
            "calibration": self.calibration.to_dict(),
            "labeler": self.labeler.to_dict(),
        }


def predict_all(
    predictor: Predictor,
    data: AnnotatedSet,
    progress: Callable[[int, int], None] = lambda done, total: None,
    cancelled: Callable[[], bool] | None = None,
) -> list[list[Detection]]:
    """The predictor's detections on every image of ``data``.

    Raises:
        Cancelled: ``cancelled()`` said to stop.
        UnreadableImage, InvalidDataset: as ``read_pixels``.
    """
    found = []
    for done, image in enumerate(data.images, start=1):
        features = predictor.encode(read_pixels(image), cancelled)
        found.append(predictor.detect(features, cancelled=cancelled))
        progress(done, len(data.images))
    return found


def evaluate(
    data: AnnotatedSet,
    found: Sequence[Sequence[Detection]],
    max_detections: int = MAX_DETECTIONS,
    threshold: float = DEFAULT_THRESHOLD,
) -> Evaluation:
    """Score ``found`` (detections an image, in the order of ``data.images``) against the truth.

    Precisions and calibration look at all detections, what a labeler feels at those that score ``threshold`` or more.
    Detections of categories that ``data`` does not have count as nothing.
    """
    names = tuple(dict.fromkeys(data.categories))
    category_ids = {name: index for index, name in enumerate(names, start=1)}
    found = [[each for each in detections if each.category in category_ids] for detections in found]
    truth = _truth(data, category_ids)
    results = [
        _result(detection, index, category_ids[detection.category], image)
        for index, (image, detections) in enumerate(zip(data.images, found, strict=True), start=1)
        for detection in detections
    ]

    def scored(kind: str) -> _Scored:
        run = _run(truth, results, kind, max_detections) if results else None
        return _Scored(data, names, run, _without_unedited(data, run, results, kind) if run else None)

    box, mask = scored("bbox"), scored("segm")
    matches = _matches(mask.run) if mask.run is not None else _all_missed(data, category_ids)
    agreements = tuple(agree(*each, threshold) for each in zip(data.images, found, strict=True))
    return Evaluation(
        box=box.precision(),
        mask=mask.precision(),
        images=len(data.images),
        instances=data.instances,
        max_detections=max_detections,
        matches=matches,
        categories=tuple(
            CategoryPrecision(name, box.precision(name), mask.precision(name), data.count(name)) for name in names
        ),
        calibration=calibration(matches),
        labeler=labeler_figures(data.images, found, agreements, threshold),
        agreements=agreements,
    )


@dataclass(frozen=True, slots=True)
class _Scored:
    """Runs of pycocotools: of all instances, and ``close`` of those that a person edited. None without detections."""

    data: AnnotatedSet
    names: tuple[str, ...]
    run: COCOeval | None
    close: COCOeval | None

    def precision(self, category: str | None = None) -> Precision:
        """Of one category, else averaged over those that occur: AP50 from the first run, the others from the second."""
        at_half = self._mean(self.run, slice(0, 1), category, self.data.count(category))
        edited = self.data.count(category, edited=True)
        ap, at_three_quarters = (self._mean(self.close, part, category, edited) for part in (slice(None), slice(5, 6)))
        return Precision(ap, at_half, at_three_quarters)

    def _mean(self, run: COCOeval | None, thresholds: slice, category: str | None, instances: int) -> float:
        """The mean over some of COCO's IoU thresholds. Where nothing was found it is 0, or -1 without instances."""
        if run is None:
            return 0.0 if instances else -1.0
        rows = run.eval["precision"][thresholds, :, :, 0, 0]  # IoU threshold, recall, category
        if category is not None:
            rows = rows[..., self.names.index(category)]
        known = rows[rows > -1]
        return float(known.mean()) if known.size else -1.0


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
