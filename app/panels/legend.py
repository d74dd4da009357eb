"""What the signs and colours of a picture mean."""

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from app.panels.parts import label
from app.theme import SPACING

SIGN_WIDTH = 22


class Legend(QWidget):
    """A sign and its words for each entry, in so many columns. Colours are set apart: they may follow the theme."""

    def __init__(self, entries: Sequence[tuple[str, str]], columns: int = 1) -> None:
        super().__init__()
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(SPACING)
        grid.setVerticalSpacing(2)
        self._signs: list[QLabel] = []
        for place, (sign, words) in enumerate(entries):
            mark = label(sign)
            mark.setFixedWidth(SIGN_WIDTH)
            mark.setAlignment(Qt.AlignmentFlag.AlignCenter)
            self._signs.append(mark)
            line, column = divmod(place, columns)
            grid.addWidget(mark, line, 2 * column)
            grid.addWidget(label(words, "small"), line, 2 * column + 1)
            grid.setColumnStretch(2 * column + 1, 1)

    def set_colors(self, colors: Sequence[str], ground: str = "transparent") -> None:
        """Colour the signs, in the order of the entries."""
        for mark, color in zip(self._signs, colors, strict=True):
            mark.setStyleSheet(f"color: {color}; background: {ground}; border-radius: 4px;")
