"""A COCO dataset into a project. The source record of every image, annotation and category is kept for the export."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from engine.errors import InvalidDataset
from engine.files import sha256_of
from engine.formats.coco_document import CocoAnnotation, CocoDataset, CocoImage, mask_of, read_dataset
from engine.geometry.mask import Mask
from engine.images import read_info
from engine.project.categories import category_color
from engine.project.edit import Action, CategoryChange, Change, Edit, ImageChange, InstanceChange
from engine.project.project import Project
from engine.records import Category, Image, Instance, InstanceState, Origin, Review

Progress = Callable[[int, int], None]

_NAMES_IN_A_MESSAGE = 5


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did: counts of what is new in the project, and everything that was left out, with the reason.

    `missing` are file names that the images folder does not hold, `unreadable` files with what is wrong with them,
    `left_out` the index in the file of an annotation on an image that is there, and why it was not imported.
    """

    images: int
    instances: int
    categories: int
    missing: tuple[str, ...] = ()
    unreadable: tuple[tuple[str, str], ...] = ()
    left_out: tuple[tuple[int, str], ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class _Import:
    """An import under way: the file with its masks drawn, and what was left out so far."""

    dataset: CocoDataset
    files: dict[int, Path]
    masks: dict[int, Mask]
    left_out: list[tuple[int, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def import_coco(
    project: Project,
    annotation_path: str | Path,
    images_folder: str | Path,
    *,
    accept_images: bool = False,
    progress: Progress | None = None,
) -> ImportReport:
    """Adds the images of a COCO file that lie in `images_folder`, and their instances, accepted, as one edit.

    The whole file is checked and every mask drawn before anything is written. With `accept_images` the images count as
    complete: accepted, or verified empty where they have no annotation; one with an annotation left out stays open.
    Images that the project holds already get the instances that they do not have yet. `progress(done, total)` counts
    image files and may raise to give up.

    Raises InvalidDataset where the file breaks the format or none of its images is there, MaskwrightError where the
    project cannot be written; no instance is imported then.
    """
    dataset = read_dataset(annotation_path)
    files, missing = _locate(dataset, Path(images_folder).absolute())
    work = _Import(dataset, files, _draw_masks(dataset, files))
    sources = {files[image.id]: _text(image.source) for image in dataset.images if image.id in files}
    added = project.add_images(list(sources), progress, sources=sources)
    images, unreadable = _match_images(project, work, added.skipped)
    changes, categories = _changes(project, work, images, accept_images)
    project.apply(Edit(Action.IMPORT, None, tuple(changes)))
    _keep_dataset_source(project, work)
    instances = sum(isinstance(change, InstanceChange) for change in changes)
    return ImportReport(
        len(added.added),
        instances,
        categories,
        tuple(missing),
        tuple(unreadable),
        tuple(sorted(work.left_out)),
        tuple(work.notes),
    )


def _locate(dataset: CocoDataset, folder: Path) -> tuple[dict[int, Path], list[str]]:
    """The file of each image by its id in the dataset, and the names of those that are not there."""
    if not folder.is_dir():
        raise InvalidDataset(f"The images folder {folder} does not exist.", remedy="Choose the folder with the images.")
    files: dict[int, Path] = {}
    missing = []
    for index, image in enumerate(dataset.images):
        path = folder / _inside(dataset, index, image)
        if path.is_file():
            files[image.id] = path
        else:
            missing.append(image.file_name)
    if not files:
        named = ", ".join(missing[:_NAMES_IN_A_MESSAGE])
        more = f" and {len(missing) - _NAMES_IN_A_MESSAGE} more" if len(missing) > _NAMES_IN_A_MESSAGE else ""
        problem = f"None of its images is in {folder}: {named}{more}." if missing else "It names no image."
        raise InvalidDataset(f"{dataset.path.name}: {problem}", remedy="Choose the folder with the dataset's images.")
    return files, missing


def _inside(dataset: CocoDataset, index: int, image: CocoImage) -> PurePosixPath:
    """The file name as a path that stays inside the images folder."""
    windows = PureWindowsPath(image.file_name)
    if windows.drive or windows.root or ".." in windows.parts or "\0" in image.file_name:
        where = f"{dataset.path.name}: images[{index}], key 'file_name'"
        raise InvalidDataset(f"{where}: {image.file_name!r} leads out of the images folder.")
    return PurePosixPath(*windows.parts)


def _draw_masks(dataset: CocoDataset, files: dict[int, Path]) -> dict[int, Mask]:
    """The mask of each annotation, by its index, whose image is there."""
    sizes: dict[int, tuple[int, int]] = {}
    for image in dataset.images:
        if image.id in files:
            sizes[image.id] = image.size or _size_of(files[image.id])
    return {
        annotation.index: mask_of(dataset, annotation, *sizes[annotation.image_id])
        for annotation in dataset.annotations
        if annotation.image_id in files
    }


def _size_of(path: Path) -> tuple[int, int]:
    info = read_info(path)
    return info.width, info.height


def _match_images(
    project: Project, work: _Import, skipped: Sequence[tuple[Path, str]]
) -> tuple[dict[int, Image], list[tuple[str, str]]]:
    """The project's image for each of the dataset's that can take instances, and the files that cannot be read."""
    by_hash = {image.content_hash: image for image in project.images()}
    reasons = dict(skipped)
    matched: dict[int, Image] = {}
    unreadable = []
    taken: dict[int, str] = {}
    by_path = {project.image_path(image): image for image in by_hash.values()}
    for record in work.dataset.images:
        path = work.files.get(record.id)
        if path is None:
            continue
        image = by_path.get(path) or by_hash.get(sha256_of(path))
        if image is None:
            unreadable.append((record.file_name, reasons.get(path, "It could not be added.")))
            continue
        problem = _mismatch(record, image) or (
            f"it is the same picture as {taken[image.id]}" if image.id in taken else None
        )
        if problem is None:
            matched[record.id] = image
            taken[image.id] = record.file_name
        else:
            work.notes.append(f"{record.file_name} was left without its annotations: {problem}.")
    return matched, unreadable


def _mismatch(record: CocoImage, image: Image) -> str | None:
    if record.size not in (None, (image.width, image.height)):
        stated = "{} x {}".format(*record.size) if record.size else ""
        return f"the file says {stated} pixels, the image has {image.width} x {image.height}"
    if image.review is not Review.OPEN:
        return f"the project holds it already, {image.review}"
    return None


def _changes(
    project: Project, work: _Import, images: dict[int, Image], accept_images: bool
) -> tuple[list[Change], int]:
    """Everything that the import changes, and how many categories are new."""
    categories, category_changes = _categories(project, work)
    known = {image.id: _known_masks(project, image.id) for image in images.values()}
    candidates = []
    incomplete = set()
    for annotation in work.dataset.annotations:
        image = images.get(annotation.image_id)
        if image is None:
            continue
        mask = work.masks[annotation.index]
        category_id = categories[annotation.category_id]
        if mask.is_empty:
            work.left_out.append((annotation.index, "it has no mask, or one that covers no pixel"))
            incomplete.add(image.id)
        elif (mask, category_id) in known[image.id]:
            work.left_out.append((annotation.index, "the project holds it already"))
        else:
            candidates.append((annotation, image.id, category_id, mask))
    ids = project.new_instance_ids(len(candidates))
    instances: list[Change] = [
        InstanceChange(None, _instance(number, *candidate)) for number, candidate in zip(ids, candidates, strict=True)
    ]
    reviews: list[Change] = []
    if accept_images:
        filled = {image_id for _, image_id, _, _ in candidates} | {number for number, masks in known.items() if masks}
        complete = (image for image in images.values() if image.id not in incomplete)
        reviews = [
            ImageChange(image.id, image.review, Review.ACCEPTED if image.id in filled else Review.VERIFIED_EMPTY)
            for image in complete
        ]
    return [*category_changes, *instances, *reviews], len(category_changes)


def _instance(number: int, annotation: CocoAnnotation, image_id: int, category_id: int, mask: Mask) -> Instance:
    return Instance(
        number,
        image_id,
        category_id,
        mask,
        state=InstanceState.ACCEPTED,
        origin=Origin.IMPORTED,
        crowd=annotation.crowd,
        source=_text(annotation.source),
    )


def _known_masks(project: Project, image_id: int) -> set[tuple[Mask, int]]:
    accepted = (held for held in project.instances(image_id) if held.state is InstanceState.ACCEPTED)
    return {(instance.mask, instance.category_id) for instance in accepted}


def _categories(project: Project, work: _Import) -> tuple[dict[int, int], list[Change]]:
    """The project's category id for each of the dataset's, matched by name, and the creation of those that are new."""
    by_name = {category.name: category.id for category in project.categories()}
    ids: dict[int, int] = {}
    changes: list[Change] = []
    seen: set[str] = set()
    for record in work.dataset.categories:
        if record.name in seen:
            work.notes.append(f"Two categories are called {record.name!r}; they became one.")
        seen.add(record.name)
        if record.name not in by_name:
            number = project.new_category_id()
            created = Category(number, record.name, category_color(number), _text(record.source))
            changes.append(CategoryChange(None, created))
            by_name[record.name] = number
        ids[record.id] = by_name[record.name]
    return ids, changes


def _keep_dataset_source(project: Project, work: _Import) -> None:
    """Remembers info, licenses and the like of the first dataset that has them."""
    kept = project.dataset_source or {}
    differing = [key for key, value in work.dataset.source.items() if kept.get(key, value) != value]
    if differing:
        work.notes.append(f"The project keeps {', '.join(differing)} of the dataset imported before.")
    project.dataset_source = {**work.dataset.source, **kept}


def _text(record: Any) -> str:
    return json.dumps(record, ensure_ascii=False)
