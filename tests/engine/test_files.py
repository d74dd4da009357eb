"""A file is written whole or not at all."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from engine.errors import MaskwrightError, NotWritable, OutOfSpace
from engine.files import (
    atomic_write,
    check_output,
    check_output_folder,
    clear_leftovers,
    explain,
    is_in_use,
    new_folder,
    sha256_of,
    work_folder,
)


def test_the_new_content_replaces_the_old_and_nothing_is_left_beside(tmp_path: Path) -> None:
    target = tmp_path / "a.json"
    for content in ("old", "new"):
        with atomic_write(target) as temporary:
            temporary.write_text(content)
            assert temporary.stat().st_dev == tmp_path.stat().st_dev
    assert target.read_text() == "new"
    assert list(tmp_path.iterdir()) == [target]


def test_an_error_while_writing_leaves_the_old_content(tmp_path: Path) -> None:
    target = tmp_path / "a.json"
    target.write_text("old")

    def write_half() -> None:
        with atomic_write(target) as temporary:
            temporary.write_text("half")
            raise KeyError

    with pytest.raises(KeyError):
        write_half()
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_the_permissions_of_the_replaced_file_stay(tmp_path: Path) -> None:
    target = tmp_path / "a.json"
    target.write_text("old")
    target.chmod(0o640)
    with atomic_write(target) as temporary:
        temporary.write_text("new")
    assert target.stat().st_mode & 0o777 == 0o640


def test_a_link_is_followed(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("old")
    link.symlink_to(target)
    with atomic_write(link) as temporary:
        temporary.write_text("new")
    assert link.is_symlink()
    assert target.read_text() == "new"


def test_a_full_disk_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutOfSpace, match="no space left"), atomic_write(tmp_path / "a"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM, errno.EROFS])
def test_a_refusal_is_named(tmp_path: Path, number: int) -> None:
    words = explain(OSError(number, os.strerror(number)), tmp_path / "a.json")
    assert isinstance(words, NotWritable)
    assert "a.json" in words.message


def test_a_missing_folder_and_a_folder_in_the_way_are_named(tmp_path: Path) -> None:
    with pytest.raises(NotWritable, match="does not exist"), atomic_write(tmp_path / "none" / "a") as temporary:
        temporary.write_text("x")
    (tmp_path / "taken").mkdir()
    with pytest.raises(NotWritable, match="is a folder"), atomic_write(tmp_path / "taken") as temporary:
        temporary.write_text("x")


def test_other_errors_of_the_system_pass_unchanged(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="broken") as raised, atomic_write(tmp_path / "a"):
        raise OSError(errno.EIO, "broken")
    assert not isinstance(raised.value, MaskwrightError)


@pytest.mark.parametrize("name", ["n" * 250, "細" * 85, "🔬" * 63])
def test_a_very_long_name_is_written(tmp_path: Path, name: str) -> None:
    target = tmp_path / name
    with atomic_write(target) as temporary:
        temporary.write_text("x")
    assert target.read_text() == "x"


def test_sha256_is_that_of_the_content(tmp_path: Path) -> None:
    (tmp_path / "abc").write_bytes(b"abc")
    # The test vector of FIPS 180-2, appendix B.1.
    assert sha256_of(tmp_path / "abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_a_device_or_a_pipe_is_never_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(NotWritable, match="device or a pipe"), atomic_write(pipe) as temporary:
        temporary.write_text("new")
    assert list(tmp_path.iterdir()) == [pipe]
    assert pipe.is_fifo()


def test_an_output_is_refused_before_the_work(tmp_path: Path) -> None:
    existing, linked, other = tmp_path / "a.json", tmp_path / "hard", tmp_path / "b.json"
    existing.write_text("old")
    linked.hardlink_to(existing)
    check_output(existing, inputs=[other])
    check_output(other, inputs=[existing])
    for path, inputs, words in (
        (existing, [other, existing], "is not replaced"),
        (linked, [existing], "is not replaced"),
        (other, [other], "is not replaced"),
        (tmp_path, [], "is a folder"),
        (tmp_path / "none" / "a.json", [], "does not exist"),
        (existing / "a.json", [], "does not exist"),
    ):
        with pytest.raises(MaskwrightError, match=words):
            check_output(path, inputs=inputs)
    check_output_folder(tmp_path / "new" / "newer")
    with pytest.raises(NotWritable, match="is a file, not a folder"):
        check_output_folder(existing / "new")
    assert sorted(tmp_path.iterdir()) == [existing, linked]


def test_a_disk_that_fails_when_it_syncs_leaves_the_old_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some disks take what is written and say only then that there was no space for it."""
    target = tmp_path / "a.json"
    target.write_text("old")

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutOfSpace), atomic_write(target) as temporary:
        temporary.write_text("new")
    with pytest.raises(OutOfSpace), new_folder(tmp_path / "folder") as folder:
        (folder / "a").write_text("new")
    assert list(tmp_path.iterdir()) == [target]
    assert target.read_text() == "old"


def test_nothing_written_is_no_file(tmp_path: Path) -> None:
    target = tmp_path / "a.json"
    target.write_text("old")
    with pytest.raises(FileNotFoundError), atomic_write(target):
        pass
    assert target.read_text() == "old"


KILLED = """
import os, signal, sys
from pathlib import Path
from engine.files import atomic_write, new_folder

with new_folder(sys.argv[1]) as folder, atomic_write(folder / "a") as inner, atomic_write(sys.argv[2]) as temporary:
    inner.write_text("half")
    temporary.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def killed(tmp_path: Path) -> Path:
    """A folder where a process was killed while it wrote the folder `new` and the file `a.json`, which was there."""
    (tmp_path / "a.json").write_text("old")
    command = [sys.executable, "-c", KILLED, str(tmp_path / "new"), str(tmp_path / "a.json")]
    assert subprocess.run(command, cwd=Path(__file__).parents[2], check=False).returncode == -signal.SIGKILL
    assert len(list(tmp_path.glob(".*.tmp"))) == 2
    assert not (tmp_path / "new").exists()
    assert (tmp_path / "a.json").read_text() == "old"
    return tmp_path


def test_what_a_killed_writer_left_goes_with_the_next_write_of_that_name(killed: Path) -> None:
    with atomic_write(killed / "b.json") as temporary:
        temporary.write_text("other")
    assert len(list(killed.glob(".*.tmp"))) == 2
    with atomic_write(killed / "a.json") as temporary:
        temporary.write_text("new")
    assert len(list(killed.glob(".*.tmp"))) == 1
    with new_folder(killed / "new") as folder:
        (folder / "a").write_text("new")
    assert sorted(path.name for path in killed.iterdir()) == ["a.json", "b.json", "new"]
    assert [path.name for path in (killed / "new").iterdir()] == ["a"]


def test_leftovers_of_any_name_are_cleared_and_nothing_else(killed: Path) -> None:
    (killed / ".mine.tmp").write_text("mine")
    (killed / ".mine.0123456789.tmp").mkdir()
    clear_leftovers(killed)
    assert sorted(path.name for path in killed.iterdir()) == [".mine.0123456789.tmp", ".mine.tmp", "a.json"]


def test_a_writer_at_work_is_let_be(tmp_path: Path) -> None:
    target = tmp_path / "a"
    with atomic_write(target) as first:
        first.write_text("first")
        clear_leftovers(tmp_path)
        with atomic_write(target) as second:
            second.write_text("second")
        assert target.read_text() == "second"
    assert target.read_text() == "first"
    assert list(tmp_path.iterdir()) == [target]


def test_a_work_folder_outlives_a_kill_and_nothing_else(tmp_path: Path) -> None:
    place = tmp_path / "rounds" / "work"
    code = f"from engine.files import work_folder\nwith work_folder({str(place)!r}) as work:\n"
    killed = code + "    (work.path / 'state').write_text('half')\n    import os, signal\n    os.kill(os.getpid(), 9)\n"
    subprocess.run([sys.executable, "-c", killed], check=False)
    assert (place / "state").read_text() == "half"
    with work_folder(place) as work:
        assert (work.path / "state").read_text() == "half"
        work.keep = True
    assert place.is_dir()
    with pytest.raises(ZeroDivisionError), work_folder(place):
        1 / 0  # noqa: B018
    assert not place.exists()


def test_a_work_folder_leaves_no_folder_above_it(tmp_path: Path) -> None:
    with work_folder(tmp_path / "rounds" / "work"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_in_use_while_somebody_works_in_it(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    assert not is_in_use(folder)
    with work_folder(folder) as work:
        assert is_in_use(folder)
        work.keep = True
    assert not is_in_use(folder)


def test_two_processes_do_not_work_in_one_folder(tmp_path: Path) -> None:
    with (
        work_folder(tmp_path / "work"),
        pytest.raises(NotWritable, match="Another process"),
        work_folder(tmp_path / "work"),
    ):
        pass
