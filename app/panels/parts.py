"""The small pieces that every panel is built of, so that they look and speak alike."""

from collections.abc import Callable

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.theme import SPACING, theme

LEAST_NAME = 100  # pixels in which a name can still be told from others


class TextField(QLineEdit):
    """A line to type into, named for people who cannot see it."""

    def __init__(self, name: str, placeholder: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setToolTip(name)
        self.setPlaceholderText(placeholder)


class IconButton(QToolButton):
    """A borderless button with an icon of the theme and a tooltip that is also its accessible name."""

    def __init__(self, icon: str, tip: str, clicked: Callable[[], object] | None = None, size: int = 18) -> None:
        super().__init__()
        self._icon = icon
        self.setProperty("kind", "quiet")
        self.setToolTip(tip)
        self.setAccessibleName(tip)
        self.setIconSize(QSize(size, size))
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        if clicked is not None:
            self.clicked.connect(lambda: clicked())
        self._paint_icon()
        theme().changed.connect(self._paint_icon)

    def set_icon(self, icon: str) -> None:
        self._icon = icon
        self._paint_icon()

    def _paint_icon(self) -> None:
        self.setIcon(theme().icon(self._icon, "muted"))


class IconLabel(QLabel):
    """An icon of the theme where no text is needed."""

    def __init__(self, icon: str, token: str = "muted", size: int = 18) -> None:
        super().__init__()
        self._icon, self._token, self._size = icon, token, size
        self._paint_icon()
        theme().changed.connect(self._paint_icon)

    def set_icon(self, icon: str, token: str) -> None:
        self._icon, self._token = icon, token
        self._paint_icon()

    def _paint_icon(self) -> None:
        self.setPixmap(theme().icon(self._icon, self._token).pixmap(QSize(self._size, self._size)))


class CutLabel(QLabel):
    """A line that is cut where there is no room, and then told whole by its tooltip; or that tells the `tip` given.

    It does not become narrower than `least` pixels; one that may go takes none rather than fewer.
    """

    def __init__(
        self,
        kind: str,
        mode: Qt.TextElideMode = Qt.TextElideMode.ElideRight,
        *,
        least: int = LEAST_NAME,
        may_go: bool = False,
    ) -> None:
        super().__init__()
        self._whole, self._tip, self._least, self._mode, self._may_go = "", "", least, mode, may_go
        self.setProperty("kind", kind)
        self.setTextFormat(Qt.TextFormat.PlainText)

    def show_text(self, text: str, tip: str = "") -> None:
        self._whole, self._tip = text, tip
        self.updateGeometry()
        self._fit()

    def sizeHint(self) -> QSize:
        self.ensurePolished()
        return QSize(self.fontMetrics().horizontalAdvance(self._whole) + 1, super().sizeHint().height())

    def minimumSizeHint(self) -> QSize:
        whole = self.sizeHint()
        return QSize(0 if self._may_go else min(self._least, whole.width()), whole.height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        fitting = self.fontMetrics().elidedText(self._whole, self._mode, self.width())
        if fitting != self._whole and self.width() < self._least:
            fitting = ""
        self.setText(fitting)
        self.setToolTip(self._tip or (self._whole if fitting != self._whole else ""))
        self.setAccessibleName(self._whole)


def label(text: str = "", kind: str = "", *, wrap: bool = False) -> QLabel:
    """A label in one of the style sheet's kinds: heading, title, display, muted, small, number, danger ..."""
    result = QLabel(text, textFormat=Qt.TextFormat.PlainText)  # names that people gave are no markup
    result.setWordWrap(wrap)
    if kind:
        result.setProperty("kind", kind)
    return result


def set_kind(widget: QWidget, kind: str) -> None:
    """Restyle a widget that is already shown."""
    widget.setProperty("kind", kind)
    widget.style().unpolish(widget)
    widget.style().polish(widget)


def button(text: str, clicked: Callable[[], object], kind: str = "", tip: str = "") -> QPushButton:
    result = QPushButton(text)
    result.setAccessibleName(text)
    if kind:
        result.setProperty("kind", kind)
    if tip:
        result.setToolTip(tip)
    result.clicked.connect(lambda: clicked())
    return result


def rule() -> QFrame:
    result = QFrame()
    result.setProperty("kind", "rule")
    return result


def frame(kind: str) -> tuple[QFrame, QVBoxLayout]:
    """A framed box ("card" or "inset") and the column inside it."""
    box = QFrame()
    box.setProperty("kind", kind)
    column = QVBoxLayout(box)
    column.setContentsMargins(12, 12, 12, 12)
    column.setSpacing(SPACING)
    return box, column


def row(*widgets: QWidget | None, spacing: int = SPACING) -> QHBoxLayout:
    """Widgets side by side; None is the stretch between them."""
    result = QHBoxLayout()
    result.setSpacing(spacing)
    for widget in widgets:
        result.addStretch(1) if widget is None else result.addWidget(widget)
    return result


class Panel(QWidget):
    """The body of a dock: a heading with buttons at its right, unless a tab says it already, and a column below."""

    def __init__(self, heading: str, *buttons: QWidget, headed: bool = True) -> None:
        super().__init__()
        self.setProperty("kind", "panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAccessibleName(heading)
        self.heading = heading
        self.summary = label("", "small")
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(12, 12, 12, 12)
        self.column.setSpacing(SPACING)
        if headed:
            self.column.addLayout(row(label(heading, "heading"), self.summary, None, *buttons))


class EmptyState(QWidget):
    """What stands where there is nothing yet: an icon, what this place is for, and what to do."""

    def __init__(self, icon: str, title: str, text: str, *buttons: QPushButton) -> None:
        super().__init__()
        self.title = label(title, "heading", wrap=True)
        self.text = label(text, "muted", wrap=True)
        self.icon = IconLabel(icon, "faint", 36)
        column = QVBoxLayout(self)
        column.setContentsMargins(2 * SPACING, 2 * SPACING, 2 * SPACING, 2 * SPACING)
        column.setSpacing(SPACING)
        column.addStretch(1)
        for widget in (self.icon, self.title, self.text):
            widget.setAlignment(Qt.AlignmentFlag.AlignCenter)
            column.addWidget(widget)
        for each in buttons:
            each.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
            column.addWidget(each, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addStretch(1)

    def say(self, icon: str, title: str, text: str) -> None:
        self.icon.set_icon(icon, "faint")
        self.title.setText(title)
        self.text.setText(text)
