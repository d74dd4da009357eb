"""What the model proposed before a person changed it, read back from the journal."""

from sqlalchemy import Connection, func, or_, select

from engine.project import changes, settings
from engine.project.changes import Kind
from engine.project.history import CURSOR
from engine.project.rows import MASK_COLUMNS, Row, instance_of
from engine.project.schema import instances, journal
from engine.records import Instance, InstanceState, Origin

# What a model says of an object. Everything else about an instance is a person's, or the same from the beginning.
_PROPOSED = (*MASK_COLUMNS, "category_id")


def original(connection: Connection, instance_id: int) -> Instance | None:
    """An instance as the model proposed it; None where no model did. Raises KeyError where there is none of that id."""
    row = connection.execute(select(instances).where(instances.c.id == instance_id)).mappings().first()
    if row is None:
        raise KeyError(instance_id)
    if row["origin"] != Origin.PREDICTED:
        return None
    proposed = {**row, "state": InstanceState.PROPOSAL, "edited": False, "hidden": False}
    return instance_of(
        {**proposed, **(_first_values(connection, row["image_id"], instance_id) if row["edited"] else {})}
    )


def _first_values(connection: Connection, image_id: int, instance_id: int) -> Row:
    """What the first edits that changed the mask and the category found there.

    Only rows of the instance's image are read, which an index finds, and those of no image, such as an edit of several.
    """
    start = changes.encoded_start(Kind.INSTANCE, instance_id)
    touching = select(journal.c.payload).where(
        or_(journal.c.image_id == image_id, journal.c.image_id.is_(None)),
        journal.c.id <= (settings.get(connection, CURSOR) or 0),
        func.instr(journal.c.payload, start) > 0,
    )
    found: Row = {}
    for payload in connection.execute(touching.order_by(journal.c.id)).scalars():
        for change in changes.decode(payload):
            if change.kind is Kind.INSTANCE and change.id == instance_id and change.before is not None:
                found = {**{key: value for key, value in change.before.items() if key in _PROPOSED}, **found}
        if len(found) == len(_PROPOSED):
            break
    return found
