"""Every check over a project or a dataset, image by image, so that memory does not grow with it."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from engine.quality import collection, disagreement, doubles, files, shapes, sources
from engine.quality.checks import FILE_CHECKS, MODEL_CHECKS, USUAL_LIMITS, Check, Limits
from engine.quality.findings import Finding, Subject
from engine.records import Category, Detection, Image, Instance, Review

Rule = Callable[[Subject], Iterator[Finding]]
Detect = Callable[[Path, int], Sequence[Detection] | None]
Progress = Callable[[int, int], None]

RULES: dict[Check, tuple[Rule, ...]] = {
    Check.EMPTY: (shapes.empty,),
    Check.OUTSIDE: (shapes.outside, sources.outside_records),
    Check.DUPLICATE: (doubles.duplicates,),
    Check.NEAR_DUPLICATE: (doubles.near_duplicates,),
    Check.TWO_CATEGORIES: (doubles.two_categories,),
    Check.OVERLAP: (doubles.shared_pixels,),
    Check.SPECK: (shapes.specks,),
    Check.FAR_PART: (shapes.far_parts,),
    Check.HOLE: (shapes.holes,),
    Check.TINY: (shapes.tiny,),
    Check.BOX_AREA: (sources.box_area,),
    Check.UNLABELLED: (collection.unlabelled,),
    Check.MISSED: (disagreement.missed,),
    Check.EXTRA: (disagreement.extra,),
    Check.LOW_IOU: (disagreement.low_iou,),
    Check.OTHER_CATEGORY: (disagreement.other_category,),
}
"""The checks that need one image with its instances and nothing else."""

_FILE_RULES = {Check.MISSING_FILE: files.missing_file, Check.CHANGED_FILE: files.changed_file}


class Annotations(Protocol):
    """What is checked; a `Project` is one."""

    def images(self) -> list[Image]: ...

    def categories(self) -> list[Category]: ...

    def instances(self, image_id: int) -> list[Instance]: ...

    def image_path(self, image: Image) -> Path: ...


@dataclass(frozen=True, slots=True)
class Examined:
    """What was found on one image, or (`image_id` None) by what only the whole collection shows.

    `instances` is how many accepted instances were judged.
    """

    image_id: int | None
    findings: list[Finding]
    instances: int = 0


def examine_image(subject: Subject, checks: Collection[Check]) -> list[Finding]:
    """The findings of those checks that need one image only, in the order of the checks."""
    return [finding for check, rules in RULES.items() if check in checks for rule in rules for finding in rule(subject)]


def examine(
    annotations: Annotations,
    checks: Collection[Check],
    limits: Limits = USUAL_LIMITS,
    detect: Detect | None = None,
    progress: Progress | None = None,
) -> Iterator[Examined]:
    """Check image after image, and the collection at the end; `progress(done, total)` is called after each image.

    Skipped images are left out. `detect(path, page)` says what a model finds on an image file at any score, and is
    asked where a check needs it; without it, and where it answers None, what the project stored counts. Stop iterating
    to give up.
    """
    categories = annotations.categories()
    names = {category.id: category.name for category in categories}
    images = [image for image in annotations.images() if image.review is not Review.SKIPPED]
    asked = detect if MODEL_CHECKS & set(checks) else None
    counts: Counter[int] = Counter()
    similarities = files.Similarities(limits)
    for done, image in enumerate(images, start=1):
        found = None
        if asked is not None and disagreement.is_judged(image):
            found = asked(annotations.image_path(image), image.page)
        subject = Subject(image, annotations.instances(image.id), names, limits, found)
        counts.update(instance.category_id for instance in subject.single)
        findings = examine_image(subject, checks)
        if FILE_CHECKS & set(checks):
            path = annotations.image_path(image)
            findings += [each for check, rule in _FILE_RULES.items() if check in checks for each in rule(image, path)]
            if Check.SIMILAR_IMAGES in checks:
                findings += similarities.add(image, path)
        yield Examined(image.id, findings, len(subject.accepted))
        if progress is not None:
            progress(done, len(images))
    for block in similarities.findings():
        yield Examined(None, block)
    if Check.IMBALANCE in checks:
        yield Examined(None, list(collection.imbalance(categories, counts, limits)))
