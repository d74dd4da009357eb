"""Which images are unlike all others, by what they look like to the model."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]

MOST_CENTRES = 200
"""Picks that each consider those before: more than anybody labels between two rounds. One more costs a pass over all
vectors, 10 ms with 100,000 images."""
MOST_COVERED = 1000
"""Accepted images that count, spread evenly over all of them: each is compared with every open image."""
BLOCK = 64
"""Accepted images in one comparison: its distances take 25 MB with 100,000 images."""


class Spread(NamedTuple):
    """Images in the order in which they add most to what is covered.

    Attributes:
        order: (n,) indices.
        distance: (n,) float32, of each image to the nearest accepted one, in units of how far images are from their
            mean; 0 where there is none.
    """

    order: NDArray[np.int64]
    distance: Vectors


def k_centre_order(vectors: Vectors, covered: Vectors, most: int = MOST_CENTRES) -> Spread:
    """The k-centre greedy order (Sener and Savarese, "Active Learning for Convolutional Neural Networks: A Core-Set
    Approach", ICLR 2018, algorithm 1): next is always what is farthest from everything chosen or covered before.

    Args:
        vectors: (n, d) of the images to choose from.
        covered: (m, d) of those that were accepted. Without any, the image nearest to the mean comes first.
        most: picks after which the rest follows by its distance to those.
    """
    count = len(vectors)
    if not count:
        return Spread(np.zeros(0, np.int64), np.zeros(0, np.float32))
    middle = vectors.mean(axis=0)
    centred = vectors - middle
    squares = _squares(centred)
    unit = float(np.sqrt(squares.mean())) or 1.0
    if len(covered):
        nearest = np.full(count, np.inf, np.float32)
        some = covered[:: -(-len(covered) // MOST_COVERED)] - middle
        for start in range(0, len(some), BLOCK):
            np.minimum(nearest, _squared(centred, squares, some[start : start + BLOCK]).min(axis=1), out=nearest)
        distance = (np.sqrt(nearest) / unit).astype(np.float32)
    else:
        nearest, distance = squares.max() - squares, np.zeros(count, np.float32)
    picked: list[int] = []
    while len(picked) < min(most, count):
        far = int(nearest.argmax())
        picked.append(far)
        fresh = _squared(centred, squares, centred[far, None])[:, 0]
        nearest = fresh if len(picked) == 1 and not len(covered) else np.minimum(nearest, fresh)
        nearest[picked] = -1
    rest = np.argsort(-nearest, kind="stable")[: count - len(picked)]
    return Spread(np.concatenate([np.array(picked, np.int64), rest]), distance)


def _squares(vectors: Vectors) -> Vectors:
    """(n,) squared lengths of (n, d) vectors."""
    lengths: Vectors = np.einsum("nd,nd->n", vectors, vectors)
    return lengths


def _squared(vectors: Vectors, squares: Vectors, centres: Vectors) -> Vectors:
    """(n, c) squared distances of (n, d) vectors, whose (n,) squared lengths are known, from (c, d) centres."""
    products = vectors @ centres.T
    products *= -2
    products += squares[:, None]
    products += _squares(centres)
    return np.maximum(products, 0, out=products)
