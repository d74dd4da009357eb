"""Where a model and the people who accepted an image disagree. Who is right, this does not say."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from engine.geometry.boxes import mask_iou_matrix
from engine.geometry.mask import Mask
from engine.quality.checks import Check
from engine.quality.findings import Finding, Fix, FixKind, Subject
from engine.records import Image, Instance, InstanceState, Review
from engine.words import words

# More of a detection than this inside a crowd region, and it is one of the crowd.
_OF_CROWD = 0.5


class Found(NamedTuple):
    """What a model found, and the ghost or rejected instance that the project keeps it as, if any."""

    category: str
    score: float
    mask: Mask
    kept_as: Instance | None = None


def missed(subject: Subject) -> Iterator[Finding]:
    """Confident detections where nothing is annotated."""
    confident = _confident(subject)
    overlap = _best([found.mask for found in confident], [each.mask for each in subject.single])
    for (category, score, mask, proposal), iou in zip(confident, overlap, strict=True):
        if iou >= subject.limits.unmatched_iou or _in_crowd(subject, mask):
            continue
        seen = {"category": category, "score": float(score)}
        if proposal and proposal.state is InstanceState.REJECTED:
            message = words(
                "The model sees a {category} (score {score}); none is annotated, and it was rejected.", **seen
            )
        else:
            message = words("The model sees a {category} (score {score}); none is annotated.", **seen)
        # Nothing is accepted on an image that was verified as empty: it has to be reopened first.
        fixable = subject.image.review is Review.ACCEPTED
        fix = Fix(FixKind.ACCEPT, proposal.id, safe=False) if proposal and fixable else None
        concerned = () if proposal is None else (proposal,)
        finding = subject.finding(Check.MISSED, message, *concerned, at=mask, fix=fix)
        yield replace(finding, score=score)


def extra(subject: Subject) -> Iterator[Finding]:
    """Accepted instances where the model found nothing at any score."""
    if not _is_judged(subject):
        return
    overlap = _best([each.mask for each in subject.single], [found.mask for found in _found(subject)])
    for instance, iou in zip(subject.single, overlap, strict=True):
        if iou < subject.limits.unmatched_iou:
            named = subject.named(instance)
            if subject.detections is None:
                message = words("None of the model's stored proposals overlaps {instance}.", instance=named)
            else:
                message = words("The model sees nothing at {instance}.", instance=named)
            yield replace(subject.finding(Check.EXTRA, message, instance), score=1 - iou)


def low_iou(subject: Subject) -> Iterator[Finding]:
    """Accepted instances that the best confident detection covers in part only."""
    limits = subject.limits
    overlap = _best([each.mask for each in subject.single], [found.mask for found in _confident(subject)])
    for instance, iou in zip(subject.single, overlap, strict=True):
        if limits.unmatched_iou <= iou < limits.low_iou:
            message = words(
                "The model outlines {instance} otherwise (IoU {iou}).", instance=subject.named(instance), iou=float(iou)
            )
            yield replace(subject.finding(Check.LOW_IOU, message, instance), score=1 - iou)


def other_category(subject: Subject) -> Iterator[Finding]:
    """Accepted instances whose best confident detection has nearly the same pixels and is of another category."""
    confident = _confident(subject)
    if not confident or not subject.single:
        return
    overlap = mask_iou_matrix([each.mask for each in subject.single], [found.mask for found in confident])
    for instance, row in zip(subject.single, overlap, strict=True):
        # Of several on the same pixels the one that agrees speaks for the model.
        same = [found for found, iou in zip(confident, row, strict=True) if iou >= subject.limits.low_iou]
        name = subject.names.get(instance.category_id)
        if same and all(found.category != name for found in same):
            best = max(same, key=lambda found: found.score)
            message = words(
                "The model sees a {category} (score {score}) in {instance}.",
                category=best.category,
                score=float(best.score),
                instance=subject.named(instance),
            )
            yield replace(subject.finding(Check.OTHER_CATEGORY, message, instance), score=best.score)


def is_judged(image: Image) -> bool:
    """Whether a person declared an image complete, so that a model can be compared with them."""
    return image.review in (Review.ACCEPTED, Review.VERIFIED_EMPTY)


def _is_judged(subject: Subject) -> bool:
    """Whether a person declared the image complete and a model looked at it."""
    return is_judged(subject.image) and (subject.detections is not None or subject.image.predicted_by is not None)


def _found(subject: Subject) -> list[Found]:
    if not _is_judged(subject):
        return []
    if subject.detections is None:
        return _stored(subject)
    return [Found(found.category, found.score, found.mask) for found in subject.detections]


def _stored(subject: Subject) -> list[Found]:
    """What the project holds of its last prediction. An accepted proposal speaks for the model as well, with the mask
    that a person may have given it."""
    undecided = (InstanceState.GHOST, InstanceState.REJECTED)
    return [
        Found(subject.names.get(each.category_id, ""), each.score, each.mask, each if each.state in undecided else None)
        for each in subject.instances
        if each.score is not None and not each.mask.is_empty
    ]


def _confident(subject: Subject) -> list[Found]:
    return [found for found in _found(subject) if found.score >= subject.limits.confident_score]


def _in_crowd(subject: Subject, mask: Mask) -> bool:
    crowds = [instance.mask for instance in subject.accepted if instance.crowd]
    return any(mask.intersection_area(crowd) > _OF_CROWD * mask.area for crowd in crowds)


def _best(masks: Sequence[Mask], others: Sequence[Mask]) -> list[float]:
    """For each mask the highest IoU with any of the others."""
    if not masks or not others:
        return [0.0] * len(masks)
    best: list[float] = np.max(mask_iou_matrix(masks, others), axis=1).tolist()
    return best
