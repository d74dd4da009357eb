"""Pictures whose values are the numbers of objects: reading them, cutting out the masks, and painting them."""

import contextlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image as Pillow

from engine.errors import InvalidDataset
from engine.formats.reading import Tally
from engine.geometry.mask import Mask
from engine.records import Instance

Labels = NDArray[Any]

# A label image is decoded whole: with 32 bits a value this takes 1.6 GB.
_MOST_PIXELS = 400_000_000
# Rows are looked at in strips of about this many pixels, so that sorting them takes little memory.
_STRIP = 1 << 22
# The boxes around the labels of a photograph each span most of it. Those of objects, nested or not, cover an image a
# few times over; what is far above that is no label map, and its masks would fill the memory.
_COVERED = 20
_SMALL = 1 << 24


@dataclass(frozen=True, slots=True)
class LabelImage:
    """`values` (H, W) whole numbers from 0 on; those of a colour picture are 65536 red + 256 green + blue.

    `colors` (n, 3) uint8 are those of the palette, by value, where there is one.
    """

    values: Labels
    colors: NDArray[np.uint8] | None = None
    is_color: bool = False


def read_label_image(path: Path, name: str, *, colors: bool = False) -> LabelImage:
    """Reads a PNG or a TIFF of one page. Raises InvalidDataset where it is damaged, or (unless `colors`) in colour."""
    with _explained(name):
        with path.open("rb") as file:
            start = file.read(4)
        if start in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
            return LabelImage(_read_tiff(path, name))
        return _read_png(path, name, colors)


def masks_in(values: Labels, name: str) -> Iterator[tuple[int, Mask]]:
    """Each value above 0 and the mask of its pixels, in the order of the values.

    Raises InvalidDataset where they are scattered as those of a photograph are.
    """
    bounds = _bounds(values)
    covered = sum((x2 - x1) * (y2 - y1) for x1, y1, x2, y2 in bounds.values())
    if covered > _COVERED * values.size + _SMALL:
        raise InvalidDataset(
            f"{name} has {len(bounds)} values that are scattered all over it, so it is no label map.",
            remedy="Choose pictures in which each value is one object.",
        )
    for value in sorted(bounds):
        x1, y1, x2, y2 = bounds[value]
        yield value, Mask.from_crop(values[y1:y2, x1:x2] == value, x1, y1)


def paint(instances: Sequence[Instance], width: int, height: int, losses: Tally, where: str) -> Labels:
    """A picture (height, width) uint32 in which the instances are 1, 2, 3, ...; a later one covers an earlier one.

    What that costs goes into `losses`.
    """
    values = np.zeros((height, width), dtype=np.uint32)
    for number, instance in enumerate(instances, start=1):
        mask = instance.mask.clip(width, height)
        x1, y1, x2, y2 = mask.bounds
        window = values[y1:y2, x1:x2]
        covered = int(np.count_nonzero(window[mask.bitmap]))
        if covered:
            losses.add("Pixels of several instances, which went to the last of them", where, covered)
        window[mask.bitmap] = number
    lost = len(instances) - (len(np.unique(values)) - int((values == 0).any()))
    if lost:
        losses.add("Instances that others cover wholly, which are lost", where, lost)
    return values


@contextlib.contextmanager
def _explained(name: str) -> Iterator[None]:
    """Turns whatever the decoders raise for a bad file into words."""
    try:
        yield
    except InvalidDataset:
        raise
    except FileNotFoundError as error:
        raise InvalidDataset(f"There is no file {name}.") from error
    except MemoryError as error:
        raise InvalidDataset(f"There is not enough memory to open {name}.") from error
    # Decoders meet damaged files with errors of every kind (struct.error, SyntaxError, IndexError, ...).
    except Exception as error:
        raise InvalidDataset(
            f"{name} is no PNG or TIFF image, or is damaged.", remedy="Replace it with a complete copy."
        ) from error


def _read_png(path: Path, name: str, colors: bool) -> LabelImage:
    with Pillow.open(path, formats=("PNG",)) as image:
        _check_size(name, *image.size)
        if image.mode in ("1", "L", "I", "I;16"):
            values = np.asarray(image)
            if values.min(initial=0) < 0:
                raise InvalidDataset(f"{name} has values below 0, so it is no label map.")
            return LabelImage(values.astype(np.uint8) if values.dtype == np.bool_ else values)
        if image.mode == "P":
            palette = np.array(image.getpalette("RGB"), dtype=np.uint8).reshape(-1, 3)
            return LabelImage(np.asarray(image), palette)
        if not colors:
            raise InvalidDataset(f"{name} is a colour picture, not one in which each value is an object.")
        red, green, blue = np.moveaxis(np.asarray(image.convert("RGB")).astype(np.uint32), 2, 0)
        return LabelImage((red << 16) | (green << 8) | blue, is_color=True)


def _read_tiff(path: Path, name: str) -> Labels:
    with tifffile.TiffFile(path) as tiff:
        if len(tiff.pages) != 1:
            raise InvalidDataset(f"{name} has {len(tiff.pages)} pages; a label map has one.")
        page = tiff.pages.first
        _check_size(name, page.imagewidth, page.imagelength)
        if page.dtype is None or page.dtype.kind not in "uib":
            raise InvalidDataset(f"{name} holds {page.dtype} values; a label map has whole numbers.")
        if page.size != page.imagewidth * page.imagelength:
            raise InvalidDataset(f"{name} has several channels, so it is no label map.")
        ends = [offset + count for offset, count in zip(page.dataoffsets, page.databytecounts, strict=False)]
        # tifffile fills strips that are not there with zeros.
        if len(ends) != math.prod(page.chunked) or max(ends, default=0) > path.stat().st_size:
            raise InvalidDataset(f"{name} is cut short.", remedy="Replace it with a complete copy.")
        values = _pixels(path, page).reshape(page.imagelength, page.imagewidth)
    if values.min(initial=0) < 0 or values.max(initial=0) >= 1 << 32:
        raise InvalidDataset(f"{name} has values that are no numbers of objects, below 0 or above 32 bits.")
    return values.astype(np.uint8) if values.dtype == np.bool_ else values


def _pixels(path: Path, page: Any) -> Labels:
    try:
        return np.asarray(page.asarray())
    except ValueError:
        # tifffile has no LZW of its own; OpenCV has it through libtiff.
        return np.asarray(cv2.imdecode(np.fromfile(path, dtype=np.uint8), cv2.IMREAD_UNCHANGED))


def _check_size(name: str, width: int, height: int) -> None:
    if width * height > _MOST_PIXELS:
        raise InvalidDataset(
            f"{name} has {width} x {height} pixels; at most {_MOST_PIXELS // 1_000_000} million can be opened."
        )


def _bounds(values: Labels) -> dict[int, tuple[int, int, int, int]]:
    """x1 y1 x2 y2 of each value but 0."""
    found: dict[int, tuple[int, int, int, int]] = {}
    height, width = values.shape
    step = max(1, _STRIP // max(width, 1))
    for top in range(0, height, step):
        strip = values[top : top + step]
        rows, columns = np.nonzero(strip)
        present, which = np.unique(strip[rows, columns], return_inverse=True)
        low = np.full((2, len(present)), max(height, width))
        high = np.zeros((2, len(present)), dtype=np.int64)
        for axis, places in enumerate((columns, rows + top)):
            np.minimum.at(low[axis], which, places)
            np.maximum.at(high[axis], which, places + 1)
        for value, x1, y1, x2, y2 in zip(present.tolist(), *low.tolist(), *high.tolist(), strict=True):
            a1, b1, a2, b2 = found.get(value, (x1, y1, x2, y2))
            found[value] = (min(a1, x1), min(b1, y1), max(a2, x2), max(b2, y2))
    return found
