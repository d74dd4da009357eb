"""The project's history as a model that reads as far back as somebody scrolls, and the painting of one row."""

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPixmap
from PySide6.QtWidgets import QStyledItemDelegate, QStyleOptionViewItem

from app.actions import ACTION_WORDS
from app.jobs.pixels import thumbnail_window
from app.panels.image_list import THUMBNAIL, ThumbnailSource, paint_row_background
from app.panels.provenance import done_by
from app.session import Session
from app.theme import SPACING, theme
from app.translation import tr, when
from engine.project import HistoryEntry
from engine.records import Image

ENTRY_ROLE = Qt.ItemDataRole.UserRole
ROW_HEIGHT = 52
PAGE = 200  # entries read at once: more than a screen shows, few enough for a frame
Index = QModelIndex | QPersistentModelIndex


class HistoryModel(QAbstractListModel):
    """The timeline, newest first. The last row stands for the beginning, before every edit."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._entries: list[HistoryEntry] = []
        self._complete = True
        self._bounds: dict[int, tuple[int, int, int, int] | None] = {}

    def refresh(self) -> None:
        """Read the newest entries again; older ones when they are scrolled to."""
        project = self._session.project
        self.beginResetModel()
        self._entries = project.history(PAGE) if project is not None else []
        self._complete = len(self._entries) < PAGE
        self._bounds.clear()
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:
        if parent.isValid() or not self._entries:
            return 0
        return len(self._entries) + self._complete

    def canFetchMore(self, parent: Index) -> bool:
        return not parent.isValid() and not self._complete

    def fetchMore(self, parent: Index) -> None:
        project = self._session.project
        if project is None or self._complete:
            return
        older = project.history(PAGE, before=self._entries[-1].id)
        complete = len(older) < PAGE
        first = len(self._entries)
        self.beginInsertRows(QModelIndex(), first, first + len(older) + complete - 1)
        self._entries += older
        self._complete = complete
        self.endInsertRows()

    def entry(self, row: int) -> HistoryEntry | None:
        """The edit of a row; None for the beginning."""
        return self._entries[row] if row < len(self._entries) else None

    def current_row(self) -> int:
        """The row of the last edit that is done."""
        return next((row for row, entry in enumerate(self._entries) if not entry.undone), len(self._entries))

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        entry = self.entry(index.row())
        if role == ENTRY_ROLE:
            return entry
        if role == Qt.ItemDataRole.DisplayRole:
            return ACTION_WORDS[entry.action] if entry is not None else tr("Beginning")
        if role in (Qt.ItemDataRole.AccessibleTextRole, Qt.ItemDataRole.ToolTipRole):
            return self._words(entry)
        return None

    def image(self, entry: HistoryEntry) -> Image | None:
        """The image that an edit happened on."""
        return self._session.images.get(entry.image_id) if entry.image_id is not None else None

    def bounds(self, entry: HistoryEntry) -> tuple[int, int, int, int] | None:
        """x1 y1 x2 y2 of what an edit changed, in image pixels."""
        project = self._session.project
        if entry.id not in self._bounds and project is not None:
            self._bounds[entry.id] = project.history_bounds(entry.id)
        return self._bounds.get(entry.id)

    def _words(self, entry: HistoryEntry | None) -> str:
        if entry is None:
            return tr("The project before every edit")
        image = self.image(entry)
        words = [done_by(entry)]
        words += [image.name] if image is not None else []
        words += [when(entry.at, tr("d MMM yyyy, HH:mm:ss"))]
        words += [tr("undone")] if entry.undone else []
        return ", ".join(words)


class HistoryDelegate(QStyledItemDelegate):
    """Paints a row: the image with a frame around what changed, what was done, where and when."""

    def __init__(self, model: HistoryModel, thumbnails: ThumbnailSource) -> None:
        super().__init__()
        self._model = model
        self._thumbnails = thumbnails

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(120, ROW_HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        entry = self._model.entry(index.row())
        undone = entry is not None and entry.undone
        colors = theme()
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        paint_row_background(painter, option)
        area = option.rect.adjusted(SPACING, 0, -SPACING, 0)
        frame = QRect(area.left(), area.center().y() - THUMBNAIL.height() // 2, THUMBNAIL.width(), THUMBNAIL.height())
        painter.setOpacity(0.45 if undone else 1.0)
        self._paint_picture(painter, frame, entry)
        text = area.adjusted(THUMBNAIL.width() + 10, 0, 0, 0)
        painter.setPen(colors.color("text"))
        title = QRect(text.left(), text.top() + 7, text.width() - 20, 20)
        painter.drawText(title, Qt.AlignmentFlag.AlignVCenter, index.data())
        if index.row() == self._model.current_row():
            here = QRect(text.right() - 14, title.center().y() - 7, 14, 14)
            colors.paint_icon(painter, here, "map-marker", "accent")
        painter.setPen(colors.color("muted"))
        small = painter.font()
        small.setPixelSize(12)
        painter.setFont(small)
        line = QRect(text.left(), text.top() + 26, text.width(), 20)
        painter.drawText(line, Qt.AlignmentFlag.AlignVCenter, self._subtitle(painter, entry, line.width()))
        painter.restore()

    def _subtitle(self, painter: QPainter, entry: HistoryEntry | None, width: int) -> str:
        if entry is None:
            return tr("Before every edit")
        image = self._model.image(entry)
        time = when(entry.at, tr("d MMM, HH:mm"))
        words = f"{time} · {image.name}" if image is not None else time
        return painter.fontMetrics().elidedText(words, Qt.TextElideMode.ElideMiddle, width)

    def _paint_picture(self, painter: QPainter, frame: QRect, entry: HistoryEntry | None) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme().color("raised"))
        painter.drawRoundedRect(frame, 4, 4)
        image = self._model.image(entry) if entry is not None else None
        pixmap: QPixmap | None = self._thumbnails.pixmap(image) if image is not None else None
        if entry is None or image is None or pixmap is None:
            icon = "flag-outline" if entry is None else "history"
            theme().paint_icon(painter, frame.adjusted(18, 10, -18, -10), icon, "faint")
            return
        painter.drawPixmap(frame, pixmap)
        bounds = self._model.bounds(entry)
        if bounds is not None:
            painter.setClipRect(frame)
            painter.setPen(theme().color("accent"))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(_on_thumbnail(bounds, image, frame))
            painter.setClipping(False)


def _on_thumbnail(bounds: tuple[int, int, int, int], image: Image, frame: QRect) -> QRectF:
    """Where image pixels lie on a thumbnail, at least three pixels wide so that a speck is seen."""
    x, y, w, h = thumbnail_window(image.width, image.height)
    across, down = frame.width() / w, frame.height() / h
    x1, y1, x2, y2 = bounds
    width, height = max(3.0, (x2 - x1) * across), max(3.0, (y2 - y1) * down)
    return QRectF(frame.left() + (x1 - x) * across, frame.top() + (y1 - y) * down, width, height)
