"""What the window remembers between starts: recent projects, its geometry, the theme, the threshold, the display.

Kept as an ini file in the user's configuration folder.
"""

import math
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

from PySide6.QtCore import QByteArray, QSettings

from app.canvas.display import DisplaySettings
from app.theme import Mode
from app.translation import tr
from engine.project.orders import Order
from engine.records import DEFAULT_THRESHOLD
from engine.user_folders import config_folder

RECENT_LIMIT = 8  # as many as fit on the welcome page without scrolling


class Preferences:
    """Typed access to the settings file; a value that cannot be read counts as never set."""

    def __init__(self) -> None:
        folder = config_folder()
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            print(tr("Settings are not kept: {error}", error=error), file=sys.stderr)
        self._settings = QSettings(str(folder / "window.ini"), QSettings.Format.IniFormat)

    @property
    def first_start(self) -> bool:
        return not self._settings.contains("started")

    def remember_start(self) -> None:
        self._settings.setValue("started", 1)

    @property
    def recent(self) -> list[Path]:
        """Projects opened last, newest first, those that are gone left out."""
        stored = self._settings.value("recent")
        paths = stored if isinstance(stored, list) else [stored] if isinstance(stored, str) else []
        return [Path(path) for path in paths if Path(path).is_file()]

    def remember_project(self, path: Path) -> None:
        path = path.resolve()
        paths = [path, *(other for other in self.recent if other != path)][:RECENT_LIMIT]
        self._settings.setValue("recent", [str(other) for other in paths])

    @property
    def mode(self) -> Mode:
        stored = str(self._settings.value("theme", Mode.SYSTEM))
        return Mode(stored) if stored in set(Mode) else Mode.SYSTEM

    @mode.setter
    def mode(self, mode: Mode) -> None:
        self._settings.setValue("theme", str(mode))

    @property
    def threshold(self) -> float:
        try:
            return min(1.0, max(0.0, float(str(self._settings.value("threshold", DEFAULT_THRESHOLD)))))
        except ValueError:
            return DEFAULT_THRESHOLD

    @threshold.setter
    def threshold(self, threshold: float) -> None:
        self._settings.setValue("threshold", threshold)

    @property
    def order(self) -> Order:
        """In which order Tab goes through the instances, and the list shows them."""
        stored = str(self._settings.value("order", Order.READING))
        return Order(stored) if stored in set(Order) else Order.READING

    @order.setter
    def order(self, order: Order) -> None:
        self._settings.setValue("order", str(order))

    @property
    def display(self) -> DisplaySettings:
        """How masks and images are shown."""
        known = {}
        for field in fields(DisplaySettings):
            usual = getattr(DisplaySettings(), field.name)
            value = _read(type(usual), self._settings.value(f"display/{field.name}"))
            known[field.name] = usual if value is None else value
        return DisplaySettings(**known)

    @display.setter
    def display(self, settings: DisplaySettings) -> None:
        for field in fields(DisplaySettings):
            self._settings.setValue(f"display/{field.name}", str(getattr(settings, field.name)))

    def bytes(self, name: str) -> QByteArray:
        """A stored blob such as the window's geometry; empty when never stored."""
        stored = self._settings.value(name)
        return stored if isinstance(stored, QByteArray) else QByteArray()

    def set_bytes(self, name: str, value: QByteArray) -> None:
        self._settings.setValue(name, value)


def _read(kind: type, stored: object) -> Any:
    """A stored text as a value of that kind, None where it is none."""
    if kind is bool:
        return stored == str(True)
    try:
        value = kind(str(stored))
    except ValueError:
        return None
    return value if not isinstance(value, float) or math.isfinite(value) else None
