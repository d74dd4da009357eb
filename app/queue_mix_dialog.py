"""The small window in which a person says what counts in the queue."""

from PySide6.QtCore import QSignalBlocker, Qt, QTimer
from PySide6.QtWidgets import QDialog, QLabel, QSlider, QSpinBox, QVBoxLayout, QWidget

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
        self.setWindowTitle(tr("What Counts in the Queue"))
        self.setMinimumWidth(400)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(3 * SPACING, 3 * SPACING, 3 * SPACING, 2 * SPACING)
        layout.setSpacing(SPACING)
        layout.addWidget(label(tr("What Counts in the Queue"), "title"))
        layout.addWidget(label(tr("Weights are compared with each other; 0 leaves something out."), "muted", wrap=True))
        self.uncertainty, self.diversity, self.disagreement = (QSlider(Qt.Orientation.Horizontal) for _ in range(3))
        self._shares = [label("", "muted") for _ in range(3)]
        self._add_weight(
            layout,
            0,
            self.uncertainty,
            tr("Uncertainty"),
            tr("Scores near the threshold, unsure outlines, and what looks otherwise in the mirror image."),
        )
        self._add_weight(
            layout, 1, self.diversity, tr("Variety"), tr("Images unlike what was accepted, and unlike each other.")
        )
        self._add_weight(
            layout,
            2,
            self.disagreement,
            tr("Disagreement"),
            tr("Images whose annotations, imported or drawn, the model sees otherwise."),
        )
        layout.addSpacing(SPACING // 2)
        layout.addWidget(rule())
        layout.addSpacing(SPACING // 2)
        self.random = QSpinBox()
        self.random.setRange(0, 100)
        self.random.setSingleStep(5)
        self.random.setFixedWidth(FIELD_WIDTH)
        self.random.lineEdit().setTextMargins(6, 0, 0, 0)  # a style sheet's padding does not reach the text
        self.random.setSuffix(tr(" %"))
        self.random.setAccessibleName(tr("Share of random controls"))
        self.random.setToolTip(tr("How many places are given by chance"))
        name = label(tr("Random controls"), "heading")
        name.setBuddy(self.random)
        layout.addLayout(row(name, None, self.random))
        layout.addWidget(
            label(
                tr("Images drawn by chance show whether the queue helps at all, and keep the hold-out fair."),
                "small",
                wrap=True,
            )
        )
        layout.addSpacing(SPACING)
        reset = button(tr("Usual mix"), self._reset, "", tr("Set everything to what it was at first"))
        close = button(tr("Close"), self.accept, "primary", tr("Back to the window"))
        layout.addLayout(row(reset, None, close))
        for each in (self.uncertainty, self.diversity, self.disagreement, self.random, reset):
            each.setEnabled(writable)
        self._settle = QTimer(self, singleShot=True, interval=SETTLE_MS)
        self._settle.timeout.connect(self._set)
        for slider in (self.uncertainty, self.diversity, self.disagreement):
            slider.valueChanged.connect(self._later)
        self.random.valueChanged.connect(self._later)
        self.finished.connect(self._set)
        queue.mix_changed.connect(self._show)
        self._show()

    @property
    def mix(self) -> QueueMix:
        """What is set."""
        return QueueMix(
            uncertainty=self.uncertainty.value() / STEPS,
            diversity=self.diversity.value() / STEPS,
            disagreement=self.disagreement.value() / STEPS,
            random=self.random.value() / 100,
        )

    def _add_weight(self, layout: QVBoxLayout, place: int, slider: QSlider, name: str, why: str) -> None:
        slider.setRange(0, STEPS)
        slider.setPageStep(10)
        slider.setAccessibleName(name)
        slider.setToolTip(why)
        heading: QLabel = label(name, "heading")
        heading.setBuddy(slider)
        layout.addSpacing(SPACING // 2)
        layout.addLayout(row(heading, None, self._shares[place]))
        layout.addWidget(slider)
        layout.addWidget(label(why, "small", wrap=True))

    def _show(self) -> None:
        mix = self._queue.mix
        weights = (mix.uncertainty, mix.diversity, mix.disagreement)
        for slider, weight in zip((self.uncertainty, self.diversity, self.disagreement), weights, strict=True):
            with QSignalBlocker(slider):
                slider.setValue(min(STEPS, round(weight * STEPS)))
        with QSignalBlocker(self.random):
            self.random.setValue(round(mix.random * 100))
        self._show_shares()

    def _show_shares(self) -> None:
        values = [each.value() for each in (self.uncertainty, self.diversity, self.disagreement)]
        for words, value in zip(self._shares, values, strict=True):
            words.setText(tr("{percent} %", percent=round(100 * value / (sum(values) or 1))))

    def _later(self) -> None:
        self._show_shares()
        self._settle.start()

    def _set(self) -> None:
        self._settle.stop()
        if self.random.isEnabled():
            self._queue.set_mix(self.mix)

    def _reset(self) -> None:
        self._queue.set_mix(QueueMix())
        self._show()
