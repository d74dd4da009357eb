"""Rounds: what each fine-tune started from, made, and was found to be worth."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, insert, select, update

from engine.project.paths import located, portable
from engine.project.schema import rounds


@dataclass(frozen=True, slots=True)
class Round:
    """One fine-tune. `id` is 0 until the project has registered it.

    `before` and `after` are evaluations on the hold-out as `evaluate --json` prints them, opaque to the project;
    `base_id` is the checkpoint that it started from; `verdict` is better, worse or cannot tell, None before evaluation.
    """

    folder: Path
    checkpoint: Path
    checkpoint_id: str
    base_id: str | None = None
    verdict: str | None = None
    promoted: bool = False
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None
    reason: str = ""
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    id: int = 0

    @property
    def before_id(self) -> str | None:
        """The checkpoint that it was compared with; the one it started from where an earlier version made the round."""
        known = (self.before or {}).get("checkpoint_id")
        return str(known) if known is not None else self.base_id


@dataclass(frozen=True, slots=True)
class CheckpointReference:
    """A checkpoint by its id, and where its file lies; None where that is not known to the project."""

    id: str
    path: Path | None


def save(connection: Connection, entry: Round, root: Path) -> int:
    """Write a round, new or registered before, and return its id."""
    row = {
        "created": entry.created.timestamp(),
        "folder": portable(entry.folder, root),
        "checkpoint": portable(entry.checkpoint, root),
        "checkpoint_id": entry.checkpoint_id,
        "base_id": entry.base_id,
        "verdict": entry.verdict,
        "promoted": entry.promoted,
        "before": _as_json(entry.before),
        "after": _as_json(entry.after),
        "reason": entry.reason,
    }
    if entry.id:
        connection.execute(update(rounds).where(rounds.c.id == entry.id).values(row))
        return entry.id
    added = connection.execute(insert(rounds).values(row)).inserted_primary_key
    assert added is not None
    return int(added[0])


def read_all(connection: Connection, root: Path) -> list[Round]:
    """Every round, oldest first."""
    return [
        Round(
            id=row.id,
            created=datetime.fromtimestamp(row.created, UTC),
            folder=located(row.folder, root),
            checkpoint=located(row.checkpoint, root),
            checkpoint_id=row.checkpoint_id,
            base_id=row.base_id,
            verdict=row.verdict,
            promoted=row.promoted,
            before=_of_json(row.before),
            after=_of_json(row.after),
            reason=row.reason,
        )
        for row in connection.execute(select(rounds).order_by(rounds.c.id))
    ]


def _as_json(figures: dict[str, Any] | None) -> str | None:
    return None if figures is None else json.dumps(figures)


def _of_json(text: str | None) -> dict[str, Any] | None:
    return None if text is None else json.loads(text)
