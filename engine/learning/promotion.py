"""Is the fine-tuned model better? Three verdicts, from the same frozen images for both models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from engine.learning.evaluation import Evaluation
from engine.learning.matches import ImageMatches

SMALLEST_IMAGES = 5
SMALLEST_INSTANCES = 100
"""Below either size of the hold-out the verdict is always "cannot tell": one lucky image would decide it."""

RESAMPLES = 1000
"""Bootstrap resamples; the 95 % interval then moves by less than its own second digit between seeds."""

RECALL_POINTS = np.linspace(0.0, 1.0, 101)
"""COCO's recall thresholds."""


class Verdict(StrEnum):
    """What the comparison says of the new model."""

    BETTER = "better"
    WORSE = "worse"
    CANNOT_TELL = "cannot tell"


@dataclass(frozen=True, slots=True)
class Comparison:
    """The verdict, why, and the 95 % interval of the change in mask AP50 (new minus old)."""

    verdict: Verdict
    reason: str
    low: float
    high: float


def average_precision(matches: Sequence[ImageMatches]) -> float:
    """AP at the matches' IoU threshold for one category, as COCO interpolates it; -1 without instances."""
    instances = sum(match.instances for match in matches)
    if instances == 0:
        return -1.0
    scores = np.concatenate([match.scores for match in matches])
    hits = np.concatenate([match.hits for match in matches])
    order = np.argsort(-scores, kind="mergesort")
    true_positives = np.cumsum(hits[order])
    recall = true_positives / instances
    precision = true_positives / np.arange(1, len(order) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1] if len(precision) else precision
    positions = np.searchsorted(recall, RECALL_POINTS, side="left")
    return float(np.append(envelope, 0.0)[positions].mean())


def mean_average_precision(matches: Sequence[ImageMatches]) -> float:
    """The mean over the categories that occur; -1 where none does."""
    by_category: dict[int, list[ImageMatches]] = {}
    for match in matches:
        by_category.setdefault(match.category, []).append(match)
    values = [value for group in by_category.values() if (value := average_precision(group)) >= 0]
    return float(np.mean(values)) if values else -1.0


def bootstrap_change(
    before: Sequence[ImageMatches], after: Sequence[ImageMatches], images: int, seed: int = 0
) -> NDArray[np.float64]:
    """The change in mask AP50 on ``RESAMPLES`` draws of the images with replacement, the same draw for both models.

    A draw without any instance is left out. Images are numbered from 1 to ``images``.
    """
    rng = np.random.default_rng(seed)
    old, new = _by_image(before, images), _by_image(after, images)
    changes = []
    for _ in range(RESAMPLES):
        drawn = rng.integers(0, images, size=images)
        was = mean_average_precision([match for image in drawn for match in old[image]])
        now = mean_average_precision([match for image in drawn for match in new[image]])
        if was >= 0 and now >= 0:
            changes.append(now - was)
    return np.asarray(changes)


def _by_image(matches: Sequence[ImageMatches], images: int) -> list[list[ImageMatches]]:
    grouped: list[list[ImageMatches]] = [[] for _ in range(images)]
    for match in matches:
        grouped[match.image - 1].append(match)
    return grouped


def compare(before: Evaluation, after: Evaluation, seed: int = 0) -> Comparison:
    """Compare two models evaluated on the same images by a paired bootstrap over images of mask AP50."""
    if after.images < SMALLEST_IMAGES or after.instances < SMALLEST_INSTANCES:
        reason = (
            f"Accepted images of the hold-out: {after.images}, instances on them: {after.instances}; "
            f"a verdict needs at least {SMALLEST_IMAGES} images and {SMALLEST_INSTANCES} instances."
        )
        return Comparison(Verdict.CANNOT_TELL, reason, -1.0, 1.0)
    changes = bootstrap_change(before.matches, after.matches, after.images, seed)
    low, high = (float(value) for value in np.percentile(changes, (2.5, 97.5)))
    interval = f"the change in mask AP50 lies between {low:+z.3f} and {high:+z.3f} (95 % of {RESAMPLES} resamples)"
    if low > 0:
        return Comparison(Verdict.BETTER, f"On {after.images} held-out images {interval}.", low, high)
    if high < 0:
        return Comparison(Verdict.WORSE, f"On {after.images} held-out images {interval}.", low, high)
    return Comparison(
        Verdict.CANNOT_TELL, f"On {after.images} held-out images {interval}, which includes no change.", low, high
    )
