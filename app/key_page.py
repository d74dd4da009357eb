"""What the key sheet shows: groups of entries in columns. Painted, because as widgets they would be hundreds."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QFont, QFontMetrics, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QWidget

from app.key_caps import CAP_GAP, CAP_HEIGHT, caps_width, paint_caps
from app.theme import SPACING, theme


@dataclass(frozen=True)
class Entry:
    """What is done, and the keys or gestures that do it."""

    words: str
    caps: tuple[str, ...]


@dataclass(frozen=True)
class Group:
    """A heading and its entries."""

    heading: str
    entries: tuple[Entry, ...]


_COLUMN = 270  # pixels that a column takes at least
_MOST_COLUMNS = 4
_COLUMN_GAP = 4 * SPACING
_GROUP_GAP = 2 * SPACING
_HEADING = 26
_LINE = CAP_HEIGHT + 4


class KeyPage(QWidget):
    """Lays groups out in as many columns of about the same height as there is room for."""

    def __init__(self) -> None:
        super().__init__()
        self._groups: Sequence[Group] = ()
        self.shown: Sequence[Group] = ()
        self._headings: list[tuple[QRect, str]] = []
        self._lines: list[tuple[QRect, Entry]] = []
        theme().changed.connect(self.update)

    def show_groups(self, groups: Sequence[Group], words: str = "") -> None:
        """Show the entries of groups that have every one of the words in their text, their group or their keys."""
        self._groups = groups
        self.search(words)

    def search(self, words: str) -> None:
        """Show other entries of the same groups."""
        wanted = words.casefold().split()
        found = [Group(group.heading, _matching(group, wanted)) for group in self._groups]
        self.shown = [group for group in found if group.entries]
        said = [f"{entry.words}: {', '.join(entry.caps)}" for group in self.shown for entry in group.entries]
        self.setAccessibleDescription("; ".join(said))
        self._arrange()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._arrange()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        plain, bold = self.font(), QFont(self.font())
        bold.setWeight(QFont.Weight.DemiBold)
        painter.setFont(bold)
        painter.setPen(theme().color("text"))
        for rect, heading in self._headings:
            painter.drawText(rect, Qt.AlignmentFlag.AlignVCenter, heading)
        painter.setFont(plain)
        for rect, entry in self._lines:
            if rect.intersects(event.rect()):
                left = paint_caps(painter, QRect(rect.left(), rect.top(), rect.width(), _LINE), entry.caps)
                painter.setPen(theme().color("muted"))
                words = QRect(rect.left(), rect.top() + 3, left - rect.left(), rect.height())
                painter.drawText(words, Qt.TextFlag.TextWordWrap, entry.words)
        painter.end()

    def _arrange(self) -> None:
        """Find the place of everything for the present width."""
        columns = min(_MOST_COLUMNS, max(1, (self.width() + _COLUMN_GAP) // (_COLUMN + _COLUMN_GAP)))
        width = (self.width() - (columns - 1) * _COLUMN_GAP) // columns
        metrics = self.fontMetrics()
        heights = [[_height(metrics, entry, width) for entry in group.entries] for group in self.shown]
        totals = [_HEADING + sum(each) + _GROUP_GAP for each in heights]
        self._headings, self._lines = [], []
        bottoms = [0] * columns
        before = 0
        for group, own, total in zip(self.shown, heights, totals, strict=True):
            column = min(columns - 1, int((before + total / 2) * columns / sum(totals)))
            before += total
            left, top = column * (width + _COLUMN_GAP), bottoms[column]
            self._headings.append((QRect(left, top, width, _HEADING), group.heading))
            top += _HEADING
            for entry, height in zip(group.entries, own, strict=True):
                self._lines.append((QRect(left, top, width, height), entry))
                top += height
            bottoms[column] = top + _GROUP_GAP
        self.setMinimumHeight(max(bottoms))
        self.update()


def _matching(group: Group, wanted: Sequence[str]) -> tuple[Entry, ...]:
    def text(entry: Entry) -> str:
        return f"{entry.words} {' '.join(entry.caps)} {group.heading}".casefold()

    return tuple(entry for entry in group.entries if all(word in text(entry) for word in wanted))


def _height(metrics: QFontMetrics, entry: Entry, width: int) -> int:
    room = QRect(0, 0, width - caps_width(metrics, entry.caps) - CAP_GAP, 1000)
    return max(_LINE, metrics.boundingRect(room, Qt.TextFlag.TextWordWrap, entry.words).height() + 6)
