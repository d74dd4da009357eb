"""What GrabCut is asked to cut out: a box or a mask that is about right, and the strokes that correct it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.canvas.rects import Rect
from app.jobs.background import Advance
from app.tools.stroke import Stroke
from engine.geometry.cut_out import SURELY, SURELY_NOT, Labels, box_labels, cut_out, mask_labels
from engine.geometry.mask import Mask
from engine.geometry.regions import without_small_holes, without_specks

MARGIN = 0.25  # of the longer side, around everything: what the object is told from, but not all its neighbours
LEAST_MARGIN = 8  # pixels


@dataclass(frozen=True)
class Scribble:
    """A line of a round brush through points in image coordinates that belongs to the object, or does not."""

    belongs: bool
    radius: float
    points: tuple[tuple[float, float], ...]

    def bounds(self) -> Rect:
        """x1 y1 x2 y2 in whole pixels around the line."""
        xs, ys = zip(*self.points, strict=True)
        r = self.radius
        return int(min(xs) - r), int(min(ys) - r), int(max(xs) + r) + 1, int(max(ys) + r) + 1


@dataclass(frozen=True, eq=False)
class Cutting:
    """Everything that decides a cut-out. There is a box x1 y1 x2 y2 in image pixels, or a mask."""

    pixels: NDArray[np.uint8]
    box: Rect | None
    mask: Mask
    scribbles: tuple[Scribble, ...]
    solid: bool
    tidy: bool

    @property
    def window(self) -> Rect:
        """The part of the image that is looked at."""
        around = [self.box if self.box is not None else self.mask.bounds, *(each.bounds() for each in self.scribbles)]
        x1, y1, x2, y2 = zip(*around, strict=True)
        left, top, right, bottom = min(x1), min(y1), max(x2), max(y2)
        margin = max(LEAST_MARGIN, round(MARGIN * max(right - left, bottom - top)))
        height, width = self.pixels.shape[:2]
        return max(left - margin, 0), max(top - margin, 0), min(right + margin, width), min(bottom + margin, height)

    def labels(self) -> Labels:
        """What is known of each pixel of the window; of two strokes on one pixel the later counts."""
        x1, y1, x2, y2 = self.window
        if self.box is not None:
            a1, b1, a2, b2 = self.box
            labels = box_labels(y2 - y1, x2 - x1, (a1 - x1, b1 - y1, a2 - x1, b2 - y1), solid=self.solid)
        else:
            labels = mask_labels(self.mask.crop(*self.window))
        for scribble in self.scribbles:
            stroke = Stroke(x2 - x1, y2 - y1, scribble.radius)
            for x, y in scribble.points:
                stroke.extend(x - x1, y - y1)
            labels[stroke.crop(0, 0, x2 - x1, y2 - y1)] = SURELY if scribble.belongs else SURELY_NOT
        return labels

    def solve(self, advance: Advance) -> Mask:
        """The object's pixels. Raises MaskwrightError as `cut_out` does."""
        x1, y1, x2, y2 = self.window
        advance()
        found = cut_out(np.ascontiguousarray(self.pixels[y1:y2, x1:x2]), self.labels(), advance)
        if self.tidy:
            found = without_small_holes(without_specks(found))
        return Mask.from_crop(found, x1, y1)
