"""The current image's instances as a model, and the painting of one row."""

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
from PySide6.QtGui import QColor, QMouseEvent, QPainter
from PySide6.QtWidgets import QStyledItemDelegate, QStyleOptionViewItem

from app.panels.image_list import paint_row_background
from app.panels.provenance import provenance
from app.panels.status import INSTANCE_LOOKS
from app.session import Session
from app.theme import SPACING, theme
from app.translation import tr
from engine.records import Instance, InstanceState

INSTANCE_ROLE = Qt.ItemDataRole.UserRole
ROW_HEIGHT = 34
Index = QModelIndex | QPersistentModelIndex
_ORDER = {InstanceState.PROPOSAL: 0, InstanceState.ACCEPTED: 1, InstanceState.GHOST: 2, InstanceState.REJECTED: 3}


def is_ghost(instance: Instance, threshold: float) -> bool:
    """Whether an instance is a proposal below the threshold, or was one when its image was accepted."""
    below = instance.score is not None and instance.score < threshold
    return instance.state is InstanceState.GHOST or (instance.state is InstanceState.PROPOSAL and below)


class InstanceListModel(QAbstractListModel):
    """Proposals first, best score first, then accepted instances; ghosts and rejected ones last, and only on demand."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._ids: list[int] = []
        self.everything = False

    def rowCount(self, parent: Index = QModelIndex()) -> int:
        return 0 if parent.isValid() else len(self._ids)

    def id_at(self, row: int) -> int:
        return self._ids[row]

    def row_of(self, instance_id: int) -> int | None:
        return self._ids.index(instance_id) if instance_id in self._ids else None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        instance = self._session.instances.get(self._ids[index.row()])
        if instance is None:
            return None
        if role == INSTANCE_ROLE:
            return instance
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return self._words(instance)
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{self._words(instance)}\n{provenance(self._session, instance)}"
        return None

    def refresh(self) -> bool:
        """Read the session's instances again. True when rows moved, came or went, so that selections are void."""
        ids = self._listed()
        if ids == self._ids:
            if ids:
                self.dataChanged.emit(self.index(0), self.index(len(ids) - 1))
            return False
        self.beginResetModel()
        self._ids = ids
        self.endResetModel()
        return True

    def _listed(self) -> list[int]:
        threshold = self._session.threshold
        rows = [
            (_ORDER[each.state] + 2 * is_ghost(each, threshold), -(1.0 if each.score is None else each.score), each.id)
            for each in self._session.instances.values()
            if self.everything or (each.state is not InstanceState.REJECTED and not is_ghost(each, threshold))
        ]
        return [instance_id for _, _, instance_id in sorted(rows)]

    def _words(self, instance: Instance) -> str:
        category = self._session.categories.get(instance.category_id)
        words = [category.name if category is not None else "?", INSTANCE_LOOKS[instance.state].word.lower()]
        if instance.score is not None:
            words.append(f"score {instance.score:.2f}")
        words.append(f"{instance.mask.area:,} px")
        if instance.hidden:
            words.append("hidden")
        if instance.locked:
            words.append(tr("locked"))
        return ", ".join(words)


class InstanceDelegate(QStyledItemDelegate):
    """Paints a row: category dot and name, score, area, state, and the eye that hides the instance."""

    eye_clicked = Signal(int)

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(160, ROW_HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        instance = index.data(INSTANCE_ROLE)
        if not isinstance(instance, Instance):
            return
        colors = theme()
        faint = instance.hidden or instance.state is InstanceState.REJECTED
        faint = faint or is_ghost(instance, self._session.threshold)
        category = self._session.categories.get(instance.category_id)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        paint_row_background(painter, option)
        area = option.rect.adjusted(SPACING + 2, 0, -SPACING, 0)
        middle = area.center().y()
        paint_dot(painter, area.left(), middle, category.color if category is not None else "#888888", faint)
        columns = _columns(area)
        painter.setPen(colors.color("faint" if faint else "text"))
        name = option.fontMetrics.elidedText(
            category.name if category is not None else "?", Qt.TextElideMode.ElideRight, columns["name"].width()
        )
        painter.drawText(columns["name"], Qt.AlignmentFlag.AlignVCenter, name)
        painter.setPen(colors.color("faint" if faint else "muted"))
        right = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight
        painter.drawText(columns["score"], right, "" if instance.score is None else f"{instance.score:.2f}")
        painter.drawText(columns["area"], right, f"{instance.mask.area:,} px")
        look = INSTANCE_LOOKS[instance.state]
        # What is locked is decided too: the lock takes the place of the state's sign, in the state's colour.
        colors.paint_icon(painter, columns["state"], "lock" if instance.locked else look.icon, look.token)
        eye = ("eye-off-outline", "muted") if instance.hidden else ("eye-outline", "faint")
        colors.paint_icon(painter, columns["eye"], *eye)
        painter.restore()

    def editorEvent(self, event: QEvent, model: QAbstractItemModel, option: QStyleOptionViewItem, index: Index) -> bool:
        if isinstance(event, QMouseEvent) and event.button() is Qt.MouseButton.LeftButton:
            area = option.rect.adjusted(SPACING + 2, 0, -SPACING, 0)
            inside = _columns(area)["eye"].adjusted(-4, -8, 4, 8).contains(event.position().toPoint())
            instance = index.data(INSTANCE_ROLE)
            if inside and isinstance(instance, Instance):
                if event.type() is QEvent.Type.MouseButtonRelease:
                    self.eye_clicked.emit(instance.id)
                return True
        return super().editorEvent(event, model, option, index)


def paint_dot(painter: QPainter, left: int, middle: int, color: str, faint: bool = False) -> None:
    """A category's dot, 10 px wide; a ring where it stands for something that is not shown."""
    dot = QRect(left, middle - 5, 10, 10)
    painter.setPen(QColor(color) if faint else Qt.PenStyle.NoPen)
    painter.setBrush(Qt.BrushStyle.NoBrush if faint else QColor(color))
    painter.drawEllipse(dot)


def _columns(area: QRect) -> dict[str, QRect]:
    """Where a row's parts stand, from its right edge inwards."""
    top, height, right = area.top(), area.height(), area.right()
    square = area.center().y() - 8
    return {
        "eye": QRect(right - 16, square, 16, 16),
        "state": QRect(right - 40, square, 16, 16),
        "area": QRect(right - 122, top, 74, height),
        "score": QRect(right - 160, top, 38, height),
        "name": QRect(area.left() + 20, top, max(0, right - 166 - area.left() - 20), height),
    }
