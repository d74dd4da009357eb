"""How unsure a model is of what it found on an image, and how far it is from what a person annotated there."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from engine.geometry.boxes import mask_iou_matrix
from engine.geometry.mask import Mask
from engine.project.scores import Part
from engine.quality.checks import USUAL_LIMITS
from engine.records import Detection

Object = tuple[str, Mask]
"""An object as two observers see it: the name of its category, and its mask in the user's frame."""

MASK_SHIFT = 0.23
"""SAM shifts the cut by 1 in logits (``stability_score_offset``, Kirillov et al. 2023, section 5 and appendix B); at
the usual cut of 0.5 that is sigmoid(1) - 0.5 in probability."""
LEAST_STABLE = 0.7
"""Below this an outline is worth a word. SAM drops masks below 0.92 to 0.95; those of a 28 x 28 grid move more: of the
bundled model's nuclei half are below 0.85."""
HALF_SURE = 0.5
"""From this doubt on a proposal is worth a word: at a threshold of 0.5 those with scores from 0.25 to 0.75."""


def score_doubt(scores: Sequence[float], threshold: float) -> Part:
    """How close scores are to the threshold, each from 0 (at 0 or 1) to 1 (at the threshold), summed.

    Of the ways to sum up the detections of an image, Brust et al. ("Active Learning for Deep Object Detection", VISAPP
    2019, section 3.3) found the sum to teach most.
    """
    given = np.asarray(scores, dtype=np.float64)
    reach = np.where(given < threshold, threshold, 1 - threshold)
    doubt = np.clip(1 - np.abs(given - threshold) / np.maximum(reach, np.finfo(np.float64).tiny), 0, 1)
    return Part(float(doubt.sum()), int((doubt >= HALF_SURE).sum()))


def stability(probabilities: NDArray[np.float32]) -> NDArray[np.float64]:
    """For each of (n, m, m) mask probabilities the IoU, in [0, 1], of its cuts at 0.5 +/- ``MASK_SHIFT``; 1 where both
    are empty. The one lies inside the other, so their areas tell."""
    inner = (probabilities > 0.5 + MASK_SHIFT).sum(axis=(1, 2))
    outer = (probabilities > 0.5 - MASK_SHIFT).sum(axis=(1, 2))
    return np.divide(inner, outer, out=np.ones(len(probabilities)), where=outer > 0)


def mask_instability(probabilities: NDArray[np.float32]) -> Part:
    """How far (n, m, m) mask probabilities are from stable, summed."""
    stable = stability(probabilities)
    return Part(float((1 - stable).sum()), int((stable < LEAST_STABLE).sum()))


def mirrored(detection: Detection, width: int) -> Detection:
    """A detection as it is in the mirror image, left and right changed, of an image that many pixels wide."""
    x1, y1, x2, y2 = detection.box
    mask = detection.mask
    turned = Mask.from_crop(mask.bitmap[:, ::-1], width - mask.x - mask.width, mask.y)
    return replace(detection, box=(width - x2, y1, width - x1, y2), mask=turned)


def confident(detections: Sequence[Detection], threshold: float) -> list[Object]:
    """What is there for a model that is used at a threshold."""
    return [(each.category, each.mask) for each in detections if each.score >= threshold]


def outside(found: Sequence[Object], ignored: Sequence[Mask]) -> list[Object]:
    """The objects that do not lie by more than half in one of some regions, such as crowds and what was rejected."""
    return [
        (category, mask)
        for category, mask in found
        if not any(2 * mask.intersection_area(region) > mask.area for region in ignored)
    ]


def differences(found: Sequence[Object], annotated: Sequence[Object]) -> Part:
    """What two observers of one image see differently: 1 for each object that one of them does not see or sees in
    another category, 1 - IoU for each that both see.

    One object of the one is at most one of the other's, the best pairs first. What counts as another object, and as
    another outline, is what the check of annotations goes by (`engine.quality.checks.Limits`).
    """
    limits = USUAL_LIMITS
    overlap = mask_iou_matrix([mask for _, mask in found], [mask for _, mask in annotated])
    amount, places, pairs = 0.0, 0, 0
    for i, j in _best_pairs(overlap, limits.unmatched_iou):
        same = found[i][0] == annotated[j][0]
        pairs += 1
        amount += 1 - float(overlap[i, j]) if same else 1.0
        places += int(not same or overlap[i, j] < limits.low_iou)
    alone = len(found) + len(annotated) - 2 * pairs
    return Part(amount + alone, places + alone)


def _best_pairs(overlap: NDArray[np.float64], least: float) -> list[tuple[int, int]]:
    """Row and column of each pair, no row or column twice, from the largest value down to the least that counts."""
    candidates = np.argwhere(overlap >= least)
    falling = np.argsort(-overlap[tuple(candidates.T)], kind="stable")
    rows: set[int] = set()
    columns: set[int] = set()
    pairs = []
    for i, j in candidates[falling].tolist():
        if i not in rows and j not in columns:
            rows.add(i)
            columns.add(j)
            pairs.append((i, j))
    return pairs
