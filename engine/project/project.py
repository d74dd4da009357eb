"""A project: images, what a model proposed on them, what a person decided, and how to take every step of that back."""

import getpass
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from sqlalchemy import Connection, Table, func, select, text

from engine.errors import MaskwrightError
from engine.files import atomic_write
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
    settings,
)
from engine.project.changes import RowChange
from engine.project.database import Database, create_empty
from engine.project.edit import Edit
from engine.project.history import HistoryEntry
from engine.project.image_files import ImageFiles
from engine.project.intake import AddReport, Intake, PageChoice, Progress, first_page
from engine.project.lock import WriterLock
from engine.project.paths import located, portable
from engine.project.recovery import Recovery
from engine.project.rounds import CheckpointReference, Round
from engine.project.rows import category_of, image_of, instance_of
from engine.project.schema import SCHEMA_VERSION, check_header, images, instances
from engine.project.schema import categories as categories_table
from engine.project.settings import Fact
from engine.records import Category, Detection, Image, ImageStatus, Instance, Review

SUFFIX = ".maskwright"

Answer = TypeVar("Answer")
Found = TypeVar("Found")

_CHECKPOINT = "current_checkpoint"


class Project:
    """An open project file `NAME.maskwright`, for the thread that opened it.

    Everything a person does goes through `apply`; it is on disk when `apply` returns. Raises MaskwrightError, in words,
    for whatever goes wrong, and then nothing has changed.
    """

    # What the project is called; None where the file's name does.
    name = Fact[str]("name")
    # The imported dataset's own keys (COCO's info, licenses), for export to repeat.
    dataset_source = Fact[dict[str, Any]]("dataset_source")
    # The image that was open last.
    last_image_id = Fact[int]("last_image_id")
    # The score from which on proposals were shown last.
    threshold = Fact[float]("threshold")

    def __init__(self, database: Database, lock: WriterLock | None, author: str | None) -> None:
        """Use `create` or `open`."""
        self._database = database
        self._lock = lock
        self.path = database.path
        with database.read() as connection:
            root = settings.get(connection, settings.ROOT)
            self._last_ids = {table: _last_id(connection, table) for table in (images, instances, categories_table)}
        self.root = Path(root) if root else self.path.parent
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
            return cls(Database(target, read_only=False), lock, author or _account())
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
            if version < SCHEMA_VERSION:
                backups.back_up(target)
            return cls(Database(target, read_only=False), lock, author or _account())
        except BaseException:
            lock.release()
            raise

    @staticmethod
    def discard(path: str | os.PathLike[str]) -> None:
        """Delete a closed project's file and what SQLite keeps beside it: one that was just made for nothing."""
        for suffix in ("", "-wal", "-shm"):
            Path(f"{os.fspath(path)}{suffix}").unlink(missing_ok=True)

    def close(self) -> None:
        """Close the file and let others write to it. Closing twice is fine."""
        try:
            if self._lock is not None:
                with self._database.write() as connection:
                    recovery.end(connection)
            self._database.close()
        finally:
            if self._lock is not None:
                self._lock.release()
                self._lock = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def read_only(self) -> bool:
        """Whether every change is refused."""
        return self._database.read_only

    @property
    def network(self) -> str | None:
        """The kind of network file system that the project lies on, such as "nfs4"; None on a local disk."""
        return self._database.network

    @property
    def rounds_folder(self) -> Path:
        """The folder `NAME.rounds` beside the project, for the checkpoints of its rounds. It may not exist yet."""
        return self.path.with_suffix(".rounds")

    def checkpoint(self) -> None:
        """Carry the write-ahead log over into the file: for when the app is idle. Never waits for a reader."""
        self._database.checkpoint()

    def snapshot(self, path: str | os.PathLike[str]) -> None:
        """Write a consistent copy of the project, whose images are found wherever the copy lies."""
        with atomic_write(path) as temporary:
            self._database.copy_to(temporary, {settings.ROOT: self.root.as_posix(), settings.SESSION: None})

    # -- reading

    @contextmanager
    def consistent(self) -> Iterator[None]:
        """While the block runs everything is read from one state of the project, whoever else is writing to it."""
        with self._database.read():
            yield

    def images(self) -> list[Image]:
        """Every image, in the order in which they were added."""
        with self._database.read() as connection:
            return [image_of(row) for row in connection.execute(select(images).order_by(images.c.id)).mappings()]

    def image(self, image_id: int) -> Image:
        """One image. Raises KeyError where there is none of that id."""
        with self._database.read() as connection:
            row = connection.execute(select(images).where(images.c.id == image_id)).mappings().first()
        return image_of(_found(row, image_id))

    def image_path(self, image: Image) -> Path:
        """Where the image's file lies."""
        return located(image.path, self.root)

    def categories(self) -> list[Category]:
        """Every category, by id."""
        with self._database.read() as connection:
            return categories.listed(connection)

    def category(self, category_id: int) -> Category:
        """One category. Raises KeyError where there is none of that id."""
        query = select(categories_table).where(categories_table.c.id == category_id)
        with self._database.read() as connection:
            row = connection.execute(query).mappings().first()
        return category_of(_found(row, category_id))

    def instances(self, image_id: int) -> list[Instance]:
        """Every instance of an image in whatever state, by id."""
        return self._ask(lambda connection: reading.read_instances(connection, image_id))

    def accepted_instances(self, image_ids: Sequence[int]) -> Iterator[tuple[int, list[Instance]]]:
        """Each image id, in the order given, with the accepted instances there, read as they are asked for; nothing may
        be written before the last was."""
        with self._database.read() as connection:
            yield from reading.accepted_instances(connection, image_ids)

    def annotation_ids(self, image_ids: Sequence[int]) -> list[Any]:
        """The ids in the imported records of `accepted_instances`, None for an instance without one."""
        return self._ask(lambda connection: reading.annotation_ids(connection, image_ids))

    def instance(self, instance_id: int) -> Instance:
        """One instance. Raises KeyError where there is none of that id."""
        with self._database.read() as connection:
            row = connection.execute(select(instances).where(instances.c.id == instance_id)).mappings().first()
        return instance_of(_found(row, instance_id))

    def counts(self) -> dict[ImageStatus, int]:
        """How many images have each status."""
        query = select(images.c.status, func.count()).group_by(images.c.status)
        with self._database.read() as connection:
            found = {row[0]: int(row[1]) for row in connection.execute(query)}
        return {status: found.get(status.value, 0) for status in ImageStatus}

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
        sources: Mapping[Path, str | None] | None = None,
    ) -> AddReport:
        """As `add_images`, but nothing is stored: what it found goes to `import_edit`.

        `sources` holds imported COCO records as JSON text, by path.
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
                changes.write(connection, row_changes)
                history.append(connection, edit.action, edit.image_id, row_changes, self.author, seconds)
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

    @property
    def can_undo(self) -> bool:
        """Whether there is an edit to take back, and the project may be written."""
        return not self.read_only and self._ask(history.exists_done)

    @property
    def can_redo(self) -> bool:
        """Whether there is an undone edit, and the project may be written."""
        return not self.read_only and self._ask(history.exists_undone)

    def history(self, limit: int | None = 100, *, instance_id: int | None = None) -> list[HistoryEntry]:
        """The newest edits of the timeline, newest first; all of them for None, or those that touched an instance."""
        return self._ask(lambda connection: history.entries(connection, limit, instance_id))

    def history_bounds(self, entry_id: int) -> tuple[int, int, int, int] | None:
        """x1 y1 x2 y2 in image pixels around the instances that an edit changed; None where it changed none."""
        return self._ask(lambda connection: history.bounds_of(connection, entry_id))

    # -- predictions

    def set_proposals(self, image_id: int, detections: Sequence[Detection], checkpoint_id: str) -> list[Instance]:
        """Replace an image's untouched proposals by what a model found. Not an edit: it is not in the history.

        Returns what `instances` would now.

        Does nothing where a person has decided about the image. Detections without pixels are left out, and those that
        match (mask IoU >= 0.5) an instance that an edit ever touched, accepted, rejected or neither.
        """
        with self._database.write() as connection:
            review = connection.execute(select(images.c.review).where(images.c.id == image_id)).scalar()
            if _found(review, image_id) != Review.OPEN.value:
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

    def stale_images(self, checkpoint_id: str) -> list[Image]:
        """The images under review whose proposals are not that checkpoint's: of another one, or of none yet."""
        return [image for image in self.images() if image.review is Review.OPEN and image.predicted_by != checkpoint_id]

    # -- checkpoints and rounds

    def register_checkpoint(self, entry: Round) -> Round:
        """Keep a round, or (where its id is not 0) what has become of it. Returns it with its id."""
        with self._database.write() as connection:
            number = rounds.save(connection, entry, self.root)
        return next(known for known in self.rounds() if known.id == number)

    def rounds(self) -> list[Round]:
        """Every round, oldest first."""
        return self._ask(lambda connection: rounds.read_all(connection, self.root))

    def current_checkpoint(self) -> CheckpointReference | None:
        """The checkpoint that predicts for this project; None where none was ever chosen."""
        stored = self.fact(_CHECKPOINT)
        if stored is None:
            return None
        return CheckpointReference(stored["id"], None if stored["path"] is None else located(stored["path"], self.root))

    def set_current_checkpoint(self, checkpoint_id: str, path: str | os.PathLike[str] | None = None) -> None:
        """Choose the checkpoint that predicts. Without a path, a round of that id says where it lies, if any."""
        if path is None:
            path = next((known.checkpoint for known in self.rounds() if known.checkpoint_id == checkpoint_id), None)
        self.set_fact(_CHECKPOINT, {"id": checkpoint_id, "path": None if path is None else portable(path, self.root)})

    # -- inside

    def fact(self, key: str) -> Any:
        """The single fact kept under a key; for `settings.Fact`."""
        return self._ask(lambda connection: settings.get(connection, key))

    def set_fact(self, key: str, value: Any) -> None:
        """Keep a single fact; for `settings.Fact`."""
        with self._database.write() as connection:
            settings.put(connection, key, value)

    def _ask(self, question: Callable[[Connection], Answer]) -> Answer:
        with self._database.read() as connection:
            return question(connection)

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


def _found(value: Found | None, number: int) -> Found:
    if value is None:
        raise KeyError(number)
    return value
