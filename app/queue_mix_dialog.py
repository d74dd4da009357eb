"""The small window in which a person says what counts in the queue."""

from PySide6.QtCore import QSignalBlocker, Qt, QTimer
from PySide6.QtWidgets import QDialog, QHBoxLayout, QSlider, QSpinBox, QVBoxLayout, QWidget

from app.jobs.queue_order import QueueOrder
from app.panels.parts import button, label, row, rule
from app.theme import SPACING
from app.translation import tr
from engine.learning.queue import QueueMix

STEPS = 100
FIELD_WIDTH = 76  # "100 %" with its margins
SETTLE_MS = 200  # after the last movement of a slider the queue is found anew


class QueueMixDialog(QDialog):
    """Three weights and the share of chance; what is set counts at once and is kept with the project."""

    def __init__(self, queue: QueueOrder, writable: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._queue = queue
        self._writable = writable
        self.setWindowTitle(tr("What Counts in the Queue"))
        self.setMinimumWidth(400)
        self._uncertainty = _Weight(
            tr("Uncertainty"),
            tr("Scores near the threshold, unsure outlines, and what looks otherwise in the mirror image."),
        )
        self._diversity = _Weight(tr("Variety"), tr("Images unlike what was accepted, and unlike each other."))
        self._disagreement = _Weight(
            tr("Disagreement"), tr("Images whose annotations, imported or drawn, the model sees otherwise.")
        )
        self._weights = (self._uncertainty, self._diversity, self._disagreement)
        self._nothing = label(tr("Nothing counts, so the whole order is left to chance."), "warning", wrap=True)
        self.random = _percent_field(tr("Share of random controls"), tr("How many places are given by chance"))
        self._reset_button = button(tr("Usual mix"), self._reset, "", tr("Set everything to what it was at first"))
        self._build()
        self._settle = QTimer(self, singleShot=True, interval=SETTLE_MS)
        self._settle.timeout.connect(self._set)
        for weight in self._weights:
            weight.slider.valueChanged.connect(self._later)
        self.random.valueChanged.connect(self._later)
        self.finished.connect(self._finish)
        queue.mix_changed.connect(self._show)
        self._show()

    @property
    def mix(self) -> QueueMix:
        """What is set."""
        return QueueMix(
            uncertainty=self._uncertainty.slider.value() / STEPS,
            diversity=self._diversity.slider.value() / STEPS,
            disagreement=self._disagreement.slider.value() / STEPS,
            random=self.random.value() / 100,
        )

    def _build(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(3 * SPACING, 3 * SPACING, 3 * SPACING, 2 * SPACING)
        layout.setSpacing(SPACING)
        layout.addWidget(label(tr("What Counts in the Queue"), "title"))
        layout.addWidget(label(tr("Weights are compared with each other; 0 leaves something out."), "muted", wrap=True))
        for weight in self._weights:
            layout.addSpacing(SPACING // 2)
            layout.addWidget(weight)
        layout.addWidget(self._nothing)
        layout.addSpacing(SPACING // 2)
        layout.addWidget(rule())
        layout.addSpacing(SPACING // 2)
        layout.addLayout(self._random_row())
        why = tr("Images drawn by chance show whether the queue helps at all, and keep the hold-out fair.")
        layout.addWidget(label(why, "small", wrap=True))
        layout.addSpacing(SPACING)
        close = button(tr("Close"), self.accept, "primary", tr("Back to the window"))
        layout.addLayout(row(self._reset_button, None, close))
        for each in (*self._weights, self.random, self._reset_button):
            each.setEnabled(self._writable)

    def _random_row(self) -> QHBoxLayout:
        name = label(tr("Random controls"), "heading")
        name.setBuddy(self.random)
        return row(name, None, self.random)

    def _show(self) -> None:
        mix = self._queue.mix
        for weight, value in zip(self._weights, (mix.uncertainty, mix.diversity, mix.disagreement), strict=True):
            with QSignalBlocker(weight.slider):
                weight.slider.setValue(min(STEPS, round(value * STEPS)))
        with QSignalBlocker(self.random):
            self.random.setValue(round(mix.random * 100))
        self._show_shares()

    def _show_shares(self) -> None:
        total = sum(weight.slider.value() for weight in self._weights)
        for weight in self._weights:
            weight.show_share(weight.slider.value() / (total or 1))
        self._nothing.setVisible(total == 0)

    def _later(self) -> None:
        self._show_shares()
        self._settle.start()

    def _set(self) -> None:
        self._settle.stop()
        if self._writable:
            self._queue.set_mix(self.mix)

    def _finish(self) -> None:
        """Who only looked changes nothing, not even by rounding."""
        if self._settle.isActive():
            self._set()

    def _reset(self) -> None:
        self._queue.set_mix(QueueMix())
        self._show()


class _Weight(QWidget):
    """A slider with its name, the share that it comes to, and what it is the weight of."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__()
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, STEPS)
        self.slider.setPageStep(STEPS // 10)
        self.slider.setAccessibleName(name)
        self.slider.setToolTip(why)
        heading = label(name, "heading")
        heading.setBuddy(self.slider)
        self._share = label("", "muted")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACING // 2)
        column.addLayout(row(heading, None, self._share))
        column.addWidget(self.slider)
        column.addWidget(label(why, "small", wrap=True))

    def show_share(self, share: float) -> None:
        """`share`, from 0 to 1, is that of this weight among all."""
        self._share.setText(tr("{percent} %", percent=round(100 * share)))


def _percent_field(name: str, tip: str) -> QSpinBox:
    field = QSpinBox()
    field.setRange(0, 100)
    field.setSingleStep(5)
    field.setFixedWidth(FIELD_WIDTH)
    field.lineEdit().setTextMargins(6, 0, 0, 0)  # a style sheet's padding does not reach the text
    field.setSuffix(tr(" %"))
    field.setAccessibleName(name)
    field.setToolTip(tip)
    return field
