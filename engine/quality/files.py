"""Image files: whether they are there, are those that were annotated, and which of them show nearly the same."""

from collections.abc import Iterator
from pathlib import Path, PurePath

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.errors import UnreadableImage
from engine.files import sha256_of
from engine.images import Pixels, read_info, read_rgb
from engine.quality.checks import Check, Limits
from engine.quality.findings import Finding
from engine.records import Image

# Hashes compared with all before them at once: with 100,000 images a block takes 50 MB, and so do its intermediates.
_BLOCK = 64
_THUMBNAIL = 16
# Mean difference of two thumbnails, of 255 grey levels, up to which equal hashes mean equal pictures: on nearly empty
# images the hash has little to go by.
_LARGEST_DIFFERENCE = 8.0


def missing_file(image: Image, path: Path) -> Iterator[Finding]:
    """An image whose file is not there."""
    if not path.is_file():
        yield Finding(Check.MISSING_FILE, image.id, f"There is no file {path}.")


def changed_file(image: Image, path: Path) -> Iterator[Finding]:
    """A file that is not the one that was annotated; without a known content only its size is compared."""
    if not path.is_file():
        return
    name = PurePath(image.path).name
    try:
        if image.content_hash and sha256_of(path) == image.content_hash:
            return
        info = read_info(path)
    except (OSError, UnreadableImage) as error:
        yield Finding(Check.CHANGED_FILE, image.id, f"{name} cannot be read any more: {error}")
        return
    if (info.width, info.height) != (image.width, image.height):
        sizes = f"{info.width} x {info.height} pixels, annotated were {image.width} x {image.height}"
        yield Finding(Check.CHANGED_FILE, image.id, f"{name} has {sizes}.")
    elif image.content_hash:
        yield Finding(Check.CHANGED_FILE, image.id, f"{name} has another content than when it was added.")


def difference_hash(rgb: Pixels) -> int:
    """64 bits of a picture (H, W, 3) that say where it grows brighter to the right, of 8 x 8 places."""
    grey = _grey(rgb, 9, 8)
    brighter = grey[:, 1:] > grey[:, :-1]
    return int.from_bytes(np.packbits(brighter).tobytes(), "big")


class Similarities:
    """Remembers a few bytes of every image that it is shown, and finds those that look alike."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._images: list[Image] = []
        self._hashes: list[int] = []
        self._thumbnails: list[NDArray[np.int16]] = []

    def add(self, image: Image, path: Path) -> Iterator[Finding]:
        """Read an image; a finding where that fails."""
        if not path.is_file():
            return
        try:
            rgb = read_rgb(path)
        except UnreadableImage as error:
            yield Finding(Check.SIMILAR_IMAGES, image.id, f"It could not be compared: {error}")
            return
        self._images.append(image)
        self._hashes.append(difference_hash(rgb))
        self._thumbnails.append(_grey(rgb, _THUMBNAIL, _THUMBNAIL))

    def findings(self) -> Iterator[Finding]:
        """Each image that looks like one added before it, with the first of those."""
        hashes = np.array(self._hashes, dtype=np.uint64)
        for start in range(0, len(hashes), _BLOCK):
            block = hashes[start : start + _BLOCK]
            apart = _bits(block[:, None] ^ hashes[None, : start + len(block)])
            for row, candidates in enumerate(apart <= self._limits.similar_bits):
                later = start + row
                first = next((n for n in np.flatnonzero(candidates[:later]).tolist() if self._alike(n, later)), None)
                if first is not None:
                    yield _similar(self._images[first], self._images[later])

    def _alike(self, one: int, other: int) -> bool:
        return float(np.abs(self._thumbnails[one] - self._thumbnails[other]).mean()) <= _LARGEST_DIFFERENCE


def _grey(rgb: Pixels, width: int, height: int) -> NDArray[np.int16]:
    small = cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.int16)


def _similar(first: Image, later: Image) -> Finding:
    message = f"{PurePath(later.path).name} looks like {PurePath(first.path).name}."
    if first.hold_out != later.hold_out:
        message += " One of them is held out, the other is trained on."
    return Finding(Check.SIMILAR_IMAGES, later.id, message)


def _bits(numbers: NDArray[np.uint64]) -> NDArray[np.uint8]:
    """How many bits are set in each number: sums over ever larger groups of bits (Hacker's Delight, section 5-1)."""
    one, two, four = (np.uint64(mask) for mask in (0x5555555555555555, 0x3333333333333333, 0x0F0F0F0F0F0F0F0F))
    pairs = numbers - ((numbers >> np.uint64(1)) & one)
    quads = (pairs & two) + ((pairs >> np.uint64(2)) & two)
    octets = (quads + (quads >> np.uint64(4))) & four
    return ((octets * np.uint64(0x0101010101010101)) >> np.uint64(56)).astype(np.uint8)
