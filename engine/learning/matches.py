"""What AP50 needs of one image: which detections hit, in the order of their scores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class ImageMatches:
    """The mask matches of one image and category at IoU 0.5, all that AP50 needs: scores in descending order, which
    of them hit, and how many instances there were to hit."""

    image: int
    category: int
    scores: NDArray[np.float64]
    hits: NDArray[np.bool_]
    instances: int
