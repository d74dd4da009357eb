"""The window of models: what can be used, downloaded, exported, and what its categories are here."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QDialog, QFileDialog, QFrame, QProgressBar, QPushButton, QScrollArea, QVBoxLayout, QWidget

from app.category_map_dialog import CategoryMapDialog
from app.jobs.model_files import ModelFiles
from app.jobs.prediction import Prediction
from app.jobs.rounds import Rounds
from app.models_list import Group, Model, finds_nothing, groups, id_of, left_out_words
from app.panels.parts import EmptyState, IconLabel, button, frame, label, row, set_kind
from app.report_dialog import ReportDialog
from app.session import Session
from app.theme import SPACING
from app.translation import number, tr
from engine.checkpoints import read_card
from engine.errors import MaskwrightError
from engine.project import Round

MEGABYTE = 1_000_000
STEPS = 1000  # of a progress bar, which counts no further than 2**31 and models are larger


class ModelsCommand(QObject):
    """Opens the window over `window`; what it began goes on while it is closed."""

    def __init__(self, window: QWidget, session: Session, rounds: Rounds, prediction: Prediction) -> None:
        super().__init__(window)
        self._window, self._session, self._rounds = window, session, rounds
        self.files = ModelFiles()
        self.dialog: ModelsDialog | None = None
        prediction.measured.connect(self._refresh)

    def show(self) -> None:
        """Show the models as they are now."""
        if self.dialog is None:
            self.dialog = ModelsDialog(self._session, self._rounds, self.files, self._window)
        self.dialog.say("")
        self.dialog.refresh()
        self.dialog.show()
        self.dialog.raise_()

    def stop(self) -> None:
        """For a closing window."""
        self.files.stop()

    def _refresh(self) -> None:
        if self.dialog is not None and self.dialog.isVisible():
            self.dialog.refresh()


class ModelsDialog(QDialog):
    """A card for each model, below a heading for each origin."""

    def __init__(self, session: Session, rounds: Rounds, files: ModelFiles, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._rounds, self._files = session, rounds, files
        self._boxes: list[ModelBox] = []
        self.setWindowTitle(tr("Models"))
        self.resize(680, 640)
        self.setMinimumWidth(560)  # or the longest buttons would be cut
        self.message = label("", "muted", wrap=True)
        self._scroll = QScrollArea()
        self._scroll.setWidgetResizable(True)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # the buttons take it, and scroll into view
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(3 * SPACING, 3 * SPACING, 3 * SPACING, 2 * SPACING)
        layout.setSpacing(2 * SPACING)
        layout.addWidget(label(tr("Models"), "title"))
        layout.addWidget(self._scroll, 1)
        layout.addWidget(self.message)
        layout.addLayout(row(None, button(tr("Close"), self.reject, "", tr("Back to the window"))))
        session.project_changed.connect(self.reject)
        for signal in (rounds.changed, session.categories_changed, files.changed):
            signal.connect(self._follow)
        files.progressed.connect(self._show_progress)
        files.downloaded.connect(self._on_downloaded)
        files.exported.connect(self._on_exported)
        files.failed.connect(partial(self.say, kind="danger"))
        files.started.connect(partial(self.say, ""))  # what was said is about what was before

    def box(self, title: str) -> "ModelBox":
        """The card of the model of that title. Raises StopIteration where it is not listed."""
        return next(each for each in self._boxes if each.model.title == title)

    def say(self, text: str, kind: str = "muted") -> None:
        """What became of what the person asked for."""
        self.message.setText(text)
        self.message.setVisible(bool(text))
        set_kind(self.message, kind)

    def refresh(self) -> None:
        """List everything anew, as far down as it was."""
        place, focused = self._scroll.verticalScrollBar().value(), self._focused()
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(0, 0, SPACING, 0)
        column.setSpacing(SPACING)
        self._boxes = []
        try:
            for group in groups(self._rounds):
                self._add(group, column)
        except MaskwrightError as error:
            column.addWidget(EmptyState("alert-circle-outline", tr("The models cannot be listed"), str(error)))
        column.addStretch(1)
        self._scroll.setWidget(body)
        self._scroll.verticalScrollBar().setValue(place)
        again = next((each for box in self._boxes for each in box.buttons() if each.accessibleName() == focused), None)
        if again is not None:
            again.setFocus()

    def _focused(self) -> str:
        widget = self.focusWidget()
        return widget.accessibleName() if widget is not None else ""

    def _add(self, group: Group, column: QVBoxLayout) -> None:
        if self._boxes:
            column.addSpacing(SPACING)
        column.addWidget(label(group.title, "heading"))
        for model in group.models:
            box = ModelBox(model, self)
            self._boxes.append(box)
            column.addWidget(box.frame)
            self._fill(box)

    def _fill(self, box: "ModelBox") -> None:
        model, files, session = box.model, self._files, self._session
        writable = session.project is not None and not session.read_only
        if files.running and files.subject in (model.download, str(model.path)) and files.subject:
            box.show_work(files.cancel, downloading=bool(model.download), cancelling=files.cancelling)
            return
        if model.path is None:
            tip = tr("Fetch this model; nothing else is sent")
            box.add_button(tr("Download"), partial(files.download, model.download), "", tip, enabled=not files.running)
            return
        in_use = self._rounds.checkpoint == model.path and session.project is not None
        is_base = self._rounds.base == model.path
        box.show_use(_use_words(in_use, is_base), left_out_words(session, model) if in_use else "")
        is_round = self._round_of(model) is not None
        tip = tr("Predict with this model") if is_round else tr("Predict with this model, and fine-tune from it")
        if not (in_use and (is_round or is_base)):
            box.add_button(tr("Use"), partial(self._use, model), "", tip, enabled=writable)
        enabled = session.project is not None
        tip = tr("What its categories are called in this project")
        box.add_button(tr("Categories…"), partial(self._categories, model), "", tip, enabled=enabled)
        tip = tr("A copy as safetensors, or a state dict for torchvision")
        box.add_button(tr("Export…"), partial(self._export, model), "", tip, enabled=not files.running)

    def _follow(self) -> None:
        if self.isVisible():
            self.refresh()

    def _use(self, model: Model) -> None:
        assert model.path is not None
        entry = self._round_of(model)
        if entry is not None:
            self._rounds.promote(entry)  # rounds start from their base, or they would remember the first images best
        else:
            self._rounds.use_as_base(model.path)
        self.refresh()
        if self._rounds.checkpoint == model.path and finds_nothing(self._session, model):
            self._categories(model)  # that is for the person to decide

    def _round_of(self, model: Model) -> Round | None:
        return next((each for each in self._rounds.rounds() if each.checkpoint == model.path), None)

    def _categories(self, model: Model) -> None:
        assert model.path is not None
        categories = read_card(model.path).spec.categories
        dialog = CategoryMapDialog(self._session, model.title, id_of(model.path), categories, self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.accepted.connect(self.refresh)
        dialog.open()

    def _export(self, model: Model) -> None:
        assert model.path is not None
        kinds = f"{tr('Maskwright checkpoint')} (*.safetensors);;{tr('torchvision state dict')} (*.pth)"
        name, kind = QFileDialog.getSaveFileName(self, tr("Export model"), f"{model.path.stem}.safetensors", kinds)
        if not name:
            return
        out, suffix = Path(name), ".pth" if "pth" in kind else ".safetensors"
        if out.suffix != suffix:
            out = out.with_suffix(suffix) if out.suffix in (".pth", ".safetensors") else Path(name + suffix)
            if out.exists():  # the person was asked about another name
                self.say(tr("{file} is there already. Choose another name.", file=out.name), "danger")
                return
        self._files.export(model.path, out)

    def _show_progress(self, done: int, total: int) -> None:
        for box in self._boxes:
            box.show_progress(done, total)

    def _on_downloaded(self, path: Path) -> None:
        self.say(tr("{model} is here. Choose Use to predict with it.", model=read_card(path).name), "success")
        self._follow()

    def _on_exported(self, summary: str, details: str) -> None:
        self.say(summary, "success")
        if details and self.isVisible():
            dialog = ReportDialog(summary, details, self)
            dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            dialog.open()


def _use_words(in_use: bool, is_base: bool) -> str:
    """What a model is used for."""
    uses = [tr("in use")] if in_use else []
    return " · ".join([*uses, tr("fine-tunes start from it")] if is_base else uses)


class ModelBox:
    """The card of one model."""

    def __init__(self, model: Model, parent: QWidget) -> None:
        self.model = model
        self.frame: QFrame
        self.frame, self._column = frame("card")
        self.frame.setParent(parent)
        self._state = label("", "success")
        self._state.hide()
        self._warning = label("", "warning", wrap=True)
        self._warning.hide()
        self._progress = QProgressBar()
        self._progress.setAccessibleName(tr("Progress of {model}", model=model.title))
        self._progress.setTextVisible(False)
        self._progress.hide()
        self._amount = label("", "small")
        self._amount.hide()
        self._buttons = row(self._amount, None)
        title = label(model.title, "heading", wrap=True)
        heading = row(IconLabel(model.icon, "muted", 18), title, self._state, label(model.size_in_words, "small"))
        heading.setStretchFactor(title, 1)
        self._column.addLayout(heading)
        self._column.addWidget(label(model.categories_in_words, wrap=True))
        self._column.addWidget(label(" · ".join(model.facts), "small", wrap=True))
        self._column.addWidget(self._warning)
        self._column.addWidget(self._progress)
        self._column.addLayout(self._buttons)

    def buttons(self) -> list[QPushButton]:
        """From left to right."""
        items = (self._buttons.itemAt(at) for at in range(self._buttons.count()))
        widgets = (item.widget() for item in items if item is not None)
        return [widget for widget in widgets if isinstance(widget, QPushButton)]

    def add_button(
        self, text: str, act: Callable[[], object], kind: str = "", tip: str = "", *, enabled: bool = True
    ) -> None:
        each = button(text, act, kind, tip)
        each.setAccessibleName(f"{text} {self.model.title}")
        each.setEnabled(enabled)
        self._buttons.addWidget(each)

    def show_use(self, state: str, warning: str) -> None:
        self._state.setText(state)
        self._state.setVisible(bool(state))
        self._warning.setText(warning)
        self._warning.setVisible(bool(warning))

    def show_work(self, cancel: Callable[[], object], *, downloading: bool, cancelling: bool) -> None:
        """Something is going on with this one: nothing but to cancel it can be done."""
        self._progress.setRange(0, 0)
        self._progress.show()
        self._amount.setText(tr("Stopping…") if cancelling else tr("Connecting…") if downloading else tr("Writing…"))
        self._amount.show()
        self.add_button(tr("Cancel"), cancel, "", tr("What is there is kept for the next time"), enabled=not cancelling)

    def show_progress(self, done: int, total: int) -> None:
        """So many bytes are here, of `total` where that is known."""
        if self._progress.isHidden():
            return
        there = number(done / MEGABYTE)
        self._progress.setRange(0, STEPS if total else 0)
        self._progress.setValue(STEPS * done // total if total else 0)
        if total and done >= total:
            self._amount.setText(tr("Converting…"))
        elif total:
            self._amount.setText(tr("{done} of {total} MB", done=there, total=number(total / MEGABYTE)))
        else:
            self._amount.setText(tr("{done} MB", done=there))
