"""Writing thousands of records from a thread of its own, beside the one that has the project open.

`advance` is called with the share that is done, None where that is not known, and may raise to give up, which leaves
everything as it was. Who has the project open writes nothing meanwhile: SQLite would let it wait.
"""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import Connection

from engine.project import categories, changes, history
from engine.project.changes import RowChange
from engine.project.database import Database
from engine.project.edit import Edit

BATCH = 200  # changes between two questions whether to go on: some 40 ms of work

Advance = Callable[[float | None], object]


def apply_beside(
    path: Path,
    edit: Edit,
    author: str | None,
    advance: Callable[[float], object] = lambda share: None,
    seconds: float = 0.0,
) -> None:
    """As `Project.apply`, for a project that this process has open for writing, through a connection of its own."""
    with _writing(path) as connection:
        journaled: list[RowChange] = []
        for start in range(0, len(edit.changes), BATCH):
            advance(start / len(edit.changes))
            part = Edit(edit.action, edit.image_id, edit.changes[start : start + BATCH])
            row_changes = changes.row_changes(part)
            categories.check(connection, row_changes)
            written = changes.write(connection, row_changes, lambda number: history.removes(connection, number))
            journaled += [step.change for step in written]
        if journaled:
            history.append(connection, edit.action, edit.image_id, journaled, author, seconds)
        advance(1.0)


def step_beside(path: Path, advance: Advance = lambda share: None, *, forward: bool) -> Edit | None:
    """As `Project.redo`, or else `Project.undo`."""
    with _writing(path) as connection:
        advance(None)
        edit = history.step_forward(connection) if forward else history.step_back(connection)
        advance(1.0)
    return edit


def travel_beside(path: Path, entry_id: int, advance: Advance = lambda share: None) -> list[Edit]:
    """As `Project.travel`."""
    with _writing(path) as connection:
        return history.travel(connection, entry_id, lambda: advance(None))


@contextmanager
def _writing(path: Path) -> Iterator[Connection]:
    with closing(Database(path, read_only=False)) as database, database.write() as connection:
        yield connection
