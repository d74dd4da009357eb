"""The instances dock: the threshold, and the instances of the current image with what can be done to them."""

from PySide6.QtCore import QItemSelection, QItemSelectionModel, QModelIndex, Qt, QTimer, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QAbstractItemView, QListView, QStackedWidget

from app.key_bindings import key_bindings, key_hint
from app.panels.instance_list import InstanceDelegate, InstanceListModel
from app.panels.parts import EmptyState, IconButton, Panel, row, rule
from app.panels.threshold import ThresholdControl
from app.session import Session
from app.translation import tr

REFRESH_MS = 30  # one refresh for a burst of changes, such as a dragged threshold slider


class InstancesPanel(Panel):
    """Lists the current image's instances and keeps the list's selection and the session's the same."""

    hide_toggled = Signal(int)  # instance id
    opened = Signal(int)  # instance id: bring it into view

    def __init__(self, session: Session) -> None:
        super().__init__("Instances", headed=False)
        self._everything = IconButton("filter-outline", "Also list rejected instances and ghosts")
        self._session = session
        self._syncing = False
        self._everything.setCheckable(True)
        self._everything.toggled.connect(self._list_everything)
        self.threshold = ThresholdControl(session)
        self.model = InstanceListModel(session)
        self.list = self._make_list()
        self._empty = EmptyState("shape-outline", "", "")
        self._stack = QStackedWidget()
        self._stack.addWidget(self.list)
        self._stack.addWidget(self._empty)
        self.column.addWidget(self.threshold)
        self.column.addWidget(rule())
        self.column.addLayout(row(self.summary, None, self._everything))
        self.column.addWidget(self._stack, 1)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(REFRESH_MS)
        self._timer.timeout.connect(self.refresh)
        for signal in (session.instances_changed, session.categories_changed, session.image_changed):
            signal.connect(self._later)
        session.selection_changed.connect(self._follow)
        key_bindings().changed.connect(self._later)
        self.refresh()

    def set_actions(self, actions: list[QAction]) -> None:
        """The actions that a right click on the list offers."""
        self.list.addActions(actions)
        self.list.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)

    def refresh(self) -> None:
        self._syncing = True
        self.model.refresh()
        self._syncing = False
        self.threshold.refresh()
        rows = self.model.rowCount()
        self.summary.setText("1 instance listed" if rows == 1 else f"{rows} instances listed")
        self._stack.setCurrentWidget(self.list if rows else self._empty)
        if not rows:
            self._say_why_empty()
        self._follow()

    def _make_list(self) -> QListView:
        view = QListView()
        view.setAccessibleName("Instances")
        view.setModel(self.model)
        self._delegate = InstanceDelegate(self._session)
        self._delegate.eye_clicked.connect(self.hide_toggled)
        view.setItemDelegate(self._delegate)
        view.setUniformItemSizes(True)
        view.setMouseTracking(True)
        view.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        view.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        view.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        view.selectionModel().selectionChanged.connect(self._select)
        view.doubleClicked.connect(self._open)
        return view

    def _later(self) -> None:
        if not self._timer.isActive():
            self._timer.start()

    def _list_everything(self, everything: bool) -> None:
        self.model.everything = everything
        self.refresh()

    def _open(self, index: QModelIndex) -> None:
        self.opened.emit(self.model.id_at(index.row()))

    def _select(self) -> None:
        """The list's selection becomes the session's."""
        if not self._syncing:
            rows = self.list.selectionModel().selectedRows()
            self._syncing = True
            self._session.select(self.model.id_at(index.row()) for index in rows)
            self._syncing = False

    def _follow(self) -> None:
        """The session's selection becomes the list's."""
        if self._syncing:
            return
        chosen = QItemSelection()
        rows = [place for place in map(self.model.row_of, self._session.selection) if place is not None]
        for place in rows:
            chosen.select(self.model.index(place), self.model.index(place))
        self._syncing = True
        selection = self.list.selectionModel()
        selection.select(chosen, QItemSelectionModel.SelectionFlag.ClearAndSelect)
        if rows:
            selection.setCurrentIndex(self.model.index(rows[-1]), QItemSelectionModel.SelectionFlag.NoUpdate)
            self.list.scrollTo(self.model.index(rows[-1]))
        self._syncing = False

    def _say_why_empty(self) -> None:
        session = self._session
        if session.image is None:
            self._empty.say("shape-outline", "No image open", "The instances of the open image are listed here.")
        elif session.instances:
            self._empty.say("filter-outline", "Nothing above the threshold", "Lower it to see more proposals.")
        elif session.image.predicted_by is None:
            text = tr("The model proposes some, or draw with the brush{key}.", key=key_hint("tool_brush"))
            self._empty.say("creation", tr("No instances yet"), text)
        else:
            text = tr(
                "Draw with the brush{brush}, or verify it as empty{empty}.",
                brush=key_hint("tool_brush"),
                empty=key_hint("verify_empty"),
            )
            self._empty.say("shape-outline", tr("The model found nothing"), text)
