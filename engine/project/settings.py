"""Single facts about a project, kept as JSON text under a key each."""

import json
from typing import Any, Generic, Protocol, Self, TypeVar, overload

from sqlalchemy import Connection, bindparam, select
from sqlalchemy.dialects.sqlite import insert

from engine.project.schema import meta

# The folder that relative paths start from, in a copy that lies elsewhere; else it is the project file's own.
ROOT = "root"
# The session that is writing: when it began, and the last journal row that it found. None once it was closed.
SESSION = "session"

# The checkpoint that predicts, and the one that rounds train from: id and portable path.
CURRENT_CHECKPOINT = "current_checkpoint"
BASE_CHECKPOINT = "base_checkpoint"
# By checkpoint id: what the model's categories are called in the project.
CATEGORY_MAPS = "category_maps"
# What categories are called now, by names that they had before.
RENAMED = "renamed_categories"

Value = TypeVar("Value")

_GET = select(meta.c.value).where(meta.c.key == bindparam("name"))
_INSERT = insert(meta)
_PUT = _INSERT.on_conflict_do_update(index_elements=[meta.c.key], set_={"value": _INSERT.excluded.value})


def get(connection: Connection, key: str) -> Any:
    """The value under a key, None where there is none."""
    text = connection.execute(_GET, {"name": key}).scalar()
    return None if text is None else json.loads(text)


def put(connection: Connection, key: str, value: Any) -> None:
    """Keep a value that JSON can hold under a key."""
    connection.execute(_PUT, {"key": key, "value": json.dumps(value, ensure_ascii=False)})


class _Facts(Protocol):
    def fact(self, key: str) -> Any: ...

    def set_fact(self, key: str, value: Any) -> None: ...


class Fact(Generic[Value]):
    """A single fact as an attribute of the project: read from the file, on disk when assigned, None by default."""

    def __init__(self, key: str) -> None:
        self._key = key

    @overload
    def __get__(self, project: None, owner: type[_Facts]) -> Self: ...

    @overload
    def __get__(self, project: _Facts, owner: type[_Facts]) -> Value | None: ...

    def __get__(self, project: _Facts | None, owner: type[_Facts]) -> Self | Value | None:
        if project is None:
            return self
        stored: Value | None = project.fact(self._key)
        return stored

    def __set__(self, project: _Facts, value: Value | None) -> None:
        project.set_fact(self._key, value)
