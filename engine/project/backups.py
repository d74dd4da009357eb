"""Copies of a project beside it, made while it is open and thinned out with age, and the way back to one."""

import contextlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from engine.errors import InvalidProject, MaskwrightError
from engine.files import atomic_write, clear_leftovers, explain
from engine.project import settings
from engine.project.database import Database, copy_project, open_to_read
from engine.project.failures import in_words
from engine.project.lock import WriterLock
from engine.project.schema import check_header

# How long a project is worked on before the next copy is due: what a labeler would not want to do twice.
INTERVAL = timedelta(minutes=10)
# The newest so many are kept, and of each day before the newest, for so many days.
_RECENT, _DAYS = 6, 14
_STAMP = "%Y-%m-%dT%H-%M-%S-%fZ"


@dataclass(frozen=True, slots=True)
class Backup:
    """A copy of a project as it was at `at`, in UTC; a project file of its own."""

    path: Path
    at: datetime


def folder_of(project: Path) -> Path:
    """The folder `NAME.backups` beside the project. It may not exist yet."""
    return project.with_suffix(".backups")


def listed(project: Path) -> list[Backup]:
    """The copies of a project, newest first."""
    found = []
    for path in folder_of(project).glob("*.maskwright"):
        with contextlib.suppress(ValueError):  # somebody else's file
            found.append(Backup(path, datetime.strptime(path.stem, _STAMP).replace(tzinfo=UTC)))
    return sorted(found, key=lambda backup: backup.at, reverse=True)


def back_up(project: Path) -> Backup:
    """Copy a project as its last commit left it, whoever is writing to it, and delete the copies that are too many.

    Safe to call from any thread. Raises MaskwrightError; the copies before are all there then.
    """
    now = datetime.now(UTC)
    folder = folder_of(project)
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise explain(error, folder) or MaskwrightError(f"{folder} cannot be made: {error.strerror}.") from error
    clear_leftovers(folder)
    backup = Backup(folder / f"{now.strftime(_STAMP)}.maskwright", now)
    # Relative paths start from the project's folder, wherever the copy lies; and nobody is writing to the copy.
    facts = {settings.ROOT: project.parent.as_posix(), settings.SESSION: None}
    with in_words(project), contextlib.closing(open_to_read(project)) as source, atomic_write(backup.path) as temporary:
        copy_project(source, temporary, facts)
    for old in _superfluous(listed(project)):
        old.path.unlink(missing_ok=True)
    return backup


def is_due(project: Path, now: datetime) -> bool:
    """Whether the newest copy is older than INTERVAL, or there is none."""
    newest = next(iter(listed(project)), None)
    return newest is None or now - newest.at >= INTERVAL


def restore(project: Path, backup: Path) -> None:
    """Make a closed project what it was when a copy was made. What it is now is copied first, so there is a way back.

    Raises MaskwrightError where the copy is damaged or the project open for writing; nothing has changed then.
    """
    check_header(backup)
    lock = WriterLock(project)
    try:
        _carry_over(project)
        back_up(project)
        with atomic_write(project) as temporary:
            _copy(backup, temporary)
            # The log belongs to the file that is about to go, and it is empty.
            _remove_log(project)
    finally:
        lock.release()


def _copy(backup: Path, target: Path) -> None:
    with in_words(backup), contextlib.closing(open_to_read(backup)) as source:
        if source.execute("PRAGMA quick_check").fetchone()[0] != "ok":
            raise InvalidProject(f"The copy {backup.name} is damaged.", remedy="Choose another one.")
        copy_project(source, target, {settings.ROOT: None})


def _carry_over(project: Path) -> None:
    """Empty the log that a cut off session, or a reader, left: from now on the file alone is the project."""
    database = Database(project, read_only=False)
    try:
        database.empty_log()
    finally:
        database.close()


def _remove_log(project: Path) -> None:
    for suffix in ("-wal", "-shm"):
        Path(f"{os.fspath(project)}{suffix}").unlink(missing_ok=True)


def _superfluous(newest_first: Iterable[Backup]) -> list[Backup]:
    """What is neither among the newest nor the newest of one of the last days that have any."""
    spare: list[Backup] = []
    days: set[date] = set()
    for index, backup in enumerate(newest_first):
        day = backup.at.date()
        kept = index < _RECENT or (day not in days and len(days) < _DAYS)
        days.add(day)
        if not kept:
            spare.append(backup)
    return spare
