"""A project on a network file system is written with a rollback journal, and says so."""

from collections.abc import Callable
from pathlib import Path

import pytest

from engine.geometry.mask import Mask
from engine.project import Project, commands
from engine.project.filesystem import network_kind

# As in /proc/self/mountinfo (proc(5)).
MOUNTS = """\
22 1 8:1 / / rw,relatime - ext4 /dev/root rw
30 22 0:26 / /mnt/lab rw,relatime shared:1 - nfs4 server:/lab rw,vers=4.2
31 22 0:27 / /mnt/with\\040space rw - cifs //server/share rw
32 30 0:28 / /mnt/lab/local rw - tmpfs tmpfs rw
33 22 0:29 / /media rw - fuse.sshfs me@there:/ rw
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/home/me/p.maskwright", None),
        ("/mnt/lab/deep/p.maskwright", "nfs4"),
        ("/mnt/lab", "nfs4"),
        ("/mnt/laboratory/p.maskwright", None),
        ("/mnt/lab/local/p.maskwright", None),
        ("/mnt/with space/p.maskwright", "cifs"),
        ("/media/p.maskwright", "fuse.sshfs"),
    ],
)
def test_the_innermost_mount_decides(tmp_path: Path, path: str, kind: str | None) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(MOUNTS + "garbage\n")
    assert network_kind(Path(path), mounts) == kind


def test_a_system_without_such_a_table_counts_as_local(tmp_path: Path) -> None:
    assert network_kind(tmp_path, tmp_path / "nothing") is None


def test_a_project_there_is_written_without_a_shared_log_and_read_by_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, disc: Callable[..., Mask], write_image: Callable[..., Path]
) -> None:
    path = tmp_path / "p.maskwright"
    with Project.create(path) as local:
        (image,) = local.add_images([write_image(tmp_path / "a.png")]).added
        local.apply(commands.add_category(local.new_category_id(), "cell", "#ff0000"))
    assert local.network is None
    monkeypatch.setattr("engine.project.database.network_kind", lambda path: "nfs4")
    with Project.open(path) as project, Project.open(path, read_only=True) as reader:
        assert project.network == "nfs4"
        project.apply(commands.draw(project.new_instance_id(), image.id, 1, disc(3, 3)))
        assert not Path(f"{path}-wal").exists()
        assert len(reader.instances(image.id)) == 1
    monkeypatch.undo()
    with Project.open(path) as back:
        assert back.network is None
        assert len(back.instances(image.id)) == 1
