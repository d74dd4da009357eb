"""The masks of an image composed into one picture, kept up to date rectangle by rectangle.

Every image pixel holds a code: the slot of the instance on top there, with a bit for boundary pixels. Boundaries lie
above all fills, so that the outline of an instance shows where another covers it. Colours come from the codes by
table, so that other colours compose nothing anew. Halved copies of the codes, boundaries first, keep outlines one pixel
wide however far the view zooms out, and dashes one length; zoomed in, outlines are drawn along the sides of boundary
pixels. Colours are premultiplied 0xAARRGGBB. Nothing here knows a widget; all of it is numpy. The codes of a very large
image lie on disk, and the colours of a large one are made where they are drawn.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.canvas.appearance import Opacity, Shown, Style
from app.canvas.codes import BOUNDARY, Stamp, draw
from app.canvas.levels import BAND, Levels
from app.canvas.preview import Preview
from app.canvas.rects import Rect, around, banded, gathered, holds, meet, room
from app.canvas.sampling import THREADS, DeviceRect, Picture, Pixels, Placement
from app.canvas.stretches import differing
from engine.geometry.mask import Mask

PREVIEW_SLOT = 0x7FFF
MOST_SHOWN = PREVIEW_SLOT - 1  # slots that fit beside the bit in 16 bits; the topmost are kept where there are more
AT_ONCE = 1 << 18  # pixels composed before anything is painted; more of them wait, or the paint would
PIECE_PIXELS = 1 << 20  # pixels composed in another thread before they are painted
MOST_IN_MEMORY = 160_000_000  # pixels, of which each takes 3 bytes and a third where there are masks: half a gigabyte


class Piece(NamedTuple):
    """A rectangle that is composed, and the level of which pixels are made at once."""

    rect: Rect
    level: int


class Overlay:
    """The composed masks of one image of `width` x `height` pixels."""

    def __init__(self, width: int = 0, height: int = 0, large: int = MOST_IN_MEMORY) -> None:
        """An image of more than `large` pixels has its codes on disk."""
        self._large = large
        self._opacity = Opacity()
        self.resize(width, height)

    def resize(self, width: int, height: int) -> None:
        """Start again, empty, for an image of another size. Raises OutOfSpace, and then has no size."""
        self._levels = Levels()
        self._levels = Levels(width, height, on_disk=width * height > self._large)
        self._table = np.zeros((3, 1 << 16), dtype=np.uint32)  # dash, gap, without boundaries
        self._order: list[Shown] = []  # what is shown, in painting order
        self._announced: dict[int, Shown] = {}
        self._bounds = np.zeros((0, 4), dtype=np.int64)
        self._slots: dict[int, int] = {}
        self._free = deque(range(1, MOST_SHOWN + 1))
        self._preview: Preview | None = None
        self._pending: list[Rect] = []  # where a preview was that is no longer to be shown
        self._waiting: deque[Rect] = deque()  # what is still to be composed, in pieces
        self._begun: Piece | None = None  # what another thread composes
        self._overtaken = False  # whether something in it was composed anew meanwhile
        self._disturbed = False  # whether coarser codes or colours were made from it before it was done

    def clear(self) -> None:
        """Start again, empty, for another image of the same size."""
        if self.width * self.height > self._large or self._begun is not None:
            self.resize(self.width, self.height)  # faster than to fill files, and nobody else writes to new arrays
            return
        self._levels.clear()
        self._free.extend(self._slots.values())
        self._order, self._announced, self._slots = [], {}, {}
        self._bounds = np.zeros((0, 4), dtype=np.int64)
        self._preview, self._pending = None, []
        self._waiting.clear()

    @property
    def width(self) -> int:
        """Of the image, in its pixels."""
        return self._levels.width

    @property
    def height(self) -> int:
        """As `width`."""
        return self._levels.height

    @property
    def levels(self) -> int:
        """How many levels there are; a pixel of level k covers 2^k x 2^k image pixels."""
        return len(self._levels.codes)

    def pixels(self, level: int) -> Picture:
        """Premultiplied 0xAARRGGBB (h, w) uint32 of a level. Levels that nobody asks for cost nothing."""
        if self._begun is not None and self._levels.is_stale(level):
            self._disturbed = True
        return self._levels.picture(level, self._table)

    def draw(self, rect: DeviceRect, place: Placement, width: int, dash: int, output: Pixels) -> None:
        """Lay what falls on device pixels over `output`, with sharp outlines; as `app.canvas.codes.draw`."""
        draw(self._levels.codes[0], self._levels.sides, self._table, rect, place, width, dash, output)

    def shown_mask(self, instance_id: int) -> Mask:
        """The pixels that show an instance, read back from what is composed: its mask where nothing lies on top."""
        preview = self._preview
        previewed = preview is not None and not preview.flip and preview.target == instance_id
        slot = PREVIEW_SLOT if previewed else self._slots.get(instance_id)
        if slot is None:
            return Mask.empty()
        return Mask.from_full(self._levels.codes[0] & ~np.uint16(BOUNDARY) == slot)

    def preview_mask(self) -> Mask:
        """The pixels that show the stroke in progress, read back like `shown_mask`."""
        return Mask.from_full(self._levels.codes[0] & ~np.uint16(BOUNDARY) == PREVIEW_SLOT)

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

    def announce(self, items: Iterable[Shown]) -> None:
        """Make ready for some that will be in the next `sync`: of thousands, that takes longer than it may."""
        ready = [item for item in items if item.id not in self._slots][: len(self._free)]
        for item in ready:
            self._slots[item.id] = self._free.popleft()
            self._announced[item.id] = item
        self._pending += [item.bounds for item in ready]
        self._set_styles(ready)

    def sync(self, shown: Sequence[Shown]) -> list[Rect]:
        """Compose `shown`, in painting order, recomposing only where it differs from before.

        Returns the rectangles that changed; where they are large, they wait for `begin_piece`. A mask is taken as
        unchanged if it is the same object or equal.
        """
        shown = shown[-MOST_SHOWN:]
        stretch, new_stretch = differing(self._order, shown)
        old, new = self._order[stretch], shown[new_stretch]
        before = {item.id: item for item in old} | self._announced
        after = {item.id: item for item in new}
        fresh = [item for item in new if before.get(item.id) is not item]
        restyled = [item for item in fresh if item.id not in before or before[item.id].style is not item.style]
        recolored = [item.bounds for item in restyled if item.id in before and not item.mask.is_empty]
        changed = self._differences(before, old, after, fresh) + self._pending
        self._pending, self._announced = [], {}
        self._order[stretch] = new
        sides = np.array([item.bounds for item in new], dtype=np.int64).reshape(-1, 4)
        self._bounds = np.concatenate([self._bounds[: stretch.start], sides, self._bounds[stretch.stop :]])
        for gone in before.keys() - after.keys():
            self._free.append(self._slots.pop(gone))
        for item in restyled:
            if item.id not in self._slots:
                self._slots[item.id] = self._free.popleft()
        self._set_styles(restyled)
        rects = self._compose_or_wait(gathered(changed, self.width, self.height))
        repainted = gathered(recolored, self.width, self.height)
        for rect in repainted:
            self._levels.forget_colors(rect)
        return rects + repainted

    def set_opacity(self, opacity: Opacity) -> None:
        """Let all masks hide more or less of the image."""
        if opacity != self._opacity:
            self._opacity = opacity
            self._set_styles([*self._order, *self._announced.values()])
            if self._preview is not None:
                self._set_style([PREVIEW_SLOT], self._preview.style)
            self._levels.forget_colors((0, 0, self.width, self.height))

    def set_preview(self, preview: Preview | None) -> list[Rect]:
        """Show a stroke in progress, or no longer any. Returns the rectangles that changed."""
        self.end_preview()
        rects, self._pending = self._pending, []
        self._preview = preview
        if preview is not None:
            self._set_style([PREVIEW_SLOT], preview.style)
            rects += preview.bounds()
        return self._compose_or_wait([around(rects)]) if rects else []

    def end_preview(self) -> None:
        """The stroke is about to be committed: the next `sync` composes its place too, once for both."""
        if self._preview is not None:
            self._pending += self._preview.bounds()
            self._preview = None

    def begin_piece(self, level: int) -> Callable[[], None] | None:
        """What composes a piece of what waits for it, and makes its pixels of a level; None where nothing waits.

        Another thread may call it while everything here goes on being used; `end_piece` follows.
        """
        rect = self._widened(self._waiting.popleft()) if self._waiting else None
        if rect is None:
            return None
        self._begun, self._overtaken, self._disturbed = Piece(rect, level), False, False
        write, make = self._writing(rect, threads=1), self._levels.making(rect, level, self._table)

        def work() -> None:
            write()
            make()

        return work

    def end_piece(self) -> Rect | None:
        """The piece that was begun is composed. Returns where it lies, None where that has to be done once more."""
        piece, self._begun = self._begun, None
        if piece is None:  # it was of another image
            return None
        if self._overtaken:
            self._waiting.appendleft(piece.rect)
            return None
        self._levels.note_composed(piece.rect, None if self._disturbed else piece.level)
        return piece.rect

    def refresh(self, rect: Rect) -> Rect | None:
        """Compose the pixels of `rect` again, and those next to it, whose boundary bits hang on them.

        Returns what was composed, None if it lies outside of the image.
        """
        widened = self._widened(rect)
        if widened is not None:
            for band in banded([widened], BAND):
                self._writing(band)()
            self._overtaken |= self._begun is not None and meet(self._begun.rect, widened)
            self._levels.note_composed(widened)
        return widened

    # -- inside

    def _compose_or_wait(self, rects: Sequence[Rect]) -> list[Rect]:
        """Compose rectangles now, or in pieces later where they are large. Returns those that were composed."""
        inside = [rect for rect in map(self._widened, rects) if rect is not None]
        if sum(map(room, inside)) > AT_ONCE:
            self._wait(inside)
            return []
        return [changed for changed in map(self.refresh, rects) if changed is not None]

    def _wait(self, rects: Iterable[Rect]) -> None:
        """Compose rectangles later, each place once however often it changes until then."""
        for piece in banded(rects, PIECE_PIXELS):
            if not any(holds(one, piece) for one in self._waiting):
                self._waiting.append(piece)
        if sum(map(room, self._waiting)) > self.width * self.height:
            self._waiting = deque(banded([around(self._waiting)], PIECE_PIXELS))

    def _differences(
        self, before: Mapping[int, Shown], old: Sequence[Shown], after: Mapping[int, Shown], fresh: Sequence[Shown]
    ) -> list[Rect]:
        """Rectangles around every pixel that another code is given when `after` takes the place of `before`.

        `old` are those of `before` in the order in which they were painted; `fresh` those of `after` that are not the
        same objects.
        """
        gone = before.keys() - after.keys()
        others = {each.id for each in fresh if each.id not in before or not _same_mask(before[each.id], each)} | gone
        old_order = [item.id for item in old if item.id in after]
        new_order = [key for key in after if key in before]
        reordered = old_order != new_order
        if reordered and [one for one in old_order if one not in others] != [
            one for one in new_order if one not in others
        ]:
            return [(0, 0, self.width, self.height)]
        changed = []
        for key in others:
            one, other = before.get(key), after.get(key)
            # What grew may now lie beneath what it covered, and the other way round, wherever it is.
            if one is None or other is None or reordered:
                changed.append(around([item.bounds for item in (one, other) if item is not None]))
            else:
                changed.append(_difference(one.mask, other.mask))
        return [rect for rect in changed if rect[0] < rect[2]]

    def _set_styles(self, items: Iterable[Shown]) -> None:
        slots: dict[Style, list[int]] = {}
        for item in items:
            slots.setdefault(item.style, []).append(self._slots[item.id])
        for style, alike in slots.items():
            self._set_style(alike, style)

    def _set_style(self, slots: list[int], style: Style) -> None:
        opacity, places = self._opacity, np.array(slots)
        fill = style.fill(opacity)
        for kind, boundary in enumerate((style.outline(opacity), style.gap(opacity), fill)):
            self._table[kind, places] = fill
            self._table[kind, places | BOUNDARY] = boundary

    def _meeting(self, rect: Rect) -> NDArray[np.int64]:
        x1, y1, x2, y2 = self._bounds.T
        return np.flatnonzero((x1 < rect[2]) & (x2 > rect[0]) & (y1 < rect[3]) & (y2 > rect[1]))

    def _widened(self, rect: Rect) -> Rect | None:
        """With the pixels around it whose boundary bits hang on those in it; None where it is outside of the image."""
        x1, y1 = max(rect[0] - 1, 0), max(rect[1] - 1, 0)
        x2, y2 = min(rect[2] + 1, self.width), min(rect[3] + 1, self.height)
        return (x1, y1, x2, y2) if x1 < x2 and y1 < y2 else None

    def _writing(self, rect: Rect, threads: int = THREADS) -> Callable[[], None]:
        """What composes a rectangle as everything is now."""
        x1, y1, x2, y2 = rect
        preview, shape, slot = self._preview, np.zeros((2, 2), dtype=np.bool_), PREVIEW_SLOT
        items: list[Shown | None] = list(self.within(rect))  # None stands for the stroke in progress
        if preview is not None:
            shape = preview.window((x1 - 1, y1 - 1, x2 + 1, y2 + 1))
            items = self._with_preview(items, preview)
            slot = self._slots.get(preview.target or 0, slot) if preview.flip else slot
        stamps = [
            Stamp(shape, x1 - 1, y1 - 1, slot)
            if item is None
            else Stamp(item.mask.bitmap, item.mask.x, item.mask.y, self._slots[item.id])
            for item in items
        ]

        return self._levels.writing(rect, stamps, threads)

    def _with_preview(self, items: list[Shown | None], preview: Preview) -> list[Shown | None]:
        """What lies in a rectangle, the stroke in progress on top, or in the place of its target where it flips."""
        if not preview.flip:
            return [*(item for item in items if item is not None and item.id != preview.target), None]
        near = {item.id for item in items if item is not None} | {preview.target}
        return [None if item.id == preview.target else item for item in self._order if item.id in near]


def _same_mask(one: Shown, other: Shown) -> bool:
    return one.mask is other.mask or one.mask == other.mask


def _difference(one: Mask, other: Mask) -> Rect:
    """The bounds of the pixels that are in one mask only: little of a large mask that a short stroke changed."""
    whole = around([one.bounds, other.bounds])
    return Mask.from_crop(one.crop(*whole) ^ other.crop(*whole), whole[0], whole[1]).bounds
