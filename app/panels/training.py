"""The model dock: what predicts, the fine-tune button, the running round, and what every round was worth."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QCheckBox, QFrame, QProgressBar, QScrollArea, QVBoxLayout, QWidget

from app.jobs.rounds import Rounds
from app.panels.model import ModelCardView
from app.panels.parts import CutLabel, IconLabel, Panel, button, label, row
from app.panels.round_card import UNJUDGED, VERDICTS, RoundCard
from app.panels.round_figures import ap50
from app.panels.round_plan import before_words, plan_words
from app.panels.verdict_reason import FEWEST_HELD_OUT, FEWEST_INSTANCES, reason_text
from app.session import Session
from app.theme import SPACING
from app.translation import number, tr, trn, when
from engine.project import Round
from engine.resources import BUNDLED_WEIGHTS

if TYPE_CHECKING:
    from app.panels.plots import TrainingPlots
    from app.round_report import RoundReport

REFRESH_MS = 200  # a fast machine takes dozens of steps a second; plots need no more than five
HISTORY_SHOWN = 12


class TrainingPanel(Panel):
    """Follows `Rounds`; everything that it offers is one of its methods."""

    def __init__(
        self,
        session: Session,
        rounds: Rounds,
        fine_tune: Callable[[], object],
        show_models: Callable[[], object],
    ) -> None:
        super().__init__(tr("Model"), headed=False)
        self._session, self._rounds = session, rounds
        self.card = ModelCardView()
        self.models_button = button(tr("Models…"), show_models, "", tr("Use, download or export a model"))
        self.start_button = button(tr("Fine-tune"), fine_tune, "primary", tr("Train the model on the accepted images"))
        self.cancel_button = button(tr("Cancel"), rounds.cancel, "", tr("Stop the fine-tune; the model stays as it is"))
        self._counts = label("", "", wrap=True)
        self._hint = label("", "small", wrap=True)
        self.one_mask = QCheckBox(tr("One mask for all categories"))
        self.one_mask.setToolTip(
            tr("A new category has masks at once, and all learn from each other's; for shapes that are much alike")
        )
        self.one_mask.clicked.connect(self._set_one_mask)
        self._plan = label("", "small", wrap=True)
        self._progress = QProgressBar()
        self._progress.setAccessibleName(tr("Progress of the fine-tune"))
        self._progress.setTextVisible(False)
        self._phase = label("", "small", wrap=True)
        self.outcome = RoundCard(rounds.promote, rounds.keep_old, self.show_details, self._try_again)
        self._history = QWidget()
        self._history_column = QVBoxLayout(self._history)
        self._plots: TrainingPlots | None = None
        self._scroll = QScrollArea()
        self._lay_out()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(REFRESH_MS)
        self._timer.timeout.connect(self._show_progress)
        rounds.progressed.connect(self._later)
        for signal in (rounds.changed, session.images_changed, session.categories_changed, session.project_changed):
            signal.connect(self.refresh)
        session.image_updated.connect(self._count)  # the history below would be built anew for no reason
        self.refresh()

    def refresh(self) -> None:
        """Show counts, buttons, the newest round and the history as they are now."""
        running = self._rounds.running
        self._count()
        self.start_button.setVisible(not running)
        self.cancel_button.setVisible(running)
        self.cancel_button.setEnabled(not self._rounds.cancelling)
        self._progress.setVisible(running)
        self._phase.setVisible(running)
        entries = self._rounds.rounds()
        self.outcome.setVisible(bool(entries) and not running)
        if entries:
            current, declined = self._rounds.is_current(entries[0]), self._rounds.is_declined(entries[0])
            self.outcome.show_round(entries[0], current=current, declined=declined)
        self._list_history(entries)
        if running:
            self._show_progress()
        elif self._plots is not None:
            self._plots.setVisible(bool(self._rounds.progress.losses))

    def show_outcome(self) -> None:
        """Scroll to the newest round, its verdict first."""
        self._scroll.verticalScrollBar().setValue(self.outcome.y())

    def show_details(self, entry: Round) -> "RoundReport":
        """Open the dialog that tells in full what a round changed."""
        from app.round_report import RoundReport

        dialog = RoundReport(entry, self.window())
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._session.project_changed.connect(dialog.reject)
        dialog.open()
        return dialog

    def _try_again(self) -> None:
        """Fine-tune once more, with a seed above those of all attempts that the project kept."""
        self._rounds.start(seed=len(self._rounds.rounds()))

    def _lay_out(self) -> None:
        body = QWidget()
        self._body = QVBoxLayout(body)
        self._body.setContentsMargins(0, 0, 4, 0)
        self._body.setSpacing(SPACING)
        self._body.addWidget(self.card)
        self._body.addLayout(row(self.models_button, None))
        self._body.addSpacing(SPACING)
        self._body.addWidget(label(tr("Fine-tune"), "heading"))
        self._body.addWidget(self._counts)
        self._body.addWidget(self._hint)
        self._body.addWidget(self._plan)
        self._body.addWidget(self.one_mask)
        self._body.addLayout(row(self.start_button, self.cancel_button, None))
        for widget in (self._progress, self._phase, self.outcome, self._history):
            self._body.addWidget(widget)
        self._body.addStretch(1)
        self._history_column.setContentsMargins(0, SPACING, 0, 0)
        self._history_column.setSpacing(SPACING // 2)
        scroll = self._scroll
        scroll.setWidget(body)
        scroll.setWidgetResizable(True)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # the buttons take it, and scroll into view
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.column.addWidget(scroll, 1)

    def _advice(self, why_not: str, held_out: int) -> str:
        if self._rounds.running:
            return ""
        if why_not:
            return why_not
        # The instances are counted only where they may be too few: on many images there are enough.
        few = held_out < FEWEST_HELD_OUT
        if few or (held_out < FEWEST_INSTANCES and self._rounds.held_out_instances() < FEWEST_INSTANCES):
            return tr(
                "With fewer than {fewest} held-out images or {instances} instances on them, before and after cannot "
                "be told apart.",
                fewest=FEWEST_HELD_OUT,
                instances=FEWEST_INSTANCES,
            )
        return ""

    def _plan_text(self, why_not: str, train: int, held_out: int) -> str:
        if self._rounds.running:
            return plan_words(self._rounds.progress)
        if why_not:
            return ""
        return before_words(train, held_out, self._rounds.base)

    def _show_plan(self, words: str) -> None:
        self._plan.setText(words)
        self._plan.setVisible(bool(words))

    def _later(self) -> None:
        if not self._timer.isActive():
            self._timer.start()

    def _show_progress(self) -> None:
        progress = self._rounds.progress
        self._progress.setMaximum(progress.steps)  # 0 until the child has said how many: a busy bar
        self._progress.setValue(progress.step)
        self._phase.setText(self._phase_text())
        self._show_plan(plan_words(progress))
        if progress.losses or progress.precisions:
            self._plots_widget().show_values(progress.losses, progress.precisions, progress.steps)

    def _phase_text(self) -> str:
        progress = self._rounds.progress
        if self._rounds.cancelling:
            return tr("Stopping…")
        if not progress.steps:
            return tr("Starting…")
        if not progress.step:
            done, total = progress.views
            if not total:
                return tr("Measuring the model before…")
            return tr("Preparing crop {done} of {total}", done=number(done), total=number(total))
        if progress.step >= progress.steps:
            return tr("Measuring the model after…")
        step = tr("Step {step} of {steps}", step=number(progress.step), steps=number(progress.steps))
        return step if progress.seconds_left is None else f"{step}, {_duration(progress.seconds_left)}"

    def _plots_widget(self) -> "TrainingPlots":
        if self._plots is None:
            from app.panels.plots import TrainingPlots

            self._plots = TrainingPlots()
            self._body.insertWidget(self._body.indexOf(self._history), self._plots)
        self._plots.show()
        return self._plots

    def _count(self) -> None:
        """Say how much there is to learn from, and whether that is enough."""
        train, held_out = self._rounds.counts()
        why_not = self._rounds.why_not()
        self._counts.setText(
            f"{trn('{count} image to learn from', '{count} images to learn from', train)}, "
            f"{trn('{count} held out to compare on', '{count} held out to compare on', held_out)}"
        )
        self._hint.setText(self._advice(why_not, held_out))
        self._hint.setVisible(bool(self._hint.text()))
        self._show_plan(self._plan_text(why_not, train, held_out))
        project = self._session.project
        self.one_mask.setVisible(project is not None and len(self._session.categories) > 1)
        self.one_mask.setEnabled(not self._session.read_only and not self._rounds.running)
        self.one_mask.setChecked(project is not None and bool(project.class_agnostic_masks))
        possible = self._session.project is not None and not why_not
        for each in (self.start_button, self.outcome.again_button):
            each.setEnabled(possible)

    def _set_one_mask(self, one: bool) -> None:
        project = self._session.project
        if project is not None:
            self._session.writing.when_free(lambda: setattr(project, "class_agnostic_masks", one))

    def _list_history(self, entries: list[Round]) -> None:
        while self._history_column.count():
            item = self._history_column.takeAt(0)
            widget = item.widget() if item is not None else None
            if widget is not None:
                widget.deleteLater()
        self._history.setVisible(bool(entries))
        self._history_column.addWidget(label(tr("Earlier models"), "heading"))
        for entry in entries[1 : 1 + HISTORY_SHOWN]:
            self._history_column.addWidget(self._history_row(entry))
        in_use = self._rounds.checkpoint == BUNDLED_WEIGHTS
        icon = IconLabel("package-variant-closed", "muted", 16)
        use = self._rounds.use_bundled
        tip = tr("Predict with the bundled model, and start every fine-tune from it")
        self._history_column.addWidget(
            _model_row(icon, label(tr("Bundled model")), label(), None if in_use else use, tip)
        )

    def _history_row(self, entry: Round) -> QWidget:
        look = VERDICTS.get(entry.verdict or "", UNJUDGED)
        figure = ap50(entry)
        figures = f"{figure.before_text} → {figure.after_text}"
        icon = IconLabel(look.icon, look.token, 16)
        icon.setToolTip(f"{look.text}\n{reason_text(entry)}")
        icon.setAccessibleName(look.text)
        created = CutLabel("small", least=40, may_go=True)
        created.show_text(when(entry.created, tr("d MMM")), when(entry.created))
        use = None if self._rounds.is_current(entry) else lambda: self._rounds.promote(entry)
        details = button(figures, lambda: self.show_details(entry), "link", tr("What this fine-tune changed"))
        return _model_row(icon, details, created, use, tr("Predict with this model: {model}", model=figures))


def _model_row(icon: IconLabel, name: QWidget, created: QWidget, use: Callable[[], object] | None, tip: str) -> QWidget:
    """A model that can be predicted with, as `tip` says, or that does already where `use` is None."""
    last = label(tr("in use"), "success") if use is None else button(tr("Use"), use, "quiet", tip)
    line = QWidget()
    layout = row(icon, name, None, created, last)
    layout.setContentsMargins(0, 0, 0, 0)
    line.setLayout(layout)
    return line


def _duration(seconds: float) -> str:
    if seconds >= 90:
        return tr("about {minutes} min left", minutes=number(round(seconds / 60)))
    return tr("{seconds} s left", seconds=max(1, round(seconds)))
