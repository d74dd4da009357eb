"""What a person does to the shape of the selected masks, as pure functions from records to an `Edit`.

As in `commands`: nothing is written, a command that changes nothing returns an edit without changes, and locks hold.
A changed instance is accepted. Masks of any size take their time: these functions may run in any thread.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import reduce

from engine import keypoints
from engine.errors import MaskwrightError
from engine.geometry import shaping
from engine.geometry.mask import Mask
from engine.project.commands import deleted, edit_of
from engine.project.edit import Action, Edit, InstanceChange
from engine.records import Image, Instance, InstanceState, Origin

Size = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Copy:
    """What is left of an instance on its way to another image; `mask` is in pixels of the image that it comes from."""

    category_id: int
    mask: Mask
    crowd: bool = False


def fill_holes(instances: Sequence[Instance]) -> Edit:
    """Add everything that the masks enclose."""
    return _reshaped(Action.FILL_HOLES, instances, shaping.fill_holes)


def remove_specks(instances: Sequence[Instance], area: int) -> Edit:
    """Take away parts and fill holes of fewer than `area` pixels; the largest part of each instance stays."""
    return _reshaped(Action.REMOVE_SPECKS, instances, lambda mask: shaping.remove_specks(mask, area))


def keep_largest(instances: Sequence[Instance]) -> Edit:
    """Take away all but the largest part of each instance."""
    return _reshaped(Action.KEEP_LARGEST, instances, shaping.keep_largest)


def grow(instances: Sequence[Instance], radius: int, image_size: Size) -> Edit:
    """Move the borders of masks outwards by so many pixels; `image_size` is (width, height)."""
    return _reshaped(Action.GROW, instances, lambda mask: shaping.grow(mask, radius, image_size))


def shrink(instances: Sequence[Instance], radius: int, image_size: Size) -> Edit:
    """Move the borders of masks inwards by so many pixels. Raises MaskwrightError where one would be empty then."""
    return _reshaped(Action.SHRINK, instances, lambda mask: shaping.shrink(mask, radius, image_size))


def smooth(instances: Sequence[Instance], radius: int, image_size: Size) -> Edit:
    """Take bumps and dents smaller than so many pixels from the borders of masks."""
    return _reshaped(Action.SMOOTH, instances, lambda mask: shaping.smooth(mask, radius, image_size))


def nudge(instances: Sequence[Instance], dx: int, dy: int, image_size: Size) -> Edit:
    """Move masks, and keypoints with them, by whole pixels.

    Raises MaskwrightError where a pixel of a mask would leave the image: it would be lost.
    """
    after = [_moved(instance, dx, dy) for instance in instances]
    if any(instance.mask.clip(*image_size) != instance.mask for instance in after):
        raise MaskwrightError("It would leave the image.", remedy="Move it by less, or the other way.")
    return edit_of(Action.NUDGE, instances, after)


def merge(instances: Sequence[Instance]) -> Edit:
    """Give the first instance the pixels of all, and remove the others as `delete` does."""
    first, *others = _at_least_two(instances)
    merged = replace(
        _with_mask(first, shaping.together([each.mask for each in instances])), state=InstanceState.ACCEPTED
    )
    return edit_of(Action.MERGE, instances, [merged, *(deleted(other) for other in others)])


def union(instances: Sequence[Instance]) -> Edit:
    """Add the pixels of the other instances to the first; the others stay as they are."""
    return _combined(Action.UNION, instances, lambda mask, others: shaping.together([mask, *others]))


def subtract(instances: Sequence[Instance]) -> Edit:
    """Take the pixels of the other instances away from the first. Raises MaskwrightError where none would be left."""
    return _combined(Action.SUBTRACT, instances, lambda mask, others: reduce(Mask.subtract, others, mask))


def intersect(instances: Sequence[Instance]) -> Edit:
    """Leave the first instance the pixels that all have. Raises MaskwrightError where there are none."""
    return _combined(Action.INTERSECT, instances, lambda mask, others: reduce(Mask.intersect, others, mask))


def split(pieces: Sequence[tuple[Instance, Sequence[Mask]]], new_ids: Sequence[int]) -> Edit:
    """Give each instance the first of its pieces; the others become new ones of its category, all accepted.

    `pieces` come from `engine.geometry.splitting`; an instance with one piece stays as it is. There is an id for each
    new one, from `Project.new_instance_ids`.
    """
    ids = iter(new_ids)
    divided = [(instance, masks) for instance, masks in pieces if len(masks) > 1]
    before = [instance for instance, _ in divided]
    rest = [
        _drawn(next(ids), instance.image_id, Copy(instance.category_id, mask, instance.crowd))
        for instance, masks in divided
        for mask in masks[1:]
    ]
    edit = edit_of(Action.SPLIT, before, [_with_mask(instance, masks[0]) for instance, masks in divided])
    return replace(edit, changes=(*edit.changes, *(InstanceChange(None, piece) for piece in rest)))


def duplicate(instances: Sequence[Instance], new_ids: Sequence[int]) -> Edit:
    """Add a copy of each instance in its place, accepted; the ids are from `Project.new_instance_ids`."""
    edit = edit_of(Action.DUPLICATE, instances, instances)
    copies = [
        _drawn(new_id, each.image_id, Copy(each.category_id, each.mask, each.crowd))
        for new_id, each in zip(new_ids, instances, strict=True)
    ]
    return replace(edit, changes=tuple(InstanceChange(None, copy) for copy in copies))


def paste(copies: Sequence[Copy], image: Image, new_ids: Sequence[int]) -> Edit:
    """Add copies of instances, accepted and without what lies outside of the image; those that do wholly are left out.

    There is an id for each copy, from `Project.new_instance_ids`. Raises MaskwrightError where none is inside.
    """
    inside = [replace(copy, mask=copy.mask.clip(image.width, image.height)) for copy in copies]
    drawn = [
        _drawn(new_id, image.id, copy) for new_id, copy in zip(new_ids, inside, strict=True) if not copy.mask.is_empty
    ]
    if copies and not drawn:
        raise MaskwrightError(
            f"Nothing of what was copied lies on this image of {image.width:,} x {image.height:,} pixels."
        )
    return Edit(Action.PASTE, image.id, tuple(InstanceChange(None, one) for one in drawn))


def _drawn(new_id: int, image_id: int, copy: Copy) -> Instance:
    return Instance(
        new_id, image_id, copy.category_id, copy.mask, InstanceState.ACCEPTED, Origin.DRAWN, crowd=copy.crowd
    )


def _with_mask(instance: Instance, mask: Mask) -> Instance:
    """With another mask, and accepted; the very same where the mask is."""
    return instance if mask == instance.mask else replace(instance.with_mask(mask), state=InstanceState.ACCEPTED)


def _moved(instance: Instance, dx: int, dy: int) -> Instance:
    changed = _with_mask(instance, instance.mask.moved(dx, dy))
    return replace(changed, source=keypoints.moved(changed.source, dx, dy))


def _reshaped(action: Action, instances: Sequence[Instance], shape: Callable[[Mask], Mask]) -> Edit:
    after = [_with_mask(instance, shape(instance.mask)) for instance in instances]
    gone = sum(new.mask.is_empty and not old.mask.is_empty for old, new in zip(instances, after, strict=True))
    if gone:
        whose = "the instance" if len(instances) == 1 else f"{gone:,} of the {len(instances):,} instances"
        raise MaskwrightError(f"Nothing of {whose} would be left.", remedy="Choose a smaller amount, or delete it.")
    return edit_of(action, instances, after)


def _combined(action: Action, instances: Sequence[Instance], combine: Callable[[Mask, Sequence[Mask]], Mask]) -> Edit:
    first, *others = _at_least_two(instances)
    mask = combine(first.mask, [other.mask for other in others])
    if mask.is_empty:
        raise MaskwrightError("No pixel of the first instance would be left.", remedy="Delete it if that is meant.")
    return edit_of(action, instances, [_with_mask(first, mask), *others])


def _at_least_two(instances: Sequence[Instance]) -> Sequence[Instance]:
    if len(instances) < 2:
        raise MaskwrightError(
            "This takes several instances.", remedy="Select the one to change first, then with Shift the others."
        )
    return instances
