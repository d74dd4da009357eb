"""What the canvas paints, from the bottom up: image, masks, outlines, selection; a rectangle at a time."""

import math
from collections.abc import Callable, Iterable

import numpy as np
from PySide6.QtCore import QRect, QRectF
from PySide6.QtGui import QColor, QPainter

from app.canvas.codes import can_draw
from app.canvas.edges import HOVERED, LARGEST_OUTLINED, REACH, SELECTED, draw_edges, draw_outline
from app.canvas.overlay import Overlay
from app.canvas.pictures import OPAQUE, PREMULTIPLIED, blit
from app.canvas.preview import Preview
from app.canvas.pyramid import ImageLevels
from app.canvas.rects import Rect, grown
from app.canvas.sampling import DeviceRect, Pixels, Placement, lay_over, sample, sampled
from app.canvas.tone import Tone
from app.canvas.viewport import Viewport
from engine.errors import OutOfSpace

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
        self._memory = np.empty(0, dtype=np.uint32)

    def resize(self, width: int, height: int) -> None:
        """Make room for another image, of that size."""
        try:
            if (self.overlay.width, self.overlay.height) != (width, height):
                self.overlay.resize(width, height)
            else:
                self.overlay.clear()
        except OutOfSpace:
            self.overlay.resize(0, 0)  # the pixels need more room still: their reader says so

    def begin_piece(self, zoom: float) -> Callable[[], None] | None:
        """As the overlay's, for a view at a zoom."""
        return self.overlay.begin_piece(self._overlay_level(zoom))

    def paint_picture(
        self, painter: QPainter, rect: QRectF, viewport: Viewport, zoom: float, *, ground: QColor | None, masks: bool
    ) -> None:
        """The image, or `ground` in its place, and over it the masks, with outlines that are sharp at this zoom."""
        place, covered = self._covered(rect, viewport, zoom)
        if covered is None:
            return
        ratio = zoom / viewport.scale
        frame = self._frame(covered, place, ground)
        if masks and can_draw():
            if zoom >= 1:
                self.overlay.draw(covered, place, *_line(ratio), frame)
            else:
                level = self._overlay_level(zoom)
                lay_over(self.overlay.pixels(level), level, covered, place, frame)
        blit(painter, frame, covered, ratio, OPAQUE)
        if masks and not can_draw():
            level = self._overlay_level(zoom)
            drawn = sampled(self.overlay.pixels(level), level, covered, place, smoothly=zoom < 1)
            blit(painter, drawn, covered, ratio, PREMULTIPLIED)

    def covered(self, rect: QRect, viewport: Viewport, zoom: float) -> QRect:
        """The widget pixels of `rect` that `paint_picture` paints wholly."""
        covered = self._covered(QRectF(rect), viewport, zoom)[1]
        if covered is None:
            return QRect()
        ratio = zoom / viewport.scale
        left, top = math.ceil(covered[0] / ratio), math.ceil(covered[1] / ratio)
        return QRect(left, top, math.floor(covered[2] / ratio) - left, math.floor(covered[3] / ratio) - top)

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
        if hovered in near and near[hovered] not in chosen and near[hovered].mask.bitmap.size <= LARGEST_OUTLINED:
            draw_outline(painter, rect, viewport, near[hovered].mask, visible, HOVERED)
        for item in chosen:
            draw_outline(painter, rect, viewport, item.mask, visible, SELECTED)
        if self.preview is not None and zoom >= 1:
            around = grown(visible)
            draw_edges(painter, rect, viewport, self.preview.window(around), around[:2], SELECTED)

    # -- inside

    def _visible(self, rect: QRectF, viewport: Viewport) -> Rect | None:
        """The image pixels that anything painted in `rect` belongs to."""
        x1, y1 = viewport.to_image(rect.left() - REACH, rect.top() - REACH)
        x2, y2 = viewport.to_image(rect.right() + REACH, rect.bottom() + REACH)
        left, top = max(math.floor(x1), 0), max(math.floor(y1), 0)
        right, bottom = min(math.ceil(x2), self.overlay.width), min(math.ceil(y2), self.overlay.height)
        return (left, top, right, bottom) if left < right and top < bottom else None

    def _overlay_level(self, zoom: float) -> int:
        return min(level_for(zoom), self.overlay.levels - 1)

    def _covered(self, rect: QRectF, viewport: Viewport, zoom: float) -> tuple[Placement, DeviceRect | None]:
        """Where the image lies on the device, and the device pixels of `rect` that are on it."""
        ratio = zoom / viewport.scale
        place = Placement(zoom, viewport.x * ratio, viewport.y * ratio)
        left, top = math.floor(rect.left() * ratio), math.floor(rect.top() * ratio)
        right, bottom = math.ceil(rect.right() * ratio), math.ceil(rect.bottom() * ratio)
        return place, place.covered((left, top, right, bottom), self.overlay.width, self.overlay.height)

    def _frame(self, covered: DeviceRect, place: Placement, ground: QColor | None) -> Pixels:
        """Opaque pixels (h, w) of the image on device pixels; they are used again for the next frame."""
        height, width = covered[3] - covered[1], covered[2] - covered[0]
        if self._memory.size < height * width:
            self._memory = np.empty(height * width, dtype=np.uint32)
        frame = self._memory[: height * width].reshape(height, width)
        if ground is not None or self.pyramid is None:
            frame[...] = (ground or QColor()).rgb()
            return frame
        level = min(level_for(place.zoom), self.pyramid.levels - 1)
        sample(self.pyramid.pixels(level), level, covered, place, frame, smoothly=place.zoom < SMOOTH_BELOW)
        return self.tone.applied(frame)


def level_for(zoom: float) -> int:
    """The coarsest level that still has a pixel for every device pixel."""
    return max(0, math.floor(math.log2(1 / zoom) + 1e-9)) if zoom < 1 else 0


def _line(ratio: float) -> tuple[int, int]:
    """Width and length of dashes of an outline in device pixels, of which there are `ratio` in a widget pixel."""
    return max(round(LINE_WIDTH * ratio), 2), max(round(DASH_LENGTH * ratio), 2)
