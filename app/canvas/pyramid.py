"""The image in halved sizes, so that a view far out reads few pixels and shows no aliasing."""

from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from app.canvas.sampling import Picture, Pixels
from engine.images import DeepPixels, apply_window
from engine.images.arrays import bands, new_array

SMALLEST_LEVEL = 256  # as for the overlay
# A level of more bytes lies on disk if the image does.
LARGEST_IN_MEMORY = 32 << 20
# What OpenCV can halve; other types become float32, which holds what a screen can show of them.
_HALVED_TYPES = frozenset(map(np.dtype, (np.uint8, np.uint16, np.int16, np.float32, np.float64)))


class ImageLevels(Protocol):
    """What the canvas paints an image from; a pixel of level k is the mean of 2^k x 2^k image pixels."""

    levels: int

    def pixels(self, level: int) -> Picture:
        """0xAARRGGBB (h, w) of a level, 0 being the full size, sizes halved and rounded up."""


class Pyramid:
    """Levels of one 8-bit image in the screen's colours, made when first drawn."""

    def __init__(self, rgb: NDArray[np.uint8]) -> None:
        """`rgb` is (H, W, 3) uint8."""
        # Four bytes a pixel as the screen has them, or every paint would convert.
        self._levels: list[Any] = [_screen_bytes(rgb)]
        self.levels = _level_count(rgb)

    def pixels(self, level: int) -> Pixels:
        """As `ImageLevels`."""
        while len(self._levels) <= level:
            self._levels.append(_halved(self._levels[-1], on_disk=False))
        pixels: Pixels = self._levels[level].view(np.uint32)[..., 0]
        return pixels


class DeepPyramid:
    """Levels of one image at its own depth, coloured where they are drawn: through a window that may change.

    A large image, whose values lie on disk, has its levels there too; it is made into one off the GUI thread.
    """

    def __init__(self, image: DeepPixels) -> None:
        self.image = image
        self.window = (image.low, image.high)
        self.levels = _level_count(image.values)
        self._values: list[NDArray[Any]] = [image.values]
        self._kept: dict[
            int, Pixels
        ] = {}  # coarse levels that look the same through any window, as the screen has them
        if isinstance(image.values, np.memmap):
            self._make(self.levels - 1)
            for level, values in enumerate(self._values):
                if not image.is_deep and values.nbytes <= LARGEST_IN_MEMORY:
                    self._kept[level] = _Windowed(values, *self.window)[:, :]

    def pixels(self, level: int) -> Picture:
        """As `ImageLevels`."""
        self._make(level)
        kept = self._kept.get(level)
        return _Windowed(self._values[level], *self.window) if kept is None else kept

    def _make(self, level: int) -> None:
        while len(self._values) <= level:
            finer = self._values[-1]
            on_disk = isinstance(self.image.values, np.memmap) and finer.nbytes > 4 * LARGEST_IN_MEMORY
            self._values.append(_halved(finer, on_disk=on_disk))


class _Windowed:
    """Values (h, w) or (h, w, 3) as a picture; of a slice only that much is coloured."""

    def __init__(self, values: NDArray[Any], low: float, high: float) -> None:
        self._values, self._low, self._high = values, low, high
        self.shape = values.shape[:2]

    def __getitem__(self, window: tuple[slice, slice]) -> Pixels:
        values = self._values[window]
        if values.dtype != np.uint8 or values.ndim == 2:
            values = apply_window(values, self._low, self._high)
        pixels: Pixels = _screen_bytes(values).view(np.uint32)[..., 0]
        return pixels


def _screen_bytes(rgb: NDArray[np.uint8]) -> Any:
    return cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2BGRA)


def _level_count(values: NDArray[Any]) -> int:
    longer, count = max(values.shape[:2]), 1
    while longer > SMALLEST_LEVEL:
        longer, count = (longer + 1) // 2, count + 1
    return count


def _halved(finer: NDArray[Any], *, on_disk: bool) -> NDArray[Any]:
    """The mean of every 2 x 2 values, a band at a time; the last line of an odd number of them counts twice."""
    height, width = finer.shape[:2]
    kind = finer.dtype if finer.dtype in _HALVED_TYPES else np.float32
    result = new_array(((height + 1) // 2, (width + 1) // 2, *finer.shape[2:]), kind, on_disk=on_disk)
    for rows in bands(result.shape, 4 * result.itemsize):
        part = np.asarray(finer[2 * rows.start : 2 * rows.stop], kind)
        down, right = part.shape[0] % 2, width % 2
        if down or right:  # or the halves would not lie on pixel borders
            part = cv2.copyMakeBorder(part, 0, down, 0, right, cv2.BORDER_REPLICATE)
        size = (part.shape[1] // 2, part.shape[0] // 2)
        result[rows] = cv2.resize(part, size, interpolation=cv2.INTER_AREA)
    return result
