"""Bringing the tables of an earlier version up to date.

Each step is plain SQL that never changes once it was released: later versions of `engine.project.schema` must not alter
what an old file goes through. A project of every earlier version is kept in the tests.
"""

import sqlite3

from engine.project.schema import SCHEMA_VERSION

# By the version that a step starts from. Version 2: pages and file facts of images, author and seconds of edits.
# Version 3: locked instances, also those that the journal holds as whole rows because an edit made or removed them.
# Version 4: what a model made of each image.
_STEPS = {
    1: (
        """CREATE TABLE images_2 (
            id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
            path TEXT NOT NULL,
            page INTEGER NOT NULL,
            width INTEGER NOT NULL,
            height INTEGER NOT NULL,
            content_hash TEXT NOT NULL,
            file_size INTEGER,
            modified_ns INTEGER,
            hold_out BOOLEAN NOT NULL,
            review TEXT NOT NULL,
            status TEXT NOT NULL,
            predicted_by TEXT,
            source TEXT,
            UNIQUE (path, page),
            CHECK (review IN ('open', 'accepted', 'verified-empty', 'skipped')),
            CHECK (status IN ('todo', 'predicted', 'edited', 'accepted', 'verified-empty', 'skipped')),
            UNIQUE (content_hash)
        )""",
        """INSERT INTO images_2
            (id, path, page, width, height, content_hash, hold_out, review, status, predicted_by, source)
            SELECT id, path, 0, width, height, content_hash, hold_out, review, status, predicted_by, source FROM images
            ORDER BY id""",
        "DROP TABLE images",
        "ALTER TABLE images_2 RENAME TO images",
        "ALTER TABLE journal ADD COLUMN author TEXT",
        "ALTER TABLE journal ADD COLUMN seconds FLOAT NOT NULL DEFAULT 0",
        "CREATE INDEX ix_journal_image_id ON journal (image_id)",
    ),
    2: (
        "ALTER TABLE instances ADD COLUMN locked BOOLEAN NOT NULL DEFAULT 0",
        """UPDATE journal SET payload = (
            SELECT json_group_array(json(CASE
                WHEN json_extract(value, '$[0]') = 'i' AND json_type(value, '$[2]') = 'null'
                    THEN json_set(value, '$[3].locked', json('false'))
                WHEN json_extract(value, '$[0]') = 'i' AND json_type(value, '$[3]') = 'null'
                    THEN json_set(value, '$[2].locked', json('false'))
                ELSE value END))
            FROM json_each(journal.payload))
            WHERE payload LIKE '%["i",%'""",
    ),
    3: (
        """CREATE TABLE image_scores (
            image_id INTEGER NOT NULL PRIMARY KEY REFERENCES images (id) ON DELETE CASCADE,
            checkpoint_id TEXT NOT NULL,
            outdated BOOLEAN NOT NULL,
            doubt FLOAT,
            doubt_places INTEGER,
            instability FLOAT,
            instability_places INTEGER,
            mirror FLOAT,
            mirror_places INTEGER,
            differences FLOAT,
            differences_places INTEGER,
            vector BLOB NOT NULL
        )""",
    ),
}


def version_of(connection: sqlite3.Connection) -> int:
    """The version of a project's tables, as the last committed transaction left them."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def migrate(connection: sqlite3.Connection) -> None:
    """Bring a project's tables to this version in one transaction. Raises sqlite3.Error; nothing has changed then.

    `connection` is in autocommit mode, and its file is a project of a known version.
    """
    # Dropping a table that others refer to would remove their rows' targets: the rows are back before the commit.
    connection.execute("PRAGMA foreign_keys=OFF")
    try:
        connection.execute("BEGIN IMMEDIATE")
        for version in range(version_of(connection), SCHEMA_VERSION):
            for statement in _STEPS[version]:
                connection.execute(statement)
        if connection.execute("PRAGMA foreign_key_check").fetchone() is not None:
            raise sqlite3.DatabaseError("rows refer to what is not there")
        connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    finally:
        connection.execute("PRAGMA foreign_keys=ON")
