"""The main window: puts panels, canvas and jobs together, and connects them through the session."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import (
    QActionGroup,
    QCloseEvent,
    QDesktopServices,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDropEvent,
    QIcon,
)
from PySide6.QtWidgets import QDialog, QLabel, QMainWindow, QMenu, QMessageBox, QStackedWidget, QTabWidget

from app.actions import Actions
from app.backups_dialog import BackupsDialog
from app.canvas.view import CanvasView
from app.category_switch import CategorySwitch
from app.decisions import Decisions
from app.dialogs import ProjectDialogs
from app.docks import Docks
from app.history_names import HistoryNames
from app.image_files_dialog import ImageFilesDialog
from app.jobs.model_thread import PredictorState
from app.jobs.pixels import PixelCache, PixelLoader, Thumbnails
from app.jobs.prediction import Prediction
from app.jobs.quality import Quality
from app.jobs.queue_order import QueueOrder
from app.jobs.rounds import Rounds
from app.key_commands import KeyCommands
from app.keymap import LISTED_INSTANCES, PROJECT, VIEW, tool_names
from app.likeness_dialog import LikenessCommand
from app.mask_commands import MaskCommands
from app.messages import ErrorDialog, NoticeBar, log, versions
from app.models_dialog import ModelsCommand
from app.panels.categories import CategoriesPanel
from app.panels.history import HistoryPanel
from app.panels.images import ImagesPanel
from app.panels.instances import InstancesPanel
from app.panels.model import STATES
from app.panels.parts import Panel
from app.panels.quality import QualityPanel
from app.panels.training import TrainingPanel
from app.preferences import Preferences
from app.projects import Projects
from app.propagation import Propagation
from app.regions import Regions
from app.round_notices import RoundNotices
from app.safekeeping import Safekeeping
from app.selecting import Selecting
from app.session import Session
from app.statistics_dialog import StatisticsCommand
from app.status_bar import StatusBar
from app.theme import MODE_WORDS, RESOURCES, Mode, theme
from app.timeline import Timeline
from app.translation import tr
from app.viewing import Viewing
from app.welcome import Welcome
from app.work_pill import WorkPill
from app.workplace import Workplace
from engine.quality.findings import Finding
from engine.user_folders import log_folder


class MainWindow(QMainWindow):
    """Everything that a person sees. Nothing here decides anything: see `Decisions`, `Projects` and `Rounds`."""

    def __init__(self, preferences: Preferences) -> None:
        super().__init__()
        self.preferences = preferences
        self.session = Session(self)
        self.session.set_threshold(preferences.threshold)
        self.timeline = Timeline(self.session)
        self.projects = Projects(self.session, preferences)
        self.safekeeping = Safekeeping(self.session)
        cache = PixelCache()
        self.loader = PixelLoader(self.session, cache)
        self.thumbnails = Thumbnails(self.session)
        self.prediction = Prediction(self.session, cache)
        self.queue = QueueOrder(self.session, self.prediction)
        self.decisions = Decisions(self.session, CategorySwitch(self.session, self.prediction))
        self.selecting = Selecting(self.session, self.decisions, preferences)
        self.likeness = LikenessCommand(self, self.session, self.prediction, cache)
        self.propagation = Propagation(self.session, self.prediction)
        self.rounds = Rounds(self.session)
        self.models = ModelsCommand(self, self.session, self.rounds, self.prediction)
        self.quality = Quality(self.session)
        self.canvas = CanvasView(self.session)
        self.mask_commands = MaskCommands(self.session, self.canvas.shaping)
        self.viewing = Viewing(self.session, self.canvas, preferences)
        self.pages = QStackedWidget()
        self.notices = NoticeBar(self.pages, self.canvas)
        self._ask = ProjectDialogs(self, self.projects, self.notices)
        self.keys = KeyCommands(self, self.notices)
        self.statistics = StatisticsCommand(self, self.session)
        self.actions_ = Actions(self, self.canvas, self._handlers())
        self._build()
        self._connect()
        self._restore()
        self._show_page()
        self._list_recent()
        self._show_state(self.prediction.state)

    # -- building

    def _handlers(self) -> dict[str, Callable[[], object]]:
        decisions, session, canvas = self.decisions, self.session, self.canvas
        ask = self._ask
        return {
            "sample": self.projects.open_sample,
            "open_folder": ask.folder,
            "open_dataset": ask.dataset,
            "open_project": ask.project,
            "add_images": ask.images,
            "add_folder": ask.more_folder,
            "import_dataset": ask.annotations,
            "export_dataset": ask.export,
            "image_files": self.show_image_files,
            "backups": self.show_backups,
            "checkpoint": self._save,
            "close_project": self.projects.close,
            "quit": self.close,
            "undo": self._undo,
            "redo": self.timeline.redo,
            "delete": decisions.delete,
            **self.selecting.handlers(),
            "accept": decisions.accept,
            "reject": decisions.reject,
            "reopen": decisions.reopen,
            "accept_image": decisions.accept_image,
            "verify_empty": decisions.verify_empty,
            "skip_image": decisions.skip_image,
            "reopen_image": decisions.reopen_image,
            "previous_image": lambda: self._step(-1),
            "next_image": lambda: self._step(1),
            "next_open": decisions.next_open,
            **{command: partial(self._choose_tool, name) for command, name in tool_names().items()},
            "brush_smaller": lambda: canvas.brush_size.step(-1),
            "brush_larger": lambda: canvas.brush_size.step(1),
            **canvas.marking.handlers(),
            **self.viewing.handlers(),
            "hide_masks": lambda: session.set_masks_visible(not self.actions_["hide_masks"].isChecked()),
            "hide_selected": decisions.toggle_hidden,
            **self.mask_commands.handlers(),
            "finetune": self._fine_tune,
            "predict_again": self.prediction.predict_again,
            **self.propagation.handlers(),
            **self.likeness.handlers(),
            **self.keys.handlers(),
            **self.statistics.handlers(),
            **Regions(self).handlers(),
            "log": lambda: QDesktopServices.openUrl(QUrl.fromLocalFile(str(log_folder()))),
            "about": self._about,
        }

    def _build(self) -> None:
        self.setObjectName("window")
        self.setWindowIcon(QIcon(str(RESOURCES / "icon.svg")))
        self.setAcceptDrops(True)
        self.setTabPosition(Qt.DockWidgetArea.AllDockWidgetAreas, QTabWidget.TabPosition.North)
        self.images = ImagesPanel(self.session, self.thumbnails, self.queue, self.actions_["add_images"].trigger)
        self.instances = InstancesPanel(self.session)
        self.categories = CategoriesPanel(self.session)
        self.training = TrainingPanel(self.session, self.rounds, self.actions_["finetune"].trigger, self.models.show)
        self.history = HistoryPanel(self.session, self.thumbnails, self.timeline.travel)
        self.findings = QualityPanel(self.session, self.quality)
        self.workplace = Workplace(self.session, self.canvas, self.actions_, self.prediction)
        self.viewing.attach(self.actions_)
        self.welcome = Welcome(self._handlers(), self.projects.open)
        self.pages.addWidget(self.welcome)
        self.pages.addWidget(self.workplace)
        self.setCentralWidget(self.pages)
        panels: dict[str, Panel] = {
            "images": self.images,
            "instances": self.instances,
            "model": self.training,
            "history": self.history,
            "quality": self.findings,
            "categories": self.categories,
        }
        self.docks = Docks(self, panels)
        self.selecting.attach(self.instances, self.docks, self.workplace)
        self.status = StatusBar(self.session, self.canvas)
        self.setStatusBar(self.status)
        self._busy = QLabel()
        self.status.addWidget(self._busy)
        menus = self.actions_.fill_menus(self.menuBar())
        self._add_theme_menu(menus[VIEW])
        self._recent_menu = QMenu(tr("Open Recent"), self)
        menus[PROJECT].insertMenu(self.actions_["add_images"], self._recent_menu)
        self.actions_.add_category_keys(self, self.decisions.choose_category)
        self.instances.set_actions([self.actions_[command_id] for command_id in LISTED_INSTANCES])

    def _add_theme_menu(self, menu: QMenu) -> None:
        menu.addSeparator()
        self.docks.fill_menu(menu)
        menu.addSeparator()
        group = QActionGroup(self)
        submenu = menu.addMenu(tr("Theme"))
        for mode in Mode:
            action = submenu.addAction(MODE_WORDS[mode])
            action.setCheckable(True)
            action.setChecked(mode is self.preferences.mode)
            action.setData(mode)
            group.addAction(action)
        group.triggered.connect(lambda action: self._set_mode(Mode(action.data())))

    def _connect(self) -> None:
        session = self.session
        session.problem.connect(self.show_problem)
        session.notice.connect(lambda text: self.notices.show_notice(text))
        session.project_changed.connect(self._show_page)
        session.image_changed.connect(self._show_place)
        self._history_names = HistoryNames(session, self.actions_)
        session.project_changed.connect(self._list_recent)
        self.projects.locked.connect(self._offer_reading)
        self.projects.busy.connect(self._busy.setText)
        pill = WorkPill(self.pages)
        for job in (self.projects, self.quality, session.writing):
            pill.follow(job.progressed, job.cancel_work)
        self.projects.reported.connect(self._ask.show_report)
        self.projects.has_pages.connect(self._ask.offer_pages)
        self.queue.changed.connect(self.status.refresh)  # after the panel, which arranges the images
        self.prediction.state_changed.connect(self._show_state)
        self.prediction.encoded.connect(lambda: self.status.show_features(self.prediction.features))
        self.prediction.measured.connect(self.training.refresh)  # it can be said now how long a round takes
        self.prediction.failed.connect(self._prediction_failed)
        self.prediction.unusable.connect(self.rounds.give_up)
        self.rounds.checkpoint_changed.connect(self._use_checkpoint)
        self.rounds.changed.connect(lambda: self.prediction.set_training(self.rounds.running))
        self._round_notices = RoundNotices(
            self.rounds, self.quality, self.notices, self.docks, self.training.show_outcome
        )
        self.rounds.failed.connect(self.show_problem)
        self.thumbnails.ready.connect(self.images.model.repaint_image)
        self.safekeeping.set_places(self.show_image_files, lambda: self.docks.reveal("history"))
        self.safekeeping.said.connect(lambda text, act, then: self.notices.show_notice(text, action=act, then=then))
        self.safekeeping.restored.connect(self.projects.open)
        self.instances.hide_toggled.connect(self.decisions.toggle_hidden_instance)
        self.instances.opened.connect(self._show_instance)
        self.findings.opened.connect(self._show_finding)
        session.project_changed.connect(self.notices.hide)
        session.project_changed.connect(self.safekeeping.look_after)  # after that, because it has something to say

    def _restore(self) -> None:
        self.resize(1440, 900)
        self.docks.arrange()
        self.restoreGeometry(self.preferences.bytes("geometry"))
        self.restoreState(self.preferences.bytes("docks"))

    # -- following the session

    def _show_page(self) -> None:
        """The welcome page without a project, else docks and canvas."""
        opened = self.session.project is not None
        self.pages.setCurrentWidget(self.workplace if opened else self.welcome)
        self.docks.set_visible(opened)
        self.statusBar().setVisible(opened)
        self._show_place()
        if opened:
            self.canvas.setFocus()  # its keys work at once

    def _show_place(self) -> None:
        """Title and enabled commands, for the current project and image."""
        session = self.session
        self.actions_.enable(
            project=session.project is not None, image=session.image is not None, writable=not session.read_only
        )
        names = [session.image.name] if session.image is not None else []
        if session.project is not None:
            names.append(session.project.path.stem + (f" ({tr('read only')})" if session.read_only else ""))
        self.setWindowTitle(" — ".join([*names, "Maskwright"]))

    def _list_recent(self) -> None:
        recent = self.preferences.recent
        self.welcome.set_recent(recent)
        self._recent_menu.clear()
        self._recent_menu.setEnabled(bool(recent))
        for path in recent:
            self._recent_menu.addAction(path.stem.replace("&", "&&")).triggered.connect(
                lambda _, path=path: self.projects.open(path)
            )

    def _show_instance(self, instance_id: int) -> None:
        instance = self.session.instances.get(instance_id)
        if instance is not None:
            self.canvas.show_bounds(instance.mask.bounds)

    def _show_finding(self, finding: Finding) -> None:
        if finding.image_id in self.session.images:
            self.session.open_image(finding.image_id)
            self.session.select(finding.instance_ids)
            if finding.bounds is not None:
                self.workplace.look_at(finding.bounds)

    def _undo(self) -> None:
        """The last vertex of an open polygon goes before the last edit."""
        if self.canvas.tool is None or not self.canvas.tool.take_back():
            self.timeline.undo()

    def _step(self, step: int) -> None:
        if not self.session.step_image(step):
            self.notices.show_notice(tr("This is the last image.") if step > 0 else tr("This is the first image."))

    def _choose_tool(self, name: str) -> None:
        self.workplace.choose_tool(name)

    # -- model

    def _use_checkpoint(self) -> None:
        checkpoint = self.rounds.checkpoint
        self.training.card.set_checkpoint(checkpoint)
        if checkpoint != self.prediction.checkpoint:
            self.prediction.set_checkpoint(checkpoint)

    def _show_state(self, state: str) -> None:
        self.status.show_state(state)
        self.training.card.set_state(state)
        image = self.session.image
        waiting = image is not None and image.predicted_by is None
        working = state in (PredictorState.LOADING, PredictorState.PREDICTING)
        self.canvas.set_busy(STATES[PredictorState(state)][2] if waiting and working else None)

    def _prediction_failed(self, message: str, details: str) -> None:
        log.error("%s\n%s", message, details)
        first = message.splitlines()[0]
        self.notices.show_notice(first, action=tr("Details"), then=lambda: self.show_problem(message, details))

    def _fine_tune(self) -> None:
        self.docks.reveal("model")
        why_not = self.rounds.why_not()
        if why_not:
            self.notices.show_notice(why_not)
        else:
            self.rounds.start()

    # -- saving

    def _save(self) -> None:
        self.safekeeping.checkpoint()
        self.notices.show_notice(tr("Everything is saved already: each edit is on disk the moment you make it."))

    # -- saying things

    def show_problem(self, message: str, details: str) -> None:
        log.warning("%s\n%s", message, details)
        if any(each.isVisible() and each.says(message, details) for each in self.findChildren(ErrorDialog)):
            return  # a fault in painting comes back with every frame, and would bury the window under dialogs
        self._show_dialog(ErrorDialog(message, details, self))

    def show_image_files(self) -> None:
        self._show_dialog(ImageFilesDialog(self.safekeeping, not self.session.read_only, self.session.open_image, self))

    def show_backups(self) -> None:
        self._show_dialog(BackupsDialog(self.safekeeping, not self.session.read_only, self))

    def _show_dialog(self, dialog: QDialog) -> None:
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def _about(self) -> None:
        promise = tr("Correct masks instead of drawing them.")
        QMessageBox.about(self, tr("About Maskwright"), f"Maskwright\n{promise}\n\n{versions()}")

    def _offer_reading(self, path: Path, why: str) -> None:
        self.notices.show_notice(
            why.split(". ")[0] + ".", action=tr("Open read-only"), then=lambda: self.projects.open(path, read_only=True)
        )

    def _set_mode(self, mode: Mode) -> None:
        self.preferences.mode = mode
        theme().set_mode(mode)

    # -- Qt

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().hasUrls():
            event.acceptProposedAction()
            self.welcome.set_dragging(True)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self.welcome.set_dragging(False)

    def dropEvent(self, event: QDropEvent) -> None:
        self.welcome.set_dragging(False)
        paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        self.session.writing.when_free(partial(self.projects.drop, paths))
        event.acceptProposedAction()

    def closeEvent(self, event: QCloseEvent) -> None:
        self.preferences.threshold = self.session.threshold
        if self.session.project is not None:
            self.preferences.set_bytes("docks", self.saveState())
        self.preferences.set_bytes("geometry", self.saveGeometry())
        self.hide()  # a thread that loads the model takes seconds to stop
        self.projects.stop()
        self.rounds.stop()
        self.models.stop()
        jobs = (
            self.prediction,
            self.queue,
            self.loader,
            self.thumbnails,
            self.safekeeping,
            self.quality,
            self.statistics,
        )
        for job in (self.session.writing, *jobs, self.canvas.work, self.canvas.shaping, self.canvas.composer):
            job.stop()
        self.session.close_project()
        event.accept()
