"""Image files: whether they are there, are those that were annotated, and which of them show nearly the same."""

from collections.abc import Iterator
from pathlib import Path, PurePath

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.errors import UnreadableImage
from engine.images import Pixels, read_info, read_rgb
from engine.project.image_files import problem_of
from engine.quality.checks import Check, Limits
from engine.quality.findings import Finding
from engine.records import Image
from engine.words import words

# Images compared with all before them at once: with 100,000 images a block takes 26 MB.
_BLOCK = 64
_THUMBNAIL = 16
# Correlation of two thumbnails from which on similar hashes mean similar pictures: on a nearly empty image most bits of
# the hash are 0, whatever little it shows. Copies reach 0.99, pictures of a few bright cells on black ground 0.3.
_CORRELATED = 0.9
# Below this spread of grey levels a thumbnail shows nothing that could correlate.
_FLAT = 1.0


def missing_file(image: Image, path: Path) -> Iterator[Finding]:
    """An image whose file is not there."""
    if not path.is_file():
        yield Finding(Check.MISSING_FILE, image.id, words("There is no file {path}.", path=path))


def changed_file(image: Image, path: Path) -> Iterator[Finding]:
    """A file that is not the one that was annotated; without a known content only its size is compared."""
    if not path.is_file():
        return
    try:
        if image.content_hash and problem_of(image, path) is None:
            return
        info = read_info(path, image.page)
    except (OSError, UnreadableImage) as error:
        yield Finding(Check.CHANGED_FILE, image.id, words("The file cannot be read any more: {error}", error=error))
        return
    if (info.width, info.height) != (image.width, image.height):
        message = words(
            "The file has {size} pixels, annotated were {annotated}.",
            size=f"{info.width} x {info.height}",
            annotated=f"{image.width} x {image.height}",
        )
        yield Finding(Check.CHANGED_FILE, image.id, message)
    elif image.content_hash:
        yield Finding(Check.CHANGED_FILE, image.id, words("The file has another content than when it was added."))


def difference_hash(rgb: Pixels) -> NDArray[np.bool_]:
    """64 bits of a picture (H, W, 3) that say where it grows brighter to the right, of 8 x 8 places."""
    grey = _grey(rgb, 9, 8)
    return (grey[:, 1:] > grey[:, :-1]).ravel()


class Similarities:
    """Remembers a few hundred bytes of every image that it is shown, and finds those that look alike."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._images: list[Image] = []
        self._hashes: list[NDArray[np.bool_]] = []
        self._thumbnails: list[Pixels] = []

    def add(self, image: Image, path: Path) -> Iterator[Finding]:
        """Read an image; a finding where that fails."""
        if not path.is_file():
            return
        try:
            rgb = read_rgb(path, image.page)
        except UnreadableImage as error:
            yield Finding(Check.SIMILAR_IMAGES, image.id, words("It could not be compared: {error}", error=error))
            return
        self._images.append(image)
        self._hashes.append(difference_hash(rgb))
        self._thumbnails.append(_grey(rgb, _THUMBNAIL, _THUMBNAIL))

    def findings(self) -> Iterator[list[Finding]]:
        """Each image that looks like one added before it, with the first of those; block by block."""
        # Of 64 signs, each bit that differs takes 2 from the product. Matrices multiply faster than bits are counted.
        signs = np.array(self._hashes, dtype=np.float32).reshape(-1, 64) * 2 - 1
        least = 64 - 2 * self._limits.similar_bits
        for start in range(0, len(signs), _BLOCK):
            block = signs[start : start + _BLOCK]
            similar = block @ signs[: start + len(block)].T >= least
            yield [finding for row, found in enumerate(similar, start) for finding in self._first(row, found[:row])]

    def _first(self, later: int, candidates: NDArray[np.bool_]) -> Iterator[Finding]:
        for earlier in np.flatnonzero(candidates).tolist():
            if self._alike(earlier, later):
                yield _similar(self._images[earlier], self._images[later])
                return

    def _alike(self, one: int, other: int) -> bool:
        first, second = (self._thumbnails[each].astype(np.float64) for each in (one, other))
        if min(first.std(), second.std()) < _FLAT:
            return bool(max(first.std(), second.std()) < _FLAT and abs(first.mean() - second.mean()) < _FLAT)
        return float(np.corrcoef(first.ravel(), second.ravel())[0, 1]) >= _CORRELATED


def _grey(rgb: Pixels, width: int, height: int) -> Pixels:
    small = cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), dtype=np.uint8)


def _similar(first: Image, later: Image) -> Finding:
    name = PurePath(first.path).name
    if first.hold_out == later.hold_out:
        message = words("Looks like {name}.", name=name)
    else:
        message = words("Looks like {name}. One of them is held out, the other is trained on.", name=name)
    return Finding(Check.SIMILAR_IMAGES, later.id, message)
