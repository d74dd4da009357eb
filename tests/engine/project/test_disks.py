"""On a full disk and on one that can only be read, work is refused in words, and nothing is lost or half written."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

CRASH = Path(__file__).parents[2] / "crash"
# In a name space of its own anybody may mount, where the system allows such; it is gone with the process.
MOUNT = 'mount -t tmpfs -o size=8m none "$1"'
SmallDisk = Callable[[str], Any]


@pytest.fixture
def on_a_small_disk(tmp_path: Path) -> SmallDisk:
    """on_a_small_disk(script): what a script of `tests/crash` prints that is given a disk of eight megabytes."""
    if shutil.which("unshare") is None:
        pytest.skip("there is no unshare, so no disk can be mounted for a test")

    def run(command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        full = ["unshare", "-rm", "sh", "-c", command, "sh", str(tmp_path), *arguments]
        return subprocess.run(full, capture_output=True, text=True, timeout=300, check=False)

    tried = run(MOUNT)
    if tried.returncode:
        pytest.skip(f"no disk can be mounted for a test: {tried.stderr.strip()}")

    def work(script: str) -> Any:
        done = run(f'{MOUNT} && exec "$2" "$3" "$1"', sys.executable, str(CRASH / script))
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return work


def test_on_a_full_disk_everything_succeeds_or_is_refused_in_words_and_changes_nothing(
    on_a_small_disk: SmallDisk,
) -> None:
    report = on_a_small_disk("full_disk.py")
    assert report["faults"] == []
    for name, (succeeded, refused) in report["works"].items():
        assert succeeded and refused, name


def test_on_a_disk_that_can_only_be_read_projects_show_everything_and_stay_as_they_are(
    on_a_small_disk: SmallDisk,
) -> None:
    expected, found, refusals, unchanged = on_a_small_disk("read_only.py")
    assert found == expected
    assert unchanged
    for name, words in refusals.items():
        assert all("can only be read" in refusal for refusal in words), (name, words)
