"""COCO: a project from a file, and a project as one."""

from pathlib import Path

from engine.formats.coco_document import read_dataset
from engine.formats.coco_export import EVERYTHING, export_coco
from engine.formats.exporting import ExportReport, Selection
from engine.formats.importing import ImportReport, Progress, import_dataset
from engine.project.project import Project

__all__ = ["EVERYTHING", "ExportReport", "ImportReport", "Selection", "export_coco", "import_coco", "read_dataset"]


def import_coco(
    project: Project,
    annotation_path: str | Path,
    images_folder: str | Path | None,
    *,
    accept_images: bool = False,
    crowd_as_instances: bool = False,
    progress: Progress | None = None,
) -> ImportReport:
    """Brings a COCO file into a project; see `import_dataset`."""
    dataset = read_dataset(annotation_path)
    return import_dataset(
        project,
        dataset,
        images_folder,
        accept_images=accept_images,
        crowd_as_instances=crowd_as_instances,
        progress=progress,
    )
