"""What is looked for in annotations: every check with its words, how grave it is, and the limits that it goes by."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How much a finding matters, gravest first."""

    ERROR = "error"  # a trainer is misled by it, or refuses the dataset
    WARNING = "warning"  # most likely a mistake
    HINT = "hint"  # worth a look

    def reaches(self, other: "Severity") -> bool:
        """Whether this one is as grave as the other, or graver."""
        order = list(Severity)
        return order.index(self) <= order.index(other)


class Check(StrEnum):
    """One thing that is looked for; the values are what the command line and its JSON call it."""

    EMPTY = "empty"
    OUTSIDE = "outside"
    DUPLICATE = "duplicate"
    NEAR_DUPLICATE = "near-duplicate"
    TWO_CATEGORIES = "two-categories"
    OVERLAP = "overlap"
    SPECK = "speck"
    FAR_PART = "far-part"
    HOLE = "hole"
    TINY = "tiny"
    BOX_AREA = "box-area"
    UNLABELLED = "unlabelled"
    IMBALANCE = "imbalance"
    MISSING_FILE = "missing-file"
    CHANGED_FILE = "changed-file"
    SIMILAR_IMAGES = "similar-images"
    MISSED = "missed"
    EXTRA = "extra"
    LOW_IOU = "low-iou"
    OTHER_CATEGORY = "other-category"


@dataclass(frozen=True, slots=True)
class About:
    """A check in words: its title, why a finding matters, and what its fix does ("" where it has none)."""

    title: str
    severity: Severity
    why: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Limits:
    """From where on something counts as a finding. Areas are in pixels, shares and IoU in [0, 1]."""

    # Stray clicks and the crumbs of an eraser; a larger part may be meant.
    speck_pixels: int = 16
    # Of the main part: in a small object even a few pixels may be meant.
    speck_share: float = 0.01
    # Of the larger side of the part: what an occluder cuts off lies nearer than it is large.
    far_gap: float = 1.0
    # A brush leaves gaps of this size between strokes; at 4 x 4 pixels a hole begins to be visible as one.
    hole_pixels: int = 16
    # Of the filled outline: rings and cells with vacuoles have larger holes that are meant.
    hole_share: float = 0.02
    # 2 x 2 pixels: no trainer matches an anchor to less, and a slip of the mouse draws it.
    tiny_pixels: int = 4
    # Two people, or a person and a model, never agree to this degree by chance.
    duplicate_iou: float = 0.95
    # Non-maximum suppression and the project itself call 0.5 the same object; neighbours in a crowd never reach 0.8.
    near_duplicate_iou: float = 0.8
    # Of the smaller instance: outlines of touching objects share a few border pixels, well below a third.
    overlap_share: float = 0.3
    # A box may be off by the rounding of its polygon at either side.
    box_pixels: float = 2.0
    # Of the box's side and of the area: tools that measure a smoothed polygon differ by a few hundredths.
    source_share: float = 0.1
    # Fewer examples than this, and chance decides what a fine-tuned model makes of the category.
    fewest_instances: int = 10
    # Of the largest category: the loss is drowned by a hundred others to each of these.
    smallest_share: float = 0.01
    # Of 64 bits: recompressed and resized copies differ by up to 4, unrelated pictures by about 32.
    similar_bits: int = 4
    # A detection of a model that is used at its usual threshold.
    confident_score: float = 0.5
    # Below this IoU a detection and an instance are about different things.
    unmatched_iou: float = 0.1
    # Below this IoU one of the two has the outline wrong; 0.6 to 0.8 is what people differ by on small objects.
    low_iou: float = 0.6


USUAL_LIMITS = Limits()

ABOUT = {
    Check.EMPTY: About(
        "Empty masks",
        Severity.ERROR,
        "A trainer cannot build a box from an instance without pixels, and fails or learns nothing from it.",
        "Deletes the instance.",
    ),
    Check.OUTSIDE: About(
        "Outside the image",
        Severity.ERROR,
        "Pixels, outlines or boxes beyond the border teach a model to predict outside the image, or stop a trainer.",
        "Cuts the mask at the image's border; box and outline are then derived from the mask again.",
    ),
    Check.DUPLICATE: About(
        "Duplicates",
        Severity.ERROR,
        "The same object counted twice inflates counts, and a model learns to detect it twice.",
        "Deletes the duplicate; the one that a person worked on, else the older one, stays.",
    ),
    Check.NEAR_DUPLICATE: About(
        "Near-duplicates",
        Severity.WARNING,
        "Two instances of one category with nearly the same pixels are most likely one object drawn twice.",
        "Deletes the one that no person worked on, else the newer one.",
    ),
    Check.TWO_CATEGORIES: About(
        "One object in two categories",
        Severity.WARNING,
        "Nearly the same pixels in two categories contradict each other, unless your categories are meant to nest.",
    ),
    Check.OVERLAP: About(
        "Overlaps within a category",
        Severity.WARNING,
        "Where instances of one category share pixels, one of them usually reaches into its neighbour.",
        "Takes the shared pixels from the instance that no person worked on, else from the newer one.",
    ),
    Check.SPECK: About(
        "Specks",
        Severity.WARNING,
        "A few stray pixels stretch the instance's box, from which a model learns where the object is.",
        "Removes the speck; the rest of the mask stays.",
    ),
    Check.FAR_PART: About(
        "Stray far parts",
        Severity.WARNING,
        "A part far from the rest is often another object, or a slip of the brush.",
        "Removes the far part; the rest of the mask stays.",
    ),
    Check.HOLE: About(
        "Unintended holes",
        Severity.HINT,
        "Small holes are gaps between brush strokes more often than they are meant.",
        "Fills the hole; larger ones stay.",
    ),
    Check.TINY: About(
        "Tiny instances",
        Severity.HINT,
        "An instance of a few pixels is a slip of the mouse more often than an object.",
        "Deletes the instance.",
    ),
    Check.BOX_AREA: About(
        "Box or area mismatch",
        Severity.ERROR,
        "The imported box or area contradicts the mask. Trainers that read them learn something else than you see.",
        "Drops the imported box, area and outline, so that export derives them from the mask.",
    ),
    Check.UNLABELLED: About(
        "Unlabelled images",
        Severity.HINT,
        "An image without instances that nobody verified as empty may have been forgotten.",
    ),
    Check.IMBALANCE: About(
        "Category imbalance",
        Severity.HINT,
        "A model learns little from a handful of examples, or from a category that others outnumber a hundredfold.",
    ),
    Check.MISSING_FILE: About(
        "Missing images",
        Severity.ERROR,
        "Without its file an image can be neither shown nor trained on.",
    ),
    Check.CHANGED_FILE: About(
        "Changed images",
        Severity.ERROR,
        "The file is not the one that was annotated, so that masks may no longer fit.",
    ),
    Check.SIMILAR_IMAGES: About(
        "Near-duplicate images",
        Severity.WARNING,
        "Copies waste work, and one in training beside one in the hold-out makes a model look better than it is.",
    ),
    Check.MISSED: About(
        "Perhaps missed",
        Severity.HINT,
        "The model is confident of an object where nothing is annotated.",
        "Accepts what the model proposed.",
    ),
    Check.EXTRA: About(
        "Perhaps too much",
        Severity.HINT,
        "An instance where the model sees nothing at all is a mistake, or something that the model has yet to learn.",
    ),
    Check.LOW_IOU: About(
        "Different outlines",
        Severity.HINT,
        "The model's outline and yours differ much: one of the two is wrong.",
    ),
    Check.OTHER_CATEGORY: About(
        "Perhaps another category",
        Severity.HINT,
        "The model is confident of the object, but of another category: a slip, or categories that are hard to tell.",
    ),
}

FILE_CHECKS = frozenset({Check.MISSING_FILE, Check.CHANGED_FILE, Check.SIMILAR_IMAGES})
"""Those that open image files, which takes long on a large project."""

MODEL_CHECKS = frozenset({Check.MISSED, Check.EXTRA, Check.LOW_IOU, Check.OTHER_CATEGORY})
"""Those that compare with what a model found."""


def gravest_first(checks: Iterable[Check]) -> list[Check]:
    """Checks in the order in which they deserve attention."""
    order = list(Severity)
    return sorted(checks, key=lambda check: (order.index(ABOUT[check].severity), list(Check).index(check)))
