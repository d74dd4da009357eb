"""Where the image lies in the widget: a scale and an offset, as a plain value.

Image coordinates are continuous, x in [0, W] and y in [0, H], with pixel centres at +0.5. Widget coordinates are
Qt's device-independent pixels.
"""

from dataclasses import dataclass

# Device pixels per image pixel. Beyond 64 a pixel is larger than a fingertip; below 1/64 a 60,000-pixel slide fits.
MOST_ZOOM = 64.0
LEAST_ZOOM = 1 / 64
KEPT_VISIBLE = 48.0  # pixels of the image that stay in the widget however far it is moved, so that it is never lost


@dataclass(frozen=True, slots=True)
class Viewport:
    """`scale` widget pixels per image pixel; image point (0, 0) lies at (`x`, `y`)."""

    scale: float
    x: float
    y: float

    def to_widget(self, x: float, y: float) -> tuple[float, float]:
        return x * self.scale + self.x, y * self.scale + self.y

    def to_image(self, x: float, y: float) -> tuple[float, float]:
        return (x - self.x) / self.scale, (y - self.y) / self.scale

    def moved(self, dx: float, dy: float) -> "Viewport":
        return Viewport(self.scale, self.x + dx, self.y + dy)

    def scaled(self, scale: float, x: float, y: float) -> "Viewport":
        """With another scale, the image point under the widget point (x, y) staying there."""
        image_x, image_y = self.to_image(x, y)
        return Viewport(scale, x - image_x * scale, y - image_y * scale)

    def kept(self, image: tuple[int, int], widget: tuple[int, int], ratio: float) -> "Viewport":
        """Moved so that part of the image stays visible, and onto whole device pixels so that 100 % is sharp."""
        place = []
        for offset, length, room in zip((self.x, self.y), image, widget, strict=True):
            visible = min(KEPT_VISIBLE, length * self.scale, room)
            offset = min(max(offset, visible - length * self.scale), room - visible)
            place.append(round(offset * ratio) / ratio)
        return Viewport(self.scale, place[0], place[1])


def fitted(bounds: tuple[float, float, float, float], widget: tuple[int, int], margin: float, most: float) -> Viewport:
    """The viewport that centres image bounds x1 y1 x2 y2 in a widget, as large as they go but at scale `most`."""
    x1, y1, x2, y2 = bounds
    room = [max(length - 2 * margin, 1.0) for length in widget]
    scale = min(room[0] / max(x2 - x1, 1.0), room[1] / max(y2 - y1, 1.0), most)
    return Viewport(scale, widget[0] / 2 - (x1 + x2) / 2 * scale, widget[1] / 2 - (y1 + y2) / 2 * scale)
