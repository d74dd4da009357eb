"""What of a picture falls on a rectangle of device pixels.

Done here rather than by Qt's scaled drawing for two reasons. Every device pixel is computed from its own place alone,
so a partial repaint gives the very pixels of a whole one, where Qt accumulates rounding from wherever a span begins.
And interpolating a window of 1920 x 1080 takes 6 ms rather than 15 to 21.
"""

import math
from dataclasses import dataclass
from types import ModuleType
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

_kernels: ModuleType | None
try:
    from engine import _kernels
except ImportError:
    _kernels = None

Pixels = NDArray[np.uint32]
DeviceRect = tuple[int, int, int, int]  # x1 y1 x2 y2 in device pixels, x2 and y2 exclusive

WHOLE = 128  # the weight of a whole pixel, as in csrc/resample.hpp
THREADS = 2  # a repaint waits for memory with more


class Picture(Protocol):
    """Pixels (h, w) that may be made when they are asked for: an array, or something of which a window can be cut."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    def __getitem__(self, window: tuple[slice, slice], /) -> Pixels: ...


@dataclass(frozen=True, slots=True)
class Placement:
    """How an image lies on the device: point (0, 0) at (`x`, `y`), `zoom` device pixels per image pixel."""

    zoom: float
    x: float
    y: float

    def covered(self, rect: DeviceRect, width: int, height: int) -> DeviceRect | None:
        """The part of `rect` whose pixels have their centre on an image of that size."""
        x1 = max(rect[0], math.ceil(self.x - 0.5))
        y1 = max(rect[1], math.ceil(self.y - 0.5))
        x2 = min(rect[2], math.ceil(self.x + width * self.zoom - 0.5))
        y2 = min(rect[3], math.ceil(self.y + height * self.zoom - 0.5))
        return (x1, y1, x2, y2) if x1 < x2 and y1 < y2 else None


def under(rect: DeviceRect, place: Placement, width: int, height: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """(columns, rows) of the image pixels under the centres of the device pixels of a covered `rect`."""
    columns = np.floor((np.arange(rect[0], rect[2]) + 0.5 - place.x) / place.zoom).astype(np.intp)
    rows = np.floor((np.arange(rect[1], rect[3]) + 0.5 - place.y) / place.zoom).astype(np.intp)
    return np.clip(columns, 0, width - 1), np.clip(rows, 0, height - 1)


def starts(first: int, end: int, origin: float, zoom: float, length: int) -> tuple[int, NDArray[np.int64]]:
    """The first of an image's `length` columns that has a device pixel from `first` to `end`, and where it and those
    after it begin, with where the last ends. At a zoom of at least 1; `under` says the same by device pixel."""
    one = min(max(math.floor((first + 0.5 - origin) / zoom), 0), length - 1)
    last = min(max(math.floor((end - 0.5 - origin) / zoom), one), length - 1)
    columns = np.arange(one, last + 2)
    places = np.ceil(columns * zoom + origin - 0.5)
    # The product and the quotient may round to different sides of a border.
    places += np.floor((places + 0.5 - origin) / zoom) < columns
    places -= np.floor((places - 0.5 - origin) / zoom) >= columns
    return one, places.astype(np.int64)


def sample(picture: Picture, level: int, rect: DeviceRect, place: Placement, output: Pixels, *, smoothly: bool) -> None:
    """Fill `output` (h, w) with what of level `level` of a picture falls on the device pixels `rect`.

    A level pixel covers 2^level image pixels. `smoothly` interpolates linearly between their centres, where a level
    pixel is not just a device pixel; otherwise each shows as a square.
    """
    if _kernels is None:
        output[...] = sampled(picture, level, rect, place, smoothly=smoothly)
    else:
        _resample(picture, level, rect, place, output, smoothly=smoothly, onto=False)


def lay_over(picture: Picture, level: int, rect: DeviceRect, place: Placement, output: Pixels) -> None:
    """Lay premultiplied colours over opaque `output` (h, w), smoothly as `sample` does. Needs the compiled kernels."""
    _resample(picture, level, rect, place, output, smoothly=True, onto=True)


def sampled(picture: Picture, level: int, rect: DeviceRect, place: Placement, *, smoothly: bool) -> Pixels:
    """As `sample`, without the compiled kernels."""
    coarse = Placement(place.zoom * 2**level, place.x, place.y)
    if smoothly and not _is_whole(coarse.zoom):
        return _interpolated(picture, rect, coarse)
    return nearest(picture, *under(rect, coarse, picture.shape[1], picture.shape[0]))


def nearest(picture: Picture, columns: NDArray[np.intp], rows: NDArray[np.intp]) -> Pixels:
    """picture[rows, columns] for all pairs of ascending indices, C-contiguous; reads only the window they span."""
    left, top = columns[0], rows[0]
    window = picture[top : rows[-1] + 1, left : columns[-1] + 1]
    if window.shape == (len(rows), len(columns)):  # one to one
        return np.ascontiguousarray(window)
    # Columns first on the fewer rows of the picture; whole rows are then copied at the speed of memory.
    return window.take(columns - left, axis=1).take(rows - top, axis=0)


def _resample(
    picture: Picture, level: int, rect: DeviceRect, place: Placement, output: Pixels, *, smoothly: bool, onto: bool
) -> None:
    assert _kernels is not None
    height, width = picture.shape
    coarse = Placement(place.zoom * 2**level, place.x, place.y)
    if smoothly and not _is_whole(coarse.zoom):
        columns, column_weights = _between(rect[0], rect[2], coarse.x, coarse.zoom, width)
        rows, row_weights = _between(rect[1], rect[3], coarse.y, coarse.zoom, height)
    else:
        columns, rows = under(rect, coarse, width, height)
        column_weights, row_weights = (np.zeros(len(places), dtype=np.uint8) for places in (columns, rows))
    left, top = int(columns[0]), int(rows[0])
    window = picture[top : min(int(rows[-1]) + 2, height), left : min(int(columns[-1]) + 2, width)]
    _kernels.resample(
        window,
        (columns - left).astype(np.int32),
        column_weights,
        (rows - top).astype(np.int32),
        row_weights,
        output,
        onto=onto,
        threads=THREADS,
    )


def _between(
    first: int, end: int, origin: float, zoom: float, length: int
) -> tuple[NDArray[np.intp], NDArray[np.uint8]]:
    """For each device column the picture column whose centre lies before its own, and the weight of the one after."""
    places = (np.arange(first, end) + 0.5 - origin) / zoom - 0.5
    in_weights = np.rint(np.clip(places, 0, length - 1) * WHOLE).astype(np.intp)
    return in_weights // WHOLE, (in_weights % WHOLE).astype(np.uint8)


def _interpolated(picture: Picture, rect: DeviceRect, place: Placement) -> Pixels:
    height, width = picture.shape
    step = 1 / place.zoom
    # Where the centre of the first device pixel lies, in indices of picture pixels, whose centres are whole there.
    x = (rect[0] + 0.5 - place.x) * step - 0.5
    y = (rect[1] + 0.5 - place.y) * step - 0.5
    left, top = max(math.floor(x) - 1, 0), max(math.floor(y) - 1, 0)
    right = min(math.ceil(x + (rect[2] - rect[0]) * step) + 2, width)
    bottom = min(math.ceil(y + (rect[3] - rect[1]) * step) + 2, height)
    window = picture[top:bottom, left:right].view(np.uint8).reshape(bottom - top, right - left, 4)
    matrix = np.array([[step, 0, x - left], [0, step, y - top]])
    result = cv2.warpAffine(
        window,
        matrix,
        (rect[2] - rect[0], rect[3] - rect[1]),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    pixels: Pixels = np.ascontiguousarray(result).view(np.uint32)[..., 0]
    return pixels


def _is_whole(zoom: float) -> bool:
    """Whether every picture pixel covers one device pixel, so that there is nothing to interpolate."""
    return abs(zoom - 1) < 1e-9
