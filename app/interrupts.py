"""Ctrl+C in the terminal, and the end of the session: the window closes as by its own button."""

import signal
import socket
from collections.abc import Callable

from PySide6.QtCore import QObject, QSocketNotifier


class Interrupts(QObject):
    """Turns signals into calls of `close`.

    Python would break in anywhere, also into painting. So a signal only writes a byte here, which wakes Qt up, and Qt
    calls when it comes to that.
    """

    def __init__(self, parent: QObject, close: Callable[[], object]) -> None:
        super().__init__(parent)
        self._close = close
        self._woken, self._waking = socket.socketpair()
        for end in (self._woken, self._waking):
            end.setblocking(False)
        signal.set_wakeup_fd(self._waking.fileno())
        for number in (signal.SIGINT, signal.SIGTERM):
            if signal.getsignal(number) is not signal.SIG_IGN:  # as a shell starts what is to run in the background
                signal.signal(number, lambda *_: None)
        self._notifier = QSocketNotifier(self._woken.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._on_woken)

    def _on_woken(self) -> None:
        self._woken.recv(64)
        self._close()
