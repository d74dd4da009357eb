"""What the canvas paints, from the bottom up: image, masks, outlines, selection; a rectangle at a time."""

import math
from collections.abc import Callable, Iterable

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QImage, QPainter, QPainterPath, QTransform

from app.canvas.appearance import Shown
from app.canvas.outlines import REACH, OutlineCache, draw_hovered, draw_outline, draw_selected, edge_path
from app.canvas.overlay import Overlay, Preview, Rect
from app.canvas.pyramid import Pyramid, image_view
from app.canvas.viewport import Viewport

Draw = Callable[[QPainter, QPainterPath, Shown], None]
# Device pixels per image pixel from where on outlines are vectors: below, the overlay's own line of pixels is as sharp.
VECTOR_ZOOM = 3.0
# More visible instances than this keep the overlay's outlines at any zoom. Stroking one path twice takes about 50 us,
# so this many take some 5 ms of a 16 ms frame.
MOST_VECTORS = 96
# Above, one enlarged image pixel shows as a square, because where a mask ends is judged by pixels.
SMOOTH_BELOW = 4.0
MARGIN = 2  # level pixels read beyond what is painted, so that interpolation does not see the border of the rectangle


class Layers:
    """The pictures of the current image and its masks, and how they are painted through a viewport."""

    def __init__(self) -> None:
        self.overlay = Overlay()
        self.pyramid: Pyramid | None = None
        self.preview: Preview | None = None
        self._outlines = OutlineCache()
        self._overlay_images: list[QImage] = []

    def resize(self, width: int, height: int) -> None:
        """Make room for an image of that size. The overlay of one of the same size goes on being used."""
        if (self.overlay.width, self.overlay.height) != (width, height) or not self._overlay_images:
            self.overlay.resize(width, height)
            self._overlay_images = [
                image_view(self.overlay.pixels(level), QImage.Format.Format_ARGB32_Premultiplied)
                for level in range(self.overlay.levels)
            ]

    def paint_image(self, painter: QPainter, room: QRectF, viewport: Viewport, zoom: float) -> None:
        """The image in a widget that is `room`, within the clip; `zoom` is in device pixels per image pixel."""
        if self.pyramid is not None:
            level = min(level_for(zoom), self.pyramid.levels - 1)
            smooth = zoom < SMOOTH_BELOW and not _is_whole(zoom * 2**level)
            self._draw(painter, self.pyramid.image(level), level, room, viewport, smooth)

    def paint_overlay(self, painter: QPainter, room: QRectF, rect: QRectF, viewport: Viewport, zoom: float) -> None:
        """The masks, with outlines that are sharp at this zoom; only what meets `rect` is looked at."""
        visible = self._visible(rect, viewport)
        if visible is None:
            return
        level = min(level_for(zoom), self.overlay.levels - 1)
        # Counted over all that is visible, or a partial repaint would choose differently from a whole one.
        shown = self._visible(room, viewport) or visible
        if zoom < VECTOR_ZOOM or len(self.overlay.within(shown)) > MOST_VECTORS:
            smooth = zoom < 1 and not _is_whole(zoom * 2**level)
            self._draw(painter, self._overlay_images[level], level, room, viewport, smooth)
            return
        self._draw_plain(painter, room, viewport)
        target = self.preview.target if self.preview is not None else None
        near = [item for item in self.overlay.within(visible) if item.id != target]
        self._stroke(painter, viewport, near, draw_outline)

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
            self._stroke(painter, viewport, [near[hovered]], lambda painter, path, _: draw_hovered(painter, path))
        self._stroke(painter, viewport, chosen, lambda painter, path, _: draw_selected(painter, path))
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

    def _draw(
        self, painter: QPainter, image: QImage, level: int, room: QRectF, viewport: Viewport, smooth: bool
    ) -> None:
        """The part of a level's picture that meets `room`; a level pixel covers 2^level image pixels.

        Qt samples in steps of 1/65536 pixel from the corner of what is drawn. Always drawing what the widget shows,
        whatever the clip is, keeps a partial repaint identical to a whole one; drawing the whole picture would be
        several pixels off at its far end.
        """
        side = 2**level
        x1, y1 = viewport.to_image(room.left(), room.top())
        x2, y2 = viewport.to_image(room.right(), room.bottom())
        left, top = max(math.floor(x1 / side) - MARGIN, 0), max(math.floor(y1 / side) - MARGIN, 0)
        right = min(math.ceil(x2 / side) + MARGIN, image.width())
        bottom = min(math.ceil(y2 / side) + MARGIN, image.height())
        if left >= right or top >= bottom:
            return
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
        # Levels round their size up, so the last line of a coarse one may reach beyond the image.
        if level:
            corner = viewport.to_widget(self.overlay.width, self.overlay.height)
            painter.setClipRect(
                QRectF(QPointF(*viewport.to_widget(0, 0)), QPointF(*corner)), Qt.ClipOperation.IntersectClip
            )
        painter.setTransform(_transform(viewport).scale(side, side), True)
        painter.drawImage(QPointF(left, top), image, QRectF(left, top, right - left, bottom - top))
        painter.restore()

    def _draw_plain(self, painter: QPainter, room: QRectF, viewport: Viewport) -> None:
        """The masks without boundaries, from the image pixels that the widget shows, which are few this close."""
        visible = self._visible(room, viewport)
        if visible is None:
            return
        plain = np.ascontiguousarray(self.overlay.plain_pixels(visible))
        painter.save()
        painter.setTransform(_transform(viewport), True)
        picture = image_view(plain, QImage.Format.Format_ARGB32_Premultiplied)
        painter.drawImage(QPointF(visible[0], visible[1]), picture)
        painter.restore()

    def _stroke(self, painter: QPainter, viewport: Viewport, items: Iterable[Shown], draw: Draw) -> None:
        painter.save()
        painter.setTransform(_transform(viewport), True)
        for item in items:
            draw(painter, self._outlines.path(item.id, item.mask), item)
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


def _transform(viewport: Viewport) -> QTransform:
    return QTransform(viewport.scale, 0, 0, viewport.scale, viewport.x, viewport.y)


def _is_whole(scale: float) -> bool:
    """Whether every picture pixel covers whole device pixels, so that there is nothing to interpolate."""
    return abs(scale - 1) < 1e-9
