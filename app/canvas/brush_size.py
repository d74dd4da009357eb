"""The radius that brush and eraser paint with, and the steps in which it changes."""

import math

from app.tools.options import Number
from app.translation import tr

SMALLEST, LARGEST, FIRST = 0.5, 256.0, 12.0  # radius in image pixels
STEP = 1.2


class BrushSize(Number):
    """One radius for all tools that paint, in image pixels, in halves of one."""

    def __init__(self) -> None:
        tip = tr("Brush radius in image pixels (Ctrl + wheel)")
        super().__init__(tr("Radius"), tip, SMALLEST, LARGEST, FIRST, 0.5, tr("px"))

    @property
    def radius(self) -> float:
        """In image pixels."""
        return self.value

    def step(self, steps: float) -> None:
        """Larger by so many steps, smaller where negative."""
        radius = self.radius * STEP**steps
        at_least = math.copysign(0.5, steps)
        self.set(radius if abs(radius - self.radius) > 0.5 else self.radius + at_least)
