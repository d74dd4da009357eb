"""What is wrong with one mask on its own: empty, beyond the image, crumbs, stray parts, gaps."""

from collections.abc import Iterator

import cv2
import numpy as np

from engine.geometry import shaping
from engine.geometry.mask import Mask
from engine.quality.checks import Check
from engine.quality.findings import Finding, Fix, FixKind, Subject, pixels
from engine.words import words


def empty(subject: Subject) -> Iterator[Finding]:
    """Accepted instances without a pixel."""
    for instance in subject.accepted:
        if instance.mask.is_empty:
            fix = Fix(FixKind.DELETE, instance.id)
            message = words("{instance} has no pixels.", instance=subject.named(instance))
            yield subject.finding(Check.EMPTY, message, instance, fix=fix)


def outside(subject: Subject) -> Iterator[Finding]:
    """Masks that reach beyond the image."""
    for instance in subject.accepted:
        area = instance.mask.area
        beyond = area - instance.mask.clip(subject.image.width, subject.image.height).area
        if beyond:
            named = subject.named(instance)
            if beyond == area:
                message = words("All pixels of {instance} lie outside the image.", instance=named)
            else:
                message = words(
                    "{beyond} of {all} pixels of {instance} lie outside the image.",
                    beyond=beyond,
                    all=area,
                    instance=named,
                )
            yield subject.finding(Check.OUTSIDE, message, instance, fix=Fix(FixKind.CLIP, instance.id))


def tiny(subject: Subject) -> Iterator[Finding]:
    """Instances of a few pixels in all."""
    for instance in subject.single:
        area = instance.mask.area
        if area <= subject.limits.tiny_pixels:
            message = words("{instance} has only {pixels}.", instance=subject.named(instance), pixels=pixels(area))
            fix = Fix(FixKind.DELETE, instance.id, safe=False)
            yield subject.finding(Check.TINY, message, instance, fix=fix)


def specks(subject: Subject) -> Iterator[Finding]:
    """Parts of a few pixels beside a main part that is much larger."""
    for instance in subject.single:
        main, *others = shaping.parts(instance.mask)
        for part in others:
            if _is_speck(subject, main, part):
                message = words(
                    "{instance} has a speck of {pixels}.", instance=subject.named(instance), pixels=pixels(part.area)
                )
                fix = Fix(FixKind.TAKE, instance.id, pixels=part)
                yield subject.finding(Check.SPECK, message, instance, at=part, fix=fix)


def far_parts(subject: Subject) -> Iterator[Finding]:
    """Parts whose gap to the main part is larger than they are."""
    for instance in subject.single:
        main, *others = shaping.parts(instance.mask)
        larger = [part for part in others if not _is_speck(subject, main, part)]
        for part, gap in zip(larger, _gaps(instance.mask, main, larger), strict=True):
            if gap > subject.limits.far_gap * max(part.width, part.height):
                message = words(
                    "{instance} has a part of {pixels}, {gap} from the rest.",
                    instance=subject.named(instance),
                    pixels=pixels(part.area),
                    gap=pixels(round(gap)),
                )
                fix = Fix(FixKind.TAKE, instance.id, safe=False, pixels=part)
                yield subject.finding(Check.FAR_PART, message, instance, at=part, fix=fix)


def holes(subject: Subject) -> Iterator[Finding]:
    """Holes too small to be meant. To fill one whose limits only one of the two speaks for is a judgement."""
    limits = subject.limits
    for instance in subject.single:
        found = shaping.holes(instance.mask)
        filled = instance.mask.area + sum(hole.area for hole in found)
        for hole in found:
            few, small = hole.area <= limits.hole_pixels, hole.area < limits.hole_share * filled
            if few or small:
                message = words(
                    "{instance} has a hole of {pixels}.", instance=subject.named(instance), pixels=pixels(hole.area)
                )
                fix = Fix(FixKind.FILL, instance.id, safe=few and small, pixels=hole)
                yield subject.finding(Check.HOLE, message, instance, at=hole, fix=fix)


def _gaps(whole: Mask, main: Mask, others: list[Mask]) -> list[float]:
    """How many pixels lie between the main part of a mask and each of the others."""
    if not others:
        return []
    elsewhere = (~main.crop(*whole.bounds)).view(np.uint8)
    distance = cv2.distanceTransform(elsewhere, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return [float(distance[part.crop(*whole.bounds)].min()) - 1 for part in others]


def _is_speck(subject: Subject, main: Mask, part: Mask) -> bool:
    limits = subject.limits
    return part.area <= limits.speck_pixels and part.area < limits.speck_share * main.area
