"""What is on disk, without trusting the code that wrote it more than needed."""

import contextlib
import hashlib
import os
import re
import sqlite3
from pathlib import Path

from engine.project import Project

# Everything but when it happened, where the copy lies, and the mark of the session that writes.
_CONTENTS = (
    "SELECT id, path, page, width, height, content_hash, hold_out, review, status, predicted_by, source FROM images",
    "SELECT * FROM instances ORDER BY id",
    "SELECT * FROM categories ORDER BY id",
    "SELECT id, action, image_id, author, seconds, payload FROM journal ORDER BY id",
    "SELECT coalesce(max(id), 0) FROM journal WHERE id <= (SELECT value FROM meta WHERE key = 'cursor')",
    "SELECT * FROM meta WHERE key NOT IN ('cursor', 'session', 'root') ORDER BY key",
    "SELECT id, folder, checkpoint, checkpoint_id, base_id, verdict, promoted, reason FROM rounds ORDER BY id",
)
_LEFTOVER = re.compile(r"\..+\.[0-9a-f]{8}\.tmp")


def digest(path: Path) -> str:
    """A number for all that a project holds, as another process sees it: what is committed."""
    with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        rows = [connection.execute(statement).fetchall() for statement in _CONTENTS]
    return hashlib.sha256(repr(rows).encode()).hexdigest()[:16]


def unsound(path: Path) -> str | None:
    """What SQLite finds wrong with a file; None for nothing."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        findings = [row[0] for row in connection.execute("PRAGMA integrity_check")]
        dangling = connection.execute("PRAGMA foreign_key_check").fetchall()
    if findings != ["ok"] or dangling:
        return f"{path.name}: {findings[:3]} {dangling[:3]}"
    return None


def undo_and_redo_all(project: Project) -> bool:
    """Whether a project is the same after going back to its beginning and forward again."""
    before, undone = digest(project.path), sum(entry.undone for entry in project.history(None))
    while project.undo() is not None:
        pass
    while project.redo() is not None:
        pass
    for _ in range(undone):
        project.undo()
    return digest(project.path) == before


def leftovers(folder: Path) -> list[str]:
    """Temporary files and folders of writers, anywhere below a folder."""
    names = [name for _, folders, files in os.walk(folder) for name in (*folders, *files)]
    return [name for name in names if _LEFTOVER.fullmatch(name)]


def tree(folder: Path) -> dict[str, bytes]:
    """The files below a folder with their content."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
