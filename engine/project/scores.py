"""What a model made of each image: how much a person could teach it there, and what the image looks like to it."""

from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, bindparam, or_, select, update
from sqlalchemy.dialects.sqlite import insert

from engine.project.schema import image_scores, images
from engine.records import Review

ImageVector = NDArray[np.float16]

_STORED = np.dtype("<f2")
_AT_ONCE = 1000  # rows that are objects at the same time


class Part(NamedTuple):
    """One part of a score: how much in all, summed over the objects, and in how many places it is worth a word."""

    amount: float
    places: int


NOTHING = Part(0.0, 0)
PARTS = ("doubt", "instability", "mirror", "differences")


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


@dataclass(frozen=True, slots=True, eq=False)
class ScoreTable:
    """Scores of n images, column by column: a hundred thousand of them are kept without an object for each.

    Attributes:
        ids: (n,) int64 image ids.
        contents: n texts, and of what they tell see ImageScore, as of what follows.
        vectors: (n, d) float16.
        amounts: (n, 4) float64 of doubt, instability, mirror and differences; 0 where there is no such part.
        places: (n, 4) float64 whole numbers, of the same.
    """

    ids: NDArray[np.int64]
    contents: Sequence[str]
    vectors: NDArray[np.float16]
    amounts: NDArray[np.float64]
    places: NDArray[np.float64]

    @classmethod
    def of(cls, scores: Mapping[int, ImageScore]) -> Self:
        """The table of scores by image id, all of one checkpoint."""
        given = list(scores.values())
        parts = [[getattr(score, name) or NOTHING for name in PARTS] for score in given]
        return cls(
            np.fromiter(scores, np.int64, len(scores)),
            [score.content for score in given],
            np.stack([score.vector for score in given]) if given else np.zeros((0, 0), np.float16),
            np.array([[part.amount for part in each] for each in parts], np.float64).reshape(-1, len(PARTS)),
            np.array([[part.places for part in each] for each in parts], np.float64).reshape(-1, len(PARTS)),
        )

    def __len__(self) -> int:
        return len(self.ids)


class Scores(NamedTuple):
    """What one checkpoint made of a project's images: the scores of those that nobody decided about yet, and the (m, d)
    float16 vectors of those that were accepted."""

    open: ScoreTable
    accepted: NDArray[np.float16]


_DONE = (Review.ACCEPTED.value, Review.VERIFIED_EMPTY.value)
_AMOUNTS = tuple(image_scores.c[part] for part in PARTS)
_PLACES = tuple(image_scores.c[f"{part}_places"] for part in PARTS)
_READ = (
    select(images.c.id, images.c.review, images.c.content_hash, image_scores.c.vector, *_AMOUNTS, *_PLACES)
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
    """Everything that is known of a checkpoint, in one query. A list of all rows would set the garbage collector to
    work, which halts the window, too."""
    ids, contents, vectors, figures, accepted = array("q"), [], bytearray(), array("d"), bytearray()
    size = 0
    found = connection.execute(_READ, {"checkpoint": checkpoint_id})
    for number, review, content, vector, *parts in chain.from_iterable(found.partitions(_AT_ONCE)):
        size = len(vector)
        if review in _DONE:
            accepted += vector
        elif parts[0] is not None:
            ids.append(number)
            contents.append(content)
            vectors += vector
            figures.extend(part or 0.0 for part in parts)
    length = size // _STORED.itemsize
    columns = np.frombuffer(figures, np.float64).reshape(len(ids), 2, len(PARTS))
    return Scores(
        ScoreTable(
            np.frombuffer(ids, np.int64),
            contents,
            np.frombuffer(vectors, _STORED).reshape(len(ids), length),
            columns[:, 0],
            columns[:, 1],
        ),
        np.frombuffer(accepted, _STORED).reshape(-1, length) if length else np.zeros((0, 0), np.float16),
    )


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
    for name in PARTS:
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
