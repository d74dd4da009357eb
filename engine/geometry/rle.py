"""Run-length encodings: the one that projects store (of the crop) and COCO's (of the whole image).

Both are COCO's compressed text: runs of the bitmap in column order, beginning with unset pixels, written in 6-bit
characters, where each run from the fourth on is the difference to the run two before (pycocotools, `maskApi.c`).
"""

from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_mask

from engine.geometry.mask import Bitmap, Mask

_kernels: ModuleType | None
try:
    from engine import _kernels
except ImportError:
    _kernels = None

Runs = NDArray[np.int64]

THREADS = 2  # for the masks of one image: more of them wait for memory


class Place(NamedTuple):
    """A mask as it is stored: its bounds in image pixels, and the encoding of its bitmap."""

    x: int
    y: int
    width: int
    height: int
    counts: str


def encode_crop(mask: Mask) -> str:
    """The stored encoding of the mask's bitmap; place and size are kept beside it. Empty text for the empty mask."""
    if mask.is_empty:
        return ""
    if mask.encoding is not None:
        return mask.encoding
    # OpenCV turns rows into columns block by block: a mask across a huge image would keep numpy busy for half a second.
    columns = np.asarray(cv2.transpose(mask.bitmap.view(np.uint8))).T
    counts = str(coco_mask.encode(columns)["counts"].decode("ascii"))
    mask.keep_encoding(counts)
    return counts


def decode_crops(places: Sequence[Place]) -> list[Mask]:
    """The masks that `encode_crop` encoded, from their bounds. Raises ValueError where counts do not fit them.

    Many at once take a fraction of the time that they take one by one.
    """
    drawn = [place for place in places if place.width > 0 and place.height > 0]
    masks = iter(_decoded(drawn))
    found = []
    for place in places:
        if place.width > 0 and place.height > 0:
            mask = next(masks)
            mask.keep_encoding(place.counts)
        else:
            mask = Mask.empty()
        found.append(mask)
    return found


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
    counts = compressed(segmentation)
    return from_counts([counts], *_size(segmentation["size"]))[0]


def compressed(segmentation: Mapping[str, Any]) -> bytes:
    """The counts of a COCO RLE as compressed text, which `from_counts` takes, empty for an image without pixels only.

    Raises ValueError where there are none; whether those that are text are right is left to `from_counts`.
    """
    height, width = _size(segmentation.get("size"))
    counts = segmentation.get("counts")
    if isinstance(counts, list) and all(type(run) is int and abs(run) < 2**31 for run in counts):
        if min(counts, default=0) < 0 or sum(counts) != height * width:
            raise _misfit(height, width)
        return bytes(coco_mask.frPyObjects({"size": [height, width], "counts": counts}, height, width)["counts"])
    if not isinstance(counts, str | bytes):
        raise ValueError("counts is neither a text nor a list of whole numbers")
    if not counts and height * width:
        raise _misfit(height, width)
    try:
        return counts.encode("ascii") if isinstance(counts, str) else counts
    except UnicodeEncodeError as error:
        raise ValueError("counts holds characters that no encoding has") from error


def from_counts(counts: Sequence[bytes], height: int, width: int) -> list[Mask]:
    """The masks of COCO's compressed texts on one image, an empty text for the empty mask.

    Many at once take a fraction of the time that they take one by one. Raises ValueError, in words that do not say
    which, where one of them is no encoding or does not add up to the size of the image.
    """
    drawn = [text for text in counts if text]
    if not drawn:
        return [Mask.empty()] * len(counts)
    runs, firsts = _decompress(drawn)
    size = height * width
    edges = np.concatenate([[0], np.cumsum(runs)])
    # The images side by side are one image: each ends where the next begins.
    whole = edges[firsts] == np.arange(len(drawn)) * size
    if not whole.all() or edges[-1] != len(drawn) * size or (runs < 0).any():
        raise _misfit(height, width)
    masks = iter(_cut_out(edges, firsts, height, width))
    return [next(masks) if text else Mask.empty() for text in counts]


def _decoded(places: Sequence[Place]) -> list[Mask]:
    """The masks of places that have pixels."""
    if _kernels is None:
        found = [coco_mask.decode({"size": [each.height, each.width], "counts": each.counts}) for each in places]
        bitmaps = [np.ascontiguousarray(pixels).view(np.bool_) for pixels in found]
        return [Mask(place.x, place.y, bitmap) for place, bitmap in zip(places, bitmaps, strict=True)]
    sizes = np.array([(each.height, each.width) for each in places], dtype=np.int64).reshape(-1, 2)
    ends = np.cumsum(sizes.prod(axis=1)).tolist()
    pixels = np.empty(ends[-1] if ends else 0, dtype=np.bool_)
    if not _kernels.decode_runs([each.counts for each in places], sizes, pixels, threads=THREADS):
        raise ValueError("counts of a mask do not fit its bounds")
    pixels.flags.writeable = False
    return [
        Mask.unchecked(x, y, pixels[end - height * width : end].reshape(height, width))
        for (x, y, width, height, _), end in zip(places, ends, strict=True)
    ]


def _misfit(height: int, width: int) -> ValueError:
    return ValueError(f"counts do not add up to the {height} x {width} pixels of size")


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


def _cut_out(edges: Runs, firsts: Runs, height: int, width: int) -> list[Mask]:
    """The mask of each of several images side by side, from where the runs of them all begin and end in column order.

    `firsts` are the indices of each image's first run, which is one of unset pixels as every other one from there.
    """
    owners = np.repeat(np.arange(len(firsts)), np.diff(np.append(firsts, len(edges) - 1)))
    is_set = ((np.arange(len(owners)) - firsts[owners]) % 2 == 1) & (edges[1:] > edges[:-1])
    owners, starts, last = owners[is_set], edges[:-1][is_set], edges[1:][is_set] - 1
    masks = [Mask.empty()] * len(firsts)
    if not len(owners):
        return masks
    groups = np.flatnonzero(np.diff(owners, prepend=-1))
    (left, top), (right, bottom) = np.divmod(starts, height), np.divmod(last, height)
    # A run over several columns reaches the bottom of one and the top of the next.
    is_long = right > left
    highest = np.minimum.reduceat(np.where(is_long, 0, top), groups)
    lowest = np.maximum.reduceat(np.where(is_long, height - 1, bottom), groups)
    leftmost, rightmost = left[groups], right[np.append(groups[1:], len(owners)) - 1]
    heights, widths = lowest - highest + 1, rightmost - leftmost + 1
    begin = np.concatenate([[0], np.cumsum(heights * widths)])
    # The same runs in the crops, which follow each other as the images do.
    of = np.repeat(np.arange(len(groups)), np.diff(np.append(groups, len(owners))))
    starts = begin[of] + (left - leftmost[of]) * heights[of] + top - highest[of]
    ends = begin[of] + (right - leftmost[of]) * heights[of] + bottom - highest[of] + 1
    lengths = np.diff(np.stack([starts, ends], axis=1).ravel(), prepend=0, append=begin[-1])
    pixels: Bitmap = np.repeat(np.arange(len(lengths)) % 2 == 1, lengths)
    places = np.stack([owners[groups], leftmost - owners[groups] * width, highest, widths, heights, begin[:-1]], axis=1)
    for owner, x, y, w, h, at in places.tolist():
        masks[owner] = Mask(x, y, pixels[at : at + w * h].reshape(w, h).T)
    return masks


def _decompress(texts: Sequence[bytes]) -> tuple[Runs, Runs]:
    """Run lengths of COCO's compressed texts, none of them empty, and the index of each one's first run.

    5 bits a character, lowest first; 0x20 continues, 0x10 is the sign.
    """
    codes = np.frombuffer(b"".join(texts), dtype=np.uint8).astype(np.int64) - 48
    ends = np.cumsum([len(text) for text in texts])
    if codes.min() < 0 or codes.max() > 63 or (codes[ends - 1] & 0x20).any():
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
    firsts = np.concatenate([[0], np.searchsorted(last, ends[:-1])])
    index = np.arange(len(runs)) - np.repeat(firsts, np.diff(np.append(firsts, len(runs))))
    # From the fourth run on each is the difference to the one two before: sums of every other run, anew in each text.
    for chain in (index % 2 == 1, (index % 2 == 0) & (index > 0)):
        sums = np.cumsum(np.where(chain, runs, 0))
        before = np.concatenate([[0], sums])[firsts]
        runs = np.where(chain, sums - np.repeat(before, np.diff(np.append(firsts, len(runs)))), runs)
    return runs, firsts
