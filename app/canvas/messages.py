"""What the canvas says in words: nothing open yet, an image on its way or unreadable, a model at work."""

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontInfo, QFontMetricsF, QPainter, QPen

from app.session import Session
from app.theme import theme
from app.translation import tr

PILL_TOP = 12.0
PILL_PADDING = 12.0
DOT = 4.0
LABEL_PADDING = 6.0
LABEL_GAP = 4.0
LABEL_RADIUS = 4.0
LINE = 420.0  # widest line of a message: longer ones are hard to read


def draw_state(painter: QPainter, room: QRectF, session: Session, *, late: bool) -> None:
    """Why there is no image to see. An image on its way is mentioned only where it is `late`."""
    if session.project is None:
        draw_message(painter, room, tr("No project is open"), tr("Open a project or a folder of images to begin."))
    elif session.image is None:
        draw_message(painter, room, tr("No image yet"), tr("Add images, or choose one in the list."))
    elif session.unreadable is not None:
        draw_message(painter, room, tr("This image cannot be read"), session.unreadable, bad=True)
    elif late:
        draw_message(painter, room, tr("Loading…"), session.image.path)


def draw_message(painter: QPainter, room: QRectF, title: str, text: str = "", *, bad: bool = False) -> None:
    """A title with a line of explanation in the middle of the canvas."""
    heading = QFont(painter.font())
    heading.setPixelSize(round(QFontInfo(heading).pixelSize() * 1.35))  # style sheets size fonts in pixels
    heading.setWeight(QFont.Weight.DemiBold)
    width = min(LINE, room.width() - 32)
    flags = Qt.AlignmentFlag.AlignHCenter | Qt.TextFlag.TextWordWrap
    limits = QRectF(0, 0, width, room.height())
    title_box = QFontMetricsF(heading).boundingRect(limits, flags, title)
    text_box = QFontMetricsF(painter.font()).boundingRect(limits, flags, text) if text else QRectF()
    gap = 8.0 if text else 0.0
    top = room.center().y() - (title_box.height() + gap + text_box.height()) / 2
    left = room.center().x() - width / 2
    painter.save()
    painter.setPen(theme().color("danger" if bad else "text"))
    painter.setFont(heading)
    painter.drawText(QRectF(left, top, width, title_box.height() + 1), flags, title)
    painter.restore()
    if text:
        painter.setPen(theme().color("muted"))
        painter.drawText(QRectF(left, top + title_box.height() + gap, width, text_box.height() + 1), flags, text)


def pill_rect(metrics: QFontMetricsF, room: QRectF, text: str) -> QRectF:
    """Where `draw_pill` paints."""
    width = metrics.horizontalAdvance(text) + 2 * PILL_PADDING + 2 * DOT + 8
    height = metrics.height() + 10
    return QRectF(room.center().x() - width / 2, room.top() + PILL_TOP, width, height)


def draw_label(painter: QPainter, room: QRectF, at: QPointF, text: str) -> None:
    """Words over a place on the image, kept inside of the room."""
    metrics = QFontMetricsF(painter.font())
    width, height = metrics.horizontalAdvance(text) + 2 * LABEL_PADDING, metrics.height() + 4
    left = min(max(at.x() - width / 2, room.left()), max(room.right() - width, room.left()))
    top = max(at.y() - height - LABEL_GAP, room.top())
    rect = QRectF(left, top, width, height)
    painter.save()
    _draw_ground(painter, rect, LABEL_RADIUS)
    painter.setPen(theme().color("text"))
    painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, text)
    painter.restore()


def draw_pill(painter: QPainter, room: QRectF, text: str) -> None:
    """A small notice over the image, such as that a model is at work."""
    rect = pill_rect(QFontMetricsF(painter.font()), room, text)
    painter.save()
    _draw_ground(painter, rect, rect.height() / 2)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(theme().color("accent")))
    painter.drawEllipse(QPointF(rect.left() + PILL_PADDING + DOT, rect.center().y()), DOT, DOT)
    painter.setPen(theme().color("text"))
    words = rect.adjusted(PILL_PADDING + 2 * DOT + 8, 0, -PILL_PADDING, 0)
    painter.drawText(words, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, text)
    painter.restore()


def _draw_ground(painter: QPainter, rect: QRectF, radius: float) -> None:
    """What words over the image stand on."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    background = theme().color("surface")
    background.setAlpha(235)
    painter.setBrush(background)
    painter.setPen(QPen(theme().color("border"), 1))
    painter.drawRoundedRect(rect.adjusted(0.5, 0.5, -0.5, -0.5), radius, radius)
