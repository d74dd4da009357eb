"""Reading image files of any kind as upright 8-bit RGB. EXIF orientation is honoured here and nowhere else."""

import contextlib
import os
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from engine.errors import UnreadableImage

Pixels = NDArray[np.uint8]

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".webp"})

# Pillow warns at 89 million pixels and refuses at twice that, which microscope slides exceed. 400 million (20,000 x
# 20,000) takes 1.2 GB as RGB: above it this program could not work on the image anyway, and a small file that claims
# more is an attack or damaged. Pillow's own limit is global, so it is lifted once, here, and ours applies.
MAX_PIXELS = 400_000_000
Image.MAX_IMAGE_PIXELS = None

# Only these decoders are tried: Pillow's others may start foreign programs (EPS) or were never tested with this one.
_FORMATS = ("JPEG", "PNG", "TIFF", "BMP", "WEBP")
_ORIENTATION_TAG = 0x0112
# The share of pixels, in percent, that may saturate at either end when a deep image is stretched to 8 bit.
_SATURATED = 0.1


@dataclass(frozen=True, slots=True)
class ImageInfo:
    """Width and height in pixels, after the EXIF orientation."""

    width: int
    height: int


def page_count(path: str | os.PathLike[str]) -> int:
    return 1


def read_info(path: str | os.PathLike[str], page: int = 0) -> ImageInfo:
    """The size of the image, which is sure to have all its data; a JPEG is not decoded for it.

    Raises UnreadableImage, saying what is wrong with the file.
    """
    path = Path(path)
    with _explained(path):
        if _is_whole_jpeg(path):
            with _opened(path) as image:
                turned = image.getexif().get(_ORIENTATION_TAG, 1) in (5, 6, 7, 8)
                return ImageInfo(*(reversed(image.size) if turned else image.size))
        height, width, _ = _read(path).shape
        return ImageInfo(width, height)


def read_rgb(path: str | os.PathLike[str]) -> Pixels:
    """The pixels (H, W, 3) uint8 RGB, upright, C-contiguous.

    Transparency is dropped, of several pages the first is read. Values of more than 8 bits are stretched linearly from
    their 0.1 to their 99.9 percentile over 0..255. Raises UnreadableImage, saying what is wrong with the file.
    """
    path = Path(path)
    with _explained(path):
        return _read(path)


def find_images(folder: str | os.PathLike[str]) -> list[Path]:
    """The image files below a folder by their suffix, sorted; hidden files and folders are left out."""
    found = []
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        paths = (Path(parent, name) for name in names if not name.startswith("."))
        found += [path for path in paths if path.suffix.lower() in IMAGE_SUFFIXES]
    return sorted(found)


@contextlib.contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turns whatever the decoders raise for a bad file into words."""
    remedy = "Leave it out, or replace it with a complete copy."
    try:
        if path.stat().st_size == 0:
            raise UnreadableImage(f"{path.name} is empty: it has 0 bytes.", remedy=remedy)
        yield
    except UnreadableImage:
        raise
    except FileNotFoundError as error:
        raise UnreadableImage(f"There is no file {path}.", remedy="It may have been moved or renamed.") from error
    except IsADirectoryError as error:
        raise UnreadableImage(f"{path} is a folder, not an image.") from error
    except PermissionError as error:
        raise UnreadableImage(f"There is no permission to read {path}.") from error
    except UnidentifiedImageError as error:
        kinds = "JPEG, PNG, TIFF, BMP or WebP"
        raise UnreadableImage(f"{path.name} is not a {kinds} image, or is damaged at its start.") from error
    except MemoryError as error:
        raise UnreadableImage(f"There is not enough memory to open {path.name}.") from error
    # Decoders meet damaged files with errors of every kind (struct.error, SyntaxError, IndexError, cv2.error, ...).
    except Exception as error:
        raise UnreadableImage(f"{path.name} is damaged or cut short ({error}).", remedy=remedy) from error


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """The image with its header read, of a size that may be decoded."""
    with warnings.catch_warnings():
        # Pillow warns about odd metadata (EXIF, TIFF tags) that says nothing about the pixels.
        warnings.simplefilter("ignore")
        with Image.open(path, formats=_FORMATS) as image:
            _check_size(path, *image.size)
            yield image


def _check_size(path: Path, width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise UnreadableImage(
            f"{path.name} has {width} x {height} pixels; at most {MAX_PIXELS // 1_000_000} million can be opened.",
            remedy="Cut it into tiles first.",
        )


def _is_whole_jpeg(path: Path) -> bool:
    """Whether the file begins and ends as a JPEG does, give or take padding. Others may be whole all the same."""
    with path.open("rb") as file:
        begins = file.read(3) == b"\xff\xd8\xff"
        file.seek(-min(64, path.stat().st_size), os.SEEK_END)
        return begins and b"\xff\xd9" in file.read()


def _read(path: Path) -> Pixels:
    with path.open("rb") as file:
        start = file.read(32)
    if start[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return _read_tiff(path)
    # Pillow cuts 16-bit colour PNGs to their high bytes. Byte 24 is the bit depth, byte 25 the colour type.
    if start[:8] == b"\x89PNG\r\n\x1a\n" and start[24:26] in (b"\x10\x02", b"\x10\x04", b"\x10\x06"):
        return _read_deep_png(path)
    return _read_with_pillow(path)


def _read_with_pillow(path: Path) -> Pixels:
    with _opened(path) as image:
        image.load()
        upright = ImageOps.exif_transpose(image)
        if upright.mode.startswith("I") or upright.mode == "F":
            return _rgb_of(np.asarray(upright))
        # Palettes with transparency reach RGB only by way of RGBA without Pillow complaining.
        return np.array(upright.convert("RGBA").convert("RGB") if upright.mode == "P" else upright.convert("RGB"))


def _read_deep_png(path: Path) -> Pixels:
    with _opened(path) as image:
        orientation = image.getexif().get(_ORIENTATION_TAG, 1)
        # OpenCV returns what it got of a truncated file; Pillow's decoder, run here, refuses it.
        image.load()
    return _upright(_rgb_of(_with_opencv(path)), orientation)


def _read_tiff(path: Path) -> Pixels:
    with tifffile.TiffFile(path) as tiff:
        page = tiff.pages.first
        _check_size(path, page.imagewidth, page.imagelength)
        _check_complete(path, page)
        if page.dtype == np.uint8 or page.dtype == np.bool_:
            # Unusual layouts (several planes, two or five channels) are unknown to Pillow, but not to tifffile.
            with contextlib.suppress(UnidentifiedImageError):
                return _read_with_pillow(path)
        orientation = int(page.tags.valueof(_ORIENTATION_TAG, 1))
        try:
            pixels = _as_height_width_channels(page.asarray(), page.axes)
        except ValueError:
            # tifffile has no LZW and JPEG of its own; OpenCV has them through libtiff.
            pixels = _with_opencv(path)
        if page.photometric == tifffile.PHOTOMETRIC.MINISWHITE:
            pixels = pixels.max() - pixels
    return _upright(_rgb_of(pixels), orientation)


def _check_complete(path: Path, page: Any) -> None:
    """Look where the strips end: the decoders fill those that a truncated file lacks with zeros."""
    size = path.stat().st_size
    ends = [offset + count for offset, count in zip(page.dataoffsets, page.databytecounts, strict=False)]
    if not ends or max(ends) > size:
        raise UnreadableImage(
            f"{path.name} is cut short: it has {size} bytes, its pixels reach to {max(ends, default=0)}.",
            remedy="Leave it out, or replace it with a complete copy.",
        )


def _as_height_width_channels(pixels: NDArray[Any], axes: str) -> NDArray[Any]:
    """The first plane of a TIFF page as (H, W) or (H, W, C)."""
    if axes.startswith("S"):
        return np.moveaxis(pixels, 0, -1)
    keep = 3 if axes.endswith("S") else 2
    return pixels.reshape((-1, *pixels.shape[-keep:]))[0]


def _with_opencv(path: Path) -> NDArray[Any]:
    # imdecode rather than imread: the latter cannot open every path on Windows.
    flags = cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION
    pixels = cv2.imdecode(np.fromfile(path, dtype=np.uint8), flags)
    if pixels is None:
        raise UnreadableImage(f"{path.name} is compressed or laid out in a way that this program cannot read.")
    if pixels.ndim == 3 and pixels.shape[2] >= 3:
        return np.asarray(pixels[:, :, 2::-1])
    return np.asarray(pixels)


def _rgb_of(pixels: NDArray[Any]) -> Pixels:
    """(H, W) or (H, W, C) of any type as (H, W, 3) uint8: grey from one or two channels, else the first three."""
    if pixels.ndim == 3:
        pixels = pixels[:, :, :3] if pixels.shape[2] >= 3 else pixels[:, :, 0]
    eight_bit = pixels if pixels.dtype == np.uint8 else _stretched(pixels)
    if eight_bit.ndim == 2:
        eight_bit = np.repeat(eight_bit[:, :, None], 3, axis=2)
    return np.ascontiguousarray(eight_bit)


def _stretched(pixels: NDArray[Any]) -> Pixels:
    """Values of any type over 0..255; what is not a finite number becomes 0, an even image black."""
    values = pixels.real.astype(np.float32)
    finite = np.isfinite(values)
    if not finite.any():
        return np.zeros(values.shape, dtype=np.uint8)
    low, high = np.percentile(values[finite], [_SATURATED, 100 - _SATURATED])
    if high <= low:
        # Less than the saturated share differs from the rest (a few bright pixels): the full range shows them.
        low, high = values[finite].min(), values[finite].max()
    if high <= low:
        return np.zeros(values.shape, dtype=np.uint8)
    scaled = (np.where(finite, values, low) - low) * (255.0 / (float(high) - float(low)))
    return np.rint(np.clip(scaled, 0, 255)).astype(np.uint8)


def _upright(pixels: Pixels, orientation: int) -> Pixels:
    """Undoes an EXIF orientation (1 to 8; others are taken as 1) of pixels (H, W, 3)."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.transpose(1, 0, 2)
    # After the transposition: which orientations still need their columns, and which their rows, reversed.
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)
