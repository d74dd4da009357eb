"""What a model made of each image: how much a person could teach it there, and what the image looks like to it."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


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
    vector: NDArray[np.float16]
    doubt: Part = NOTHING
    instability: Part = NOTHING
    mirror: Part = NOTHING
    differences: Part | None = None
