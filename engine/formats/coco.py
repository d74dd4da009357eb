"""COCO: the file as checked records, a project from it, and a project as one."""

from engine.formats.coco_document import CocoDataset, read_dataset
from engine.formats.coco_export import ExportReport, export_coco
from engine.formats.coco_import import ImportReport, import_coco

__all__ = ["CocoDataset", "ExportReport", "ImportReport", "export_coco", "import_coco", "read_dataset"]
