"""The list of images as a model, its filter, and the painting of one row."""

from collections.abc import Iterable
from typing import Protocol

from PySide6.QtCore import (
    QModelIndex,
    QPersistentModelIndex,
    QRect,
    QSize,
    QStringListModel,
    Qt,
)
from PySide6.QtGui import QPainter, QPen, QPixmap
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from app.panels.queue_words import WORDS, long_words, short_words
from app.panels.status import IMAGE_LOOKS
from app.session import Session
from app.theme import SPACING, theme
from app.translation import tr
from engine.learning.queue import Queue
from engine.records import Image, ImageStatus, Review

IMAGE_ROLE = Qt.ItemDataRole.UserRole
PLACE_ROLE = Qt.ItemDataRole.UserRole + 1  # the image's place in the queue, None where there is no reason to tell
ROW_HEIGHT = 52
THUMBNAIL = QSize(56, 40)
Index = QModelIndex | QPersistentModelIndex


class ThumbnailSource(Protocol):
    """Where rows get their thumbnails from."""

    def pixmap(self, image: Image) -> QPixmap | None:
        """The thumbnail of an image, or None while there is none."""


class ImageListModel(QStringListModel):
    """The session's images that pass the filter, in list order, one row each.

    A view asks how many rows there are for every row that it lays out, and a proxy model would ask for each row's data
    too: with a hundred thousand images a question that Python answers takes a quarter of a second. So this filters all
    images at once, and Qt's list of strings, all empty, stands for the number of rows. A row stays under the person's
    hands until the filter is applied again.
    """

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.ids: list[int] = []  # of the listed images
        self.places = Queue.empty()
        session.image_updated.connect(self.repaint_image)

    def set_filter(self, text: str, status: ImageStatus | None, order: Iterable[int] | None = None) -> None:
        """List the images anew whose path holds the text, in whatever case, and that have the status, None for any;
        in an order of all ids, by default that in which they were added."""
        wanted = text.strip().lower()
        images = self._session.images
        ids = list(images if order is None else order)
        if status is not None:
            ids = [image_id for image_id in ids if images[image_id].status == status]
        if wanted:
            ids = [image_id for image_id in ids if wanted in images[image_id].path.lower()]
        if ids != self.ids:
            before, self.ids = len(self.ids), ids
            if len(ids) != before:  # as many rows as before only show other images
                self.setStringList([""] * len(ids))

    def flags(self, index: Index) -> Qt.ItemFlag:
        return Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemNeverHasChildren

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        image = self._session.images.get(self.ids[index.row()])
        if image is None:
            return None
        place = self.places.place_of(image.id) if image.review is Review.OPEN else None
        if role == IMAGE_ROLE:
            return image
        if role == Qt.ItemDataRole.DisplayRole:
            return image.name
        if role == Qt.ItemDataRole.AccessibleTextRole:
            why = [] if place is None else [short_words(place)]
            return ", ".join([image.name, IMAGE_LOOKS[image.status].word, *why])
        if role == PLACE_ROLE:
            return place
        if role == Qt.ItemDataRole.ToolTipRole:
            lines = [image.path, tr("{width} x {height} px", width=image.width, height=image.height)]
            lines += [IMAGE_LOOKS[image.status].word]
            lines += [tr("Hold-out: used to compare models, never trained on")] if image.hold_out else []
            lines += [] if place is None else [long_words(place)]
            return "\n".join(lines)
        return None

    def row_of(self, image_id: int) -> int | None:
        """The row of an image; None where it is not listed."""
        try:
            return self.ids.index(image_id)  # not by a dictionary: making one of a hundred thousand takes 10 ms
        except ValueError:
            return None

    def repaint_image(self, image_id: int) -> None:
        row = self.row_of(image_id)
        if row is not None:
            self.dataChanged.emit(self.index(row), self.index(row))


class ImageDelegate(QStyledItemDelegate):
    """Paints a row: thumbnail, name, and as icon and words its status, or why it is next."""

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
        place = index.data(PLACE_ROLE)
        shown = look if place is None else WORDS[place.reason]
        colors.paint_icon(painter, icon, shown.icon, shown.token)
        painter.setPen(colors.color("muted"))
        small = painter.font()
        small.setPixelSize(12)
        painter.setFont(small)
        word = f"{look.word} · {tr('hold-out')}" if image.hold_out else look.word
        line = QRect(icon.right() + 6, icon.top() - 3, text.width() - 20, 20)
        words = word if place is None else short_words(place)
        elided = painter.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, line.width())
        painter.drawText(line, Qt.AlignmentFlag.AlignVCenter, elided)
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
    """A rounded wash behind a selected or hovered row, and an accent edge around the one that the keyboard is at."""
    selected = bool(option.state & QStyle.StateFlag.State_Selected)
    hovered = bool(option.state & QStyle.StateFlag.State_MouseOver)
    focused = bool(option.state & QStyle.StateFlag.State_HasFocus)
    painter.setPen(QPen(theme().color("accent"), 2) if focused else Qt.PenStyle.NoPen)
    if selected or hovered or focused:
        ground = theme().color("selection" if selected else "raised")
        painter.setBrush(ground if selected or hovered else Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(option.rect.adjusted(1, 1, -1, -1), 6, 6)
