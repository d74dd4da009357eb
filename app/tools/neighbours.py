"""The pixels of many masks together, looked up place by place."""

from collections.abc import Sequence

import numpy as np

from app.canvas.rects import Rect
from app.tools.sparse import TILE, Key, gathered
from engine.geometry.mask import Bitmap, Mask


class Neighbours:
    """The union of masks. Of each tile it is made when first asked for, so a thousand masks cost what lies near."""

    def __init__(self, masks: Sequence[Mask]) -> None:
        self._masks = masks
        self._bounds = np.array([mask.bounds for mask in masks], dtype=np.int64).reshape(-1, 4)
        self._tiles: dict[Key, Bitmap] = {}

    def crop(self, rect: Rect) -> Bitmap:
        """A new bitmap (y2 - y1, x2 - x1) of the pixels inside x1 y1 x2 y2."""
        return gathered(rect, self._tile)

    def _tile(self, key: Key) -> Bitmap:
        found = self._tiles.get(key)
        if found is None:
            found = self._tiles[key] = self._united(key[1] * TILE, key[0] * TILE)
        return found

    def _united(self, left: int, top: int) -> Bitmap:
        x1, y1, x2, y2 = self._bounds.T
        near = np.flatnonzero((x1 < left + TILE) & (x2 > left) & (y1 < top + TILE) & (y2 > top))
        union = np.zeros((TILE, TILE), dtype=np.bool_)
        for index in near.tolist():
            mask = self._masks[index]
            a1, b1 = max(mask.x, left), max(mask.y, top)
            part = mask.bitmap[b1 - mask.y : top + TILE - mask.y, a1 - mask.x : left + TILE - mask.x]
            height, width = part.shape
            union[b1 - top : b1 - top + height, a1 - left : a1 - left + width] |= part
        return union
