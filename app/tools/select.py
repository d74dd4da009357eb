"""The select tool: a click selects, again goes to what lies beneath, and a drag draws a lasso around instances."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF, QTransform

from app.canvas.edges import HALO
from app.tools.base import PointerEvent, Tool
from app.tools.options import Option
from engine.geometry.enclosure import enclosed

SAME_PLACE = 4.0  # widget pixels; a hand that clicks twice moves less, and one that drags moves more
STEP = 2.0  # widget pixels between points of a lasso: more points look no different
INNER_WIDTH, OUTER_WIDTH = 1.6, 3.6  # widget pixels of the white line and the dark one beneath it
PIECE = 64  # points of a lasso that are painted or left out together
SHIFT = Qt.KeyboardModifier.ShiftModifier
TAKE_AWAY = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier


class Select(Tool):
    """Click selects the topmost instance, a click beside everything clears, a lasso selects what is mostly inside it.

    With Shift a click adds or takes away and a lasso adds; with Ctrl or Alt both take away.
    """

    name = "select"
    cursor = Qt.CursorShape.ArrowCursor

    def __init__(self) -> None:
        super().__init__()
        self._clicked: tuple[float, float] | None = None
        self._pressed: PointerEvent | None = None
        self._before: tuple[int, ...] = ()
        self._lasso: list[QPolygonF] = []  # in image coordinates, in pieces that each begin where the last one ends

    def options(self) -> Sequence[Option]:
        return self.canvas.shaping.options()

    def press(self, event: PointerEvent) -> None:
        self._pressed, self._before = event, self.canvas.session.selection
        self._click(event)

    def move(self, event: PointerEvent) -> None:
        if self._pressed is not None:
            self._drag(event, self._pressed)
            return
        if not self.canvas.session.is_arriving:  # to read the rest of a crowded image at once would take too long
            under = self.canvas.instances_at(event.x, event.y)
            self.canvas.set_hovered(under[0] if under else None)

    def release(self, event: PointerEvent) -> None:
        if self._pressed is not None and self._lasso:
            self._drag(event, self._pressed)
            self._choose(self._pressed)
        self._end()

    def leave(self) -> None:
        self.canvas.set_hovered(None)

    def cancel(self) -> bool:
        drawing = bool(self._lasso)
        if drawing:
            self.canvas.session.select(self._before)
        self._clicked = None
        self._end()
        return drawing

    def paint(self, painter: QPainter) -> None:
        if not self._lasso:
            return
        viewport = self.canvas.viewport
        painter.save()
        painter.setTransform(QTransform(viewport.scale, 0, 0, viewport.scale, viewport.x, viewport.y), True)
        reach = OUTER_WIDTH / viewport.scale
        clip = painter.clipBoundingRect().adjusted(-reach, -reach, reach, reach)
        near = [piece for piece in self._lasso if piece.boundingRect().adjusted(0, 0, reach, reach).intersects(clip)]
        for color, width in ((HALO, OUTER_WIDTH), (QColor("#ffffff"), INNER_WIDTH)):
            pen = QPen(color, width * painter.device().devicePixelRatio())
            pen.setCosmetic(True)
            pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
            painter.setPen(pen)
            for piece in near:
                painter.drawPolyline(piece)
        painter.restore()

    # -- clicks

    def _click(self, event: PointerEvent) -> None:
        session = self.canvas.session
        under = self.canvas.instances_at(event.x, event.y)
        repeated = self._is_near(event, self._clicked)
        self._clicked = (event.x, event.y)
        if event.has(SHIFT):
            if under:
                session.select(_toggled(session.selection, under[0]))
        elif event.has(TAKE_AWAY):
            gone = next((one for one in under if one in session.selection), None)
            session.select(one for one in session.selection if one != gone)
        elif not under:
            session.select([])
        elif repeated and len(session.selection) == 1 and session.selection[0] in under:
            session.select([under[(under.index(session.selection[0]) + 1) % len(under)]])
        else:
            session.select([under[0]])

    def _is_near(self, event: PointerEvent, place: tuple[float, float] | None, reach: float = SAME_PLACE) -> bool:
        if place is None:
            return False
        return math.hypot(event.x - place[0], event.y - place[1]) * self.canvas.viewport.scale <= reach

    # -- the lasso

    def _drag(self, event: PointerEvent, pressed: PointerEvent) -> None:
        if not self._lasso:
            if self._is_near(event, (pressed.x, pressed.y)):
                return
            self.canvas.set_hovered(None)
            self.canvas.session.select(self._before)  # the press was the beginning of this, and no click
            self._clicked = None
            self._lasso = [QPolygonF([QPointF(pressed.x, pressed.y)])]
        last = self._lasso[-1].last()
        if not self._is_near(event, (last.x(), last.y()), STEP):
            if self._lasso[-1].size() == PIECE:
                self._lasso.append(QPolygonF([last]))
            self._lasso[-1].append(QPointF(event.x, event.y))
            x1, x2 = sorted((last.x(), event.x))
            y1, y2 = sorted((last.y(), event.y))
            self.canvas.update_image_rect((x1, y1, x2, y2))

    def _choose(self, pressed: PointerEvent) -> None:
        """Select what is inside the lasso, or add it, or take it away."""
        session = self.canvas.session
        shown = session.shown_instances()
        corners = np.array([point.toTuple() for piece in self._lasso for point in piece.toList()])
        inside = enclosed([each.mask for each in shown], corners)
        found = {each.id: None for each, is_inside in zip(shown, inside, strict=True) if is_inside}  # in their order
        if pressed.has(SHIFT):
            session.select([*self._before, *found])
        elif pressed.has(TAKE_AWAY):
            session.select(one for one in self._before if one not in found)
        else:
            session.select(found)

    def _end(self) -> None:
        if self._lasso:
            self._lasso = []
            self.canvas.update()
        self._pressed = None


def _toggled(selection: tuple[int, ...], instance_id: int) -> list[int]:
    if instance_id in selection:
        return [one for one in selection if one != instance_id]
    return [*selection, instance_id]
