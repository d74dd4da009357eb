"""Five COCO images as COCO, LabelMe and YOLO: what the formats share is the same mask, whichever is read."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.formats.coco_document import read_dataset
from engine.formats.dataset import Dataset, mask_of
from engine.formats.importing import import_dataset
from engine.formats.labelme import read_labelme
from engine.formats.yolo import read_yolo
from engine.geometry.mask import Mask
from engine.project.project import Project

Found = dict[str, list[tuple[int, Mask, bool]]]


@pytest.fixture
def folder(data_root: Path) -> Path:
    return data_root / "formats" / "same-five-images"


@pytest.fixture
def coco(folder: Path) -> Dataset:
    return read_dataset(folder / "coco_tiny.json")


def masks(dataset: Dataset, sizes: dict[str, tuple[int, int]]) -> Found:
    """Category, mask and whether it is a crowd, of each annotation by the stem of its image's name."""
    stems = {image.id: Path(image.file_name).stem for image in dataset.images}
    found: Found = {stem: [] for stem in stems.values()}
    for each in dataset.annotations:
        stem = stems[each.image_id]
        found[stem].append((each.category_id, mask_of(dataset, each, *sizes[stem]), each.crowd))
    return found


def sizes_of(coco: Dataset) -> dict[str, tuple[int, int]]:
    return {Path(image.file_name).stem: image.size for image in coco.images if image.size}


def test_yolo_agrees_with_coco_but_for_crowds_and_the_rounding_of_its_six_digits(folder: Path, coco: Dataset) -> None:
    """IoU above 0.99, or at most three pixels of an object of a hundred; YOLO's numbers are those of COCO in order."""
    sizes = sizes_of(coco)
    yolo, truth = masks(read_yolo(folder / "yolo"), sizes), masks(coco, sizes)
    names = {category.id: number for number, category in enumerate(coco.categories, start=1)}
    for stem, instances in truth.items():
        ordinary = [(names[category], mask) for category, mask, crowd in instances if not crowd]
        assert len(yolo[stem]) == len(ordinary)
        for category, mask, _ in yolo[stem]:
            other_category, twin = max(ordinary, key=lambda each: each[1].iou(mask))
            differing = twin.subtract(mask).area + mask.subtract(twin).area
            assert category == other_category
            assert twin.iou(mask) > 0.99 or (differing <= 3 and twin.area <= 100)


def test_the_same_polygons_as_labelme_are_the_same_masks(tmp_path: Path, coco: Dataset) -> None:
    """Files made here from COCO's numbers, several parts as a group."""
    sizes = sizes_of(coco)
    names = {category.id: category.name for category in coco.categories}
    for image in coco.images:
        shapes: list[dict[str, Any]] = []
        for number, each in enumerate(coco.annotations):
            rings = each.source["segmentation"] if each.source else {}
            if each.image_id == image.id and isinstance(rings, list):
                points = [np.reshape(ring, (-1, 2)).tolist() for ring in rings]
                common = {"label": names[each.category_id], "group_id": number, "shape_type": "polygon", "flags": {}}
                shapes += [{**common, "points": ring} for ring in points]
        document = {"imagePath": image.file_name, "imageHeight": None, "imageWidth": None, "shapes": shapes}
        (tmp_path / f"{Path(image.file_name).stem}.json").write_text(json.dumps(document))
    dataset = read_labelme(tmp_path)
    again, truth = masks(dataset, sizes), masks(coco, sizes)
    for stem, instances in truth.items():
        assert [mask for _, mask, _ in again[stem]] == [mask for _, mask, crowd in instances if not crowd]


def test_the_samples_own_labelme_files_are_drawn_by_another_hand(folder: Path, coco: Dataset) -> None:
    """They show 18 of the 61 objects, each with other vertices, so that no reader could make them agree with COCO's."""
    sizes = sizes_of(coco)
    theirs, truth = masks(read_labelme(folder / "labelme"), sizes), masks(coco, sizes)
    best = [
        max(mask.iou(other) for _, other, _ in truth[stem]) for stem, found in theirs.items() for _, mask, _ in found
    ]
    assert len(best) == 18
    assert min(best) > 0.45 and max(best) < 0.95


@pytest.mark.parametrize("name", ["labelme", "yolo", "voc", "label-map"])
def test_written_as_any_format_and_read_again_they_are_the_same_but_for_what_the_losses_say(
    project: Project, folder: Path, coco: Dataset, there_and_back: Any, contents: Any, name: str
) -> None:
    import_dataset(project, coco, folder / "images", accept_images=True)
    crowds = {instance.mask for image in project.images() for instance in project.instances(image.id) if instance.crowd}
    again, report, dataset = there_and_back(project, name)
    before, after = contents(project), contents(again)
    lost = "Crowd regions, which this format does not know and were left out: 2."
    assert lost in report.losses
    for image, instances in before.items():
        ordinary = [each for each in instances if each[1] not in crowds]
        if name in ("labelme", "yolo"):
            assert report.losses[0] == lost and all("split" in other for other in report.losses[1:])
            assert after[image] == ordinary
        else:
            assert report.losses[0].startswith("Pixels of several instances, which went to the last of them: ")
            covered = Mask.empty()
            for _, mask in ordinary:
                covered = covered.union(mask)
            union = Mask.empty()
            for _, mask in after[image]:
                assert not union.overlaps(mask)
                union = union.union(mask)
            assert union == covered
    assert report.annotations == len(dataset.annotations)
