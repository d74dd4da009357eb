"""Measures what a training step costs, and a whole fine-tune of the heads; prints one JSON document on stdout.

    python tests/benchmarks/training.py --data FOLDER [--images 10] [--steps 6] [--repeats 3]

FOLDER holds `annotations/instances_train.json` and `images`. Steps of the heads on cached features and of the whole
model, as the fine-tune button takes them, alternate in one run, with an idle control between them (a fixed sum of
floats), which says how far the machine itself was steady. Seconds: the median over the repeats; `ratio` is the whole
model's step over the heads'. `fine_tune` is the time of all steps of the heads on so many images, crops through the
trunk included. `holds` says whether the ratio is at least 5 and the fine-tune takes at most 180 s.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
from canvas_scene import the_machine

from engine.checkpoints import load
from engine.learning.choosing import recipe_for
from engine.learning.dataset import AnnotatedSet, from_coco
from engine.learning.recipe import Recipe, Scope
from engine.learning.trainer import Step, train
from engine.nn.detector import MaskRCNN
from engine.nn.zoo import with_mapped_categories
from engine.resources import BUNDLED_WEIGHTS

LEAST_RATIO = 5.0
MOST_SECONDS = 180.0
FIRST_STEPS = 2  # prepare kernels and memory


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--images", type=int, default=10)
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    whole = from_coco(arguments.data / "annotations" / "instances_train.json", arguments.data / "images")
    data = AnnotatedSet(whole.categories, whole.images[: arguments.images])
    seconds: dict[str, list[float]] = {"control": [], Scope.HEADS: [], Scope.WHOLE: []}
    for _ in range(arguments.repeats):
        for scope in (Scope.HEADS, Scope.WHOLE):
            seconds["control"].append(control())
            recipe = recipe_for(len(data.images), scope, steps=FIRST_STEPS + arguments.steps)
            seconds[scope].append(statistics.median(step_seconds(model_for(data), data, recipe)))
    began = time.monotonic()
    recipe = recipe_for(len(data.images), Scope.HEADS)
    train(model_for(data), data, recipe, on_step=lambda step: None)
    took = time.monotonic() - began
    medians = {name: round(statistics.median(values), 4) for name, values in seconds.items()}
    ratio = medians[Scope.WHOLE] / medians[Scope.HEADS]
    document = {
        **the_machine(),
        "images": len(data.images),
        "instances": data.instances,
        "control_seconds": medians["control"],
        "control_spread": round(max(seconds["control"]) / min(seconds["control"]), 2),
        "heads_step_seconds": medians[Scope.HEADS],
        "whole_step_seconds": medians[Scope.WHOLE],
        "ratio": round(ratio, 2),
        "fine_tune": {"steps": recipe.steps, "seconds": round(took, 1)},
        "holds": {"ratio": ratio >= LEAST_RATIO, "fine_tune": took <= MOST_SECONDS},
    }
    print(json.dumps(document, indent=1))
    return 0 if all(document["holds"].values()) else 1


def model_for(data: AnnotatedSet) -> MaskRCNN:
    model, _ = load(BUNDLED_WEIGHTS)
    return with_mapped_categories(model, {name: [] for name in data.categories})


def step_seconds(model: MaskRCNN, data: AnnotatedSet, recipe: Recipe) -> list[float]:
    """The times between the steps of a run, without the first ones."""
    ended: list[float] = []

    def note(step: Step) -> None:
        ended.append(time.perf_counter())

    with tempfile.TemporaryDirectory() as folder:
        train(model, data, recipe, on_step=note, folder=Path(folder))
    return np.diff(ended)[FIRST_STEPS - 1 :].tolist()


def control() -> float:
    """Seconds that the same work takes, whatever trains."""
    numbers = np.random.default_rng(0).normal(size=(1024, 1024)).astype(np.float32)
    began = time.perf_counter()
    for _ in range(8):
        numbers @ numbers
    return time.perf_counter() - began


if __name__ == "__main__":
    sys.exit(main())
