"""Pillow as a decoder: of everything with 8 bits a channel, of 16-bit grey, and of reduced JPEGs."""

import contextlib
import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine.images.arrays import bands, new_array
from engine.images.limits import check_size
from engine.images.orientation import orientation_of

# Only these decoders are tried: Pillow's others may start foreign programs (EPS) or were never tested with this one.
_FORMATS = ("JPEG", "PNG", "TIFF", "BMP", "WEBP")
# How colour models reach grey or RGB: opacity is dropped, and palettes with transparency go by way of RGBA, or Pillow
# complains.
_STEPS = {
    "1": ("L",),
    "LA": ("L",),
    "La": ("LA", "L"),
    "P": ("RGBA", "RGB"),
    "PA": ("RGBA", "RGB"),
    "RGBa": ("RGBA", "RGB"),
}
_READY = ("L", "RGB", "F")


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Image.Image]:
    """The image with its header read, of a size that may be decoded."""
    with warnings.catch_warnings():
        # Pillow warns about odd metadata (EXIF, TIFF tags) that says nothing about the pixels.
        warnings.simplefilter("ignore")
        # Pillow maps uncompressed files that it opens by name, and then turns TIFFs on their side into nonsense.
        with path.open("rb") as file, Image.open(file, formats=_FORMATS) as image:
            check_size(path, *image.size)
            yield image


def decode_with_pillow(path: Path, *, large: int, frame: int = 0) -> tuple[NDArray[Any], int]:
    """The stored values, (H, W) or (H, W, 3) RGB, and their orientation; a TIFF comes upright.

    Above `large` pixels the values lie on disk, but not before they are decoded: that takes 1 byte of memory a pixel
    for grey and palettes, and 4 for the rest (3.6 GB for a JPEG of 30,000 x 30,000 in colour; OpenCV takes 5.2).
    """
    with opened(path) as image:
        orientation = 1 if image.format == "TIFF" else orientation_of(image)  # Pillow turns TIFFs when it loads them
        on_disk = image.width * image.height > large
        if frame:
            image.seek(frame)
        image.load()
        return (_values_by_bands(image) if on_disk else _values(image)), orientation


def reduced_jpeg(path: Path, width: int, height: int) -> tuple[NDArray[np.uint8], int] | None:
    """The stored values at 1/1, 1/2, 1/4 or 1/8 of their size, (H, W) or (H, W, 3), and the orientation.

    They still fill `width` x `height` either way round. None for a file of another kind.
    """
    with opened(path) as image:
        if image.format != "JPEG":
            return None
        orientation = orientation_of(image)
        image.draft(image.mode, (max(width, height), max(width, height)))
        return _values(image), orientation


def is_whole_jpeg(path: Path) -> bool:
    """Whether the file begins and ends as a JPEG does, give or take padding. Others may be whole all the same."""
    with path.open("rb") as file:
        begins = file.read(3) == b"\xff\xd8\xff"
        file.seek(-min(64, path.stat().st_size), os.SEEK_END)
        return begins and b"\xff\xd9" in file.read()


def _values(image: Image.Image) -> NDArray[Any]:
    if image.mode.startswith("I"):
        return np.asarray(image).astype(np.int32 if image.mode == "I" else np.uint16, copy=False)
    for mode in _STEPS.get(image.mode, () if image.mode in _READY else ("RGB",)):
        image = image.convert(mode)
    return np.array(image)


def _values_by_bands(image: Image.Image) -> NDArray[Any]:
    first = _values(image.crop((0, 0, image.width, 1)))
    result = new_array((image.height, *first.shape[1:]), first.dtype, on_disk=True)
    for rows in bands(result.shape, result.itemsize):
        result[rows] = _values(image.crop((0, rows.start, image.width, rows.stop)))
    return result
