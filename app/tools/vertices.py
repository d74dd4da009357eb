"""The vertices tool: the outline of the selected instance by its handles, which can be moved, added and deleted."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter

from app.canvas.messages import draw_pill
from app.canvas.view import CanvasView
from app.tools.base import PointerEvent, Tool
from app.tools.choosing_box import ChoosingBox
from app.tools.handle_view import RADIUS, HandleView, Look, draw_handles, draw_lines, visible_handles
from app.tools.handles import Handles
from app.tools.marking import Target
from app.tools.options import Number, Option
from app.tools.pull import STILL, Pull
from app.tools.select import Select
from app.translation import tr
from engine.errors import MaskwrightError
from engine.geometry.even_odd import Points
from engine.geometry.outline import Outline
from engine.geometry.vertices import Insertion, Move, Removal, Reshaping
from engine.project import InstanceChange, commands
from engine.records import Instance

EDGE_REACH = 6.0  # widget pixels from which an edge is hit; less than a handle, which goes first
MOST_LINED = (
    4000  # points of stretches in progress that are drawn as lines; more take too long, and the mask shows them
)
FIRST_TOLERANCE = 1.5  # pixels: the steps of slanting pixel edges vanish, and what an eye takes for a corner stays
STEPS = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}
DELETING = (Qt.Key.Key_Delete, Qt.Key.Key_Backspace)
Ghost = tuple[int, tuple[float, float]]  # the edge, and where on it a handle would come


class Vertices(Tool):
    """Drag a handle to move it, click an edge to add one, Ctrl + click or Delete to take it away.

    Shift + click and a drag beside all handles choose several, which then move together, also by the arrow keys. A
    click beside them selects instances as the select tool does.
    """

    name = "vertices"
    cursor = Qt.CursorShape.ArrowCursor

    def __init__(self) -> None:
        super().__init__()
        tip = tr("How far an outline may lie from the line between two vertices: less shows more of them")
        self.tolerance = Number(tr("Tolerance"), tip, 0.5, 25.0, FIRST_TOLERANCE, 0.5, tr("px"))
        self.handles = Handles()
        self.chosen: frozenset[int] = frozenset()
        self._select = Select()
        self._hovered: int | None = None
        self._ghost: Ghost | None = None
        self._pull: Pull | None = None
        self._box: ChoosingBox | None = None
        self._pointer: PointerEvent | None = None
        self._view: HandleView | None = None
        self.tolerance.changed.connect(self._follow)
        self.handles.changed.connect(self._show_handles)

    # -- Tool

    def activate(self, canvas: CanvasView) -> None:
        super().activate(canvas)
        self._select.activate(canvas)
        for signal in (canvas.session.selection_changed, canvas.session.instances_changed):
            signal.connect(self._follow)
        self._follow()

    def deactivate(self) -> None:
        for signal in (self.canvas.session.selection_changed, self.canvas.session.instances_changed):
            signal.disconnect(self._follow)
        self.cancel()
        self.handles.follow(None, (0, 0), 0)
        self._select.deactivate()
        super().deactivate()

    def options(self) -> Sequence[Option]:
        return self.tolerance, self.canvas.marking.apart

    def press(self, event: PointerEvent) -> None:
        self.move(event)
        if event.has(Qt.KeyboardModifier.ControlModifier):
            if self._hovered is not None:
                self._remove([self._hovered])
        elif self._hovered is not None and event.has(Qt.KeyboardModifier.ShiftModifier):
            self._choose(self.chosen ^ {self._hovered})
        elif self._hovered is not None:
            if self._hovered not in self.chosen:
                self._choose({self._hovered})
            self._take(event)
        elif self._ghost is not None:
            self._choose(())
            self._take(event)
        else:
            self._box = ChoosingBox(self.canvas, event)

    def move(self, event: PointerEvent) -> None:
        self._pointer = event
        held = event.buttons & Qt.MouseButton.LeftButton
        if self._pull is not None and held:
            self._repaint_pull()
            self._pull.move(event)
            self._repaint_pull()
        elif self._box is not None and held:
            self._box.move(event)
        else:
            self._hover(event)

    def release(self, event: PointerEvent) -> None:
        self.move(event)
        pull, self._pull = self._pull, None
        box, self._box = self._box, None
        if pull is not None:
            self._finish(pull)
        elif box is not None:
            box.repaint()
            if box.length > STILL:
                self._choose_inside(box, event.has(Qt.KeyboardModifier.ShiftModifier))
            else:
                self._click(event)

    def leave(self) -> None:
        self._pointer = None
        self._point_at(None, None)

    def cancel(self) -> bool:
        if self._pull is not None:
            self._repaint_pull()
            self._pull = None
            self.canvas.show_preview(None)
            return True
        if self._box is not None:
            self._box.repaint()
            self._box = None
            return True
        had_chosen = bool(self.chosen)
        self._choose(())
        return had_chosen

    def taken_keys(self) -> Collection[Qt.Key]:
        if self.chosen:
            return (*DELETING, *STEPS)
        return DELETING if self._hovered is not None or self._pull is not None else ()

    def press_key(self, key: Qt.Key) -> None:
        if self._pull is not None:
            return
        if key in STEPS:
            self._nudge(*STEPS[key])
        elif self._hovered is not None and self._hovered not in self.chosen:
            self._remove([self._hovered])
        else:
            self._remove(self.chosen)

    def paint(self, painter: QPainter) -> None:
        if self.handles.late:
            draw_pill(painter, QRectF(self.canvas.rect()), tr("Finding the vertices…"))
        view = self._shown()
        if view is not None:
            if self._pull is not None and self._pull.has_moved:
                self._paint_lines(painter, self._pull)
            self._paint_handles(painter, view)
        if self._ghost is not None and self._pull is None:
            draw_handles(painter, np.array([self.canvas.image_to_widget(*self._ghost[1])]), Look.GHOST)
        if self._box is not None:
            self._box.paint(painter)

    def shown_handles(self) -> Points:
        """Where the handles are (m, 2) that can be seen, in widget coordinates."""
        view = self._shown()
        return np.zeros((0, 2)) if view is None else view.places

    # -- following the session

    def _follow(self, _changed: object = None) -> None:
        """Show the handles of the one instance that is selected and shown."""
        if self._canvas is None:
            return
        session = self.canvas.session
        # What was deleted is selected still while it is told that it is gone.
        selected = [session.instances[one] for one in session.selection if one in session.instances]
        only = selected[0] if len(selected) == 1 and session.is_shown(selected[0]) else None
        self.handles.follow(only, self.canvas.image_size, self.tolerance.value)

    def _show_handles(self) -> None:
        """Another outline: its handles have other numbers."""
        if self._canvas is None:
            return
        if self._pull is not None:
            self.cancel()
        self.chosen, self._hovered, self._ghost = frozenset(), None, None
        self._repaint_outlines()
        if self._pointer is not None and not self._pointer.buttons:
            self._hover(self._pointer)

    # -- the pointer

    def _outline(self) -> Outline | None:
        """What is shown, with the handle that is being added."""
        return self.handles.outline if self._pull is None else self._pull.change.before

    def _shown(self) -> HandleView | None:
        """The handles that can be seen and hit."""
        outline, viewport = self._outline(), self.canvas.viewport
        size = self.canvas.width(), self.canvas.height()
        if outline is None:
            self._view = None
        elif self._view is None or (self._view.outline, self._view.viewport, self._view.size) != (
            outline,
            viewport,
            size,
        ):
            self._view = visible_handles(outline, viewport, size)
        return self._view

    def _hover(self, event: PointerEvent) -> None:
        view = self._shown()
        if view is None:
            self._point_at(None, None)
            return
        handle = view.at(*self.canvas.image_to_widget(event.x, event.y))
        ghost = None
        if handle is None and not event.has(Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.ControlModifier):
            ghost = view.outline.nearest_edge(event.x, event.y, EDGE_REACH / self.canvas.viewport.scale)
        self._point_at(handle, ghost)

    def _point_at(self, handle: int | None, ghost: Ghost | None) -> None:
        if (handle, ghost) == (self._hovered, self._ghost):
            return
        self._repaint_pointed()
        self._hovered, self._ghost = handle, ghost
        self._repaint_pointed()

    def _click(self, event: PointerEvent) -> None:
        """A click beside the handles lets go of the chosen ones first, unless it is at another instance."""
        under = self.canvas.instances_at(event.x, event.y)[:1]
        if self.chosen and set(under) <= set(self.canvas.session.selection):
            self._choose(())
            return
        self._select.press(event)
        self._select.release(event)

    def _choose(self, numbers: Collection[int]) -> None:
        changed = self.chosen ^ frozenset(numbers)
        self.chosen = frozenset(numbers)
        self._repaint_handles(changed)

    def _choose_inside(self, box: ChoosingBox, more: bool) -> None:
        outline = self.handles.outline
        if outline is not None:
            self._choose({*box.inside(outline.places), *(self.chosen if more else ())})

    # -- changing the outline

    def _target(self) -> tuple[Target, Instance] | None:
        """The instance to change. None where that is not possible; the person has been told why."""
        target = self.canvas.marking.target(removes=True, under=())
        if target is None or target.instance_id is None:
            return None
        return target, self.canvas.session.instances[target.instance_id]

    def _take(self, event: PointerEvent) -> None:
        """Take hold of the chosen handles, or of one that is added where the ghost is."""
        found, outline = self._target(), self.handles.outline
        if found is None or outline is None:
            return
        (target, instance), size = found, self.canvas.image_size
        if self._ghost is None:
            self._pull = Pull(self.canvas, target, Move(outline, instance.mask, size, self.chosen), event)
            return
        added = Insertion(outline, instance.mask, size, *self._ghost)
        self._pull = Pull(self.canvas, target, added, event)
        self._choose({added.number})
        self._point_at(added.number, None)

    def _finish(self, pull: Pull) -> None:
        if not pull.has_moved:
            if not pull.is_insertion:
                return
            pull.change.to(0, 0)
        self.canvas.end_preview()
        try:
            self._commit(pull.target, pull.change, pull.change.chosen.tolist())
        finally:
            self.canvas.show_preview(None)

    def _nudge(self, dx: float, dy: float) -> None:
        found, outline = self._target(), self.handles.outline
        if found is not None and outline is not None:
            move = Move(outline, found[1].mask, self.canvas.image_size, self.chosen)
            move.to(dx, dy)
            self._commit(found[0], move, self.chosen)

    def _remove(self, numbers: Iterable[int]) -> None:
        found, outline = self._target(), self.handles.outline
        if found is not None and outline is not None:
            self._commit(found[0], Removal(outline, found[1].mask, self.canvas.image_size, numbers), ())

    def _commit(self, target: Target, change: Reshaping, chosen: Collection[int]) -> None:
        """Make the change as one edit, and go on with its outline and the chosen handles of it."""
        session, marking = self.canvas.session, self.canvas.marking
        instance = session.instances.get(target.instance_id or 0)
        if instance is None or session.image is None or session.image.id != target.image_id:
            session.notice.emit(tr("The instance is no longer there, so nothing was changed."))
            return
        outline = change.outline
        if outline is self.handles.outline:
            return  # nothing moved
        mask, flipped, polygons = change.mask, change.flipped, change.polygons
        taken = marking.taken(target, flipped.subtract(instance.mask))
        if not taken.is_empty:
            mask, polygons = mask.subtract(taken), None
        if flipped == taken and polygons is None:
            if taken.is_empty:
                self.handles.remember(instance.mask, instance.source, outline)
        else:
            try:
                edit = commands.reshape(instance, mask, polygons)
            except MaskwrightError as error:  # it was locked meanwhile
                session.notice.emit(str(error))
                return
            after = next((one.after for one in edit.changes if isinstance(one, InstanceChange)), None)
            if after is not None and taken.is_empty:
                self.handles.remember(after.mask, after.source, outline)
            session.apply(edit)
        if self.handles.outline is outline:
            self._choose(chosen)

    # -- painting

    def _paint_handles(self, painter: QPainter, view: HandleView) -> None:
        places = view.places.copy()
        if self._pull is not None:
            places[np.isin(view.numbers, self._pull.change.chosen)] += self._pull.change.step * view.viewport.scale
        clip = painter.clipBoundingRect()
        x, y = places.T
        met = (x > clip.left() - RADIUS) & (x < clip.right() + RADIUS)
        met &= (y > clip.top() - RADIUS) & (y < clip.bottom() + RADIUS)
        hovered = view.numbers == (-1 if self._hovered is None else self._hovered)
        chosen = np.isin(view.numbers, list(self.chosen)) & ~hovered
        draw_handles(painter, places[met & ~chosen & ~hovered], Look.PLAIN)
        draw_handles(painter, places[met & chosen], Look.CHOSEN)
        draw_handles(painter, places[met & hovered], Look.HOVERED)

    def _paint_lines(self, painter: QPainter, pull: Pull) -> None:
        paths = pull.change.paths
        if sum(map(len, paths)) <= MOST_LINED:
            draw_lines(painter, [[QPointF(*self.canvas.image_to_widget(*p)) for p in path.tolist()] for path in paths])

    def _repaint(self, box: QRectF) -> None:
        """Repaint an image rectangle and the handles on its border."""
        margin = RADIUS / self.canvas.viewport.scale
        box = box.normalized()
        self.canvas.update_image_rect(
            (box.left() - margin, box.top() - margin, box.right() + margin, box.bottom() + margin)
        )

    def _repaint_handles(self, numbers: Collection[int]) -> None:
        outline = self._outline()
        if outline is not None and numbers:
            places = outline.places[list(numbers)]
            self._repaint(QRectF(QPointF(*places.min(axis=0).tolist()), QPointF(*places.max(axis=0).tolist())))

    def _repaint_outlines(self) -> None:
        """Repaint the handles that were shown last and those that are to be shown."""
        before, now = self._view, self._shown()
        for view in (before, now):
            if view is not None and len(view.outline.handles):
                places = view.outline.places
                self._repaint(QRectF(QPointF(*places.min(axis=0).tolist()), QPointF(*places.max(axis=0).tolist())))
        if before is None or now is None:
            self.canvas.update()  # what says that they are being found comes or goes

    def _repaint_pointed(self) -> None:
        view = self._shown()
        if view is not None and self._hovered is not None and self._hovered < len(view.outline.handles):
            x, y = view.outline.places[self._hovered].tolist()
            self._repaint(QRectF(x, y, 0, 0))
        if self._ghost is not None:
            self._repaint(QRectF(*self._ghost[1], 0, 0))

    def _repaint_pull(self) -> None:
        if self._pull is not None:
            x1, y1, x2, y2 = self._pull.bounds()
            self._repaint(QRectF(x1, y1, x2 - x1, y2 - y1))
