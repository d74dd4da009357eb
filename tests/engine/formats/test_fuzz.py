"""A short run of the fuzzer, which ends with an error where a reader does anything but read or refuse."""

import subprocess
import sys
from pathlib import Path

import pytest

from engine.formats.registry import FORMATS

FUZZER = Path(__file__).parents[2] / "fuzz" / "readers.py"


@pytest.mark.parametrize("name", [*FORMATS, "results"])
def test_damaged_and_hostile_datasets_are_read_right_or_refused(name: str) -> None:
    finished = subprocess.run(
        [sys.executable, FUZZER, "--cases", "200", "--format", name], capture_output=True, text=True, check=False
    )
    assert finished.returncode == 0, finished.stderr
