"""TIFF files: which of their pages are pictures, and what these hold.

A page is one full-size picture. Stacks of one directory (ImageJ beyond 4 GB, tifffile's truncated series) and volumes
have a page for each plane; smaller copies, thumbnails and transparency masks are no pages.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import UnidentifiedImageError
from tifffile import COMPRESSION, EXTRASAMPLE, PHOTOMETRIC

from engine.errors import UnreadableImage
from engine.images.arrays import BAND_BYTES, bands, new_array
from engine.images.limits import REPLACE, check_size, no_page
from engine.images.opencv import decode_with_opencv
from engine.images.orientation import upright_size
from engine.images.pillow import decode_with_pillow

_ORIENTATION_TAG = 0x0112
_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
# What the libtiff of Pillow and OpenCV decodes. Of other compressions OpenCV returns black, without a word.
_LIBTIFF = (
    COMPRESSION.ZSTD,
    *(COMPRESSION.NONE, COMPRESSION.LZW, COMPRESSION.JPEG, COMPRESSION.ADOBE_DEFLATE, COMPRESSION.DEFLATE),
    *(COMPRESSION.PACKBITS, COMPRESSION.CCITTRLE, COMPRESSION.CCITT_T4, COMPRESSION.CCITT_T6),
)
# What tifffile decodes to values that are grey or RGB as they are; other colour models are Pillow's.
_PLAIN = (PHOTOMETRIC.MINISBLACK, PHOTOMETRIC.MINISWHITE, PHOTOMETRIC.RGB)


@dataclass(frozen=True, slots=True)
class Plane:
    """One picture: its directory, and which of the planes that the directory describes."""

    directory: Any  # tifffile.TiffPage
    index: int  # among the directories of the file
    plane: int
    planes: int

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width) as stored."""
        return self.directory.imagelength, self.directory.imagewidth

    @property
    def orientation(self) -> int:
        return int(self.directory.tags.valueof(_ORIENTATION_TAG, 1))

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) as shown."""
        height, width = self.shape
        return upright_size(width, height, self.orientation)


def is_tiff(start: bytes) -> bool:
    """Whether a file that begins so is a TIFF."""
    return start[:4] in _STARTS


def plane_count(path: Path) -> int:
    """How many pages the file has."""
    return len(_places(path, *_stamp(path)))


@contextlib.contextmanager
def opened_plane(path: Path, page: int) -> Iterator[Plane]:
    """A page whose data are all there. Raises UnreadableImage where it does not exist or is cut short."""
    places = _places(path, *_stamp(path))
    if not 0 <= page < len(places):
        raise no_page(path, page, len(places))
    index, plane, planes = places[page]
    with tifffile.TiffFile(path) as tiff:
        found = Plane(tiff.pages[index], index, plane, planes)
        check_size(path, found.directory.imagewidth, found.directory.imagelength)
        _check_complete(path, found)
        yield found


def decode_tiff(path: Path, page: int, *, large: int) -> tuple[NDArray[Any], int]:
    """The stored values of a page, (H, W) or (H, W, C), and their orientation.

    Above `large` pixels they lie on disk, and memory holds what is decoded at once: a few strips or tiles. Colour
    models and compressions that tifffile lacks are decoded by Pillow or OpenCV, whole (3 to 4 bytes a pixel).
    """
    with opened_plane(path, page) as plane:
        directory = plane.directory
        orientation = plane.orientation
        on_disk = plane.shape[0] * plane.shape[1] > large
        shallow = directory.dtype in (np.uint8, np.bool_)
        with_libtiff = directory.compression in _LIBTIFF and plane.planes == 1
        if shallow and with_libtiff and not (on_disk and _is_plain(directory)):
            # Unusual layouts (several planes, two or five channels) are unknown to Pillow, but not to tifffile.
            with contextlib.suppress(UnidentifiedImageError):
                return decode_with_pillow(path, large=large, frame=plane.index)
        try:
            values = _decoded(plane, on_disk=on_disk)
        except (ValueError, ImportError, NotImplementedError) as error:
            # tifffile has no LZW, JPEG and 12-bit values of its own; Pillow and OpenCV have them through libtiff.
            if not with_libtiff or not _is_plain(directory):
                raise _unknown_compression(path, directory) from error
            if shallow:
                return decode_with_pillow(path, large=large, frame=plane.index)
            values, orientation = decode_with_opencv(path, plane.index), 1
        return _as_grey_or_rgb(values, directory, on_disk=on_disk), orientation


def _unknown_compression(path: Path, directory: Any) -> UnreadableImage:
    kind = getattr(directory.compression, "name", directory.compression)
    return UnreadableImage(
        f"{path.name} is compressed in a way that this program cannot read ({kind}).",
        remedy="Save it with another compression, such as deflate.",
    )


def sampled_tiff(path: Path, page: int, every: int) -> tuple[NDArray[Any], int] | None:
    """Every so manyth row and column of a page, and its orientation; None where the layout or compression is unusual.

    Of an uncompressed page just these are read. Of others all strips or tiles are decoded, a few at a time.
    """
    with opened_plane(path, page) as plane:
        directory = plane.directory
        if not _is_plain(directory) or directory.axes not in ("YX", "YXS") or plane.planes > 1:
            return None
        if directory.is_memmappable:
            values = directory.asarray(out="memmap")[::every, ::every]
            values = values.astype(values.dtype.newbyteorder("="))
        else:
            try:
                values = _sampled_segments(directory, every)
            except (ValueError, ImportError, NotImplementedError):
                return None  # tifffile lacks the decoder
        return _as_grey_or_rgb(values, directory, on_disk=False), plane.orientation


def _sampled_segments(directory: Any, every: int) -> NDArray[Any]:
    height, width = directory.shape[:2]
    result = np.zeros((-(-height // every), -(-width // every), *directory.shape[2:]), directory.dtype)
    for segment, (_, _, top, left, _), _ in directory.segments(buffersize=BAND_BYTES):
        if segment is not None:
            part = segment[0, -top % every : height - top : every, -left % every : width - left : every]
            y, x = -(-top // every), -(-left // every)
            result[y : y + part.shape[0], x : x + part.shape[1]] = part.reshape(*part.shape[:2], *result.shape[2:])
    return result


def _stamp(path: Path) -> tuple[int, int]:
    """What changes when the file does."""
    found = path.stat()
    return found.st_size, found.st_mtime_ns


@lru_cache(maxsize=16)  # else reading every page of a long stack would go through all directories for each
def _places(path: Path, size: int, changed: int) -> tuple[tuple[int, int, int], ...]:
    """For each page which directory holds it, which of its planes it is, and how many these are."""
    found: list[tuple[int, int, int]] = []
    with tifffile.TiffFile(path) as tiff:
        first = tiff.pages.first
        for index in range(len(tiff.pages)):
            directory: Any = tiff.pages[index]
            if index and _is_copy(directory, first):
                continue
            planes = max(1, directory.imagedepth)
            if len(tiff.pages) == 1 and tiff.series and tiff.series[0].is_truncated:
                planes = max(1, tiff.series[0].size // max(1, directory.size))
            found += [(index, plane, planes) for plane in range(planes)]
    return tuple(found)


def _is_copy(directory: Any, first: Any) -> bool:
    """Whether a directory after the first holds no picture of its own, but a smaller one of the first or a mask.

    Slide scanners do not flag theirs: where the first directory is tiled, smaller ones are copies, label and overview.
    """
    smaller = directory.imagewidth < first.imagewidth and directory.imagelength < first.imagelength
    return bool(directory.is_reduced or directory.is_mask or (first.is_tiled and smaller))


def _check_complete(path: Path, plane: Plane) -> None:
    """Look where the strips end: the decoders fill those that a truncated file lacks with zeros."""
    size, directory = path.stat().st_size, plane.directory
    ends = [offset + count for offset, count in zip(directory.dataoffsets, directory.databytecounts, strict=False)]
    if _is_stack(plane):
        ends.append(directory.dataoffsets[0] + (plane.plane + 1) * directory.nbytes)
    if not ends or max(ends) > size:
        raise UnreadableImage(
            f"{path.name} is cut short: it has {size} bytes, its pixels reach to {max(ends, default=0)}.",
            remedy=REPLACE,
        )


def _is_plain(directory: Any) -> bool:
    jpeg = directory.photometric == PHOTOMETRIC.YCBCR and directory.compression == COMPRESSION.JPEG
    # Colours that were multiplied by their opacity are divided by it, which is Pillow's too.
    return (jpeg or directory.photometric in _PLAIN) and EXTRASAMPLE.ASSOCALPHA not in directory.extrasamples


def _is_stack(plane: Plane) -> bool:
    """Whether further planes follow the directory's own, without directories."""
    return plane.planes > 1 and plane.directory.imagedepth <= 1


def _decoded(plane: Plane, *, on_disk: bool) -> NDArray[Any]:
    """(H, W) or (H, W, C)."""
    directory = plane.directory
    out = new_array(directory.shape, directory.dtype, on_disk=True) if on_disk else None
    if _is_stack(plane):
        file = directory.parent.filehandle
        file.seek(directory.dataoffsets[0] + plane.plane * directory.nbytes)
        stored = np.dtype(directory.dtype).newbyteorder(directory.parent.byteorder)
        count = int(np.prod(directory.shape))
        values = file.read_array(stored, count, out=out).reshape(directory.shape)
        return _as_height_width_channels(values, directory.axes, 0)
    values = directory.asarray(out=out, buffersize=BAND_BYTES)
    return _as_height_width_channels(values, directory.axes, plane.plane)


def _as_height_width_channels(values: NDArray[Any], axes: str, plane: int) -> NDArray[Any]:
    """One plane of a TIFF page as (H, W) or (H, W, C)."""
    if axes.startswith("S"):
        values = np.moveaxis(values, 0, -1)
        axes = axes[1:] + "S"
    keep = 3 if axes.endswith("S") else 2
    return values.reshape((-1, *values.shape[-keep:]))[plane]


def _as_grey_or_rgb(values: NDArray[Any], directory: Any, *, on_disk: bool) -> NDArray[Any]:
    """What tifffile and OpenCV leave as it is stored: white that is zero, 16-bit inks and palettes."""
    if values.dtype == np.bool_:
        values = values.view(np.uint8)
        np.negative(values, out=values)  # 1 becomes 255
    if directory.photometric == PHOTOMETRIC.MINISWHITE:
        return _reversed(values, on_disk=on_disk)
    inks = directory.photometric == PHOTOMETRIC.SEPARATED and values.ndim == 3 and values.shape[2] >= 4
    if values.dtype != np.uint16 or not (inks or directory.photometric == PHOTOMETRIC.PALETTE):
        return values
    result = new_array((*values.shape[:2], 3), np.uint16, on_disk=on_disk)
    for rows in bands(values.shape, values.itemsize):
        if inks:
            light = 65535 - values[rows, :, :4].astype(np.uint32)
            result[rows] = light[:, :, :3] * light[:, :, 3:] // 65535
        else:
            result[rows] = directory.colormap.T[values[rows]]
    return result


def _reversed(values: NDArray[Any], *, on_disk: bool) -> NDArray[Any]:
    """Values of which the largest is black, turned so that the smallest is: counted from the largest there is."""
    if values.dtype.kind == "i":
        return np.invert(values, out=values)
    most = 255 if values.dtype == np.uint8 else values.max()
    result = new_array(values.shape, values.dtype, on_disk=on_disk)
    for rows in bands(values.shape, values.itemsize):
        np.subtract(most, values[rows], out=result[rows])
    return result
