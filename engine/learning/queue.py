"""What to label next: open images by how much a person could teach the model there, with random controls in between.

Without controls nobody could tell whether the order helps, and the hold-out would fill with odd images: on homogeneous
data choosing actively may gain nothing over chance.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.learning.diversity import k_centre_order
from engine.project.scores import NOTHING, ImageScore, Part

__all__ = ["ImageScore", "Part", "Place", "QueueMix", "Reason", "queue"]

Values = NDArray[np.float64]
PER_MILLE = 1000  # shares are counted in thousandths, so that 1 in 5 is exact


class Reason(StrEnum):
    """Why an image has its place; beside each, what its figure is."""

    DOUBT = "doubt"  # proposals close to the threshold
    INSTABILITY = "instability"  # unsure outlines
    MIRROR = "mirror"  # places that look otherwise in the mirror image
    DIVERSITY = "diversity"  # the distance to what is accepted, 1 is how far images are from their mean
    DISAGREEMENT = "disagreement"  # places that differ from the annotations
    CONTROL = "control"  # 0: by chance
    NOTHING = "nothing"  # 0: nothing speaks for it


UNCERTAIN = (Reason.DOUBT, Reason.INSTABILITY, Reason.MIRROR)


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


def queue(
    scores: Mapping[int, ImageScore], accepted: Mapping[int, NDArray[np.float16]], mix: QueueMix, seed: int = 0
) -> list[Place]:
    """The places of the images that ``scores`` are of, best first.

    Each part of the scores counts by its rank among all images, so that none outweighs the others by its scale.
    Controls are chosen by content and seed alone: whatever the model thinks, and whichever images come and go, an
    image's turn among them stays.

    Args:
        scores: of each image that nobody decided about yet, by image id, all of one checkpoint.
        accepted: (d,) vectors of the images that were accepted, of the same checkpoint.
    """
    ids, given = list(scores), list(scores.values())
    if not ids:
        return []
    chance = np.array([_chance(score.content, seed) for score in given], dtype=np.uint64)
    value, reasons, figures = _judge(given, accepted, mix)
    slots = _control_slots(len(ids), mix.random)
    by_chance = np.argsort(chance, kind="stable")
    controls = by_chance[: int(slots.sum())]
    is_control = np.zeros(len(ids), dtype=np.bool_)
    is_control[controls] = True
    by_value = np.lexsort((chance, -value))
    order = np.empty(len(ids), dtype=np.int64)
    order[slots] = controls
    order[~slots] = by_value[~is_control[by_value]]
    return [
        Place(ids[i], rank, Reason.CONTROL, 0.0) if is_control[i] else Place(ids[i], rank, reasons[i], figures[i])
        for rank, i in enumerate(order.tolist())
    ]


def _judge(
    given: Sequence[ImageScore], accepted: Mapping[int, NDArray[np.float16]], mix: QueueMix
) -> tuple[Values, list[Reason], list[float]]:
    """For each image the value of its place, what speaks for it most, and the figure of that."""
    vectors = np.stack([score.vector for score in given]).astype(np.float32)
    covered = np.array(list(accepted.values()), dtype=np.float32).reshape(len(accepted), vectors.shape[1])
    spread = k_centre_order(vectors, covered)
    turn = np.empty(len(given))
    turn[spread.order] = np.arange(len(given))
    parts = {
        Reason.DOUBT: [score.doubt for score in given],
        Reason.INSTABILITY: [score.instability for score in given],
        Reason.MIRROR: [score.mirror for score in given],
        Reason.DISAGREEMENT: [score.differences or NOTHING for score in given],
    }
    ranks = {reason: _share_below(np.array([part.amount for part in each])) for reason, each in parts.items()}
    ranks[Reason.DIVERSITY] = _share_below(-turn)
    figures = {reason: np.array([float(part.places) for part in each]) for reason, each in parts.items()}
    figures[Reason.DIVERSITY] = spread.distance if len(covered) else ranks[Reason.DIVERSITY]
    weights = {
        **dict.fromkeys(UNCERTAIN, mix.uncertainty / len(UNCERTAIN)),
        Reason.DIVERSITY: mix.diversity,
        Reason.DISAGREEMENT: mix.disagreement,
    }
    value = sum((weights[reason] * rank for reason, rank in ranks.items()), np.zeros(len(given)))
    # The three kinds of uncertainty speak with one voice, that of the one which stands out most.
    voices = {**weights, **dict.fromkeys(UNCERTAIN, mix.uncertainty)}
    kinds = list(ranks)
    loud = np.stack([np.where(figures[each] > 0, voices[each] * ranks[each], 0) for each in kinds])
    best = loud.argmax(axis=0).tolist()
    heard = (loud.max(axis=0) > 0).tolist()
    reasons = [kinds[k] if any_ else Reason.NOTHING for k, any_ in zip(best, heard, strict=True)]
    figure = [float(figures[each][i]) if each in figures else 0.0 for i, each in enumerate(reasons)]
    return value, reasons, figure


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
