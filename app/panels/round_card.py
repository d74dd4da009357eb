"""One round's outcome: the verdict, both figures side by side, and the buttons that agree or overrule."""

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.panels.parts import IconLabel, button, frame, label, row, set_kind
from app.panels.round_figures import Figure, ap50, labeler_group
from app.panels.verdict_reason import reason_text
from app.theme import SPACING
from app.translation import tr
from engine.project import Round


@dataclass(frozen=True)
class VerdictLook:
    icon: str
    token: str
    text: str


VERDICTS = {
    "better": VerdictLook("trending-up", "success", tr("Better")),
    "worse": VerdictLook("trending-down", "danger", tr("Worse")),
    "cannot tell": VerdictLook("help-circle-outline", "warning", tr("Cannot tell")),
}
UNJUDGED = VerdictLook("help-circle-outline", "muted", tr("Not evaluated"))


def finished_words(entry: Round) -> str:
    """What a round that has just ended means for the person."""
    if entry.verdict == "better" and not entry.promoted:
        return tr("The fine-tuned model is better than the one before, but another one was chosen meanwhile.")
    words = {
        "better": tr("The fine-tuned model is better and predicts from now on."),
        "worse": tr("The fine-tuned model is worse. The model before keeps predicting."),
    }
    return words.get(entry.verdict or "", tr("Whether the fine-tuned model is better cannot be told. You decide."))


def found_words(entry: Round) -> str:
    """What a round means that ended when no window was there to tell of it."""
    verdict = VERDICTS.get(entry.verdict or "", UNJUDGED).text
    if entry.promoted:
        words = tr("A fine-tune finished while no window was open: {verdict}. Its model predicts from now on.")
    else:
        words = tr("A fine-tune finished while no window was open: {verdict}. The model before keeps predicting.")
    return words.format(verdict=verdict)


class RoundCard(QWidget):
    """The newest round in short: its verdict, what that rests on, and what a labeler feels of it."""

    def __init__(
        self,
        promote: Callable[[Round], None],
        keep_old: Callable[[Round], None],
        details: Callable[[Round], object],
        try_again: Callable[[], None],
    ) -> None:
        super().__init__()
        self._round: Round | None = None
        self._icon = IconLabel("help-circle-outline", "muted", 20)
        self._verdict = label("", "heading")
        self._before, self._after = label("–", "number"), label("–", "number")
        self.labeler = LabelerRows()
        self._reason = label("", "small", wrap=True)
        self._use = label("", "", wrap=True)
        self.promote_button = button(
            tr("Use the new model"),
            lambda: self._with_round(promote),
            "primary",
            tr("Predict with what was fine-tuned"),
        )
        self.keep_button = button(
            tr("Keep the old model"),
            lambda: self._with_round(keep_old),
            "",
            tr("Decide against what was fine-tuned"),
        )
        self.details_button = button(
            tr("Details…"),
            lambda: self._with_round(details),
            "",
            tr("Every figure before and after, and the images that got worse"),
        )
        self.again_button = button(
            tr("Try again"), try_again, "", tr("Fine-tune the base model once more, with other random choices")
        )
        box, column = frame("inset")
        column.addLayout(row(self._icon, self._verdict, None))
        column.addLayout(self._figures())
        # Decisions one below the other: side by side their words would not fit into a narrow panel.
        for widget in (self.labeler, self._reason, self._use, self.promote_button, self.keep_button):
            column.addWidget(widget)
        column.addWidget(self.details_button)
        column.addWidget(self.again_button)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(box)

    def show_round(self, entry: Round, *, current: bool, declined: bool = False) -> None:
        """Show a round. `current`: its checkpoint predicts; `declined`: the person decided against it."""
        self._round = entry
        look = VERDICTS.get(entry.verdict or "", UNJUDGED)
        self._icon.set_icon(look.icon, look.token)
        self._verdict.setText(look.text)
        figure = ap50(entry)
        self._before.setText(figure.before_text)
        self._after.setText(figure.after_text)
        self.labeler.show_round(entry)
        self._reason.setText(reason_text(entry))
        worse = entry.verdict == "worse"
        self._use.setText(_use(current, declined, worse))
        self.promote_button.setVisible(not current)
        self.promote_button.setText(tr("Use it anyway") if worse else tr("Use the new model"))
        # Neither button is the obvious one where it cannot be told and the figure fell.
        set_kind(self.promote_button, "" if worse or declined or figure.is_better is False else "primary")
        self.keep_button.setVisible(current or not (declined or worse))
        self.keep_button.setText(tr("Go back to the old model") if current else tr("Keep the old model"))

    def _with_round(self, act: Callable[[Round], object]) -> None:
        if self._round is not None:
            act(self._round)

    def _figures(self) -> QHBoxLayout:
        figures = QHBoxLayout()
        figures.setSpacing(2 * SPACING)
        figures.addLayout(_figure(tr("AP50 before"), self._before))
        figures.addWidget(IconLabel("arrow-right", "muted", 18))
        figures.addLayout(_figure(tr("AP50 after"), self._after))
        figures.addStretch(1)
        return figures


class LabelerRows(QWidget):
    """The two figures that a labeler feels, before and after; hidden for rounds that have neither."""

    def __init__(self) -> None:
        super().__init__()
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(SPACING)
        self._grid.setVerticalSpacing(SPACING // 2)
        self._grid.setColumnStretch(0, 1)
        self._lines = [self._line(place) for place in range(2)]

    def show_round(self, entry: Round) -> None:
        """Show the figures of a round."""
        accepted, _, seconds = labeler_group(entry).figures
        figures = accepted, seconds
        self.setVisible(any(figure.before is not None or figure.after is not None for figure in figures))
        for (name, values), figure in zip(self._lines, figures, strict=True):
            name.setText(figure.name)
            name.setToolTip(figure.tip)
            values.setText(f"{figure.before_text} → {figure.after_text}{_mark(figure)}")
            values.setToolTip(figure.change_text)
            values.setAccessibleDescription(figure.change_text)
            set_kind(values, {True: "success", False: "danger", None: ""}[figure.is_better])

    def _line(self, place: int) -> tuple[QLabel, QLabel]:
        name, values = label("", "small", wrap=True), label("")
        self._grid.addWidget(name, place, 0)
        self._grid.addWidget(values, place, 1, Qt.AlignmentFlag.AlignRight)
        return name, values


def _mark(figure: Figure) -> str:
    """A sign for whether a change is good, beside its colour."""
    return {True: " ✓", False: " ✗", None: ""}[figure.is_better]


def _use(current: bool, declined: bool, worse: bool) -> str:
    if current:
        return tr("The new model predicts now.")
    if declined:
        return tr("You decided against the new model.")
    return tr("What predicts now stays.") if worse else tr("What predicts now stays until you decide.")


def _figure(title: str, number: QLabel) -> QVBoxLayout:
    column = QVBoxLayout()
    column.setSpacing(0)
    column.addWidget(label(title, "small"))
    column.addWidget(number)
    return column
