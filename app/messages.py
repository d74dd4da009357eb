"""How the window speaks: a dialog for what went wrong, a bar for what is good to know, and the log file behind both."""

import logging
import platform
import sys
import threading
import traceback
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from logging.handlers import RotatingFileHandler
from types import TracebackType

from PySide6.QtCore import QEvent, QObject, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication, QHideEvent
from PySide6.QtWidgets import (
    QDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.theme import SPACING, theme
from app.translation import tr
from engine.errors import MaskwrightError
from engine.user_folders import log_folder

NOTICE_SECONDS = 6  # long enough to read two lines, short enough not to be in the way
LOG_BYTES = 1_000_000
log = logging.getLogger("maskwright")


def start_logging() -> None:
    """Log to a rotating file in the user's log folder; a folder that cannot be written is only mentioned on stderr."""
    log.setLevel(logging.INFO)
    try:
        log_folder().mkdir(parents=True, exist_ok=True)
        handler = RotatingFileHandler(log_folder() / "maskwright.log", maxBytes=LOG_BYTES, backupCount=3, delay=True)
    except OSError as error:
        print(f"No log file: {error}", file=sys.stderr)
        return
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    log.addHandler(handler)


def versions() -> str:
    """The versions that a report of a fault needs, one a line."""
    lines = [f"Python {platform.python_version()} on {platform.platform()}"]
    for package in ("maskwright", "PySide6-Essentials", "torch", "torchvision", "numpy"):
        try:
            lines.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            lines.append(f"{package} not installed")
    return "\n".join(lines)


class Faults(QObject):
    """Hands exceptions that nobody caught, from any thread, to `show` in the GUI thread."""

    _raised = Signal(str, str)

    def __init__(self, show: Callable[[str, str], None]) -> None:
        super().__init__()
        self._show = show
        self._raised.connect(self._relay, Qt.ConnectionType.QueuedConnection)

    def install(self) -> None:
        sys.excepthook = self.report
        threading.excepthook = lambda args: self.report(args.exc_type, args.exc_value, args.exc_traceback)

    def report(self, kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error or kind(), trace)
            return
        details = "".join(traceback.format_exception(kind, error, trace))
        log.error(details)
        print(details, file=sys.stderr)
        if isinstance(error, MaskwrightError):
            self._raised.emit(str(error), details)
        else:
            self._raised.emit(tr("Something went wrong inside Maskwright. Your edits are saved."), details)

    def _relay(self, message: str, details: str) -> None:
        self._show(message, details)


class ErrorDialog(QDialog):
    """What went wrong in plain words, the details folded away, and a button that copies them."""

    def __init__(self, message: str, details: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Maskwright")
        self.setAccessibleName(tr("Error"))
        self.setMinimumWidth(460)
        self._report = _report(message, details)
        icon = QLabel()
        icon.setPixmap(theme().icon("alert-circle-outline", "danger").pixmap(QSize(28, 28)))
        text = QLabel(message)
        text.setWordWrap(True)
        text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        head = QHBoxLayout()
        head.setSpacing(2 * SPACING)
        head.addWidget(icon, 0, Qt.AlignmentFlag.AlignTop)
        head.addWidget(text, 1)
        self._text = QPlainTextEdit(self._report)
        self._text.setReadOnly(True)
        self._text.setAccessibleName(tr("Details of the error"))
        self._text.setToolTip(tr("What a report of this error needs"))
        self._text.setMinimumHeight(200)
        self._text.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(3 * SPACING, 3 * SPACING, 3 * SPACING, 2 * SPACING)
        layout.setSpacing(2 * SPACING)
        layout.addLayout(head)
        layout.addWidget(self._text)
        layout.addLayout(self._buttons())
        self._close.setFocus()  # Enter and Escape both close

    def says(self, message: str, details: str) -> bool:
        """Whether this dialog already tells just that."""
        return self._report == _report(message, details)

    def _buttons(self) -> QHBoxLayout:
        self.copy_button = QPushButton(tr("Copy details"))
        self.copy_button.setToolTip(tr("Copy everything that a report of this error needs"))
        self.copy_button.clicked.connect(self._copy)
        show = QPushButton(tr("Show details"))
        show.setToolTip(tr("Show everything that a report of this error needs"))
        show.setCheckable(True)
        show.toggled.connect(self._text.setVisible)
        self._close = QPushButton(tr("Close"))
        self._close.setToolTip(tr("Back to the window"))
        self._close.setProperty("kind", "primary")
        self._close.setDefault(True)
        self._close.clicked.connect(self.accept)
        row = QHBoxLayout()
        row.addWidget(self.copy_button)
        row.addWidget(show)
        row.addStretch(1)
        row.addWidget(self._close)
        return row

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self._report)
        self.copy_button.setText(tr("Copied"))


def _report(message: str, details: str) -> str:
    return "\n\n".join(part for part in (message, details, versions()) if part)


class NoticeBar(QFrame):
    """One line over the lower edge of its parent that goes away by itself, with at most one button.

    While `canvas` is shown it stands over the lower edge of that, so that the controls below stay free.
    """

    def __init__(self, parent: QWidget, canvas: QWidget) -> None:
        super().__init__(parent)
        self._over = parent
        self._canvas = canvas
        self.setProperty("kind", "card")
        self.setAccessibleName(tr("Notice"))
        self._icon = QLabel()
        self._label = QLabel()
        self._label.setWordWrap(False)
        self._action = QPushButton()
        self._action.setProperty("kind", "quiet")
        self._action.setToolTip(tr("Do what the notice offers"))
        self._action.clicked.connect(self._act)
        self._close = QToolButton()
        self._close.setProperty("kind", "quiet")
        self._close.setAccessibleName(tr("Dismiss notice"))
        self._close.setToolTip(tr("Dismiss"))
        self._close.clicked.connect(self.hide)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(2 * SPACING, SPACING, SPACING, SPACING)
        layout.setSpacing(SPACING)
        for widget in (self._icon, self._label, self._action, self._close):
            layout.addWidget(widget, widget is self._label)
        self._then: Callable[[], object] | None = None
        self._waiting: list[Callable[[], None]] = []
        self._offers = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.hide)
        parent.installEventFilter(self)
        canvas.installEventFilter(self)
        self.hide()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() is QEvent.Type.Resize and self.isVisible():
            self.place()
        return False

    @property
    def text(self) -> str:
        return self._label.text()

    def show_notice(self, text: str, *, action: str = "", then: Callable[[], object] | None = None) -> None:
        """Show `text`; with `action`, a button of that name calls `then` and the notice stays twice as long."""
        self._icon.setPixmap(theme().icon("information-outline", "accent").pixmap(QSize(18, 18)))
        self._close.setIcon(theme().icon("close", "muted"))
        self._label.setText(text)
        self._action.setText(action)
        self._action.setVisible(bool(action))
        self._offers = bool(action)
        self._then = then
        self.show()
        self.place()
        self.raise_()
        self._timer.start(NOTICE_SECONDS * (2000 if action else 1000))

    def show_next(self, text: str, *, action: str = "", then: Callable[[], object] | None = None) -> None:
        """As `show_notice`, but after those that offer something: nobody is robbed of a button."""
        self._waiting.append(lambda: self.show_notice(text, action=action, then=then))
        self._show_waiting()

    def hideEvent(self, event: QHideEvent) -> None:
        QTimer.singleShot(0, self, self._show_waiting)  # nothing is shown while it is being hidden

    def _show_waiting(self) -> None:
        if self._waiting and (self.isHidden() or not self._offers):
            self._waiting.pop(0)()

    def place(self) -> None:
        """Sit centred over the lower edge."""
        parent = self._over
        room = parent.width() - 2 * SPACING
        self._label.setWordWrap(False)
        needed = self.sizeHint()
        self._label.setWordWrap(needed.width() > room)
        width = min(needed.width(), room)
        height = self.heightForWidth(width) if needed.width() > room else needed.height()
        canvas = self._canvas
        shown = canvas.isVisible()
        bottom = canvas.mapTo(parent, canvas.rect().bottomLeft()).y() if shown else parent.height()
        top = bottom - height - 2 * SPACING
        self.setGeometry((parent.width() - width) // 2, top, width, height)

    def _act(self) -> None:
        self.hide()
        if self._then is not None:
            self._then()
