"""Instances that share pixels with another: duplicates, near-duplicates, two categories for one object, overlaps.

One pass over the instances, what a person worked on and older ones first, decides which of them stay: an instance that
duplicates one that stays does not stay itself. So every fix deletes against one that no other fix deletes.
"""

from collections.abc import Iterator

from engine.quality.checks import Check
from engine.quality.findings import Finding, Fix, FixKind, Subject
from engine.quality.pairs import Overlap
from engine.words import words

# A cut that leaves less than this share of an instance is no correction any more.
_LEAST_LEFT = 0.5


def duplicates(subject: Subject) -> Iterator[Finding]:
    """Pairs of one category with the same pixels but for a few."""
    for pair in _repeated(subject, subject.limits.duplicate_iou, set()):
        yield _double(subject, Check.DUPLICATE, pair, safe=True)


def near_duplicates(subject: Subject) -> Iterator[Finding]:
    """Pairs of one category with nearly the same pixels, duplicates left aside."""
    for pair in _near(subject):
        yield _double(subject, Check.NEAR_DUPLICATE, pair, safe=False)


def two_categories(subject: Subject) -> Iterator[Finding]:
    """Pairs of two categories with nearly the same pixels. Which is right only a person knows."""
    for pair in subject.overlaps:
        first, second = subject.single[pair.first], subject.single[pair.second]
        if first.category_id != second.category_id and pair.iou >= subject.limits.near_duplicate_iou:
            message = words(
                "{first} and {second} are the same pixels (IoU {iou}).",
                first=subject.named(first),
                second=subject.named(second),
                iou=float(pair.iou),
            )
            yield subject.finding(Check.TWO_CATEGORIES, message, first, second)


def shared_pixels(subject: Subject) -> Iterator[Finding]:
    """Pairs of one category that share much of the smaller, duplicates and near-duplicates left aside."""
    limits = subject.limits
    doubled = {pair.second for pair in _repeated(subject, limits.duplicate_iou, set())}
    doubled |= {pair.second for pair in _near(subject)}
    left = [instance.mask.area for instance in subject.single]
    for pair in subject.overlaps:
        first, second = subject.single[pair.first], subject.single[pair.second]
        if first.category_id != second.category_id or doubled & {pair.first, pair.second}:
            continue
        if pair.of_smaller > limits.overlap_share:
            shared = first.mask.intersect(second.mask)
            message = words(
                "{instance} overlaps #{other} by {percent}% of the smaller.",
                instance=subject.named(second),
                other=str(first.id),
                percent=round(100 * pair.of_smaller),
            )
            # Where most of it would go, the one may lie on the other, or hold several: nothing to decide by a rule.
            clear = left[pair.second] - pair.shared >= _LEAST_LEFT * second.mask.area
            left[pair.second] -= pair.shared if clear else 0
            fix = Fix(FixKind.TAKE, second.id, safe=False, pixels=shared) if clear else None
            yield subject.finding(Check.OVERLAP, message, second, first, at=shared, fix=fix)


def _near(subject: Subject) -> list[Overlap]:
    limits = subject.limits
    gone = {pair.second for pair in _repeated(subject, limits.duplicate_iou, set())}
    return _repeated(subject, limits.near_duplicate_iou, gone)


def _repeated(subject: Subject, iou: float, gone: set[int]) -> list[Overlap]:
    """The pairs of one category from that IoU on whose first stays; none of `gone` is looked at."""
    single, repeated = subject.single, set(gone)
    found = []
    for pair in subject.overlaps:
        same = single[pair.first].category_id == single[pair.second].category_id
        if same and pair.iou >= iou and not repeated & {pair.first, pair.second}:
            repeated.add(pair.second)
            found.append(pair)
    return found


def _double(subject: Subject, check: Check, pair: Overlap, *, safe: bool) -> Finding:
    kept, double = subject.single[pair.first], subject.single[pair.second]
    message = words(
        "{instance} repeats #{other} (IoU {iou}).",
        instance=subject.named(double),
        other=str(kept.id),
        iou=float(pair.iou),
    )
    return subject.finding(check, message, double, kept, fix=Fix(FixKind.DELETE, double.id, safe=safe))
