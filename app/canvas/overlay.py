"""The masks of an image composed into one picture, kept up to date rectangle by rectangle.

Every image pixel holds a code: the slot of the instance on top there, with a bit for boundary pixels. Boundaries lie
above all fills, so that the outline of an instance shows where another covers it. Colours come from the codes by
table. Halved copies of the codes, boundaries first, keep outlines one pixel wide however far the view zooms out, and
dashes one length. Colours are premultiplied 0xAARRGGBB. Nothing here knows a widget; all of it is numpy. The codes of
a large image lie on disk, and its colours are made where they are drawn.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from app.canvas.appearance import Shown, Style
from app.canvas.codes import BOUNDARY, Codes, Colored, color, halved
from app.canvas.sampling import Picture, Pixels
from engine.geometry.mask import Bitmap, Mask
from engine.images import LARGE_PIXELS
from engine.images.arrays import new_array

Rect = tuple[int, int, int, int]  # x1 y1 x2 y2 in pixels, x2 and y2 exclusive

PREVIEW_SLOT = 0x7FFF
MOST_SHOWN = PREVIEW_SLOT - 1  # slots that fit beside the bit in 16 bits; the topmost are kept where there are more
SMALLEST_LEVEL = 256  # levels go on until the longer side is at most this many pixels; smaller ones save nothing
TILE = 128  # side of the squares in which many scattered changes are gathered
FEW = 12  # up to so many changed rectangles are composed one by one
MOST_STALE = 64  # rectangles remembered for a level that nobody looks at; more become one
BAND = 1 << 24  # pixels composed or halved at once, so that a change of a whole large image needs little memory


class Drawn(Protocol):
    """A stroke in progress: the pixels (H, W) so far, and the smallest rectangle known to hold them."""

    bitmap: Bitmap
    bounds: Rect | None


@dataclass(frozen=True, eq=False)
class Preview:
    """A stroke that is being drawn: what the instance would look like if it were committed now.

    `target` is the instance, None for a new one. `base` is its mask and `stroke` the pixels to add or, with `erase`,
    to remove; the tool goes on drawing it and says where through `Overlay.refresh`. With `flip` the stroke's pixels
    turn into their opposite, and the instance is shown where it is among the others, so that nothing but those pixels
    has to be composed.
    """

    target: int | None
    base: Mask
    stroke: Drawn
    erase: bool
    style: Style
    flip: bool = False

    def bounds(self) -> list[Rect]:
        """Around the instance as it was, and around the stroke so far, where they are not empty."""
        rects = [] if self.base.is_empty or self.flip else [self.base.bounds]
        return rects if self.stroke.bounds is None else [*rects, self.stroke.bounds]

    def window(self, rect: Rect) -> Bitmap:
        """The previewed mask inside `rect`, which may reach one pixel outside of the image; unset there."""
        x1, y1, x2, y2 = rect
        height, width = self.stroke.bitmap.shape
        left, top, right, bottom = max(x1, 0), max(y1, 0), min(x2, width), min(y2, height)
        result = self.base.crop(x1, y1, x2, y2)
        inside = result[top - y1 : bottom - y1, left - x1 : right - x1]
        stroke = self.stroke.bitmap[top:bottom, left:right]
        if self.flip:
            inside ^= stroke
        elif self.erase:
            inside &= ~stroke
        else:
            inside |= stroke
        return result


class Overlay:
    """The composed masks of one image of `width` x `height` pixels."""

    def __init__(self, width: int = 0, height: int = 0, large: int = LARGE_PIXELS) -> None:
        """An image of more than `large` pixels has its codes on disk."""
        self._large = large
        self.resize(width, height)

    def resize(self, width: int, height: int) -> None:
        """Start again, empty, for an image of another size. Raises OutOfSpace, and then has no size."""
        self.width = self.height = 0
        self._codes: list[Codes] = []
        self._pixels: list[Pixels] = []  # of a large image none
        self._allocate(width, height, on_disk=width * height > self._large)
        self.width, self.height = width, height
        # Rectangles of each level, in its own pixels, that changed since it was last asked for: its codes, its colours.
        self._stale_codes: list[list[Rect]] = [[] for _ in self._codes]
        self._stale_colors: list[list[Rect]] = [[] for _ in self._codes]
        self._table = np.zeros((3, 1 << 16), dtype=np.uint32)  # dash, gap, without boundaries
        self._shown: dict[int, Shown] = {}
        self._order: list[Shown] = []
        self._bounds = np.zeros((0, 4), dtype=np.int64)
        self._slots: dict[int, int] = {}
        self._free = list(range(MOST_SHOWN, 0, -1))
        self._boundaries: dict[int, tuple[Mask, Bitmap]] = {}
        self._preview: Preview | None = None
        self._pending: list[Rect] = []  # where a preview was that is no longer to be shown

    @property
    def levels(self) -> int:
        """How many levels there are; a pixel of level k covers 2^k x 2^k image pixels."""
        return len(self._codes)

    def pixels(self, level: int) -> Picture:
        """Premultiplied 0xAARRGGBB (h, w) uint32 of a level. Levels that nobody asks for cost nothing."""
        for coarser in range(1, level + 1):
            stale, self._stale_codes[coarser] = self._stale_codes[coarser], []
            for x1, y1, x2, y2 in _banded(_joined(stale)):
                finer = self._codes[coarser - 1][2 * y1 : 2 * y2, 2 * x1 : 2 * x2]
                self._codes[coarser][y1:y2, x1:x2] = halved(finer)
        stale, self._stale_colors[level] = self._stale_colors[level], []
        if not self._pixels:
            return Colored(self._codes[level], self._table)
        for x1, y1, x2, y2 in _joined(stale):
            color(self._codes[level][y1:y2, x1:x2], self._table, x1, y1, self._pixels[level][y1:y2, x1:x2])
        return self._pixels[level]

    def plain_pixels(self, rect: Rect) -> Pixels:
        """The image pixels inside `rect` without boundaries, for a view that draws sharper ones of its own."""
        x1, y1, x2, y2 = rect
        return self._table[2][self._codes[0][y1:y2, x1:x2]]

    def shown_mask(self, instance_id: int) -> Mask:
        """The pixels that show an instance, read back from what is composed: its mask where nothing lies on top."""
        preview = self._preview
        previewed = preview is not None and not preview.flip and preview.target == instance_id
        slot = PREVIEW_SLOT if previewed else self._slots.get(instance_id)
        if slot is None:
            return Mask.empty()
        return Mask.from_full(self._codes[0] & ~np.uint16(BOUNDARY) == slot)

    def preview_mask(self) -> Mask:
        """The pixels that show the stroke in progress, read back like `shown_mask`."""
        return Mask.from_full(self._codes[0] & ~np.uint16(BOUNDARY) == PREVIEW_SLOT)

    def at(self, x: float, y: float) -> list[int]:
        """Ids of the instances under a point in continuous image coordinates, topmost first."""
        column, row = np.floor(x), np.floor(y)
        x1, y1, x2, y2 = self._bounds.T
        near = np.flatnonzero((x1 <= column) & (column < x2) & (y1 <= row) & (row < y2))
        return [self._order[i].id for i in near[::-1] if self._order[i].mask.contains(x, y)]

    def within(self, rect: Rect) -> list[Shown]:
        """The instances whose bounds meet `rect`, in painting order."""
        return [self._order[i] for i in self._meeting(rect)]

    # -- changes

    def sync(self, shown: Sequence[Shown]) -> list[Rect]:
        """Compose `shown`, in painting order, recomposing only where it differs from before.

        Returns the rectangles that changed. A mask is taken as unchanged if it is the same object or equal.
        """
        shown = shown[-MOST_SHOWN:]
        before, after = self._shown, {item.id: item for item in shown}
        changed = self._differences(shown, before, after) + self._pending
        self._pending = []
        self._shown, self._order = after, list(shown)
        self._bounds = np.array([item.mask.bounds for item in shown], dtype=np.int64).reshape(-1, 4)
        for gone in before.keys() - after.keys():
            self._free.append(self._slots.pop(gone))
            self._boundaries.pop(gone, None)
        for item in shown:
            if item.id not in self._slots:
                self._slots[item.id] = self._free.pop()
                self._set_style(self._slots[item.id], item.style)
            elif before[item.id].style is not item.style:
                self._set_style(self._slots[item.id], item.style)
        rects = self._gather(changed)
        for rect in rects:
            self.refresh(rect)
        return rects

    def set_preview(self, preview: Preview | None) -> list[Rect]:
        """Show a stroke in progress, or no longer any. Returns the rectangles that changed."""
        self.end_preview()
        rects, self._pending = self._pending, []
        self._preview = preview
        if preview is not None:
            self._set_style(PREVIEW_SLOT, preview.style)
            rects += preview.bounds()
        changed = self.refresh(_around(rects)) if rects else None
        return [] if changed is None else [changed]

    def end_preview(self) -> None:
        """The stroke is about to be committed: the next `sync` composes its place too, once for both."""
        if self._preview is not None:
            self._pending += self._preview.bounds()
            self._preview = None

    def refresh(self, rect: Rect) -> Rect | None:
        """Compose the pixels of `rect` again, and those next to it, whose boundary bits hang on them.

        Returns what was composed, None if it lies outside of the image.
        """
        x1, y1 = max(rect[0] - 1, 0), max(rect[1] - 1, 0)
        x2, y2 = min(rect[2] + 1, self.width), min(rect[3] + 1, self.height)
        if x1 >= x2 or y1 >= y2:
            return None
        for left, top, right, bottom in _banded([(x1, y1, x2, y2)]):
            self._codes[0][top:bottom, left:right] = self._compose((left, top, right, bottom))
        a1, b1, a2, b2 = x1, y1, x2, y2
        for level in range(self.levels):
            if level:
                _remember(self._stale_codes[level], (a1, b1, a2, b2))
            _remember(self._stale_colors[level], (a1, b1, a2, b2))
            a1, b1, a2, b2 = a1 // 2, b1 // 2, (a2 + 1) // 2, (b2 + 1) // 2
        return x1, y1, x2, y2

    # -- inside

    def _allocate(self, width: int, height: int, *, on_disk: bool) -> None:
        while True:
            self._codes.append(new_array((height, width), np.uint16, on_disk=on_disk and width * height > BAND))
            if not on_disk:
                self._pixels.append(np.zeros((height, width), dtype=np.uint32))
            if max(width, height) <= SMALLEST_LEVEL:
                break
            width, height = (width + 1) // 2, (height + 1) // 2

    def _differences(self, shown: Sequence[Shown], before: dict[int, Shown], after: dict[int, Shown]) -> list[Rect]:
        """Rectangles around every pixel that `shown` gives another code or colour."""
        alike = {item.id for item in shown if item.id in before and _looks_alike(before[item.id], item)}
        old_order = [item.id for item in self._order if item.id in after]
        new_order = [item.id for item in shown if item.id in before]
        reordered = old_order != new_order
        if reordered and [one for one in old_order if one in alike] != [one for one in new_order if one in alike]:
            return [(0, 0, self.width, self.height)]
        changed = []
        for key in (before.keys() | after.keys()) - alike:
            old, new = before.get(key), after.get(key)
            # What grew may now lie beneath what it covered, and the other way round, wherever it is.
            if old is None or new is None or old.style is not new.style or reordered:
                changed.append(_around([item.mask.bounds for item in (old, new) if item is not None]))
            else:
                changed.append(_difference(old.mask, new.mask))
        return [rect for rect in changed if rect[0] < rect[2]]

    def _set_style(self, slot: int, style: Style) -> None:
        self._table[:, slot] = style.fill()
        self._table[:, slot | BOUNDARY] = style.outline(), style.gap(), style.fill()

    def _gather(self, rects: list[Rect]) -> list[Rect]:
        """Few rectangles as they are; many as the runs of tiles that they touch, so that no pixel is composed twice."""
        if len(rects) <= FEW:
            return _joined(rects)
        tiles = np.zeros((-(-self.height // TILE), -(-self.width // TILE)), dtype=np.bool_)
        for x1, y1, x2, y2 in rects:
            tiles[max(y1, 0) // TILE : -(-y2 // TILE), max(x1, 0) // TILE : -(-x2 // TILE)] = True
        if tiles.mean() > 0.5:
            return [(0, 0, self.width, self.height)]
        result = []
        for row, line in enumerate(tiles):
            steps = np.flatnonzero(np.diff(np.concatenate([[False], line, [False]]))) * TILE
            y1, y2 = row * TILE, min((row + 1) * TILE, self.height)
            result += [
                (int(x1), y1, min(int(x2), self.width), y2) for x1, x2 in zip(steps[::2], steps[1::2], strict=True)
            ]
        return result

    def _meeting(self, rect: Rect) -> NDArray[np.int64]:
        x1, y1, x2, y2 = self._bounds.T
        return np.flatnonzero((x1 < rect[2]) & (x2 > rect[0]) & (y1 < rect[3]) & (y2 > rect[1]))

    def _compose(self, rect: Rect) -> Codes:
        codes = np.zeros((rect[3] - rect[1], rect[2] - rect[0]), dtype=np.uint16)
        preview = self._preview
        if preview is not None and preview.flip:
            return self._compose_flipped(rect, codes, preview)
        target = preview.target if preview is not None else None
        items = [item for item in self.within(rect) if item.id != target]
        for item in items:
            _put(codes, rect, item.mask, item.mask.bitmap, self._slots[item.id])
        shape = None
        if preview is not None:
            shape = preview.window((rect[0] - 1, rect[1] - 1, rect[2] + 1, rect[3] + 1))
            np.copyto(codes, PREVIEW_SLOT, where=shape[1:-1, 1:-1])
        for item in items:
            _put(codes, rect, item.mask, self._boundary(item), self._slots[item.id] | BOUNDARY)
        if shape is not None:
            np.copyto(codes, PREVIEW_SLOT | BOUNDARY, where=_inner_boundary(shape))
        return codes

    def _compose_flipped(self, rect: Rect, codes: Codes, preview: Preview) -> Codes:
        """As `_compose`, the previewed mask in the place of its target's."""
        window = preview.window((rect[0] - 1, rect[1] - 1, rect[2] + 1, rect[3] + 1))
        shape = Mask.from_crop(window[1:-1, 1:-1], rect[0], rect[1])
        edge = Mask.from_crop(_inner_boundary(window), rect[0], rect[1])
        near = {item.id for item in self.within(rect)}
        items = [item for item in self._order if (not shape.is_empty if item.id == preview.target else item.id in near)]
        for item in items:
            mask = shape if item.id == preview.target else item.mask
            _put(codes, rect, mask, mask.bitmap, self._slots[item.id])
        for item in items:
            flipped = item.id == preview.target
            mask, boundary = (edge, edge.bitmap) if flipped else (item.mask, self._boundary(item))
            _put(codes, rect, mask, boundary, self._slots[item.id] | BOUNDARY)
        return codes

    def _boundary(self, item: Shown) -> Bitmap:
        cached = self._boundaries.get(item.id)
        if cached is None or cached[0] is not item.mask:
            padded = np.zeros((item.mask.height + 2, item.mask.width + 2), dtype=np.bool_)
            padded[1:-1, 1:-1] = item.mask.bitmap
            cached = (item.mask, _inner_boundary(padded))
            self._boundaries[item.id] = cached
        return cached[1]


def _banded(rects: Iterable[Rect]) -> Iterator[Rect]:
    """The same rectangles, cut where they are large."""
    for x1, top, x2, bottom in rects:
        rows = max(1, BAND // max(x2 - x1, 1))
        for y1 in range(top, bottom, rows):
            yield x1, y1, x2, min(y1 + rows, bottom)


def _looks_alike(one: Shown, other: Shown) -> bool:
    return one.style is other.style and (one.mask is other.mask or one.mask == other.mask)


def _around(rects: list[Rect]) -> Rect:
    """The smallest rectangle that holds those that are not empty."""
    rects = [rect for rect in rects if rect[0] < rect[2]] or rects[:1]
    x1, y1, x2, y2 = zip(*rects, strict=True)
    return min(x1), min(y1), max(x2), max(y2)


def _remember(stale: list[Rect], rect: Rect) -> None:
    stale.append(rect)
    if len(stale) > MOST_STALE:
        stale[:] = [_around(stale)]


def _joined(rects: list[Rect]) -> list[Rect]:
    """Rectangles that overlap joined into one around them, until none do."""
    result: list[Rect] = []
    for rect in rects:
        apart = [one for one in result if not _meet(one, rect)]
        while len(apart) < len(result):
            rect = _around([rect, *(one for one in result if _meet(one, rect))])
            result = apart
            apart = [one for one in result if not _meet(one, rect)]
        result.append(rect)
    return result


def _meet(one: Rect, other: Rect) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _difference(one: Mask, other: Mask) -> Rect:
    """The bounds of the pixels that are in one mask only: little of a large mask that a short stroke changed."""
    whole = _around([one.bounds, other.bounds])
    return Mask.from_crop(one.crop(*whole) ^ other.crop(*whole), whole[0], whole[1]).bounds


def _put(codes: Codes, rect: Rect, mask: Mask, bitmap: Bitmap, code: int) -> None:
    """Write `code` where `bitmap`, which lies like the mask's, is set inside `rect`."""
    a1, b1, a2, b2 = mask.bounds
    x1, y1, x2, y2 = max(a1, rect[0]), max(b1, rect[1]), min(a2, rect[2]), min(b2, rect[3])
    window = codes[y1 - rect[1] : y2 - rect[1], x1 - rect[0] : x2 - rect[0]]
    np.copyto(window, code, where=bitmap[y1 - b1 : y2 - b1, x1 - a1 : x2 - a1])


def _inner_boundary(padded: Bitmap) -> Bitmap:
    """The set pixels (h, w) of `padded` (h + 2, w + 2) that have an unset one above, below, left or right."""
    inside = padded[:-2, 1:-1] & padded[2:, 1:-1]
    inside &= padded[1:-1, :-2]
    inside &= padded[1:-1, 2:]
    return padded[1:-1, 1:-1] & ~inside
