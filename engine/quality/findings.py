"""A finding, the fix that it proposes, and the image that it is about, all as plain values."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from engine.geometry.mask import Mask
from engine.quality.checks import ABOUT, USUAL_LIMITS, Check, Limits, Severity
from engine.quality.pairs import Overlap, overlaps
from engine.records import Detection, Image, Instance, InstanceState, Origin
from engine.words import Words, counted_words, words

Bounds = tuple[int, int, int, int]

_NO_PIXELS = Mask.empty()


class FixKind(StrEnum):
    """What a fix does to one instance."""

    DELETE = "delete"
    TAKE = "take"  # take pixels away
    FILL = "fill"  # add pixels
    CLIP = "clip"  # to the image
    FORGET = "forget"  # the source record's words about the mask
    ACCEPT = "accept"


@dataclass(frozen=True, slots=True)
class Fix:
    """What would mend a finding: one step on one instance, which touches no pixels but `pixels`.

    `safe` says that nobody has to look at it first; anything else is a judgement.
    """

    kind: FixKind
    instance_id: int
    safe: bool = True
    pixels: Mask = _NO_PIXELS


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a check found. `message` says what, `ABOUT[check]` why it matters and what the fix does.

    `image_id` is None for what concerns the whole dataset. `bounds` are x1 y1 x2 y2 in image pixels, None where there
    is nothing to look at. Of one check's findings those with a higher `score`, in [0, 1], deserve a look first.
    Findings are equal where they say the same of the same instances, in whatever words.
    """

    check: Check
    image_id: int | None
    message: Words = field(compare=False)
    instance_ids: tuple[int, ...] = ()
    bounds: Bounds | None = None
    fix: Fix | None = None
    score: float = field(default=1.0, compare=False)

    @property
    def severity(self) -> Severity:
        """How much it matters."""
        return ABOUT[self.check].severity


@dataclass(frozen=True)
class Subject:
    """One image with everything that its checks look at.

    `names` are those of the categories by id; `detections` are what a model found at any score, None to take the
    project's word: what it stored of its last prediction.
    """

    image: Image
    instances: Sequence[Instance]
    names: Mapping[int, str]
    limits: Limits = USUAL_LIMITS
    detections: Sequence[Detection] | None = None

    @cached_property
    def accepted(self) -> list[Instance]:
        """What is judged: accepted instances, crowds included."""
        return [instance for instance in self.instances if instance.state is InstanceState.ACCEPTED]

    @cached_property
    def single(self) -> list[Instance]:
        """The accepted instances with pixels but for crowds; what a person worked on first, then older ones."""
        found = [each for each in self.accepted if not each.crowd and not each.mask.is_empty]
        return sorted(found, key=lambda each: (not (each.edited or each.origin is Origin.DRAWN), each.id))

    @cached_property
    def overlaps(self) -> list[Overlap]:
        """The pairs of `single`, by index, that share pixels."""
        return overlaps([instance.mask for instance in self.single])

    def named(self, instance: Instance) -> Words:
        """An instance in words, by category and id."""
        category = self.names.get(instance.category_id)
        number = str(instance.id)
        if category is None:
            return words("instance #{number}", number=number)
        return words("{category} #{number}", category=category, number=number)

    def finding(
        self, check: Check, message: Words, *instances: Instance, at: Mask | None = None, fix: Fix | None = None
    ) -> Finding:
        """A finding about instances of this image, to be seen at a mask, by default at all of theirs.

        What is wrong with a locked instance is told but not mended.
        """
        if fix is not None and any(each.locked and each.id == fix.instance_id for each in instances):
            fix = None
        masks = [at] if at is not None else [instance.mask for instance in instances]
        return Finding(check, self.image.id, message, tuple(each.id for each in instances), bounds_around(masks), fix)


def bounds_around(masks: Iterable[Mask]) -> Bounds | None:
    """The smallest box around masks; None where none of them has a pixel."""
    boxes = [mask.bounds for mask in masks if not mask.is_empty]
    if not boxes:
        return None
    x1, y1, x2, y2 = zip(*boxes, strict=True)
    return min(x1), min(y1), max(x2), max(y2)


def pixels(count: int) -> Words:
    """A number of pixels in words."""
    return counted_words("{count} pixel", "{count} pixels", count)
