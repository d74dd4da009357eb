"""Opens the whole window with the sample project and reports, as JSON, what it says and what can be used in it.

Run in a process of its own, because the language is fixed while a program runs: `walk.py FILE` writes the report there.
"""

import importlib
import json
import pkgutil
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from PySide6.QtCore import QAbstractItemModel, QEventLoop, QModelIndex, Qt, QTimer
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QDialog,
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
from app.theme import Mode, theme
from app.translation import tr, translate_qt
from app.window import MainWindow
from engine.checkpoints import read_card
from engine.formats.registry import FORMATS
from engine.geometry.mask import Mask
from engine.project import category_color, commands
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
    unbuilt: list[str] = field(default_factory=list)  # dialogs of the app that the walk does not open
    order: list[str] = field(default_factory=list)  # where Tab leads, from the review bar on


class Walk:
    """Goes through every window, once for each state that it can be in."""

    def __init__(self, window: MainWindow) -> None:
        self.window = window
        self.report = Report()

    def visit(self, root: QWidget, where: str) -> None:
        """Note the texts and controls of a widget and of everything in it."""
        for widget in (root, *root.findChildren(QWidget)):
            place = f"{where}: {type(widget).__name__}"
            self.report.texts += [(place, text) for text in _texts_of(widget) if text]
            for action in widget.actions():
                self.report.names += [each.toString(each.SequenceFormat.NativeText) for each in action.shortcuts()]
            if isinstance(widget, CONTROLS) and _is_a_control(widget):
                self.report.controls.append(_control(widget, place))
        self.report.unattached += [f"{where}: {text}" for text in _unattached(root)]

    def lead(self) -> None:
        """Press Tab from the review bar on until it comes round, and note where it leads."""
        window = self.window
        chain: list[QWidget] = []
        widget = window.workplace.nextInFocusChain()
        while widget is not None and widget not in chain and len(chain) < 5000:
            chain.append(widget)
            widget = widget.nextInFocusChain()
        usable = [each for each in chain if each.isVisibleTo(window) and each.focusPolicy() & Qt.FocusPolicy.TabFocus]
        self.report.order = [_region(window, each) for each in usable if each.window() is window]


def _texts_of(widget: QWidget) -> Iterator[str]:
    if widget.objectName().startswith("qt_") or isinstance(widget.parent(), QTabBar):
        return  # parts of Qt's own, with Qt's translation
    yield from (widget.toolTip(), widget.statusTip(), widget.whatsThis())
    yield from (widget.accessibleName(), widget.accessibleDescription())
    if widget.isWindow() or isinstance(widget, QDockWidget):
        yield widget.windowTitle()
    if isinstance(widget, QLabel | QAbstractButton):
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
    return Control(where, type(widget).__name__, name, tip, bool(widget.focusPolicy() & Qt.FocusPolicy.TabFocus))


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


def dialogs(window: MainWindow) -> dict[str, Callable[[], Iterable[QWidget]]]:
    """What opens each dialog class of the app, by its name."""
    from app.backups_dialog import BackupsDialog
    from app.dataset_dialogs import ExportDialog, ImportDialog
    from app.image_files_dialog import ImageFilesDialog
    from app.key_sheet import KeySheet
    from app.messages import ErrorDialog
    from app.pages_dialog import PagesDialog
    from app.report_dialog import ReportDialog

    project = window.projects.path
    assert project is not None
    return {
        "BackupsDialog": lambda: [BackupsDialog(window.safekeeping, True)],
        "ErrorDialog": lambda: [ErrorDialog("", "")],
        "ExportDialog": lambda: [ExportDialog(project)],
        "ImageFilesDialog": lambda: [ImageFilesDialog(window.safekeeping, True, lambda _: None)],
        "ImportDialog": lambda: [ImportDialog(new=new) for new in (True, False)],
        "KeySheet": lambda: [KeySheet()],
        "PagesDialog": lambda: [PagesDialog({Path(str(n)): 3 for n in range(count)}) for count in (1, 2)],
        "ReportDialog": lambda: [ReportDialog("", "")],
    }


def _dialog_classes() -> set[str]:
    for module in pkgutil.walk_packages(app.__path__, "app."):
        importlib.import_module(module.name)
    found, queue = set(), [QDialog]
    while queue:
        for each in queue.pop().__subclasses__():
            queue.append(each)
            if each.__module__.startswith("app.") and not each.__name__.startswith("_"):
                found.add(each.__name__)
    return found


def go(window: MainWindow) -> Report:
    """Walk through everything, beginning on the welcome page."""
    walk = Walk(window)
    walk.visit(window.welcome, "welcome")
    window.projects.open_sample()
    wait(1500)
    session, project = window.session, window.session.project
    assert project is not None
    _fill(window)
    window.notices.show_notice("", action=tr("Show"))
    window.training.card.set_checkpoint(BUNDLED_WEIGHTS)
    for tool in window.workplace._tools:
        window.workplace.choose_tool(tool)
        walk.visit(window.workplace, f"tool {tool}")
    for dock in window.findChildren(QDockWidget):
        dock.show()
        dock.raise_()
        wait(50)
        walk.visit(dock, dock.objectName())
    walk.visit(window, "window")
    walk.lead()
    opened = dialogs(window)
    for name, build in opened.items():
        for dialog in build():
            walk.visit(dialog, name)
    walk.report.unbuilt = sorted(_dialog_classes() - opened.keys())
    walk.report.names += [each.name for each in session.categories.values()]
    walk.report.names += [each.path for each in session.images.values()]
    walk.report.names += [each.name for each in session.images.values()]
    walk.report.names += [str(project.path), project.path.stem, str(project.path.parent)]
    walk.report.names += [entry.author for entry in project.history()]
    card = read_card(BUNDLED_WEIGHTS)
    walk.report.names += [str(BUNDLED_WEIGHTS), card.name, card.data, card.licence, *card.spec.categories]
    walk.report.names += [each.title for each in FORMATS.values()]
    return walk.report


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
