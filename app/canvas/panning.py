"""Moving the image by hand: a drag with the middle button, or with the left one while Space is held."""

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QKeyEvent, QMouseEvent


class Panning:
    """Whether the pointer is moving the image. Methods that take an event say whether it was theirs."""

    def __init__(self) -> None:
        self._space = False
        self._last: QPointF | None = None

    @property
    def is_dragging(self) -> bool:
        return self._last is not None

    @property
    def cursor(self) -> Qt.CursorShape | None:
        """What the pointer looks like; None while it belongs to the tool."""
        if self._last is not None:
            return Qt.CursorShape.ClosedHandCursor
        return Qt.CursorShape.OpenHandCursor if self._space else None

    def press(self, event: QMouseEvent) -> bool:
        middle = event.button() == Qt.MouseButton.MiddleButton
        if middle or (self._space and event.button() == Qt.MouseButton.LeftButton):
            self._last = event.position()
            return True
        return False

    def move(self, event: QMouseEvent) -> QPointF:
        """How far the image goes with the pointer, in widget pixels."""
        if self._last is None:
            return QPointF()
        step = event.position() - self._last
        self._last = event.position()
        return step

    def release(self, event: QMouseEvent) -> bool:
        if self._last is None or event.button() == Qt.MouseButton.RightButton:
            return False
        self._last = None
        return True

    def press_key(self, event: QKeyEvent) -> bool:
        if event.key() != Qt.Key.Key_Space:
            return False
        self._space = True
        return True

    def release_key(self, event: QKeyEvent) -> bool:
        if event.key() != Qt.Key.Key_Space:
            return False
        self._space = event.isAutoRepeat()  # held keys repeat as release and press
        return True

    def lose_focus(self) -> None:
        """The release of Space will go elsewhere."""
        self._space = False
