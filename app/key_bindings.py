"""Which keys call which command at present, and the file in which a person's choice is kept.

Whoever listens to keys or names one in a text asks here, and asks again on `changed`.
"""

from datetime import datetime
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QKeySequence

from app.key_file import read_keymap, write_keymap
from app.key_profiles import Keymap, sequences, written
from app.translation import tr
from engine.errors import MaskwrightError

FILE_NAME = "keys.json"


class KeyBindings(QObject):
    """The keymap in use. Changing it applies at once and is kept."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.keymap = Keymap()
        self._path: Path | None = None

    def load(self, folder: Path) -> str:
        """Use what `folder` keeps, else the default keys, and keep changes there from now on.

        Returns what was wrong with the file, in words, or nothing; such a file is set aside.
        """
        self._path = folder / FILE_NAME
        problem = ""
        keymap = Keymap()
        if self._path.exists():
            try:
                keymap = read_keymap(self._path)
            except MaskwrightError as error:
                problem = f"{error} {_set_aside(self._path)}"
        self._use(keymap)
        return problem

    def change(self, keymap: Keymap) -> None:
        """Use another keymap, and keep it. Raises MaskwrightError where it cannot be kept; it applies all the same."""
        self._use(keymap)
        if self._path is not None:
            write_keymap(self._path, keymap)

    def sequences(self, command_id: str) -> list[QKeySequence]:
        """Every key sequence that calls a command."""
        return [sequence for key in self.keymap.keys[command_id] for sequence in sequences(key)]

    def _use(self, keymap: Keymap) -> None:
        if keymap != self.keymap:
            self.keymap = keymap
            self.changed.emit()


_bindings: KeyBindings | None = None


def key_bindings() -> KeyBindings:
    """The one keymap of this process."""
    global _bindings
    if _bindings is None:
        _bindings = KeyBindings()
    return _bindings


def keys_of(command_id: str) -> str:
    """The first key of a command as people say it, such as "Ctrl+Enter"; nothing where it has none."""
    keys = key_bindings().keymap.keys[command_id]
    return written(keys[0]) if keys else ""


def key_hint(command_id: str) -> str:
    """The key of a command for the end of a text that names what it does: " (B)", or nothing where it has none."""
    key = keys_of(command_id)
    return f" ({key})" if key else ""


def _set_aside(path: Path) -> str:
    """Move a file away that cannot be used; says what became of it."""
    kept = path.with_name(f"keys.{datetime.now():%Y%m%d-%H%M%S}.json")
    try:
        path.replace(kept)
    except OSError:
        return tr("The default keys apply.")
    return tr("The default keys apply; the file was kept as {name}.", name=kept.name)
