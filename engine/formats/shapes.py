"""The shapes that several formats share; see `engine.formats.dataset.Shape`."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.formats.dataset import EncodedShape, Shape
from engine.geometry import polygons
from engine.geometry.mask import Mask


@dataclass(frozen=True, slots=True)
class Nothing:
    """What has no mask: a box, a line, a point. Importing it says so and leaves its image incomplete."""

    def draw(self, width: int, height: int) -> Mask:
        """See `engine.formats.dataset.Shape`."""
        return Mask.empty()


@dataclass(frozen=True, slots=True)
class Polygons(EncodedShape):
    """Rings [x, y, x, y, ...] in continuous pixel coordinates, or in fractions of the image where `normalised`.

    Each is filled by the even-odd rule, as COCO's are, and all are united: a ring that runs to a hole and back along
    the same line leaves the hole open.
    """

    rings: Sequence[Sequence[float]]
    normalised: bool = False

    def counts(self, width: int, height: int) -> bytes:
        """See `engine.formats.dataset.EncodedShape`."""
        if not self.normalised:
            return polygons.coco_counts(self.rings, height, width)
        scaled = [(np.reshape(ring, (-1, 2)) * (width, height)).ravel().tolist() for ring in self.rings]
        return polygons.coco_counts(scaled, height, width)


@dataclass(frozen=True, slots=True)
class Circle:
    """The pixels whose centres lie in a circle."""

    x: float
    y: float
    radius: float

    def draw(self, width: int, height: int) -> Mask:
        """See `engine.formats.dataset.Shape`."""
        left, right = np.clip([self.x - self.radius, self.x + self.radius + 1], 0, width).astype(int)
        top, bottom = np.clip([self.y - self.radius, self.y + self.radius + 1], 0, height).astype(int)
        rows, columns = np.ogrid[top:bottom, left:right]
        # Half the chord through each row: the distances of all pixels at once would take eight times the memory.
        offset = np.clip((rows + 0.5 - self.y) / max(self.radius, 1e-9), -1, 1)
        inside = np.abs(columns + 0.5 - self.x) <= self.radius * np.sqrt(1 - offset**2)
        return Mask.from_crop(inside & (np.abs(offset) < 1), int(left), int(top))


@dataclass(frozen=True, slots=True)
class Union:
    """The pixels of any of several shapes."""

    shapes: Sequence[Shape]

    def draw(self, width: int, height: int) -> Mask:
        """See `engine.formats.dataset.Shape`."""
        union = Mask.empty()
        for shape in self.shapes:
            union = union.union(shape.draw(width, height))
        return union
