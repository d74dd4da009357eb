"""The pill over the canvas or the window that says how far long work is, and cancels it."""

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, SignalInstance
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QProgressBar, QToolButton, QWidget

from app.theme import SPACING, theme
from app.translation import tr

SHOWN_AFTER = 300  # milliseconds; work that is over sooner would only make the pill flicker
PARTS = 1000  # of the bar: more than it has pixels
BAR_WIDTH = 96


class WorkPill(QFrame):
    """Words, a bar and a button over the upper edge of `over`, shown while work that it follows takes its time."""

    def __init__(self, over: QWidget) -> None:
        super().__init__(over)
        self._over = over
        self._cancel_work: Callable[[], object] | None = None
        self.setProperty("kind", "card")
        self.setAccessibleName(tr("Work in progress"))
        self._words = QLabel()
        self._bar = QProgressBar()
        self._bar.setAccessibleName(tr("Progress"))
        self._bar.setTextVisible(False)
        self._bar.setFixedWidth(BAR_WIDTH)
        self.cancel_button = QToolButton()
        self.cancel_button.setProperty("kind", "quiet")
        self.cancel_button.setAccessibleName(tr("Cancel"))
        self.cancel_button.setToolTip(tr("Cancel"))
        self.cancel_button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.cancel_button.setCursor(Qt.CursorShape.ArrowCursor)
        self.cancel_button.clicked.connect(self._cancel)
        row = QHBoxLayout(self)
        row.setContentsMargins(2 * SPACING, SPACING // 2, SPACING // 2, SPACING // 2)
        row.setSpacing(SPACING)
        for widget in (self._words, self._bar, self.cancel_button):
            row.addWidget(widget)
        self._timer = QTimer(self, singleShot=True, interval=SHOWN_AFTER)
        self._timer.timeout.connect(self._appear)
        over.installEventFilter(self)
        theme().changed.connect(self._paint_icon)
        self._paint_icon()
        self.hide()

    @property
    def text(self) -> str:
        return self._words.text()

    @property
    def share(self) -> float | None:
        """How much is done, from 0 to 1; None where that is not known."""
        return self._bar.value() / PARTS if self._bar.maximum() else None

    def follow(self, progressed: SignalInstance, cancel: Callable[[], object]) -> None:
        """Show what `progressed` tells: (text, share from 0 to 1 or None where not known), "" when it is over."""
        progressed.connect(lambda text, share: self._show(cancel, text, share))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() is QEvent.Type.Resize and self.isVisible():
            self._place()
        return False

    def _show(self, cancel: Callable[[], object], text: str, share: float | None) -> None:
        if not text:
            if cancel is self._cancel_work:
                self._cancel_work = None
                self._timer.stop()
                self.hide()
            return
        if cancel is not self._cancel_work:
            self._cancel_work = cancel
            self._timer.start()
        self._words.setText(text)
        self._bar.setRange(0, 0 if share is None else PARTS)
        self._bar.setValue(0 if share is None else round(share * PARTS))
        if self.isVisible():
            self._place()

    def _appear(self) -> None:
        self.show()
        self._place()
        self.raise_()

    def _place(self) -> None:
        self.adjustSize()
        width = min(self.width(), self._over.width() - 2 * SPACING)
        self.setGeometry((self._over.width() - width) // 2, SPACING + SPACING // 2, width, self.height())

    def _cancel(self) -> None:
        if self._cancel_work is not None:
            self._cancel_work()

    def _paint_icon(self) -> None:
        self.cancel_button.setIcon(theme().icon("close", "muted"))
