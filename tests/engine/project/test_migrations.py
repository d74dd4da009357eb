"""A project of every earlier version opens, with everything in it, and its old file is kept."""

import shutil
import sqlite3
from pathlib import Path

import numpy as np
import pytest

from engine.errors import InvalidProject
from engine.geometry.mask import Mask
from engine.project import Action, Project, backups, commands
from engine.project.schema import SCHEMA_VERSION, metadata
from engine.records import ImageStatus, InstanceState

EARLIER = Path(__file__).parent / "earlier"


@pytest.fixture(params=range(1, SCHEMA_VERSION))
def earlier(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A project of an earlier version in a folder with its images."""
    for path in [EARLIER / f"schema-{request.param}.maskwright", *EARLIER.glob("*.png")]:
        shutil.copy(path, tmp_path)
    return tmp_path / f"schema-{request.param}.maskwright"


def check(project: Project) -> None:
    """What the fixture was made with: three images, a ring, an edited proposal, a ghost and an undone rejection."""
    assert project.name == "An earlier project"
    first, second, third = project.images()
    assert [image.status for image in (first, second, third)] == [
        ImageStatus.ACCEPTED,
        ImageStatus.PREDICTED,
        ImageStatus.VERIFIED_EMPTY,
    ]
    assert all(project.image_path(image).is_file() for image in (first, second, third))
    ring, painted, ghost = project.instances(first.id)
    expected = np.ones((9, 9), dtype=bool)
    expected[3:6, 3:6] = False
    assert ring.mask == Mask.from_crop(expected, 4, 5)
    assert (painted.edited, painted.score, ghost.state) == (True, 0.9, InstanceState.GHOST)
    assert [category.name for category in project.categories()] == ["cell", "debris"]
    assert '"supercategory": "x"' in (project.categories()[0].source or "")
    newest = project.history()[0]
    assert (newest.action, newest.undone) == (Action.REJECT, True)
    # The first version knew neither who made an edit nor how long it took.
    assert (newest.author, newest.seconds) in ((None, 0), ("Ada", 2.5))
    assert not any(each.locked for image in (first, second) for each in project.instances(image.id))
    (entry,) = project.rounds()
    assert (entry.verdict, entry.reason) == ("better", "Because.")


def test_it_opens_with_everything_in_it(earlier: Path) -> None:
    with Project.open(earlier) as project:
        check(project)
        assert project.redo() is not None
        assert [one.state for one in project.instances(2)] == [InstanceState.REJECTED]
        while project.undo() is not None:
            pass
        assert {one.state for image in (1, 2) for one in project.instances(image)} == {InstanceState.PROPOSAL}
        project.travel(project.history()[1].id)
        check(project)
    with Project.open(earlier) as again:
        check(again)


def test_what_its_edits_made_and_removed_comes_back_as_it_was(earlier: Path) -> None:
    with Project.open(earlier) as project:
        states = []
        while project.undo() is not None:
            states.append([project.instances(image.id) for image in project.images()])
        for state in [*reversed(states[:-1])]:
            project.redo()
            assert [project.instances(image.id) for image in project.images()] == state


def test_it_is_read_without_being_changed(earlier: Path) -> None:
    before = earlier.read_bytes()
    with Project.open(earlier, read_only=True) as project:
        check(project)
    assert earlier.read_bytes() == before


def test_the_file_as_it_was_is_kept(earlier: Path) -> None:
    version = sqlite3.connect(earlier).execute("PRAGMA user_version").fetchone()
    with Project.open(earlier):
        (backup,) = backups.listed(earlier)
    assert sqlite3.connect(backup.path).execute("PRAGMA user_version").fetchone() == version


def test_its_tables_become_those_of_a_new_project(earlier: Path, tmp_path: Path) -> None:
    Project.open(earlier).close()
    Project.create(tmp_path / "new.maskwright").close()

    def columns(path: Path) -> dict[str, list[tuple[object, ...]]]:
        connection = sqlite3.connect(path)
        return {
            name: [row[1:4] + row[5:] for row in connection.execute(f"PRAGMA table_info({name})")]
            for name in metadata.tables
        }

    old, new = columns(earlier), columns(tmp_path / "new.maskwright")
    assert {name: sorted(rows) for name, rows in old.items()} == {name: sorted(rows) for name, rows in new.items()}


def test_new_ids_go_on_after_the_old_ones(earlier: Path) -> None:
    with Project.open(earlier) as project:
        known = {instance.id for image in project.images() for instance in project.instances(image.id)}
        number = project.new_instance_id()
        assert number > max(known)
        project.apply(commands.draw(number, 2, 1, Mask.from_crop(np.ones((2, 2)), 0, 0)))


def test_an_update_that_fails_leaves_the_file_and_says_so(earlier: Path) -> None:
    connection = sqlite3.connect(earlier)
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    connection.execute("CREATE TABLE image_scores (image_id INTEGER)")  # in the way of the last step
    connection.commit()
    connection.close()
    with pytest.raises(Exception, match="could not be read or written"):
        Project.open(earlier)
    connection = sqlite3.connect(earlier)
    assert connection.execute("PRAGMA user_version").fetchone() == (version,)
    assert connection.execute("SELECT count(*) FROM images").fetchone() == (3,)


def test_a_newer_version_in_the_log_is_refused(tmp_path: Path) -> None:
    """The header of the file itself may be older than what a cut off session left in the log."""
    path = tmp_path / "p.maskwright"
    Project.create(path).close()
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("PRAGMA journal_mode=WAL")
    writer.execute("PRAGMA wal_autocheckpoint=0")
    writer.execute(f"PRAGMA user_version={SCHEMA_VERSION + 1}")
    for read_only in (True, False):
        with pytest.raises(InvalidProject, match="newer"):
            Project.open(path, read_only=read_only)
    writer.close()
