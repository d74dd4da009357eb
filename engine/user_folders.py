"""Where the user's own files lie: settings, data such as downloaded models, logs. `MASKWRIGHT_HOME` moves them all."""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_config_path, user_data_path, user_log_path


def config_folder() -> Path:
    return _home("config") or user_config_path("maskwright", appauthor=False)


def data_folder() -> Path:
    return _home("data") or user_data_path("maskwright", appauthor=False)


def log_folder() -> Path:
    return _home("log") or user_log_path("maskwright", appauthor=False)


def _home(name: str) -> Path | None:
    home = os.environ.get("MASKWRIGHT_HOME")
    return Path(home) / name if home else None
