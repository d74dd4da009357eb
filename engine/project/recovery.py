"""What the last session left behind when it did not end by closing: told at the next start, because nothing is lost."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, delete, func, select

from engine.project import settings
from engine.project.schema import journal, meta


@dataclass(frozen=True, slots=True)
class Recovery:
    """A session that was cut off. Its `edits` are all there; the `last` was made at that time, None without any."""

    began: datetime
    edits: int
    last: datetime | None


def begin(connection: Connection) -> Recovery | None:
    """Note that a session begins to write. Returns what the one before left behind, None where it was closed."""
    before = settings.get(connection, settings.SESSION)
    newest = connection.execute(select(func.max(journal.c.id))).scalar() or 0
    settings.put(connection, settings.SESSION, {"began": time.time(), "journal": newest})
    if before is None:
        return None
    own = select(func.count(), func.max(journal.c.at)).where(journal.c.id > before["journal"])
    edits, last = connection.execute(own).one()
    return Recovery(_moment(before["began"]), edits, None if last is None else _moment(last))


def end(connection: Connection) -> None:
    """Note that the session was closed."""
    connection.execute(delete(meta).where(meta.c.key == settings.SESSION))


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
