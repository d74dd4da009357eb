"""GrabCut: a box around an object cuts it out, and strokes say what belongs to it and what does not.

Strokes on the selected instance correct its mask in the same way. Everything is shown until Enter stores it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter

from app.canvas.appearance import style
from app.canvas.preview import Preview
from app.canvas.rects import Rect
from app.tools.base import PointerEvent, Tool
from app.tools.cutting import MARGIN, Cutting, Scribble
from app.tools.marked import Marked
from app.tools.marking import Target
from app.tools.options import Option, Toggle
from app.tools.scribbles import paint_box, paint_ring, paint_scribble
from app.translation import tr, trn
from engine.errors import MaskwrightError
from engine.geometry.mask import Mask
from engine.project import Action, commands

if TYPE_CHECKING:
    from app.canvas.view import CanvasView

SMALLEST = 3  # pixels: a smaller box is a click
ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)


@dataclass(eq=False)
class _Cut:
    """An object between its box or first stroke and the edit that stores it."""

    canvas: CanvasView
    target: Target
    box: Rect | None
    mask: Mask  # of the instance that is corrected
    scribbles: list[Scribble] = field(default_factory=list)
    result: Marked | None = None
    asked: bool = False  # whether a result is on its way
    finishing: bool = False


class GrabCut(Tool):
    """Drag a box; then drag over what belongs to the object, with Ctrl over what does not."""

    name = "grab_cut"

    def __init__(self) -> None:
        super().__init__()
        self.solid = Toggle(
            tr("Solid"), tr("The middle of the box belongs to the object. Off for rings and crescents"), "circle", True
        )
        self.tidy = Toggle(tr("Tidy"), tr("Leave out specks and fill small holes"), "broom", True)
        self._cut: _Cut | None = None
        self._corner: tuple[float, float] | None = None  # of a box that is drawn
        self._line: Scribble | None = None  # that is drawn
        self._pointer: PointerEvent | None = None

    # -- Tool

    def options(self) -> Sequence[Option]:
        return self.solid, self.tidy, self.canvas.brush_size, self.canvas.marking.fresh, self.canvas.marking.apart

    def press(self, event: PointerEvent) -> None:
        if self._cut is not None and self._cut.finishing:
            return
        if self._cut is None:
            self._cut = self._correction(event)
        if self._cut is not None:
            belongs = not event.has(Qt.KeyboardModifier.ControlModifier)
            self._line = Scribble(belongs, self.canvas.brush_size.radius, ((event.x, event.y),))
        elif self.canvas.session.read_only:
            self.canvas.marking.target(False, ())  # says why not
        else:
            self._corner = (event.x, event.y)
        self._point(event)

    def move(self, event: PointerEvent) -> None:
        if self._line is not None:
            self._line = Scribble(self._line.belongs, self._line.radius, (*self._line.points, (event.x, event.y)))
        self._point(event)

    def release(self, event: PointerEvent) -> None:
        self._point(event)
        line, self._line = self._line, None
        corner, self._corner = self._corner, None
        if line is not None and self._cut is not None:
            self._cut.scribbles.append(line)
            self._ask(self._cut)
        elif corner is not None:
            self._begin(corner, event)
        self.canvas.update()

    def leave(self) -> None:
        self._pointer = None
        self.canvas.update()

    def taken_keys(self) -> Collection[Qt.Key]:
        if self._cut is None:
            return ()
        return (*ENTER, Qt.Key.Key_Backspace) if self._cut.scribbles else ENTER

    def press_key(self, key: Qt.Key) -> None:
        cut = self._cut
        if cut is None or cut.finishing or self._line is not None:
            return
        if key in ENTER:
            self._finish(cut)
        else:
            self.take_back()

    def take_back(self) -> bool:
        cut = self._cut
        if cut is None or cut.finishing or not cut.scribbles:
            return False
        cut.scribbles.pop()
        if cut.scribbles or cut.box is not None:
            self._ask(cut)
            return True
        return self.cancel()

    def wheel(self, event: PointerEvent, steps: float) -> bool:
        if not (event.has(Qt.KeyboardModifier.ControlModifier) or event.has(Qt.KeyboardModifier.AltModifier)):
            return False
        self.canvas.brush_size.step(steps)
        return True

    def cancel(self) -> bool:
        dropped = self._cut is not None or self._corner is not None
        cut, self._cut, self._corner, self._line = self._cut, None, None, None
        if cut is not None and not cut.finishing:
            self.canvas.work.forget()
            self.canvas.show_preview(None)
        if dropped:
            self.canvas.update()
        return dropped

    def paint(self, painter: QPainter) -> None:
        view, cut, line = self.canvas.viewport, self._cut, self._line
        if cut is not None:
            if cut.result is not None:
                cut.result.paint(painter, QRectF(self.canvas.rect()), view, self.canvas.zoom)
            if cut.box is not None:
                paint_box(painter, view, cut.box, waiting=cut.result is None)
            for scribble in cut.scribbles:
                paint_scribble(painter, view, scribble)
        if line is not None:
            paint_scribble(painter, view, line)
        if self._corner is not None and self._pointer is not None:
            paint_box(painter, view, (*self._corner, self._pointer.x, self._pointer.y), waiting=True)
        elif self._pointer is not None and (cut is not None or self._correctable(self._pointer)):
            belongs = line.belongs if line is not None else not self._pointer.has(Qt.KeyboardModifier.ControlModifier)
            paint_ring(painter, view, (self._pointer.x, self._pointer.y), self.canvas.brush_size.radius, belongs)

    # -- beginning

    def _begin(self, corner: tuple[float, float], event: PointerEvent) -> None:
        """Cut out what is in the box from a corner to the pointer, as a new instance."""
        session = self.canvas.session
        width, height = self.canvas.image_size
        xs, ys = sorted((corner[0], event.x)), sorted((corner[1], event.y))
        box = max(round(xs[0]), 0), max(round(ys[0]), 0), min(round(xs[1]), width), min(round(ys[1]), height)
        session.select([])
        if box[2] - box[0] < SMALLEST or box[3] - box[1] < SMALLEST:
            return
        target = self.canvas.marking.target(False, ())
        if target is not None:
            self._cut = _Cut(self.canvas, target, box, Mask.empty())
            self._ask(self._cut)

    def _correctable(self, event: PointerEvent) -> bool:
        """Whether a stroke begun there is about the selected instance: on it, or not far from it."""
        selected = self.canvas.session.selected_instances()
        if len(selected) != 1 or self.canvas.marking.fresh.value or selected[0].mask.is_empty:
            return False
        x1, y1, x2, y2 = selected[0].mask.bounds
        reach = MARGIN * max(x2 - x1, y2 - y1)
        return x1 - reach <= event.x < x2 + reach and y1 - reach <= event.y < y2 + reach

    def _correction(self, event: PointerEvent) -> _Cut | None:
        if event.has(Qt.KeyboardModifier.ShiftModifier) or not self._correctable(event):
            return None
        target = self.canvas.marking.target(False, ())
        if target is None or target.instance_id is None:
            return None
        return _Cut(self.canvas, target, None, self.canvas.marking.base(target))

    # -- the cut-out

    def _ask(self, cut: _Cut) -> None:
        pixels = self.canvas.session.pixels
        assert pixels is not None
        cutting = Cutting(pixels, cut.box, cut.mask, tuple(cut.scribbles), self.solid.value, self.tidy.value)
        cut.asked = True
        self.canvas.work.ask(
            tr("Cutting out…"),
            cutting.solve,
            lambda mask: self._take(cut, mask),
            lambda why: self._fail(cut, why),
            lambda: self._drop(cut),
        )

    def _take(self, cut: _Cut, mask: Mask) -> None:
        cut.asked = False
        if mask.is_empty:
            self._fail(cut, tr("Nothing stands out here. Drag over what belongs to the object, or draw another box."))
        elif cut.finishing:
            self._commit(cut, mask)
        elif cut is self._cut:
            cut.result = Marked(mask, self.canvas.category_color(cut.target.category_id))
            if cut.target.instance_id is not None:
                self._hide(cut)
            self.canvas.update()

    def _hide(self, cut: _Cut) -> None:
        """Show the result in the place of the instance rather than over it."""
        look = style(self.canvas.category_color(cut.target.category_id))
        self.canvas.show_preview(Preview(cut.target.instance_id, cut.mask, cut.mask, True, look))

    def _fail(self, cut: _Cut, why: str) -> None:
        cut.asked = cut.finishing = False
        if cut is self._cut:
            cut.result = None
            self.canvas.show_preview(None)
            self.canvas.update()
        cut.canvas.session.notice.emit(why)

    def _drop(self, cut: _Cut) -> None:
        """The person cancelled the work, and with it the cut-out."""
        cut.finishing = False
        if cut is self._cut:
            self.cancel()

    def _finish(self, cut: _Cut) -> None:
        if cut.asked:
            cut.finishing = True
            cut.canvas.work.keep()
        elif cut.result is not None:
            self._commit(cut, cut.result.mask)

    def _commit(self, cut: _Cut, mask: Mask) -> None:
        if cut is self._cut:
            self._cut = None
        cut.canvas.session.writing.when_free(partial(self._store, cut, mask))

    def _store(self, cut: _Cut, mask: Mask) -> None:
        """The tool may be another by now, and the image, too."""
        canvas, session, marking = cut.canvas, cut.canvas.session, cut.canvas.marking
        canvas.end_preview()
        try:
            instance = session.instances.get(cut.target.instance_id or 0)
            if session.image is None or session.image.id != cut.target.image_id:
                session.notice.emit(tr("Nothing was marked: GrabCut was still at work when the image changed."))
            elif cut.target.instance_id is None:
                marking.commit(cut.target, mask, Action.GRAB_CUT)
            elif instance is None:
                session.notice.emit(tr("The instance is no longer there, so nothing was changed."))
            elif instance.mask != cut.mask:  # a result of the mask from before would take that change back
                session.notice.emit(
                    trn(
                        "{count} instance was changed meanwhile, so nothing was done.",
                        "{count} instances were changed meanwhile, so nothing was done.",
                        1,
                    )
                )
            else:
                taken = marking.taken(cut.target, mask.subtract(instance.mask))
                session.apply(commands.replace_mask(instance, mask.subtract(taken), Action.GRAB_CUT))
        except MaskwrightError as error:  # it was locked meanwhile
            session.notice.emit(str(error))
        finally:
            canvas.show_preview(None)
            canvas.update()

    def _point(self, event: PointerEvent) -> None:
        before, self._pointer = self._pointer, event
        if self._corner is not None:
            self.canvas.update()
            return
        radius = self.canvas.brush_size.radius + 6 / self.canvas.viewport.scale
        for one in (before, event):
            if one is not None:
                self.canvas.update_image_rect((one.x - radius, one.y - radius, one.x + radius, one.y + radius))
        if before is not None and self._line is not None:
            (x1, x2), (y1, y2) = sorted((before.x, event.x)), sorted((before.y, event.y))
            self.canvas.update_image_rect((x1 - radius, y1 - radius, x2 + radius, y2 + radius))
