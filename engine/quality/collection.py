"""What only the whole collection shows: images without instances, and categories with too few of them."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePath

from engine.quality.checks import Check, Limits
from engine.quality.findings import Finding, Subject
from engine.records import Category, Review


def unlabelled(subject: Subject) -> Iterator[Finding]:
    """An image without accepted instances that nobody verified as empty."""
    name = PurePath(subject.image.path).name
    if subject.accepted or subject.image.review in (Review.VERIFIED_EMPTY, Review.SKIPPED):
        return
    if subject.image.review is Review.ACCEPTED:
        message = f"{name} was accepted without an instance. If it is empty, verify it as empty."
    else:
        message = f"{name} has no accepted instance yet."
    yield subject.finding(Check.UNLABELLED, message)


def imbalance(categories: Sequence[Category], counts: Mapping[int, int], limits: Limits) -> Iterator[Finding]:
    """Categories with too few instances; `counts` are those of accepted ones by category id, fewest come first."""
    largest = max(counts.values(), default=0)
    for category in sorted(categories, key=lambda each: counts.get(each.id, 0)):
        count = counts.get(category.id, 0)
        instances = "1 instance" if count == 1 else f"{count:,} instances"
        if count < limits.fewest_instances:
            message = f"The category {category.name!r} has {instances if count else 'no instance'}."
            yield Finding(Check.IMBALANCE, None, message)
        elif count < limits.smallest_share * largest:
            message = f"The category {category.name!r} has {instances}, the largest has {largest:,}."
            yield Finding(Check.IMBALANCE, None, message)
