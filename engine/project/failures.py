"""What the database's errors mean in words."""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from engine.errors import EditConflict, InvalidProject, MaskwrightError, NotWritable, OutOfSpace, ProjectLocked


@contextlib.contextmanager
def in_words(path: Path) -> Iterator[None]:
    """Turn errors of SQLite, bare or wrapped by SQLAlchemy, into MaskwrightError. The project is at `path`."""
    try:
        yield
    except DBAPIError as error:
        if not isinstance(error.orig, sqlite3.Error):
            raise
        raise _meaning(error.orig, path) from error
    except sqlite3.Error as error:
        raise _meaning(error, path) from error


def _meaning(error: sqlite3.Error, path: Path) -> MaskwrightError:
    extended = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    if extended == sqlite3.SQLITE_IOERR_SHMSIZE:  # no space for the memory that readers and writers share
        extended = sqlite3.SQLITE_FULL
    # The lower byte is the primary code; the rest says where in SQLite it arose.
    match extended & 0xFF:
        case sqlite3.SQLITE_FULL:
            return OutOfSpace(
                f"There is no space left on the disk to save to {path.name}.",
                remedy="Nothing was changed. Free some space, then try again.",
            )
        case sqlite3.SQLITE_CONSTRAINT:
            return EditConflict("The change refers to an image, instance or category that the project does not hold.")
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM | sqlite3.SQLITE_CANTOPEN:
            return NotWritable(
                f"{path} cannot be written, or its folder cannot.",
                remedy="Open the project for reading only, or copy it to another folder.",
            )
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return ProjectLocked(f"Another program holds {path.name}.", remedy="Close it, then try again.")
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return InvalidProject(f"{path.name} is damaged: {error}.", remedy="Go back to a copy of the project.")
        case sqlite3.SQLITE_IOERR:
            return MaskwrightError(
                f"The disk refused to read or write {path.name} ({error}).",
                remedy="Nothing was changed. Check the disk and its free space, then try again.",
            )
    return MaskwrightError(f"{path.name} could not be read or written: {error}.")
