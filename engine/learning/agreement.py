"""What of the proposals shown on an image a person would find there: which belong to which instance, and how well."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from engine.geometry.boxes import mask_iou_matrix
from engine.geometry.mask import Mask
from engine.learning.dataset import AnnotatedImage
from engine.records import Detection

FOUND = 0.5
"""Mask IoU from which a proposal shows an instance at all: COCO's lowest, and where AP50 counts a hit."""
CLOSE = 0.75
"""Mask IoU of COCO's strict AP75."""
GOOD = 0.8
"""Mask IoU from which a person leaves a mask as it is: about what two people's masks of one object share (the human
segmentation quality in section 5 of Kirillov et al., "Panoptic segmentation", CVPR 2019)."""


class Match(NamedTuple):
    """A shown proposal and the instance that it shows, by their places among the image's; ``iou`` of their masks."""

    detection: int
    instance: int
    iou: float


class Counts(NamedTuple):
    """Proposals that show an instance, proposals that show none, and instances that none shows."""

    hits: int
    false: int
    missed: int

    @property
    def f1(self) -> float:
        """Hits over hits and half of either fault, in [0, 1]; 1 where there was nothing to find and nothing shown."""
        faults = (self.false + self.missed) / 2
        return self.hits / (self.hits + faults) if self.hits + faults else 1.0


@dataclass(frozen=True, slots=True)
class Agreement:
    """How the shown proposals of one image and its instances belong together from an IoU of ``FOUND`` on.

    ``false`` and ``missed`` are the proposals and instances that are left; what lies on a crowd is neither, and not
    listed. ``unedited`` are the instances that a model drew and nobody corrected. Matches come best first.
    """

    matches: tuple[Match, ...]
    false: tuple[int, ...]
    missed: tuple[int, ...]
    unedited: frozenset[int] = frozenset()

    @property
    def instances(self) -> int:
        """How many there were to find."""
        return len(self.matches) + len(self.missed)

    @property
    def shown(self) -> int:
        """How many proposals a person has to look at."""
        return len(self.matches) + len(self.false)

    def counts(self, iou: float) -> Counts:
        """Hits and faults where a hit needs an IoU of ``iou``, at least ``FOUND``.

        Above ``FOUND``, instances that nobody edited are left out with what shows them: they are some model's own
        masks, and how closely another one repeats them says nothing.
        """
        left_out = self.unedited if iou > FOUND else frozenset()
        judged = [match for match in self.matches if match.instance not in left_out]
        hits = sum(match.iou >= iou for match in judged)
        missed = sum(instance not in left_out for instance in self.missed)
        return Counts(hits, len(self.false) + len(judged) - hits, missed + len(judged) - hits)


def agree(image: AnnotatedImage, detections: Sequence[Detection], threshold: float) -> Agreement:
    """Match the ``detections`` that score ``threshold`` or more one to one with instances of their category.

    The pair that overlaps most goes first, as a person would see it, so that the matches from a higher IoU on are
    among those from a lower one. Detections without pixels are shown nowhere, and left out.
    """
    shown = [place for place, each in enumerate(detections) if each.score >= threshold and not each.mask.is_empty]
    pairs = []
    for category in dict.fromkeys(image.categories):
        instances = [place for place, name in enumerate(image.categories) if name == category]
        alike = [place for place in shown if detections[place].category == category]
        overlaps = mask_iou_matrix([detections[one].mask for one in alike], [image.masks[one] for one in instances])
        pairs += [
            Match(alike[row], instances[column], float(overlaps[row, column]))
            for row, column in np.argwhere(overlaps >= FOUND).tolist()
        ]
    pairs.sort(key=lambda pair: (-pair.iou, -detections[pair.detection].score, pair.detection, pair.instance))
    matches: list[Match] = []
    matched: set[int] = set()
    found: set[int] = set()
    for pair in pairs:
        if pair.detection not in matched and pair.instance not in found:
            matches.append(pair)
            matched.add(pair.detection)
            found.add(pair.instance)
    return Agreement(
        matches=tuple(matches),
        false=tuple(one for one in shown if one not in matched and not _on_crowd(detections[one], image)),
        missed=tuple(place for place in range(len(image.masks)) if place not in found),
        unedited=frozenset(place for place, flag in enumerate(image.unedited) if flag),
    )


def _on_crowd(detection: Detection, image: AnnotatedImage) -> bool:
    """Whether half of a detection lies on a crowd of its category, as COCO ignores it."""
    crowds: list[Mask] = [mask for name, mask in image.crowds if name == detection.category]
    return any(detection.mask.intersection_area(crowd) >= FOUND * detection.mask.area for crowd in crowds)
