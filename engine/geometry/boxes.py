"""Boxes x1 y1 x2 y2 in continuous coordinates, and overlaps of many boxes or masks at once."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine.geometry.mask import Mask

Boxes = NDArray[np.float64]


def bounds_of(masks: Sequence[Mask]) -> Boxes:
    """The bounds (n, 4) of masks; zeros for empty ones."""
    return np.array([mask.bounds for mask in masks], dtype=np.float64).reshape(-1, 4)


def intersection_matrix(a: Boxes, b: Boxes) -> Boxes:
    """Areas (n, m) shared by each box of `a` (n, 4) and each of `b` (m, 4)."""
    top_left = np.maximum(a[:, None, :2], b[None, :, :2])
    bottom_right = np.minimum(a[:, None, 2:], b[None, :, 2:])
    return np.prod(np.clip(bottom_right - top_left, 0, None), axis=2)


def iou_matrix(a: Boxes, b: Boxes) -> Boxes:
    """Intersection over union (n, m) of boxes (n, 4) and (m, 4); 0 where both have no area."""
    shared = intersection_matrix(a, b)
    union = _areas(a)[:, None] + _areas(b)[None, :] - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)


def mask_iou_matrix(a: Sequence[Mask], b: Sequence[Mask]) -> Boxes:
    """Intersection over union (n, m) of masks; pixels are compared only where bounds overlap."""
    matrix = np.zeros((len(a), len(b)))
    if not a or not b:
        return matrix
    areas_a, areas_b = [mask.area for mask in a], [mask.area for mask in b]
    for i, j in np.argwhere(intersection_matrix(bounds_of(a), bounds_of(b)) > 0).tolist():
        shared = a[i].intersection_area(b[j])
        if shared:
            matrix[i, j] = shared / (areas_a[i] + areas_b[j] - shared)
    return matrix


def _areas(boxes: Boxes) -> Boxes:
    return np.prod(np.clip(boxes[:, 2:] - boxes[:, :2], 0, None), axis=1)
