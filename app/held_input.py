"""Keys and clicks that come while the window cannot take them wait, and are taken in their order afterwards."""

from collections import deque

from PySide6.QtCore import QCoreApplication, QEvent, QObject, QTimer
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication
from shiboken6 import isValid

from app.work_pill import WorkPill

_KEYS = (QEvent.Type.Shortcut, QEvent.Type.KeyPress, QEvent.Type.KeyRelease)
_CLICKS = (QEvent.Type.MouseButtonPress, QEvent.Type.MouseButtonRelease, QEvent.Type.MouseButtonDblClick)
_OTHERS = (QEvent.Type.ContextMenu, QEvent.Type.Drop)
_HELD = frozenset((*_KEYS, *_CLICKS, *_OTHERS))


class HeldInput(QObject):
    """Holds what a person types and clicks between `hold` and `release`; looking around goes on, and so does the button
    that cancels the work that all this waits for."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._waiting: deque[tuple[QObject, QEvent]] = deque()
        self._held = self._watching = self._passing = False
        self._turn = QTimer(self, singleShot=True, interval=0)
        self._turn.timeout.connect(self._let_through)

    def hold(self) -> None:
        """From now on it waits."""
        self._held = True
        self._turn.stop()
        self._watch(True)

    def release(self) -> None:
        """What waits is taken, one turn of the event loop after the other, and before anything that comes meanwhile."""
        self._held = False
        self._turn.start()

    def drop(self) -> None:
        """What waits is not wanted any more."""
        self._waiting.clear()
        self._held = False
        self._watch(False)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if self._passing or not _is_input(event) or _is_for_the_pill(watched, event):
            return False
        self._waiting.append((watched, event.clone()))
        return True

    def _let_through(self) -> None:
        if self._waiting:
            receiver, event = self._waiting.popleft()
            if isValid(receiver):
                self._passing = True
                try:
                    QCoreApplication.sendEvent(receiver, event)
                finally:
                    self._passing = False
        if self._held:
            return  # it began to hold again
        if self._waiting:
            self._turn.start()
        else:
            self._watch(False)

    def _watch(self, watching: bool) -> None:
        application = QCoreApplication.instance()
        if application is None or watching == self._watching:
            return
        self._watching = watching
        if watching:
            application.installEventFilter(self)
        else:
            application.removeEventFilter(self)


def _is_input(event: QEvent) -> bool:
    dragging = event.type() is QEvent.Type.MouseMove and isinstance(event, QMouseEvent) and bool(event.buttons().value)
    return dragging or event.type() in _HELD


def _is_for_the_pill(receiver: QObject, event: QEvent) -> bool:
    if not isinstance(event, QMouseEvent):
        return False
    widget: QObject | None = receiver
    if not receiver.isWidgetType():  # the window of the system, which passes it on to the widget under the pointer
        widget = QApplication.widgetAt(event.globalPosition().toPoint())
    while widget is not None and not isinstance(widget, WorkPill):
        widget = widget.parent()
    return widget is not None
