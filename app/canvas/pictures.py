"""Arrays of pixels painted as they are: one of theirs on one of the device's."""

from PySide6.QtCore import QPointF
from PySide6.QtGui import QImage, QPainter

from app.canvas.sampling import DeviceRect, Pixels

OPAQUE = QImage.Format.Format_RGB32
PREMULTIPLIED = QImage.Format.Format_ARGB32_Premultiplied


def blit(painter: QPainter, pixels: Pixels, rect: DeviceRect, ratio: float, picture_format: QImage.Format) -> None:
    """Paint 0xAARRGGBB pixels (h, w) onto the device pixels `rect`, of which there are `ratio` in a widget pixel."""
    height, width = pixels.shape
    picture = QImage(pixels.data, width, height, pixels.strides[0], picture_format)
    picture.setDevicePixelRatio(ratio)
    painter.drawImage(QPointF(rect[0] / ratio, rect[1] / ratio), picture)
