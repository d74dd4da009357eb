"""Fixtures for tests on every floor. What needs data, a display or a GPU skips with the reason; nothing else skips."""

from __future__ import annotations

import os
from pathlib import Path

# Before Qt and torch load: no display needed, and workers that sleep rather than spin while they wait.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# Whatever the system speaks: tests read what the window says.
os.environ["MASKWRIGHT_LANGUAGE"] = "en"

import pytest


@pytest.fixture(scope="session")
def data_root() -> Path:
    """The folder of real data sets named by MASKWRIGHT_DATA; tests that ask for it skip where it is unset."""
    named = os.environ.get("MASKWRIGHT_DATA")
    if not named:
        pytest.skip("MASKWRIGHT_DATA is unset: set it to the folder with the real data sets")
    root = Path(named).expanduser()
    if not root.is_dir():
        pytest.skip(f"MASKWRIGHT_DATA names {named}, which is not a folder")
    return root
