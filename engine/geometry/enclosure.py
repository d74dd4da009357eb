"""Which masks lie inside a line that was drawn around them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine.geometry.mask import Bitmap, Mask

# Cells along a side of the picture of what is inside, and pixels along a side of a mask that are looked at: they keep
# the time that thousands of masks on a large image take below a frame. Up to these sizes nothing is left out.
MOST_CELLS = 512
MOST_SAMPLES = 32


def enclosed(masks: Sequence[Mask], corners: NDArray[np.float64]) -> list[bool]:
    """For each mask whether more than half of its pixels are inside a closed polygon.

    `corners` (N, 2) are x y in continuous image coordinates. A pixel is inside where the line goes around its centre,
    once or more often in one direction.
    """
    if len(corners) < 3:
        return [False] * len(masks)
    left, top = np.floor(corners.min(axis=0)).astype(int).tolist()
    right, bottom = np.ceil(corners.max(axis=0)).astype(int).tolist()
    cell = max(1, -(-max(right - left, bottom - top) // MOST_CELLS))
    shape = -(-(bottom - top) // cell), -(-(right - left) // cell)
    inside = wound((corners - (left, top)) / cell, *shape)
    return [_is_mostly_in(mask, inside, left, top, cell) for mask in masks]


def wound(corners: NDArray[np.float64], rows: int, columns: int) -> Bitmap:
    """The pixels (rows, columns) around whose centres a closed polygon winds; `corners` (N, 2) lie within them."""
    (x1, y1), (x2, y2) = corners.T, np.roll(corners, -1, axis=0).T
    first = np.ceil(np.minimum(y1, y2) - 0.5).astype(np.int64)
    count = np.ceil(np.maximum(y1, y2) - 0.5).astype(np.int64) - first
    # Each edge once for every row of centres that it crosses.
    edge = np.repeat(np.arange(len(corners)), count)
    row = first[edge] + np.arange(len(edge)) - np.repeat(np.cumsum(count) - count, count)
    along = (row + 0.5 - y1[edge]) / (y2 - y1)[edge]
    column = np.ceil(x1[edge] + (x2 - x1)[edge] * along - 0.5).astype(np.int64)
    turns = np.zeros((rows, columns + 1), dtype=np.int16)
    np.add.at(turns, (row, column), np.where(y2 > y1, 1, -1)[edge])
    inside: Bitmap = np.cumsum(turns, axis=1, dtype=np.int16)[:, :columns] != 0
    return inside


def _is_mostly_in(mask: Mask, inside: Bitmap, left: int, top: int, cell: int) -> bool:
    """Whether more than half of a mask is in the cells from (left, top) on."""
    x1, y1, x2, y2 = mask.bounds
    rows, columns = inside.shape
    if mask.is_empty or x2 <= left or y2 <= top or x1 >= left + columns * cell or y1 >= top + rows * cell:
        return False
    # Most masks lie on one side of the line as a whole.
    first_row, first_column = max(y1 - top, 0) // cell, max(x1 - left, 0) // cell
    around = inside[first_row : (y2 - 1 - top) // cell + 1, first_column : (x2 - 1 - left) // cell + 1]
    if not around.any():
        return False
    if x1 >= left and y1 >= top and x2 <= left + columns * cell and y2 <= top + rows * cell and around.all():
        return True
    every_row, every_column = -(-mask.height // MOST_SAMPLES), -(-mask.width // MOST_SAMPLES)
    looked = mask.bitmap[every_row // 2 :: every_row, every_column // 2 :: every_column]
    if not looked.any():  # it is thin, and lies between what would be looked at
        every_row, every_column, looked = 1, 1, mask.bitmap
    row = (np.arange(y1 + every_row // 2, y2, every_row) - top) // cell
    column = (np.arange(x1 + every_column // 2, x2, every_column) - left) // cell
    within_rows, within_columns = (row >= 0) & (row < rows), (column >= 0) & (column < columns)
    window = looked[np.ix_(within_rows, within_columns)]
    both = window & inside[np.ix_(row[within_rows], column[within_columns])]
    return bool(2 * np.count_nonzero(both) > np.count_nonzero(looked))
