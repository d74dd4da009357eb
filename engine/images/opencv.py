"""OpenCV as a decoder, of what Pillow and tifffile lack."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.errors import UnreadableImage
from engine.images.limits import no_page

_AS_STORED = cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION


def decode_with_opencv(path: Path, page: int = 0) -> NDArray[Any]:
    """The values (H, W) or (H, W, 3) RGB as stored, but those of a TIFF upright: it is turned whatever one asks for.

    `page` counts every image of a TIFF, small copies included.
    """
    # imdecode rather than imread: the latter cannot open every path on Windows. Mapped: the file is not copied.
    content = np.memmap(path, np.uint8, mode="r")
    if page == 0:
        return as_rgb(path, cv2.imdecode(content, _AS_STORED))
    found, pages = cv2.imdecodemulti(content, _AS_STORED, range=(page, page + 1))
    if not found or not pages:
        raise no_page(path, page, page)
    return as_rgb(path, pages[0])


def as_rgb(path: Path, pixels: Any) -> NDArray[Any]:
    """What OpenCV decoded, BGR with or without opacity, as (H, W) or (H, W, 3) RGB."""
    if pixels is None:
        raise UnreadableImage(f"{path.name} is compressed or laid out in a way that this program cannot read.")
    if pixels.ndim == 3 and pixels.shape[2] >= 3:
        return np.asarray(pixels[:, :, 2::-1])
    return np.asarray(pixels if pixels.ndim == 2 else pixels[:, :, 0])
