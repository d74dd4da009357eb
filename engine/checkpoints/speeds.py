"""How long models take on this machine, measured once each and kept in the user's data folder. Knows no torch."""

from __future__ import annotations

import json
from pathlib import Path

from engine.files import atomic_write
from engine.user_folders import data_folder

Speeds = dict[str, float]
"""Seconds for one image, by the device's name."""


def speeds_of(checkpoint_id: str) -> Speeds:
    """What was measured of a checkpoint; empty before."""
    return _read().get(checkpoint_id, {})


def keep_speed(checkpoint_id: str, device: str, seconds: float) -> None:
    """Write down a measurement in place of an earlier one.

    Raises:
        MaskwrightError: the disk refuses.
    """
    known = _read()
    known.setdefault(checkpoint_id, {})[device] = round(seconds, 4)
    _file().parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(_file()) as temporary:
        temporary.write_text(json.dumps(known, indent=1), encoding="utf-8")


def _file() -> Path:
    return data_folder() / "speeds.json"


def _read() -> dict[str, Speeds]:
    try:
        stored = json.loads(_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):  # never measured, or damaged: it is measured again
        return {}
    return stored if isinstance(stored, dict) else {}
