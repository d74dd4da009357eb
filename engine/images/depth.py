"""From values of any depth to the 8 bits of a screen: a window of the values is spread linearly over 0..255."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.images.arrays import bands, new_array

# The share of values, in percent, that may saturate at either end of the default window.
_SATURATED = 0.1
# Pixels of a large image that are looked at for its window; of others all are.
_SAMPLES = 4_000_000
_CHUNK = 1 << 20  # values brought to 8 bits at once: numpy needs 8 bytes for each meanwhile


@dataclass(frozen=True, slots=True, eq=False)
class DeepPixels:
    """Upright values at their own depth, and how to show them.

    Attributes:
        values: (H, W) or (H, W, 3) RGB of any real type, C-contiguous.
        low, high: the default window, the values between which 0..255 are spread: their 0.1 and 99.9 percentile.
        least, most: the smallest and the largest finite value.
    """

    values: NDArray[Any]
    low: float
    high: float
    least: float
    most: float

    @property
    def is_deep(self) -> bool:
        """Whether the values have more than 8 bits, so that there is a window to choose."""
        return self.values.dtype != np.uint8

    def rgb(self) -> NDArray[np.uint8]:
        """(H, W, 3) uint8 RGB through the default window; it lies on disk if the values do."""
        if self.values.dtype == np.uint8 and self.values.ndim == 3:
            return self.values
        on_disk = isinstance(self.values, np.memmap)
        out = new_array((*self.values.shape[:2], 3), np.uint8, on_disk=on_disk)
        return apply_window(self.values, self.low, self.high, out)


def deep_pixels(values: NDArray[Any], *, sampled: bool) -> DeepPixels:
    """The values with their default window; where `sampled`, estimated from an even grid of pixels."""
    if values.dtype == np.uint8:
        return DeepPixels(values, 0.0, 255.0, 0.0, 255.0)
    return DeepPixels(values, *default_window(values, sampled=sampled), *_extent(values))


def default_window(values: NDArray[Any], *, sampled: bool) -> tuple[float, float]:
    """(low, high); equal where all values are, and for what is not a finite number, which becomes 0."""
    if values.dtype == np.uint8:
        return 0.0, 255.0
    if sampled:
        every = max(1, round((values.shape[0] * values.shape[1] / _SAMPLES) ** 0.5))
        values = values[::every, ::every]
    real = values.astype(np.float32)
    finite = real[np.isfinite(real)]
    if finite.size == 0:
        return 0.0, 0.0
    low, high = np.percentile(finite, [_SATURATED, 100 - _SATURATED])
    if high <= low:
        # Less than the saturated share differs from the rest (a few bright pixels): the full range shows them.
        low, high = finite.min(), finite.max()
    return float(low), float(high)


def apply_window(
    values: NDArray[Any], low: float, high: float, out: NDArray[np.uint8] | None = None
) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 RGB of values (H, W) or (H, W, 3): `low` and below become 0, `high` and above 255.

    What is not a finite number becomes 0, as does everything where `high` is not above `low`. `out` is filled and
    returned where it is given.
    """
    rgb = np.empty((*values.shape[:2], 3), np.uint8) if out is None else out
    step = max(1, _CHUNK // max(1, values[0].size)) if len(values) else 1
    for first in range(0, len(values), step):
        eight = _windowed(values[first : first + step], low, high)
        rgb[first : first + step] = eight if eight.ndim == 3 else cv2.cvtColor(eight, cv2.COLOR_GRAY2RGB)
    return rgb


def _windowed(values: NDArray[Any], low: float, high: float) -> NDArray[np.uint8]:
    if values.dtype.kind in "ui" and values.itemsize <= 2:
        # The values' bits as an index: one look-up rather than five operations a value.
        # Every index is in the table, so "clip" changes nothing but that numpy does not check, which takes longer.
        return _table(values.dtype.char, low, high).take(values.view(f"u{values.itemsize}"), mode="clip")
    return _scaled(values, low, high)


@lru_cache(maxsize=8)  # a window that is dragged is painted in many small pieces
def _table(type_char: str, low: float, high: float) -> NDArray[np.uint8]:
    """What each value of an 8 or 16 bit type becomes, by its bits."""
    bits = 8 * np.dtype(type_char).itemsize
    return _scaled(np.arange(1 << bits, dtype=f"u{bits // 8}").view(type_char), low, high)


def _scaled(values: NDArray[Any], low: float, high: float) -> NDArray[np.uint8]:
    if high <= low:
        return np.zeros(values.shape, dtype=np.uint8)
    real = values.astype(np.float32)
    real[~np.isfinite(real)] = low
    return np.rint(np.clip((real - low) * (255.0 / (high - low)), 0, 255)).astype(np.uint8)


def _extent(values: NDArray[Any]) -> tuple[float, float]:
    """The smallest and the largest finite value; (0, 0) without one."""
    least, most = np.inf, -np.inf
    for rows in bands(values.shape, values.itemsize):
        part = values[rows]
        finite = part[np.isfinite(part)] if part.dtype.kind == "f" else part
        if finite.size:
            least, most = min(least, float(finite.min())), max(most, float(finite.max()))
    return (least, most) if least <= most else (0.0, 0.0)
