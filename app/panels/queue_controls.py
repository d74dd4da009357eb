"""In which order the images are listed, and how far the model has looked at them for the queue."""

from collections.abc import Callable

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtWidgets import QButtonGroup, QProgressBar, QToolButton, QVBoxLayout, QWidget

from app.jobs.queue_order import QueueOrder
from app.panels.parts import IconButton, label, row
from app.theme import SPACING
from app.translation import number, tr


class QueueControls(QWidget):
    """File order or queue, the way to the queue's mix, and below it how far the scores are."""

    def __init__(self, queue: QueueOrder, show_mix: Callable[[], object]) -> None:
        super().__init__()
        self._queue = queue
        self.by_file = _choice(tr("File order"), tr("List the images in the order in which they were added"))
        self.by_queue = _choice(tr("Queue"), tr("List first what teaches the model most, and say why"))
        group = QButtonGroup(self)
        for each in (self.by_file, self.by_queue):
            group.addButton(each)
        self.by_queue.toggled.connect(queue.want)
        self.mix_button = IconButton("tune-variant", tr("What counts in the queue"), show_mix)
        self._words = label("", "small", wrap=True)
        self._bar = QProgressBar()
        self._bar.setAccessibleName(tr("Images scored"))
        self._bar.setTextVisible(False)
        self.pause_button = IconButton("pause", tr("Pause scoring"), self._pause)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACING // 2)
        column.addLayout(row(self.by_file, self.by_queue, None, self.mix_button, spacing=2))
        told = row(self._words, self.pause_button, spacing=2)
        told.setStretch(0, 1)
        column.addLayout(told)
        column.addWidget(self._bar)
        queue.scores.changed.connect(self.refresh)
        queue.changed.connect(self.refresh)
        self.refresh()

    @property
    def text(self) -> str:
        """What is said of the scores."""
        return self._words.text()

    def refresh(self) -> None:
        """Show what the queue is at."""
        queue, scores = self._queue, self._queue.scores
        chosen = self.by_queue if queue.wanted else self.by_file
        with QSignalBlocker(self.by_queue):
            chosen.setChecked(True)
        going = queue.wanted and scores.known and scores.left > 0
        self.mix_button.setVisible(queue.wanted)
        self.pause_button.setVisible(going and scores.has_model)
        self.pause_button.set_icon("play" if scores.paused else "pause")
        tip = tr("Go on scoring") if scores.paused else tr("Pause scoring")
        self.pause_button.setToolTip(tip)
        self.pause_button.setAccessibleName(tip)
        self._words.setText(self._say() if queue.wanted else "")
        self._words.setVisible(bool(self._words.text()))
        self._bar.setVisible(going)
        self._bar.setMaximum(max(1, scores.total))
        self._bar.setValue(scores.total - scores.left)

    def _say(self) -> str:
        scores = self._queue.scores
        if not scores.total:
            return ""
        if not scores.has_model:
            return tr("Without a model there is no queue. Choose one in the model panel.")
        if not scores.known:
            return "" if scores.read_only else tr("Looking for images without a score…")
        if not scores.left:
            return ""
        done, total = number(scores.total - scores.left), number(scores.total)
        if scores.paused:
            return tr("Paused at {done} of {total}, the others follow", done=done, total=total)
        if scores.waiting:
            return tr("Waiting at {done} of {total}, the others follow", done=done, total=total)
        return tr("Scored {done} of {total}, the others follow", done=done, total=total)

    def _pause(self) -> None:
        self._queue.scores.pause(not self._queue.scores.paused)


def _choice(text: str, tip: str) -> QToolButton:
    result = QToolButton()
    result.setText(text)
    result.setAccessibleName(text)
    result.setToolTip(tip)
    result.setCheckable(True)
    result.setProperty("kind", "option")
    result.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    return result
