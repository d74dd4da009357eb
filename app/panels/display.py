"""The display panel over the canvas: colours and opacity of masks, and how the image's values are shown."""

import math
from functools import partial

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QHideEvent, QKeyEvent, QMouseEvent, QShowEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QSlider, QVBoxLayout, QWidget

from app.canvas.display import Display
from app.option_bar import control
from app.panels.parts import IconButton, button, label, row, rule
from app.theme import SPACING
from app.tools.options import Number
from app.translation import number, tr

_PLACE = 12  # widget pixels from the canvas's corner beside the tools
_WIDTH = 452
_VALUE_WIDTH = 48
_FINE = 100  # steps of a ratio's slider to either side of 1


class DisplayPanel(QFrame):
    """Floats over the canvas's corner until it is closed, so that each change is seen at once. Esc closes it."""

    shown = Signal(bool)

    def __init__(self, display: Display, canvas: QWidget) -> None:
        super().__init__(canvas)
        self._display, self._canvas = display, canvas
        self.setProperty("kind", "card")
        self.setAttribute(Qt.WidgetAttribute.WA_NoMousePropagation)  # or tools would draw beneath it
        self.setCursor(Qt.CursorShape.ArrowCursor)
        self.setAccessibleName(tr("Display"))
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 10, 12, 14)
        column.setSpacing(SPACING)
        closing = IconButton("close", tr("Close"), self.hide)
        column.addLayout(row(label(tr("Masks"), "heading"), None, closing))
        column.addWidget(control(display.coloring))
        column.addLayout(_sliders(display, (display.fill, display.outline)))
        column.addSpacing(SPACING // 2)
        column.addWidget(rule())
        tip = tr("See the image as it is again")
        self.reset_button = button(tr("Reset"), display.reset_image, "quiet", tip)
        self.reset_button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        column.addLayout(row(label(tr("Image"), "heading"), None, self.reset_button))
        column.addWidget(control(display.channel))
        column.addLayout(_sliders(display, (display.brightness, display.contrast, display.gamma)))
        inverted = QHBoxLayout()
        inverted.addWidget(control(display.inverted))
        inverted.addStretch(1)
        inverted.addWidget(label(tr("Only the view changes, never the image."), "small"))
        column.addLayout(inverted)
        display.image_changed.connect(self._refresh)
        self._refresh()
        self.setFixedWidth(_WIDTH)
        self.move(_PLACE, _PLACE)
        self.hide()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.hide()
            self._canvas.setFocus()
        else:
            super().keyPressEvent(event)

    def showEvent(self, event: QShowEvent) -> None:
        self.raise_()
        self.shown.emit(True)

    def hideEvent(self, event: QHideEvent) -> None:
        self.shown.emit(False)

    def _refresh(self) -> None:
        self.reset_button.setEnabled(not self._display.tone.is_neutral)


class NumberSlider(QSlider):
    """A slider for a number; one whose least is above 0 is a ratio, and has 1 in its middle. A double click resets."""

    double_clicked = Signal()

    def __init__(self, option: Number) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self._option = option
        self._is_ratio = option.least > 0
        if self._is_ratio:
            self.setRange(-_FINE, _FINE)
        else:
            self.setRange(round(option.least), round(option.most))
        self.setPageStep(10)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName(option.text)
        self.setToolTip(tr("{tip}\nDouble-click to reset", tip=option.tip))
        self.valueChanged.connect(self._choose)
        option.changed.connect(self._show)
        self._show(option.value)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.double_clicked.emit()

    def _choose(self, place: int) -> None:
        self._option.set(self._option.most ** (place / _FINE) if self._is_ratio else place)

    def _show(self, value: float) -> None:
        place = _FINE * math.log(value, self._option.most) if self._is_ratio else value
        with QSignalBlocker(self):
            self.setValue(round(place))


def _sliders(display: Display, options: tuple[Number, ...]) -> QGridLayout:
    """A line for each number: its name, its slider, its value."""
    grid = QGridLayout()
    grid.setHorizontalSpacing(12)
    grid.setVerticalSpacing(SPACING)
    for line, option in enumerate(options):
        value = label("", "small")
        value.setMinimumWidth(_VALUE_WIDTH)
        value.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        slider = NumberSlider(option)
        slider.double_clicked.connect(partial(display.reset, option))
        option.changed.connect(partial(_say, value, option))
        _say(value, option)
        name = label(option.text, "muted")
        name.setBuddy(slider)
        grid.addWidget(name, line, 0)
        grid.addWidget(slider, line, 1)
        grid.addWidget(value, line, 2)
    return grid


def _say(words: QLabel, option: Number, _value: float = 0.0) -> None:
    words.setText(f"{number(option.value)} {option.unit}" if option.unit else number(option.value, 2))
