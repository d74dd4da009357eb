"""The history dock: every edit of the project, newest first, and the way back or forward to any of them."""

from collections.abc import Callable

from PySide6.QtCore import QEvent, QModelIndex, Qt, QTimer
from PySide6.QtGui import QKeyEvent, QShowEvent
from PySide6.QtWidgets import QAbstractItemView, QListView, QStackedWidget

from app.panels.history_list import HistoryDelegate, HistoryModel
from app.panels.image_list import ThumbnailSource
from app.panels.parts import EmptyState, Panel, button, row
from app.session import Session
from app.translation import tr, trn

REFRESH_MS = 50  # one refresh for a burst of edits


class _HistoryView(QListView):
    """A list that keeps Enter for itself, which accepts instances everywhere else in the window."""

    def event(self, event: QEvent) -> bool:
        enter = (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if event.type() is QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and event.key() in enter:
            event.accept()
            return True
        return super().event(event)


class HistoryPanel(Panel):
    """Lists what was done. `travel` takes the id of the edit that is to be the last one done, 0 for none."""

    def __init__(self, session: Session, thumbnails: ThumbnailSource, travel: Callable[[int], object]) -> None:
        super().__init__(tr("History"), headed=False)
        self._session = session
        self._travel = travel
        self.model = HistoryModel(session)
        self.list = self._make_list(thumbnails)
        self.go_button = button(
            tr("Go Here"), self._go, "", tr("Undo or redo everything between here and the chosen edit")
        )
        self._empty = EmptyState(
            "history", tr("Nothing done yet"), tr("Every edit is listed here, and can be gone back to.")
        )
        self._stack = QStackedWidget()
        self._stack.addWidget(self.list)
        self._stack.addWidget(self._empty)
        self.column.addLayout(row(self.summary, None, self.go_button))
        self.column.addWidget(self._stack, 1)
        self._timer = QTimer(self, singleShot=True, interval=REFRESH_MS)
        self._timer.timeout.connect(self.refresh)
        for signal in (session.history_changed, session.project_changed):
            signal.connect(self._later)
        self.refresh()

    def _make_list(self, thumbnails: ThumbnailSource) -> QListView:
        view = _HistoryView()
        view.setAccessibleName(tr("History"))
        view.setToolTip(tr("Enter or a double click goes to an edit"))
        view.setModel(self.model)
        self._delegate = HistoryDelegate(self.model, thumbnails)
        view.setItemDelegate(self._delegate)
        view.setUniformItemSizes(True)
        view.setMouseTracking(True)
        view.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        view.activated.connect(self._go_to)
        view.selectionModel().currentChanged.connect(self._enable)
        return view

    def refresh(self) -> None:
        """Read the newest edits again."""
        self.model.refresh()
        rows = self.model.rowCount()
        self._stack.setCurrentWidget(self.list if rows else self._empty)
        here = self.model.index(self.model.current_row())
        if here.isValid():
            self.list.setCurrentIndex(here)
        undone = self.model.current_row() if rows else 0
        self.summary.setText(trn("{count} undone", "{count} undone", undone) if undone else "")
        self._enable()

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QShowEvent):
            self._timer.start()  # it may have missed edits while it was hidden
        return super().event(event)

    def _later(self) -> None:
        if self.isVisible():
            self._timer.start()

    def _enable(self) -> None:
        row = self.list.currentIndex().row()
        elsewhere = row >= 0 and row != self.model.current_row()
        self.go_button.setEnabled(elsewhere and not self._session.read_only)

    def _go(self) -> None:
        self._go_to(self.list.currentIndex())

    def _go_to(self, index: QModelIndex) -> None:
        if index.isValid() and not self._session.read_only:
            entry = self.model.entry(index.row())
            self._travel(entry.id if entry is not None else 0)
