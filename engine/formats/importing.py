"""Any dataset into a project. The source record of every image, annotation and category is kept for the export."""

import gc
import json
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

from engine.errors import InvalidDataset
from engine.formats.dataset import Dataset, DatasetAnnotation, DatasetImage, masks_of, relative_path
from engine.formats.image_names import ImageNames, none_is_there
from engine.formats.reading import is_text
from engine.geometry.mask import Mask
from engine.images import IMAGE_SUFFIXES
from engine.project.categories import category_color
from engine.project.edit import Action, CategoryChange, Change, Edit, ImageChange, InstanceChange
from engine.project.intake import hash_of
from engine.project.project import Project
from engine.records import Category, Image, Instance, InstanceState, Origin, Review

Progress = Callable[[int, int], None]

# No tool nests a record as deep; Python reads about ten times that, from wherever it is called.
_DEEPEST = 100
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False)
_SUFFIXES = tuple(spelled for suffix in sorted(IMAGE_SUFFIXES) for spelled in (suffix, suffix.upper()))


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did: counts of what is new in the project, and everything that was left out, with the reason.

    `missing` are file names that the images folder does not hold, `unreadable` files with what is wrong with them,
    `left_out` where an annotation stands whose image is there, and why it was not imported.
    """

    images: int
    instances: int
    categories: int
    missing: tuple[str, ...] = ()
    unreadable: tuple[tuple[str, str], ...] = ()
    left_out: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class _Plan:
    """An import under way: which of the project's images take which records' annotations, and what was left out."""

    dataset: Dataset
    images: dict[int, Image] = field(default_factory=dict)
    taken: dict[int, str] = field(default_factory=dict)
    new: list[Image] = field(default_factory=list)
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    left_out: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def import_dataset(
    project: Project,
    dataset: Dataset,
    images_folder: str | Path | None,
    *,
    accept_images: bool = False,
    crowd_as_instances: bool = False,
    progress: Progress | None = None,
) -> ImportReport:
    """Adds the images of a dataset that lie in `images_folder`, and their instances, accepted, as one edit.

    Without a folder, the project's own images take the instances, found by file name. The whole dataset is checked and
    every mask drawn before anything is written, and everything is written in one transaction. With `accept_images` the
    images count as complete: accepted, or verified empty where they have no annotation; one with an annotation left out
    stays open. Images that the project holds already get the instances that they do not have yet. With
    `crowd_as_instances` crowd regions become ordinary instances. `progress(done, total)` counts image files and may
    raise to give up.

    Raises InvalidDataset where the dataset breaks its format or none of its images is there, MaskwrightError where the
    project cannot be written; nothing is imported then.
    """
    with _no_garbage():
        return _import(project, _checked(dataset, crowd_as_instances), images_folder, accept_images, progress)


def _import(
    project: Project,
    dataset: Dataset,
    images_folder: str | Path | None,
    accept_images: bool,
    progress: Progress | None,
) -> ImportReport:
    plan = _Plan(dataset, notes=list(dataset.notes))
    known = project.images()
    if images_folder is None:
        missing = _match_by_name(plan, known)
    else:
        files, missing = _locate(dataset, Path(images_folder).absolute())
        _read_files(project, plan, files, known, progress)
    masks = _draw_masks(plan)
    changes, categories = _changes(project, plan, masks, accept_images)
    source = _dataset_source(project, plan)
    project.import_edit(Edit(Action.IMPORT, None, tuple(changes)), plan.new, source)
    return ImportReport(
        len(plan.new),
        sum(isinstance(change, InstanceChange) for change in changes),
        categories,
        tuple(missing),
        tuple(plan.unreadable),
        tuple(plan.left_out),
        tuple(plan.notes),
    )


def _checked(dataset: Dataset, crowd_as_instances: bool) -> Dataset:
    for category in dataset.categories:
        if not is_text(category.name):
            raise InvalidDataset(f"{dataset.path.name}: the category {category.name!r} has a name that is no text.")
    if crowd_as_instances:
        return replace(dataset, annotations=tuple(map(_as_instance, dataset.annotations)))
    return replace(dataset, notes=(*dataset.notes, *_doubtful_crowds(dataset)))


@contextmanager
def _no_garbage() -> Iterator[None]:
    """While the block runs the garbage collector rests: it would walk through all the records again and again, for an
    eighth of the time that an import takes, and none of them is in a circle."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def _as_instance(annotation: DatasetAnnotation) -> DatasetAnnotation:
    if not annotation.crowd:
        return annotation
    return replace(annotation, crowd=False, source={**(annotation.source or {}), "iscrowd": 0})


def _doubtful_crowds(dataset: Dataset) -> list[str]:
    """A sentence where crowd regions look like ordinary objects: some tools (CVAT) mark every mask that is no polygon.

    COCO has one region for all that is crowded of a category on an image, and few of them.
    """
    crowds = Counter((each.image_id, each.category_id) for each in dataset.annotations if each.crowd)
    count = crowds.total()
    if 2 * count <= len(dataset.annotations) and all(number == 1 for number in crowds.values()):
        return []
    share = f"{count} of {len(dataset.annotations)} annotations"
    remedy = "If they are ordinary objects, as in exports of CVAT, import again with crowd regions as instances."
    return [f"{share} are crowd regions (iscrowd 1), which no model learns from. {remedy}"]


def _locate(dataset: Dataset, folder: Path) -> tuple[dict[int, Path], list[str]]:
    """The file of each image by its id in the dataset, and the names of those that are not there."""
    if not folder.is_dir():
        problem = "is no folder" if folder.exists() else "does not exist"
        raise InvalidDataset(f"The images folder {folder} {problem}.", remedy="Choose the folder with the images.")
    files: dict[int, Path] = {}
    missing = []
    for image in dataset.images:
        path = _file_of(image, folder, relative_path(dataset, image))
        if path is None:
            missing.append(image.file_name)
        else:
            files[image.id] = path
    if not files:
        elsewhere = next((path.parent for name in missing[:1] for path in _below(folder, name)), None)
        remedy = f"Choose {elsewhere}." if elsewhere is not None else "Choose the folder with the dataset's images."
        raise none_is_there(dataset.path, missing, f"in {folder}", remedy)
    return files, missing


def _below(folder: Path, name: str) -> Iterator[Path]:
    """Files of a name in the folders of a folder, where a person may have meant one of those."""
    for child in sorted(folder.iterdir()):
        path = child / PurePosixPath(name).name
        with suppress(OSError, ValueError):  # a name that no disk can hold
            if child.is_dir() and path.is_file():
                yield path


def _file_of(record: DatasetImage, folder: Path, relative: PurePosixPath) -> Path | None:
    """The file of an image, where there is one.

    A name that begins with the images folder itself, such as "images/1.png" in ".../images", is meant from above it.
    """
    for depth in range(len(relative.parts)):
        if relative.parts[:depth] == folder.parts[len(folder.parts) - depth :]:
            path = folder.joinpath(*relative.parts[depth:])
            suffixes = _SUFFIXES if record.any_suffix else ("",)
            with suppress(OSError):  # a name that no disk can hold
                found = [file for suffix in suffixes if (file := path.with_name(path.name + suffix)).is_file()]
                if len(found) == 1:
                    return found[0]
    return None


def _match_by_name(plan: _Plan, known: Iterable[Image]) -> list[str]:
    """Finds the project's images of the dataset's file names; returns the names that none or several images bear."""
    names = ImageNames(known)
    missing = []
    for record in plan.dataset.images:
        found = names.find(relative_path(plan.dataset, record), record.page, record.any_suffix)
        if len(found) == 1:
            _match(plan, record, found[0])
        else:
            missing.append(record.file_name)
            if found:
                plan.notes.append(f"{record.file_name} may be any of {len(found)} images of that name; none was taken.")
    if not plan.images and missing:
        raise none_is_there(plan.dataset.path, missing, "in the project", "Choose the folder with the images.")
    return missing


def _read_files(
    project: Project, plan: _Plan, files: Mapping[int, Path], known: Iterable[Image], progress: Progress | None
) -> None:
    there = [image for image in plan.dataset.images if image.id in files]
    sources = {(files[image.id], image.page): _text(image.source) for image in there}
    pages: dict[Path, list[int]] = {}
    for path, page in sources:
        pages.setdefault(path, []).append(page)
    report = project.read_images(list(pages), progress, pages=lambda path, count: pages[path], sources=sources)
    reasons = dict(report.skipped)
    everything = [*known, *report.added]
    by_place = {(project.image_path(image), image.page): image for image in everything}
    by_hash = {image.content_hash: image for image in everything}
    for record in there:
        path = files[record.id]
        image = by_place.get((path, record.page)) or by_hash.get(hash_of(path, record.page))
        if image is None:
            plan.unreadable.append((record.file_name, reasons.get(path, "It could not be added.")))
        else:
            _match(plan, record, image)
    plan.new = report.added


def _match(plan: _Plan, record: DatasetImage, image: Image) -> None:
    """Lets an image take the annotations of a record, unless they are not for it."""
    problem = _mismatch(record, image)
    if problem is None and image.id in plan.taken:
        problem = f"it is the same picture as {plan.taken[image.id]}"
    if problem is None:
        plan.images[record.id] = image
        plan.taken[image.id] = record.file_name
    else:
        plan.notes.append(f"{record.file_name} was left without its annotations: {problem}.")


def _mismatch(record: DatasetImage, image: Image) -> str | None:
    if record.size not in (None, (image.width, image.height)):
        stated = "{} x {}".format(*record.size) if record.size else ""
        return f"the file says {stated} pixels, the image has {image.width} x {image.height}"
    if image.review is not Review.OPEN:
        return f"the project holds it already, {image.review}"
    return None


def _draw_masks(plan: _Plan) -> dict[int, Mask]:
    """The mask of each annotation whose image takes it, by its place in the dataset."""
    places: dict[int, list[int]] = {}
    for index, annotation in enumerate(plan.dataset.annotations):
        places.setdefault(annotation.image_id, []).append(index)
    masks: dict[int, Mask] = {}
    for image_id, image in plan.images.items():
        own = places.get(image_id, [])
        annotations = [plan.dataset.annotations[index] for index in own]
        masks.update(zip(own, masks_of(plan.dataset, annotations, image.width, image.height), strict=True))
    return dict(sorted(masks.items()))


def _changes(project: Project, plan: _Plan, masks: Mapping[int, Mask], accept_images: bool) -> tuple[list[Change], int]:
    """Everything that the import changes, and how many categories are new."""
    categories, category_changes = _categories(project, plan)
    new = {image.id for image in plan.new}
    known = {image.id: set() if image.id in new else _known_masks(project, image.id) for image in plan.images.values()}
    candidates = []
    incomplete = set()
    for index, mask in masks.items():
        annotation = plan.dataset.annotations[index]
        image = plan.images[annotation.image_id]
        category_id = categories[annotation.category_id]
        if mask.is_empty:
            plan.left_out.append((annotation.where, "it has no mask, or one that covers no pixel"))
            incomplete.add(image.id)
        elif known[image.id] and (mask, category_id) in known[image.id]:
            plan.left_out.append((annotation.where, "the project holds it already"))
        else:
            candidates.append((annotation, image.id, category_id, mask))
    ids = project.new_instance_ids(len(candidates))
    instances: list[Change] = [
        InstanceChange(None, _instance(number, *candidate)) for number, candidate in zip(ids, candidates, strict=True)
    ]
    reviews: list[Change] = []
    if accept_images:
        filled = {image_id for _, image_id, _, _ in candidates} | {number for number, held in known.items() if held}
        complete = (image for image in plan.images.values() if image.id not in incomplete)
        reviews = [
            ImageChange(image.id, image.review, Review.ACCEPTED if image.id in filled else Review.VERIFIED_EMPTY)
            for image in complete
        ]
    return [*category_changes, *instances, *reviews], len(category_changes)


def _instance(number: int, annotation: DatasetAnnotation, image_id: int, category_id: int, mask: Mask) -> Instance:
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


def _categories(project: Project, plan: _Plan) -> tuple[dict[int, int], list[Change]]:
    """The project's category id for each of the dataset's, matched by name, and the creation of those that are new."""
    by_name = {category.name: category.id for category in project.categories()}
    ids: dict[int, int] = {}
    changes: list[Change] = []
    seen: set[str] = set()
    for record in plan.dataset.categories:
        if record.name in seen:
            plan.notes.append(f"Two categories are called {record.name!r}; they became one.")
        seen.add(record.name)
        if record.name not in by_name:
            number = project.new_category_id()
            color = record.color or category_color(number)
            changes.append(CategoryChange(None, Category(number, record.name, color, _text(record.source))))
            by_name[record.name] = number
        ids[record.id] = by_name[record.name]
    return ids, changes


def _dataset_source(project: Project, plan: _Plan) -> dict[str, Any]:
    """Info, licenses and the like, of the first dataset that has them."""
    kept = project.dataset_source or {}
    differing = [key for key, value in plan.dataset.source.items() if kept.get(key, value) != value]
    if differing:
        plan.notes.append(f"The project keeps {', '.join(differing)} of the dataset imported before.")
    return {**json.loads(_text(plan.dataset.source) or "{}"), **kept}


def _text(record: Mapping[str, Any] | None) -> str | None:
    """A record as JSON text that any database and any later reading can hold."""
    if record is None:
        return None
    try:
        text = _ENCODER.encode(record)
    except ValueError:
        # 1e999 is read as infinity, which is no JSON.
        record = _without_infinity(record)
        text = json.dumps(record, ensure_ascii=False)
    except RecursionError as error:
        raise _too_deep() from error
    if text.count("[") + text.count("{") > _DEEPEST and _is_too_deep(record):
        raise _too_deep()
    # Lone halves of UTF-16 pairs, which JSON can spell and neither a database nor a file can hold.
    return text if is_text(text) else text.encode("utf-8", "replace").decode("utf-8")


def _without_infinity(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _without_infinity(each) for key, each in value.items()}
    return [_without_infinity(each) for each in value] if isinstance(value, list) else value


def _is_too_deep(value: Any) -> bool:
    level = [value]
    for _ in range(_DEEPEST):
        inside = [each for holder in level for each in (holder.values() if isinstance(holder, Mapping) else holder)]
        level = [each for each in inside if isinstance(each, Mapping | list)]
        if not level:
            return False
    return True


def _too_deep() -> InvalidDataset:
    return InvalidDataset(f"A record of the dataset is nested more than {_DEEPEST} levels deep.")
