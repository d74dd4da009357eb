"""The instances dock: the threshold, and the instances of the current image with what can be done to them."""

from collections.abc import Iterator, Sequence
from math import inf
from time import perf_counter

from PySide6.QtCore import QEvent, QItemSelection, QItemSelectionModel, QModelIndex, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QAbstractItemView, QListView, QMenu, QStackedWidget, QToolButton

from app.key_bindings import key_bindings, key_hint
from app.panels.instance_filter import FilterField
from app.panels.instance_list import Index, InstanceDelegate, InstanceListModel
from app.panels.parts import EmptyState, IconButton, Panel, row, rule
from app.panels.threshold import ThresholdControl
from app.session import Session
from app.translation import tr, trn
from engine.project.orders import Order

REFRESH_MS = 30  # one refresh for a burst of changes, such as a dragged threshold slider
SLICE = 0.006  # seconds of a refresh in one go: half a frame, because the view lays its rows out after the last
MOST_FOLLOWED = 64  # rows selected at once while a key waits
ORDER_WORDS = {
    Order.READING: tr("Reading Order"),
    Order.UNCERTAINTY: tr("Least Certain First"),
    Order.AREA: tr("Largest First"),
}


class _Rows(QListView):
    """Rows of one height: what changed in one is painted, and thousands need not be laid out anew for it."""

    def dataChanged(self, first: Index, last: Index, roles: Sequence[int] | None = None) -> None:
        self.viewport().update()


class InstancesPanel(Panel):
    """Lists the current image's instances and keeps the list's selection and the session's the same."""

    hide_toggled = Signal(int)  # instance id
    opened = Signal(int)  # instance id: bring it into view
    hovered = Signal(object)  # the id of the instance whose row is under the pointer, None for none

    def __init__(self, session: Session) -> None:
        super().__init__(tr("Instances"), headed=False)
        self._everything = IconButton("ghost-outline", tr("Also list rejected instances and ghosts"))
        self._session = session
        self._syncing = False
        self._everything.setCheckable(True)
        self._everything.toggled.connect(self._list_everything)
        self.threshold = ThresholdControl(session)
        self.model = InstanceListModel(session)
        self.filter = FilterField(session)
        self.filter.changed.connect(self._filter)
        self.list = self._make_list()
        self._empty = EmptyState("shape-outline", "", "")
        self._stack = QStackedWidget()
        self._stack.addWidget(self.list)
        self._stack.addWidget(self._empty)
        self._select_listed = IconButton("select-all", tr("Select all listed instances"), self.select_listed)
        self.column.addWidget(self.threshold)
        self.column.addWidget(rule())
        self.column.addWidget(self.filter)
        buttons = (self._select_listed, self._make_order_button(), self._everything)
        self.column.addLayout(row(self.summary, None, *buttons, spacing=2))
        self.column.addWidget(self._stack, 1)
        self._work: Iterator[None] = iter(())
        self._slices = QTimer(self, singleShot=True, interval=0)
        self._slices.timeout.connect(self._go_on)
        self._timer = QTimer(self, singleShot=True, interval=REFRESH_MS)
        self._timer.timeout.connect(self.refresh)
        self._in_part = False  # whether more instances were to come when they were listed last
        for signal in (session.instances_changed, session.categories_changed, session.image_changed):
            signal.connect(self._later)
        session.instance_order.changed.connect(self.refresh)
        self._following = QTimer(self, singleShot=True, interval=0)
        self._following.timeout.connect(self._follow)
        session.selection_changed.connect(self._follow_selection)
        key_bindings().changed.connect(self._later)
        self.refresh()

    def set_actions(self, actions: list[QAction]) -> None:
        """The actions that a right click on the list offers."""
        self.list.addActions(actions)
        self.list.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)

    def refresh(self) -> None:
        """List the session's instances again; the rest of many comes in the next turns of the event loop."""
        self._in_part = self._session.is_arriving
        self.threshold.refresh()
        self._work = self.model.refresh()
        self._go_on()

    def select_listed(self) -> None:
        """Select everything that is to be listed, though it may not be shown yet."""
        self._session.await_instances()
        self._work = self.model.refresh()
        self._go_on(inf)
        self._session.select(self.model.ids)

    def _go_on(self, seconds: float = SLICE) -> None:
        until = perf_counter() + seconds
        self._syncing = True
        unfinished = any(perf_counter() > until for _ in self._work)
        self._syncing = False
        if unfinished:
            self._slices.start()
        else:
            self._show_count()
            self._follow()

    def _show_count(self) -> None:
        rows = self.model.rowCount()
        self.summary.setText(trn("{count} instance listed", "{count} instances listed", rows))
        self._select_listed.setEnabled(rows > 0)
        self._stack.setCurrentWidget(self.list if rows else self._empty)
        if not rows:
            self._say_why_empty()

    def _make_list(self) -> QListView:
        view = _Rows()
        view.setAccessibleName(tr("Instances"))
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
        view.entered.connect(lambda index: self.hovered.emit(self.model.id_at(index.row())))
        view.viewportEntered.connect(lambda: self.hovered.emit(None))
        view.viewport().installEventFilter(self)
        return view

    def _make_order_button(self) -> QToolButton:
        button = IconButton("sort", tr("Order of the list and of Tab"))
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        button.setProperty("kind", "quiet")
        menu, group, order = QMenu(button), QActionGroup(button), self._session.instance_order
        actions = {value: menu.addAction(words) for value, words in ORDER_WORDS.items()}
        for value, action in actions.items():
            action.setCheckable(True)
            action.setData(value)
            group.addAction(action)
        group.triggered.connect(lambda action: order.set(Order(action.data())))
        order.changed.connect(lambda: actions[order.value].setChecked(True))
        actions[order.value].setChecked(True)
        button.setMenu(menu)
        return button

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() is QEvent.Type.Leave:
            self.hovered.emit(None)
        return super().eventFilter(watched, event)

    def _later(self) -> None:
        if not self._timer.isActive():
            self._timer.start(0 if self._session.is_arriving or self._in_part else REFRESH_MS)

    def _list_everything(self, everything: bool) -> None:
        self.model.everything = everything
        self.refresh()

    def _filter(self) -> None:
        self.model.set_filter(self.filter.filter)
        self.refresh()

    def _open(self, index: QModelIndex) -> None:
        self.opened.emit(self.model.id_at(index.row()))

    def _select(self) -> None:
        """The list's selection becomes the session's."""
        if not self._syncing:
            chosen = self.list.selectionModel().selection()
            ranges = [chosen.at(place) for place in range(chosen.count())]
            self._syncing = True
            self._session.select(key for each in ranges for key in self.model.ids[each.top() : each.bottom() + 1])
            self._syncing = False

    def _follow_selection(self) -> None:
        """At once, but hundreds of rows in a turn of the event loop of their own: the key that chose them is not kept
        waiting."""
        if len(self._session.selection) > MOST_FOLLOWED:
            self._following.start()
        else:
            self._follow()

    def _follow(self) -> None:
        """The session's selection becomes the list's."""
        if self._syncing:
            return
        rows = [place for place in map(self.model.row_of, self._session.selection) if place is not None]
        self._syncing = True
        selection = self.list.selectionModel()
        selection.clearSelection()
        selection.select(self._stretches(sorted(rows)), QItemSelectionModel.SelectionFlag.ClearAndSelect)
        if len(rows) == 1:  # of many there is none to scroll to
            selection.setCurrentIndex(self.model.index(rows[0]), QItemSelectionModel.SelectionFlag.NoUpdate)
            self.list.scrollTo(self.model.index(rows[0]))
        self._syncing = False

    def _stretches(self, rows: list[int]) -> QItemSelection:
        """Rows in rising order as a selection of few ranges: thousands of single ones take Qt seconds."""
        chosen, start = QItemSelection(), 0
        for end in range(1, len(rows) + 1):
            if end == len(rows) or rows[end] != rows[end - 1] + 1:
                chosen.select(self.model.index(rows[start]), self.model.index(rows[end - 1]))
                start = end
        return chosen

    def _say_why_empty(self) -> None:
        session, say = self._session, self._empty.say
        if session.image is None:
            say("shape-outline", tr("No image open"), tr("The instances of the open image are listed here."))
        elif session.arrived and self.filter.filter.groups:
            say("filter-off-outline", tr("Nothing matches"), tr("No instance fits the filter above."))
        elif session.arrived:
            say("filter-outline", tr("Nothing above the threshold"), tr("Lower it to see more proposals."))
        elif session.image.predicted_by is None:
            text = tr("The model proposes some, or draw with the brush{key}.", key=key_hint("tool_brush"))
            say("creation", tr("No instances yet"), text)
        else:
            text = tr(
                "Draw with the brush{brush}, or verify it as empty{empty}.",
                brush=key_hint("tool_brush"),
                empty=key_hint("verify_empty"),
            )
            say("shape-outline", tr("The model found nothing"), text)
