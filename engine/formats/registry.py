"""The formats by name, and the one way in and out that is the same for all of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import MappingProxyType

from engine.errors import MaskwrightError
from engine.files import new_folder
from engine.formats import coco_export, label_map, labelme, voc, yolo
from engine.formats.coco_document import read_dataset
from engine.formats.dataset import Dataset
from engine.formats.exporting import (
    ExportReport,
    ImageFiles,
    Part,
    Progress,
    Selection,
    Split,
    one_file_an_image,
    parts_of,
    place_images,
)
from engine.project.project import Project


@dataclass(frozen=True, slots=True)
class Format:
    """A dataset format.

    `read` takes the file or folder that a person names. `write` fills an empty folder with the parts of an export and
    returns how many annotations it wrote, and in words what the format could not hold. `image_folder` says where in
    that folder the images of a part lie; with `one_file_an_image` there is one file for each, named like it.
    """

    title: str
    read: Callable[[Path], Dataset]
    write: Callable[[Sequence[Part], Path, Progress | None], tuple[int, tuple[str, ...]]]
    image_folder: Callable[[str], PurePosixPath]
    one_file_an_image: bool = True


FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        "coco": Format("COCO", read_dataset, coco_export.write_coco, coco_export.image_folder, one_file_an_image=False),
        "labelme": Format("LabelMe", labelme.read_labelme, labelme.write_labelme, labelme.image_folder),
        "yolo": Format("YOLO segmentation", yolo.read_yolo, yolo.write_yolo, yolo.image_folder),
        "voc": Format("Pascal VOC", voc.read_voc, voc.write_voc, voc.image_folder),
        "label-map": Format("Label maps", label_map.read_label_map, label_map.write_label_map, label_map.image_folder),
    }
)


def format_named(name: str) -> Format:
    """The format of that name. Raises MaskwrightError that lists them all."""
    try:
        return FORMATS[name]
    except KeyError:
        raise MaskwrightError(f"There is no format {name!r}.", remedy=f"Choose one of {', '.join(FORMATS)}.") from None


def export_to_folder(
    project: Project,
    kind: Format,
    target: Path,
    *,
    selection: Selection | None = None,
    split: Split | None = None,
    image_files: ImageFiles = ImageFiles.LEAVE,
    progress: Progress | None = None,
) -> ExportReport:
    """Writes a project's accepted instances into a new or empty folder, whole or not at all.

    `progress(done, total)` counts images of a part and may raise to give up. Raises MaskwrightError, in words.
    """
    with project.consistent(), new_folder(target) as folder:
        parts = parts_of(project, selection or Selection(), split)
        parts, changes = one_file_an_image(parts) if kind.one_file_an_image else (parts, ())
        annotations, losses = kind.write(parts, folder, progress)
        if image_files is not ImageFiles.LEAVE:
            for part in parts:
                place_images(part, folder / kind.image_folder(part.name), image_files)
    return ExportReport(target, sum(len(part.images) for part in parts), annotations, changes + losses)
