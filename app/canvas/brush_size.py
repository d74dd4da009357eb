"""The radius that brush and eraser paint with, and the steps in which it changes."""

import math

from PySide6.QtCore import QObject, Signal

SMALLEST, LARGEST, FIRST = 0.5, 256.0, 12.0  # radius in image pixels
STEP = 1.2


class BrushSize(QObject):
    """One radius for all tools that paint, in image pixels, in halves of one."""

    changed = Signal(float)  # the radius

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.radius = FIRST

    def set(self, radius: float) -> None:
        """In image pixels; kept between the smallest and the largest."""
        radius = min(max(round(radius * 2) / 2, SMALLEST), LARGEST)
        if radius != self.radius:
            self.radius = radius
            self.changed.emit(radius)

    def step(self, steps: float) -> None:
        """Larger by so many steps, smaller where negative."""
        radius = self.radius * STEP**steps
        at_least = math.copysign(0.5, steps)
        self.set(radius if abs(radius - self.radius) > 0.5 else self.radius + at_least)
