"""COCO results files (lists of scored detections) as a project's proposals."""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.errors import InvalidDataset
from engine.formats.coco_document import Segmentation, integer, read_dataset
from engine.formats.dataset import relative_path
from engine.formats.image_names import ImageNames, none_is_there
from engine.formats.reading import read_json
from engine.project.project import Project
from engine.records import Detection, Image, Review


@dataclass(frozen=True, slots=True)
class ResultsReport:
    """How many proposals an import of results brought to how many images, and what was left out, with the reason."""

    images: int
    proposals: int
    left_out: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()


def import_results(project: Project, path: str | Path, dataset_path: str | Path | None = None) -> ResultsReport:
    """Replaces the proposals of a project's open images by the detections of a COCO results file, all of it or nothing.

    The file's ids are those of the dataset at `dataset_path`, whose images are found in the project by file name;
    without one they are those that the project's images and categories were imported with. What a person touched stays,
    as with any model's proposals. Raises InvalidDataset naming the entry and key that is wrong.
    """
    path = Path(path)
    entries = read_json(path, path.name)
    if not isinstance(entries, list):
        raise InvalidDataset(
            f"{path.name} holds no list, so it is no file of results.", remedy="Import it as a dataset."
        )
    images, categories = _of_project(project) if dataset_path is None else _of_dataset(project, Path(dataset_path))
    found: dict[int, list[Detection]] = {}
    left_out: list[tuple[str, str]] = []
    for index, entry in enumerate(entries):
        place = f"[{index}]"
        if not isinstance(entry, dict):
            raise InvalidDataset(f"{path.name}: {place} is not an object.")
        image = images.get(integer(path.name, place, entry, "image_id"))
        category = categories.get(integer(path.name, place, entry, "category_id"))
        score = _score(path.name, place, entry)
        if image is None or category is None:
            missing = "image_id" if image is None else "category_id"
            left_out.append((place, f"the project has nothing of {missing} {entry[missing]}"))
        elif not entry.get("segmentation"):
            left_out.append((place, "it has no segmentation, and a box is no mask"))
        else:
            detection = _detection(path, place, entry, image, category, score)
            found.setdefault(image.id, []).append(detection)
    open_images = {image.id for image in images.values() if image.review is Review.OPEN}
    decided = found.keys() - open_images
    notes = (f"{len(decided)} images are decided already and take no proposals.",) if decided else ()
    taken = {number: detections for number, detections in found.items() if number in open_images}
    project.set_proposals_of_many(taken, f"results-{hashlib.sha256(path.read_bytes()).hexdigest()[:12]}")
    return ResultsReport(len(taken), sum(map(len, taken.values())), tuple(left_out), notes)


def _of_project(project: Project) -> tuple[dict[int, Image], dict[int, str]]:
    """Images and category names by the ids that they were imported with."""
    images = [(number, image) for image in project.images() if (number := _source_id(image.source)) is not None]
    doubled = [number for number, count in Counter(number for number, _ in images).items() if count > 1]
    if doubled or not images:
        why = f"several images were imported with id {doubled[0]}" if doubled else "its images were not imported"
        raise InvalidDataset(
            f"The ids of the results cannot be told from the project: {why}.",
            remedy="Name the COCO dataset that the results are for.",
        )
    categories = ((_source_id(category.source), category.name) for category in project.categories())
    return dict(images), {number: name for number, name in categories if number is not None}


def _of_dataset(project: Project, path: Path) -> tuple[dict[int, Image], dict[int, str]]:
    """Images and category names by the ids of a dataset, whose images are found by file name."""
    dataset = read_dataset(path)
    names = ImageNames(project.images())
    found = {record.id: names.find(relative_path(dataset, record), record.page) for record in dataset.images}
    images = {number: matches[0] for number, matches in found.items() if len(matches) == 1}
    if not images:
        missing = [record.file_name for record in dataset.images]
        raise none_is_there(path, missing, "in the project", "Name the dataset that the project's images are from.")
    return images, {category.id: category.name for category in dataset.categories}


def _source_id(source: str | None) -> int | None:
    number = json.loads(source).get("id") if source else None
    return number if type(number) is int else None


def _score(where: str, place: str, entry: Mapping[str, Any]) -> float:
    score = entry.get("score")
    # Not a number is in no range either, and a whole number may be too large for a float.
    if isinstance(score, bool) or not isinstance(score, int | float) or not 0 <= score <= 1:
        raise InvalidDataset(f"{where}: {place}, key 'score': it is missing or not a number from 0 to 1.")
    return float(score)


def _detection(
    path: Path, place: str, entry: Mapping[str, Any], image: Image, category: str, score: float
) -> Detection:
    try:
        mask = Segmentation(entry["segmentation"]).draw(image.width, image.height)
    except ValueError as error:
        raise InvalidDataset(f"{path.name}: {place}, {error}.") from error
    x1, y1, x2, y2 = map(float, mask.bounds)
    return Detection(0, category, score, (x1, y1, x2, y2), mask)
