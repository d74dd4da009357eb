"""A stroke in progress, as the overlay composes it among the masks."""

from dataclasses import dataclass
from typing import Protocol

from app.canvas.appearance import Style
from app.canvas.rects import Rect
from engine.geometry.mask import Bitmap, Mask


class Drawn(Protocol):
    """A stroke in progress, or any mask that is to be shown like one."""

    @property
    def bounds(self) -> Rect:
        """A rectangle that holds the pixels so far, (0, 0, 0, 0) where there is none."""

    def crop(self, x1: int, y1: int, x2: int, y2: int) -> Bitmap:
        """The pixels so far as a new bitmap (y2 - y1, x2 - x1) of that window, which may reach out of the image."""


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
        rects = [self.stroke.bounds] if self.flip else [self.base.bounds, self.stroke.bounds]
        return [rect for rect in rects if rect[0] < rect[2]]

    def window(self, rect: Rect) -> Bitmap:
        """The previewed mask inside `rect`, which may reach one pixel outside of the image; unset there."""
        base, stroke = self.base.crop(*rect), self.stroke.crop(*rect)
        if self.flip:
            return base ^ stroke
        return base & ~stroke if self.erase else base | stroke
