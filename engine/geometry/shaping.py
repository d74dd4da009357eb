"""Masks made tidier: holes filled, specks removed, borders grown, shrunk and smoothed; and the parts that they have.

Parts that touch at a corner are one part; so that borders never cross, holes that do are two. Distances are Euclidean,
between pixel centres. What lies beyond the image is not known: a mask that reaches its border is neither shrunk nor
rounded there. `image_size` is (width, height), and pixels outside of it are left out of every result that takes it.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.geometry.mask import Bitmap, Mask

DIAGONAL, STRAIGHT = 8, 4
# Above the root of a whole number and one more than it are no longer told apart in the single precision of distances.
MAX_RADIUS = 1000
_HALF = 1 << 15  # of the 16 bits in which a smoothed mask is weighed


def parts(mask: Mask) -> list[Mask]:
    """The connected parts of a mask, largest first, then from top to bottom."""
    found = components(mask.bitmap, mask.x, mask.y, DIAGONAL)
    return sorted(found, key=lambda part: (-part.area, part.y, part.x))


def holes(mask: Mask) -> list[Mask]:
    """The holes of a mask, each as the pixels that would fill it; islands in a hole are not part of it."""
    if mask.width < 3 or mask.height < 3:
        return []
    inverse = np.pad(~mask.bitmap, 1, constant_values=True)
    around = (mask.x - 1, mask.y - 1)
    return [part for part in components(inverse, *around, STRAIGHT) if (part.x, part.y) != around]


def fill_holes(mask: Mask) -> Mask:
    """The mask with everything that it encloses."""
    if mask.width < 3 or mask.height < 3:
        return mask
    outside = np.pad(~mask.bitmap, 1, constant_values=True).view(np.uint8)
    cv2.floodFill(outside, None, (0, 0), 2, flags=STRAIGHT)
    return Mask.from_crop(outside[1:-1, 1:-1] != 2, mask.x, mask.y)


def remove_specks(mask: Mask, area: int) -> Mask:
    """Without the parts of fewer than `area` pixels, then without the holes of fewer. The largest part stays."""
    if mask.is_empty:
        return mask
    labels, boxes = _labelled(mask.bitmap, DIAGONAL)
    keep = boxes[:, cv2.CC_STAT_AREA] >= area
    keep[_largest(boxes)] = True
    keep[0] = False
    labels, boxes = _labelled(np.pad(~keep[labels], 1, constant_values=True), STRAIGHT)
    fill = boxes[:, cv2.CC_STAT_AREA] < area
    fill[0] = True  # what is set already
    fill[labels[0, 0]] = False  # around everything
    return Mask.from_crop(fill[labels][1:-1, 1:-1], mask.x, mask.y)


def keep_largest(mask: Mask) -> Mask:
    """The part with the most pixels; of several such parts the one that begins first from top to bottom."""
    if mask.is_empty:
        return mask
    labels, boxes = _labelled(mask.bitmap, DIAGONAL)
    return Mask.from_crop(labels == _largest(boxes), mask.x, mask.y)


def grow(mask: Mask, radius: int, image_size: tuple[int, int]) -> Mask:
    """With every pixel of the image at most `radius` pixels from one of the mask's."""
    window = _window(mask, radius, image_size)
    if window is None:
        return Mask.empty()
    return Mask.from_crop(_distances(~mask.crop(*window)) <= _checked(radius), *window[:2])


def shrink(mask: Mask, radius: int, image_size: tuple[int, int]) -> Mask:
    """Only the pixels more than `radius` pixels from every pixel of the image that is not the mask's; maybe none."""
    window = _window(mask, 1, image_size)
    if window is None:
        return Mask.empty()
    bitmap = mask.crop(*window)
    return mask if bitmap.all() else Mask.from_crop(_distances(bitmap) > _checked(radius), *window[:2])


def smooth(mask: Mask, radius: int, image_size: tuple[int, int]) -> Mask:
    """Without bumps and dents smaller than `radius` pixels. No part and no hole goes.

    Each outer border is smoothed on its own and each hole too, so thin walls between them stay.
    """
    result = []
    for part in parts(mask.clip(*image_size)):
        filled = fill_holes(part)
        gaps = components(filled.bitmap & ~part.bitmap, part.x, part.y, STRAIGHT)
        inside = together([_softened(gap, radius, image_size) for gap in gaps])
        smoothed = _softened(filled, radius, image_size).subtract(inside)
        result.append(smoothed if smoothed.overlaps(part) else part)
    return together(result)


def together(masks: Sequence[Mask]) -> Mask:
    """The pixels of any of the masks; of many in a fraction of the time that joining them one by one takes."""
    boxes = [mask.bounds for mask in masks if not mask.is_empty]
    if not boxes:
        return Mask.empty()
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    left, top = min(lefts), min(tops)
    window = np.zeros((max(bottoms) - top, max(rights) - left), dtype=np.bool_)
    for mask in masks:
        x, y = mask.x - left, mask.y - top
        window[y : y + mask.height, x : x + mask.width] |= mask.bitmap
    return Mask.from_crop(window, left, top)


def components(bitmap: Bitmap, x: int, y: int, connectivity: int) -> list[Mask]:
    """The connected parts of a bitmap whose top left pixel is (x, y), by where they begin from top to bottom."""
    if bitmap.size == 0:  # OpenCV ends the process
        return []
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(bitmap.view(np.uint8), connectivity=connectivity)
    return [
        Mask.from_crop(labels[top : top + height, left : left + width] == label, x + left, y + top)
        for label, (left, top, width, height, _) in zip(range(1, count), boxes[1:].tolist(), strict=True)
    ]


def _labelled(bitmap: Bitmap, connectivity: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """The label of each pixel, 0 where it is unset, and the row of OpenCV's statistics of each label."""
    _, labels, boxes, _ = cv2.connectedComponentsWithStats(bitmap.view(np.uint8), connectivity=connectivity)
    return np.asarray(labels, np.int32), np.asarray(boxes, np.int32)


def _largest(boxes: NDArray[np.int32]) -> int:
    """The label with the most pixels; of several such labels the one that begins first from top to bottom."""
    left, top, area = (boxes[1:, column] for column in (cv2.CC_STAT_LEFT, cv2.CC_STAT_TOP, cv2.CC_STAT_AREA))
    return 1 + int(np.lexsort((left, top, -area))[0])


def _window(mask: Mask, margin: int, image_size: tuple[int, int]) -> tuple[int, int, int, int] | None:
    """The mask's bounds with a margin around them, inside of the image; None where nothing of the mask is inside."""
    if mask.clip(*image_size).is_empty:
        return None
    x1, y1, x2, y2 = mask.bounds
    width, height = image_size
    return max(x1 - margin, 0), max(y1 - margin, 0), min(x2 + margin, width), min(y2 + margin, height)


def _distances(bitmap: Bitmap) -> NDArray[np.float32]:
    """How far each set pixel is from the nearest unset one, of which there is at least one; 0 for unset pixels."""
    return np.asarray(cv2.distanceTransform(bitmap.view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE), np.float32)


def _softened(mask: Mask, radius: int, image_size: tuple[int, int]) -> Mask:
    """The pixels around which most is set, near ones counting most; the mask itself where there are none."""
    reach = 2 * _checked(radius)
    window = _window(mask, reach, image_size)
    if window is None or radius < 1:
        return mask
    weight = mask.crop(*window).astype(np.uint16) * np.uint16(2 * _HALF - 1)
    size = (2 * reach + 1, 2 * reach + 1)
    blurred = cv2.GaussianBlur(weight, size, radius / 2, borderType=cv2.BORDER_REPLICATE)
    softened = Mask.from_crop(blurred >= _HALF, *window[:2])
    return mask if softened.is_empty else softened


def _checked(radius: int) -> int:
    if not 0 <= radius <= MAX_RADIUS:
        raise ValueError(f"a radius is between 0 and {MAX_RADIUS} pixels, not {radius}")
    return radius
