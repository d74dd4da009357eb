"""How good masks from box prompts are on real images; prints one JSON document on stdout.

    MASKWRIGHT_DATA=FOLDER python tests/benchmarks/prompt_quality.py [--checkpoint FILE] [--images 66] [--jitter 0.1]

Every annotated instance of nuclei val and mushrooms val is given as a box whose sides are each off by up to a tenth of
its width or height, as a hurried person draws it. Reported are the mean IoU with the annotated mask of: `prompt`, the
model's answer with the box refined; `prompt_as_drawn`, with the box as it is (Alt); `grab_cut`, the GrabCut tool on the
same boxes; `detection`, the best of the model's own detections, 0 where it found nothing. `missed` counts the instances
that no detection of score 0.5 or more meets with an IoU of 0.7, and `missed_but_prompted` those of them that the prompt
gets at 0.7. `milliseconds` are medians: of a prompt of one box on features that are there, and of a GrabCut.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np

from app.tools.cutting import Cutting
from engine.errors import MaskwrightError
from engine.geometry.boxes import mask_iou_matrix
from engine.geometry.mask import Mask
from engine.images import read_rgb
from engine.inference import Predictor
from engine.learning.dataset import AnnotatedImage, from_coco
from engine.resources import BUNDLED_WEIGHTS

DATASETS = ("nuclei", "mushrooms")
SURE = 0.5
GOOD = 0.7
TIMED = 20  # prompts of one box each

Box = tuple[float, float, float, float]


def jittered(mask: Mask, share: float, random: np.random.Generator) -> Box:
    """The box around a mask with each side off by up to that share of its width or height."""
    x1, y1, x2, y2 = mask.bounds
    off = random.uniform(-share, share, 4) * np.array((x2 - x1, y2 - y1, x2 - x1, y2 - y1))
    left, top, right, bottom = (np.array(mask.bounds) + off).tolist()
    return left, top, right, bottom


def grab_cut(rgb: np.ndarray, box: Box) -> Mask:
    height, width = rgb.shape[:2]
    whole = max(round(box[0]), 0), max(round(box[1]), 0), min(round(box[2]), width), min(round(box[3]), height)
    if whole[2] - whole[0] < 2 or whole[3] - whole[1] < 2:
        return Mask.empty()
    try:
        return Cutting(rgb, whole, Mask.empty(), (), True, True).solve(lambda share=None: None)
    except MaskwrightError:  # nothing stands out
        return Mask.empty()


class Tally:
    """What came of all instances of a dataset."""

    def __init__(self) -> None:
        self.ious: dict[str, list[float]] = {}
        self.times: dict[str, list[float]] = {"prompt": [], "grab_cut": []}
        self.missed = self.regained = 0

    def add(self, predictor: Predictor, image: AnnotatedImage, share: float, random: np.random.Generator) -> None:
        rgb = read_rgb(image.path, image.page)
        truth = list(image.masks)
        if not truth:
            return
        boxes = [jittered(mask, share, random) for mask in truth]
        features = predictor.encode(rgb)
        found = predictor.detect(features)
        prompted = [one.mask for one in predictor.masks_for_boxes(features, boxes)]
        drawn = [one.mask for one in predictor.masks_for_boxes(features, boxes, refine=False)]
        for box in boxes[:TIMED]:
            self._time("prompt", lambda: predictor.masks_for_boxes(features, [box]))  # noqa: B023 (called at once)
        cut = []
        for box in boxes:
            self._time("grab_cut", lambda: cut.append(grab_cut(rgb, box)))  # noqa: B023 (called at once)
        for name, masks in (("prompt", prompted), ("prompt_as_drawn", drawn), ("grab_cut", cut)):
            self.ious.setdefault(name, []).extend(one.iou(mask) for one, mask in zip(masks, truth, strict=True))
        overlap = mask_iou_matrix(truth, [one.mask for one in found])
        self.ious.setdefault("detection", []).extend(overlap.max(axis=1, initial=0.0).tolist())
        sure = np.array([one.score >= SURE for one in found], dtype=np.bool_)
        missed = overlap[:, sure].max(axis=1, initial=0.0) < GOOD
        self.missed += int(missed.sum())
        regained = (one.iou(mask) >= GOOD for one, mask in zip(prompted, truth, strict=True))
        self.regained += sum(lost and got for lost, got in zip(missed.tolist(), regained, strict=True))

    def report(self) -> dict[str, object]:
        mean = {name: round(float(np.mean(values)), 4) for name, values in self.ious.items()}
        return {
            "instances": len(self.ious.get("prompt", [])),
            "mean_iou": mean,
            "prompt_beats_grab_cut": mean["prompt"] > mean["grab_cut"],
            "missed": self.missed,
            "missed_but_prompted": self.regained,
            "milliseconds": {name: round(float(np.median(taken)), 2) for name, taken in self.times.items()},
        }

    def _time(self, name: str, call: object) -> None:
        assert callable(call)
        start = time.perf_counter()
        call()
        self.times[name].append((time.perf_counter() - start) * 1000)


def main() -> int:
    """Measure what the arguments say."""
    parser = argparse.ArgumentParser(description="Masks from box prompts on real images")
    parser.add_argument("--checkpoint", type=Path, default=BUNDLED_WEIGHTS)
    parser.add_argument("--images", type=int, default=1000, help="at most so many of each dataset")
    parser.add_argument("--jitter", type=float, default=0.1)
    chosen = parser.parse_args()
    root = Path(os.environ["MASKWRIGHT_DATA"])
    predictor = Predictor.from_checkpoint(chosen.checkpoint)
    report: dict[str, object] = {"model": predictor.card.name, "jitter": chosen.jitter}
    for name in DATASETS:
        folder, random, tally = root / name, np.random.default_rng(0), Tally()
        data = from_coco(folder / "annotations" / "instances_val.json", folder / "images")
        for image in data.images[: chosen.images]:
            tally.add(predictor, image, chosen.jitter, random)
        report[name] = tally.report()
    print(json.dumps(report, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
