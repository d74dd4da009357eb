"""Overlap matrices agree with pycocotools and with masks compared one by one."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from pycocotools import mask as oracle

from engine.geometry import boxes
from engine.geometry.mask import Mask


@st.composite
def mask_lists(draw: st.DrawFn) -> list[Mask]:
    generator = np.random.default_rng(draw(st.integers(0, 10_000)))
    count = draw(st.integers(0, 6))
    return [
        Mask.from_crop(generator.random((5, 6)) < generator.random(), *map(int, generator.integers(0, 10, 2)))
        for _ in range(count)
    ]


@given(mask_lists(), mask_lists())
def test_mask_iou_is_that_of_each_pair(a: list[Mask], b: list[Mask]) -> None:
    matrix = boxes.mask_iou_matrix(a, b)
    assert matrix.shape == (len(a), len(b))
    assert all(matrix[i, j] == first.iou(second) for i, first in enumerate(a) for j, second in enumerate(b))


@given(st.integers(0, 10_000), st.integers(1, 6), st.integers(1, 6))
def test_box_iou_is_that_of_pycocotools(seed: int, n: int, m: int) -> None:
    generator = np.random.default_rng(seed)
    corners = generator.uniform(0, 20, (n + m, 2))
    sizes = generator.uniform(0.1, 10, (n + m, 2))
    matrix = boxes.iou_matrix(*np.split(np.hstack([corners, corners + sizes]), [n]))
    x_y_w_h = np.hstack([corners, sizes])
    assert np.allclose(matrix, oracle.iou(x_y_w_h[:n], x_y_w_h[n:], [0] * m))


def test_boxes_without_area_overlap_nothing() -> None:
    point = np.array([[3.0, 3.0, 3.0, 3.0]])
    assert boxes.iou_matrix(point, point).tolist() == [[0.0]]
    assert boxes.iou_matrix(np.zeros((0, 4)), point).shape == (0, 1)
