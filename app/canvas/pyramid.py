"""The image in halved sizes, so that a view far out reads few pixels and shows no aliasing."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage

SMALLEST_LEVEL = 256  # as for the overlay


class Pyramid:
    """Levels of one image, made when first drawn; a pixel of level k is the mean of 2^k x 2^k image pixels."""

    def __init__(self, rgb: NDArray[np.uint8]) -> None:
        """`rgb` is (H, W, 3) uint8."""
        # Four bytes a pixel, because Qt draws 24-bit images through a conversion at every paint.
        self._arrays: list[Any] = [cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2BGRA)]
        self._images = [image_view(self._arrays[0], QImage.Format.Format_RGB32)]
        longer, self.levels = max(rgb.shape[:2]), 1
        while longer > SMALLEST_LEVEL:
            longer, self.levels = (longer + 1) // 2, self.levels + 1

    def image(self, level: int) -> QImage:
        """The image of a level, 0 being the full size."""
        while len(self._images) <= level:
            finer = self._arrays[-1]
            height, width = finer.shape[:2]
            if height % 2 or width % 2:  # repeat the last line, or the halves would not lie on pixel borders
                finer = cv2.copyMakeBorder(finer, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE)
            size = (finer.shape[1] // 2, finer.shape[0] // 2)
            self._arrays.append(cv2.resize(finer, size, interpolation=cv2.INTER_AREA))
            self._images.append(image_view(self._arrays[-1], QImage.Format.Format_RGB32))
        return self._images[level]


def image_view(array: NDArray[np.uint8] | NDArray[np.uint32], image_format: QImage.Format) -> QImage:
    """A QImage over the memory of a C-contiguous array of four bytes a pixel; it lives as long as the array does."""
    return QImage(array.data, array.shape[1], array.shape[0], array.strides[0], image_format)
