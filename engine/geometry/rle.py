"""Run-length encodings: the one that projects store (of the crop) and COCO's (of the whole image).

Both are COCO's compressed text: runs of the bitmap in column order, beginning with unset pixels, written in 6-bit
characters, where each run from the fourth on is the difference to the run two before (pycocotools, `maskApi.c`).
"""

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_mask

from engine.geometry.mask import Bitmap, Mask

Runs = NDArray[np.int64]


def encode_crop(mask: Mask) -> str:
    """The stored encoding of the mask's bitmap; place and size are kept beside it. Empty text for the empty mask."""
    if mask.is_empty:
        return ""
    # OpenCV turns rows into columns block by block: a mask across a huge image would keep numpy busy for half a second.
    columns = np.asarray(cv2.transpose(mask.bitmap.view(np.uint8))).T
    return str(coco_mask.encode(columns)["counts"].decode("ascii"))


def decode_crop(x: int, y: int, width: int, height: int, counts: str) -> Mask:
    """The mask that `encode_crop` encoded, from its bounds. Raises ValueError where the counts do not fit them."""
    if width == 0 or height == 0:
        return Mask.empty()
    bitmap = coco_mask.decode({"size": [height, width], "counts": counts.encode("ascii")})
    return Mask(x, y, np.ascontiguousarray(bitmap).view(np.bool_))


def to_coco(mask: Mask, height: int, width: int) -> dict[str, Any]:
    """{"size": [height, width], "counts": text} as pycocotools encodes the bitmap of the whole image.

    Pixels outside the image are left out. Work and memory are those of the crop, not of the image.
    """
    runs = _image_runs(mask.clip(width, height), height, width)
    encoded = coco_mask.frPyObjects({"size": [height, width], "counts": runs.tolist()}, height, width)
    return {"size": [height, width], "counts": encoded["counts"].decode("ascii")}


def from_coco(segmentation: Mapping[str, Any]) -> Mask:
    """The mask of a COCO RLE, whose counts are compressed text or a list of runs.

    Raises ValueError, in words, where the record is not one or its runs do not add up to its size.
    """
    height, width = _size(segmentation.get("size"))
    counts = segmentation.get("counts")
    if isinstance(counts, str | bytes):
        runs = _decompress(counts)
    elif isinstance(counts, list) and all(type(run) is int and abs(run) < 2**31 for run in counts):
        runs = np.asarray(counts, dtype=np.int64)
    else:
        raise ValueError("counts is neither a text nor a list of whole numbers")
    if (runs < 0).any() or (runs > height * width).any() or int(runs.sum()) != height * width:
        raise ValueError(f"counts do not add up to the {height} x {width} pixels of size")
    return _from_runs(runs, height)


def _size(size: object) -> tuple[int, int]:
    # 2**31 pixels is far above any image that opens, and keeps a hostile size from exhausting the memory.
    if not isinstance(size, list | tuple) or len(size) != 2:
        raise ValueError("size is not [height, width]")
    height, width = size
    if type(height) is not int or type(width) is not int or min(size) < 0 or height * width >= 2**31:
        raise ValueError("size is not a height and a width of an image")
    return height, width


def _image_runs(mask: Mask, height: int, width: int) -> Runs:
    """Run lengths of the whole image in column order, from the runs of each column of the crop."""
    # A column of unset pixels on either side of each column of the crop makes every run begin and end inside of it.
    padded = np.zeros((mask.width, mask.height + 2), dtype=np.int8)
    padded[:, 1:-1] = mask.bitmap.T
    step = np.diff(padded, axis=1)
    columns, rows = np.nonzero(step)
    # Starts and ends alternate within each column, and so does the list of them all.
    edges = (columns + mask.x) * height + rows + mask.y
    # Where a run ends at the bottom and the next begins at the top of the next column, the two are one.
    joined = np.flatnonzero(edges[1:-1:2] == edges[2::2]) * 2 + 1
    edges = np.delete(edges, np.concatenate([joined, joined + 1]))
    boundaries = np.concatenate([[0], edges, [height * width]])
    runs = np.diff(boundaries)
    return runs[:-1] if len(runs) > 1 and runs[-1] == 0 else runs


def _from_runs(runs: Runs, height: int) -> Mask:
    """The mask of run lengths in column order; only the columns between the first and the last set pixel are built."""
    ends = np.cumsum(runs)
    set_ends = ends[1::2]
    set_starts = set_ends - runs[1::2]
    filled = set_ends > set_starts
    if not filled.any():
        return Mask.empty()
    left = int(set_starts[filled][0]) // height
    right = (int(set_ends[filled][-1]) - 1) // height + 1
    bounded = np.clip(np.concatenate([[0], ends]) - left * height, 0, (right - left) * height)
    values = np.arange(len(runs)) % 2 == 1
    window: Bitmap = np.repeat(values, np.diff(bounded)).reshape(right - left, height)
    return Mask.from_crop(window.T, left, 0)


def _decompress(counts: str | bytes) -> Runs:
    """Run lengths of COCO's compressed text: 5 bits a character, lowest first; 0x20 continues, 0x10 is the sign."""
    try:
        text = counts.encode("ascii") if isinstance(counts, str) else counts
    except UnicodeEncodeError as error:
        raise ValueError("counts holds characters that no encoding has") from error
    codes = np.frombuffer(text, dtype=np.uint8).astype(np.int64) - 48
    if len(codes) == 0:
        return np.zeros(0, dtype=np.int64)
    if codes.min() < 0 or codes.max() > 63 or codes[-1] & 0x20:
        raise ValueError("counts holds characters that no encoding has, or ends early")
    last = np.flatnonzero((codes & 0x20) == 0)
    first = np.concatenate([[0], last[:-1] + 1])
    lengths = last - first + 1
    # Seven characters hold 35 bits, more than any run; longer ones would overflow the shift.
    if lengths.max() > 7:
        raise ValueError("counts holds a run that is too long")
    place = np.arange(len(codes)) - np.repeat(first, lengths)
    runs = np.add.reduceat((codes & 0x1F) << (5 * place), first)
    runs -= np.where(codes[last] & 0x10, np.left_shift(np.int64(1), 5 * lengths), 0)
    runs[1::2] = np.cumsum(runs[1::2])
    runs[2::2] = np.cumsum(runs[2::2])
    return runs
