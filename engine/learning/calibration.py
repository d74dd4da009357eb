"""Whether scores mean what they say: of the detections that score 0.8, eight of ten should be right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.learning.matches import ImageMatches

BINS = 10
"""Of equal width over scores from 0 to 1. With more, those of a hold-out of some hundred instances hold hardly any."""


@dataclass(frozen=True, slots=True)
class Bin:
    """The detections that score from ``low`` to ``high``: how many, their mean score, and the share of them that hit.
    Without any, both are 0."""

    low: float
    high: float
    detections: int
    score: float
    hits: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """The expected calibration error, in [0, 1], None without detections, and the bins of a reliability diagram."""

    error: float | None
    bins: tuple[Bin, ...]

    def to_dict(self) -> dict[str, object]:
        """The error and the bins as JSON values."""
        return {
            "error": self.error,
            "bins": [
                {"low": one.low, "high": one.high, "detections": one.detections, "score": one.score, "hits": one.hits}
                for one in self.bins
            ],
        }


def calibration(matches: Sequence[ImageMatches]) -> Calibration:
    """How far scores and the share of hits at mask IoU 0.5 lie apart, weighted by how many detections there are.

    The expected calibration error of Guo et al., "On calibration of modern neural networks", ICML 2017, equation 3,
    with what a detection hits in the place of a classifier's accuracy.
    """
    scores = np.concatenate([np.zeros(0), *(match.scores for match in matches)])
    hits = np.concatenate([np.zeros(0, bool), *(match.hits for match in matches)])
    places = np.minimum((scores * BINS).astype(int), BINS - 1)
    bins = []
    for place in range(BINS):
        inside = places == place
        count = int(inside.sum())
        score, share = (float(scores[inside].mean()), float(hits[inside].mean())) if count else (0.0, 0.0)
        bins.append(Bin(place / BINS, (place + 1) / BINS, count, score, share))
    error = sum(one.detections * abs(one.score - one.hits) for one in bins) / len(scores) if len(scores) else None
    return Calibration(error, tuple(bins))
