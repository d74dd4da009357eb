"""What the canvas paints, from the bottom up: image, masks, outlines, selection; a rectangle at a time."""

import math
from collections.abc import Callable, Iterable

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QImage, QPainter, QPainterPath, QTransform

from app.canvas.appearance import Shown
from app.canvas.codes import can_draw
from app.canvas.outlines import REACH, OutlineCache, draw_hovered, draw_selected, edge_path
from app.canvas.overlay import Overlay
from app.canvas.preview import Preview
from app.canvas.pyramid import ImageLevels
from app.canvas.rects import Rect
from app.canvas.sampling import DeviceRect, Picture, Pixels, Placement, nearest, smooth, under
from app.canvas.tone import Tone
from app.canvas.viewport import Viewport
from engine.errors import OutOfSpace

Draw = Callable[[QPainter, QPainterPath], None]
IMAGE_FORMAT = QImage.Format.Format_RGB32
OVERLAY_FORMAT = QImage.Format.Format_ARGB32_Premultiplied
# Outlines from a zoom of 1 on and their dashes, in device-independent pixels: thinner ones vanish on a photo, wider
# ones hide the edge that is to be judged.
LINE_WIDTH, DASH_LENGTH = 1.5, 7.0
# Above, one enlarged image pixel shows as a square, because where a mask ends is judged by pixels.
SMOOTH_BELOW = 4.0


class Layers:
    """The pictures of the current image and its masks, and how they are painted through a viewport.

    Rectangles are in widget coordinates; `zoom` is in device pixels per image pixel.
    """

    def __init__(self) -> None:
        self.overlay = Overlay()
        self.pyramid: ImageLevels | None = None
        self.tone = Tone()
        self.preview: Preview | None = None
        self._outlines = OutlineCache()

    def resize(self, width: int, height: int) -> None:
        """Make room for an image of that size. The overlay of one of the same size goes on being used."""
        if (self.overlay.width, self.overlay.height) != (width, height):
            try:
                self.overlay.resize(width, height)
            except OutOfSpace:
                self.overlay.resize(0, 0)  # the pixels need more room still: their reader says so

    def paint_image(self, painter: QPainter, rect: QRectF, viewport: Viewport, zoom: float) -> None:
        place, covered = self._covered(rect, viewport, zoom)
        if self.pyramid is None or covered is None:
            return
        level = min(level_for(zoom), self.pyramid.levels - 1)
        drawn = _sampled(self.pyramid.pixels(level), level, covered, place, smoothly=zoom < SMOOTH_BELOW)
        _blit(painter, self.tone.applied(drawn), covered, zoom / viewport.scale, IMAGE_FORMAT)

    def paint_overlay(self, painter: QPainter, rect: QRectF, viewport: Viewport, zoom: float) -> None:
        """The masks, with outlines that are sharp at this zoom."""
        place, covered = self._covered(rect, viewport, zoom)
        if covered is None:
            return
        ratio = zoom / viewport.scale
        if zoom >= 1 and can_draw():
            width, dash = max(round(LINE_WIDTH * ratio), 2), max(round(DASH_LENGTH * ratio), 2)
            drawn = self.overlay.drawn(covered, place, width, dash)
        else:
            level = min(level_for(zoom), self.overlay.levels - 1)
            drawn = _sampled(self.overlay.pixels(level), level, covered, place, smoothly=zoom < 1)
        _blit(painter, drawn, covered, ratio, OVERLAY_FORMAT)

    def paint_selection(
        self,
        painter: QPainter,
        rect: QRectF,
        viewport: Viewport,
        zoom: float,
        selected: Iterable[int],
        hovered: int | None,
    ) -> None:
        """The outlines of selected and hovered instances, and of a stroke in progress, which is on top of them."""
        visible = self._visible(rect, viewport)
        if visible is None:
            return
        target = self.preview.target if self.preview is not None else None
        near = {item.id: item for item in self.overlay.within(visible) if item.id != target}
        chosen = [near[one] for one in selected if one in near]
        if hovered in near and near[hovered] not in chosen:
            self._stroke(painter, viewport, visible, [near[hovered]], draw_hovered)
        self._stroke(painter, viewport, visible, chosen, draw_selected)
        if self.preview is not None and zoom >= 1:
            self._stroke_preview(painter, viewport, self.preview, visible)

    # -- inside

    def _visible(self, rect: QRectF, viewport: Viewport) -> Rect | None:
        """The image pixels that anything painted in `rect` belongs to."""
        x1, y1 = viewport.to_image(rect.left() - REACH, rect.top() - REACH)
        x2, y2 = viewport.to_image(rect.right() + REACH, rect.bottom() + REACH)
        left, top = max(math.floor(x1), 0), max(math.floor(y1), 0)
        right, bottom = min(math.ceil(x2), self.overlay.width), min(math.ceil(y2), self.overlay.height)
        return (left, top, right, bottom) if left < right and top < bottom else None

    def _covered(self, rect: QRectF, viewport: Viewport, zoom: float) -> tuple[Placement, DeviceRect | None]:
        """Where the image lies on the device, and the device pixels of `rect` that are on it."""
        ratio = zoom / viewport.scale
        place = Placement(zoom, viewport.x * ratio, viewport.y * ratio)
        left, top = math.floor(rect.left() * ratio), math.floor(rect.top() * ratio)
        right, bottom = math.ceil(rect.right() * ratio), math.ceil(rect.bottom() * ratio)
        return place, place.covered((left, top, right, bottom), self.overlay.width, self.overlay.height)

    def _stroke(self, painter: QPainter, viewport: Viewport, visible: Rect, items: Iterable[Shown], draw: Draw) -> None:
        painter.save()
        painter.setTransform(_transform(viewport), True)
        for item in items:
            draw(painter, self._outlines.path(item.id, item.mask, visible))
        painter.restore()

    def _stroke_preview(self, painter: QPainter, viewport: Viewport, preview: Preview, visible: Rect) -> None:
        """The outline of a stroke in progress, from its pixels: a path of the whole mask would take a frame to make."""
        x1, y1, x2, y2 = visible
        window = preview.window((x1 - 1, y1 - 1, x2 + 1, y2 + 1))
        painter.save()
        painter.setTransform(_transform(viewport), True)
        draw_selected(painter, edge_path(window, x1 - 1, y1 - 1))
        painter.restore()


def level_for(zoom: float) -> int:
    """The coarsest level that still has a pixel for every device pixel."""
    return max(0, math.floor(math.log2(1 / zoom) + 1e-9)) if zoom < 1 else 0


def _sampled(picture: Picture, level: int, covered: DeviceRect, place: Placement, *, smoothly: bool) -> Pixels:
    """The part of a level's picture that falls on device pixels; a level pixel covers 2^level image pixels."""
    if smoothly and not _is_whole(place.zoom * 2**level):
        return smooth(picture, level, covered, place)
    coarse = Placement(place.zoom * 2**level, place.x, place.y)
    return nearest(picture, *under(covered, coarse, picture.shape[1], picture.shape[0]))


def _blit(painter: QPainter, pixels: Pixels, rect: DeviceRect, ratio: float, picture_format: QImage.Format) -> None:
    """Paint 0xAARRGGBB pixels (h, w) onto the device pixels `rect`, one to one."""
    height, width = pixels.shape
    picture = QImage(pixels.data, width, height, pixels.strides[0], picture_format)
    picture.setDevicePixelRatio(ratio)
    painter.drawImage(QPointF(rect[0] / ratio, rect[1] / ratio), picture)


def _transform(viewport: Viewport) -> QTransform:
    return QTransform(viewport.scale, 0, 0, viewport.scale, viewport.x, viewport.y)


def _is_whole(scale: float) -> bool:
    """Whether every picture pixel covers whole device pixels, so that there is nothing to interpolate."""
    return abs(scale - 1) < 1e-9
