"""The list of images as a model, its filter, and the painting of one row."""

from typing import Protocol

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QPersistentModelIndex,
    QRect,
    QSize,
    QSortFilterProxyModel,
    Qt,
)
from PySide6.QtGui import QPainter, QPixmap
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from app.panels.status import IMAGE_LOOKS
from app.session import Session
from app.theme import SPACING, theme
from engine.records import Image, ImageStatus

IMAGE_ROLE = Qt.ItemDataRole.UserRole
ROW_HEIGHT = 52
THUMBNAIL = QSize(56, 40)
Index = QModelIndex | QPersistentModelIndex


class ThumbnailSource(Protocol):
    """Where rows get their thumbnails from."""

    def pixmap(self, image: Image) -> QPixmap | None:
        """The thumbnail of an image, or None while there is none."""


class ImageListModel(QAbstractListModel):
    """The session's images in list order, one row each."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._ids: list[int] = []
        self._rows: dict[int, int] = {}
        session.images_changed.connect(self._reset)
        session.image_updated.connect(self.repaint_image)
        self._reset()

    def rowCount(self, parent: Index = QModelIndex()) -> int:
        return 0 if parent.isValid() else len(self._ids)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        image = self._session.images.get(self._ids[index.row()])
        if image is None:
            return None
        if role == IMAGE_ROLE:
            return image
        if role == Qt.ItemDataRole.DisplayRole:
            return image.name
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{image.name}, {IMAGE_LOOKS[image.status].word}"
        if role == Qt.ItemDataRole.ToolTipRole:
            held = "\nHold-out: used to compare models, never trained on" if image.hold_out else ""
            return f"{image.path}\n{image.width} x {image.height} px, {IMAGE_LOOKS[image.status].word.lower()}{held}"
        return None

    def row_of(self, image_id: int) -> int | None:
        return self._rows.get(image_id)

    def repaint_image(self, image_id: int) -> None:
        row = self._rows.get(image_id)
        if row is not None:
            self.dataChanged.emit(self.index(row), self.index(row))

    def _reset(self) -> None:
        self.beginResetModel()
        self._ids = list(self._session.images)
        self._rows = {image_id: row for row, image_id in enumerate(self._ids)}
        self.endResetModel()


class ImageFilter(QSortFilterProxyModel):
    """Rows whose path holds the typed text and whose status is the chosen one."""

    def __init__(self, source: ImageListModel) -> None:
        super().__init__()
        self._text = ""
        self._status: ImageStatus | None = None
        self.setDynamicSortFilter(False)  # a row stays under the person's hands until the filter is applied again
        self.setSourceModel(source)

    def set(self, text: str, status: ImageStatus | None) -> None:
        self._text, self._status = text.strip().lower(), status
        self.invalidate()

    def filterAcceptsRow(self, row: int, parent: Index) -> bool:
        image = self.sourceModel().index(row, 0, parent).data(IMAGE_ROLE)
        if not isinstance(image, Image):
            return False
        return self._text in image.path.lower() and self._status in (None, image.status)


class ImageDelegate(QStyledItemDelegate):
    """Paints a row: thumbnail, name, and status as icon and word."""

    def __init__(self, thumbnails: ThumbnailSource) -> None:
        super().__init__()
        self._thumbnails = thumbnails

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(120, ROW_HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        image = index.data(IMAGE_ROLE)
        if not isinstance(image, Image):
            return
        look, colors = IMAGE_LOOKS[image.status], theme()
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        paint_row_background(painter, option)
        area = option.rect.adjusted(SPACING, 0, -SPACING, 0)
        frame = QRect(area.left(), area.center().y() - THUMBNAIL.height() // 2, THUMBNAIL.width(), THUMBNAIL.height())
        self._paint_thumbnail(painter, frame, self._thumbnails.pixmap(image))
        text = area.adjusted(THUMBNAIL.width() + 10, 0, 0, 0)
        name = QRect(text.left(), text.top() + 7, text.width(), 20)
        painter.setPen(colors.color("text"))
        metrics = option.fontMetrics
        painter.drawText(
            name,
            Qt.AlignmentFlag.AlignVCenter,
            metrics.elidedText(index.data(), Qt.TextElideMode.ElideMiddle, name.width()),
        )
        icon = QRect(text.left(), text.top() + 29, 14, 14)
        colors.paint_icon(painter, icon, look.icon, look.token)
        painter.setPen(colors.color("muted"))
        small = painter.font()
        small.setPixelSize(12)
        painter.setFont(small)
        word = look.word + (" · hold-out" if image.hold_out else "")
        line = QRect(icon.right() + 6, icon.top() - 3, text.width() - 20, 20)
        painter.drawText(line, Qt.AlignmentFlag.AlignVCenter, word)
        painter.restore()

    @staticmethod
    def _paint_thumbnail(painter: QPainter, frame: QRect, pixmap: QPixmap | None) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme().color("raised"))
        painter.drawRoundedRect(frame, 4, 4)
        if pixmap is not None:
            painter.drawPixmap(frame, pixmap)
        else:
            theme().paint_icon(painter, frame.adjusted(18, 10, -18, -10), "image-outline", "faint")


def paint_row_background(painter: QPainter, option: QStyleOptionViewItem) -> None:
    """A rounded wash behind a selected or hovered row, and an accent edge where the keyboard is."""
    selected = bool(option.state & QStyle.StateFlag.State_Selected)
    hovered = bool(option.state & QStyle.StateFlag.State_MouseOver)
    if not selected and not hovered:
        return
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme().color("selection" if selected else "raised"))
    painter.drawRoundedRect(option.rect.adjusted(2, 1, -2, -1), 6, 6)
