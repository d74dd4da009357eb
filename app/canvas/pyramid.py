"""The image in halved sizes, so that a view far out reads few pixels and shows no aliasing."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

SMALLEST_LEVEL = 256  # as for the overlay


class Pyramid:
    """Levels of one image, made when first drawn; a pixel of level k is the mean of 2^k x 2^k image pixels."""

    def __init__(self, rgb: NDArray[np.uint8]) -> None:
        """`rgb` is (H, W, 3) uint8."""
        # Four bytes a pixel as the screen has them, or every paint would convert.
        self._levels: list[Any] = [cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2BGRA)]
        longer, self.levels = max(rgb.shape[:2]), 1
        while longer > SMALLEST_LEVEL:
            longer, self.levels = (longer + 1) // 2, self.levels + 1

    def pixels(self, level: int) -> NDArray[np.uint32]:
        """0xAARRGGBB (h, w) of a level, 0 being the full size, sizes halved and rounded up."""
        while len(self._levels) <= level:
            finer = self._levels[-1]
            height, width = finer.shape[:2]
            if height % 2 or width % 2:  # repeat the last line, or the halves would not lie on pixel borders
                finer = cv2.copyMakeBorder(finer, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE)
            size = (finer.shape[1] // 2, finer.shape[0] // 2)
            self._levels.append(cv2.resize(finer, size, interpolation=cv2.INTER_AREA))
        pixels: NDArray[np.uint32] = self._levels[level].view(np.uint32)[..., 0]
        return pixels
