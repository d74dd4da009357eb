"""Copies are complete projects, thinned out with age, and one step leads back to each of them, and forward again."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine.errors import InvalidProject, ProjectLocked
from engine.geometry.mask import Mask
from engine.project import Project, backups, commands
from engine.project.backups import INTERVAL
from engine.records import Image

Disc = Callable[..., Mask]


def draw(project: Project, image: Image, mask: Mask) -> None:
    project.apply(commands.draw(project.new_instance_id(), image.id, 1, mask))


def test_a_copy_holds_what_was_committed_while_the_project_is_written_to(
    project: Project, image: Image, disc: Disc
) -> None:
    draw(project, image, disc(3, 3, hole=4))
    backup = backups.back_up(project.path)
    draw(project, image, disc(30, 3))
    with Project.open(backup.path, read_only=True) as copy:
        assert [one.mask for one in copy.instances(image.id)] == [disc(3, 3, hole=4)]
        assert copy.image_path(image).is_file()
        assert copy.history()[1:] == project.history()[2:]
    assert backups.listed(project.path) == [backup]


def test_going_back_and_forward_again_loses_nothing(project: Project, image: Image, disc: Disc) -> None:
    draw(project, image, disc(3, 3))
    early = backups.back_up(project.path)
    draw(project, image, disc(30, 3))
    project.close()
    backups.restore(project.path, early.path)
    with Project.open(project.path) as restored:
        assert len(restored.instances(image.id)) == 1
        assert restored.recovery is None
        assert restored.root == project.path.parent
        assert restored.undo() is not None
    newest = backups.listed(project.path)[0]
    backups.restore(project.path, newest.path)
    with Project.open(project.path) as again:
        assert len(again.instances(image.id)) == 2


def test_a_project_that_somebody_writes_to_is_not_replaced(project: Project, image: Image) -> None:
    backup = backups.back_up(project.path)
    with pytest.raises(ProjectLocked):
        backups.restore(project.path, backup.path)


def test_restoring_beside_a_reader_loses_nothing_that_is_only_in_the_log(
    project: Project, image: Image, disc: Disc
) -> None:
    draw(project, image, disc(3, 3))
    early = backups.back_up(project.path)
    draw(project, image, disc(30, 3))
    with Project.open(project.path, read_only=True) as reader:
        project.close()
        assert len(reader.instances(image.id)) == 2
        backups.restore(project.path, early.path)
    with Project.open(project.path) as restored:
        assert len(restored.instances(image.id)) == 1
    with Project.open(backups.listed(project.path)[0].path, read_only=True) as copy:
        assert len(copy.instances(image.id)) == 2


def test_what_a_killed_copy_left_goes_with_the_next_one(project: Project) -> None:
    backups.back_up(project.path)
    left = backups.folder_of(project.path) / ".2026-01-01T00-00-00-000000Z.maskwright.0123abcd.tmp"
    left.mkdir()
    (left / "half").write_bytes(b"half")
    backups.back_up(project.path)
    assert len(backups.listed(project.path)) == len(list(backups.folder_of(project.path).iterdir())) == 2


def test_a_damaged_copy_is_refused_and_the_project_stays(project: Project, image: Image, disc: Disc) -> None:
    for number in range(40):
        draw(project, image, disc(number, 3))
    backup = backups.back_up(project.path)
    project.close()
    content = bytearray(backup.path.read_bytes())
    content[5000:9000] = b"\xaa" * 4000
    backup.path.write_bytes(content)
    with pytest.raises(InvalidProject, match="damaged"):
        backups.restore(project.path, backup.path)
    with Project.open(project.path) as again:
        assert len(again.instances(image.id)) == 40


def test_copies_are_thinned_out_with_age(project: Project) -> None:
    """Six of the last hour, then one a day for two weeks."""
    folder = backups.folder_of(project.path)
    folder.mkdir()
    now = datetime.now(UTC)
    for hours in range(1, 24 * 40, 5):
        stamp = (now - timedelta(hours=hours)).strftime("%Y-%m-%dT%H-%M-%S-%fZ")
        (folder / f"{stamp}.maskwright").write_bytes(b"")
    (folder / "mine.maskwright").write_bytes(b"")
    newest = backups.back_up(project.path)
    kept = backups.listed(project.path)
    assert kept[0] == newest
    days = {backup.at.date() for backup in kept}
    assert len(days) == 14
    assert len(kept) <= 6 + 14
    assert (folder / "mine.maskwright").is_file()


def test_a_copy_is_due_after_ten_minutes(project: Project) -> None:
    now = datetime.now(UTC)
    assert backups.is_due(project.path, now)
    made = backups.back_up(project.path).at
    assert not backups.is_due(project.path, made + INTERVAL / 2)
    assert backups.is_due(project.path, made + INTERVAL)


def test_a_restore_that_was_cut_off_before_leaves_nothing_behind(project: Project, image: Image, disc: Disc) -> None:
    """A log that a killed process left is part of the project: it goes into the copy made before restoring."""
    draw(project, image, disc(3, 3))
    early = backups.back_up(project.path)
    draw(project, image, disc(30, 3))
    killed = project.path.with_name("killed.maskwright")
    for suffix in ("", "-wal"):
        Path(f"{killed}{suffix}").write_bytes(Path(f"{project.path}{suffix}").read_bytes())
    backups.restore(killed, early.path)
    with Project.open(killed) as restored:
        assert len(restored.instances(image.id)) == 1
    with Project.open(backups.listed(killed)[0].path, read_only=True) as copy:
        assert len(copy.instances(image.id)) == 2
