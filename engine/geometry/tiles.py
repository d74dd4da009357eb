"""Which part of an image is encoded at once, where all of it would have to shrink to fit the model's input."""

from __future__ import annotations

Tile = tuple[int, int, int, int]
"""x1 y1 x2 y2 in pixels of the user's frame."""

STEPS = 4
"""A tile begins at a multiple of its side divided by this: the view may move by as much before another is needed."""


def tile_around(seen: Tile, width: int, height: int, side: int) -> Tile:
    """The smallest tile that holds what is seen of an image of ``width`` x ``height`` pixels.

    Its longer side is ``side`` pixels, at which the model need not shrink it, or that times a power of two, of which
    it sees as much less. The same tile comes for all that is seen nearby. All of the image where no smaller one does.
    """
    x1, y1 = min(max(seen[0], 0), width - 1), min(max(seen[1], 0), height - 1)
    x2, y2 = max(min(seen[2], width), x1 + 1), max(min(seen[3], height), y1 + 1)
    while side < max(width, height):
        left, right = _stretch(x1, x2, width, side)
        top, bottom = _stretch(y1, y2, height, side)
        if left <= x1 and x2 <= right and top <= y1 and y2 <= bottom:
            return left, top, right, bottom
        side *= 2
    return 0, 0, width, height


def _stretch(first: int, last: int, length: int, side: int) -> tuple[int, int]:
    """Where a tile of that side lies along one axis: its middle next to the middle of what is seen."""
    if side >= length:
        return 0, length
    step = max(side // STEPS, 1)
    start = round(((first + last) / 2 - side / 2) / step) * step
    start = min(max(start, 0), length - side)
    return start, start + side
