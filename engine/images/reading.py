"""The doors: size, pages, 8-bit pixels, values at their own depth, and a small copy of an image file."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.images.arrays import contiguous
from engine.images.depth import DeepPixels, deep_pixels
from engine.images.limits import LARGE_PIXELS, explained, no_page
from engine.images.orientation import orientation_of, upright, upright_size
from engine.images.pillow import decode_with_pillow, is_whole_jpeg, opened, reduced_jpeg
from engine.images.png import decode_png, is_png, png_orientation, sampled_png
from engine.images.tiff import decode_tiff, is_tiff, opened_plane, plane_count, sampled_tiff

Pixels = NDArray[np.uint8]
FilePath = str | os.PathLike[str]


@dataclass(frozen=True, slots=True)
class ImageInfo:
    """Width and height in pixels, after the EXIF orientation."""

    width: int
    height: int


def page_count(path: FilePath) -> int:
    """How many pages the file has: 1, or the full-size pictures of a TIFF, the planes of its stacks included.

    Raises UnreadableImage, saying what is wrong with the file.
    """
    path = Path(path)
    with explained(path):
        return plane_count(path) if is_tiff(_start(path)) else 1


def read_info(path: FilePath, page: int = 0, *, large: int = LARGE_PIXELS) -> ImageInfo:
    """The size of a page, counted from 0, which is sure to have all its data.

    A JPEG is not decoded for it, nor is a TIFF or PNG of more than `large` pixels. Raises UnreadableImage, saying what
    is wrong with the file.
    """
    path = Path(path)
    with explained(path):
        start = _start(path)
        if is_tiff(start):
            with opened_plane(path, page) as plane:
                size = plane.size
        else:
            _check_single(path, page)
            with opened(path) as image:
                orientation = png_orientation(path) if is_png(start) else orientation_of(image)
                size = upright_size(*image.size, orientation)
        if not _is_whole(path, start, is_large=size[0] * size[1] > large):
            _stored(path, page, large)  # refuses what ends early
        return ImageInfo(*size)


def read_rgb(path: FilePath, page: int = 0, *, large: int = LARGE_PIXELS) -> Pixels:
    """The pixels (H, W, 3) uint8 RGB of a page, counted from 0; upright, C-contiguous.

    Transparency is dropped. Values of more than 8 bits are stretched linearly from their 0.1 to their 99.9 percentile
    over 0..255. Above `large` pixels the array lies on disk. Raises UnreadableImage, saying what is wrong with the
    file, or OutOfSpace.
    """
    path = Path(path)
    with explained(path):
        values = _read(path, page, large)
        return deep_pixels(values, sampled=_is_large(values, large)).rgb()


def read_deep(path: FilePath, page: int = 0, *, large: int = LARGE_PIXELS) -> DeepPixels:
    """The values of a page at their own depth, upright, with the window that `read_rgb` shows them through.

    Their `rgb()` is what `read_rgb` returns. Raises as `read_rgb`.
    """
    path = Path(path)
    with explained(path):
        values = _read(path, page, large)
        return deep_pixels(values, sampled=_is_large(values, large))


def read_preview(path: FilePath, width: int, height: int, page: int = 0, *, large: int = LARGE_PIXELS) -> Pixels:
    """A copy (h, w, 3) uint8 RGB of a page, upright, reduced but no smaller than `width` x `height` if the page is.

    A JPEG is decoded at a reduced size; of a TIFF or PNG of more than `large` pixels, single pixels are kept. Raises as
    `read_rgb`.
    """
    path = Path(path)
    with explained(path):
        reduced = _reduced(path, width, height, page, large)
        if reduced is None:
            return read_rgb(path, page, large=large)
        values = np.ascontiguousarray(upright(_colours(reduced[0]), reduced[1]))
        return deep_pixels(values, sampled=False).rgb()


def _reduced(path: Path, width: int, height: int, page: int, large: int) -> tuple[NDArray[Any], int] | None:
    """The values of a smaller copy as they are stored, and the orientation; None where there is no such way."""
    if is_whole_jpeg(path):
        _check_single(path, page)
        return reduced_jpeg(path, width, height)
    start = _start(path)
    if not (is_tiff(start) or is_png(start)):
        return None
    info = read_info(path, page, large=0)
    every = min(info.width // width, info.height // height)
    if every <= 1 or info.width * info.height <= large:
        return None
    return sampled_tiff(path, page, every) if is_tiff(start) else sampled_png(path, every)


def _read(path: Path, page: int, large: int) -> NDArray[Any]:
    """The values (H, W) or (H, W, 3), upright, C-contiguous."""
    values, orientation = _stored(path, page, large)
    return contiguous(upright(_colours(values), orientation), on_disk=_is_large(values, large))


def _stored(path: Path, page: int, large: int) -> tuple[NDArray[Any], int]:
    """The values (H, W) or (H, W, C) as they are stored, and the orientation."""
    start = _start(path)
    if is_tiff(start):
        return decode_tiff(path, page, large=large)
    _check_single(path, page)
    return decode_png(path, large=large) if is_png(start) else decode_with_pillow(path, large=large)


def _colours(values: NDArray[Any]) -> NDArray[Any]:
    """Real values in the machine's byte order: grey (H, W) from one or two channels, else the first three."""
    if values.ndim == 3:
        values = values[:, :, :3] if values.shape[2] >= 3 else values[:, :, 0]
    return values.real if values.dtype.kind == "c" else values


def _is_whole(path: Path, start: bytes, *, is_large: bool) -> bool:
    """Whether the file is known to have all its data without being decoded."""
    # Opening a TIFF's page looked where its data end, finding a PNG's orientation went through its chunks.
    return is_whole_jpeg(path) or (is_large and (is_tiff(start) or is_png(start)))


def _is_large(values: NDArray[Any], large: int) -> bool:
    return values.shape[0] * values.shape[1] > large


def _check_single(path: Path, page: int) -> None:
    if page != 0:
        raise no_page(path, page, 1)


def _start(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(32)
