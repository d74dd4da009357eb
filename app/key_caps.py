"""Keys painted as the caps of a keyboard, for the lists that are too long for a widget each."""

from collections.abc import Sequence

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QFontMetrics, QPainter

from app.theme import theme

CAP_HEIGHT = 20
CAP_GAP = 6
_PADDING = 14


def caps_width(metrics: QFontMetrics, caps: Sequence[str]) -> int:
    """The room that caps in a row take, in pixels."""
    return sum(_width(metrics, each) + CAP_GAP for each in caps) - CAP_GAP if caps else 0


def paint_caps(painter: QPainter, area: QRect, caps: Sequence[str], marked: Sequence[str] = ()) -> int:
    """Paint caps at the right of an area, in its middle; `marked` ones stand out. Returns where they begin."""
    colors, right = theme(), area.right()
    for text in reversed(caps):
        width = _width(painter.fontMetrics(), text)
        cap = QRect(right - width, area.center().y() - CAP_HEIGHT // 2, width, CAP_HEIGHT)
        painter.setPen(colors.color("warning" if text in marked else "border"))
        painter.setBrush(colors.color("raised"))
        painter.drawRoundedRect(cap, 4, 4)
        painter.setPen(colors.color("warning" if text in marked else "text"))
        painter.drawText(cap, Qt.AlignmentFlag.AlignCenter, text)
        right = cap.left() - CAP_GAP
    return right


def _width(metrics: QFontMetrics, text: str) -> int:
    return max(CAP_HEIGHT, metrics.horizontalAdvance(text) + _PADDING)
