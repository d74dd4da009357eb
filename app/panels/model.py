"""The model's card: which checkpoint predicts, what it knows, and what it is doing."""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtWidgets import QFrame, QVBoxLayout, QWidget

from app.jobs.model_thread import PredictorState
from app.panels.parts import IconLabel, frame, label, row
from app.theme import SPACING
from app.translation import number, tr, trn
from engine.checkpoints import ModelCard, read_card
from engine.checkpoints.catalog import real_categories
from engine.errors import MaskwrightError

NAMED = 5  # categories in a line; of more the count says how many
STATES = {
    PredictorState.OFF: ("circle-off-outline", "faint", tr("No model")),
    PredictorState.WAITING: ("check-circle-outline", "success", tr("Ready")),
    PredictorState.LOADING: ("timer-sand", "accent", tr("Loading the model…")),
    PredictorState.PREDICTING: ("creation", "accent", tr("Predicting…")),
    PredictorState.FAILED: ("alert-circle-outline", "danger", tr("The last prediction failed")),
}


class ModelCardView(QWidget):
    """Shows the card of the current checkpoint; read from the file's header, so it never waits for torch."""

    def __init__(self) -> None:
        super().__init__()
        self._icon = IconLabel("circle-off-outline", "faint", 16)
        self._state = label("", "small")
        self._name = label("", "heading", wrap=True)
        self._facts = label("", "small", wrap=True)
        self._categories = label("", "", wrap=True)
        self._box, column = frame("inset")
        column.addWidget(self._name)
        column.addLayout(row(self._icon, self._state, None, spacing=SPACING - 2))
        column.addWidget(self._categories)
        column.addWidget(self._facts)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(self._box)
        self.set_state(PredictorState.OFF)
        self.set_checkpoint(None)

    @property
    def box(self) -> QFrame:
        return self._box

    def set_state(self, state: str) -> None:
        icon, token, word = STATES[PredictorState(state)]
        self._icon.set_icon(icon, token)
        self._state.setText(word)

    def set_checkpoint(self, checkpoint: Path | None) -> None:
        """Show the card of a checkpoint file, or say that there is none."""
        card: ModelCard | None = None
        problem = tr("No model is installed. Draw instances by hand, or run the headless verb 'train' to make one.")
        if checkpoint is not None:
            try:
                card = read_card(checkpoint)
            except (MaskwrightError, OSError) as error:
                problem = str(error)
        for each in (self._categories, self._icon, self._state):
            each.setVisible(card is not None)
        if card is None:
            self._name.setText(tr("No model"))
            self._facts.setText(problem)
            return
        self._name.setText(card.name)
        self._name.setToolTip(str(checkpoint))
        names = real_categories(card.spec)
        self._categories.setText(finds(len(names), names))
        self._categories.setToolTip(", ".join(names))
        self._facts.setText("\n".join(_facts(card)))


def finds(count: int, names: Sequence[str]) -> str:
    """What a model of so many categories finds, the first names of many."""
    if count <= NAMED:
        return tr("Finds {categories}", categories=", ".join(names))
    counted = trn("{count} category", "{count} categories", count)
    return tr("{count}: {categories}, …", count=counted, categories=", ".join(names[:NAMED]))


def _facts(card: ModelCard) -> list[str]:
    facts = []
    mask = card.metrics.get("mask") if isinstance(card.metrics, dict) else None
    if isinstance(mask, dict) and isinstance(mask.get("AP50"), float) and mask["AP50"] >= 0:
        facts.append(tr("Mask AP50 {value} on its hold-out", value=number(mask["AP50"], 2)))
    if card.data:
        facts.append(tr("Trained on {data}", data=card.data))
    if card.licence:
        facts.append(tr("Licence {licence}", licence=card.licence))
    return facts
