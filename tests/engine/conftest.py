"""Fixtures for the tests of the engine's upper floors."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.nn.spec import ModelSpec

CRASH = Path(__file__).parents[1] / "crash"
# In a name space of its own anybody may mount, where the system allows such; it is gone with the process.
MOUNT = 'mount -t tmpfs -o size=8m none "$1"'
SmallDisk = Callable[..., Any]


@pytest.fixture(scope="session")
def tiny_spec() -> ModelSpec:
    """A complete Mask R-CNN of two categories that runs in milliseconds."""
    return ModelSpec(
        name="tiny",
        categories=("disc", "bar"),
        trunk="resnet18",
        fpn_channels=16,
        anchor_sizes=(12.0, 24.0, 48.0, 96.0, 192.0),
        rpn_channels=16,
        box_hidden=32,
        mask_layers=(16, 16),
        roi_canonical_size=48.0,
        roi_canonical_level=3,
        input_min_side=64,
        input_max_side=128,
        rpn_pre_nms_train=200,
        rpn_post_nms_train=100,
        rpn_pre_nms_test=100,
        rpn_post_nms_test=50,
        roi_samples=64,
    )


@pytest.fixture
def on_a_small_disk(tmp_path: Path) -> SmallDisk:
    """on_a_small_disk(script, *arguments): what a script of `tests/crash` prints that is given a disk of 8 MB first."""
    if shutil.which("unshare") is None:
        pytest.skip("there is no unshare, so no disk can be mounted for a test")

    def run(command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        full = ["unshare", "-rm", "sh", "-c", command, "sh", str(tmp_path), *arguments]
        return subprocess.run(full, capture_output=True, text=True, timeout=300, check=False)

    tried = run(MOUNT)
    if tried.returncode:
        pytest.skip(f"no disk can be mounted for a test: {tried.stderr.strip()}")

    def work(script: str, *arguments: str) -> Any:
        start = f'{MOUNT} && folder="$1" python="$2" script="$3" && shift 3 && exec "$python" "$script" "$folder" "$@"'
        done = run(start, sys.executable, str(CRASH / script), *arguments)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return work
