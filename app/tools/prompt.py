"""Box to mask: drag a box around an object, or click its four extreme points, and the model says what is in it.

The answer comes from features of the image that are kept, so the mask follows the pointer. Where they are not there yet
the boxes wait, dashed. In between, what the model found but doubts shows under the pointer, and a click takes it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRect, QRectF, Qt, QTimer
from PySide6.QtGui import QPainter, QRegion

from app.canvas.messages import draw_label
from app.canvas.rects import Rect, around
from app.jobs.prediction import Prediction
from app.session import Session
from app.tools.base import PointerEvent, Tool
from app.tools.ghosts import Ghosts
from app.tools.marked import Marked
from app.tools.marking import Target
from app.tools.options import Choice, Entry, Option
from app.tools.prompted import Asked, Drawn, Found
from app.tools.scribbles import paint_box, paint_points
from app.translation import number, tr
from engine.errors import MaskwrightError
from engine.geometry.mask import Mask
from engine.project import SAME_OBJECT_IOU, category_color, commands
from engine.records import Category, Detection, Instance, InstanceState

if TYPE_CHECKING:
    from app.canvas.view import CanvasView

EXTREMES = 4  # points: the topmost, leftmost, lowest and rightmost of an object, in any order
BORDER = 4  # widget pixels that boxes and points reach beyond themselves
LABEL = 28  # widget pixels above a mask for the words about it
LABEL_ROOM = 160  # half the width of the longest of them
OVERDUE_MS = 30  # a box whose answer takes longer is painted as it waits
BOX, POINTS = "box", "points"
MODEL, ACTIVE = "model", "active"


class Prompt(Tool):
    """Each box is a new instance, accepted. Alt keeps the box as it is drawn."""

    name = "prompt"

    def __init__(self, prediction: Prediction) -> None:
        super().__init__()
        self._prediction = prediction
        entries = (
            Entry(BOX, tr("Box"), "vector-square"),
            Entry(POINTS, tr("Extreme points"), "vector-point"),
        )
        self.shape = Choice(tr("Draw"), entries, BOX)
        named = (
            Entry(MODEL, tr("Model's category"), "brain"),
            Entry(ACTIVE, tr("Active category"), "tag-outline"),
        )
        self.naming = Choice(tr("Category"), named, MODEL)
        self._drawn: Drawn | None = None
        self._waiting: list[Drawn] = []  # drawn, and not answered yet
        self._overdue = QTimer(singleShot=True, interval=OVERDUE_MS)
        self._overdue.timeout.connect(self._show_waiting)
        self._ghosts: Ghosts | None = None
        self._ghost: tuple[Instance, Marked] | None = None

    # -- Tool

    def options(self) -> Sequence[Option]:
        return self.shape, self.naming, self.canvas.marking.apart

    def activate(self, canvas: CanvasView) -> None:
        super().activate(canvas)
        if self._ghosts is None:
            self._ghosts = Ghosts(canvas.session, canvas)
            canvas.session.project_changed.connect(self._forget_all)
        self.shape.changed.connect(self.cancel)
        canvas.session.image_changed.connect(self._attend)
        for signal in self._ghosts.signals:
            signal.connect(self._leave_ghost)
        self._prediction.model_loaded.connect(self._attend)
        self._attend()

    def deactivate(self) -> None:
        self.shape.changed.disconnect(self.cancel)
        self.canvas.session.image_changed.disconnect(self._attend)
        if self._ghosts is not None:
            for signal in self._ghosts.signals:
                signal.disconnect(self._leave_ghost)
        self._prediction.model_loaded.disconnect(self._attend)
        super().deactivate()
        self._prediction.attend_no_more()

    def press(self, event: PointerEvent) -> None:
        session = self.canvas.session
        if session.read_only or session.image is None:
            self.canvas.marking.target(False, ())  # says why not
            return
        self._hover(None)
        if self._drawn is None:
            place = (event.x, event.y)
            self._drawn = Drawn(self.canvas, session.image.id, [place], place, self.shape.value == POINTS)
        elif self.shape.value == POINTS:
            self._drawn.points.append((event.x, event.y))
        self.move(event)

    def move(self, event: PointerEvent) -> None:
        self._attend()
        drawn = self._drawn
        if drawn is None:
            self._hover(None if event.buttons else event)
            return
        drawn.follow(event)
        if not drawn.is_click:
            self._ask(drawn, keep=False)
        self._repaint(drawn)

    def release(self, event: PointerEvent) -> None:
        drawn = self._drawn
        if drawn is None:
            return
        if self.shape.value == POINTS:
            if len(drawn.points) == EXTREMES:
                drawn.pointer = drawn.points[-1]
                self._finish(drawn)
            return
        drawn.follow(event)
        if drawn.is_click:
            self.cancel()
            self._take_ghost(event)
        else:
            self._finish(drawn)

    def leave(self) -> None:
        self._hover(None)

    def cancel(self) -> bool:
        drawn, self._drawn = self._drawn, None
        if drawn is None:
            return False
        self._prediction.forget()
        self._erase(drawn)
        return True

    def taken_keys(self) -> Collection[Qt.Key]:
        return (Qt.Key.Key_Backspace,) if self._drawn is not None and self.shape.value == POINTS else ()

    def press_key(self, key: Qt.Key) -> None:
        self.take_back()

    def take_back(self) -> bool:
        if self._drawn is None or self.shape.value == BOX:
            return False
        self._drawn.points.pop()
        if not self._drawn.points:
            return self.cancel()
        self._repaint(self._drawn)
        return True

    def paint(self, painter: QPainter) -> None:
        view, room = self.canvas.viewport, QRectF(self.canvas.rect())
        image = self.canvas.session.image
        drawings = [*self._waiting, *([self._drawn] if self._drawn is not None else [])]
        for drawn in (each for each in drawings if image is not None and each.image_id == image.id):
            if drawn.marked is not None:
                drawn.marked.paint(painter, room, view, self.canvas.zoom)
            paint_box(painter, view, drawn.box, waiting=drawn.marked is None)
            if drawn.by_points:
                paint_points(painter, view, drawn.points)
            if drawn.marked is None:
                self._label(painter, drawn.box, tr("Waiting for the model…"))
            elif drawn.found is not None:
                self._label(painter, drawn.box, _words(drawn.found.detection))
        if self._ghost is not None:
            ghost, marked = self._ghost
            marked.paint(painter, room, view, self.canvas.zoom)
            self._label(painter, ghost.mask.bounds, self._ghost_words(ghost))

    # -- asking

    def _attend(self, *_: object) -> None:
        """Have the model look at what is to be seen."""
        if self.canvas.session.image is not None:
            self._prediction.attend(self._prediction.tile_for(self._seen()))

    def _seen(self) -> Rect:
        """The image pixels that the canvas shows."""
        x1, y1 = self.canvas.viewport.to_image(0, 0)
        x2, y2 = self.canvas.viewport.to_image(self.canvas.width(), self.canvas.height())
        return int(x1), int(y1), int(x2) + 1, int(y2) + 1

    def _question(self, drawn: Drawn) -> Asked:
        x1, y1, x2, y2 = drawn.box
        tile = self._prediction.tile_for(around([self._seen(), (int(x1), int(y1), int(x2) + 1, int(y2) + 1)]))
        wanted = self._wanted_category()
        known_as = None if wanted is None else self._prediction.to_model(wanted)
        return Asked(drawn.box, tile, not drawn.keeps_box, wanted, known_as)

    def _ask(self, drawn: Drawn, *, keep: bool) -> bool:
        drawn.asked = self._question(drawn)
        return self._prediction.ask(
            drawn.asked.answer,
            partial(self._take, drawn),
            lambda why: self._fail(drawn, why),
            tile=drawn.asked.tile,
            keep=keep,
        )

    def _finish(self, drawn: Drawn) -> None:
        """The box is drawn: its answer is stored, however long it takes."""
        self._drawn = None
        self._waiting.append(drawn)
        wanted = self._question(drawn)
        if drawn.found is not None and drawn.found.asked == wanted:  # before the button was released
            self._prediction.forget()
            self._store(drawn, drawn.found)
            return
        self._overdue.start()
        if drawn.asked == wanted and self._prediction.keep():  # its answer is on its way
            return
        self._prediction.forget()
        if not self._ask(drawn, keep=True):
            self._fail(drawn, tr("There is no model to ask. Choose one in the model panel."))

    def _take(self, drawn: Drawn, found: Found) -> None:
        """The answer is shown while the box is being drawn, and stored once it is."""
        if drawn in self._waiting:
            self._store(drawn, found)
        elif drawn is self._drawn:
            drawn.found = found
            drawn.marked = Marked(found.detection.mask, self._color(found))
            self._repaint(drawn)

    def _store(self, drawn: Drawn, found: Found) -> None:
        drawn.canvas.session.writing.when_free(partial(self._store_now, drawn, found))

    def _store_now(self, drawn: Drawn, found: Found) -> None:
        """The tool may be another by now, and the image, too: it is stored where it was drawn."""
        self._forget(drawn)
        session, mask = drawn.canvas.session, found.detection.mask
        if session.project is None:
            return
        here = session.image is not None and session.image.id == drawn.image_id
        category = self._known(session, found)
        if category is None:
            number = session.project.new_category_id()
            category = Category(number, self._named(found), category_color(number))
        new_id = session.project.new_instance_id()
        try:
            instead = _proposal_of(
                mask, _near(mask, drawn.canvas) if here else session.project.instances(drawn.image_id)
            )
            if instead is not None and not session.is_shown(instead):
                instead = None
            if here:
                target = Target(drawn.image_id, None if instead is None else instead.id, category.id)
                mask = mask.subtract(drawn.canvas.marking.taken(target, mask))
            edit = commands.prompt(
                new_id,
                drawn.image_id,
                category,
                mask,
                found.detection.score,
                found.checkpoint_id,
                new_category=category.id not in session.categories,
                instead=instead,
            )
        except MaskwrightError as error:
            session.notice.emit(str(error))
            return
        if session.apply(edit) and here:
            session.select([new_id if instead is None else instead.id])

    def _fail(self, drawn: Drawn, why: str) -> None:
        self._forget(drawn)
        if why:
            drawn.canvas.session.notice.emit(why)

    def _forget(self, drawn: Drawn) -> None:
        if drawn in self._waiting:
            self._waiting.remove(drawn)
        self._erase(drawn)

    def _forget_all(self) -> None:
        """The boxes were drawn in a project that is closed."""
        self._waiting.clear()
        self._drawn = None

    # -- categories

    def _wanted_category(self) -> str | None:
        """The name of the one whose mask is wanted, None for the likeliest."""
        active = _active(self.canvas.session)
        return active.name if self.naming.value == ACTIVE and active is not None else None

    def _known(self, session: Session, found: Found) -> Category | None:
        """What an instance becomes: the category that was asked for, or the model's, or the active one where the
        project has neither. None where it has no category at all."""
        name = self._named(found)
        return next((each for each in session.categories.values() if each.name == name), _active(session))

    def _named(self, found: Found) -> str:
        """The project's name for what was asked for, or else found; the model's where the project leaves it out."""
        seen = found.detection.category
        return found.asked.category or self._prediction.names.targets.get(seen) or seen

    def _color(self, found: Found) -> str:
        known = self._known(self.canvas.session, found)
        return known.color if known is not None else category_color(1)

    # -- ghosts

    def _hover(self, event: PointerEvent | None) -> None:
        """Show the ghost under the pointer, or none."""
        ghost = None
        if event is not None and self.shape.value == BOX and self._ghosts is not None:
            ghost = self._ghosts.at(event.x, event.y)
        before = self._ghost[0] if self._ghost is not None else None
        if ghost is before:
            return
        color = self.canvas.category_color(ghost.category_id) if ghost is not None else ""
        self._ghost = (ghost, Marked(ghost.mask, color)) if ghost is not None else None
        for each in (before, ghost):
            if each is not None:
                self._repaint_around(each.mask.bounds)

    def _leave_ghost(self, *_: object) -> None:
        """It may be none any more."""
        self._hover(None)

    def _take_ghost(self, event: PointerEvent) -> None:
        """Accept the ghost under the pointer."""
        session = self.canvas.session
        ghost = self._ghosts.at(event.x, event.y) if self._ghosts is not None else None
        if ghost is None:
            session.notice.emit(tr("Drag a box around an object."))
            return
        self._hover(None)
        if session.apply(commands.accept([ghost])):
            session.select([ghost.id])

    def _ghost_words(self, ghost: Instance) -> str:
        category = self.canvas.session.categories.get(ghost.category_id)
        name = category.name if category is not None else "?"
        return tr("{name} {score} · click to take it", name=name, score=number(ghost.score or 0.0, 2))

    # -- painting

    def _show_waiting(self) -> None:
        """Say of boxes that they wait; most are answered before anybody could read it."""
        for drawn in self._waiting:
            self._repaint(drawn)

    def _label(self, painter: QPainter, bounds: Sequence[float], words: str) -> None:
        """Words over the upper edge of something, in image coordinates."""
        place = QPointF(*self.canvas.viewport.to_widget((bounds[0] + bounds[2]) / 2, bounds[1]))
        draw_label(painter, QRectF(self.canvas.rect()), place, words)

    def _repaint(self, drawn: Drawn) -> None:
        """Repaint where a box and its mask are, and where they were."""
        x1, y1, x2, y2 = drawn.box
        now = [(int(x1), int(y1), int(x2) + 1, int(y2) + 1)]
        if drawn.marked is not None and not drawn.marked.mask.is_empty:
            now.append(drawn.marked.mask.bounds)
        before, drawn.shown = drawn.shown, now
        self._repaint_around(around([*before, *now]), drawn.canvas)

    def _erase(self, drawn: Drawn) -> None:
        if drawn.shown:
            self._repaint_around(around(drawn.shown), drawn.canvas)

    def _repaint_around(self, rect: Rect, canvas: CanvasView | None = None) -> None:
        """Repaint a rectangle of the image, with the words over it."""
        canvas = canvas or self.canvas
        corners = canvas.viewport.to_widget(rect[0], rect[1]), canvas.viewport.to_widget(rect[2], rect[3])
        area = QRectF(QPointF(*corners[0]), QPointF(*corners[1])).toAlignedRect()
        words = QRect(area.center().x() - LABEL_ROOM, area.top() - LABEL, 2 * LABEL_ROOM, LABEL)
        words.moveLeft(min(max(words.left(), 0), max(canvas.width() - words.width(), 0)))
        words.moveTop(max(words.top(), 0))
        canvas.update(QRegion(area.adjusted(-BORDER, -BORDER, BORDER, BORDER)) + QRegion(words))


def _active(session: Session) -> Category | None:
    return session.categories.get(session.active_category_id or 0)


def _near(mask: Mask, canvas: CanvasView) -> list[Instance]:
    """The instances that the canvas shows around a mask."""
    instances = canvas.session.instances
    return [instances[each.id] for each in canvas.layers.overlay.within(mask.bounds) if each.id in instances]


def _proposal_of(mask: Mask, instances: Iterable[Instance]) -> Instance | None:
    """The proposal that is the same object, if there is one: it would be found twice."""
    near = [each for each in instances if each.state is InstanceState.PROPOSAL and each.mask.overlaps(mask)]
    best = max(near, key=lambda each: each.mask.iou(mask), default=None)
    return best if best is not None and best.mask.iou(mask) >= SAME_OBJECT_IOU else None


def _words(found: Detection) -> str:
    return f"{found.category} {number(found.score, 2)}"
