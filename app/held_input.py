"""Keys and clicks that come while the window cannot take them wait, and are taken in their order afterwards."""

from collections import deque

from PySide6.QtCore import QCoreApplication, QEvent, QObject, QTimer
from PySide6.QtGui import QGuiApplication, QKeyEvent, QMouseEvent, QWindow
from PySide6.QtWidgets import QApplication
from shiboken6 import isValid

from app.work_pill import WorkPill

_KEYS = (QEvent.Type.KeyPress, QEvent.Type.KeyRelease)
_RELEASE = QEvent.Type.MouseButtonRelease
_CLICKS = (QEvent.Type.MouseButtonPress, _RELEASE, QEvent.Type.MouseButtonDblClick)
_TURNS = (QEvent.Type.Wheel, QEvent.Type.NativeGesture)


class HeldInput(QObject):
    """Holds what a person types and clicks from the first `hold` on until everybody released it; looking around goes
    on, and so does the button that cancels the work that all this waits for."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._waiting: deque[tuple[QObject, QEvent]] = deque()
        self._holders: set[str] = set()
        self._watching = self._passing = False
        self._turn = QTimer(self, singleShot=True, interval=0)
        self._turn.timeout.connect(self._let_through)

    def hold(self, holder: str) -> None:
        """From now on it waits for `holder`."""
        self._holders.add(holder)
        self._turn.stop()
        self._watch(True)

    def release(self, holder: str) -> None:
        """What waits is taken, one turn of the event loop after the other, and before anything that comes meanwhile."""
        self._holders.discard(holder)
        if not self._holders and self._waiting:
            self._turn.start()
        elif not self._holders:
            self._watch(False)

    def drop(self, holder: str) -> None:
        """As `release`, but what waits is not wanted any more."""
        self._waiting.clear()
        self.release(holder)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if self._passing:
            return False
        if event.type() is QEvent.Type.ShortcutOverride:
            # Whose key it is shows when it is taken: one before it may open a field to type into.
            event.accept()
            return True
        if not self._takes(event) or (isinstance(event, QMouseEvent) and self._is_for_the_pill(watched, event)):
            return False
        self._waiting.append((watched, event.clone()))
        return True

    def _takes(self, event: QEvent) -> bool:
        """Keys, clicks and drags; turns of the wheel only after a click, which is about what was seen then."""
        kind = event.type()
        if kind is QEvent.Type.MouseMove and isinstance(event, QMouseEvent):
            return bool(event.buttons().value)
        return kind in _KEYS or kind in _CLICKS or (kind in _TURNS and self._clicks_wait())

    def _clicks_wait(self) -> bool:
        return any(event.type() in _CLICKS for _, event in self._waiting)

    def _is_for_the_pill(self, receiver: QObject, event: QMouseEvent) -> bool:
        last = next((held.type() for _, held in reversed(self._waiting) if held.type() in _CLICKS), _RELEASE)
        if last is not _RELEASE:
            return False  # the button was pressed elsewhere
        widget: QObject | None = receiver
        if not receiver.isWidgetType():  # the window of the system, which passes it on to the widget under the pointer
            widget = QApplication.widgetAt(event.globalPosition().toPoint())
        while widget is not None and not isinstance(widget, WorkPill):
            widget = widget.parent()
        return widget is not None

    def _let_through(self) -> None:
        self._passing = True
        try:
            if self._waiting:
                receiver, event = self._waiting.popleft()
                if isinstance(event, QKeyEvent) and isinstance(receiver, QWindow):
                    receiver = QGuiApplication.focusWindow() or receiver  # a key before it may have opened a dialog
                if isValid(receiver):
                    QCoreApplication.sendEvent(receiver, event)
        finally:
            self._passing = False
            if not self._holders and self._waiting:
                self._turn.start()
            elif not self._holders:
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
