"""The threshold: a slider from 0 to 1 that decides, live, which proposals are shown."""

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtWidgets import QSlider, QVBoxLayout, QWidget

from app.panels.parts import label, row
from app.session import Session
from app.theme import SPACING
from app.translation import number, tr, trn
from engine.records import InstanceState

_STEPS = 100


class ThresholdControl(QWidget):
    """Slider, its value, and how many proposals it shows and hides."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, _STEPS)
        self.slider.setPageStep(5)
        self.slider.setAccessibleName(tr("Threshold"))
        self.slider.setToolTip(tr("Proposals with a lower score are ghosts: not shown, not accepted with the image"))
        self._value = label("", "heading")
        self._counts = label("", "small")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACING // 2)
        name = label(tr("Threshold"), "muted")
        name.setBuddy(self.slider)
        column.addLayout(row(name, None, self._value))
        column.addWidget(self.slider)
        column.addWidget(self._counts)
        self.slider.valueChanged.connect(lambda value: session.set_threshold(value / _STEPS))
        session.threshold_changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show the session's threshold and count what is above and below it."""
        threshold = self._session.threshold
        with QSignalBlocker(self.slider):
            self.slider.setValue(round(threshold * _STEPS))
        self._value.setText(number(threshold, 2))
        scores = [
            each.score or 0.0
            for each in self._session.arrived.values()
            if each.state is InstanceState.PROPOSAL and each.score is not None
        ]
        above = sum(score >= threshold for score in scores)
        counts = trn(
            "{count} proposal shown, {below} below",
            "{count} proposals shown, {below} below",
            above,
            below=len(scores) - above,
        )
        self._counts.setText(counts if scores else tr("No proposals here"))
