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
from app.canvas.sampling import Pixels, Placement, nearest, under
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
        self._pixels: Pixels | None = None  # what the painted picture is made of
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
        inside = np.zeros((len(rows) + 2, len(columns) + 2), dtype=np.bool_)  # unset around, or there would be no edge
        inside[1:-1, 1:-1] = nearest(bitmap.view(np.uint8), columns, rows).view(np.bool_)
        self._pixels = self._colored(inside)
        height, width = self._pixels.shape
        strides = self._pixels.strides[0]
        picture = QImage(self._pixels.data, width, height, strides, QImage.Format.Format_ARGB32_Premultiplied)
        picture.setDevicePixelRatio(ratio)
        return picture, QPointF((covered[0] - 1) / ratio, (covered[1] - 1) / ratio)

    def _colored(self, inside: Bitmap) -> Pixels:
        """The fill, and then the few pixels of the outline one by one: no table is looked up for each of millions."""
        bits = inside.view(np.uint8)
        pixels: Pixels = np.multiply(bits, np.uint32(self._fill), dtype=np.uint32)
        inner = cv2.erode(bits, cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3)))
        edge = cv2.findNonZero(cv2.subtract(bits, inner))
        if edge is not None:
            columns, rows = np.asarray(edge).reshape(-1, 2).T
            pixels[rows, columns] = np.array([LIGHT, DARK], dtype=np.uint32)[(rows + columns) // DASH % 2]
        return pixels
