"""How the image's values become the screen's: brightness, contrast, gamma, one channel, inverted.

Only what is drawn goes through; the image itself is never touched.
"""

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from app.canvas.sampling import Pixels

STEEPEST = 4.0  # how much the greatest contrast spreads the values around mid grey, and the least draws them together


class Channel(StrEnum):
    """What of the image is seen."""

    ALL = "all"
    RED = "red"
    GREEN = "green"
    BLUE = "blue"
    LUMINANCE = "luminance"


_PLANE = {Channel.BLUE: 0, Channel.GREEN: 1, Channel.RED: 2}  # where a channel lies in 0xAARRGGBB, from the lowest byte


@dataclass(frozen=True, slots=True)
class Tone:
    """One way to look at an image. `brightness` and `contrast` go from -1 to 1; a `gamma` above 1 lifts the darks."""

    brightness: float = 0.0
    contrast: float = 0.0
    gamma: float = 1.0
    channel: Channel = Channel.ALL
    inverted: bool = False

    @property
    def is_neutral(self) -> bool:
        """Whether the image is seen as it is."""
        return self == Tone()

    def table(self) -> NDArray[np.uint8]:
        """(256,) uint8: what each value of a channel becomes. Gamma first, then contrast, brightness, inversion."""
        return _table(self)

    def applied(self, pixels: Pixels) -> Pixels:
        """0xAARRGGBB (h, w) uint32 as it is to be seen; `pixels` themselves where that is the same."""
        if self.is_neutral:
            return pixels
        planes: Any = pixels.view(np.uint8).reshape(*pixels.shape, 4)
        if self.channel is Channel.LUMINANCE:
            planes = cv2.cvtColor(planes, cv2.COLOR_BGRA2GRAY)
        elif self.channel is not Channel.ALL:
            planes = cv2.extractChannel(planes, _PLANE[self.channel])
        toned = cv2.LUT(planes, self.table())
        if toned.ndim == 2:
            toned = cv2.cvtColor(toned, cv2.COLOR_GRAY2BGRA)
        result: Pixels = toned.view(np.uint32)[..., 0]
        return result


@lru_cache(maxsize=8)
def _table(tone: Tone) -> NDArray[np.uint8]:
    values = (np.arange(256) / 255) ** (1 / tone.gamma)
    values = (values - 0.5) * STEEPEST**tone.contrast + 0.5 + tone.brightness
    table = np.clip(np.rint(values * 255), 0, 255).astype(np.uint8)
    if tone.inverted:
        table = 255 - table
    table.setflags(write=False)
    return table
