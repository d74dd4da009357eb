"""What commands and tools that change whole masks share: the amounts they take, and work on masks of any size."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from PySide6.QtCore import QObject

from app.jobs.background import Background
from app.session import Session
from app.tools.options import Number, Option, Triggers
from app.translation import number, tr, trn
from engine.errors import MaskwrightError
from engine.geometry import rle
from engine.geometry.mask import Mask
from engine.project import Edit, InstanceChange, Project, shape_commands
from engine.records import Instance

# Effort is counted in pixels of a mask that is filled or cleaned, which takes some 50 ns for each pixel: what comes
# to more than a third of a frame of 16 ms is done in a thread, as storing and painting its outcome take time as well.
MOST_AT_ONCE = 100_000
PER_INSTANCE = 1_000  # 50 us for the smallest of masks
TOLD_FROM = 10_000_000  # half a second, after which a person wonders whether anything happens
MOST_PIECES = 1_000  # that one command makes; a mask that comes to more is noise
CUT_EFFORT = 5  # times that of filling, for each pixel
TRIGGERS = (
    "fill_holes",
    "remove_specks",
    "keep_largest",
    "grow",
    "shrink",
    "smooth",
    "merge",
    "split_watershed",
    "duplicate",
    "lock",
)


class Shaping(QObject):
    """`amount` in pixels is how far to grow, shrink and smooth; what has fewer pixels than `speck_area` is a speck."""

    def __init__(self, session: Session, parent: QObject) -> None:
        super().__init__(parent)
        self._session = session
        self._background = Background()
        self._waiting = 0
        self._triggers = Triggers(TRIGGERS)
        self.amount = Number(
            tr("Amount"), tr("How far masks grow, shrink and are smoothed"), 1, 100, 2, 1, tr("px"), slider=False
        )
        self.speck_area = Number(
            tr("Specks"), tr("Parts and holes of fewer pixels are specks"), 2, 100_000, 20, 1, tr("px"), slider=False
        )

    def options(self) -> tuple[Option, ...]:
        """What the commands on masks take, and buttons for the frequent ones."""
        return self.amount, self.speck_area, self._triggers

    def stop(self) -> None:
        """Wait for the work at hand and forget the rest."""
        self._background.stop()

    def change(self, build: Callable[[], Edit], effort: float) -> None:
        """Apply the edit that `build` makes, which may touch nothing of Qt's and no project."""

        def prepared() -> Edit:
            edit = build()
            changes = (change for change in edit.changes if isinstance(change, InstanceChange))
            _encode(change.after.mask for change in changes if change.after is not None)
            return edit

        def commit(edit: Edit) -> None:
            if edit.changes:
                self.commit(edit)
            else:
                self._tell(tr("The masks stay as they are: there is nothing to change."))

        self.work(prepared, commit, effort)

    def split(
        self, instances: Sequence[Instance], cut: Callable[[Mask], list[Mask]], effort: float, nothing: str
    ) -> None:
        """Give each instance the largest of the pieces that `cut` makes of its mask, and the others to new ones.

        All pieces are selected then; where there is one piece each, `nothing` says why.
        """

        def pieces() -> list[tuple[Instance, list[Mask]]]:
            found = [(instance, cut(instance.mask)) for instance in instances]
            _encode(mask for _, masks in found for mask in masks)
            return found

        self.work(pieces, lambda found: self._split(found, nothing), effort)

    def work(self, work: Callable[[], Any], done: Callable[[Any], object], effort: float) -> None:
        """Call `done` with what `work` returned: now, or where that takes an effort or more is at work when a thread is
        through.

        It is not called where the project was closed meanwhile; an error of either is told to the person.
        """
        if effort > TOLD_FROM:
            self._tell(tr("This takes a moment, because the masks are large. You can go on working."))
        if effort > MOST_AT_ONCE or self._waiting:
            self._waiting += 1
            project = self._session.project
            self._background.run(
                work,
                lambda result: self._ended(project, partial(self._done, done, result)),
                lambda why: self._ended(project, partial(self._tell, why)),
            )
            return
        try:
            result = work()
        except MaskwrightError as error:
            self._tell(str(error))
        else:
            self._done(done, result)

    def commit(self, edit: Edit, then: Callable[[], object] = lambda: None) -> None:
        """Apply an edit unless what it starts from has changed since, and call `then` if the project changed."""
        session = self._session
        here = session.image is not None and session.image.id == edit.image_id
        before = [change.before for change in edit.changes if isinstance(change, InstanceChange) and change.before]
        changed = sum(session.instances.get(each.id) != each for each in before) if here else 0
        if changed:
            self._tell(
                trn(
                    "{count} instance was changed meanwhile, so nothing was done.",
                    "{count} instances were changed meanwhile, so nothing was done.",
                    changed,
                )
            )
        elif edit.changes:
            session.apply(edit, then)

    def select_there(self, edit: Edit, ids: Iterable[int]) -> None:
        """Select what came of an edit, unless the person went on to another image."""
        if self._session.image is not None and self._session.image.id == edit.image_id:
            self._session.select(ids)

    # -- inside

    def _ended(self, project: Project | None, then: Callable[[], object]) -> None:
        self._waiting -= 1
        if self._session.project is project:
            self._session.writing.when_free(then)

    def _done(self, done: Callable[[Any], object], result: Any) -> None:
        try:
            done(result)
        except MaskwrightError as error:
            self._tell(str(error))

    def _tell(self, why: str) -> None:
        self._session.notice.emit(why)

    def _split(self, pieces: Sequence[tuple[Instance, Sequence[Mask]]], nothing: str) -> None:
        project = self._session.project
        assert project is not None
        count = sum(len(masks) - 1 for _, masks in pieces)
        if count > MOST_PIECES:
            raise MaskwrightError(
                tr("This would make {count} new instances.", count=number(count)), remedy=tr("Remove the specks first.")
            )
        new_ids = project.new_instance_ids(count)
        edit = shape_commands.split(pieces, new_ids)
        if not edit.changes:
            self._tell(nothing)
        else:
            chosen = [*(instance.id for instance, masks in pieces if len(masks) > 1), *new_ids]
            self.commit(edit, partial(self.select_there, edit, chosen))


def _encode(masks: Iterable[Mask]) -> None:
    """Encode masks while nobody waits: that is known then when they are stored."""
    for mask in masks:
        rle.encode_crop(mask)


def effort_of(instances: Iterable[Instance], margin: int = 0) -> int:
    """The effort for these, each with a margin of so many pixels around it."""
    sizes = ((each.mask.width + 2 * margin) * (each.mask.height + 2 * margin) for each in instances)
    return sum(size + PER_INSTANCE for size in sizes)


def effort_around(instances: Iterable[Instance]) -> int:
    """The effort for one mask that holds all of these, however far apart they are."""
    boxes = [each.mask.bounds for each in instances]
    x1, y1, x2, y2 = zip(*boxes, strict=True) if boxes else ((0,), (0,), (0,), (0,))
    return (max(x2) - min(x1)) * (max(y2) - min(y1)) + PER_INSTANCE * len(boxes)
