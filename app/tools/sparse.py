"""Bitmaps of an image's size of which only the touched places take memory and time."""

from collections.abc import Callable, Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from app.canvas.rects import Rect, around
from engine.geometry.mask import Bitmap, Mask

Key = tuple[int, int]  # row and column of a tile

# Side of a tile in pixels. Larger ones are slower to begin, as a press does; of smaller ones a long line has so many
# that the walk from tile to tile takes the time.
TILE = 192


class SparseBitmap:
    """The set pixels of an image of `width` x `height`, all unset at first."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._tiles: dict[Key, Bitmap] = {}
        self._rects: dict[Key, Rect] = {}  # of each tile, what holds its set pixels

    @property
    def bounds(self) -> Rect:
        """A rectangle that holds every set pixel, (0, 0, 0, 0) where none is."""
        if not self._rects:
            return 0, 0, 0, 0
        x1, y1, x2, y2 = zip(*self._rects.values(), strict=True)
        return min(x1), min(y1), max(x2), max(y2)

    def rects(self) -> list[Rect]:
        """Rectangles that together hold every set pixel and do not overlap."""
        return list(self._rects.values())

    def set_runs(self, rows: NDArray[np.int64], left: NDArray[np.int64], right: NDArray[np.int64]) -> list[Rect]:
        """Set the pixels of each of the consecutive `rows` (n,) from `left` up to `right` (n,), `right` exclusive.

        Returns rectangles that hold them. Pixels outside of the image are left out.
        """
        begin, finish = (np.clip(ends, 0, self.width).astype(np.int32) for ends in (left, right))
        touched = []
        for key, first, last in _crossed(rows, begin, finish):
            top, corner = int(rows[first]), key[1] * TILE
            x1 = max(int(begin[first:last].min()), corner)
            x2 = min(int(finish[first:last].max()), corner + TILE)
            columns = np.arange(x1, x2, dtype=np.int32)
            covered = (columns >= begin[first:last, None]) & (columns < finish[first:last, None])
            tile = self._tiles.setdefault(key, np.zeros((TILE, TILE), dtype=np.bool_))
            row = top - key[0] * TILE
            tile[row : row + last - first, x1 - corner : x2 - corner] |= covered
            rect = x1, top, x2, top + last - first
            touched.append(rect)
            self._rects[key] = around([self._rects.get(key, rect), rect])
        return touched

    def clear(self) -> list[Rect]:
        """Unset every pixel. Returns what `rects` was."""
        rects = self.rects()
        self._tiles.clear()
        self._rects.clear()
        return rects

    def crop(self, x1: int, y1: int, x2: int, y2: int) -> Bitmap:
        """A new bitmap (y2 - y1, x2 - x1) of that window, which may reach out of the image."""
        return gathered((x1, y1, x2, y2), self._tiles.get)

    def mask(self) -> Mask:
        """The set pixels."""
        x1, y1, x2, y2 = self.bounds
        return Mask.from_crop(self.crop(x1, y1, x2, y2), x1, y1)


def gathered(rect: Rect, tile: Callable[[Key], Bitmap | None]) -> Bitmap:
    """The pixels inside `rect` out of tiles (TILE, TILE), asked for one by one; where there is None they are unset."""
    x1, y1, x2, y2 = rect
    window = np.zeros((max(y2 - y1, 0), max(x2 - x1, 0)), dtype=np.bool_)
    for row in range(y1 // TILE, -(-y2 // TILE)):
        for column in range(x1 // TILE, -(-x2 // TILE)):
            pixels = tile((row, column))
            if pixels is not None:
                y, x = row * TILE, column * TILE
                top, bottom, left, right = max(y1, y), min(y2, y + TILE), max(x1, x), min(x2, x + TILE)
                window[top - y1 : bottom - y1, left - x1 : right - x1] = pixels[
                    top - y : bottom - y, left - x : right - x
                ]
    return window


def joined_by_tile(rects: Iterable[Rect]) -> list[Rect]:
    """Of rectangles within one tile each, one for each tile around all in it."""
    joined: dict[Key, Rect] = {}
    for rect in rects:
        key = rect[1] // TILE, rect[0] // TILE
        joined[key] = around([joined.get(key, rect), rect])
    return list(joined.values())


def _crossed(
    rows: NDArray[np.int64], left: NDArray[np.int32], right: NDArray[np.int32]
) -> Iterator[tuple[Key, int, int]]:
    """The tiles that runs of pixels cross, each with the indices of the first such row and one past the last."""
    start = 0
    while start < len(rows):
        band = int(rows[start]) // TILE
        stop = min(start + (band + 1) * TILE - int(rows[start]), len(rows))
        first, last = left[start:stop], right[start:stop]
        some = first < last
        if some.any():
            for column in range(int(first[some].min()) // TILE, -(-int(last[some].max()) // TILE)):
                crossing = np.flatnonzero(some & (first < (column + 1) * TILE) & (last > column * TILE))
                if len(crossing):
                    yield (band, column), start + int(crossing[0]), start + int(crossing[-1]) + 1
        start = stop
