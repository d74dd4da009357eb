"""A box that a person draws for the model, what the model is asked about it, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt

from app.canvas.rects import Rect
from app.tools.base import PointerEvent
from app.tools.marked import Marked
from engine.geometry.tiles import Tile
from engine.records import Detection

if TYPE_CHECKING:
    from app.canvas.view import CanvasView
    from engine.inference import Features, Predictor

SMALLEST = 3.0  # image pixels: a smaller box is a click

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Asked:
    """What the model is asked: about a box, seen with a tile, that it may refine; of a category where that is named,
    which the model may know by another name, or not at all."""

    box: Box
    tile: Tile | None
    refine: bool
    category: str | None
    known_as: str | None = None

    def answer(self, predictor: Predictor, features: Features) -> Found:
        known = predictor.card.spec.categories
        labels = [known.index(self.known_as)] if self.known_as in known else None
        (found,) = predictor.masks_for_boxes(features, [self.box], labels=labels, refine=self.refine)
        return Found(self, found, predictor.checkpoint_id)


@dataclass(frozen=True)
class Found:
    """What the model sees in a box, and which model."""

    asked: Asked
    detection: Detection
    checkpoint_id: str


@dataclass(eq=False)
class Drawn:
    """A box on an image, from its first point until the edit that stores what is in it."""

    canvas: CanvasView
    image_id: int
    points: list[tuple[float, float]]
    pointer: tuple[float, float]
    by_points: bool = False
    keeps_box: bool = False
    asked: Asked | None = None  # last
    marked: Marked | None = None
    found: Found | None = None
    shown: list[Rect] = field(default_factory=list)  # what is painted of it, in image pixels

    @property
    def box(self) -> Box:
        xs, ys = zip(*self.points, self.pointer, strict=True)
        return min(xs), min(ys), max(xs), max(ys)

    def follow(self, event: PointerEvent) -> None:
        """Reach to the pointer."""
        self.pointer, self.keeps_box = (event.x, event.y), event.has(Qt.KeyboardModifier.AltModifier)

    @property
    def is_click(self) -> bool:
        x1, y1, x2, y2 = self.box
        return x2 - x1 < SMALLEST or y2 - y1 < SMALLEST
