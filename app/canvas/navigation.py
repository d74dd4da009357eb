"""How the image is looked at: fitted or at a zoom of one's own, remembered for each image."""

from collections.abc import Callable
from dataclasses import dataclass

from app.canvas.viewport import LEAST_ZOOM, MOST_ZOOM, Viewport, fitted

FIT_MARGIN = 16.0
FIT_ZOOM = 16.0  # a tiny image is enlarged so far and no further when it is fitted

SURROUNDINGS = 0.35  # how much is seen around what is zoomed to, as a share of its longer side
LEAST_SIDE = 20.0  # image pixels: a speck alone is not enlarged so far that nothing around it is left to see

Size = tuple[int, int]  # width, height
Bounds = tuple[float, float, float, float]  # x1 y1 x2 y2 in image coordinates


@dataclass(frozen=True, slots=True)
class View:
    """The zoom in device pixels per image pixel, and the image point in the middle of the widget."""

    zoom: float
    x: float
    y: float


class Navigation:
    """The viewport of the current image. Calls `changed` after every change, with whether the zoom changed too."""

    def __init__(self, changed: Callable[[bool], None]) -> None:
        self.viewport = Viewport(1.0, 0.0, 0.0)
        self._changed = changed
        self._image_id: int | None = None
        self._image: Size = (0, 0)
        self._room: Size = (1, 1)
        self._ratio = 1.0
        self._fitted = True
        self._remembered: dict[int, View] = {}

    @property
    def zoom(self) -> float:
        """Device pixels per image pixel."""
        return self.viewport.scale * self._ratio

    def open_image(self, image_id: int | None, size: Size) -> None:
        """Go to another image, back to how it was last looked at; fitted the first time."""
        self._remember()
        self._image_id, self._image = image_id, size
        last = None if image_id is None else self._remembered.get(image_id)
        if last is None:
            self.fit()
            return
        self._fitted = False
        scale = last.zoom / self._ratio
        self._set(Viewport(scale, self._room[0] / 2 - last.x * scale, self._room[1] / 2 - last.y * scale))

    def forget(self) -> None:
        """Another project: its images have the same ids and are others."""
        self._remembered.clear()
        self._image_id = None

    def views(self) -> dict[int, View]:
        """How images were looked at last, by id, the last of them last; without those that were shown whole."""
        self._remember()
        return dict(self._remembered)

    def restore(self, views: dict[int, View]) -> None:
        """Images will be shown like that when they are opened; instead of what was known of them."""
        self._remembered = dict(views)

    def set_room(self, room: Size, ratio: float) -> None:
        """The widget has another size, or moved to a screen of `ratio` device pixels per widget pixel."""
        dx, dy, zoom = (room[0] - self._room[0]) / 2, (room[1] - self._room[1]) / 2, self.zoom
        self._room, self._ratio = room, ratio
        if self._fitted:
            self.fit()
            return
        moved = self.viewport.moved(dx, dy)
        self._set(moved.scaled(zoom / ratio, room[0] / 2, room[1] / 2))

    def fit(self) -> None:
        """Show the whole image, and keep showing it whole when the room changes."""
        self._fitted = True
        if self._has_image:
            bounds = (0, 0, *self._image)
            self._set(fitted(bounds, self._room, FIT_MARGIN, FIT_ZOOM / self._ratio))

    def zoom_to(self, zoom: float, x: float, y: float) -> None:
        """Zoom to device pixels per image pixel, what lies at the widget point (x, y) staying there."""
        if self._has_image:
            self._fitted = False
            scale = min(max(zoom, LEAST_ZOOM), MOST_ZOOM) / self._ratio
            self._set(self.viewport.scaled(scale, x, y))

    def pan(self, dx: float, dy: float) -> None:
        """Move the image by widget pixels."""
        if self._has_image:
            self._fitted = False
            self._set(self.viewport.moved(dx, dy))

    def show_bounds(self, bounds: Bounds) -> None:
        """Bring image bounds into view with some of their surroundings, unless they are in view already."""
        x1, y1, x2, y2 = bounds
        left, top = self.viewport.to_widget(x1, y1)
        right, bottom = self.viewport.to_widget(x2, y2)
        if left >= 0 and top >= 0 and right <= self._room[0] and bottom <= self._room[1]:
            return
        self._fitted = False
        margin = max(x2 - x1, y2 - y1) / 2
        wide = (x1 - margin, y1 - margin, x2 + margin, y2 + margin)
        self._set(fitted(wide, self._room, FIT_MARGIN, self.viewport.scale))

    def zoom_to_bounds(self, bounds: Bounds) -> None:
        """Bring image bounds into the middle, as large as they go with some of their surroundings."""
        x1, y1, x2, y2 = bounds
        if self._has_image:
            self._fitted = False
            margin = max(x2 - x1, y2 - y1, LEAST_SIDE) * SURROUNDINGS
            wide = (x1 - margin, y1 - margin, x2 + margin, y2 + margin)
            self._set(fitted(wide, self._room, FIT_MARGIN, FIT_ZOOM / self._ratio))

    @property
    def _has_image(self) -> bool:
        return self._image[0] > 0 and self._image[1] > 0

    def _remember(self) -> None:
        if self._image_id is None:
            return
        self._remembered.pop(self._image_id, None)
        if not self._fitted:
            x, y = self.viewport.to_image(self._room[0] / 2, self._room[1] / 2)
            self._remembered[self._image_id] = View(self.zoom, x, y)

    def _set(self, viewport: Viewport) -> None:
        viewport = viewport.kept(self._image, self._room, self._ratio)
        if viewport != self.viewport:
            zoomed = viewport.scale != self.viewport.scale
            self.viewport = viewport
            self._changed(zoomed)
