"""A dataset as plain, checked records, whatever format it was read from. Knows nothing of projects.

Every format reads into these records and nothing else; `engine.formats.importing` brings them into a project.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, Protocol

from engine.errors import InvalidDataset
from engine.formats.reading import is_text
from engine.geometry import rle
from engine.geometry.mask import Mask

Record = Mapping[str, Any]


class Shape(Protocol):
    """What an annotation says about its pixels, drawn when the size of its image is known."""

    def draw(self, width: int, height: int) -> Mask:
        """The mask on an image of that size; empty where nothing of it is covered.

        Raises ValueError, in words, where the shape is malformed or made for another size.
        """
        ...


class EncodedShape:
    """A shape whose mask COCO's encoding says; those of an image are decoded at once, which is many times faster."""

    __slots__ = ()

    def counts(self, width: int, height: int) -> bytes:
        """The mask on an image of that size, encoded for `rle.from_counts`. Raises ValueError as `draw`."""
        raise NotImplementedError

    def draw(self, width: int, height: int) -> Mask:
        """See `Shape`."""
        return rle.from_counts([self.counts(width, height)], height, width)[0]


@dataclass(frozen=True, slots=True)
class Drawn:
    """A shape that was a bitmap from the start; `size` is the (width, height) of the bitmap it was cut from."""

    mask: Mask
    size: tuple[int, int]

    def draw(self, width: int, height: int) -> Mask:
        """See `Shape`."""
        if (width, height) != self.size:
            raise ValueError("it has {} x {} pixels, its image {} x {}".format(*self.size, width, height))
        return self.mask


@dataclass(frozen=True, slots=True)
class DatasetCategory:
    """A category. `source` is the record to keep for a COCO export, `color` "#rrggbb" where the format has one."""

    id: int
    name: str
    source: Record | None = None
    color: str | None = None


@dataclass(frozen=True, slots=True)
class DatasetImage:
    """An image; `where` names it in messages, such as "images[3]".

    `file_name` is relative to the folder of the images, with `/` or `\\`; where `any_suffix` it lacks the suffix,
    because the format does not say it. `size` is (width, height), None where the file leaves it out. `source` is the
    record to keep for a COCO export; `page` is the page of a file with several, counted from 0.
    """

    id: int
    file_name: str
    size: tuple[int, int] | None
    where: str
    source: Record | None = None
    page: int = 0
    any_suffix: bool = False


@dataclass(frozen=True, slots=True)
class DatasetAnnotation:
    """An annotation; `where` names it in messages, such as "annotations[7]" or "a.json, shapes[2]"."""

    image_id: int
    category_id: int
    shape: Shape
    where: str
    crowd: bool = False
    source: Record | None = None


@dataclass(frozen=True, slots=True)
class Dataset:
    """A whole dataset. `path` is the file or folder it was read from; ids of images and categories are unique.

    `source` holds what a COCO export repeats beside images, annotations and categories. `notes` say, in words, what
    the reader could not take or had to decide. `images_folder` is where the names of the images begin, as far as the
    format says.
    """

    path: Path
    images: tuple[DatasetImage, ...]
    annotations: tuple[DatasetAnnotation, ...]
    categories: tuple[DatasetCategory, ...]
    source: Record = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    images_folder: Path | None = None


def mask_of(dataset: Dataset, annotation: DatasetAnnotation, width: int, height: int) -> Mask:
    """The annotation's mask on its image. Raises InvalidDataset naming the annotation whose shape cannot be drawn."""
    try:
        return annotation.shape.draw(width, height)
    except ValueError as error:
        raise InvalidDataset(f"{dataset.path.name}: {annotation.where}, {error}.") from error


def masks_of(dataset: Dataset, annotations: Sequence[DatasetAnnotation], width: int, height: int) -> list[Mask]:
    """The masks of several annotations on their image, as `mask_of` draws each and raising as it does."""
    shapes = [annotation.shape for annotation in annotations]
    try:
        encoded = [shape.counts(width, height) for shape in shapes if isinstance(shape, EncodedShape)]
        decoded = iter(rle.from_counts(encoded, height, width))
        return [next(decoded) if isinstance(shape, EncodedShape) else shape.draw(width, height) for shape in shapes]
    except ValueError:
        return [mask_of(dataset, annotation, width, height) for annotation in annotations]  # says which is wrong


def relative_path(dataset: Dataset, image: DatasetImage) -> PurePosixPath:
    """The image's file name as a path that stays inside the images folder. Raises InvalidDataset where it leads out."""
    windows = PureWindowsPath(image.file_name)
    if windows.drive or windows.root or ".." in windows.parts or "\0" in image.file_name:
        raise InvalidDataset(
            f"{dataset.path.name}: {image.where}: {image.file_name!r} leads out of the images folder.",
            remedy="Name the images relative to their folder.",
        )
    if not is_text(image.file_name) or not windows.name:
        raise InvalidDataset(f"{dataset.path.name}: {image.where}: {image.file_name!r} is no name of a file.")
    return PurePosixPath(*windows.parts)
