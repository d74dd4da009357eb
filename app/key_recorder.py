"""A field that waits for one key and tells which it was."""

from PySide6.QtCore import QEvent, QKeyCombination, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QLabel, QWidget

from app.key_profiles import canonical
from app.tools.base import MODIFIER_KEYS
from app.translation import tr

_MODIFIERS = Qt.KeyboardModifier
_IGNORED = _MODIFIERS.KeypadModifier | _MODIFIERS.GroupSwitchModifier
_NO_KEYS = {*MODIFIER_KEYS, Qt.Key.Key_AltGr, Qt.Key.Key_unknown, Qt.Key.Key_CapsLock, Qt.Key.Key_NumLock}


class KeyRecorder(QLabel):
    """While it has the focus every key is its own, Tab and Enter too. Escape and a loss of the focus give up."""

    recorded = Signal(str)  # a canonical key
    cancelled = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("kind", "recorder")
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._prompt = ""
        self._waiting = False

    def start(self, prompt: str) -> None:
        """Wait for a key, saying what for."""
        self._prompt, self._waiting = prompt, True
        self.setText(prompt)
        self.setAccessibleName(prompt)
        self.setFocus(Qt.FocusReason.OtherFocusReason)

    def stop(self) -> None:
        """Wait no longer, without a word."""
        self._waiting = False

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent):
            if event.type() == QEvent.Type.KeyPress and not event.isAutoRepeat():
                self._take(event)
            elif event.type() == QEvent.Type.KeyRelease:
                self.setText(self._prompt)
            event.accept()  # before Qt makes Tab a step to the next control, and a shortcut of anything
            return True
        return super().event(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._give_up()

    def _take(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self._give_up()
        elif event.key() in _NO_KEYS:
            held = event.modifiers() | MODIFIER_KEYS.get(Qt.Key(event.key()), _MODIFIERS.NoModifier)
            self.setText(QKeySequence(held.value).toString(QKeySequence.SequenceFormat.NativeText) + "…")
        elif self._waiting:
            self._waiting = False
            self.recorded.emit(key_of(event))

    def _give_up(self) -> None:
        if self._waiting:
            self._waiting = False
            self.cancelled.emit()


def key_of(event: QKeyEvent) -> str:
    """The canonical key that a press means, as a shortcut of it would be written."""
    key, modifiers, text = Qt.Key(event.key()), event.modifiers() & ~_IGNORED, event.text()
    if key == Qt.Key.Key_Backtab:
        key = Qt.Key.Key_Tab
    # The Shift that it takes to type "?" is part of "?" already.
    if modifiers == _MODIFIERS.ShiftModifier and text.isprintable() and text.strip() and not text.isalpha():
        modifiers = _MODIFIERS.NoModifier
    sequence = QKeySequence(QKeyCombination(modifiers, key))
    return canonical(sequence.toString(QKeySequence.SequenceFormat.PortableText))


def recording_prompt(text: str) -> str:
    """What a recorder says while it waits for a key of a command."""
    return tr("Press a key for “{command}”, or Esc", command=text.rstrip("…"))
