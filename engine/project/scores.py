"""What a model made of each image: how much a person could teach it there, and what the image looks like to it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, bindparam, or_, select, update
from sqlalchemy.dialects.sqlite import insert

from engine.project.schema import image_scores, images
from engine.records import Review

ImageVector = NDArray[np.float16]

_STORED = np.dtype("<f2")


class Part(NamedTuple):
    """One part of a score: how much in all, summed over the objects, and in how many places it is worth a word."""

    amount: float
    places: int


NOTHING = Part(0.0, 0)


@dataclass(frozen=True, slots=True, eq=False)
class ImageScore:
    """What one checkpoint makes of one image.

    Attributes:
        content: tells images apart by what they show, whichever model looks at them.
        vector: (d,) float16, what the image looks like to the model; only those of one checkpoint compare.
        doubt: proposals whose score is close to the threshold.
        instability: outlines that move with the cut through the mask's probabilities.
        mirror: what the model sees otherwise in the mirror image.
        differences: between the model and the annotations that are there already; None where there are none.
    """

    content: str
    vector: ImageVector
    doubt: Part = NOTHING
    instability: Part = NOTHING
    mirror: Part = NOTHING
    differences: Part | None = None


class Scores(NamedTuple):
    """What one checkpoint made of a project's images, by image id: scores of those that nobody decided about yet, and
    vectors of those that were accepted."""

    open: dict[int, ImageScore]
    accepted: dict[int, ImageVector]


_DONE = (Review.ACCEPTED.value, Review.VERIFIED_EMPTY.value)
_PARTS = ("doubt", "instability", "mirror", "differences")
_PART_COLUMNS = tuple(image_scores.c[name] for part in _PARTS for name in (part, f"{part}_places"))
_READ = (
    select(images.c.id, images.c.review, images.c.content_hash, image_scores.c.vector, *_PART_COLUMNS)
    .join_from(image_scores, images, image_scores.c.image_id == images.c.id)
    .where(image_scores.c.checkpoint_id == bindparam("checkpoint"), images.c.review != Review.SKIPPED.value)
    .order_by(images.c.id)
)
_UNSCORED = (
    select(images.c.id)
    .join_from(
        images,
        image_scores,
        (image_scores.c.image_id == images.c.id) & (image_scores.c.checkpoint_id == bindparam("checkpoint")),
        isouter=True,
    )
    .where(
        or_(
            (images.c.review == Review.OPEN.value) & (image_scores.c.outdated.is_(None) | image_scores.c.outdated),
            images.c.review.in_(_DONE) & image_scores.c.outdated.is_(None),
        )
    )
    .order_by(images.c.id)
)
_UNSCORED_ONE = _UNSCORED.where(images.c.id == bindparam("number"))
_OUTDATE = update(image_scores).where(image_scores.c.image_id == bindparam("key")).values(outdated=True)


def read(connection: Connection, checkpoint_id: str) -> Scores:
    """Everything that is known of a checkpoint, in one query: a hundred thousand rows are read at once."""
    found = Scores({}, {})
    for number, review, content, vector, *parts in connection.execute(_READ, {"checkpoint": checkpoint_id}).all():
        seen = np.frombuffer(vector, _STORED)
        if review in _DONE:
            found.accepted[number] = seen
        elif parts[0] is not None:
            doubt, instability, mirror = (Part(*parts[at : at + 2]) for at in (0, 2, 4))
            differences = None if parts[6] is None else Part(*parts[6:8])
            found.open[number] = ImageScore(content, seen, doubt, instability, mirror, differences)
    return found


def unscored(connection: Connection, checkpoint_id: str) -> list[int]:
    """The ids of the images that a checkpoint has to look at, those that it scored before an edit included."""
    return list(connection.execute(_UNSCORED, {"checkpoint": checkpoint_id}).scalars())


def is_scored(connection: Connection, image_id: int, checkpoint_id: str) -> bool:
    """Whether a checkpoint need not look at an image."""
    return connection.execute(_UNSCORED_ONE, {"checkpoint": checkpoint_id, "number": image_id}).first() is None


def save(
    connection: Connection, image_id: int, checkpoint_id: str, vector: ImageVector, score: ImageScore | None
) -> None:
    """Write what a checkpoint made of an image; without a score only what the image looks like to it is known."""
    row: dict[str, Any] = {
        "image_id": image_id,
        "checkpoint_id": checkpoint_id,
        "outdated": score is None,
        "vector": vector.astype(_STORED).tobytes(),
    }
    for name in _PARTS:
        part: Part | None = None if score is None else getattr(score, name)
        row[name] = None if part is None else float(part.amount)
        row[f"{name}_places"] = None if part is None else int(part.places)
    statement = insert(image_scores).values(row)
    connection.execute(statement.on_conflict_do_update(index_elements=["image_id"], set_=row))


def outdate_all(connection: Connection, checkpoint_id: str) -> None:
    """Note that what a checkpoint finds is called otherwise now."""
    own = update(image_scores).where(image_scores.c.checkpoint_id == checkpoint_id)
    connection.execute(own.values(outdated=True))


def outdate(connection: Connection, image_ids: Iterable[int]) -> None:
    """Note that the annotations of images are not those any more that their scores know of."""
    parameters = [{"key": image_id} for image_id in image_ids]
    if parameters:
        connection.execute(_OUTDATE, parameters)
