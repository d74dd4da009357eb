"""An edit: what a person did, as plain data with the state before and after."""

from dataclasses import dataclass
from enum import StrEnum

from engine.records import Category, Instance, Review


class Action(StrEnum):
    """What kind of thing a person did; the journal's and the effort figures' vocabulary."""

    BRUSH = "brush"
    ERASER = "eraser"
    POLYGON = "polygon"
    LASSO = "lasso"
    WAND = "wand"
    GRAB_CUT = "grab-cut"
    PROMPT = "prompt"
    PROPAGATE = "propagate"
    VERTEX = "vertex"
    RESHAPE = "reshape"
    FILL_HOLES = "fill-holes"
    REMOVE_SPECKS = "remove-specks"
    KEEP_LARGEST = "keep-largest"
    GROW = "grow"
    SHRINK = "shrink"
    SMOOTH = "smooth"
    SPLIT = "split"
    MERGE = "merge"
    UNION = "union"
    SUBTRACT = "subtract"
    INTERSECT = "intersect"
    NUDGE = "nudge"
    DUPLICATE = "duplicate"
    PASTE = "paste"
    LOCK = "lock"
    UNLOCK = "unlock"
    ADD = "add"
    DELETE = "delete"
    CATEGORY = "category"
    HIDE = "hide"
    SHOW = "show"
    ACCEPT = "accept"
    REJECT = "reject"
    REOPEN = "reopen"
    ACCEPT_IMAGE = "accept-image"
    VERIFY_EMPTY = "verify-empty"
    SKIP = "skip"
    REOPEN_IMAGE = "reopen-image"
    ADD_CATEGORY = "add-category"
    RENAME_CATEGORY = "rename-category"
    RECOLOR_CATEGORY = "recolor-category"
    REMOVE_CATEGORY = "remove-category"
    IMPORT = "import"
    FIX = "fix"


@dataclass(frozen=True, slots=True)
class InstanceChange:
    """One instance before and after; None before where it is created, None after where it is removed."""

    before: Instance | None
    after: Instance | None


@dataclass(frozen=True, slots=True)
class ImageChange:
    """What a person decided about an image, before and after."""

    image_id: int
    before: Review
    after: Review


@dataclass(frozen=True, slots=True)
class CategoryChange:
    """One category before and after; None before where it is created, None after where it is removed."""

    before: Category | None
    after: Category | None


Change = InstanceChange | ImageChange | CategoryChange


@dataclass(frozen=True, slots=True)
class Edit:
    """Everything that one action of a person changes. `image_id` says where to look; None for categories."""

    action: Action
    image_id: int | None
    changes: tuple[Change, ...]

    def inverse(self) -> "Edit":
        """The edit that takes this one back."""
        return Edit(self.action, self.image_id, tuple(_reversed(change) for change in reversed(self.changes)))

    @property
    def spans_images(self) -> bool:
        """Whether it concerns instances or images, but not of one image only."""
        return self.image_id is None and any(not isinstance(change, CategoryChange) for change in self.changes)

    def dirty_bounds(self) -> tuple[int, int, int, int] | None:
        """x1 y1 x2 y2 in image pixels around every mask before and after; None where no pixel is concerned."""
        masks = {
            id(instance.mask): instance.mask
            for change in self.changes
            if isinstance(change, InstanceChange)
            for instance in (change.before, change.after)
            if instance is not None
        }
        boxes = [mask.bounds for mask in masks.values() if not mask.is_empty]
        if not boxes:
            return None
        x1, y1, x2, y2 = zip(*boxes, strict=True)
        return min(x1), min(y1), max(x2), max(y2)


def _reversed(change: Change) -> Change:
    match change:
        case InstanceChange(before, after):
            return InstanceChange(after, before)
        case ImageChange(image_id, before_review, after_review):
            return ImageChange(image_id, after_review, before_review)
        case CategoryChange(before_category, after_category):
            return CategoryChange(after_category, before_category)
