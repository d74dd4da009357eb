"""Edits as changes of rows: what the journal holds, and the only code that writes what edits change."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache, partial
from typing import Any

from sqlalchemy import (
    Connection,
    Dialect,
    Table,
    UpdateBase,
    bindparam,
    case,
    delete,
    exists,
    insert,
    literal,
    or_,
    select,
    update,
)

from engine.errors import EditConflict
from engine.geometry.mask import Mask
from engine.geometry.rle import Place, decode_crops
from engine.project import scores
from engine.project.edit import CategoryChange, Change, Edit, ImageChange, InstanceChange
from engine.project.renames import follow_renames
from engine.project.rows import MASK_COLUMNS, Row, category_of, category_row, instance_of, instance_row, place_of
from engine.project.schema import categories, images, instances
from engine.records import ImageStatus, Instance, InstanceState, Review

# Below SQLite's limit of 999 parameters a statement in older builds.
_IDS_PER_QUERY = 500


class Kind(StrEnum):
    """Which table a row change is about; the letters are what the journal holds."""

    INSTANCE = "i"
    IMAGE = "m"
    CATEGORY = "c"


TABLES = {Kind.INSTANCE: instances, Kind.IMAGE: images, Kind.CATEGORY: categories}


@dataclass(frozen=True, slots=True)
class RowChange:
    """One row before and after. Where it stays, both hold the same columns: all of them, or only those that differ."""

    kind: Kind
    id: int
    before: Row | None
    after: Row | None

    def reversed(self) -> "RowChange":
        """The change that takes this one back."""
        return RowChange(self.kind, self.id, self.after, self.before)

    def delta(self) -> "RowChange":
        """The same change with only the columns that differ; a created or removed row stays whole."""
        if self.before is None or self.after is None:
            return self
        differing = [column for column, value in self.before.items() if self.after[column] != value]
        before, after = ({column: row[column] for column in differing} for row in (self.before, self.after))
        return RowChange(self.kind, self.id, before, after)


@dataclass(frozen=True, slots=True)
class Written:
    """A change as it was written, with the whole rows before and after."""

    change: RowChange
    before: Row | None
    after: Row | None


def row_changes(edit: Edit) -> list[RowChange]:
    """What an edit changes, with whole rows; changes that change nothing are left out.

    Raises ValueError where the edit changes one record twice, or turns one record into another.
    """
    changes = [_row_change(change) for change in edit.changes]
    keys = {(change.kind, change.id) for change in changes}
    if len(keys) < len(changes):
        raise ValueError("an edit changes each record once")
    return [change for change in changes if change.before != change.after]


def encode(changes: Iterable[RowChange]) -> str:
    """The journal's text of row changes."""
    # One by one: of thousands at once the encoder would keep every other thread waiting for a tenth of a second.
    encoder = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False)
    rows = (encoder.encode([change.kind, change.id, change.before, change.after]) for change in changes)
    return f"[{','.join(rows)}]"


def encoded_start(kind: Kind, number: int) -> str:
    """How the journal's text begins the change of that row: it tells without decoding whether one is there."""
    return f'["{kind}",{number},'


def bounds(connection: Connection, changes: Iterable[RowChange]) -> tuple[int, int, int, int] | None:
    """x1 y1 x2 y2 in image pixels around the instances that changes are about: as they are stored, or as the change
    has them where they are not any more. None where there are no masks."""
    own = {change.id: change.before or change.after or {} for change in changes if change.kind is Kind.INSTANCE}
    rows = [*({**own, **_stored(connection, instances, list(own))}.values())]
    boxes = [tuple(row[column] for column in MASK_COLUMNS[:4]) for row in rows if row.get("mask_w")]
    if not boxes:
        return None
    left, top, w, h = zip(*boxes, strict=True)
    right, bottom = (max(map(sum, zip(*span, strict=True))) for span in ((left, w), (top, h)))
    return min(left), min(top), right, bottom


def decode(payload: str) -> list[RowChange]:
    """The row changes of a journal's text."""
    return [RowChange(Kind(kind), number, before, after) for kind, number, before, after in json.loads(payload)]


def write(
    connection: Connection, changes: Sequence[RowChange], removed_by_edit: Callable[[int], bool] | None = None
) -> list[Written]:
    """Write changes, and the status of every image that they concern.

    Changes of a new edit come with `removed_by_edit`, which says of a category that only proposals keep listed whether
    an edit removed it; without it the changes are those of undo or redo. Raises EditConflict where a `before` is not
    what is stored; nothing may be committed then.
    """
    # Categories first: instances of the same edit may be of a category that it creates.
    writers: dict[Kind, Callable[[Connection, Sequence[RowChange]], list[Written]]] = {
        Kind.CATEGORY: partial(_write_categories, removed_by_edit=removed_by_edit),
        Kind.INSTANCE: _write_instances,
        Kind.IMAGE: _write_images,
    }
    written = [
        step
        for kind, write_kind in writers.items()
        if (own := [change for change in changes if change.kind is kind])
        for step in write_kind(connection, own)
    ]
    renamed = {
        step.before["name"]: step.after["name"]
        for step in written
        if step.change.kind is Kind.CATEGORY and step.before is not None and step.after is not None
    }
    follow_renames(connection, {old: new for old, new in renamed.items() if old != new})
    refresh_status(connection, {image_id for step in written for image_id in _image_ids(step)})
    annotated = (step for step in written if step.change.kind is Kind.INSTANCE)
    scores.outdate(connection, {image_id for step in annotated for image_id in _image_ids(step)})
    return written


def changes_of(written: Iterable[Written]) -> tuple[Change, ...]:
    """The records behind what was written."""
    steps = list(written)
    own = [step for step in steps if step.change.kind is Kind.INSTANCE]
    masks = _masks([row for step in own for row in (step.before, step.after) if row is not None])
    return tuple(_record_change(step, masks) for step in steps)


def refresh_status(connection: Connection, image_ids: Iterable[int]) -> None:
    """Derive the status of images from their review and their instances."""
    parameters = [{"key": image_id} for image_id in image_ids]
    if parameters:
        connection.execute(_REFRESH_STATUS, parameters)


def in_chunks(ids: Sequence[int]) -> Iterable[Sequence[int]]:
    """The ids in pieces that fit into one statement."""
    return (ids[start : start + _IDS_PER_QUERY] for start in range(0, len(ids), _IDS_PER_QUERY))


_TOUCHED = (
    select(literal(1))
    .where(
        instances.c.image_id == images.c.id,
        # Not `in_`: its values are expanded at each execution, which one for many rows refuses.
        or_(
            instances.c.state == InstanceState.ACCEPTED.value,
            instances.c.state == InstanceState.REJECTED.value,
            instances.c.edited,
        ),
    )
    .correlate(images)
)
_REFRESH_STATUS = (
    update(images)
    .where(images.c.id == bindparam("key"))
    .values(
        status=case(
            (images.c.review != Review.OPEN.value, images.c.review),
            (exists(_TOUCHED), ImageStatus.EDITED.value),
            (images.c.predicted_by.is_not(None), ImageStatus.PREDICTED.value),
            else_=ImageStatus.TODO.value,
        )
    )
)


def insert_instances(connection: Connection, rows: Sequence[Row]) -> None:
    """Insert rows of all columns."""
    _execute_many(connection, _INSERT_INSTANCE, rows)


def _execute_many(connection: Connection, statement: UpdateBase, rows: Sequence[Row]) -> None:
    """As `execute(statement, rows)`, whose care for each value of many rows takes three times as long; these rows hold
    nothing but what the driver takes as it is."""
    text, names = _compiled(statement, connection.dialect)
    if names is None:
        connection.exec_driver_sql(text, list(rows))
    else:
        connection.exec_driver_sql(text, [tuple([row[name] for name in names]) for row in rows])


@lru_cache(maxsize=64)
def _compiled(statement: UpdateBase, dialect: Dialect) -> tuple[str, list[str] | None]:
    """A statement as the driver takes it, and the order of its values; None where it takes them by name."""
    compiled = statement.compile(dialect=dialect)
    return str(compiled), compiled.positiontup


@lru_cache(maxsize=64)
def _update_of(table: Table, columns: tuple[str, ...]) -> Any:
    values: dict[str, Any] = {column: bindparam(f"new_{column}") for column in columns}
    return update(table).where(table.c.id == bindparam("key")).values(values)


def _parameters(rows: Iterable[Row]) -> list[Row]:
    return [{"key": row["id"], **{f"new_{column}": value for column, value in row.items()}} for row in rows]


_SELECT_ROWS = {
    table: select(table).where(table.c.id.in_(bindparam("ids", expanding=True))) for table in TABLES.values()
}
_INSERT_INSTANCE = insert(instances)
_DELETE_INSTANCE = delete(instances).where(instances.c.id == bindparam("key"))
_UPDATE_IMAGE = _update_of(images, ("review",))
_INSERT_CATEGORY = insert(categories)
_UPDATE_CATEGORY = _update_of(categories, ("name", "color", "source", "removed"))


def _write_instances(connection: Connection, changes: Sequence[RowChange]) -> list[Written]:
    stored = _stored(connection, instances, [change.id for change in changes])
    for row in stored.values():
        del row["in_history"]
    written = [_checked(change, stored.get(change.id)) for change in changes]
    created = [{**step.after, "in_history": True} for step in written if step.before is None and step.after]
    removed = [{"key": step.change.id} for step in written if step.after is None]
    if created:
        insert_instances(connection, created)
    for columns, rows in _updates(written).items():
        _execute_many(connection, _update_of(instances, columns), rows)
    if removed:
        _execute_many(connection, _DELETE_INSTANCE, removed)
    return written


def _updates(written: Iterable[Written]) -> dict[tuple[str, ...], list[Row]]:
    """What to set in the rows that stay, by the columns that change: masks that stay are not written again."""
    found: dict[tuple[str, ...], list[Row]] = {}
    for step in written:
        if step.before is not None and step.after is not None:
            before, after = step.before, step.after
            new = {column: value for column, value in after.items() if before[column] != value}
            row = {"key": step.change.id, **{f"new_{column}": value for column, value in new.items()}}
            found.setdefault((*new, "in_history"), []).append({**row, "new_in_history": True})
    return found


def _write_images(connection: Connection, changes: Sequence[RowChange]) -> list[Written]:
    stored = _stored(connection, images, [change.id for change in changes])
    written = [_checked(change, stored.get(change.id)) for change in changes]
    connection.execute(
        _UPDATE_IMAGE, [{"key": step.change.id, "new_review": step.after["review"]} for step in written if step.after]
    )
    return written


def _write_categories(
    connection: Connection, changes: Sequence[RowChange], removed_by_edit: Callable[[int], bool] | None
) -> list[Written]:
    stored = _stored(connection, categories, [change.id for change in changes])
    removed_before = {number: row.pop("removed") for number, row in stored.items()}
    written: list[Written] = []
    for change in changes:
        row = stored.get(change.id)
        was_removed = removed_before.get(change.id, False)
        # To an edit a removed row is none: the creation that is redone finds it, and brings it back.
        revived = change.before is None and was_removed
        taken_over = removed_by_edit is not None and was_removed and change.before is not None
        if taken_over and change.after is not None and removed_by_edit is not None and removed_by_edit(change.id):
            change = _with_removal(change)
        step = _checked(change, None if revived or row is None else {**row, "removed": was_removed})
        written.append(step)
        if step.after is None:
            connection.execute(_UPDATE_CATEGORY, _parameters([{**(row or {}), "removed": True}]))
        elif row is not None:
            still = was_removed and not revived and not taken_over
            removed = (step.change.after or {}).get("removed", still)
            connection.execute(_UPDATE_CATEGORY, _parameters([{**step.after, "removed": removed}]))
        else:
            connection.execute(_INSERT_CATEGORY, {**step.after, "removed": False})
    return written


def _with_removal(change: RowChange) -> RowChange:
    """A change of a category that an edit removed and proposals keep listed makes it the person's again; taking the
    change back removes it again, so the journal holds that, too."""
    before, after = {**(change.before or {}), "removed": True}, {**(change.after or {}), "removed": False}
    return replace(change, before=before, after=after)


def _stored(connection: Connection, table: Table, ids: Sequence[int]) -> dict[int, Row]:
    found: dict[int, Row] = {}
    for chunk in in_chunks(ids):
        result = connection.execute(_SELECT_ROWS[table], {"ids": chunk})
        columns = tuple(result.keys())
        rows = (dict(zip(columns, row, strict=True)) for row in result)
        found |= {row["id"]: row for row in rows}
    return found


def _checked(change: RowChange, row: Row | None) -> Written:
    if (change.before is None) != (row is None) or not _holds(row, change.before):
        raise EditConflict(
            "What this change starts from is not what the project holds any more.", remedy="Open the image again."
        )
    return Written(change, row, None if change.after is None else {**(row or {}), **change.after})


def _holds(row: Row | None, expected: Row | None) -> bool:
    return not row or not expected or row == expected or all(row[key] == value for key, value in expected.items())


def _row_change(change: Change) -> RowChange:
    match change:
        case InstanceChange(before, after):
            return _whole(Kind.INSTANCE, *_instance_rows(before, after))
        case CategoryChange(old, new):
            rows = [category_row(category) if category is not None else None for category in (old, new)]
            return _whole(Kind.CATEGORY, *rows)
        case ImageChange(image_id, review, decided):
            return RowChange(Kind.IMAGE, image_id, {"review": review.value}, {"review": decided.value})


def _instance_rows(before: Instance | None, after: Instance | None) -> tuple[Row | None, Row | None]:
    old = instance_row(before) if before is not None else None
    if after is None:
        return old, None
    same = old is not None and before is not None and before.mask is after.mask
    return old, instance_row(after, {column: old[column] for column in MASK_COLUMNS} if same and old else None)


def _whole(kind: Kind, before: Row | None, after: Row | None) -> RowChange:
    ids = {row["id"] for row in (before, after) if row is not None}
    if len(ids) != 1:
        raise ValueError("a change is about one record, which exists before or after")
    return RowChange(kind, ids.pop(), before, after)


def _record_change(step: Written, masks: Mapping[Place, Mask]) -> Change:
    before, after = step.before, step.after
    match step.change.kind:
        case Kind.INSTANCE:
            old, new = (instance_of(row, masks[place_of(row)]) if row else None for row in (before, after))
            return InstanceChange(old, new)
        case Kind.CATEGORY:
            return CategoryChange(category_of(before) if before else None, category_of(after) if after else None)
        case Kind.IMAGE:
            assert before is not None
            assert after is not None
            return ImageChange(step.change.id, Review(before["review"]), Review(after["review"]))


def _masks(rows: Iterable[Row]) -> dict[Place, Mask]:
    """The masks of rows by their encoding: one for all that are alike, as before and after are for the most part."""
    places = list(dict.fromkeys(map(place_of, rows)))
    return dict(zip(places, decode_crops(places), strict=True))


def _image_ids(step: Written) -> set[int]:
    if step.change.kind is Kind.IMAGE:
        return {step.change.id}
    if step.change.kind is Kind.INSTANCE:
        return {row["image_id"] for row in (step.before, step.after) if row}
    return set()
