"""Opens the whole window with the sample project and reports, as JSON, what it says and what can be used in it.

Run in a process of its own, because the language is fixed while a program runs: `walk.py FILE` writes the report there.
"""

import importlib
import json
import pkgutil
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import QAbstractItemModel, QEventLoop, QModelIndex, Qt, QTimer
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QDockWidget,
    QDoubleSpinBox,
    QFormLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QMenu,
    QPlainTextEdit,
    QScrollBar,
    QSpinBox,
    QTabBar,
    QToolBar,
    QWidget,
)

import app
import app.jobs.rounds
from app.backups_dialog import BackupsDialog
from app.category_map_dialog import CategoryMapDialog
from app.dataset_dialogs import ExportDialog, ImportDialog
from app.image_files_dialog import ImageFilesDialog
from app.jobs.model_files import ModelFiles
from app.jobs.quality import _fixing
from app.key_bindings import key_bindings
from app.key_editor import KeyEditor
from app.key_profiles import PROFILES, written
from app.key_recorder import recording_prompt
from app.key_sheet import KeySheet
from app.keymap import CANVAS_HELP
from app.likeness_dialog import LikenessDialog
from app.messages import ErrorDialog
from app.models_dialog import ModelsDialog
from app.pages_dialog import PagesDialog
from app.panels.plots import TrainingPlots
from app.queue_mix_dialog import QueueMixDialog
from app.report_dialog import ReportDialog
from app.round_report import RoundReport
from app.statistics_dialog import StatisticsDialog
from app.theme import Mode, theme
from app.translation import tr, translate_qt
from app.window import MainWindow
from engine.checkpoints import read_card
from engine.checkpoints.catalog import published_models
from engine.formats.registry import FORMATS
from engine.geometry.mask import Mask
from engine.learning.worse import Proposed, View, WorseImage
from engine.project import Round, category_color, commands
from engine.project.instance_filter import FLAGS
from engine.resources import BUNDLED_WEIGHTS

CONTROLS = (
    QAbstractButton,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QAbstractItemView,
    QTabBar,
)
FIELDS = (QAbstractSlider, QAbstractSpinBox, QComboBox, QLineEdit)
ROWS = 5  # of a list: the others say the same of something else


@dataclass
class Control:
    """A control that a person can use, and what it says of itself."""

    where: str
    kind: str
    name: str
    tip: str
    by_keyboard: bool


@dataclass
class Report:
    """What was found on the walk."""

    texts: list[tuple[str, str]] = field(default_factory=list)  # where, text
    controls: list[Control] = field(default_factory=list)
    names: list[str] = field(default_factory=list)  # texts that are of no language: of files, categories, keys
    unattached: list[str] = field(default_factory=list)  # labels that say what a control is, and are not its buddy
    unseen: list[str] = field(default_factory=list)  # widgets of the app that the walk does not come to
    order: dict[str, list[str]] = field(default_factory=dict)  # where Tab leads from the review bar on, by tool


class Walk:
    """Goes through every window, once for each state that it can be in."""

    def __init__(self, window: MainWindow) -> None:
        self.window = window
        self.report = Report()
        self._seen: set[type] = set()

    def visit(self, root: QWidget, where: str) -> None:
        """Note the texts and controls of a widget and of everything in it."""
        for widget in (root, *root.findChildren(QWidget)):
            self._seen.update(type(widget).__mro__)
            place = f"{where}: {type(widget).__name__}"
            self.report.texts += [(place, text) for text in _texts_of(widget) if text]
            for action in widget.actions():
                self.report.names += [each.toString(each.SequenceFormat.NativeText) for each in action.shortcuts()]
            if isinstance(widget, CONTROLS) and _is_a_control(widget):
                self.report.controls.append(_control(widget, place))
        self.report.unattached += [f"{where}: {text}" for text in _unattached(root)]

    def lead(self, tool: str) -> None:
        """Press Tab from the review bar on until it comes round, and note where it leads while a tool is chosen."""
        window = self.window
        chain: list[QWidget] = []
        widget = window.workplace.nextInFocusChain()
        while widget is not None and widget not in chain and len(chain) < 5000:
            chain.append(widget)
            widget = widget.nextInFocusChain()
        usable = [each for each in chain if each.isVisibleTo(window) and each.focusPolicy() & Qt.FocusPolicy.TabFocus]
        self.report.order[tool] = [_region(window, each) for each in usable if each.window() is window]

    def finish(self) -> Report:
        """The report, with the widgets that there are in the app's code and were nowhere on the walk."""
        for module in pkgutil.walk_packages(app.__path__, "app."):
            importlib.import_module(module.name)
        ours = {each for each in _kinds(QWidget) if each.__module__.startswith("app.")}
        self.report.unseen = sorted(each.__name__ for each in ours - self._seen)
        return self.report


def _kinds(kind: type) -> Iterator[type]:
    for each in kind.__subclasses__():
        yield each
        yield from _kinds(each)


def _texts_of(widget: QWidget) -> Iterator[str]:
    if widget.objectName().startswith("qt_") or isinstance(widget.parent(), QTabBar):
        return  # parts of Qt's own, with Qt's translation
    yield from (widget.toolTip(), widget.statusTip(), widget.whatsThis())
    yield from (widget.accessibleName(), widget.accessibleDescription())
    if widget.isWindow() or isinstance(widget, QDockWidget):
        yield widget.windowTitle()
    if isinstance(widget, QAbstractButton) or (isinstance(widget, QLabel) and not _is_cut(widget)):
        yield widget.text()
    if isinstance(widget, QLineEdit) and not isinstance(widget.parent(), QAbstractSpinBox | QComboBox):
        yield widget.placeholderText()
    if isinstance(widget, QSpinBox | QDoubleSpinBox):
        yield from (widget.prefix(), widget.suffix())
    if isinstance(widget, QComboBox):
        yield from (widget.itemText(row) for row in range(widget.count()))
    if isinstance(widget, QTabBar):
        yield from (widget.tabText(tab) for tab in range(widget.count()))
    if isinstance(widget, QMenu):
        yield widget.title()
    if isinstance(widget, QAbstractItemView):
        yield from _rows(widget.model(), QModelIndex())
    for action in widget.actions():
        yield from (action.text(), action.toolTip(), action.statusTip())


def _is_cut(words: QLabel) -> bool:
    """Whether the beginning is shown of what the accessible name says whole."""
    return words.text().endswith("…") and words.accessibleName().startswith(words.text()[:-1])


def _rows(model: QAbstractItemModel | None, parent: QModelIndex) -> Iterator[str]:
    for row in range(min(ROWS, model.rowCount(parent)) if model is not None else 0):
        index = model.index(row, 0, parent)
        roles = (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole)
        yield from (text for role in roles if isinstance(text := index.data(role), str))
        yield from _rows(model, index)


def _is_a_control(widget: QWidget) -> bool:
    """Whether a person can use it by itself, rather than as a part of another control."""
    if isinstance(widget, QScrollBar | QHeaderView) or widget.objectName().startswith("qt_"):
        return False
    parent = widget.parentWidget()
    inside = isinstance(parent, QAbstractSpinBox | QComboBox | QLineEdit | QTabBar | QToolBar)
    return not (inside and not (isinstance(parent, QToolBar) and widget.accessibleName())) and not _in_a_popup(widget)


def _in_a_popup(widget: QWidget) -> bool:
    parent = widget.parentWidget()
    return parent is not None and parent.metaObject().className() == "QComboBoxPrivateContainer"


def _control(widget: QWidget, where: str) -> Control:
    tip = widget.toolTip()
    if isinstance(widget, QAbstractItemView) and not tip:
        tip = next((each for each in _tips(widget.model())), "")
    if isinstance(widget, QTabBar):
        tip = tip or widget.tabText(0)
    name = widget.accessibleName()
    if isinstance(widget, QAbstractButton):
        name = name or widget.text()  # which a screen reader takes, too
    reached = widget.focusProxy() or widget  # whose keys are then the widget's
    return Control(where, type(widget).__name__, name, tip, bool(reached.focusPolicy() & Qt.FocusPolicy.TabFocus))


def _unattached(root: QWidget) -> Iterator[str]:
    """Labels in forms, and labels beside a control of the same name, that a screen reader cannot attach to it."""
    for form in root.findChildren(QFormLayout):
        for row in range(form.rowCount()):
            item = form.itemAt(row, QFormLayout.ItemRole.LabelRole)
            label = item.widget() if item is not None else None
            if isinstance(label, QLabel) and label.text() and label.buddy() is None:
                yield label.text()
    for control in filter(lambda each: isinstance(each, FIELDS), root.findChildren(QWidget)):
        for label in control.parentWidget().findChildren(QLabel, options=Qt.FindChildOption.FindDirectChildrenOnly):
            if control.accessibleName() and label.text() == control.accessibleName() and label.buddy() is None:
                yield label.text()


def _tips(model: QAbstractItemModel | None) -> Iterator[str]:
    for row in range(min(1, model.rowCount()) if model is not None else 0):
        tip = model.index(row, 0).data(Qt.ItemDataRole.ToolTipRole)
        if isinstance(tip, str):
            yield tip


def _region(window: MainWindow, widget: QWidget) -> str:
    place: QWidget | None = widget
    while place is not None and place is not window:
        if isinstance(place, QDockWidget):
            return "docks"
        if type(place).__name__ in ("ReviewBar", "OptionBar", "CanvasView", "QToolBar"):
            return type(place).__name__
        place = place.parentWidget()
    return "window"


def wait(milliseconds: int) -> None:
    """Let the window work; a test's wait would hold up its threads."""
    loop = QEventLoop()
    QTimer.singleShot(milliseconds, loop.quit)
    loop.exec()


def dialogs(window: MainWindow) -> Iterator[QWidget]:
    """Every dialog of the app, in each state that says something else, and what is there only in training."""
    project = window.session.project
    assert project is not None
    yield BackupsDialog(window.safekeeping, True)
    yield ErrorDialog("", "")
    yield ExportDialog(project.path)
    yield ImageFilesDialog(window.safekeeping, True, lambda _: None)
    yield from (ImportDialog(new=new) for new in (True, False))
    yield KeySheet()
    yield from _key_editors()
    yield LikenessDialog(window.session, window.likeness.likeness)
    models = ModelsDialog(window.session, window.rounds, ModelFiles())
    models.refresh()
    yield models
    yield CategoryMapDialog(window.session, "tuned", "0123456789ab", ("nucleus", "debris"))
    yield from (PagesDialog({Path(str(n)): 3 for n in range(count)}) for count in (1, 2))
    yield QueueMixDialog(window.queue, True)
    yield ReportDialog("", "")
    yield from _round_reports(window)
    statistics = StatisticsDialog("")
    yield TrainingPlots()
    yield statistics
    statistics.say("")
    yield statistics
    statistics.show_figures(project.statistics())
    yield statistics


def _round_reports(window: MainWindow) -> Iterator[QWidget]:
    """About rounds with all figures, with those of earlier versions, and without any."""
    image = next(iter(window.session.images.values()))
    assert window.session.project is not None
    precision = {"AP": 0.25, "AP50": 0.5, "AP75": -1.0}
    full: dict[str, Any] = {
        "mask": precision,
        "box": precision,
        "categories": {name: {"mask": precision} for name in ("cell", "nucleus")},
        "calibration": {"error": 0.1, "bins": [{"score": 0.9, "hits": 0.8, "detections": 5}]},
        "labeler": {"accepted_unedited": 0.5, "found": 0.6, "seconds_an_instance": 3.0},
    }
    better = {**full, "labeler": {"accepted_unedited": 0.6, "found": 0.5, "seconds_an_instance": 3.0}}
    for before, after in ((full, better), ({"mask": precision}, {"mask": precision}), (None, None)):
        folder = window.session.project.path.parent / "no round"
        report = RoundReport(Round(folder, folder, "", verdict="better", before=before, after=after))
        wait(200)
        yield report
        proposal = Proposed("cell", 0.9, Mask.from_full(np.ones((9, 9), dtype=bool)), None)
        views = View((), (), 1.0, 1.0), View((proposal,), (0,), 0.0, 0.0)
        truth = (("cell", Mask.from_full(np.ones((5, 5), dtype=bool))),)
        path = window.session.project.image_path(image)
        report.worse.show_images((WorseImage(path, 0, image.width, image.height, truth, *views),))
        wait(200)
        yield report
        report.worse.show_images(())
        yield report
        report.done(0)


def _key_editors() -> Iterator[QWidget]:
    editor = KeyEditor()
    editor.choose("accept")
    yield editor
    command = editor.command
    assert command is not None
    editor.details.wait_for_key(recording_prompt(command.text), lambda _: None)
    yield editor
    for key in ("B", "Space", "Left"):  # another command's, the canvas's, one that moves through controls
        editor._add_key(key)
        yield editor
        editor.details.leave()


def go(window: MainWindow) -> Report:
    """Walk through everything, beginning on the welcome page."""
    walk = Walk(window)
    walk.visit(window.welcome, "welcome")
    window.projects.open_sample()
    wait(1500)
    _fill(window)
    window.notices.show_notice("", action=tr("Show"))
    window.training.card.set_checkpoint(BUNDLED_WEIGHTS)
    for tool in window.workplace._tools:
        window.workplace.choose_tool(tool)
        wait(1)  # until the options of the tool before are gone
        walk.visit(window.workplace, f"tool {tool}")
        walk.lead(tool)
    _open_panels(window)
    for dock in window.findChildren(QDockWidget):
        dock.show()
        dock.raise_()
        wait(50)
        walk.visit(dock, dock.objectName())
    walk.visit(window, "window")
    for dialog in dialogs(window):
        walk.visit(dialog, type(dialog).__name__)
    walk.report.names += _names(window)
    return walk.finish()


def _open_panels(window: MainWindow) -> None:
    """Whatever floats over the canvas, and the words of the work that goes on."""
    window.actions_["display"].trigger()
    window.actions_["choose_category"].trigger()
    window.quality.progressed.emit(_fixing(2), None)


def _names(window: MainWindow) -> list[str]:
    """Texts that are of no language."""
    session, project = window.session, window.session.project
    assert project is not None
    card = read_card(BUNDLED_WEIGHTS)
    keys = {key for keys in key_bindings().keymap.keys.values() for key in keys}
    return [
        *(written(key) for key in keys.union(key for key, _ in CANVAS_HELP)),
        *(each.name for each in PROFILES),
        *FLAGS,  # words of the filter, which is a language of its own
        *(each.name for each in session.categories.values()),
        *(each.path for each in session.images.values()),
        *(each.name for each in session.images.values()),
        *(str(project.path), project.path.stem, str(project.path.parent)),
        *(entry.author for entry in project.history()),
        *(str(BUNDLED_WEIGHTS), card.name, card.data, card.licence, *card.spec.categories),
        *(each.title for each in FORMATS.values()),
        *("tuned", "nucleus", "debris"),  # whose categories were asked for
        *(text for each in published_models() for text in (each.title, each.licence, each.data, each.figures)),
        *(name for each in published_models() for name in each.first_categories),
    ]


def _fill(window: MainWindow) -> None:
    """Draw an instance, so that no list is empty."""
    session, project = window.session, window.session.project
    assert project is not None
    assert session.image is not None
    category, instance = project.new_category_id(), project.new_instance_id()
    session.apply(commands.add_category(category, "cell", category_color(category)))
    mask = Mask.from_full(np.ones((20, 20), dtype=bool))
    session.apply(commands.draw(instance, session.image.id, category, mask))


def main() -> None:
    application = QApplication([])
    translate_qt(application)
    theme().apply(application, Mode.DARK)
    from app.preferences import Preferences

    app.jobs.rounds.BUNDLED_WEIGHTS = Path("none")  # torch stays out; the model's card is shown all the same
    window = MainWindow(Preferences())
    window.show()
    report = go(window)
    window.close()
    Path(sys.argv[1]).write_text(json.dumps(asdict(report)))


if __name__ == "__main__":
    main()
