"""The list of every command with its keys, by group, and the painting of one row."""

from collections.abc import Set

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, QRect, QSize, Qt, Signal
from PySide6.QtGui import QFont, QKeyEvent, QPainter
from PySide6.QtWidgets import QListView, QStyledItemDelegate, QStyleOptionViewItem

from app.key_bindings import key_bindings
from app.key_caps import paint_caps
from app.key_profiles import written
from app.keymap import BOUND_COMMANDS, Command
from app.panels.image_list import paint_row_background
from app.theme import SPACING, theme
from app.translation import tr

Index = QModelIndex | QPersistentModelIndex
COMMAND_ROLE = Qt.ItemDataRole.UserRole
CLASHES_ROLE = Qt.ItemDataRole.UserRole + 1
ROW_HEIGHT = 34


class KeyListModel(QAbstractListModel):
    """Commands that match, under a row for each group. A row of a group has no command."""

    def __init__(self) -> None:
        super().__init__()
        self._rows: list[Command | str] = []
        self._clash: tuple[Set[str], Set[str]] = (frozenset(), frozenset())
        self.find("")

    def find(self, words: str) -> None:
        """List the commands whose text, group or keys have every one of the words."""
        wanted = words.casefold().split()
        self._list([command for command in BOUND_COMMANDS if all(word in _searched(command) for word in wanted)])

    def find_key(self, key: str) -> None:
        """List the command that has a canonical key."""
        owner = key_bindings().keymap.owners.get(key)
        self._list([command for command in BOUND_COMMANDS if command.id == owner])

    def mark_clash(self, keys: Set[str], command_ids: Set[str]) -> None:
        """Show commands as claiming the same keys; none any more for empty sets."""
        self._clash = (keys, command_ids)
        self.refresh()

    def refresh(self) -> None:
        """The keys have changed; what is listed stays."""
        self.dataChanged.emit(self.index(0), self.index(len(self._rows) - 1))

    def command_at(self, row: int) -> Command | None:
        """The command of a row; None for the row of a group, or none."""
        found = self._rows[row] if 0 <= row < len(self._rows) else None
        return found if isinstance(found, Command) else None

    def row_of(self, command_id: str) -> int | None:
        """The row of a command, None where it is not listed."""
        rows = (row for row, each in enumerate(self._rows) if isinstance(each, Command) and each.id == command_id)
        return next(rows, None)

    def rowCount(self, parent: Index = QModelIndex()) -> int:
        return 0 if parent.isValid() else len(self._rows)

    def flags(self, index: Index) -> Qt.ItemFlag:
        if self.command_at(index.row()) is None:
            return Qt.ItemFlag.NoItemFlags
        return Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemNeverHasChildren

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        command = self.command_at(index.row())
        if command is None:
            return self._rows[index.row()] if role == Qt.ItemDataRole.DisplayRole else None
        if role == COMMAND_ROLE:
            return command
        if role == CLASHES_ROLE:
            return self._clash[0] if command.id in self._clash[1] else frozenset()
        if role == Qt.ItemDataRole.DisplayRole:
            return command.text.rstrip("…")
        if role == Qt.ItemDataRole.ToolTipRole:
            return command.tip
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return ", ".join([command.text.rstrip("…"), *keys_in_words(command.id), *self._remarks(command)])
        return None

    def _remarks(self, command: Command) -> list[str]:
        remarks = [tr("changed by you")] if key_bindings().keymap.is_changed(command.id) else []
        return remarks + ([tr("claims the same key as another command")] if command.id in self._clash[1] else [])

    def _list(self, commands: list[Command]) -> None:
        self.beginResetModel()
        self._rows = []
        for group in dict.fromkeys(command.group for command in commands):
            self._rows += [group, *(command for command in commands if command.group == group)]
        self.endResetModel()


class KeyDelegate(QStyledItemDelegate):
    """Paints the text, a dot where the person changed the keys, and the keys as caps at the right."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(200, ROW_HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        command = index.data(COMMAND_ROLE)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = option.rect.adjusted(2 * SPACING, 0, -2 * SPACING, 0)
        if isinstance(command, Command):
            paint_row_background(painter, option)
            _paint_command(painter, area, option, command, index.data(CLASHES_ROLE))
        else:
            _paint_group(painter, area.adjusted(-SPACING, 6, 0, 0), str(index.data()))
        painter.restore()


class KeyList(QListView):
    """The list, with its keys: Enter records, Backspace and Delete clear."""

    record = Signal()
    clear = Signal()

    def __init__(self, model: KeyListModel) -> None:
        super().__init__()
        self.setAccessibleName(tr("Commands and their keys"))
        self.setToolTip(tr("Enter adds a key to the chosen command, Backspace takes its keys away"))
        self.setModel(model)
        self._delegate = KeyDelegate()
        self.setItemDelegate(self._delegate)
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.doubleClicked.connect(lambda _: self.record.emit())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.record.emit()
        elif event.key() in (Qt.Key.Key_Backspace, Qt.Key.Key_Delete):
            self.clear.emit()
        else:
            super().keyPressEvent(event)


def keys_in_words(command_id: str) -> list[str]:
    """Every key of a command as people say it."""
    return [written(key) for key in key_bindings().keymap.keys[command_id]]


def _searched(command: Command) -> str:
    return " ".join([command.text, command.group, command.tip, *keys_in_words(command.id)]).casefold()


def _paint_group(painter: QPainter, area: QRect, text: str) -> None:
    font = painter.font()
    font.setWeight(QFont.Weight.DemiBold)
    painter.setFont(font)
    painter.setPen(theme().color("muted"))
    painter.drawText(area, Qt.AlignmentFlag.AlignVCenter, text)


def _paint_command(
    painter: QPainter, area: QRect, option: QStyleOptionViewItem, command: Command, clash: Set[str]
) -> None:
    colors, keymap = theme(), key_bindings().keymap
    right = paint_caps(painter, area, keys_in_words(command.id), [written(key) for key in clash])
    if keymap.is_changed(command.id):
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colors.color("accent"))
        painter.drawEllipse(area.left() - 10, area.center().y() - 2, 5, 5)
    if clash:
        colors.paint_icon(painter, QRect(area.left(), area.center().y() - 8, 16, 16), "alert-outline", "warning")
    text = area.adjusted(24 if clash else 0, 0, right - area.right() - SPACING, 0)
    painter.setPen(colors.color("warning" if clash else "text"))
    words = option.fontMetrics.elidedText(command.text.rstrip("…"), Qt.TextElideMode.ElideRight, text.width())
    painter.drawText(text, Qt.AlignmentFlag.AlignVCenter, words)
