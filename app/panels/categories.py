"""The categories dock: what objects can be, their colours, and the digit key that chooses each."""

from PySide6.QtCore import QItemSelectionModel, QModelIndex, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QAbstractItemView, QColorDialog, QListView, QStackedWidget

from app.decisions import add_category
from app.key_bindings import key_bindings
from app.panels.category_list import CategoryDelegate, CategoryListModel
from app.panels.parts import EmptyState, IconButton, Panel, TextField, row
from app.session import Session
from app.translation import tr
from engine.project import commands


class CategoriesPanel(Panel):
    """Lists the categories; the marked one is what the next drawn instance will be."""

    def __init__(self, session: Session) -> None:
        super().__init__(tr("Categories"))
        self._session = session
        self.model = CategoryListModel(session)
        self.list = self._make_list()
        self._empty = EmptyState(
            "tag-outline", tr("No categories yet"), tr("Name one below, or let the model bring its own.")
        )
        self._stack = QStackedWidget()
        self._stack.addWidget(self.list)
        self._stack.addWidget(self._empty)
        self.field = TextField(tr("New category"), tr("New category"))
        self.field.returnPressed.connect(self.add)
        self._add = IconButton("plus", tr("Add category"), self.add)
        self.column.addWidget(self._stack, 1)
        self.column.addLayout(row(self.field, self._add))
        session.categories_changed.connect(self._refresh)
        session.active_category_changed.connect(self._follow)
        session.project_changed.connect(self._refresh)
        self._refresh()

    def add(self) -> None:
        """Add the category whose name is typed in the field, and make it the active one."""
        if self._session.project is None or not self.field.text().strip():
            self.field.setFocus()
            return
        new_id = add_category(self._session, self.field.text())
        if new_id is not None:
            self.field.clear()
            self._session.set_active_category(new_id)

    def _make_list(self) -> QListView:
        view = QListView()
        view.setAccessibleName(tr("Categories"))
        view.setToolTip(tr("The chosen category is what is drawn next"))
        view.setModel(self.model)
        self._delegate = CategoryDelegate()
        self._delegate.dot_clicked.connect(self._recolor)
        view.setItemDelegate(self._delegate)
        view.setMouseTracking(True)
        view.setUniformItemSizes(True)
        view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        view.setEditTriggers(QAbstractItemView.EditTrigger.DoubleClicked | QAbstractItemView.EditTrigger.EditKeyPressed)
        view.selectionModel().currentChanged.connect(self._choose)
        key_bindings().changed.connect(view.viewport().update)
        return view

    def _choose(self, current: QModelIndex) -> None:
        if current.isValid():
            self._session.set_active_category(self.model.id_at(current.row()))

    def _refresh(self) -> None:
        self.model.refresh()
        self.summary.setText(str(self.model.rowCount()) if self.model.rowCount() else "")
        self._stack.setCurrentWidget(self.list if self.model.rowCount() else self._empty)
        enabled = not self._session.read_only
        self.field.setEnabled(enabled)
        self._add.setEnabled(enabled)
        self._follow()

    def _follow(self) -> None:
        row_number = self.model.row_of(self._session.active_category_id)
        if row_number is not None:
            index = self.model.index(row_number)
            self.list.selectionModel().setCurrentIndex(index, QItemSelectionModel.SelectionFlag.ClearAndSelect)

    def _recolor(self, category_id: int) -> None:
        category = self._session.categories[category_id]
        if self._session.read_only:
            return
        color = QColorDialog.getColor(QColor(category.color), self, tr("Colour of {category}", category=category.name))
        if color.isValid():
            self._session.apply(commands.recolor_category(category, color.name()))
