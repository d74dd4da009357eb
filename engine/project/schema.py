"""The tables of a project file, and the two numbers in its header that tell it from any other SQLite file."""

from pathlib import Path

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from engine.errors import InvalidProject, MaskwrightError
from engine.files import explain
from engine.records import ImageStatus, InstanceState, Origin, Review

# "MSKW" in ASCII; SQLite keeps it in the header for exactly this purpose, and `file` shows it.
APPLICATION_ID = 0x4D534B57
# Raised by one with every change of the tables, together with a step in `engine.project.migrations`; a file of a higher
# version is refused.
SCHEMA_VERSION = 4

# Where SQLite's header keeps them (https://www.sqlite.org/fileformat2.html, section 1.3).
_MAGIC = b"SQLite format 3\0"
_VERSION_OFFSET = 60
_APPLICATION_OFFSET = 68
_HEADER_BYTES = 100

metadata = MetaData()


def _one_of(
    column: str, values: type[InstanceState] | type[Origin] | type[Review] | type[ImageStatus]
) -> CheckConstraint:
    return CheckConstraint(f"{column} IN ({', '.join(repr(value.value) for value in values)})")


# Single facts about the project, each as JSON text.
meta = Table("meta", metadata, Column("key", Text, primary_key=True), Column("value", Text, nullable=False))

# A category whose creation was undone stays as a removed row: proposals that came in between may be of it, and redo
# must find the same id. It is listed for as long as an instance is of it (`engine.project.categories`).
categories = Table(
    "categories",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("color", Text, nullable=False),
    Column("source", Text),
    Column("removed", Boolean, nullable=False),
    Index("categories_by_name", "name", unique=True, sqlite_where=text("NOT removed")),
    sqlite_autoincrement=True,
)

images = Table(
    "images",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("path", Text, nullable=False),
    # Of a file with several pages each page is an image of its own; its content hash is of file and page.
    Column("page", Integer, nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("content_hash", Text, nullable=False, unique=True),
    # What the file was like when it was hashed; None where it was never looked at since an older version added it.
    Column("file_size", Integer),
    Column("modified_ns", Integer),
    Column("hold_out", Boolean, nullable=False),
    Column("review", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("predicted_by", Text),
    Column("source", Text),
    UniqueConstraint("path", "page"),
    _one_of("review", Review),
    _one_of("status", ImageStatus),
    sqlite_autoincrement=True,
)

# `in_history` says that an edit touched the row once; nothing but an edit may remove or change it from then on, so that
# undo and redo always find it. The masks come last: rows are read without them up to there.
instances = Table(
    "instances",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("image_id", Integer, ForeignKey("images.id"), nullable=False, index=True),
    Column("category_id", Integer, ForeignKey("categories.id"), nullable=False),
    Column("state", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("score", Float),
    Column("edited", Boolean, nullable=False),
    Column("crowd", Boolean, nullable=False),
    Column("hidden", Boolean, nullable=False),
    Column("locked", Boolean, nullable=False),
    Column("predicted_by", Text),
    Column("in_history", Boolean, nullable=False),
    Column("mask_x", Integer, nullable=False),
    Column("mask_y", Integer, nullable=False),
    Column("mask_w", Integer, nullable=False),
    Column("mask_h", Integer, nullable=False),
    Column("mask_counts", Text, nullable=False),
    Column("source", Text),
    _one_of("state", InstanceState),
    _one_of("origin", Origin),
    sqlite_autoincrement=True,
)

# `at` is in seconds since 1970 UTC, `seconds` is how long the person worked on it. Rows up to the cursor (in meta) are
# done, rows after it are undone.
journal = Table(
    "journal",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Float, nullable=False),
    Column("action", Text, nullable=False),
    Column("image_id", Integer, index=True),
    Column("author", Text),
    Column("seconds", Float, nullable=False),
    Column("payload", Text, nullable=False),
    sqlite_autoincrement=True,
)

rounds = Table(
    "rounds",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("created", Float, nullable=False),
    Column("folder", Text, nullable=False),
    Column("checkpoint", Text, nullable=False),
    Column("checkpoint_id", Text, nullable=False),
    Column("base_id", Text),
    Column("verdict", Text),
    Column("promoted", Boolean, nullable=False),
    Column("before", Text),
    Column("after", Text),
    Column("reason", Text, nullable=False),
    sqlite_autoincrement=True,
)


# What a model made of each image, for the queue: no edit, and not in the history. One row an image, of the checkpoint
# that looked at it last. The parts are NULL where only the vector is known; `outdated` says that they were not, or that
# an edit touched the image since. The vector comes last: it is half of the row, little-endian float16.
image_scores = Table(
    "image_scores",
    metadata,
    Column("image_id", Integer, ForeignKey("images.id", ondelete="CASCADE"), primary_key=True),
    Column("checkpoint_id", Text, nullable=False),
    Column("outdated", Boolean, nullable=False),
    Column("doubt", Float),
    Column("doubt_places", Integer),
    Column("instability", Float),
    Column("instability_places", Integer),
    Column("mirror", Float),
    Column("mirror_places", Integer),
    Column("differences", Float),
    Column("differences_places", Integer),
    Column("vector", LargeBinary, nullable=False),
)


def check_header(path: Path) -> int:
    """Make sure that a file is a project of this version or an earlier one, by its first 100 bytes and without letting
    SQLite touch it. Returns the version.

    Raises InvalidProject for anything else, and MaskwrightError where the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            header = file.read(_HEADER_BYTES)
    except FileNotFoundError as error:
        raise InvalidProject(f"There is no project at {path}.", remedy="Choose a .maskwright file.") from error
    except OSError as error:
        raise explain(error, path) or MaskwrightError(f"{path} cannot be read: {error.strerror}.") from error
    if not header.startswith(_MAGIC) or len(header) < _HEADER_BYTES:
        raise InvalidProject(f"{path.name} is not a Maskwright project.", remedy="Choose a .maskwright file.")
    if int.from_bytes(header[_APPLICATION_OFFSET : _APPLICATION_OFFSET + 4], "big") != APPLICATION_ID:
        raise InvalidProject(f"{path.name} belongs to another program.", remedy="Choose a .maskwright file.")
    version = int.from_bytes(header[_VERSION_OFFSET : _VERSION_OFFSET + 4], "big")
    check_version(path, version)
    return version


def check_version(path: Path, version: int) -> None:
    """Raises InvalidProject where no code here knows the tables of a project of that version."""
    if version > SCHEMA_VERSION:
        raise InvalidProject(f"{path.name} was made by a newer Maskwright.", remedy="Update Maskwright to open it.")
    if version < 1:
        raise InvalidProject(f"{path.name} is damaged: its header names no known version.")
