"""The field over the instance list: a filter is typed, completed, and explained where it is wrong."""

from collections.abc import Callable

from PySide6.QtCore import QEvent, QStringListModel, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QCompleter, QListView, QVBoxLayout, QWidget

from app.panels.parts import TextField, label
from app.session import Session
from app.translation import tr
from engine.project.instance_filter import FLAGS, Filter, InvalidFilter, parse, suggestions

TYPING_MS = 120  # after the last key before the list is filtered, so that a word is not looked up letter by letter
HELP = tr(
    "<p>Lists what every term says of an instance. Terms stand side by side; <b>or</b> begins another group of them, "
    "<b>-</b> or <b>not</b> before a term turns it round.</p>"
    "<p><b>score&lt;0.5</b> and also <b>area width height x y parts holes id</b>, "
    "with &lt; &lt;= &gt; &gt;= = !=<br>"
    "<b>category:nucleus</b> its name, <b>nucl</b> a part of it, in quotes where it has spaces<br>"
    "<b>status:proposal</b> and also <b>ghost accepted rejected</b><br>"
    "<b>origin:predicted</b> and also <b>drawn imported</b><br>"
    "<b>is:edited</b> and also <b>{flags}</b></p>"
    "<p>A filter by score lists ghosts too, one by status also what is rejected.</p>",
    flags=" ".join(name for name in FLAGS if name != "edited"),
)


class FilterField(QWidget):
    """The field, and the words about what is wrong with it below; the last good filter stays meanwhile."""

    changed = Signal()
    left = Signal()  # Enter or Escape: the person is done here

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.filter = Filter()
        self.field = _CompletedField(self._names, self.left.emit)
        self.field.setClearButtonEnabled(True)
        self.field.setToolTip(HELP)
        self.error = label("", "danger", wrap=True)
        self.error.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self.field)
        column.addWidget(self.error)
        self._typing = QTimer(self, singleShot=True, interval=TYPING_MS)
        self._typing.timeout.connect(self.apply)
        self.field.textChanged.connect(self._typing.start)
        self.field.returnPressed.connect(self._finish)
        session.categories_changed.connect(self.apply)  # a name may be one only now

    def apply(self) -> None:
        """Read what is typed now."""
        self._typing.stop()
        try:
            found = parse(self.field.text(), self._names())
        except InvalidFilter as error:
            self._say(str(error))
            return
        self._say("")
        if found != self.filter:
            self.filter = found
            self.changed.emit()

    def _finish(self) -> None:
        self.apply()
        if not self.error.text():
            self.left.emit()

    def _say(self, error: str) -> None:
        self.error.setText(error)
        self.error.setVisible(bool(error))
        self.field.setAccessibleDescription(error)

    def _names(self) -> list[str]:
        return [category.name for category in self._session.categories.values()]


class _CompletedField(TextField):
    """Offers what the word at the cursor could become; Tab takes the offer that is marked, else the first.

    Escape closes the offers first, then leaves the field.
    """

    def __init__(self, names: Callable[[], list[str]], leave: Callable[[], None]) -> None:
        super().__init__(tr("Filter instances"), tr("Filter, such as score<0.5 nucleus area>200"))
        self._names, self._leave = names, leave
        self._start = 0
        self._options = QStringListModel(self)
        self._completer = QCompleter(self._options, self)
        self._offers = QListView()
        self._offers.setProperty("kind", "offers")
        self._offers.setAccessibleName(tr("What the filter could go on with"))
        self._completer.setPopup(self._offers)
        self._completer.setWidget(self)
        self._completer.setCompletionMode(QCompleter.CompletionMode.UnfilteredPopupCompletion)
        self._completer.activated.connect(self._complete)
        self.textEdited.connect(self._offer)

    def event(self, event: QEvent) -> bool:
        key = event.key() if isinstance(event, QKeyEvent) and event.type() is QEvent.Type.KeyPress else None
        if key == Qt.Key.Key_Tab and self._offers.isVisible():
            marked = self._offers.currentIndex()
            self._complete((marked if marked.isValid() else self._options.index(0)).data())
            self._offers.hide()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self._leave()
        else:
            super().keyPressEvent(event)

    def _offer(self) -> None:
        self._start, options = suggestions(self.text(), self.cursorPosition(), self._names())
        self._options.setStringList(options)
        if options:
            self._completer.complete()
        else:
            self._offers.hide()

    def _complete(self, chosen: str) -> None:
        text, place = self.text(), self.cursorPosition()
        self.setText(text[: self._start] + chosen + text[place:])
        self.setCursorPosition(self._start + len(chosen))
