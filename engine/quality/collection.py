"""What only the whole collection shows: images without instances, and categories with too few of them."""

from collections.abc import Iterator, Mapping, Sequence

from engine.quality.checks import Check, Limits
from engine.quality.findings import Finding, Subject
from engine.records import Category, Review
from engine.words import counted_words, words


def unlabelled(subject: Subject) -> Iterator[Finding]:
    """An image without accepted instances that nobody verified as empty."""
    if not subject.accepted and subject.image.review in (Review.OPEN, Review.ACCEPTED):
        yield subject.finding(Check.UNLABELLED, words("No accepted instance."))


def imbalance(categories: Sequence[Category], counts: Mapping[int, int], limits: Limits) -> Iterator[Finding]:
    """Categories with too few instances; `counts` are those of accepted ones by category id, fewest come first."""
    largest = max(counts.values(), default=0)
    for category in sorted(categories, key=lambda each: counts.get(each.id, 0)):
        count = counts.get(category.id, 0)
        told = {
            "category": repr(category.name),
            "instances": counted_words("{count} instance", "{count} instances", count),
        }
        if count < limits.fewest_instances:
            if count:
                message = words("The category {category} has {instances}.", **told)
            else:
                message = words("The category {category} has no instance.", **told)
            yield Finding(Check.IMBALANCE, None, message)
        elif count < limits.smallest_share * largest:
            message = words(
                "The category {category} has {instances}, the largest has {largest}.", **told, largest=largest
            )
            yield Finding(Check.IMBALANCE, None, message)
