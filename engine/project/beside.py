"""Writing an edit of thousands of records from a thread of its own, beside the one that has the project open."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from engine.project import categories, changes, history
from engine.project.changes import RowChange
from engine.project.database import Database
from engine.project.edit import Edit

BATCH = 200  # changes between two questions whether to go on: some 40 ms of work


def apply_beside(
    path: Path, edit: Edit, author: str | None, advance: Callable[[float], object] = lambda share: None
) -> None:
    """As `Project.apply`, for a project that this process has open for writing, through a connection of its own.

    `advance` is called with the share that is done, and may raise to give up, which leaves everything as it was. Who
    has the project open writes nothing meanwhile: SQLite would let it wait. Raises as `Project.apply` does.
    """
    with closing(Database(path, read_only=False)) as database, database.write() as connection:
        journaled: list[RowChange] = []
        for start in range(0, len(edit.changes), BATCH):
            advance(start / len(edit.changes))
            part = Edit(edit.action, edit.image_id, edit.changes[start : start + BATCH])
            row_changes = changes.row_changes(part)
            categories.check(connection, row_changes)
            written = changes.write(connection, row_changes, lambda number: history.removes(connection, number))
            journaled += [step.change for step in written]
        if journaled:
            history.append(connection, edit.action, edit.image_id, journaled, author, 0.0)
        advance(1.0)
