"""The foot of the key editor: the chosen command's keys, the field that records one, and questions."""

from collections.abc import Callable

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QApplication, QHBoxLayout, QStackedWidget, QWidget

from app.key_bindings import key_bindings
from app.key_profiles import written
from app.key_recorder import KeyRecorder
from app.keymap import Command
from app.panels.parts import IconLabel, button, frame, label, row
from app.theme import SPACING
from app.translation import tr

_HEIGHT = 96


class KeyDetails(QStackedWidget):
    """Shows a command with its keys; in between it waits for a key, or for the answer to a question."""

    record = Signal()  # a key is to be added
    reset = Signal()
    removed = Signal(str)  # the canonical key that is to go
    finished = Signal(bool)  # a recording or a question is over, whatever the answer; whether the keyboard was here

    def __init__(self) -> None:
        super().__init__()
        self.setFixedHeight(_HEIGHT)
        self._then: Callable[[str], object] = lambda _: None
        self._yes: Callable[[], object] = lambda: None
        self.recorder = KeyRecorder()
        self.recorder.recorded.connect(self._on_recorded)
        self.recorder.cancelled.connect(self.leave)
        self._command = self._make_command()
        self._question = self._make_question()
        for page in (self._command, self.recorder, self._question):
            self.addWidget(page)

    @property
    def is_waiting(self) -> bool:
        """Whether a key or an answer is waited for."""
        return self.currentWidget() is not self._command

    def show_command(self, command: Command | None) -> None:
        """Show a command and its keys, each of them a button that takes it away."""
        self._name.setText("" if command is None else command.text.rstrip("…"))
        self._tip.setText("" if command is None else command.tip)
        while (item := self._caps.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        keys = () if command is None else key_bindings().keymap.keys[command.id]
        for key in keys:
            self._caps.addWidget(self._cap(key))
        if command is not None and not keys:
            self._caps.addWidget(label(tr("No key"), "muted"))
        self.add_button.setEnabled(command is not None)
        self.reset_button.setEnabled(command is not None and key_bindings().keymap.is_changed(command.id))
        self.leave()

    def wait_for_key(self, prompt: str, then: Callable[[str], object]) -> None:
        """Record the next key and hand it to `then`."""
        self._then = then
        self.setCurrentWidget(self.recorder)
        self.recorder.start(prompt)

    def ask(self, question: str, answer: str, yes: Callable[[], object]) -> None:
        """Ask before something is lost; `answer` is what the button says that does it."""
        self._put(question, tr("Cancel"), tr("Leave the keys as they are"))
        self._yes = yes
        self.yes_button.setText(answer)
        self.yes_button.setAccessibleName(answer)
        self.yes_button.setToolTip(question)
        self.yes_button.show()

    def say(self, words: str) -> None:
        """Tell why something is not done, until the next thing is done."""
        self._put(words, tr("OK"), tr("Go back to the command"))
        self.yes_button.hide()

    def leave(self) -> None:
        """End what is waited for, without an answer."""
        self.recorder.stop()
        if self.is_waiting:
            focused = QApplication.focusWidget()
            here = focused is not None and self.isAncestorOf(focused)
            self.setCurrentWidget(self._command)
            self.finished.emit(here)

    # -- inside

    def _put(self, words: str, leaving: str, tip: str) -> None:
        """Show words and the button that leaves them."""
        self.recorder.stop()
        self._yes = lambda: None
        self._words.setText(words)
        self.no_button.setText(leaving)
        self.no_button.setAccessibleName(leaving)
        self.no_button.setToolTip(tip)
        self.setCurrentWidget(self._question)
        self.no_button.setFocus()  # a key held too long must not be the answer

    def _make_command(self) -> QWidget:
        box, column = frame("inset")
        self._name, self._tip = label("", "heading"), label("", "small")
        self._caps = QHBoxLayout()
        self._caps.setSpacing(SPACING)
        self.add_button = button(tr("Add Key"), self.record.emit, tip=tr("Enter, in the list"))
        self.reset_button = button(tr("Reset"), self.reset.emit, tip=tr("Give it the keys of the profile again"))
        for each in (self.add_button, self.reset_button):
            each.setAutoDefault(False)
        lower = QHBoxLayout()
        lower.setSpacing(SPACING)
        lower.addLayout(self._caps)
        lower.addStretch(1)
        lower.addWidget(self.add_button)
        lower.addWidget(self.reset_button)
        column.addLayout(row(self._name, self._tip, None))
        column.addLayout(lower)
        return box

    def _make_question(self) -> QWidget:
        box, column = frame("inset")
        self._words = label("", wrap=True)
        self._words.setAccessibleName(tr("Question"))
        self.yes_button = button(tr("Yes"), self._on_yes, tip=tr("Change the keys"))
        self.no_button = button(tr("Cancel"), self.leave, tip=tr("Leave the keys as they are"))
        upper = QHBoxLayout()
        upper.setSpacing(SPACING)
        upper.addWidget(IconLabel("alert-outline", "warning"), 0, Qt.AlignmentFlag.AlignTop)
        upper.addWidget(self._words, 1)
        column.addLayout(upper)
        column.addLayout(row(None, self.no_button, self.yes_button))
        return box

    def _cap(self, key: str) -> QWidget:
        words = written(key)
        cap = button(f"{words}  ×", lambda: self.removed.emit(key), "cap", tr("Take {key} away", key=words))
        cap.setAccessibleName(tr("Take {key} away", key=words))
        cap.setAutoDefault(False)
        return cap

    def _on_recorded(self, key: str) -> None:
        then, self._then = self._then, lambda _: None
        self.leave()
        then(key)

    def _on_yes(self) -> None:
        yes, self._yes = self._yes, lambda: None
        self.leave()
        yes()
