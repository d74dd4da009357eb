"""The magic wand: marks the pixels that look like the one under the pointer.

It looks at the image itself, 8 bits a channel, and a deeper image through its automatic window: never at brightness,
contrast or other settings of the view, which would make a mask depend on how somebody liked to see the image. Which
pixels are alike is in `engine.geometry.regions`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter

from app.canvas.rects import Rect
from app.jobs.background import Advance
from app.tools.base import PointerEvent, Tool
from app.tools.marked import Marked
from app.tools.marking import Target
from app.tools.options import Choice, Entry, Number, Option, Toggle
from app.translation import tr
from engine.geometry.mask import Mask
from engine.geometry.regions import alike, brightness, connected, without_small_holes
from engine.project import Action

if TYPE_CHECKING:
    from app.canvas.view import CanvasView


# Pixels that are looked at in one go: an image of 4096 x 4096 as a whole, which takes some 0.2 s in the background.
MOST_PIXELS = 1 << 24
FIRST_TOLERANCE, MOST_TOLERANCE = 24, 255
TRAVEL = 2.0  # widget pixels that the pointer goes to the right for one level more
REMOVING = "#d55e00"
COLOUR, BRIGHTNESS = "colour", "brightness"
ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)


@dataclass(frozen=True, eq=False)
class Look:
    """Where the wand looks and for what: everything but the tolerance. `window` is x1 y1 x2 y2 in image pixels."""

    pixels: NDArray[np.uint8]
    window: Rect
    seed: tuple[int, int]
    by_brightness: bool
    joined: bool
    filled: bool

    def region(self, tolerance: int, advance: Advance) -> Mask:
        """The pixels that are like the seed."""
        x1, y1, x2, y2 = self.window
        values = np.ascontiguousarray(self.pixels[y1:y2, x1:x2])
        advance()
        values = brightness(values) if self.by_brightness else values
        seed = self.seed[0] - x1, self.seed[1] - y1
        found = alike(values, seed, tolerance)
        advance()
        if self.joined:
            found = connected(found, seed)
            advance()
        mask = Mask.from_crop(found, x1, y1)
        return _filled(mask) if self.filled else mask


@dataclass(eq=False)
class _Growing:
    """A region between the press and the edit that stores it."""

    canvas: CanvasView
    target: Target
    look: Look
    removes: bool
    start: float  # where the press was, in image pixels from the left
    first: float  # the tolerance then
    result: Marked | None = None
    asked: bool = False  # whether a result is on its way
    released: bool = False


class Wand(Tool):
    """A press marks, dragging to the right marks more and to the left less; with Ctrl held it removes."""

    name = "wand"

    def __init__(self) -> None:
        super().__init__()
        self.tolerance = Number(
            tr("Tolerance"),
            tr("How far a pixel may differ from the one you press on, out of 255 (drag, or Ctrl + wheel)"),
            *(0, MOST_TOLERANCE, FIRST_TOLERANCE, 1),
        )
        self.by = Choice(
            tr("Compare"),
            (Entry(COLOUR, tr("Colour"), "palette-outline"), Entry(BRIGHTNESS, tr("Brightness"), "brightness-6")),
            COLOUR,
        )
        self.joined = Toggle(
            tr("Connected"), tr("Only pixels joined to the one you press on; else all in view"), "vector-link", True
        )
        self.filled = Toggle(tr("Fill small holes"), tr("Fill holes that are noise of the image"), "circle-opacity")
        self._growing: _Growing | None = None

    # -- Tool

    def options(self) -> Sequence[Option]:
        marking = self.canvas.marking
        return self.tolerance, self.by, self.joined, self.filled, marking.fresh, marking.apart

    def press(self, event: PointerEvent) -> None:
        width, height = self.canvas.image_size
        pixels = self.canvas.session.pixels
        if pixels is None or not (0 <= event.x < width and 0 <= event.y < height):
            return
        removes = event.has(Qt.KeyboardModifier.ControlModifier)
        target = self.canvas.marking.target(removes, self.canvas.instances_at(event.x, event.y))
        if target is None:
            return
        seed = int(event.x), int(event.y)
        window = looked_at((width, height), _in_view(self), seed, self.joined.value)
        by_brightness = self.by.value == BRIGHTNESS
        look = Look(pixels, window, seed, by_brightness, self.joined.value, self.filled.value)
        self._growing = _Growing(self.canvas, target, look, removes, event.x, self.tolerance.value)
        self._ask(self._growing)

    def move(self, event: PointerEvent) -> None:
        growing = self._growing
        if growing is None or growing.released or not event.buttons & Qt.MouseButton.LeftButton:
            return
        before = self.tolerance.value
        self.tolerance.set(growing.first + (event.x - growing.start) * self.canvas.viewport.scale / TRAVEL)
        if self.tolerance.value != before:
            self._ask(growing)

    def release(self, event: PointerEvent) -> None:
        self._finish()

    def taken_keys(self) -> Collection[Qt.Key]:
        return () if self._growing is None else ENTER

    def press_key(self, key: Qt.Key) -> None:
        self._finish()

    def wheel(self, event: PointerEvent, steps: float) -> bool:
        if not (event.has(Qt.KeyboardModifier.ControlModifier) or event.has(Qt.KeyboardModifier.AltModifier)):
            return False
        self.tolerance.set(self.tolerance.value + round(steps) * 2)
        return True

    def cancel(self) -> bool:
        growing, self._growing = self._growing, None
        if growing is None:
            return False
        if not growing.released:
            self.canvas.work.forget()
            self.tolerance.set(growing.first)
        self.canvas.update()
        return True

    def paint(self, painter: QPainter) -> None:
        if self._growing is not None and self._growing.result is not None:
            room = QRectF(self.canvas.rect())
            self._growing.result.paint(painter, room, self.canvas.viewport, self.canvas.zoom)

    # -- the region

    def _ask(self, growing: _Growing) -> None:
        look, tolerance = growing.look, round(self.tolerance.value)
        growing.asked = True
        self.canvas.work.ask(
            tr("Looking for like pixels…"),
            lambda advance: look.region(tolerance, advance),
            lambda mask: self._take(growing, mask),
            lambda why: self._fail(growing, why),
            self.cancel,
        )

    def _take(self, growing: _Growing, mask: Mask) -> None:
        growing.asked = False
        if growing.released:
            self._commit(growing, mask)
        elif growing is self._growing:
            color = REMOVING if growing.removes else self.canvas.category_color(growing.target.category_id)
            growing.result = Marked(mask, color)
            self.canvas.update()

    def _fail(self, growing: _Growing, why: str) -> None:
        growing.canvas.session.notice.emit(why)
        if growing is self._growing:
            self.cancel()

    def _finish(self) -> None:
        growing = self._growing
        if growing is None or growing.released:
            return
        growing.released = True
        if growing.asked:
            self.canvas.work.keep()  # or a press soon after this one would drop it
        elif growing.result is not None:
            self._commit(growing, growing.result.mask)

    def _commit(self, growing: _Growing, mask: Mask) -> None:
        if growing is self._growing:
            self._growing = None
        growing.canvas.session.writing.when_free(partial(self._store, growing, mask))

    def _store(self, growing: _Growing, mask: Mask) -> None:
        """The tool may be another by now, and the image, too."""
        canvas, session = growing.canvas, growing.canvas.session
        canvas.update()
        if session.image is None or session.image.id != growing.target.image_id:
            session.notice.emit(tr("Nothing was marked: the magic wand was still at work when the image changed."))
            return
        changed = canvas.marking.commit(growing.target, mask, Action.WAND, removes=growing.removes)
        if changed and _goes_on(mask, growing.look, canvas.image_size):
            session.notice.emit(tr("The region may go on beyond the part of the image that you see."))


def looked_at(size: tuple[int, int], in_view: Rect, seed: tuple[int, int], joined: bool) -> Rect:
    """The part of an image of `size` (width, height) that is searched, x1 y1 x2 y2.

    For joined pixels the whole image, or of one of more than `MOST_PIXELS` what is in view and half as much around it;
    for all like pixels just what is in view. Never more than `MOST_PIXELS`, around the seed.
    """
    width, height = size
    x1, y1, x2, y2 = in_view
    if joined:
        if width * height <= MOST_PIXELS:
            return 0, 0, width, height
        across, down = (x2 - x1) // 2, (y2 - y1) // 2
        x1, y1, x2, y2 = x1 - across, y1 - down, x2 + across, y2 + down
    if (x2 - x1) * (y2 - y1) > MOST_PIXELS:
        half = int(MOST_PIXELS**0.5) // 2
        x1, x2 = max(x1, seed[0] - half), min(x2, seed[0] + half)
        y1, y2 = max(y1, seed[1] - half), min(y2, seed[1] + half)
    return max(x1, 0), max(y1, 0), min(x2, width), min(y2, height)


def _in_view(tool: Tool) -> Rect:
    """The image pixels that the canvas shows, at least partly."""
    canvas = tool.canvas
    left, top = canvas.viewport.to_image(0, 0)
    right, bottom = canvas.viewport.to_image(canvas.width(), canvas.height())
    width, height = canvas.image_size
    return max(int(left), 0), max(int(top), 0), min(int(right) + 1, width), min(int(bottom) + 1, height)


def _filled(mask: Mask) -> Mask:
    """Holes do not reach the border of the mask's own bitmap, so no more than that is needed."""
    return Mask.from_crop(without_small_holes(mask.bitmap), mask.x, mask.y) if not mask.is_empty else mask


def _goes_on(mask: Mask, look: Look, size: tuple[int, int]) -> bool:
    """Whether a region of joined pixels ends where the search did, but the image goes on."""
    if mask.is_empty or not look.joined:
        return False
    whole = (0, 0, *size)
    return any(a == b != c for a, b, c in zip(mask.bounds, look.window, whole, strict=True))
