"""Pixels that a tool has found but not yet stored, painted over the canvas.

They are painted at the resolution of the screen, and not composed into the overlay like a stroke: a region may cover a
whole image of 4096 x 4096 with a thousand instances, which takes longer to compose than a frame.
"""

import math

import cv2
import numpy as np
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QImage, QPainter

from app.canvas.appearance import premultiplied
from app.canvas.sampling import Pixels, Placement, under
from app.canvas.viewport import Viewport
from engine.geometry.mask import Bitmap, Mask

FILL = 110  # opacity out of 255: a little above that of an accepted instance, which may have the same colour
DASH = 4  # device pixels; light and dark dashes show on any image
LIGHT, DARK = 0xFFFFFFFF, 0xFF101010


class Marked:
    """A mask as a translucent fill with a dashed outline of one device pixel."""

    def __init__(self, mask: Mask, color: str) -> None:
        self.mask = mask
        self._fill = premultiplied(color, FILL)
        self._painted: tuple[tuple[object, ...], QImage | None, QPointF] | None = None

    def paint(self, painter: QPainter, room: QRectF, viewport: Viewport, zoom: float) -> None:
        """Paint what lies inside `room`, in widget coordinates; made anew only where the view is another."""
        if self.mask.is_empty:
            return
        view = (room.width(), room.height(), viewport, zoom)
        if self._painted is None or self._painted[0] != view:
            self._painted = (view, *self._picture(room, viewport, zoom))
        _, picture, at = self._painted
        if picture is not None:
            painter.drawImage(at, picture)

    def _picture(self, room: QRectF, viewport: Viewport, zoom: float) -> tuple[QImage | None, QPointF]:
        ratio = zoom / viewport.scale
        bitmap = self.mask.bitmap
        place = Placement(zoom, viewport.x * ratio + self.mask.x * zoom, viewport.y * ratio + self.mask.y * zoom)
        # Two pixels more than there is room for, or an outline would run along the border of the view.
        size = math.ceil(room.width() * ratio) + 2, math.ceil(room.height() * ratio) + 2
        covered = place.covered((-2, -2, *size), self.mask.width, self.mask.height)
        if covered is None:
            return None, QPointF()
        columns, rows = under(covered, place, self.mask.width, self.mask.height)
        left, top = int(columns[0]), int(rows[0])
        window = bitmap[top : rows[-1] + 1, left : columns[-1] + 1]
        inside = np.pad(window.take(columns - left, axis=1).take(rows - top, axis=0), 1)
        pixels = self._colored(inside)
        height, width = pixels.shape
        shared = QImage(pixels.data, width, height, pixels.strides[0], QImage.Format.Format_ARGB32_Premultiplied)
        picture = shared.copy()
        picture.setDevicePixelRatio(ratio)
        return picture, QPointF((covered[0] - 1) / ratio, (covered[1] - 1) / ratio)

    def _colored(self, inside: Bitmap) -> Pixels:
        cross = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
        inner = cv2.erode(inside.view(np.uint8), cross)
        rows, columns = np.ogrid[: inside.shape[0], : inside.shape[1]]
        dark = ((rows + columns) // DASH % 2).astype(np.uint8)
        codes = inside.view(np.uint8) * (1 + (1 - inner) * (1 + dark))  # 0 outside, 1 inside, 2 light, 3 dark
        pixels: Pixels = np.array([0, self._fill, LIGHT, DARK], dtype=np.uint32).take(codes)
        return pixels
