"""What is typed into a field stays there: no command of the window fires on it."""

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractSpinBox, QApplication, QComboBox, QLineEdit, QPlainTextEdit, QTextEdit, QWidget

_FIELDS = (QLineEdit, QAbstractSpinBox, QPlainTextEdit, QTextEdit)
_MODIFIERS = Qt.KeyboardModifier
_COMMANDING = _MODIFIERS.ControlModifier | _MODIFIERS.AltModifier | _MODIFIERS.MetaModifier


class TypingGuard(QObject):
    """Keeps keys from the shortcuts of `window` while a field of it has the focus.

    Qt asks the focused widget first, and then every parent up to the window, whether a key is theirs rather than a
    shortcut's (ShortcutOverride). So one answer in the window's name covers every field there is or will be: fields of
    dialogs, which are windows of their own, need none. Keys with Ctrl, Alt or Meta and the function keys stay commands;
    what of them edits text the fields claim themselves.
    """

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and _is_typed(event):
            event.accept()
            return True
        return False


def is_typing() -> bool:
    """Whether a field to type into has the focus."""
    focused = QApplication.focusWidget()
    return isinstance(focused, _FIELDS) or (isinstance(focused, QComboBox) and focused.isEditable())


def _is_typed(event: QKeyEvent) -> bool:
    function_key = Qt.Key.Key_F1 <= event.key() <= Qt.Key.Key_F35
    # Ctrl and Alt together are AltGr on some systems, and type a character then.
    plain = not event.modifiers() & _COMMANDING or (event.text().isprintable() and _is_alt_gr(event))
    return plain and not function_key and is_typing()


def _is_alt_gr(event: QKeyEvent) -> bool:
    both = _MODIFIERS.ControlModifier | _MODIFIERS.AltModifier
    return event.modifiers() & _COMMANDING == both and bool(event.text())
