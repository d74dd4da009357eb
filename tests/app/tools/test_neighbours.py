"""What "Keep apart" looks up place by place is the union of all the masks around."""

import numpy as np
import pytest

from app.tools.neighbours import Neighbours
from app.tools.sparse import TILE
from engine.geometry.mask import Mask

WIDTH, HEIGHT = 3 * TILE + 17, 2 * TILE + 5


def scattered(count: int, seed: int) -> list[Mask]:
    """Masks of any shape, some of which reach out of the image."""
    random = np.random.default_rng(seed)
    return [
        Mask.from_crop(
            random.random((int(random.integers(1, 60)), int(random.integers(1, 60)))) < 0.7,
            int(random.integers(-20, WIDTH)),
            int(random.integers(-20, HEIGHT)),
        )
        for _ in range(count)
    ]


@pytest.mark.parametrize("seed", range(3))
def test_any_window_holds_the_union_of_the_masks(seed: int) -> None:
    masks = scattered(200, seed)
    together = np.logical_or.reduce([mask.to_full(HEIGHT, WIDTH) for mask in masks])
    neighbours = Neighbours(masks)
    random = np.random.default_rng(seed)
    for _ in range(30):
        x1, y1 = int(random.integers(0, WIDTH - 1)), int(random.integers(0, HEIGHT - 1))
        x2, y2 = int(random.integers(x1, WIDTH)) + 1, int(random.integers(y1, HEIGHT)) + 1
        np.testing.assert_array_equal(neighbours.crop((x1, y1, x2, y2)), together[y1:y2, x1:x2])


def test_without_masks_nothing_is_taken() -> None:
    assert not Neighbours([]).crop((-5, -5, WIDTH, HEIGHT)).any()
    assert not Neighbours([Mask.empty()]).crop((0, 0, WIDTH, HEIGHT)).any()
