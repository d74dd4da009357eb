"""Measures whether the gate lets good fine-tunes through and stops bad ones; prints one JSON document on stdout.

    python tests/benchmarks/gate.py --data FOLDER [--images 6] [--hold-out 20] [--steps N]

FOLDER holds `annotations/instances_train.json` and `images`. The bundled model is fine-tuned on some of the images and
compared on others, that stay as they are: once with the true annotations, once where each image has the masks of
another one (`shuffled`), and once where every mask is moved by half of its size (`shifted`). For each: mask AP50 before
and after, the interval of the change, the verdict. `holds` says whether the true one is better and no other is.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from engine.checkpoints import read_card
from engine.geometry.mask import Mask
from engine.learning.dataset import AnnotatedImage, AnnotatedSet, from_coco
from engine.learning.finetune import finetune
from engine.learning.promotion import Verdict
from engine.learning.reporters import BarReporter
from engine.learning.rounds import Source, Wishes
from engine.project.category_maps import category_map
from engine.resources import BUNDLED_WEIGHTS

Poison = Callable[[list[AnnotatedImage]], list[AnnotatedImage]]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--images", type=int, default=6)
    parser.add_argument("--hold-out", type=int, default=20)
    parser.add_argument("--steps", type=int)
    arguments = parser.parse_args()
    whole = from_coco(arguments.data / "annotations" / "instances_train.json", arguments.data / "images")
    training = list(whole.images[: arguments.images])
    held_out = AnnotatedSet(whole.categories, whole.images[-arguments.hold_out :])
    names = category_map(None, read_card(BUNDLED_WEIGHTS).spec.categories, [])
    names = replace(names, targets=dict.fromkeys(names.targets, whole.categories[0]))
    found: dict[str, dict[str, object]] = {}
    kinds: dict[str, Poison] = {"true": lambda images: images, "shuffled": shuffled, "shifted": shifted}
    with tempfile.TemporaryDirectory() as folder:
        for name, poison in kinds.items():
            data = AnnotatedSet(whole.categories, tuple(poison(training)))
            source = Source(data, held_out, BUNDLED_WEIGHTS, BUNDLED_WEIGHTS, Path(folder) / name, names, names)
            result = finetune(
                source, Wishes(steps=arguments.steps), reporter=BarReporter(), cancelled=lambda: False, command=""
            )
            assert result is not None
            found[name] = {
                "before": result.before.mask.AP50,
                "after": result.after.mask.AP50,
                "change": [result.comparison.low, result.comparison.high],
                "verdict": str(result.comparison.verdict),
            }
    verdicts = {name: each["verdict"] for name, each in found.items()}
    holds = verdicts["true"] == Verdict.BETTER and Verdict.BETTER not in (verdicts["shuffled"], verdicts["shifted"])
    print(json.dumps({"hold_out": arguments.hold_out, "rounds": found, "holds": holds}, indent=1))
    return 0 if holds else 1


def shuffled(images: list[AnnotatedImage]) -> list[AnnotatedImage]:
    """Each image with the masks of the next one; their sizes are the same."""
    others = [*images[1:], images[0]]
    return [replace(a, masks=b.masks, categories=b.categories) for a, b in zip(images, others, strict=True)]


def shifted(images: list[AnnotatedImage]) -> list[AnnotatedImage]:
    """Each mask moved to the right and down by half of its size, within the image."""
    return [replace(image, masks=tuple(_moved(mask, image) for mask in image.masks)) for image in images]


def _moved(mask: Mask, image: AnnotatedImage) -> Mask:
    moved = mask.moved(mask.width // 2, mask.height // 2).clip(image.width, image.height)
    return mask if moved.is_empty else moved


if __name__ == "__main__":
    sys.exit(main())
