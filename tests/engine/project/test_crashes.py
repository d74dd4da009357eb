"""A few of the kills that `tests/crash/kills.py` and `trainer_kills.py` deal out by the hundred."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "crash" / "kills.py"


def test_nothing_acknowledged_is_lost_and_nothing_is_half_written() -> None:
    command = [sys.executable, str(SCRIPT), "--kills", "20", "--json"]
    finished = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    report = json.loads(finished.stdout)
    assert (report["killed"], report["lost"], report["damaged"], report["faults"]) == (20, 0, 0, [])
    assert finished.returncode == 0


@pytest.mark.slow
def test_a_killed_fine_tune_damages_no_checkpoint_and_no_project() -> None:
    command = [sys.executable, str(SCRIPT.with_name("trainer_kills.py")), "--kills", "2", "--json"]
    finished = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    report = json.loads(finished.stdout)
    assert (report["killed"], report["faults"]) == (2, [])
    assert finished.returncode == 0
