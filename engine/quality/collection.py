"""What only the whole collection shows: images without instances, and categories with too few of them."""

from collections.abc import Iterator, Mapping, Sequence

from engine.quality.checks import Check, Limits
from engine.quality.findings import Finding, Subject
from engine.records import Category, Review


def unlabelled(subject: Subject) -> Iterator[Finding]:
    """An image without accepted instances that nobody verified as empty."""
    if not subject.accepted and subject.image.review in (Review.OPEN, Review.ACCEPTED):
        yield subject.finding(Check.UNLABELLED, "No accepted instance.")


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
