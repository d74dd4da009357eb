"""Rectangles of pixels: around several of them, meeting, and joined where that is worth it."""

from collections.abc import Iterable, Sequence

Rect = tuple[int, int, int, int]  # x1 y1 x2 y2 in pixels, x2 and y2 exclusive

ROOM_ADDED = 1.2  # composing so much more at once takes less time than composing two rectangles one by one


def around(rects: Sequence[Rect]) -> Rect:
    """The smallest rectangle that holds those that are not empty."""
    filled = [rect for rect in rects if rect[0] < rect[2]] or rects[:1]
    x1, y1, x2, y2 = zip(*filled, strict=True)
    return min(x1), min(y1), max(x2), max(y2)


def meet(one: Rect, other: Rect) -> bool:
    """Whether two rectangles have a pixel in common."""
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def holds(one: Rect, other: Rect) -> bool:
    """Whether every pixel of the other rectangle is in the one."""
    return one[0] <= other[0] and one[1] <= other[1] and other[2] <= one[2] and other[3] <= one[3]


def joined(rects: Iterable[Rect], room_added: float = ROOM_ADDED) -> list[Rect]:
    """Rectangles joined into one around them wherever it holds at most so many times what they hold, until none are.

    Those along a slanted line stay apart although each overlaps the next: around all of them is most of the image.
    """
    result: list[Rect] = []
    for rect in rects:
        near = [one for one in result if _is_worth_joining(one, rect, room_added)]
        while near:
            result = [one for one in result if one not in near]
            rect = around([rect, *near])
            near = [one for one in result if _is_worth_joining(one, rect, room_added)]
        result.append(rect)
    return result


def _is_worth_joining(one: Rect, other: Rect, room_added: float) -> bool:
    return _room(around([one, other])) <= room_added * (_room(one) + _room(other))


def _room(rect: Rect) -> int:
    return (rect[2] - rect[0]) * (rect[3] - rect[1])
