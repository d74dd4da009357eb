"""What a person can do, as pure functions from records to an `Edit`. Tools, window and scripts all go through here.

None of them writes anything: `Project.apply` does. A command that would change nothing returns an edit without changes,
which applies to nothing and leaves no trace in the history. Those that take several instances take them from one image.

None changes the mask or category of a locked instance, takes it away or rejects it, which for a prediction is the same:
they raise MaskwrightError instead. Accepting and hiding it is fine, both leave it as it is.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from engine.errors import MaskwrightError
from engine.geometry.mask import Mask
from engine.project.edit import Action, CategoryChange, Change, Edit, ImageChange, InstanceChange
from engine.records import Category, Detection, Image, Instance, InstanceState, Origin, Review


def paint(instance: Instance, marked: Mask, image_size: tuple[int, int], action: Action = Action.BRUSH) -> Edit:
    """Add marked pixels; `image_size` is (width, height), pixels outside are left out. Accepts a proposal."""
    return replace_mask(instance, instance.mask.union(marked).clip(*image_size), action)


def erase(instance: Instance, marked: Mask, image_size: tuple[int, int], action: Action = Action.ERASER) -> Edit:
    """Take marked pixels away. Accepts a proposal; an instance without any pixel left is deleted."""
    return replace_mask(instance, instance.mask.subtract(marked).clip(*image_size), action)


def replace_mask(instance: Instance, mask: Mask, action: Action = Action.RESHAPE) -> Edit:
    """Give an instance another mask, and accept it. An empty mask deletes it, as `delete` does."""
    if mask.is_empty:
        return edit_of(action, [instance], [deleted(instance)])
    changed = instance if mask == instance.mask else instance.with_mask(mask)
    return edit_of(action, [instance], [replace(changed, state=InstanceState.ACCEPTED)])


def reshape(instance: Instance, mask: Mask, polygons: Sequence[Sequence[float]] | None = None) -> Edit:
    """Give an instance the mask that its outline fills after a change of vertices, and accept it.

    `polygons` are COCO's that repeat the mask, kept in its source record. An empty mask deletes it, as `delete` does.
    """
    if mask.is_empty or polygons is None:
        return replace_mask(instance, mask, Action.VERTEX)
    return edit_of(
        Action.VERTEX, [instance], [replace(instance.with_mask(mask, polygons), state=InstanceState.ACCEPTED)]
    )


def draw(new_id: int, image_id: int, category_id: int, mask: Mask, source: str | None = None) -> Edit:
    """Add an instance that a person drew, accepted; the id is from `Project.new_instance_id`.

    `source` is a COCO annotation as JSON text that repeats what was drawn, such as a polygon's vertices.
    Raises MaskwrightError where the mask has no pixel.
    """
    if mask.is_empty:
        raise MaskwrightError("There is nothing to add: no pixel of the image is marked.")
    drawn = Instance(
        new_id, image_id, category_id, mask, state=InstanceState.ACCEPTED, origin=Origin.DRAWN, source=source
    )
    return Edit(Action.ADD, image_id, (InstanceChange(None, drawn),))


def prompt(
    new_id: int,
    image_id: int,
    category: Category,
    mask: Mask,
    score: float,
    checkpoint_id: str,
    *,
    new_category: bool = False,
    instead: Instance | None = None,
) -> Edit:
    """Add what a model found in a box that a person drew, accepted; the id is from `Project.new_instance_id`.

    It may be `instead` of a proposal, which it gives its place then. The category is added, too, where it is new.
    Raises MaskwrightError where the mask has no pixel.
    """
    if mask.is_empty:
        raise MaskwrightError("The model sees nothing in this box.", remedy="Draw another box, or use another tool.")
    found = Instance(
        new_id if instead is None else instead.id,
        image_id,
        category.id,
        mask,
        state=InstanceState.ACCEPTED,
        origin=Origin.DRAWN if instead is None else instead.origin,
        score=score,
        predicted_by=checkpoint_id,
    )
    added = (CategoryChange(None, category),) if new_category else ()
    return Edit(Action.PROMPT, image_id, (*added, InstanceChange(instead, found)))


def propose(image_id: int, found: Sequence[tuple[int, int, Detection]], checkpoint_id: str) -> Edit:
    """Add what a model found where a person had it look, as proposals: each with its id, which is from
    `Project.new_instance_ids`, and its category's."""
    proposals = [
        Instance(
            number,
            image_id,
            category_id,
            each.mask,
            state=InstanceState.PROPOSAL,
            origin=Origin.PREDICTED,
            score=each.score,
            predicted_by=checkpoint_id,
        )
        for number, category_id, each in found
    ]
    return Edit(Action.PROPAGATE, image_id, tuple(InstanceChange(None, proposal) for proposal in proposals))


def lock(instances: Sequence[Instance]) -> Edit:
    """Protect instances. Nobody protects what they doubt: proposals and ghosts are accepted, so that they stay where
    they are when the image is accepted or predicted again."""
    return edit_of(Action.LOCK, instances, [_locked(instance) for instance in instances])


def unlock(instances: Sequence[Instance]) -> Edit:
    """Let instances be changed again."""
    return edit_of(Action.UNLOCK, instances, [replace(instance, locked=False) for instance in instances])


def delete(instances: Sequence[Instance]) -> Edit:
    """Remove instances. What a model predicted is kept as rejected, so that no model proposes it again."""
    return edit_of(Action.DELETE, instances, [deleted(instance) for instance in instances])


def recategorise(instances: Sequence[Instance], category_id: int, masks: Mapping[int, Mask] | None = None) -> Edit:
    """Give instances another category, and accept them. `masks` by id take the place of theirs where that changes."""
    after = [_recategorised(instance, category_id) for instance in instances]
    for at, (instance, changed) in enumerate(zip(instances, after, strict=True)):
        mask = (masks or {}).get(instance.id)
        if mask is not None and changed is not instance:
            after[at] = changed.with_mask(mask)
    return edit_of(Action.CATEGORY, instances, after)


def hide(instances: Sequence[Instance]) -> Edit:
    """Keep instances from being painted on the canvas; nothing else changes."""
    return edit_of(Action.HIDE, instances, [replace(instance, hidden=True) for instance in instances])


def show(instances: Sequence[Instance]) -> Edit:
    """Paint hidden instances again."""
    return edit_of(Action.SHOW, instances, [replace(instance, hidden=False) for instance in instances])


def accept(instances: Sequence[Instance]) -> Edit:
    """Say that instances are right as they are."""
    return edit_of(Action.ACCEPT, instances, [_in_state(instance, InstanceState.ACCEPTED) for instance in instances])


def accept_as(instances: Sequence[Instance], category_id: int) -> Edit:
    """Say that instances, maybe of several images, are right and all of one category."""
    images = {instance.image_id for instance in instances}
    after = [replace(_recategorised(each, category_id), state=InstanceState.ACCEPTED) for each in instances]
    return Edit(Action.ACCEPT, images.pop() if len(images) == 1 else None, _differing(instances, after))


def reject(instances: Sequence[Instance]) -> Edit:
    """Say that instances are no objects. They are kept, so that no model proposes them again."""
    return edit_of(Action.REJECT, instances, [_in_state(instance, InstanceState.REJECTED) for instance in instances])


def reopen(instances: Sequence[Instance]) -> Edit:
    """Take a decision back: an untouched prediction becomes a proposal again unless it is locked, anything else is
    accepted again."""
    return edit_of(Action.REOPEN, instances, [_reopened(instance) for instance in instances])


def accept_image(image: Image, instances: Iterable[Instance], threshold: float) -> Edit:
    """Declare an image complete: proposals from `threshold` on (inclusive) are accepted, the others become ghosts.

    `instances` are all of the image. A proposal without a score counts as shown.
    """
    proposals = [instance for instance in instances if instance.state is InstanceState.PROPOSAL]
    decided = [
        _in_state(proposal, InstanceState.ACCEPTED if is_shown(proposal, threshold) else InstanceState.GHOST)
        for proposal in proposals
    ]
    return _image_edit(Action.ACCEPT_IMAGE, image, Review.ACCEPTED, proposals, decided)


def verify_empty(image: Image, instances: Iterable[Instance]) -> Edit:
    """Declare that an image holds no object: the proposals left on it are rejected.

    Raises MaskwrightError while an instance is accepted.
    """
    everything = list(instances)
    accepted = sum(instance.state is InstanceState.ACCEPTED for instance in everything)
    if accepted:
        objects = "an accepted instance" if accepted == 1 else f"{accepted} accepted instances"
        raise MaskwrightError(
            f"The image still has {objects}, so it is not empty.", remedy="Delete them first, or accept the image."
        )
    proposals = [instance for instance in everything if instance.state is InstanceState.PROPOSAL]
    rejected = [_in_state(proposal, InstanceState.REJECTED) for proposal in proposals]
    return _image_edit(Action.VERIFY_EMPTY, image, Review.VERIFIED_EMPTY, proposals, rejected)


def skip(image: Image) -> Edit:
    """Put an image aside: neither trained on nor exported. Its instances stay as they are."""
    return _image_edit(Action.SKIP, image, Review.SKIPPED, (), ())


def reopen_image(image: Image, instances: Iterable[Instance] = ()) -> Edit:
    """Take the decision about an image back. Of its `instances`, ghosts become proposals again; others stay."""
    ghosts = [instance for instance in instances if instance.state is InstanceState.GHOST]
    proposals = [_in_state(ghost, InstanceState.PROPOSAL) for ghost in ghosts]
    return _image_edit(Action.REOPEN_IMAGE, image, Review.OPEN, ghosts, proposals)


def add_category(new_id: int, name: str, color: str, source: str | None = None) -> Edit:
    """Add a category; the id is from `Project.new_category_id`, `color` is "#rrggbb"."""
    return Edit(Action.ADD_CATEGORY, None, (CategoryChange(None, Category(new_id, _clean(name), color, source)),))


def rename_category(category: Category, name: str) -> Edit:
    """Give a category another name."""
    return _category_edit(Action.RENAME_CATEGORY, category, replace(category, name=_clean(name)))


def recolor_category(category: Category, color: str) -> Edit:
    """Give a category another color, "#rrggbb"."""
    return _category_edit(Action.RECOLOR_CATEGORY, category, replace(category, color=color))


def remove_category(category: Category) -> Edit:
    """Take a category away. `Project.apply` refuses while instances are of that category."""
    return _category_edit(Action.REMOVE_CATEGORY, category, None)


def is_shown(proposal: Instance, threshold: float) -> bool:
    """Whether a proposal's score reaches the threshold; without a score it always does."""
    return proposal.score is None or proposal.score >= threshold


def deleted(instance: Instance) -> Instance | None:
    """What is left of an instance that is deleted: of a prediction that it is rejected."""
    return _in_state(instance, InstanceState.REJECTED) if instance.origin is Origin.PREDICTED else None


def edit_of(action: Action, before: Sequence[Instance], after: Sequence[Instance | None]) -> Edit:
    """An edit of instances of one image, each to what comes after it, None for nothing. All edits of instances are made
    here or by what this is made of, so this is where locks hold: it raises MaskwrightError as said above."""
    images = {instance.image_id for instance in before}
    if len(images) > 1:
        raise ValueError(f"one edit concerns the instances of one image, not of {len(images)}")
    return Edit(action, next(iter(images), None), _differing(before, after))


def _in_state(instance: Instance, state: InstanceState) -> Instance:
    return replace(instance, state=state)


def _locked(instance: Instance) -> Instance:
    undecided = instance.state in (InstanceState.PROPOSAL, InstanceState.GHOST)
    return replace(instance, locked=True, state=InstanceState.ACCEPTED if undecided else instance.state)


def _recategorised(instance: Instance, category_id: int) -> Instance:
    if instance.category_id == category_id:
        return instance
    return replace(instance, category_id=category_id, state=InstanceState.ACCEPTED, edited=True)


def _reopened(instance: Instance) -> Instance:
    untouched = instance.origin is Origin.PREDICTED and not instance.edited and not instance.locked
    return _in_state(instance, InstanceState.PROPOSAL if untouched else InstanceState.ACCEPTED)


def _clean(name: str) -> str:
    name = name.strip()
    if not name:
        raise MaskwrightError("A category needs a name.")
    return name


def _differing(before: Sequence[Instance], after: Sequence[Instance | None]) -> tuple[Change, ...]:
    refused = sum(old.locked and not _stays(old, new) for old, new in zip(before, after, strict=True))
    if refused:
        of_several = f"{refused:,} of the {len(before):,} instances {'is' if refused == 1 else 'are'}"
        whose = "The instance is" if len(before) == 1 else of_several
        raise MaskwrightError(f"{whose} locked.", remedy="Unlock what you want to change.")
    return tuple(InstanceChange(old, new) for old, new in zip(before, after, strict=True) if old != new)


def _stays(before: Instance, after: Instance | None) -> bool:
    """Whether what a lock protects is still there."""
    if after is None or (after.state is InstanceState.REJECTED and before.state is not InstanceState.REJECTED):
        return False
    return after.category_id == before.category_id and after.mask == before.mask


def _image_edit(
    action: Action, image: Image, review: Review, before: Sequence[Instance], after: Sequence[Instance]
) -> Edit:
    decision = () if image.review is review else (ImageChange(image.id, image.review, review),)
    return Edit(action, image.id, (*_differing(before, after), *decision))


def _category_edit(action: Action, before: Category, after: Category | None) -> Edit:
    return Edit(action, None, () if before == after else (CategoryChange(before, after),))
