"""The journal: one project-wide timeline of edits with a cursor in it. It is the undo history, and survives restarts.

Rows up to the cursor are done, rows after it are undone; a new edit after an undo cuts those off. An edit is journaled
as deltas: for a changed row only the columns that differ, before and after.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, bindparam, delete, insert, literal, select

from engine.project import changes, settings
from engine.project.changes import RowChange
from engine.project.edit import Action
from engine.project.schema import journal

# The key of the cursor in meta: the id of the last journal row that is done, 0 for none.
CURSOR = "cursor"


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One edit of the timeline; `at` is when it was made, in UTC."""

    id: int
    action: Action
    image_id: int | None
    at: datetime
    undone: bool


class JournaledEdit(NamedTuple):
    """One row of the journal, decoded."""

    id: int
    action: Action
    image_id: int | None
    changes: list[RowChange]


_APPEND = insert(journal)
_CUT = delete(journal).where(journal.c.id > bindparam("cursor"))
_LAST_DONE = select(journal).where(journal.c.id <= bindparam("cursor")).order_by(journal.c.id.desc()).limit(1)
_FIRST_UNDONE = select(journal).where(journal.c.id > bindparam("cursor")).order_by(journal.c.id).limit(1)


def append(connection: Connection, action: Action, image_id: int | None, row_changes: Iterable[RowChange]) -> None:
    """Journal an edit that was just written, cut off what was undone before it, and move the cursor to it."""
    connection.execute(_CUT, {"cursor": cursor(connection)})
    row = {
        "at": datetime.now(UTC).timestamp(),
        "action": action.value,
        "image_id": image_id,
        "payload": changes.encode(change.delta() for change in row_changes),
    }
    added = connection.execute(_APPEND, row).inserted_primary_key
    assert added is not None
    move_cursor(connection, added[0])


def last_done(connection: Connection) -> JournaledEdit | None:
    """The edit that undo takes back."""
    return _one(connection, _LAST_DONE)


def first_undone(connection: Connection) -> JournaledEdit | None:
    """The edit that redo applies again."""
    return _one(connection, _FIRST_UNDONE)


def exists_done(connection: Connection) -> bool:
    """Whether there is an edit to undo."""
    return _any(connection, journal.c.id <= bindparam("cursor"))


def exists_undone(connection: Connection) -> bool:
    """Whether there is an edit to redo."""
    return _any(connection, journal.c.id > bindparam("cursor"))


def cursor(connection: Connection) -> int:
    """The id of the last journal row that is done, 0 for none."""
    position = settings.get(connection, CURSOR)
    return position if isinstance(position, int) else 0


def move_cursor(connection: Connection, position: int) -> None:
    """Make the journal row of that id the last one that is done."""
    settings.put(connection, CURSOR, position)


def entries(connection: Connection, limit: int | None) -> list[HistoryEntry]:
    """The timeline, newest first, without what the edits changed."""
    position = cursor(connection)
    columns = select(journal.c.id, journal.c.action, journal.c.image_id, journal.c.at)
    rows = connection.execute(columns.order_by(journal.c.id.desc()).limit(limit))
    return [
        HistoryEntry(number, Action(action), image_id, datetime.fromtimestamp(at, UTC), undone=number > position)
        for number, action, image_id, at in rows
    ]


def _one(connection: Connection, statement: Select[Any]) -> JournaledEdit | None:
    row = connection.execute(statement, {"cursor": cursor(connection)}).mappings().first()
    if row is None:
        return None
    return JournaledEdit(row["id"], Action(row["action"]), row["image_id"], changes.decode(row["payload"]))


def _any(connection: Connection, condition: ColumnElement[bool]) -> bool:
    statement = select(literal(1)).where(condition).limit(1)
    return connection.execute(statement, {"cursor": cursor(connection)}).first() is not None
