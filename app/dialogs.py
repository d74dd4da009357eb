"""The file dialogs behind the Project menu; each returns None when the person thought better of it."""

from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QWidget

from engine.images import IMAGE_SUFFIXES
from engine.project import SUFFIX


def choose_project(parent: QWidget) -> Path | None:
    return _file(QFileDialog.getOpenFileName(parent, "Open project", "", f"Maskwright projects (*{SUFFIX})")[0])


def choose_folder(parent: QWidget, title: str, start: Path | None = None) -> Path | None:
    return _file(QFileDialog.getExistingDirectory(parent, title, str(start or "")))


def choose_images(parent: QWidget) -> list[Path]:
    patterns = " ".join(f"*{suffix}" for suffix in sorted(IMAGE_SUFFIXES))
    return [Path(name) for name in QFileDialog.getOpenFileNames(parent, "Add images", "", f"Images ({patterns})")[0]]


def choose_coco(parent: QWidget) -> tuple[Path, Path] | None:
    """An annotation file and the folder that its image names refer to."""
    annotations = _file(QFileDialog.getOpenFileName(parent, "Open COCO annotations", "", "COCO annotations (*.json)")[0])
    if annotations is None:
        return None
    images = choose_folder(parent, "Folder of the dataset's images", annotations.parent)
    return None if images is None else (annotations, images)


def choose_export(parent: QWidget, project: Path) -> Path | None:
    start = str(project.with_suffix(".coco.json"))
    return _file(QFileDialog.getSaveFileName(parent, "Export COCO dataset", start, "COCO annotations (*.json)")[0])


def _file(name: str) -> Path | None:
    return Path(name) if name else None
