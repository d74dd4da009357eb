"""The connection to a project file: how it is opened, what makes a commit durable, and one transaction at a time."""

import contextlib
import json
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.pool import NullPool

from engine.errors import NotWritable, ProjectLocked
from engine.project import schema
from engine.project.failures import in_words
from engine.project.filesystem import network_kind
from engine.project.migrations import migrate, version_of

Facts = Mapping[str, str | None]

_LOCAL_JOURNAL = "WAL"
_NETWORK_JOURNAL = "TRUNCATE"
# Who reads first and writes then is refused where another connection of this process wrote in between, so who is going
# to write takes its turn at once.
_TO_READ, _TO_WRITE = "BEGIN", "BEGIN IMMEDIATE"


class Database:
    """One open connection, for one thread.

    Commits are durable when they return: write-ahead log with synchronous=FULL. The log is carried over into the file
    only by `checkpoint` and at `close`, so that no commit ever waits for that. On a network file system, where that log
    is not safe, a rollback journal takes its place: each commit then costs about three times as much.

    A file of an earlier version is brought up to date, a copy of it in the memory where it is only read.
    """

    def __init__(self, path: Path, *, read_only: bool) -> None:
        self.path = path
        self.read_only = read_only
        self.network = network_kind(path)
        journal_mode = _LOCAL_JOURNAL if self.network is None else _NETWORK_JOURNAL
        connect = partial(_connect_to_read, path) if read_only else partial(_connect_to_write, path, journal_mode)
        engine = create_engine("sqlite://", creator=connect, poolclass=NullPool)
        # sqlite3 would begin transactions on its own, and only before some statements; here SQLAlchemy says when.
        self._begin = _TO_READ
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(self._begin))
        with in_words(path):
            self._connection = engine.connect()

    @contextlib.contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that sees one consistent state, the last committed one; inside of another, that one's."""
        with in_words(self.path):
            if self._connection.in_transaction():
                yield self._connection
            else:
                with self._connection.begin():
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
        if self._connection.in_transaction():
            raise RuntimeError("a project is not written while it is being read")
        self._begin = _TO_WRITE
        try:
            with self.read() as connection:
                self._begin = _TO_READ
                yield connection
        finally:
            self._begin = _TO_READ

    def checkpoint(self) -> None:
        """Carry the log over into the file, as far as nobody else is reading; never waits for a reader."""
        if not self.read_only:
            with in_words(self.path):
                self._driver().execute("PRAGMA wal_checkpoint(PASSIVE)")

    def empty_log(self) -> None:
        """Carry the whole log over into the file. Raises ProjectLocked where a reader keeps it from that."""
        with in_words(self.path):
            busy = self._driver().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        if busy:
            raise ProjectLocked(f"Another window is reading {self.path.name}.", remedy="Close it, then try again.")

    def copy_to(self, target: Path, facts: Facts) -> None:
        """See `copy_project`."""
        with in_words(self.path):
            copy_project(self._driver(), target, facts)

    def close(self) -> None:
        """Close the connection; SQLite carries the log over if it is the last one."""
        self._connection.close()

    def _driver(self) -> sqlite3.Connection:
        driver = self._connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        return driver


def copy_project(source: sqlite3.Connection, target: Path, facts: Facts) -> None:
    """Write a consistent copy, a file of its own without a log, to a path where there is nothing yet.

    `facts` are put among the copy's single facts, or taken from them where they are None.
    """
    with contextlib.closing(sqlite3.connect(target)) as copy:
        source.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")
        copy.executemany("DELETE FROM meta WHERE key = ?", [(key,) for key in facts])
        rows = [(key, json.dumps(value)) for key, value in facts.items() if value is not None]
        copy.executemany("INSERT INTO meta (key, value) VALUES (?, ?)", rows)
        copy.commit()


def create_empty(path: Path) -> None:
    """Write the tables of a new project to a path where there is nothing yet."""
    engine = create_engine("sqlite://", creator=lambda: sqlite3.connect(path), poolclass=NullPool)
    with in_words(path), engine.begin() as connection:
        connection.exec_driver_sql(f"PRAGMA application_id={schema.APPLICATION_ID}")
        connection.exec_driver_sql(f"PRAGMA user_version={schema.SCHEMA_VERSION}")
        schema.metadata.create_all(connection)


def _connect_to_write(path: Path, journal_mode: str) -> sqlite3.Connection:
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None)
    try:
        for pragma in (f"journal_mode={journal_mode}", "synchronous=FULL", "wal_autocheckpoint=0", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")
        if _is_earlier(path, connection):
            migrate(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _connect_to_read(path: Path) -> sqlite3.Connection:
    connection = open_to_read(path)
    try:
        if not _is_earlier(path, connection):
            return connection
        with contextlib.closing(connection):
            copy = sqlite3.connect(":memory:", isolation_level=None)
            connection.backup(copy)
    except BaseException:
        connection.close()
        raise
    migrate(copy)
    return copy


def _is_earlier(path: Path, connection: sqlite3.Connection) -> bool:
    # The header that was checked before may be older than the log beside it.
    version = version_of(connection)
    schema.check_version(path, version)
    return version < schema.SCHEMA_VERSION


def open_to_read(path: Path) -> sqlite3.Connection:
    """A connection that only reads, to a project of any version. Raises sqlite3.Error."""
    location = path.absolute().as_uri()
    connection = sqlite3.connect(f"{location}?mode=ro", uri=True, isolation_level=None)
    try:
        connection.execute("SELECT 1 FROM meta").fetchone()
    except sqlite3.OperationalError as error:
        connection.close()
        # Reading beside a writer takes a shared file next to the project. In a folder that cannot be written, and
        # without that file, there is no writer either, and SQLite may read the file alone.
        written = path.with_name(f"{path.name}-shm").exists()
        if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY) or written:
            raise
        if path.with_name(f"{path.name}-wal").exists():
            return _with_its_log(path)
        connection = sqlite3.connect(f"{location}?mode=ro&immutable=1", uri=True, isolation_level=None)
    return connection


def _with_its_log(path: Path) -> sqlite3.Connection:
    """A copy in the memory of a project that nobody writes to, with the log that a cut off session left beside it."""
    memory = sqlite3.connect(":memory:", isolation_level=None)
    with tempfile.TemporaryDirectory(prefix="maskwright-") as folder:
        for suffix in ("", "-wal"):
            shutil.copyfile(f"{path}{suffix}", Path(folder, f"copy{suffix}"))
        with contextlib.closing(sqlite3.connect(Path(folder, "copy"))) as source:
            source.backup(memory)
    return memory
