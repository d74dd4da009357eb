"""Window and level: which of an image's values the screen spreads from black to white, where there are more than 256.

The window is how many values that are, the level is the one in their middle. It changes what is shown and nothing else:
the model always sees the automatic window.
"""

import math
from collections.abc import Callable

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtWidgets import QSlider, QWidget

from app.canvas.pyramid import DeepPyramid
from app.panels.parts import button, label, row
from app.session import Session
from app.theme import SPACING
from app.translation import number, tr

_STEPS = 2000  # more than a slider has pixels, so that the arrow keys are finer than the pointer
_NARROWEST = 1e-3  # the least window, as a share of all values: 64 values of 16 bits
_FIGURES_WIDTH = 64


class WindowLevelBar(QWidget):
    """Two sliders, "Auto" and "Full range"; hidden while the image has 8 bits. Each image keeps its own window."""

    def __init__(self, session: Session, repaint: Callable[[], object]) -> None:
        """`repaint` paints the image again."""
        super().__init__()
        self._session, self._repaint = session, repaint
        self._windows: dict[int, tuple[float, float]] = {}
        self.setProperty("kind", "foot")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAccessibleName(tr("Window and level"))
        self.width_slider = _slider(tr("Window"), tr("How many values are spread from black to white"))
        self.level_slider = _slider(tr("Level"), tr("The value in the middle, shown as mid grey"))
        self._width, self._level, self._range = (label("", "small") for _ in range(3))
        for figures in (self._width, self._level):
            figures.setMinimumWidth(_FIGURES_WIDTH)
        self._range.setToolTip(tr("The smallest and the largest value of the image"))
        self.auto = button(tr("Auto"), self._show_auto, tip=tr("The window that the model sees: 99.8 % of the values"))
        self.full = button(tr("Full range"), self._show_all, tip=tr("From the smallest to the largest value"))
        for each in (self.auto, self.full):
            each.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        names = label(tr("Window"), "muted"), label(tr("Level"), "muted")
        for name, slider in zip(names, (self.width_slider, self.level_slider), strict=True):
            name.setBuddy(slider)
        layout = row(
            *(names[0], self.width_slider, self._width),
            *(names[1], self.level_slider, self._level),
            *(self.auto, self.full, self._range),
        )
        layout.setContentsMargins(12, 6, 12, 6)
        layout.setSpacing(SPACING)
        self.setLayout(layout)
        for slider in (self.width_slider, self.level_slider):
            layout.setStretchFactor(slider, 2)
            slider.valueChanged.connect(self._slide)
        session.project_changed.connect(self._windows.clear)
        session.image_changed.connect(self._show_image)
        self._show_image()

    def set_window(self, low: float, high: float) -> None:
        """Spread the values from `low` to `high` over the screen's, of the current image."""
        picture, image = self._picture, self._session.image
        if picture is not None and image is not None:
            self._windows[image.id] = picture.window = (low, high)
            self._refresh(picture)
            self._repaint()

    # -- inside

    @property
    def _picture(self) -> DeepPyramid | None:
        """What the canvas paints, if there is a window to choose."""
        picture = self._session.deep
        return picture if picture is not None and picture.image.is_deep else None

    def _show_image(self) -> None:
        picture, image = self._picture, self._session.image
        self.setVisible(picture is not None)
        if picture is not None and image is not None:
            default = (picture.image.low, picture.image.high)
            picture.window = self._windows.get(image.id, default)
            self._refresh(picture)

    def _show_auto(self) -> None:
        if self._picture is not None:
            self.set_window(self._picture.image.low, self._picture.image.high)

    def _show_all(self) -> None:
        if self._picture is not None:
            self.set_window(self._picture.image.least, self._picture.image.most)

    def _slide(self) -> None:
        """The sliders' window: their steps are shares of all values, those of the width by ratio rather than by sum."""
        if self._picture is None:
            return
        least, span = self._picture.image.least, _span(self._picture)
        width = span * _NARROWEST ** (1 - self.width_slider.value() / _STEPS)
        level = least + span * self.level_slider.value() / _STEPS
        self.set_window(level - width / 2, level + width / 2)

    def _refresh(self, picture: DeepPyramid) -> None:
        low, high = picture.window
        least, most, span = picture.image.least, picture.image.most, _span(picture)
        share = min(max((high - low) / span, _NARROWEST), 1.0)
        self._set(self.width_slider, 1 - math.log(share) / math.log(_NARROWEST))
        self._set(self.level_slider, ((low + high) / 2 - least) / span)
        self._width.setText(_figures(high - low))
        self._level.setText(_figures((low + high) / 2))
        self._range.setText(tr("Values {least} to {most}", least=_figures(least), most=_figures(most)))

    def _set(self, slider: QSlider, share: float) -> None:
        """Move a slider without being told of it; one that is at the right step already keeps it."""
        with QSignalBlocker(slider):
            slider.setValue(round(share * _STEPS))


def _slider(name: str, tip: str) -> QSlider:
    slider = QSlider(Qt.Orientation.Horizontal)
    slider.setRange(0, _STEPS)
    slider.setPageStep(_STEPS // 20)
    slider.setMinimumWidth(60)
    slider.setMaximumWidth(400)
    slider.setAccessibleName(name)
    slider.setToolTip(tip)
    return slider


def _span(picture: DeepPyramid) -> float:
    """From the smallest to the largest value; 1 for an even image, which looks the same through any window."""
    return (picture.image.most - picture.image.least) or 1.0


def _figures(value: float) -> str:
    return number(value) if abs(value) >= 100 else number(value, max(0, 2 - math.floor(math.log10(abs(value) or 1))))
