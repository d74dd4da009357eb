"""Regions of like pixels: what the magic wand takes.

A pixel is like the seed where each of its values differs from the seed's by at most the tolerance: red, green and blue
each for themselves, or brightness alone (0.299 R + 0.587 G + 0.114 B, rounded). The comparison is with the seed, never
from neighbour to neighbour, so a gradient cannot lead the region away step by step.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.geometry.mask import Bitmap

FOUR, EIGHT = 4, 8  # neighbours of a pixel: a region is joined along edges, and so what surrounds it also at corners
# A hole or a speck of at most this share of a region is noise of the image rather than a part of the object.
SMALL_SHARE = 0.02


def brightness(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(h, w) of (h, w, 3) RGB, as the module says."""
    return np.asarray(cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2GRAY), dtype=np.uint8)


def alike(values: NDArray[np.uint8], seed: tuple[int, int], tolerance: int) -> Bitmap:
    """The pixels (h, w) of `values` (h, w) or (h, w, 3) that are like the one at `seed`, column and row."""
    here = np.atleast_1d(values[seed[1], seed[0]]).astype(np.float64)
    least, most = _scalar(here - tolerance), _scalar(here + tolerance)
    return np.asarray(cv2.inRange(values, least, most)) != 0


def connected(bitmap: Bitmap, seed: tuple[int, int]) -> Bitmap:
    """The set pixels (h, w) that a path of set pixels, each sharing an edge with the next, joins with the seed."""
    height, width = bitmap.shape
    if not bitmap[seed[1], seed[0]]:
        return np.zeros_like(bitmap)
    filled = np.zeros((height + 2, width + 2), dtype=np.uint8)
    flags = FOUR | cv2.FLOODFILL_MASK_ONLY | cv2.FLOODFILL_FIXED_RANGE | (255 << 8)
    cv2.floodFill(np.ascontiguousarray(bitmap).view(np.uint8), filled, seed, 0, 0, 0, flags)
    return filled[1:-1, 1:-1] == 255


def without_small_holes(bitmap: Bitmap) -> Bitmap:
    """The pixels (h, w) with holes filled that hold at most `SMALL_SHARE` as many pixels as are set.

    A hole is made of unset pixels that are joined along edges or at corners and do not reach the border.
    """
    most = SMALL_SHARE * np.count_nonzero(bitmap)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(_bytes(~bitmap), connectivity=EIGHT)
    height, width = bitmap.shape
    left, top = stats[:, cv2.CC_STAT_LEFT], stats[:, cv2.CC_STAT_TOP]
    right, bottom = left + stats[:, cv2.CC_STAT_WIDTH], top + stats[:, cv2.CC_STAT_HEIGHT]
    inside = (left > 0) & (top > 0) & (right < width) & (bottom < height)
    filled = inside & (stats[:, cv2.CC_STAT_AREA] <= most)
    filled[0] = False  # the pixels that were set
    result: Bitmap = bitmap | filled[labels] if count > 1 else bitmap
    return result


def without_specks(bitmap: Bitmap) -> Bitmap:
    """The pixels (h, w) without parts that hold at most `SMALL_SHARE` of them; parts are joined along edges."""
    most = SMALL_SHARE * np.count_nonzero(bitmap)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(_bytes(bitmap), connectivity=FOUR)
    kept = stats[:, cv2.CC_STAT_AREA] > most
    kept[0] = False  # the pixels that were not set
    result: Bitmap = kept[labels] if count > 1 else bitmap
    return result


def _bytes(bitmap: Bitmap) -> NDArray[np.uint8]:
    return np.ascontiguousarray(bitmap).view(np.uint8)


def _scalar(values: NDArray[np.float64]) -> tuple[float, ...]:
    """OpenCV's four values; those of channels that are not there do not matter."""
    return (*values.tolist(), 0.0, 0.0, 0.0)[:4]
