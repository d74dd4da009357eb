"""YOLO segmentation: a text file an image, a polygon a line, in fractions of the image.

A line holds one ring. An object of several parts, or with holes, is one that runs to each of them and back along the
same line, as Ultralytics joins them; filled by the even-odd rule it is the same mask.
"""

import json
import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from engine.errors import InvalidDataset
from engine.formats.dataset import Dataset, DatasetAnnotation, DatasetCategory, DatasetImage, Shape
from engine.formats.exporting import ExportImage, Part, Progress, ordinary, polygons_of
from engine.formats.reading import Tally, check_inside, files_below, name_in, read_text, shown, within
from engine.formats.shapes import Nothing, Polygons
from engine.formats.yolo_yaml import PARTS, DataFile, read_data_file
from engine.geometry import polygons
from engine.images import IMAGE_SUFFIXES, find_images
from engine.records import Instance

_NAMES_FILES = ("classes.txt", "obj.names", "names.txt")
# Text files beside labels that are none.
_NO_LABELS = frozenset({*_NAMES_FILES, "train.txt", "val.txt", "valid.txt", "test.txt", "trainval.txt", "notes.txt"})
# A polygon may reach over the image's border a little; what is further out was not divided by the image's size.
_MARGIN = 0.5
# Enough to name a thousandth of a pixel of any image.
_DIGITS = 9


@dataclass(frozen=True, slots=True)
class _Entry:
    """An image and its label file, both relative to the dataset's folder; without a suffix where only labels are."""

    image: PurePosixPath
    labels: PurePosixPath
    any_suffix: bool = False


def read_yolo(path: str | Path) -> Dataset:
    """The images and labels that a data.yaml names, or that lie in a folder with or without one.

    Raises InvalidDataset naming the file and the line that is wrong.
    """
    path = Path(path)
    tally = Tally()
    data_file = _data_file(path)
    names: Mapping[int, str] | None
    if data_file is None:
        folder, entries = _found(path)
        names = _names(path, folder)
    else:
        folder, data = data_file.parent, read_data_file(data_file)
        entries = list(_listed(folder, data, tally))
        names = data.names
    if not entries:
        raise InvalidDataset(f"{path.name} names no image and no label file.", remedy="Choose the dataset's data.yaml.")
    return _dataset(path, folder, list(dict.fromkeys(entries)), names, tally)


def image_folder(part: str) -> PurePosixPath:
    """Where the images of a part lie in a folder that `write_yolo` wrote to."""
    return PurePosixPath("images") / part


def write_yolo(parts: Sequence[Part], folder: Path, progress: Progress | None = None) -> tuple[int, tuple[str, ...]]:
    """Writes data.yaml and a label file for each image. Returns how many instances, and what YOLO cannot hold."""
    losses = Tally()
    written = 0
    for part in parts:
        numbers = {category.id: number for number, category in enumerate(part.categories)}
        # A part without images has a folder all the same: data.yaml names it.
        (folder / _labels_of(image_folder(part.name) / "x")).parent.mkdir(parents=True, exist_ok=True)
        for one, instances in part.instances(progress):
            kept = ordinary(instances, losses)
            written += len(kept)
            target = folder / _labels_of(image_folder(part.name) / one.file_name)
            target.parent.mkdir(parents=True, exist_ok=True)
            lines = [f"{numbers[instance.category_id]} {_coordinates(instance, one, losses)}\n" for instance in kept]
            target.write_text("".join(lines), encoding="utf-8")
    (folder / "data.yaml").write_text(_data_yaml(parts), encoding="utf-8")
    return written, losses.sentences() + _about_parts([part.name for part in parts])


def _data_file(path: Path) -> Path | None:
    """The data.yaml that `path` is or holds."""
    if path.is_file():
        if path.suffix.lower() not in (".yaml", ".yml"):
            raise InvalidDataset(
                f"{path.name} is no data.yaml.", remedy="Choose the data.yaml, or the folder of labels."
            )
        return path
    if not path.is_dir():
        raise InvalidDataset(f"There is no file or folder {path}.")
    files = [file for file in sorted(path.iterdir()) if file.suffix.lower() in (".yaml", ".yml") and file.is_file()]
    known = [file for file in files if file.stem in ("data", "dataset")]
    if len(known or files) > 1:
        named = ", ".join(shown(file.name) for file in files)
        raise InvalidDataset(f"{path.name} holds several YAML files: {named}.", remedy="Choose the one that is meant.")
    return next(iter(known or files), None)


def _listed(folder: Path, data: DataFile, tally: Tally) -> Iterator[_Entry]:
    """The images of the parts that a data.yaml names."""
    root = PurePosixPath()
    if data.root is not None:
        inside = within(root, data.root)
        if inside is not None and (folder / inside).is_dir():
            root = inside
        else:
            tally.add("The data.yaml's path is not in its folder, so the parts were looked for beside it", data.root)
    for stated in data.parts:
        place = _place(folder, root, stated, data.name)
        labels = _labels_of(place / "x").parent
        if place.suffix == ".txt" and not (folder / place).is_dir():
            yield from _from_list(folder, place, root)
        elif (folder / place).is_file() and place.suffix.lower() in IMAGE_SUFFIXES:
            yield _Entry(place, _labels_of(place))
        elif images := list(_below(folder, place)):
            yield from images
        elif (folder / place).is_dir() or (folder / labels).is_dir():
            yield from _labels_only(folder, labels, place)
        else:
            raise InvalidDataset(f"{data.name} names {shown(stated)}, which is not there.")


def _place(folder: Path, root: PurePosixPath, stated: str, where: str) -> PurePosixPath:
    """A part's place below the folder. Roboflow writes "../train/images" for what lies beside its data.yaml."""
    place = within(root, stated)
    if place is None and stated.startswith("../"):
        beside = within(root, stated.removeprefix("../"))
        if beside is not None and (folder / beside).exists():
            return beside
    if place is None:
        raise InvalidDataset(
            f"{where}: {shown(stated)!r} leads out of the dataset's folder.", remedy="Name the parts relative to it."
        )
    return place


def _below(folder: Path, place: PurePosixPath) -> Iterator[_Entry]:
    for file in find_images(folder / place):
        image = PurePosixPath(file.relative_to(folder).as_posix())
        yield _Entry(image, _labels_of(image))


def _from_list(folder: Path, place: PurePosixPath, root: PurePosixPath) -> Iterator[_Entry]:
    """The images that a text file lists, one a line."""
    check_inside(folder, folder / place)
    for number, line in enumerate(read_text(folder / place, str(place)).splitlines(), start=1):
        if not line.strip():
            continue
        candidates = [within(place.parent, line.strip()), within(root, line.strip())]
        # Darknet's lists begin with the folder that it expects the dataset in.
        candidates.append(within(place.parent, line.strip().removeprefix("data/")))
        inside = [candidate for candidate in candidates if candidate is not None and candidate.name]
        if not inside:
            where = f"{shown(str(place))}, line {number}"
            raise InvalidDataset(f"{where}: {shown(line.strip())!r} leads out of the dataset's folder.")
        image = next((candidate for candidate in inside if (folder / candidate).is_file()), inside[0])
        yield _Entry(image, _labels_of(image))


def _found(path: Path) -> tuple[Path, list[_Entry]]:
    """The dataset's folder and entries where no data.yaml says: twin folders, or labels with images beside or not."""
    for root in (path, path.parent):
        if (
            (root / "images").is_dir()
            and (root / "labels").is_dir()
            and path in (root, root / "images", root / "labels")
        ):
            return root, list(_below(root, PurePosixPath("images")))
    files = [*find_images(path), *(file for file in files_below(path, {".txt"}) if _may_be_labels(file))]
    if not files:
        return path, []
    folder = Path(os.path.commonpath([file.parent for file in files]))
    images = {file.with_suffix(".txt"): file for file in files if file.suffix.lower() != ".txt"}
    entries = [_entry(folder, file, labels) for labels, file in images.items()]
    alone = [file for file in files if file.suffix.lower() == ".txt" and file not in images]
    return folder, entries + [_entry(folder, file.with_suffix(""), file, any_suffix=True) for file in alone]


def _may_be_labels(file: Path) -> bool:
    name = file.name.lower()
    return name not in _NO_LABELS and not name.startswith("readme")


def _entry(folder: Path, image: Path, labels: Path, *, any_suffix: bool = False) -> _Entry:
    return _Entry(
        PurePosixPath(image.relative_to(folder).as_posix()),
        PurePosixPath(labels.relative_to(folder).as_posix()),
        any_suffix,
    )


def _labels_only(folder: Path, labels: PurePosixPath, images: PurePosixPath) -> Iterator[_Entry]:
    for file in files_below(folder / labels, {".txt"}):
        relative = PurePosixPath(file.relative_to(folder / labels).as_posix())
        yield _Entry(images / relative.with_suffix(""), labels / relative, any_suffix=True)


def _labels_of(image: PurePosixPath) -> PurePosixPath:
    """Where the labels of an image lie: the last folder called images becomes labels; else they lie beside it."""
    parts = list(image.parts)
    for index in range(len(parts) - 2, -1, -1):
        if parts[index] == "images":
            parts[index] = "labels"
            break
    return PurePosixPath(*parts).with_suffix(".txt")


def _names(path: Path, folder: Path) -> dict[int, str] | None:
    """Category names by their number, of a file with one a line, where there is one."""
    for place in dict.fromkeys((path, folder, path / "labels", path.parent)):
        for file in (place / name for name in _NAMES_FILES):
            if file.is_file():
                check_inside(place, file)
                lines = read_text(file, file.name).splitlines()
                return {number: line.strip() for number, line in enumerate(lines) if line.strip()}
    return None


def _dataset(
    path: Path, folder: Path, entries: Sequence[_Entry], names: Mapping[int, str] | None, tally: Tally
) -> Dataset:
    images = []
    annotations: list[DatasetAnnotation] = []
    used: set[int] = set()
    for image_id, entry in enumerate(entries, start=1):
        name = shown(str(entry.labels))
        images.append(
            DatasetImage(image_id, str(entry.image), None, shown(str(entry.image)), any_suffix=entry.any_suffix)
        )
        for where, number, shape in _lines(folder, entry.labels, name, tally):
            if names is not None and number not in names:
                raise InvalidDataset(f"{where}: there is no category {number}; {len(names)} are named.")
            used.add(number)
            annotations.append(DatasetAnnotation(image_id, number + 1, shape, where))
    _note_orphans(folder, entries, tally)
    if names is None and used:
        tally.add(
            "Categories called by their numbers, because no data.yaml, classes.txt or obj.names names them",
            count=len(used),
        )
    named = {number: f"category {number}" for number in sorted(used)} if names is None else names
    categories = tuple(DatasetCategory(number + 1, name) for number, name in named.items())
    return Dataset(path, tuple(images), tuple(annotations), categories, notes=tally.sentences(), images_folder=folder)


def _lines(folder: Path, labels: PurePosixPath, name: str, tally: Tally) -> Iterator[tuple[str, int, Shape]]:
    """Where, category number and shape of each line of a label file; none where there is no file."""
    file = folder / labels
    if not file.is_file():
        return
    check_inside(folder, file)
    for index, line in enumerate(read_text(file, name).splitlines(), start=1):
        if line.strip():
            where = f"{name}, line {index}"
            number, numbers = _numbers(line, where)
            yield where, number, _shape(numbers, where, tally)


def _numbers(line: str, where: str) -> tuple[int, NDArray[np.float64]]:
    try:
        category, *numbers = (float(word) for word in line.split())
    except ValueError as error:
        raise InvalidDataset(f"{where}: {shown(line.strip())[:60]!r} is not a list of numbers.") from error
    if not category.is_integer() or category < 0 or not all(map(math.isfinite, numbers)):
        raise InvalidDataset(f"{where}: a category number and finite coordinates are expected.")
    if len(numbers) % 2 or len(numbers) < 4:
        raise InvalidDataset(
            f"{where}: {len(numbers)} numbers follow the category, which are no x, y pairs.",
            remedy="Remove confidences that a model wrote at the end of each line.",
        )
    if max(numbers) > 1 + _MARGIN or min(numbers) < -_MARGIN:
        raise InvalidDataset(f"{where}: the coordinates are no fractions of the image, from 0 to 1.")
    return int(category), np.array(numbers)


def _shape(numbers: NDArray[np.float64], where: str, tally: Tally) -> Shape:
    if len(numbers) == 4:
        tally.add("Boxes without a mask, which were left out", where)
        return Nothing()
    if numbers.max() > 1 or numbers.min() < 0:
        tally.add("Polygons that reach over the border of their image and were cut there", where)
    return Polygons((numbers.tolist(),), normalised=True)


def _note_orphans(folder: Path, entries: Iterable[_Entry], tally: Tally) -> None:
    known = {entry.labels for entry in entries}
    for place in sorted({entry.labels.parent for entry in entries}):
        for file in sorted((folder / place).glob("*.txt")) if (folder / place).is_dir() else ():
            if place / file.name not in known and _may_be_labels(file):
                tally.add("Text files without an image, which were left out", name_in(folder, file))


def _coordinates(instance: Instance, one: ExportImage, losses: Tally) -> str:
    """The ring of an instance as a label file has it."""
    size = (one.image.width, one.image.height)
    imported = polygons_of(instance, *size)
    if imported is not None and len(imported) == 1:
        text = _text(np.reshape(imported[0], (-1, 2)), size)
        if _decoded(text).draw(*size) == instance.mask:
            return text
    text = _text(polygons.joined(polygons.outlines(instance.mask)), size)
    wrong = _decoded(text).draw(*size)
    if wrong != instance.mask:
        off = wrong.subtract(instance.mask).area + instance.mask.subtract(wrong).area
        losses.add("Pixels of masks that no single ring describes", one.file_name, off)
    return text


def _text(ring: NDArray[np.float64], size: tuple[int, int]) -> str:
    return " ".join(f"{value:.{_DIGITS}g}" for value in (ring / size).ravel().tolist())


def _decoded(text: str) -> Polygons:
    return Polygons(([float(word) for word in text.split()],), normalised=True)


def _data_yaml(parts: Sequence[Part]) -> str:
    folders = {part.name: str(image_folder(part.name)) for part in parts}
    if list(folders) == [""]:
        # Ultralytics wants both; whoever splits exports again.
        folders = {"train": folders[""], "val": folders[""]}
    lines = [f"{name if name in PARTS else _quoted(name)}: {_quoted(place)}" for name, place in folders.items()]
    names = [f"  {number}: {_quoted(category.name)}" for number, category in enumerate(parts[0].categories)]
    return "\n".join([*lines, "names:" if names else "names: []", *names, ""])


def _quoted(text: str) -> str:
    """JSON's strings are YAML's too; characters that end a line for YAML only are escaped."""
    return json.dumps(text, ensure_ascii=not text.isprintable())


def _about_parts(names: Sequence[str]) -> tuple[str, ...]:
    if names == [""]:
        return ("Without a split, data.yaml names the same images for train and val.",)
    others = [name for name in names if name not in PARTS]
    sentences = []
    if not {"train", "val"} <= set(names):
        sentences.append("Ultralytics asks for parts called train and val, which data.yaml does not have both.")
    if others:
        sentences.append(f"Only parts called train, val and test are read from a data.yaml, not {', '.join(others)}.")
    return tuple(sentences)
