"""The file dialogs behind the Project menu. Nothing happens when the person thinks better of it."""

from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QWidget

from app.projects import Projects
from engine.images import IMAGE_SUFFIXES
from engine.project import SUFFIX

_COCO = "COCO annotations (*.json)"


class ProjectDialogs:
    """Asks where, then tells `Projects`."""

    def __init__(self, parent: QWidget, projects: Projects) -> None:
        self._parent = parent
        self._projects = projects

    def project(self) -> None:
        path = QFileDialog.getOpenFileName(self._parent, "Open project", "", f"Maskwright projects (*{SUFFIX})")[0]
        if path:
            self._projects.open(Path(path))

    def folder(self) -> None:
        folder = self._folder("Open a folder of images")
        if folder is not None:
            self._projects.open_folder(folder)

    def more_folder(self) -> None:
        folder = self._folder("Add a folder of images")
        if folder is not None:
            self._projects.drop([folder])

    def images(self) -> None:
        patterns = " ".join(f"*{suffix}" for suffix in sorted(IMAGE_SUFFIXES))
        names = QFileDialog.getOpenFileNames(self._parent, "Add images", "", f"Images ({patterns})")[0]
        if names:
            self._projects.add(Path(name) for name in names)

    def coco(self) -> None:
        """A COCO dataset as a new project beside its annotation file, or into the one that is there already."""
        chosen = self._coco()
        if chosen is not None:
            annotations, images = chosen
            self._projects.import_coco(annotations, images, annotations.with_suffix(SUFFIX))

    def coco_into_project(self) -> None:
        chosen = self._coco()
        if chosen is not None:
            self._projects.import_coco(*chosen)

    def export(self) -> None:
        start = self._projects.suggested_export()
        if start is None:
            return
        out = QFileDialog.getSaveFileName(self._parent, "Export COCO dataset", str(start), _COCO)[0]
        if out:
            self._projects.export_coco(Path(out))

    def _coco(self) -> tuple[Path, Path] | None:
        """An annotation file and the folder that its image names refer to."""
        annotations = QFileDialog.getOpenFileName(self._parent, "Open COCO annotations", "", _COCO)[0]
        if not annotations:
            return None
        images = self._folder("Folder of the dataset's images", Path(annotations).parent)
        return None if images is None else (Path(annotations), images)

    def _folder(self, title: str, start: Path | None = None) -> Path | None:
        folder = QFileDialog.getExistingDirectory(self._parent, title, str(start or ""))
        return Path(folder) if folder else None
