"""Handles between press and release: the mask as it would be is shown while the pointer moves."""

import math

import numpy as np

from app.canvas.appearance import style
from app.canvas.preview import Preview
from app.canvas.rects import Rect
from app.canvas.view import CanvasView
from app.session import Session
from app.tools.base import PointerEvent
from app.tools.marking import Target
from engine.geometry.mask import Bitmap, Mask
from engine.geometry.vertices import Insertion, Move

STILL = 3.0  # widget pixels that a hand moves in a click


class Flips:
    """The pixels of an image of that size that a change turns into their opposite, but those `blocked` (H, W)."""

    def __init__(self, image_size: tuple[int, int], blocked: Bitmap | None) -> None:
        self.bounds: Rect = (0, 0, 0, 0)
        self._bitmap: Bitmap = np.zeros(image_size[::-1], dtype=np.bool_)
        self._blocked = blocked

    def add(self, flipped: Mask) -> None:
        """Turn these pixels of the image round once more."""
        x1, y1, x2, y2 = flipped.bounds
        free = flipped.bitmap if self._blocked is None else flipped.bitmap & ~self._blocked[y1:y2, x1:x2]
        self._bitmap[y1:y2, x1:x2] ^= free
        before = self.bounds if self.bounds[0] < self.bounds[2] else flipped.bounds
        self.bounds = (min(before[0], x1), min(before[1], y1), max(before[2], x2), max(before[3], y2))

    def crop(self, x1: int, y1: int, x2: int, y2: int) -> Bitmap:
        """A new bitmap (y2 - y1, x2 - x1) of that window, which may reach out of the image."""
        window = np.zeros((y2 - y1, x2 - x1), dtype=np.bool_)
        height, width = self._bitmap.shape
        left, top, right, bottom = max(x1, 0), max(y1, 0), min(x2, width), min(y2, height)
        if left < right and top < bottom:
            window[top - y1 : bottom - y1, left - x1 : right - x1] = self._bitmap[top:bottom, left:right]
        return window


class Pull:
    """Handles of one instance that follow the pointer from where it took hold of them."""

    def __init__(self, canvas: CanvasView, target: Target, change: Move, event: PointerEvent) -> None:
        self.target, self.change = target, change
        self.has_moved = False
        self._canvas = canvas
        self._from = event.x, event.y
        self._flips: Flips | None = None

    @property
    def is_insertion(self) -> bool:
        """Whether it adds a handle, and so changes the outline without any movement."""
        return isinstance(self.change, Insertion)

    def move(self, event: PointerEvent) -> None:
        """Follow the pointer, once it has moved farther than a hand does in a click."""
        dx, dy = event.x - self._from[0], event.y - self._from[1]
        if not self.has_moved and math.hypot(dx, dy) * self._canvas.viewport.scale <= STILL:
            return
        self.has_moved = True
        flips = self._flips or self._begin()
        for flipped in self.change.to(dx, dy):
            if not flipped.is_empty:
                flips.add(flipped)
                self._canvas.refresh_preview(flipped.bounds)

    def bounds(self) -> tuple[float, float, float, float]:
        """Around the stretches in progress, x1 y1 x2 y2 in image coordinates."""
        points = np.concatenate(self.change.paths)
        (x1, y1), (x2, y2) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
        return x1, y1, x2, y2

    def _begin(self) -> Flips:
        marking, target = self._canvas.marking, self.target
        base = marking.base(target)
        blocked = _held_by_others(self._canvas.session, target, base) if marking.apart.value else None
        self._flips = Flips(self._canvas.image_size, blocked)
        look = style(self._canvas.category_color(target.category_id))
        self._canvas.show_preview(Preview(target.instance_id, base, self._flips, erase=False, style=look, flip=True))
        return self._flips


def _held_by_others(session: Session, target: Target, base: Mask) -> Bitmap:
    """The pixels (H, W) of the image that other shown instances hold and this one does not."""
    assert session.image is not None
    held: Bitmap = np.zeros((session.image.height, session.image.width), dtype=np.bool_)
    for other in session.shown_instances():
        if other.id != target.instance_id:
            x1, y1, x2, y2 = other.mask.bounds
            held[y1:y2, x1:x2] |= other.mask.bitmap
    x1, y1, x2, y2 = base.bounds
    held[y1:y2, x1:x2] &= ~base.bitmap
    return held
