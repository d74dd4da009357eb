"""The journal: one project-wide timeline of edits with a cursor in it. It is the undo history, and survives restarts.

Rows up to the cursor are done, rows after it are undone; a new edit after an undo cuts those off. An edit is journaled
as deltas: for a changed row only the columns that differ, before and after.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Select,
    and_,
    bindparam,
    cast,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
)

from engine.project import categories, changes, settings
from engine.project.changes import Kind, RowChange, Written
from engine.project.edit import Action, Edit
from engine.project.schema import instances, journal, meta

# The key of the cursor in meta: the id of the last journal row that is done, 0 for none.
CURSOR = "cursor"


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One edit of the timeline: `at` is when it was made, in UTC, `author` who made it, None where that is not known,
    and `seconds` how long it took."""

    id: int
    action: Action
    image_id: int | None
    at: datetime
    author: str | None
    seconds: float
    undone: bool


class JournaledEdit(NamedTuple):
    """One row of the journal, decoded."""

    id: int
    action: Action
    image_id: int | None
    changes: list[RowChange]


class Reach(NamedTuple):
    """Whether there is an edit to undo, and one to redo."""

    back: bool
    forward: bool


_ENTRIES = select(journal.c.id, journal.c.action, journal.c.image_id, journal.c.at, journal.c.author, journal.c.seconds)
_APPEND = insert(journal)
_CUT = delete(journal).where(journal.c.id > bindparam("cursor"))
_LAST_DONE = select(journal).where(journal.c.id <= bindparam("cursor")).order_by(journal.c.id.desc()).limit(1)
_POSITION = func.coalesce(select(cast(meta.c.value, Integer)).where(meta.c.key == CURSOR).scalar_subquery(), 0)
_REACH = select(exists().where(journal.c.id <= _POSITION), exists().where(journal.c.id > _POSITION))
_SIZE = select(func.json_array_length(journal.c.payload)).limit(1)
_SIZE_BACK = _SIZE.where(journal.c.id <= _POSITION).order_by(journal.c.id.desc())
_SIZE_FORWARD = _SIZE.where(journal.c.id > _POSITION).order_by(journal.c.id)
_FIRST_UNDONE = select(journal).where(journal.c.id > bindparam("cursor")).order_by(journal.c.id).limit(1)


def append(
    connection: Connection,
    action: Action,
    image_id: int | None,
    row_changes: Iterable[RowChange],
    author: str | None,
    seconds: float,
) -> None:
    """Journal an edit that was just written, cut off what was undone before it, and move the cursor to it."""
    connection.execute(_CUT, {"cursor": cursor(connection)})
    row = {
        "at": datetime.now(UTC).timestamp(),
        "action": action.value,
        "image_id": image_id,
        "author": author,
        "seconds": seconds,
        "payload": changes.encode(change.delta() for change in row_changes),
    }
    added = connection.execute(_APPEND, row).inserted_primary_key
    assert added is not None
    move_cursor(connection, added[0])


def step_back(connection: Connection) -> Edit | None:
    """Take back the last edit that is done. Returns the edit that did so; None where there is none."""
    entry = _one(connection, _LAST_DONE)
    if entry is None:
        return None
    written = _rewrite(connection, [change.reversed() for change in reversed(entry.changes)])
    move_cursor(connection, entry.id - 1)
    return _edit_of(entry, written)


def step_forward(connection: Connection) -> Edit | None:
    """Apply the first edit again that is undone. Returns it; None where there is none."""
    entry = _one(connection, _FIRST_UNDONE)
    if entry is None:
        return None
    written = _rewrite(connection, entry.changes)
    categories.unfold_namesakes(connection, entry.changes, lambda number: _next_change(connection, entry.id, number))
    move_cursor(connection, entry.id)
    return _edit_of(entry, written)


def travel(connection: Connection, entry_id: int, between: Callable[[], object] = lambda: None) -> list[Edit]:
    """Step until the edit of that id is the last one that is done, 0 for none. Returns the edits that did so.

    `between` is called after each, and may raise to give up; nothing may be committed then.
    """
    steps = []
    while _last_done_id(connection) > entry_id and (step := step_back(connection)) is not None:
        steps.append(step)
        between()
    while _last_done_id(connection) < entry_id and (step := step_forward(connection)) is not None:
        steps.append(step)
        between()
    return steps


def size_of_step(connection: Connection, *, forward: bool) -> int:
    """How many records the next step forward changes, or else the next one back; 0 where there is none."""
    return int(connection.execute(_SIZE_FORWARD if forward else _SIZE_BACK).scalar() or 0)


def removes(connection: Connection, category_id: int) -> bool:
    """Whether the last edit that is done and changes a category removed it."""
    start = changes.encoded_start(Kind.CATEGORY, category_id)
    touching = select(journal.c.payload).where(
        journal.c.id <= cursor(connection), func.instr(journal.c.payload, start) > 0
    )
    payload = connection.execute(touching.order_by(journal.c.id.desc()).limit(1)).scalar()
    own = changes.decode(payload) if payload is not None else []
    return any(one.kind is Kind.CATEGORY and one.id == category_id and one.after is None for one in own)


def reach(connection: Connection) -> Reach:
    """Which ways the timeline goes on."""
    back, forward = connection.execute(_REACH).one()
    return Reach(back, forward)


def cursor(connection: Connection) -> int:
    """The id of the last journal row that is done, 0 for none."""
    position = settings.get(connection, CURSOR)
    return position if isinstance(position, int) else 0


def move_cursor(connection: Connection, position: int) -> None:
    """Make the journal row of that id the last one that is done."""
    settings.put(connection, CURSOR, position)


def entries(
    connection: Connection, limit: int | None, before: int | None = None, instance_id: int | None = None
) -> list[HistoryEntry]:
    """The timeline, newest first, without what the edits changed; only those before the edit of an id, and of one
    instance only those that touched it."""
    position = cursor(connection)
    statement = _ENTRIES.order_by(journal.c.id.desc()).limit(limit)
    if before is not None:
        statement = statement.where(journal.c.id < before)
    if instance_id is not None:
        statement = statement.where(_touches(instance_id))
    return [
        HistoryEntry(
            number, Action(action), image_id, datetime.fromtimestamp(at, UTC), author, seconds, number > position
        )
        for number, action, image_id, at, author, seconds in connection.execute(statement)
    ]


def bounds_of(connection: Connection, entry_id: int) -> tuple[int, int, int, int] | None:
    """x1 y1 x2 y2 in image pixels around the instances that an edit changed; None where it changed none."""
    payload = connection.execute(select(journal.c.payload).where(journal.c.id == entry_id)).scalar()
    if payload is None:
        return None
    return changes.bounds(connection, changes.decode(payload))


def _touches(instance_id: int) -> ColumnElement[bool]:
    """Whether a row of the journal changed an instance. Only rows of its image, and those of no image, can have."""
    image_id = select(instances.c.image_id).where(instances.c.id == instance_id).scalar_subquery()
    # As `changes.encode` begins each change of a row.
    start = changes.encoded_start(Kind.INSTANCE, instance_id)
    return and_(
        or_(journal.c.image_id == image_id, journal.c.image_id.is_(None)), func.instr(journal.c.payload, start) > 0
    )


def _one(connection: Connection, statement: Select[Any]) -> JournaledEdit | None:
    row = connection.execute(statement, {"cursor": cursor(connection)}).mappings().first()
    if row is None:
        return None
    return JournaledEdit(row["id"], Action(row["action"]), row["image_id"], changes.decode(row["payload"]))


def _last_done_id(connection: Connection) -> int:
    """Not the cursor itself: ids have gaps where undone edits were cut off, and the cursor may lie in one."""
    done = select(func.max(journal.c.id)).where(journal.c.id <= cursor(connection))
    return connection.execute(done).scalar() or 0


def _rewrite(connection: Connection, row_changes: Sequence[RowChange]) -> list[Written]:
    categories.fold_namesakes(connection, row_changes)
    return changes.write(connection, row_changes)


def _next_change(connection: Connection, entry_id: int, category_id: int) -> int | None:
    """The id of the next edit after one that is about a category; None without one, or where it creates it."""
    start = changes.encoded_start(Kind.CATEGORY, category_id)
    later = select(journal.c.id, journal.c.payload).where(journal.c.id > entry_id)
    row = connection.execute(
        later.where(func.instr(journal.c.payload, start) > 0).order_by(journal.c.id).limit(1)
    ).first()
    found = changes.decode(row.payload) if row is not None else []
    changed = any(
        change.kind is Kind.CATEGORY and change.id == category_id and change.before is not None for change in found
    )
    return row.id if row is not None and changed else None


def _edit_of(entry: JournaledEdit, written: Iterable[Written]) -> Edit:
    return Edit(entry.action, entry.image_id, changes.changes_of(written))
