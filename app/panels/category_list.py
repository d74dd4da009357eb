"""The project's categories as a model, and the painting and renaming of one row."""

from PySide6.QtCore import (
    QAbstractItemModel,
    QAbstractListModel,
    QEvent,
    QModelIndex,
    QPersistentModelIndex,
    QRect,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QMouseEvent, QPainter
from PySide6.QtWidgets import QStyledItemDelegate, QStyleOptionViewItem, QWidget

from app.key_bindings import keys_of
from app.keymap import CATEGORY_COMMANDS
from app.panels.image_list import paint_row_background
from app.panels.instance_list import paint_dot
from app.panels.parts import TextField
from app.session import Session
from app.theme import SPACING, theme
from app.translation import tr
from engine.errors import MaskwrightError
from engine.project import commands
from engine.records import Category

CATEGORY_ROLE = Qt.ItemDataRole.UserRole
ROW_HEIGHT = 32
Index = QModelIndex | QPersistentModelIndex


class CategoryListModel(QAbstractListModel):
    """The session's categories; editing a row renames the category."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._ids: list[int] = []
        self.refresh()

    def rowCount(self, parent: Index = QModelIndex()) -> int:
        return 0 if parent.isValid() else len(self._ids)

    def id_at(self, row: int) -> int:
        return self._ids[row]

    def row_of(self, category_id: int | None) -> int | None:
        return self._ids.index(category_id) if category_id in self._ids else None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        category = self._session.categories.get(self._ids[index.row()])
        if category is None:
            return None
        if role == CATEGORY_ROLE:
            return category
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.EditRole):
            return category.name
        if role == Qt.ItemDataRole.ToolTipRole:
            key = key_of_row(index.row())
            name = tr("{name}, key {key}", name=category.name, key=key) if key else category.name
            return name + "\n" + tr("Double click to rename, click the dot for another colour")
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        flags = super().flags(index)
        return flags if self._session.read_only else flags | Qt.ItemFlag.ItemIsEditable

    def setData(self, index: Index, value: object, role: int = Qt.ItemDataRole.EditRole) -> bool:
        category = self.data(index, CATEGORY_ROLE)
        if not isinstance(category, Category) or str(value).strip() == category.name:
            return False
        try:
            return self._session.apply(commands.rename_category(category, str(value)))
        except MaskwrightError as error:
            self._session.notice.emit(str(error))
            return False

    def refresh(self) -> None:
        self.beginResetModel()
        self._ids = list(self._session.categories)
        self.endResetModel()


class CategoryDelegate(QStyledItemDelegate):
    """Paints a row: colour dot, name, and the digit key that chooses the category."""

    dot_clicked = Signal(int)  # category id

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(120, ROW_HEIGHT)

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: Index) -> QWidget:
        return TextField(tr("Category name"), tr("Name"), parent)

    def updateEditorGeometry(self, editor: QWidget, option: QStyleOptionViewItem, index: Index) -> None:
        editor.setGeometry(option.rect.adjusted(24, 1, -32, -1))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        category = index.data(CATEGORY_ROLE)
        if not isinstance(category, Category):
            return
        colors = theme()
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        paint_row_background(painter, option)
        area = option.rect.adjusted(SPACING + 2, 0, -SPACING, 0)
        paint_dot(painter, area.left(), area.center().y(), category.color)
        key = key_of_row(index.row())
        width = max(20, option.fontMetrics.horizontalAdvance(key) + 10)
        name = area.adjusted(20, 0, -width - 10, 0)
        painter.setPen(colors.color("text"))
        text = option.fontMetrics.elidedText(category.name, Qt.TextElideMode.ElideRight, name.width())
        painter.drawText(name, Qt.AlignmentFlag.AlignVCenter, text)
        if key:
            cap = QRect(area.right() + 1 - width, area.center().y() - 9, width, 19)
            painter.setPen(colors.color("border"))
            painter.setBrush(colors.color("raised"))
            painter.drawRoundedRect(cap, 4, 4)
            painter.setPen(colors.color("muted"))
            painter.drawText(cap, Qt.AlignmentFlag.AlignCenter, key)
        painter.restore()

    def editorEvent(self, event: QEvent, model: QAbstractItemModel, option: QStyleOptionViewItem, index: Index) -> bool:
        if isinstance(event, QMouseEvent) and event.type() is QEvent.Type.MouseButtonRelease:
            category = index.data(CATEGORY_ROLE)
            if event.position().x() < option.rect.left() + 26 and isinstance(category, Category):
                self.dot_clicked.emit(category.id)
                return True
        return super().editorEvent(event, model, option, index)


def key_of_row(row: int) -> str:
    """The key that chooses the category of a row; nothing for those after the last that has one."""
    return keys_of(CATEGORY_COMMANDS[row].id) if row < len(CATEGORY_COMMANDS) else ""
