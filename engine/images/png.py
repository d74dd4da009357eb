"""PNG files: 16-bit colour, which Pillow cuts to its high bytes, and huge ones decoded in bands.

A PNG is one compressed stream of rows, each predicted from the row above. No decoder at hand stops in between, so the
stream is unpacked here and cut into bands; each is wrapped as a small PNG of its own, headed by the last row of the
band before, and handed to Pillow or OpenCV. So memory holds a band rather than the picture.
"""

import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine.errors import UnreadableImage
from engine.images.arrays import BAND_BYTES, new_array
from engine.images.limits import REPLACE
from engine.images.opencv import as_rgb, decode_with_opencv
from engine.images.orientation import orientation_of
from engine.images.pillow import decode_with_pillow, opened

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREY, _RGB, _PALETTE, _GREY_ALPHA, _RGBA = 0, 2, 3, 4, 6
_CHANNELS = {_GREY: 1, _RGB: 3, _PALETTE: 1, _GREY_ALPHA: 2, _RGBA: 4}
# Which 8-bit colour type has pixels of so many bytes: rows of any kind are unpredicted as if they were of that one.
_CARRIERS = {1: _GREY, 2: _GREY_ALPHA, 3: _RGB, 4: _RGBA}
_NOTES = (b"eXIf", b"tEXt", b"zTXt", b"iTXt")  # chunks that may say how the picture is turned
_PIECE = 1 << 20  # bytes of a chunk that are read at once: one chunk may hold the whole picture


@dataclass(frozen=True, slots=True)
class _Header:
    width: int
    height: int
    depth: int
    colour: int
    interlaced: bool

    @property
    def pixel_bytes(self) -> int:
        return _CHANNELS[self.colour] * self.depth // 8

    @property
    def in_bands(self) -> bool:
        """Whether the picture can be decoded in bands."""
        return self.depth >= 8 and not self.interlaced


def is_png(start: bytes) -> bool:
    """Whether a file that begins so is a PNG."""
    return start[:8] == _SIGNATURE


def decode_png(path: Path, *, large: int) -> tuple[NDArray[Any], int]:
    """The stored values, (H, W) or (H, W, 3) RGB, and their orientation.

    Above `large` pixels they lie on disk and are decoded in bands; interlaced pictures and those of less than 8 bits
    a pixel are decoded at once all the same (1 to 4 bytes a pixel).
    """
    with path.open("rb") as file:
        header = _header(file)
    if header.width * header.height > large and header.in_bands:
        result: NDArray[Any] | None = None
        for first, values in _decoded_bands(path, header):
            if result is None:
                result = new_array((header.height, *values.shape[1:]), values.dtype, on_disk=True)
            result[first : first + len(values)] = values
        assert result is not None  # or a band had been missed, and said so
        return result, png_orientation(path)
    if header.depth == 16 and header.colour != _GREY:
        with opened(path) as image:
            orientation = orientation_of(image)
            # OpenCV returns what it got of a truncated file; Pillow's decoder, run here, refuses it.
            image.load()
        return decode_with_opencv(path), orientation
    return decode_with_pillow(path, large=large)


def sampled_png(path: Path, every: int) -> tuple[NDArray[Any], int] | None:
    """Every so manyth row and column, and the orientation; None where the picture cannot be decoded in bands."""
    with path.open("rb") as file:
        header = _header(file)
    if not header.in_bands:
        return None
    rows = [values[-first % every :: every, ::every].copy() for first, values in _decoded_bands(path, header)]
    return np.concatenate(rows), png_orientation(path)


def png_orientation(path: Path) -> int:
    """1 to 8. Reads the file, but decodes nothing; raises UnreadableImage where chunks are missing or damaged.

    Pillow decodes the whole picture first, because the chunk may follow it. So it is shown a picture of one pixel with
    the same notes.
    """
    with path.open("rb") as file:
        file.seek(len(_SIGNATURE))
        notes = [_chunk(name, piece) for name, piece in _pieces(file, path, _NOTES)]
    with Image.open(BytesIO(_wrapped(1, 1, 8, _GREY, b"\0\0", notes)), formats=("PNG",)) as image:
        return orientation_of(image)


def _header(file: BinaryIO) -> _Header:
    width, height, depth, colour, _, _, interlace = struct.unpack(">2I5B", file.read(29)[16:])
    return _Header(width, height, depth, colour, interlace != 0)


def _decoded_bands(path: Path, header: _Header) -> Iterator[tuple[int, NDArray[Any]]]:
    """The first row and the values (n, W) or (n, W, 3) of each band, downwards, until the picture is complete."""
    row_bytes = header.width * header.pixel_bytes
    above, done = np.zeros(row_bytes, np.uint8), 0
    palette = _palette(path) if header.colour == _PALETTE else None
    for packed in _bands_of_rows(path, header, row_bytes + 1):
        rows = _unpredicted(path, header, above, packed)
        above = rows[-1]
        yield done, _interpreted(header, rows, palette)
        done += len(rows)
    if done < header.height:
        raise _cut_short(path)


def _bands_of_rows(path: Path, header: _Header, row_bytes: int) -> Iterator[bytes]:
    """The unpacked stream, some whole rows at a time; a row begins with a byte that names its prediction."""
    wanted = row_bytes * header.height
    step = row_bytes * max(1, BAND_BYTES // row_bytes)
    unpacker, band = zlib.decompressobj(), bytearray()
    with path.open("rb") as file:
        file.seek(len(_SIGNATURE))
        for _, piece in _pieces(file, path, (b"IDAT",)):
            while piece and wanted:
                band += unpacker.decompress(piece, min(step, wanted) - len(band))
                piece = unpacker.unconsumed_tail
                if len(band) == min(step, wanted):
                    wanted -= len(band)
                    yield bytes(band)
                    band.clear()


def _pieces(file: BinaryIO, path: Path, kinds: tuple[bytes, ...]) -> Iterator[tuple[bytes, bytes]]:
    """Name and content of the chunks of some kinds, in pieces. Every chunk is read and its sum checked."""
    while True:
        head = file.read(8)
        if len(head) < 8:
            raise _cut_short(path)
        left, name = struct.unpack(">I4s", head)
        check = zlib.crc32(name)
        while left:
            piece = file.read(min(left, _PIECE))
            if not piece:
                raise _cut_short(path)
            left -= len(piece)
            check = zlib.crc32(piece, check)
            if name in kinds:
                yield name, piece
        if file.read(4) != struct.pack(">I", check):
            raise _cut_short(path)
        if name == b"IEND":
            return


def _unpredicted(path: Path, header: _Header, above: NDArray[np.uint8], packed: bytes) -> NDArray[np.uint8]:
    """The bytes (n, row) of n packed rows below the row `above`, by way of a PNG that holds just them."""
    count = len(packed) // (len(above) + 1)
    size = header.pixel_bytes
    depth, colour = (8, _CARRIERS[size]) if size in _CARRIERS else (16, header.colour)
    content = _wrapped(header.width, count + 1, depth, colour, b"\0" + above.tobytes() + packed)
    if depth == 8:
        with Image.open(BytesIO(content), formats=("PNG",)) as image:
            pixels = np.asarray(image)
    else:
        decoded = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
        colours = as_rgb(path, decoded)
        opacity = np.asarray(decoded)[:, :, 3:]
        pixels = np.concatenate([colours, opacity], axis=2).astype(">u2")
    return np.ascontiguousarray(pixels).view(np.uint8).reshape(count + 1, len(above))[1:]


def _interpreted(
    header: _Header, rows: NDArray[np.uint8], palette: NDArray[np.uint8] | None
) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """Values (n, W) or (n, W, 3) of the bytes of n rows; opacity is dropped."""
    if palette is not None:
        return palette[rows]
    values = rows if header.depth == 8 else rows.view(">u2").astype(np.uint16)
    values = values.reshape(len(rows), header.width, -1)
    return values[:, :, :3] if values.shape[2] >= 3 else values[:, :, 0]


def _palette(path: Path) -> NDArray[np.uint8]:
    """(256, 3) RGB."""
    with path.open("rb") as file:
        file.seek(len(_SIGNATURE))
        colours = b"".join(piece for _, piece in _pieces(file, path, (b"PLTE",)))
    return np.frombuffer(colours.ljust(768, b"\0"), np.uint8).reshape(256, 3)


def _wrapped(width: int, height: int, depth: int, colour: int, rows: bytes, notes: Sequence[bytes] = ()) -> bytes:
    """A PNG of packed rows, with further chunks."""
    head = _chunk(b"IHDR", struct.pack(">2I5B", width, height, depth, colour, 0, 0, 0))
    return b"".join([_SIGNATURE, head, *notes, _chunk(b"IDAT", zlib.compress(rows, level=0)), _chunk(b"IEND", b"")])


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(content, zlib.crc32(name)))


def _cut_short(path: Path) -> UnreadableImage:
    return UnreadableImage(f"{path.name} is damaged or cut short.", remedy=REPLACE)
