"""The EXIF orientation: which way round the stored rows and columns are to be shown."""

from typing import Any

from numpy.typing import NDArray
from PIL import Image

_TAG = 0x0112
_SIDEWAYS = (5, 6, 7, 8)


def orientation_of(image: Image.Image) -> int:
    """1 to 8; 1, as stored, where the file does not say."""
    return int(image.getexif().get(_TAG, 1))


def upright_size(width: int, height: int, orientation: int) -> tuple[int, int]:
    """(width, height) as shown."""
    return (height, width) if orientation in _SIDEWAYS else (width, height)


def upright(values: NDArray[Any], orientation: int) -> NDArray[Any]:
    """A view of values (H, W) or (H, W, C) with an orientation (1 to 8; others are taken as 1) undone."""
    if orientation in _SIDEWAYS:
        values = values.swapaxes(0, 1)
    # After the transposition: which orientations still need their columns, and which their rows, reversed.
    if orientation in (2, 3, 6, 7):
        values = values[:, ::-1]
    if orientation in (3, 4, 7, 8):
        values = values[::-1]
    return values
