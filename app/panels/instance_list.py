"""The current image's instances as a model, and the painting of one row."""

from collections.abc import Iterator

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
from app.translation import number, tr
from engine.project.instance_filter import Filter, Scene, is_ghost
from engine.records import Instance, InstanceState

INSTANCE_ROLE = Qt.ItemDataRole.UserRole
ROW_HEIGHT = 34
Index = QModelIndex | QPersistentModelIndex


class InstanceListModel(QAbstractListModel):
    """The instances that a filter lets through, in the session's order of instances.

    Ghosts and rejected ones come last, and only on demand or where the filter asks for them.
    """

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._ids: list[int] = []
        self._rows: dict[int, int] = {}
        self._painted: dict[int, Instance] = {}
        self._scene = Scene({}, 0.0)
        self._tested: dict[int, tuple[Instance, bool]] = {}
        self._filter = Filter()
        self.everything = False

    def rowCount(self, parent: Index = QModelIndex()) -> int:
        return 0 if parent.isValid() else len(self._ids)

    def id_at(self, row: int) -> int:
        return self._ids[row]

    def row_of(self, instance_id: int) -> int | None:
        return self._rows.get(instance_id)

    @property
    def ids(self) -> list[int]:
        """What is listed, in its order."""
        return self._ids

    def set_filter(self, value: Filter) -> None:
        """List what this lets through from the next `refresh` on."""
        self._filter = value
        self._tested = {}

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        instance = self._session.arrived.get(self._ids[index.row()])
        if instance is None:
            return None
        if role == INSTANCE_ROLE:
            return instance
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return self._words(instance)
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{self._words(instance)}\n{provenance(self._session, instance)}"
        return None

    def passes(self, instance: Instance) -> bool:
        """Whether the filter lets an instance through."""
        return not self._filter.groups or self._filter.matches(instance, self._scene)

    def refresh(self) -> Iterator[None]:
        """Read the session's instances again. Yields between instances, and shows them at the end.

        Rows that stay keep their selection; only rows that changed are painted again.
        """
        session = self._session
        scene = Scene({key: category.name for key, category in session.categories.items()}, session.threshold)
        if scene != self._scene:
            self._scene, self._tested, self._painted = scene, {}, {}
        instances = dict(session.arrived)  # an edit may come between two slices
        tested: dict[int, tuple[Instance, bool]] = {}
        for key, instance in instances.items():
            known = self._tested.get(key)
            if known is None or known[0] is not instance:
                known = instance, self._filter.matches(instance, scene)
                yield
            tested[key] = known
        self._tested = tested
        yield
        sure: list[Instance] = []
        ghosts: list[Instance] = []
        rejected: list[Instance] = []
        for instance, passes in tested.values():
            if passes:
                denied = instance.state is InstanceState.REJECTED
                group = rejected if denied else ghosts if is_ghost(instance, scene.threshold) else sure
                group.append(instance)
        by_status = self.everything or self._filter.names("status")
        groups = (sure, ghosts if by_status or self._filter.names("score") else [], rejected if by_status else [])
        ids = [each.id for group in groups for each in session.instance_order.of(group, scene.threshold)]
        yield
        self._show(ids, instances)

    def _show(self, ids: list[int], instances: dict[int, Instance]) -> None:
        self._replace_rows(ids)
        self._rows = {key: row for row, key in enumerate(ids)}
        changed = [row for row, key in enumerate(ids) if self._painted.get(key) is not instances.get(key)]
        if changed:
            self.dataChanged.emit(self.index(changed[0]), self.index(changed[-1]))
        self._painted = instances

    def _replace_rows(self, ids: list[int]) -> None:
        """Only the rows between the first and the last that differ go and come."""
        before = self._ids
        shorter = min(len(before), len(ids))
        start = next((row for row in range(shorter) if before[row] != ids[row]), shorter)
        tail = next((back for back in range(shorter - start) if before[-1 - back] != ids[-1 - back]), shorter - start)
        none = QModelIndex()
        if len(before) - tail > start:
            self.beginRemoveRows(none, start, len(before) - tail - 1)
            self._ids = before[:start] + before[len(before) - tail :]
            self.endRemoveRows()
        if len(ids) - tail > start:
            self.beginInsertRows(none, start, len(ids) - tail - 1)
            self._ids = ids
            self.endInsertRows()
        self._ids = ids

    def _words(self, instance: Instance) -> str:
        category = self._session.categories.get(instance.category_id)
        words = [category.name if category is not None else "?", INSTANCE_LOOKS[instance.state].word.lower()]
        if instance.score is not None:
            words.append(tr("score {score}", score=number(instance.score, 2)))
        words.append(tr("{area} px", area=number(instance.mask.area)))
        if instance.hidden:
            words.append(tr("hidden"))
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
        painter.drawText(columns["score"], right, "" if instance.score is None else number(instance.score, 2))
        painter.drawText(columns["area"], right, tr("{area} px", area=number(instance.mask.area)))
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
