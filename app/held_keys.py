"""Commands that last as long as their key is held."""

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication, QWidget

from app.tools.base import MODIFIER_KEYS


class HeldKeys(QObject):
    """Ends what a key began when it is let go, or when the keyboard goes to somebody else meanwhile.

    A shortcut tells of the press only. The release goes to the widget with the focus, so it is watched there.
    """

    def __init__(self, end: Callable[[], object]) -> None:
        super().__init__()
        self._end = end
        self._watched: QWidget | None = None

    def press(self, begin: Callable[[], object]) -> None:
        """The key of a command was pressed."""
        self._release()
        self._watched = QApplication.focusWidget()
        if self._watched is not None:
            self._watched.installEventFilter(self)
            begin()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        # Held keys repeat as release and press. Any other key ends it too: the own one may be called otherwise now
        # that Shift is up, and a look that stays for ever is worse than one that ends too early.
        if isinstance(event, QKeyEvent) and event.type() is QEvent.Type.KeyRelease:
            if not event.isAutoRepeat() and event.key() not in MODIFIER_KEYS:
                self._release()
        elif event.type() in (QEvent.Type.FocusOut, QEvent.Type.Hide):
            self._release()
        return False

    def _release(self) -> None:
        if self._watched is not None:
            self._watched.removeEventFilter(self)
            self._watched = None
            self._end()
