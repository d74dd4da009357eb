"""The file dialogs behind the Project menu. Nothing happens when the person thinks better of it."""

from collections.abc import Mapping
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QFileDialog, QMessageBox, QWidget

from app.dataset_dialogs import ExportDialog, ImportDialog
from app.messages import NoticeBar
from app.pages_dialog import PagesDialog
from app.projects import Projects
from app.report_dialog import ReportDialog
from app.translation import tr, trn
from engine.images import IMAGE_SUFFIXES
from engine.project import SUFFIX


class ProjectDialogs:
    """Asks where, then tells `Projects`; and tells the person what became of it."""

    def __init__(self, parent: QWidget, projects: Projects, notices: NoticeBar) -> None:
        self._parent = parent
        self._projects = projects
        self._notices = notices

    def project(self) -> None:
        path = QFileDialog.getOpenFileName(
            self._parent, tr("Open project"), "", f"{tr('Maskwright projects')} (*{SUFFIX})"
        )[0]
        if path:
            self._projects.open(Path(path))

    def folder(self) -> None:
        folder = self._folder(tr("Open a folder of images"))
        if folder is not None:
            self._projects.open_folder(folder)

    def more_folder(self) -> None:
        folder = self._folder(tr("Add a folder of images"))
        if folder is not None:
            self._projects.drop([folder])

    def images(self) -> None:
        patterns = " ".join(f"*{suffix}" for suffix in sorted(IMAGE_SUFFIXES))
        names = QFileDialog.getOpenFileNames(self._parent, tr("Add images"), "", f"{tr('Images')} ({patterns})")[0]
        if names:
            self._projects.add(Path(name) for name in names)

    def offer_pages(self, files: Mapping[Path, int]) -> None:
        """Tell that files have more pages than the one that was added, and ask which of them to add."""
        words = trn(
            "{count} file has more pages than the one that was added.",
            "{count} files have more pages than the one that was added.",
            len(files),
        )
        self._notices.show_notice(words, action=tr("Choose Pages…"), then=lambda: self._pages(files))

    def show_report(self, summary: str, lines: str) -> None:
        """Tell what a job did, and on demand everything it said."""
        show = (lambda: _open(ReportDialog(summary, lines, self._parent))) if lines else None
        self._notices.show_next(summary, action=tr("Details") if lines else "", then=show)

    def _pages(self, files: Mapping[Path, int]) -> None:
        dialog = PagesDialog(files, self._parent)
        dialog.accepted.connect(lambda: self._projects.add(files, dialog.choice()))
        _open(dialog)

    def dataset(self) -> None:
        """A dataset as a new project beside it, or into the one that is there already."""
        dialog = ImportDialog(new=True, parent=self._parent)
        dialog.accepted.connect(lambda: self._import(dialog, new=True))
        _open(dialog)

    def annotations(self) -> None:
        """A dataset or results into the open project."""
        dialog = ImportDialog(new=False, parent=self._parent)
        dialog.accepted.connect(lambda: self._import(dialog, new=False))
        _open(dialog)

    def export(self) -> None:
        project = self._projects.path
        if project is not None:
            dialog = ExportDialog(project, self._parent)
            dialog.accepted.connect(lambda: self._export(dialog))
            _open(dialog)

    def _export(self, dialog: ExportDialog) -> None:
        out = dialog.out.path()
        if out is not None and out.is_file():
            question = tr("{file} exists already. Replace it?", file=out.name)
            yes, no = QMessageBox.StandardButton.Yes, QMessageBox.StandardButton.No
            if QMessageBox.question(self._parent, tr("Export dataset"), question, yes | no, no) != yes:
                return
        self._projects.export_dataset(dialog.arguments())

    def _import(self, dialog: ImportDialog, *, new: bool) -> None:
        data = dialog.data.path()
        if data is not None:
            target = data.with_suffix(SUFFIX) if new else None
            self._projects.import_dataset(dialog.arguments(), data.name, target)

    def _folder(self, title: str, start: Path | None = None) -> Path | None:
        folder = QFileDialog.getExistingDirectory(self._parent, title, str(start or ""))
        return Path(folder) if folder else None


def _open(dialog: QDialog) -> None:
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.open()
