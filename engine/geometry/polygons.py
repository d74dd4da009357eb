"""Masks as polygons along pixel edges, and back.

Rings run at integer corners in continuous coordinates, so that filling them by the even-odd rule gives the bitmap back.
(OpenCV's contours run through pixel centres and do not.)
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_mask

from engine.geometry import rle
from engine.geometry.mask import Mask

Ring = NDArray[np.int64]

# pycocotools walks a polygon's perimeter in steps of a fifth of a pixel; beyond these limits that would only exhaust
# the memory (16 bytes a step), no image is as large.
MAX_COORDINATE = 1_000_000.0
MAX_PERIMETER = 2_000_000.0
# Of either ring, when two are joined: a million distances take some milliseconds, and any corner would do.
_COMPARED_CORNERS = 1000


def outlines(mask: Mask) -> list[Ring]:
    """The mask's borders as rings (n, 2) of x, y corners, each at a turn, the first not repeated at the end.

    Outer rings run clockwise on the screen, holes counter-clockwise. Pixels that touch only at a corner belong to
    different rings where they can.
    """
    if mask.is_empty:
        return []
    rows, columns, swapped = _corners(mask)
    across = _partners(np.arange(len(rows)))
    # Corners in column order; where two share a point, `swapped` says which of them meets the border above.
    down = _partners(np.lexsort((swapped, rows, columns)))
    points = np.stack([columns + mask.x, rows + mask.y], axis=1)
    return [_clockwise(mask, points[ring]) for ring in _cycles(across.tolist(), down.tolist())]


def joined(rings: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """One ring (n, 2) along all of at least one, joined by lines there and back between corners that lie close.

    Such lines enclose nothing, so that by the even-odd rule it covers what the rings cover together.
    """
    path = rings[0]
    for ring in rings[1:]:
        at, start = _close_corners(path, ring)
        path = np.concatenate([path[: at + 1], ring[start:], ring[: start + 1], path[at:]])
    return path


def to_coco_polygons(mask: Mask, height: int, width: int) -> list[list[float]] | None:
    """COCO polygons [[x, y, x, y, ...], ...] of the mask on an image of that size.

    None where pycocotools would not decode them to the same mask (masks with holes, first of all): store RLE then.
    """
    inside = mask.clip(width, height)
    rings = outlines(inside)
    if not rings or any(_signed_area(ring) < 0 for ring in rings):
        return None
    # In the crop alone, where it is quicker: whole numbers decode to the same pixels wherever they lie.
    in_crop = [(ring - (inside.x, inside.y)).ravel().tolist() for ring in rings]
    decoded = coco_mask.merge(coco_mask.frPyObjects(in_crop, inside.height, inside.width))
    if decoded["counts"].decode("ascii") != rle.encode_crop(inside):
        return None
    return [ring.ravel().astype(float).tolist() for ring in rings]


def from_coco_polygons(polygons: Sequence[Sequence[float]], height: int, width: int) -> Mask:
    """The union of COCO polygons on an image of that size, as pycocotools draws them.

    Polygons of fewer than three points cover nothing. Raises ValueError, in words, where one is not a list of finite
    x, y pairs.
    """
    return rle.from_counts([coco_counts(polygons, height, width)], height, width)[0]


def coco_counts(polygons: Sequence[Sequence[float]], height: int, width: int) -> bytes:
    """What `from_coco_polygons` draws, encoded for `rle.from_counts`. Raises as that does."""
    checked = [_checked(polygon, index) for index, polygon in enumerate(polygons)]
    drawable = [polygon for polygon in checked if len(polygon) >= 6]
    if not drawable:
        return b""
    drawn = coco_mask.frPyObjects(drawable, height, width)
    return bytes((drawn[0] if len(drawn) == 1 else coco_mask.merge(drawn))["counts"])


def _checked(polygon: Any, index: int) -> list[float]:
    try:
        numbers = np.asarray(polygon, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"polygon {index} is not a list of numbers") from error
    if numbers.ndim != 1 or len(numbers) % 2:
        raise ValueError(f"polygon {index} is not a list of x, y pairs")
    farthest = float(np.abs(numbers).max(initial=0.0))
    if not farthest <= MAX_COORDINATE:  # nor is NaN
        raise ValueError(f"polygon {index} has a coordinate that no image has")
    points = numbers.reshape(-1, 2)
    # No edge is longer, each way, than twice the farthest coordinate; most borders need no closer look.
    longest = 2 * farthest * len(numbers)
    if longest > MAX_PERIMETER and np.abs(points - np.roll(points, -1, axis=0)).sum() > MAX_PERIMETER:
        raise ValueError(f"polygon {index} has a border longer than any image's")
    return numbers.tolist()


def _close_corners(a: NDArray[Any], b: NDArray[Any]) -> tuple[int, int]:
    """The indices of two corners, one of each ring: the nearest, or among very many some that are about as near."""
    step_a, step_b = (max(1, len(ring) // _COMPARED_CORNERS) for ring in (a, b))
    few_a, few_b = a[::step_a].astype(np.float64), b[::step_b].astype(np.float64)
    distances = (few_a[:, None, 0] - few_b[:, 0]) ** 2 + (few_a[:, None, 1] - few_b[:, 1]) ** 2
    at, start = np.unravel_index(int(distances.argmin()), distances.shape)
    return int(at) * step_a, int(start) * step_b


def _corners(mask: Mask) -> tuple[Ring, Ring, Ring]:
    """Row, column and column-order key of each turn of the border, in row order, relative to the crop.

    A point where the border turns has one or three set pixels around it; one between two diagonal pixels is two turns.
    """
    padded = np.zeros((mask.height + 2, mask.width + 2), dtype=np.int8)
    padded[1:-1, 1:-1] = mask.bitmap
    above, below = padded[:-1], padded[1:]
    # Of the four pixels around a point: a turn is where neither the rows nor the columns agree.
    count = above[:, :-1] + above[:, 1:] + below[:, :-1] + below[:, 1:]
    falling = (count == 2) & (above[:, :-1] == below[:, 1:])
    turns = (count & 1) + 2 * falling
    rows, columns = np.nonzero(turns)
    repeats = turns[rows, columns]
    # Of two turns at one point the first ends the border from the left. It turns up around a set pixel above left,
    # and down around one below left; in column order the turn that meets the border above must come first.
    rising = above[rows, columns] == 0
    rows, columns = np.repeat(rows, repeats), np.repeat(columns, repeats)
    second = np.zeros(len(rows), dtype=np.int64)
    second[1:] = (rows[1:] == rows[:-1]) & (columns[1:] == columns[:-1])
    return rows, columns, np.where(np.repeat(rising, repeats), 1 - second, second)


def _partners(order: NDArray[np.intp]) -> NDArray[np.intp]:
    """For each corner the one at the other end of its edge, where edges join consecutive pairs of `order`."""
    partner = np.empty_like(order)
    partner[order[0::2]] = order[1::2]
    partner[order[1::2]] = order[0::2]
    return partner


def _cycles(across: list[int], down: list[int]) -> list[list[int]]:
    """Corner indices of each ring, going along a row first; every ring begins at its first corner in row order."""
    rings = []
    seen = bytearray(len(across))
    for start in range(len(across)):
        if seen[start]:
            continue
        ring: list[int] = []
        corner = start
        while not seen[corner]:
            other = across[corner]
            seen[corner] = seen[other] = 1
            ring += (corner, other)
            corner = down[other]
        rings.append(ring)
    return rings


def _clockwise(mask: Mask, ring: Ring) -> Ring:
    """The ring with the mask on its right: as it is where the pixel under its first edge, which goes right, is set."""
    x, y = ring[0] - (mask.x, mask.y)
    below_is_set = y < mask.height and mask.bitmap[y, x]
    return ring if below_is_set else ring[::-1]


def _signed_area(ring: Ring) -> int:
    """Twice the area inside (shoelace formula), positive where the ring runs clockwise on the screen."""
    x, y = ring[:, 0], ring[:, 1]
    return int(x[:-1] @ y[1:] - x[1:] @ y[:-1] + x[-1] * y[0] - x[0] * y[-1])
