"""The bar over the canvas: which image this is, how far it has come, and the decisions about it."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QPushButton, QToolButton, QWidget

from app.actions import Actions
from app.panels.parts import CutLabel, IconLabel, row
from app.panels.status import IMAGE_LOOKS
from app.session import Session
from app.theme import SPACING, theme
from app.translation import tr
from engine.records import Review

_LEAST_STATUS = 40  # pixels of its words; the icon tells it, too


class ReviewBar(QWidget):
    """Previous and next, name and status, and Empty, Skip, Accept; or Reopen once the image is decided."""

    def __init__(self, session: Session, actions: Actions) -> None:
        super().__init__()
        self._session = session
        self.setProperty("kind", "bar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._icon = IconLabel("circle-outline", "faint", 16)
        self._name = CutLabel("heading", Qt.TextElideMode.ElideMiddle)
        self._status = CutLabel("small", least=_LEAST_STATUS, may_go=True)
        self._accept = _button(actions["accept_image"], tr("Accept image"), "primary")
        self._empty = _button(actions["verify_empty"], tr("Empty"))
        self._skip = _button(actions["skip_image"], tr("Skip"))
        self._reopen = _button(actions["reopen_image"], tr("Reopen image"))
        layout = row(
            _arrow(actions["previous_image"]),
            _arrow(actions["next_image"]),
            self._icon,
            self._name,
            self._status,
            None,
            self._empty,
            self._skip,
            self._accept,
            self._reopen,
        )
        layout.setContentsMargins(SPACING, 6, 12, 6)
        self.setLayout(layout)
        session.image_changed.connect(self.refresh)
        session.image_updated.connect(self.refresh)
        theme().changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        image = self._session.image
        undecided = image is not None and image.review is Review.OPEN
        for each in (self._empty, self._skip, self._accept):
            each.setVisible(undecided)
        self._reopen.setVisible(image is not None and not undecided)
        self._icon.setVisible(image is not None)
        if image is None:
            self._name.show_text("")
            self._status.show_text("")
            return
        look = IMAGE_LOOKS[image.status]
        self._icon.set_icon(look.icon, look.token)
        self._name.show_text(image.name)
        words = [look.word]
        words += [tr("hold-out")] if image.hold_out else []
        words += [tr("read only")] if self._session.read_only else []
        self._status.show_text(", ".join(words))


def _button(action: QAction, text: str, kind: str = "") -> QPushButton:
    """A push button that triggers an action and follows its enabled state."""
    result = QPushButton(text)
    result.setAccessibleName(action.text())
    result.setToolTip(action.toolTip())
    result.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    if kind:
        result.setProperty("kind", kind)
    result.clicked.connect(action.trigger)
    action.enabledChanged.connect(result.setEnabled)
    action.changed.connect(lambda: result.setToolTip(action.toolTip()))  # its keys may change
    result.setEnabled(action.isEnabled())
    return result


def _arrow(action: QAction) -> QToolButton:
    result = QToolButton()
    result.setProperty("kind", "quiet")
    result.setDefaultAction(action)
    result.setIconSize(QSize(20, 20))
    result.setAccessibleName(action.text())
    return result
