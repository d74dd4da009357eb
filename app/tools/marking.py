"""Where the pixels that a tool marks go: which instance they change, and the one edit that changes it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QObject

from app.session import Session
from app.tools.neighbours import Neighbours
from app.tools.options import Toggle
from app.translation import tr
from engine.errors import MaskwrightError
from engine.geometry.mask import Bitmap, Mask
from engine.project import Action, commands
from engine.records import Instance


@dataclass(frozen=True, slots=True)
class Target:
    """What marked pixels are added to or removed from: an instance, or a new one (None) of a category."""

    image_id: int
    instance_id: int | None
    category_id: int


class Marking(QObject):
    """What all tools that mark pixels share. `fresh` and `apart` are options of each of them."""

    def __init__(self, session: Session, parent: QObject) -> None:
        super().__init__(parent)
        self._session = session
        self.fresh = Toggle(tr("New"), tr("Each mark is a new instance, whatever is selected (N)"), "plus-box-outline")
        tip = tr("What you add stops where other instances begin (Shift+K)")
        self.apart = Toggle(tr("Keep apart"), tip, "vector-difference")
        self._neighbours: Neighbours | None = None
        self._neighbours_of: int | None = None
        session.instances_changed.connect(self._forget)

    def handlers(self) -> dict[str, Callable[[], object]]:
        """What the commands of these options do, by the commands' ids."""
        return {"new_instance": self._flip_fresh, "keep_apart": self._flip_apart}

    def target(self, removes: bool, under: Sequence[int]) -> Target | None:
        """What a mark begun now changes; `under` are the shown instances at the pointer, topmost first.

        None where it can change nothing; the person has been told why.
        """
        session = self._session
        assert session.image is not None
        found = self._instance(removes, under)
        if isinstance(found, str):
            session.notice.emit(found)
            return None
        category_id = found.category_id if found is not None else session.active_category_id
        if category_id is None:
            session.notice.emit(tr("Add a category first: a new instance needs one."))
            return None
        return Target(session.image.id, found.id if found is not None else None, category_id)

    def base(self, target: Target) -> Mask:
        """The mask that marks are added to or removed from."""
        return Mask.empty() if target.instance_id is None else self._session.instances[target.instance_id].mask

    def taken(self, target: Target, pixels: Mask) -> Mask:
        """Which of the pixels are not to be added, because "Keep apart" leaves them to the shown instances around."""
        if not self.apart.value:
            return Mask.empty()
        return Mask.from_crop(self.taken_in(target, pixels.bounds) & pixels.bitmap, pixels.x, pixels.y)

    def taken_in(self, target: Target, rect: tuple[int, int, int, int]) -> Bitmap:
        """The pixels (y2 - y1, x2 - x1) inside x1 y1 x2 y2 that "Keep apart" leaves to the shown instances around.

        Quick enough for every movement of the pointer: what was looked up once is kept until instances change.
        """
        if not self.apart.value:
            return np.zeros((rect[3] - rect[1], rect[2] - rect[0]), dtype=np.bool_)
        if self._neighbours is None or self._neighbours_of != target.instance_id:
            instances, shown = self._session.instances.values(), self._session.is_shown
            others = [each.mask for each in instances if each.id != target.instance_id and shown(each)]
            self._neighbours, self._neighbours_of = Neighbours(others), target.instance_id
        return self._neighbours.crop(rect)

    def commit(
        self, target: Target, pixels: Mask, action: Action, *, removes: bool = False, source: str | None = None
    ) -> bool:
        """Add the pixels to the target or remove them from it, as one edit. Whether the project changed.

        `source` is a COCO annotation as JSON text that repeats the pixels, kept where a new instance has just those.
        """
        session = self._session
        if session.image is None or session.project is None or session.image.id != target.image_id:
            return False
        size = session.image.width, session.image.height
        pixels = pixels.clip(*size)
        taken = Mask.empty() if removes else self.taken(target, pixels)
        pixels = pixels.subtract(taken)
        if pixels.is_empty:
            if not taken.is_empty:
                session.notice.emit(tr("Other instances already hold all of this, and “Keep apart” is on."))
            return False
        if target.instance_id is None:
            new_id = session.project.new_instance_id()
            drawn = commands.draw(
                new_id, target.image_id, target.category_id, pixels, source if taken.is_empty else None
            )
            if not session.apply(drawn):
                return False
            session.select([new_id])
            return True
        instance = session.instances.get(target.instance_id)
        if instance is None:
            session.notice.emit(tr("The instance is no longer there, so nothing was changed."))
            return False
        try:
            edit = (commands.erase if removes else commands.paint)(instance, pixels, size, action)
        except MaskwrightError as error:  # it was locked meanwhile
            session.notice.emit(str(error))
            return False
        return bool(edit.changes) and session.apply(edit)

    def _forget(self, _changed: object) -> None:
        self._neighbours = None

    def _flip_fresh(self) -> None:
        self.fresh.set(not self.fresh.value)
        notice = (
            tr("Each mark is a new instance now.") if self.fresh.value else tr("Marks change what is selected now.")
        )
        self._session.notice.emit(notice)

    def _flip_apart(self) -> None:
        self.apart.set(not self.apart.value)
        apart = tr("What you add stops where other instances begin.")
        self._session.notice.emit(apart if self.apart.value else tr("What you add may cover other instances."))

    def _instance(self, removes: bool, under: Sequence[int]) -> Instance | str | None:
        """The instance to change, None for a new one, or why there is none, in words."""
        session = self._session
        if session.read_only:
            return tr("This project is open for reading only, so masks cannot be changed.")
        selected = [] if self.fresh.value and not removes else session.selected_instances()
        if len(selected) > 1:
            return tr("Several instances are selected. Select the one to change.")
        if selected:
            if selected[0].locked:
                return tr("The selected instance is locked. Unlock it before you change it.")
            if not session.is_shown(selected[0]):
                return tr("The selected instance is hidden. Show it before you change it.")
            return selected[0]
        if not removes:
            return None
        if not under:
            return tr("Nothing to erase here. Select an instance, or begin on one.")
        session.select([under[0]])
        found = session.instances[under[0]]
        return tr("This instance is locked. Unlock it before you change it.") if found.locked else found
