"""A project: images, what a model proposed on them, what a person decided, and how to take every step of that back."""

import contextlib
import getpass
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Connection, Table, select, text

from engine.errors import MaskwrightError
from engine.files import atomic_write, clear_leftovers
from engine.project import (
    backups,
    categories,
    changes,
    history,
    intake,
    proposals,
    reading,
    recovery,
    rounds,
    scores,
    settings,
)
from engine.project.category_maps import CategoryMap
from engine.project.changes import RowChange
from engine.project.contents import ProjectContents, found
from engine.project.database import Database, create_empty
from engine.project.edit import Edit
from engine.project.image_files import ImageFiles
from engine.project.intake import AddReport, Intake, PageChoice, Progress, Sources, first_page
from engine.project.lock import WriterLock
from engine.project.paths import portable
from engine.project.recovery import Recovery
from engine.project.rounds import CheckpointReference, Round
from engine.project.schema import SCHEMA_VERSION, check_header, images, instances
from engine.project.schema import categories as categories_table
from engine.project.scores import ImageScore, ImageVector
from engine.project.settings import BASE_CHECKPOINT, CATEGORY_MAPS, CURRENT_CHECKPOINT
from engine.records import Detection, Image, Instance, Review

SUFFIX = ".maskwright"


class Project(ProjectContents):
    """An open project file `NAME.maskwright`, for the thread that opened it.

    Everything a person does goes through `apply`; it is on disk when `apply` returns. Raises MaskwrightError, in words,
    for whatever goes wrong, and then nothing has changed.
    """

    def __init__(self, database: Database, lock: WriterLock | None, author: str | None) -> None:
        """Use `create` or `open`."""
        super().__init__(database)
        self._lock = lock
        with database.read() as connection:
            self._last_ids = {table: _last_id(connection, table) for table in (images, instances, categories_table)}
        # Which files are gone or changed, and where they are now.
        self.files = ImageFiles(database, self.root)
        self.author = author
        # What a session that was cut off left behind, told once.
        self.recovery: Recovery | None = None
        if not self.read_only:
            with database.write() as connection:
                self.recovery = recovery.begin(connection)

    @classmethod
    def create(cls, path: str | os.PathLike[str], author: str | None = None) -> Self:
        """Make a new project and open it; `.maskwright` is appended where it is missing. Refuses to replace a file.

        `author` is who makes the edits from now on; by default the name of the system's account.
        """
        target = Path(path).resolve()
        if target.suffix != SUFFIX:
            target = target.with_name(target.name + SUFFIX)
        lock = WriterLock(target)
        try:
            if target.exists():
                raise MaskwrightError(f"{target} exists already.", remedy="Open it, or choose another name.")
            with atomic_write(target) as temporary:
                create_empty(temporary)
            try:
                return cls._begin(target, lock, author)
            except BaseException:  # on a disk with just enough space for the file, which nobody asked for alone
                cls.discard(target)
                raise
        except BaseException:
            lock.release()
            raise

    @classmethod
    def open(cls, path: str | os.PathLike[str], read_only: bool = False, author: str | None = None) -> Self:
        """Open a project; one of an earlier version is copied first and brought up to date.

        Raises InvalidProject for any other file, ProjectLocked while it is open for writing.
        """
        target = Path(path).resolve()
        version = check_header(target)
        if read_only:
            return cls(Database(target, read_only=True), None, None)
        lock = WriterLock(target)
        try:
            clear_leftovers(target.parent, target.name)
            if version < SCHEMA_VERSION:
                backups.back_up(target)
            return cls._begin(target, lock, author)
        except BaseException:
            lock.release()
            raise

    @classmethod
    def _begin(cls, target: Path, lock: WriterLock, author: str | None) -> Self:
        database = Database(target, read_only=False)
        try:
            return cls(database, lock, author or _account())
        except BaseException:
            database.close()
            raise

    @staticmethod
    def discard(path: str | os.PathLike[str]) -> None:
        """Delete a closed project's file and what SQLite keeps beside it: one that was just made for nothing."""
        for suffix in ("", "-wal", "-shm"):
            Path(f"{os.fspath(path)}{suffix}").unlink(missing_ok=True)

    def close(self) -> None:
        """Close the file and let others write to it, whatever the disk says. Closing twice is fine."""
        lock, self._lock = self._lock, None
        with contextlib.ExitStack() as ending:
            if lock is not None:
                ending.callback(lock.release)
            ending.callback(self._database.close)
            # On a full disk every edit is there all the same. The next start then says that this session was cut off.
            if lock is not None:
                with contextlib.suppress(MaskwrightError), self._database.write() as connection:
                    recovery.end(connection)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def checkpoint(self) -> None:
        """Carry the write-ahead log over into the file: for when the app is idle. Never waits for a reader."""
        self._database.checkpoint()

    def snapshot(self, path: str | os.PathLike[str]) -> None:
        """Write a consistent copy of the project, whose images are found wherever the copy lies."""
        with atomic_write(path) as temporary:
            self._database.copy_to(temporary, {settings.ROOT: self.root.as_posix(), settings.SESSION: None})

    # -- images

    def add_images(
        self,
        paths: Iterable[str | os.PathLike[str]],
        progress: Progress | None = None,
        *,
        pages: PageChoice = first_page,
    ) -> AddReport:
        """Add image files, in one transaction; unreadable files and doubles are skipped, each with the reason.

        `progress(done, total)` is called after each file. `pages` says which pages of a file become images.
        """
        report = self.read_images(paths, progress, pages=pages)
        with self._database.write() as connection:
            intake.insert_images(connection, report.added)
        return report

    def read_images(
        self,
        paths: Iterable[str | os.PathLike[str]],
        progress: Progress | None = None,
        *,
        pages: PageChoice = first_page,
        sources: Sources | None = None,
    ) -> AddReport:
        """As `add_images`, but nothing is stored: what it found goes to `import_edit`.

        `sources` holds imported COCO records as JSON text, by file and page.
        """
        with self._database.read() as connection:
            reader = Intake(connection, self.root, lambda: self._reserve(images, 1)[0])
        reader.read([Path(path) for path in paths], sources or {}, pages, progress)
        return AddReport(reader.images, reader.skipped)

    # -- edits

    def new_instance_id(self) -> int:
        """An id for a new instance: never given out before, and never again."""
        return self.new_instance_ids(1)[0]

    def new_instance_ids(self, count: int) -> range:
        """That many ids for new instances."""
        return self._reserve(instances, count)

    def new_category_id(self) -> int:
        """An id for a new category: never given out before, and never again."""
        return self._reserve(categories_table, 1)[0]

    def apply(self, edit: Edit, seconds: float = 0.0) -> None:
        """Write an edit and journal it, in one transaction that is on disk when this returns.

        `seconds` is how long the person worked on it. What was undone before can no longer be redone. An edit that
        changes nothing leaves no trace. Raises EditConflict where a `before` is not what the project holds; on that and
        any other error nothing has changed.
        """
        self._write(edit, seconds)

    def import_edit(self, edit: Edit, new: Sequence[Image], dataset_source: Mapping[str, Any]) -> None:
        """As `apply`, together with the images of `read_images` that the edit is about, and what a dataset says of
        itself: all of it or nothing. Undo takes back the edit; the images stay."""
        self._write(edit, 0.0, new, dataset_source)

    def _write(
        self, edit: Edit, seconds: float, new: Sequence[Image] = (), dataset_source: Mapping[str, Any] | None = None
    ) -> None:
        row_changes = changes.row_changes(edit)
        if not row_changes and not new:
            return
        with self._database.write() as connection:
            intake.insert_images(connection, new)
            if dataset_source is not None:
                settings.put(connection, "dataset_source", dataset_source)
            if row_changes:
                categories.check(connection, row_changes)
                written = changes.write(connection, row_changes, lambda number: history.removes(connection, number))
                journaled = [step.change for step in written]
                history.append(connection, edit.action, edit.image_id, journaled, self.author, seconds)
        self._note_ids(row_changes)

    def undo(self) -> Edit | None:
        """Take the last edit back. Returns the edit that did so; None at the beginning of the timeline."""
        with self._database.write() as connection:
            return history.step_back(connection)

    def redo(self) -> Edit | None:
        """Apply the edit again that was undone last. Returns it; None where there is none."""
        with self._database.write() as connection:
            return history.step_forward(connection)

    def travel(self, entry_id: int) -> list[Edit]:
        """Undo or redo until the edit of that id is the last one that is done, 0 for none; in one transaction.

        Returns the edits that did so, in their order.
        """
        with self._database.write() as connection:
            return history.travel(connection, entry_id)

    # -- predictions

    def set_proposals(self, image_id: int, detections: Sequence[Detection], checkpoint_id: str) -> list[Instance]:
        """Replace an image's untouched proposals by what a model found. Not an edit: it is not in the history.

        Returns what `instances` would now.

        Does nothing where a person has decided about the image. Detections without pixels are left out, and those that
        match (mask IoU >= 0.5) an instance that an edit ever touched, accepted, rejected or neither.
        """
        with self._database.write() as connection:
            return self._propose(connection, image_id, detections, checkpoint_id)

    def set_proposals_of_many(self, found: Mapping[int, Sequence[Detection]], checkpoint_id: str) -> None:
        """As `set_proposals` for several images, by their ids: all of it or nothing."""
        with self._database.write() as connection:
            for image_id, detections in found.items():
                self._propose(connection, image_id, detections, checkpoint_id)

    def _propose(
        self, connection: Connection, image_id: int, detections: Sequence[Detection], checkpoint_id: str
    ) -> list[Instance]:
        review = connection.execute(select(images.c.review).where(images.c.id == image_id)).scalar()
        if found(review, image_id) != Review.OPEN.value:
            return reading.read_instances(connection, image_id)
        proposals.clear_untouched(connection, image_id)
        present = reading.read_instances(connection, image_id)
        new = proposals.unmatched(present, detections)
        ids = self.new_instance_ids(len(new))
        category_ids = {
            name: categories.category_named(connection, name, self.new_category_id)
            for name in dict.fromkeys(detection.category for detection in new)
        }
        numbered = zip(ids, new, strict=True)
        proposed = proposals.insert_proposals(connection, image_id, numbered, category_ids, checkpoint_id)
        proposals.mark_predicted(connection, image_id, checkpoint_id)
        changes.refresh_status(connection, [image_id])
        return present + proposed

    def set_score(self, image_id: int, checkpoint_id: str, score: ImageScore) -> None:
        """Keep what a checkpoint made of an image, in the place of what another one made of it. Not an edit."""
        with self._database.write() as connection:
            scores.save(connection, image_id, checkpoint_id, score.vector, score)

    def set_image_vector(self, image_id: int, checkpoint_id: str, vector: ImageVector) -> None:
        """Keep what an image looks like to a checkpoint: all that the queue wants to know of an accepted one."""
        with self._database.write() as connection:
            scores.save(connection, image_id, checkpoint_id, vector, None)

    # -- checkpoints and rounds

    def register_checkpoint(
        self, entry: Round, *, current: CheckpointReference | None = None, facts: Mapping[str, Any] | None = None
    ) -> Round:
        """Keep a round, or (where its id is not 0) what has become of it. Returns it with its id.

        All or nothing with it, where given: the checkpoint that predicts from now on, and single facts.
        """
        with self._database.write() as connection:
            number = rounds.save(connection, entry, self.root)
            if current is not None:
                settings.put(connection, CURRENT_CHECKPOINT, self._reference(current))
            for key, value in (facts or {}).items():
                settings.put(connection, key, value)
        return next(known for known in self.rounds() if known.id == number)

    def set_current_checkpoint(self, checkpoint_id: str, path: str | os.PathLike[str] | None = None) -> None:
        """Choose the checkpoint that predicts. Without a path, a round of that id says where it lies, if any."""
        if path is None:
            path = next((known.checkpoint for known in self.rounds() if known.checkpoint_id == checkpoint_id), None)
        reference = CheckpointReference(checkpoint_id, None if path is None else Path(path))
        self.set_fact(CURRENT_CHECKPOINT, self._reference(reference))

    def set_base_checkpoint(self, checkpoint: CheckpointReference | None, *, predicts: bool = False) -> None:
        """Choose the checkpoint that every round trains from, None for the bundled one.

        With `predicts` it is the one that predicts from now on, too: both or neither.
        """
        reference = None if checkpoint is None else self._reference(checkpoint)
        with self._database.write() as connection:
            settings.put(connection, BASE_CHECKPOINT, reference)
            if predicts and reference is not None:
                settings.put(connection, CURRENT_CHECKPOINT, reference)

    def set_category_map(self, checkpoint_id: str, targets: Mapping[str, str | None]) -> None:
        """Choose what a checkpoint's categories are called here, None for one left out.

        Open images count as not predicted by it any more where that changes anything for them.
        """
        with self._database.write() as connection:
            known = settings.get(connection, CATEGORY_MAPS) or {}
            if known.get(checkpoint_id) == dict(targets):
                return
            settings.put(connection, CATEGORY_MAPS, {**known, checkpoint_id: dict(targets)})
            proposals.mark_stale(connection, checkpoint_id)
            scores.outdate_all(connection, checkpoint_id)

    def keep_category_map(self, checkpoint_id: str, model_categories: Sequence[str]) -> CategoryMap:
        """As `category_map`, for a checkpoint that is about to predict: where the project has no categories yet, that
        every one of the model's passes is written down, or the first proposals would shut out all others."""
        names = self.category_map(checkpoint_id, model_categories)
        if not self.read_only and not self.categories() and checkpoint_id not in (self.category_maps or {}):
            self.set_category_map(checkpoint_id, names.targets)
        return names

    # -- inside

    def set_fact(self, key: str, value: Any) -> None:
        """Keep a single fact; for `settings.Fact`."""
        with self._database.write() as connection:
            settings.put(connection, key, value)

    def _reference(self, checkpoint: CheckpointReference) -> dict[str, str | None]:
        path = checkpoint.path
        return {"id": checkpoint.id, "path": None if path is None else portable(path, self.root)}

    def _reserve(self, table: Table, count: int) -> range:
        first = self._last_ids[table] + 1
        self._last_ids[table] += count
        return range(first, first + count)

    def _note_ids(self, row_changes: Iterable[RowChange]) -> None:
        for change in row_changes:
            table = changes.TABLES[change.kind]
            self._last_ids[table] = max(self._last_ids.get(table, 0), change.id)


def _account() -> str | None:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # an account without a name, as in some containers
        return None


def _last_id(connection: Connection, table: Table) -> int:
    statement = text("SELECT seq FROM sqlite_sequence WHERE name = :name")
    return int(connection.execute(statement, {"name": table.name}).scalar() or 0)
