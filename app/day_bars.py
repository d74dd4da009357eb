"""A small plot of how many instances were accepted on each of the last days."""

from collections.abc import Mapping
from datetime import date, timedelta

from PySide6.QtCore import QEvent, QLocale, QRectF, Qt
from PySide6.QtGui import QHelpEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from app.theme import theme
from app.translation import number, tr, trn

DAYS = 30
_HEIGHT = 132
_FOOT = 20  # for the dates below the bars
_HEAD = 18  # for the largest count above them
_LEAST = 3  # pixels of a bar that stands for anything at all
_GAP = 0.3  # of the width of a day


class DayBars(QWidget):
    """A bar a day, today at the right; the count of a day is its tooltip."""

    def __init__(self) -> None:
        super().__init__()
        self._days: list[tuple[date, int]] = []
        self.setFixedHeight(_HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme().changed.connect(self.update)

    def show_days(self, counts: Mapping[date, int], today: date) -> None:
        """Show the last `DAYS` days up to today."""
        days = [today - timedelta(days=back) for back in reversed(range(DAYS))]
        self._days = [(day, counts.get(day, 0)) for day in days]
        self.setAccessibleDescription("; ".join(_words(day, count) for day, count in self._days if count))
        self.update()

    def day_at(self, x: float) -> tuple[date, int] | None:
        """The day whose bar stands at a place of the widget, and its count."""
        if not self._days or not 0 <= x < self.width():
            return None
        return self._days[int(x / self.width() * len(self._days))]

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent):
            found = self.day_at(event.pos().x())
            QToolTip.showText(event.globalPos(), _words(*found) if found else "", self)
            return True
        return super().event(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self._days:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        font = painter.font()
        font.setPixelSize(12)
        painter.setFont(font)
        most = max(count for _, count in self._days)
        floor, room = self.height() - _FOOT, self.height() - _FOOT - _HEAD
        width = self.width() / len(self._days)
        painter.setPen(theme().color("border"))
        painter.drawLine(0, floor, self.width(), floor)
        for place, (day, count) in enumerate(self._days):
            if count:
                height = max(_LEAST, room * count / most)
                bar = QRectF(place * width + width * _GAP / 2, floor - height, width * (1 - _GAP), height)
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(theme().color("accent"))
                painter.drawRoundedRect(bar, 2, 2)
                if count == most:
                    most_at = bar
            if place in (0, len(self._days) - 1):
                self._paint_date(painter, day, floor)
        if most:
            painter.setPen(theme().color("muted"))
            above = QRectF(most_at.center().x() - 40, most_at.top() - _HEAD, 80, _HEAD)
            above.moveRight(min(above.right(), self.width()))
            above.moveLeft(max(above.left(), 0))
            painter.drawText(above, Qt.AlignmentFlag.AlignCenter, number(most))
        painter.end()

    def _paint_date(self, painter: QPainter, day: date, floor: int) -> None:
        right = day is self._days[-1][0]
        side = Qt.AlignmentFlag.AlignRight if right else Qt.AlignmentFlag.AlignLeft
        painter.setPen(theme().color("muted"))
        below = QRectF(0, floor + 2, self.width(), _FOOT - 2)
        painter.drawText(below, side | Qt.AlignmentFlag.AlignVCenter, _date(day))


def _date(day: date) -> str:
    return QLocale().toString(day, tr("d MMM"))  # type: ignore[call-overload]


def _words(day: date, count: int) -> str:
    instances = trn("{count} instance", "{count} instances", count)
    return tr("{day}: {instances}", day=_date(day), instances=instances)
