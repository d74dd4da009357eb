"""A plain COCO file as annotations to check, without a project."""

import json
from collections import defaultdict
from pathlib import Path

from engine.errors import InvalidDataset
from engine.formats.coco_document import read_dataset
from engine.formats.dataset import DatasetAnnotation, DatasetImage, mask_of, relative_path
from engine.images import read_info
from engine.records import Category, Image, ImageStatus, Instance, InstanceState, Origin, Review

_COLOR = "#808080"  # nothing shows it


class CocoAnnotations:
    """The records of a COCO file under their own ids; every image counts as complete.

    Raises InvalidDataset where the file breaks the format: when it is read, or when a mask is drawn. Raises
    UnreadableImage where neither the file nor the image says how large an image is.
    """

    def __init__(self, annotation_path: Path, images_folder: Path) -> None:
        if not images_folder.is_dir():
            raise InvalidDataset(
                f"The images folder {images_folder} does not exist.", remedy="Choose the folder with the images."
            )
        self._folder = images_folder
        self._dataset = read_dataset(annotation_path)
        self._images = {record.id: self._image(record) for record in self._dataset.images}
        self._annotations: dict[int, list[tuple[int, DatasetAnnotation]]] = defaultdict(list)
        for index, annotation in enumerate(self._dataset.annotations):
            self._annotations[annotation.image_id].append((index, annotation))

    def images(self) -> list[Image]:
        """Every image, in the file's order."""
        return list(self._images.values())

    def categories(self) -> list[Category]:
        """Every category."""
        return [Category(record.id, record.name, _COLOR) for record in self._dataset.categories]

    def instances(self, image_id: int) -> list[Instance]:
        """The annotations of an image as accepted instances, with their source records."""
        image = self._images[image_id]
        return [self._instance(index, annotation, image) for index, annotation in self._annotations[image_id]]

    def image_path(self, image: Image) -> Path:
        """Where the image's file should lie."""
        return self._folder / image.path

    def _image(self, record: DatasetImage) -> Image:
        name, size = str(relative_path(self._dataset, record)), record.size
        if size is None:
            info = read_info(self._folder / name, record.page)
            size = (info.width, info.height)
        review, status = Review.ACCEPTED, ImageStatus.ACCEPTED
        return Image(record.id, name, *size, "", False, review=review, status=status, predicted_by=None)

    def _instance(self, index: int, annotation: DatasetAnnotation, image: Image) -> Instance:
        number = (annotation.source or {}).get("id")
        return Instance(
            number if isinstance(number, int) else index,
            image.id,
            annotation.category_id,
            mask_of(self._dataset, annotation, image.width, image.height),
            state=InstanceState.ACCEPTED,
            origin=Origin.IMPORTED,
            crowd=annotation.crowd,
            source=json.dumps(annotation.source, ensure_ascii=False),
        )
