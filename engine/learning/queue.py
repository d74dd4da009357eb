"""What to label next: open images by how much a person could teach the model there, with random controls in between.

Without controls nobody could tell whether the order helps, and the hold-out would fill with odd images: on homogeneous
data choosing actively may gain nothing over chance.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.learning.diversity import k_centre_order
from engine.project.scores import PARTS, ScoreTable

Values = NDArray[np.float64]
Ids = NDArray[np.int64]
PER_MILLE = 1000  # shares are counted in thousandths, so that 1 in 5 is exact


class Reason(StrEnum):
    """Why an image has its place; beside each, what its figure is."""

    DOUBT = "doubt"  # proposals close to the threshold
    INSTABILITY = "instability"  # unsure outlines
    MIRROR = "mirror"  # places that look otherwise in the mirror image
    DISAGREEMENT = "disagreement"  # places that differ from the annotations
    DIVERSITY = "diversity"  # the distance to what is accepted, 1 is how far images are from their mean
    CONTROL = "control"  # 0: by chance
    NOTHING = "nothing"  # 0: nothing speaks for it


UNCERTAIN = (Reason.DOUBT, Reason.INSTABILITY, Reason.MIRROR)
_REASONS = tuple(Reason)
_JUDGED = _REASONS[: len(PARTS) + 1]  # in the order of the parts of scores, and after these diversity


@dataclass(frozen=True, slots=True)
class QueueMix:
    """What counts for a place in the queue: weights of at least 0 that are compared with each other, and the share of
    places, in [0, 1], that are given by chance."""

    uncertainty: float = 0.5
    diversity: float = 0.3
    disagreement: float = 0.2
    random: float = 0.2

    def __post_init__(self) -> None:
        if min(self.uncertainty, self.diversity, self.disagreement) < 0 or not 0 <= self.random <= 1:
            raise ValueError("weights are at least 0, and the share of random images is from 0 to 1")


class Place(NamedTuple):
    """An image's place in the queue, from 0, and what speaks for it most."""

    image_id: int
    rank: int
    reason: Reason
    figure: float


class Queue:
    """Images in the order in which to label them, and why: arrays, because of a hundred thousand objects the garbage
    collector would have to know."""

    def __init__(self, ids: Ids, reasons: NDArray[np.int8], figures: Values) -> None:
        """(n,) image ids, best first, and of each the number of its reason in ``Reason`` and its figure."""
        self.ids = ids
        self._reasons, self._figures = reasons, figures
        self._by_id = np.argsort(ids)

    @classmethod
    def empty(cls) -> "Queue":
        return cls(np.zeros(0, np.int64), np.zeros(0, np.int8), np.zeros(0))

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, rank: int) -> Place:
        return Place(int(self.ids[rank]), rank, _REASONS[self._reasons[rank]], float(self._figures[rank]))

    def __iter__(self) -> Iterator[Place]:
        return map(self.__getitem__, range(len(self)))

    def place_of(self, image_id: int) -> Place | None:
        """The place of an image; None where it has none."""
        at = int(np.searchsorted(self.ids, image_id, sorter=self._by_id))
        rank = int(self._by_id[at]) if at < len(self) else -1
        return self[rank] if rank >= 0 and self.ids[rank] == image_id else None


def queue(scores: ScoreTable, accepted: NDArray[np.float16], mix: QueueMix, seed: int = 0) -> Queue:
    """The places of the images that ``scores`` are of, best first.

    Each part of the scores counts by its rank among all images, so that none outweighs the others by its scale.
    Controls are chosen by content and seed alone: whatever the model thinks, and whichever images come and go, an
    image's turn among them stays.

    Args:
        scores: of the images that nobody decided about yet.
        accepted: (m, d) vectors of the images that were accepted, of the same checkpoint.
    """
    count = len(scores)
    if not count:
        return Queue.empty()
    chance = np.fromiter((_chance(content, seed) for content in scores.contents), np.uint64, count)
    value, reasons, figures = _judge(scores, accepted, mix)
    slots = _control_slots(count, mix.random)
    controls = np.argsort(chance, kind="stable")[: int(slots.sum())]
    reasons[controls], figures[controls] = _REASONS.index(Reason.CONTROL), 0
    is_control = np.zeros(count, dtype=np.bool_)
    is_control[controls] = True
    by_value = np.lexsort((chance, -value))
    order = np.empty(count, dtype=np.int64)
    order[slots] = controls
    order[~slots] = by_value[~is_control[by_value]]
    return Queue(scores.ids[order], reasons[order], figures[order])


def _judge(scores: ScoreTable, accepted: NDArray[np.float16], mix: QueueMix) -> tuple[Values, NDArray[np.int8], Values]:
    """For each image the value of its place, the number of what speaks for it most, and the figure of that."""
    vectors, count = scores.vectors.astype(np.float32), len(scores)
    covered = accepted.astype(np.float32).reshape(len(accepted), vectors.shape[1])
    spread = k_centre_order(vectors, covered)
    turn = np.empty(count)
    turn[spread.order] = np.arange(count)
    ranks = np.stack([*map(_share_below, scores.amounts.T), _share_below(-turn)])
    figures = np.stack([*scores.places.T, spread.distance if len(covered) else ranks[-1]])
    weights = {
        **dict.fromkeys(UNCERTAIN, mix.uncertainty / len(UNCERTAIN)),
        Reason.DISAGREEMENT: mix.disagreement,
        Reason.DIVERSITY: mix.diversity,
    }
    # The three kinds of uncertainty speak with one voice, that of the one which stands out most.
    voices = {**weights, **dict.fromkeys(UNCERTAIN, mix.uncertainty)}
    loud = np.where(figures > 0, np.array([voices[kind] for kind in _JUDGED])[:, None] * ranks, 0)
    best, each = loud.argmax(axis=0), np.arange(count)
    heard = loud[best, each] > 0
    reasons = np.where(heard, best, _REASONS.index(Reason.NOTHING)).astype(np.int8)
    value = (np.array([weights[kind] for kind in _JUDGED])[:, None] * ranks).sum(axis=0)
    return value, reasons, np.where(heard, figures[best, each], 0)


def _share_below(values: Values) -> Values:
    """For each of (n,) values the share of the others that are less, from 0 to 1."""
    below = np.searchsorted(np.sort(values), values, side="left")
    return below / max(1, len(values) - 1)


def _control_slots(count: int, share: float) -> NDArray[np.bool_]:
    """(count,) which places are given by chance: of any first n, n times the share, rounded down."""
    so_far = np.arange(count + 1) * round(share * PER_MILLE) // PER_MILLE
    return np.diff(so_far) > 0


def _chance(content: str, seed: int) -> int:
    """A number below 2 ** 64 that only content and seed decide."""
    return int.from_bytes(blake2b(f"{seed}:{content}".encode(), digest_size=8).digest(), "big")
