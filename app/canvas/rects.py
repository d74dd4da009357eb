"""Rectangles of pixels: around several of them, meeting, joined or cut where that is worth it."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

Rect = tuple[int, int, int, int]  # x1 y1 x2 y2 in pixels, x2 and y2 exclusive

TILE = 128  # side of the squares in which many scattered changes are gathered
FEW = 12  # up to so many rectangles are worked on one by one
ROOM_ADDED = 1.2  # composing so much more at once takes less time than composing two rectangles one by one


def around(rects: Sequence[Rect]) -> Rect:
    """The smallest rectangle that holds those that are not empty."""
    filled = [rect for rect in rects if rect[0] < rect[2]] or rects[:1]
    x1, y1, x2, y2 = zip(*filled, strict=True)
    return min(x1), min(y1), max(x2), max(y2)


def room(rect: Rect) -> int:
    """How many pixels a rectangle holds."""
    return (rect[2] - rect[0]) * (rect[3] - rect[1])


def meet(one: Rect, other: Rect) -> bool:
    """Whether two rectangles have a pixel in common."""
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def holds(one: Rect, other: Rect) -> bool:
    """Whether every pixel of the other rectangle is in the one."""
    return one[0] <= other[0] and one[1] <= other[1] and other[2] <= one[2] and other[3] <= one[3]


def common(one: Rect, other: Rect) -> Rect | None:
    """The pixels that two rectangles have in common; None without any."""
    x1, y1, x2, y2 = max(one[0], other[0]), max(one[1], other[1]), min(one[2], other[2]), min(one[3], other[3])
    return (x1, y1, x2, y2) if x1 < x2 and y1 < y2 else None


def grown(rect: Rect) -> Rect:
    """With the pixels around it."""
    return rect[0] - 1, rect[1] - 1, rect[2] + 1, rect[3] + 1


def joined(rects: Iterable[Rect], room_added: float = ROOM_ADDED, free: int = 0) -> list[Rect]:
    """Rectangles joined into one around them wherever it holds at most so many times what they hold, and `free` pixels
    more, until none are.

    Those along a slanted line stay apart although each overlaps the next: around all of them is most of the image.
    """
    result: list[Rect] = []
    for rect in rects:
        near = [one for one in result if _is_worth_joining(one, rect, room_added, free)]
        while near:
            result = [one for one in result if one not in near]
            rect = around([rect, *near])
            near = [one for one in result if _is_worth_joining(one, rect, room_added, free)]
        result.append(rect)
    return result


def _is_worth_joining(one: Rect, other: Rect, room_added: float, free: int) -> bool:
    return room(around([one, other])) <= room_added * (room(one) + room(other)) + free


def gathered(rects: Sequence[Rect], width: int, height: int) -> list[Rect]:
    """Few rectangles of an image of that size as `joined` has them; many as the runs of tiles that they touch, so that
    none of the result overlap."""
    if len(rects) <= FEW:
        return joined(rects)
    whole = 0, 0, width, height
    if rects[0] == whole:
        return [whole]
    tiles = np.zeros((-(-height // TILE), -(-width // TILE)), dtype=np.bool_)
    for x1, y1, x2, y2 in rects:
        tiles[max(y1, 0) // TILE : -(-y2 // TILE), max(x1, 0) // TILE : -(-x2 // TILE)] = True
    if tiles.mean() > 0.5:
        return [whole]
    result = []
    for row, line in enumerate(tiles):
        steps = np.flatnonzero(np.diff(np.concatenate([[False], line, [False]]))) * TILE
        y1, y2 = row * TILE, min((row + 1) * TILE, height)
        result += [(int(x1), y1, min(int(x2), width), y2) for x1, x2 in zip(steps[::2], steps[1::2], strict=True)]
    return result


def banded(rects: Iterable[Rect], most: int) -> Iterator[Rect]:
    """The same rectangles, cut where they hold more than so many pixels."""
    for x1, top, x2, bottom in rects:
        rows = max(1, most // max(x2 - x1, 1))
        for y1 in range(top, bottom, rows):
            yield x1, y1, x2, min(y1 + rows, bottom)


def coarser(rect: Rect) -> Iterator[Rect]:
    """The same rectangle in the pixels of each coarser level, without an end."""
    while True:
        rect = rect[0] // 2, rect[1] // 2, (rect[2] + 1) // 2, (rect[3] + 1) // 2
        yield rect
