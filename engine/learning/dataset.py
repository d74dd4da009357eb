"""Annotated images for training and evaluation, from a project or from a COCO file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.byte_cache import ByteCache
from engine.errors import InvalidDataset, MaskwrightError, UnreadableImage
from engine.files import sha256_of
from engine.formats.coco_document import read_dataset
from engine.formats.dataset import DatasetAnnotation, mask_of, relative_path
from engine.geometry import rle
from engine.geometry.mask import Mask
from engine.images import read_info, read_rgb
from engine.project import Project
from engine.records import Instance, InstanceState, Review


@dataclass(frozen=True, slots=True)
class AnnotatedImage:
    """One completely annotated image; objects are in the user's frame.

    ``crowds`` marks regions that hold objects nobody separated: evaluation ignores what is found there, training
    does not learn from them. ``unedited`` says of each mask whether it is a model's own, accepted as it was proposed;
    empty where none is. ``page`` counts from 0 in a file of several.
    """

    path: Path
    width: int
    height: int
    categories: tuple[str, ...]
    masks: tuple[Mask, ...]
    crowds: tuple[tuple[str, Mask], ...] = ()
    unedited: tuple[bool, ...] = ()
    page: int = 0


@dataclass(frozen=True, slots=True)
class AnnotatedSet:
    """Annotated images and the names of the categories that they were annotated with."""

    categories: tuple[str, ...]
    images: tuple[AnnotatedImage, ...]

    @property
    def instances(self) -> int:
        """How many instances, crowds not counted."""
        return self.count()

    def count(self, category: str | None = None, *, edited: bool = False) -> int:
        """How many instances of a category, else of all; `edited` leaves out those that nobody edited."""
        return sum(
            (category is None or name == category) and not (edited and unedited)
            for image in self.images
            for name, unedited in zip_longest(image.categories, image.unedited, fillvalue=False)
        )


def from_coco(annotations: Path, images_folder: Path) -> AnnotatedSet:
    """Read a COCO file as an annotated set; every image that it names must exist.

    Raises:
        InvalidDataset: the file is not a COCO dataset, or an image is missing.
        UnreadableImage: an image's size is neither in the file nor to be read from the image.
    """
    if not images_folder.is_dir():
        raise InvalidDataset(
            f"The images folder {images_folder.absolute()} does not exist.", remedy="Choose the folder with the images."
        )
    dataset = read_dataset(annotations)
    names = {category.id: category.name for category in dataset.categories}
    by_image: dict[int, list[DatasetAnnotation]] = {image.id: [] for image in dataset.images}
    for annotation in dataset.annotations:
        by_image[annotation.image_id].append(annotation)
    images = []
    for record in dataset.images:
        path = images_folder / relative_path(dataset, record)
        if not path.is_file():
            raise InvalidDataset(
                f"{annotations.name} names the image {record.file_name}, which is not in {images_folder.absolute()}.",
                remedy="Check the folder of the images.",
            )
        width, height = record.size or _size_of(path, record.page)
        objects = [
            (names[annotation.category_id], mask_of(dataset, annotation, width, height), annotation.crowd)
            for annotation in by_image[record.id]
        ]
        images.append(replace(_annotated(path, width, height, objects), page=record.page))
    return AnnotatedSet(tuple(names.values()), tuple(images))


def _size_of(path: Path, page: int) -> tuple[int, int]:
    info = read_info(path, page)
    return info.width, info.height


def from_project(project: Project) -> tuple[AnnotatedSet, AnnotatedSet]:
    """The accepted (and verified-empty) images of a project: those to train on, and the frozen hold-out."""
    names = {category.id: category.name for category in project.categories()}
    training: list[AnnotatedImage] = []
    held_out: list[AnnotatedImage] = []
    for image in project.images():
        if image.review not in (Review.ACCEPTED, Review.VERIFIED_EMPTY):
            continue
        accepted = _accepted(project, image.id)
        objects = [(names[instance.category_id], instance.mask, instance.crowd) for instance in accepted]
        annotated = _annotated(project.image_path(image), image.width, image.height, objects)
        unedited = tuple(is_unedited(instance) for instance in accepted if not instance.crowd)
        annotated = replace(annotated, unedited=unedited, page=image.page)
        (held_out if image.hold_out else training).append(annotated)
    categories = tuple(names.values())
    return AnnotatedSet(categories, tuple(training)), AnnotatedSet(categories, tuple(held_out))


def is_unedited(instance: Instance) -> bool:
    """Whether an accepted instance is the model's own output as it was, proposed or in answer to a box."""
    return instance.predicted_by is not None and not instance.edited


def _accepted(project: Project, image_id: int) -> list[Instance]:
    held = project.instances(image_id)
    return [each for each in held if each.state is InstanceState.ACCEPTED and not each.mask.is_empty]


def _annotated(path: Path, width: int, height: int, objects: Sequence[tuple[str, Mask, bool]]) -> AnnotatedImage:
    whole = [(name, mask) for name, mask, crowd in objects if not crowd and not mask.is_empty]
    crowds = tuple((name, mask) for name, mask, crowd in objects if crowd)
    return AnnotatedImage(path, width, height, tuple(n for n, _ in whole), tuple(m for _, m in whole), crowds)


def fingerprint(data: AnnotatedSet) -> str:
    """What a training learns from in 16 hexadecimal digits: the images' bytes and everything annotated on them.

    Raises:
        UnreadableImage: an image's file cannot be read.
    """
    digest = hashlib.sha256(json.dumps(data.categories).encode())
    hashes = {path: _hash(path) for path in {image.path for image in data.images}}
    for image in data.images:
        objects = [[*zip(image.categories, image.masks, strict=True)], [*image.crowds]]
        written = [[(name, *mask.bounds, rle.encode_crop(mask)) for name, mask in part] for part in objects]
        digest.update(json.dumps([hashes[image.path], image.page, written]).encode())
    return digest.hexdigest()[:16]


def check_instances(data: AnnotatedSet) -> None:
    """Raises MaskwrightError where no image has an instance to learn from."""
    if data.instances == 0:
        raise MaskwrightError(
            "None of the images to learn from has an instance.",
            remedy="Accept a few images with objects on them, or name another file, then train again.",
        )


def _hash(path: Path) -> str:
    try:
        return sha256_of(path)
    except OSError as error:
        raise UnreadableImage(
            f"{path} cannot be read: {error.strerror}.",
            remedy="Put the image back, or say under Project > Image Files where it is now.",
        ) from error


def read_pixels(image: AnnotatedImage) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 pixels of an annotated image, EXIF orientation honoured.

    Raises:
        UnreadableImage: the file cannot be read.
        InvalidDataset: the file is of another size than its annotations were made on.
    """
    pixels = read_rgb(image.path, image.page)
    height, width = pixels.shape[:2]
    if (width, height) != (image.width, image.height):
        raise InvalidDataset(
            f"The annotations of {image.path.name} are for {image.width} x {image.height} pixels, "
            f"but the image has {width} x {height}.",
            remedy="Choose the images that were annotated.",
        )
    return pixels


PIXEL_CACHE_BYTES = 1 << 30
"""A thousand images of 640 x 480; further ones are read anew each time."""


class PixelCache:
    """Decoded images, read once while they fit the byte limit."""

    def __init__(self, limit: int = PIXEL_CACHE_BYTES) -> None:
        self._cache: ByteCache[tuple[Path, int], NDArray[np.uint8]] = ByteCache(limit)

    def read(self, image: AnnotatedImage) -> NDArray[np.uint8]:
        """As ``read_pixels``."""
        pixels = self._cache.get((image.path, image.page))
        if pixels is None:
            pixels = read_pixels(image)
            self._cache.put((image.path, image.page), pixels, pixels.nbytes)
        return pixels
