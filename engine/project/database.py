"""The connection to a project file: how it is opened, what makes a commit durable, and one transaction at a time."""

import contextlib
import json
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.pool import NullPool

from engine.errors import NotWritable
from engine.project import schema
from engine.project.failures import in_words


class Database:
    """One open connection, for one thread.

    Commits are durable when they return: write-ahead log with synchronous=FULL. The log is carried over into the file
    only by `checkpoint` and at `close`, so that no commit ever waits for that.
    """

    def __init__(self, path: Path, *, read_only: bool) -> None:
        self.path = path
        self.read_only = read_only
        engine = create_engine("sqlite://", creator=lambda: _connect(path, read_only), poolclass=NullPool)
        # sqlite3 would begin transactions on its own, and only before some statements; here SQLAlchemy says when.
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
        with in_words(path):
            self._connection = engine.connect()

    @contextlib.contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that sees one consistent state, the last committed one."""
        with in_words(self.path), self._connection.begin():
            yield self._connection

    @contextlib.contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that is committed durably at the end, or leaves everything as it was.

        Raises MaskwrightError: NotWritable where the project is open for reading only, OutOfSpace and so on.
        """
        if self.read_only:
            raise NotWritable(
                f"{self.path.name} is open for reading only.",
                remedy="Close the window that edits it, or make the file writable, then open it again.",
            )
        with self.read() as connection:
            yield connection

    def checkpoint(self) -> None:
        """Carry the log over into the file, as far as nobody else is reading; never waits for a reader."""
        if not self.read_only:
            with in_words(self.path):
                self._driver().execute("PRAGMA wal_checkpoint(PASSIVE)")

    def copy_to(self, target: Path, facts: Mapping[str, str]) -> None:
        """Write a consistent copy, a file of its own without a log, to a path where there is nothing yet.

        `facts` are put among the copy's single facts.
        """
        with in_words(self.path), contextlib.closing(sqlite3.connect(target)) as copy:
            self._driver().backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")
            rows = [(key, json.dumps(value)) for key, value in facts.items()]
            copy.executemany("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", rows)
            copy.commit()

    def close(self) -> None:
        """Close the connection; SQLite carries the log over if it is the last one."""
        self._connection.close()

    def _driver(self) -> sqlite3.Connection:
        driver = self._connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        return driver


def create_empty(path: Path) -> None:
    """Write the tables of a new project to a path where there is nothing yet."""
    engine = create_engine("sqlite://", creator=lambda: sqlite3.connect(path), poolclass=NullPool)
    with in_words(path), engine.begin() as connection:
        connection.exec_driver_sql(f"PRAGMA application_id={schema.APPLICATION_ID}")
        connection.exec_driver_sql(f"PRAGMA user_version={schema.SCHEMA_VERSION}")
        schema.metadata.create_all(connection)


def _connect(path: Path, read_only: bool) -> sqlite3.Connection:
    location = path.absolute().as_uri()
    if not read_only:
        connection = sqlite3.connect(f"{location}?mode=rw", uri=True, isolation_level=None)
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "wal_autocheckpoint=0", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")
        return connection
    connection = sqlite3.connect(f"{location}?mode=ro", uri=True, isolation_level=None)
    try:
        connection.execute("SELECT 1 FROM meta").fetchone()
    except sqlite3.OperationalError as error:
        connection.close()
        # Reading beside a writer takes a shared file next to the project. In a folder that cannot be written, and
        # without a log, there is no writer either, and SQLite may read the file alone.
        alone = not path.with_name(f"{path.name}-wal").exists()
        if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY) or not alone:
            raise
        connection = sqlite3.connect(f"{location}?mode=ro&immutable=1", uri=True, isolation_level=None)
    return connection
