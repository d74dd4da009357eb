"""Label maps: a PNG or TIFF an image, in which each value is an instance and 0 the background.

Two layouts are read: NAME_masks.tif or NAME_cp_masks.png beside the images (Cellpose), and folders `images` and `masks`
of equal names (StarDist), which is also what is written.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import cv2
import numpy as np
import tifffile

from engine.errors import InvalidDataset
from engine.formats.dataset import Dataset, DatasetAnnotation, DatasetCategory, DatasetImage, Drawn
from engine.formats.exporting import Part, Progress, ordinary
from engine.formats.label_image import masks_in, paint, read_label_image
from engine.formats.reading import Tally, check_inside, files_below, name_in, read_json
from engine.geometry.mask import Mask
from engine.images import IMAGE_SUFFIXES

_SUFFIXES = frozenset({".png", ".tif", ".tiff"})
_ENDINGS = ("_cp_masks", "_masks")
# The format knows no categories; the file with this name beside `masks` is this program's own.
_CATEGORY = "object"
_CATEGORIES_FILE = "categories.json"


@dataclass(frozen=True, slots=True)
class _Map:
    """A label map and the image it is for, without a suffix where `any_suffix`; and what says the categories."""

    path: Path
    image: PurePosixPath
    any_suffix: bool
    categories: Path


def read_label_map(path: str | Path) -> Dataset:
    """The instances of all label maps in a folder, or of one. Raises InvalidDataset naming the file that is wrong."""
    path = Path(path)
    if not path.exists():
        raise InvalidDataset(f"There is no file or folder {path}.")
    tally = Tally()
    folder, maps = _found(path, tally)
    if not maps:
        raise InvalidDataset(
            f"{path.name} holds no label maps.",
            remedy="They are called NAME_masks.tif, or lie in a folder masks beside images.",
        )
    images: list[DatasetImage] = []
    annotations: list[DatasetAnnotation] = []
    ids: dict[str, int] = {}
    named: dict[Path, Mapping[str, list[str]]] = {}
    for number, one in enumerate(maps, start=1):
        name = name_in(folder, one.path)
        check_inside(folder, one.path)
        if one.categories not in named:
            named[one.categories] = _read_categories(folder, one.categories, ids)
        images.append(DatasetImage(number, str(one.image), None, name, any_suffix=one.any_suffix))
        names = named[one.categories].get(one.path.relative_to(one.categories.parent).as_posix())
        for where, category, shape in _instances(one.path, name, names, tally):
            annotations.append(DatasetAnnotation(number, ids.setdefault(category, len(ids) + 1), shape, where))
    categories = tuple(DatasetCategory(number, name) for name, number in ids.items())
    return Dataset(path, tuple(images), tuple(annotations), categories, notes=tally.sentences(), images_folder=folder)


def image_folder(part: str) -> PurePosixPath:
    """Where the images of a part lie in a folder that `write_label_map` wrote to."""
    return PurePosixPath(part) / "images"


def write_label_map(
    parts: Sequence[Part], folder: Path, progress: Progress | None = None
) -> tuple[int, tuple[str, ...]]:
    """Writes a TIFF for each image: 16 bits, or 32 where more than 65,535 instances need them.

    Returns how many instances, and what a label map cannot hold.
    """
    losses = Tally()
    written = 0
    for part in parts:
        indices = {category.id: index for index, category in enumerate(part.categories)}
        labels: dict[str, list[int]] = {}
        place = folder / part.name
        for one, instances in part.instances(progress):
            kept = ordinary(instances, losses)
            values = paint(kept, one.image.width, one.image.height, losses, one.file_name)
            name = str(PurePosixPath("masks") / PurePosixPath(one.file_name).with_suffix(".tif"))
            labels[name] = [indices[instance.category_id] for instance in kept]
            written += len(np.unique(values)) - int((values == 0).any())
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            small = values.astype(np.uint16) if len(kept) <= 0xFFFF else values
            tifffile.imwrite(place / name, small, compression="zlib", photometric="minisblack")
        names = [category.name for category in part.categories]
        if labels and names not in ([], [_CATEGORY]):
            document = {"categories": names, "masks": labels}
            (place / _CATEGORIES_FILE).write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
    return written, losses.sentences()


def _instances(path: Path, name: str, names: list[str] | None, tally: Tally) -> Iterator[tuple[str, str, Drawn]]:
    """Where, category and mask of each label."""
    values = read_label_image(path, name).values
    for value, mask in masks_in(values, name):
        where = f"{name}, label {value}"
        if names is not None and value > len(names):
            raise InvalidDataset(f"{where}: {_CATEGORIES_FILE} names categories for {len(names)} labels only.")
        if _parts(mask) > 1:
            tally.add("Labels of several separate parts, each of which is one instance", where)
        category = _CATEGORY if names is None else names[value - 1]
        yield where, category, Drawn(mask, (values.shape[1], values.shape[0]))


def _found(path: Path, tally: Tally) -> tuple[Path, list[_Map]]:
    """The dataset's folder and its label maps."""
    if path.is_file():
        files, folder = [path], path.parent
    elif path.name in ("masks", "images") and (path.parent / "masks").is_dir():
        folder = path.parent
        files = files_below(folder / "masks", _SUFFIXES)
    else:
        folder, files = path, files_below(path, _SUFFIXES)
    if path.is_file() and folder.name == "masks":
        folder = folder.parent
    maps: list[_Map] = []
    seen: dict[PurePosixPath, Path] = {}
    for file in files:
        one = _map(folder, file)
        if one is None:
            continue
        stem = one.image if one.any_suffix else one.image.with_suffix("")
        if stem in seen:
            raise InvalidDataset(
                f"{name_in(folder, seen[stem])} and {name_in(folder, file)} are for the same image.",
                remedy="Keep one of them.",
            )
        seen[stem] = file
        maps.append(one)
    if not path.is_file():
        _note_unlabelled(folder, maps, seen, tally)
    return folder, maps


def _map(folder: Path, file: Path) -> _Map | None:
    """The label map that a file is, None for one that is none.

    The outermost folder called masks decides, or one called images beside such, as StarDist has it.
    """
    for parent in reversed([parent for parent in file.parents if parent.is_relative_to(folder) and parent != folder]):
        images, masks = parent.with_name("images"), parent.with_name("masks")
        if parent in (images, masks) and masks.is_dir():
            return _twin(folder, images, file, parent) if parent == masks else None
    return _beside(folder, file)


def _twin(folder: Path, images: Path, file: Path, masks: Path) -> _Map:
    # An export without its images has label maps only; their names are then those of the images wherever these are.
    same = (images if images.is_dir() else masks.parent) / file.relative_to(masks)
    image = PurePosixPath(same.relative_to(folder).as_posix())
    exact = same.is_file()
    return _Map(file, image if exact else image.with_suffix(""), not exact, masks.with_name(_CATEGORIES_FILE))


def _beside(folder: Path, file: Path) -> _Map | None:
    """As Cellpose has it: the image's name and an ending."""
    for ending in _ENDINGS:
        stem = file.stem.removesuffix(ending)
        if stem and stem != file.stem:
            image = PurePosixPath(file.relative_to(folder).as_posix()).with_name(stem)
            return _Map(file, image, True, file.with_name(_CATEGORIES_FILE))
    return None


def _note_unlabelled(folder: Path, maps: Sequence[_Map], labelled: Mapping[PurePosixPath, Path], tally: Tally) -> None:
    known = {one.path for one in maps}
    for place in sorted({(folder / one.image).parent for one in maps}):
        for file in sorted(place.iterdir()) if place.is_dir() else ():
            stem = PurePosixPath(file.relative_to(folder).as_posix()).with_suffix("")
            if file.suffix.lower() in IMAGE_SUFFIXES and file not in known and stem not in labelled:
                tally.add("Images without a label map, which were left out", name_in(folder, file))


def _read_categories(folder: Path, file: Path, ids: dict[str, int]) -> Mapping[str, list[str]]:
    """The category of each label, by the name of the label map; adds all categories to `ids`."""
    if not file.is_file():
        return {}
    check_inside(folder, file)
    document = read_json(file, file.name)
    names = document.get("categories") if isinstance(document, dict) else None
    if not isinstance(names, list) or not all(isinstance(name, str) and name.strip() for name in names):
        raise InvalidDataset(f"{file.name}, key 'categories': it is missing or is no list of names.")
    masks = document.get("masks")
    if not isinstance(masks, dict):
        raise InvalidDataset(f"{file.name}, key 'masks': it is missing or is no object.")
    for name in names:
        ids.setdefault(name.strip(), len(ids) + 1)
    return {key: list(_names_of(file.name, key, indices, names)) for key, indices in masks.items()}


def _names_of(file: str, key: str, indices: object, names: Sequence[str]) -> Iterator[str]:
    if not isinstance(indices, list):
        raise InvalidDataset(f"{file}, key {key!r}: it is no list.")
    for index in indices:
        if type(index) is not int or not 0 <= index < len(names):
            raise InvalidDataset(f"{file}, key {key!r}: {index!r} is the place of no category.")
        yield names[index].strip()


def _parts(mask: Mask) -> int:
    """How many separate parts a mask has; pixels that touch at a corner are together."""
    return int(cv2.connectedComponents(mask.bitmap.view(np.uint8), connectivity=8)[0]) - 1
