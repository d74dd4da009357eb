"""Results files become proposals with scores, on the images and categories that their ids name."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as PillowImage
from pycocotools import mask as oracle
from pycocotools.coco import COCO

from engine.errors import InvalidDataset
from engine.formats.coco import import_coco
from engine.formats.coco_results import import_results
from engine.geometry.mask import Mask
from engine.project import Project, commands
from engine.records import InstanceState

WIDTH, HEIGHT = 40, 30
SQUARE = [[2.0, 3.0, 12.0, 3.0, 12.0, 9.0, 2.0, 9.0]]


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    (tmp_path / "pictures").mkdir()
    images = []
    for number in (10, 20):
        PillowImage.new("RGB", (WIDTH, HEIGHT), (number, 0, 0)).save(tmp_path / "pictures" / f"{number}.png")
        images.append({"id": number, "file_name": f"{number}.png", "width": WIDTH, "height": HEIGHT})
    path = tmp_path / "dataset.json"
    categories = [{"id": 3, "name": "cell"}]
    path.write_text(json.dumps({"images": images, "annotations": [], "categories": categories}))
    return path


@pytest.fixture
def project(tmp_path: Path, dataset: Path) -> Iterator[Project]:
    with Project.create(tmp_path / "p.maskwright") as opened:
        import_coco(opened, dataset, tmp_path / "pictures")
        yield opened


def results(tmp_path: Path, *entries: Any) -> Path:
    path = tmp_path / "results.json"
    path.write_text(json.dumps(list(entries)))
    return path


def entry(**changes: Any) -> dict[str, Any]:
    return {"image_id": 20, "category_id": 3, "score": 0.75, "segmentation": SQUARE, **changes}


def test_entries_become_proposals_with_their_scores(project: Project, tmp_path: Path) -> None:
    path = results(tmp_path, entry(), entry(image_id=10, score=1))
    report = import_results(project, path)
    assert (report.images, report.proposals, report.left_out, report.notes) == (2, 2, (), ())
    (proposal,) = project.instances(project.images()[1].id)
    assert (proposal.state, proposal.score) == (InstanceState.PROPOSAL, 0.75)
    assert proposal.mask == Mask.from_crop(np.ones((6, 10)), 2, 3)
    assert proposal.predicted_by == f"results-{hashlib.sha256(path.read_bytes()).hexdigest()[:12]}"
    assert not project.can_undo or project.history()[0].action == "import"


def test_a_person_s_work_stays_and_decided_images_take_none(project: Project, tmp_path: Path) -> None:
    first, second = project.images()
    drawn = Mask.from_crop(np.ones((6, 9)), 2, 3)
    project.apply(commands.draw(project.new_instance_id(), second.id, 1, drawn))
    project.apply(commands.verify_empty(first, []))
    far = [[20, 20, 30, 20, 30, 25]]
    report = import_results(project, results(tmp_path, entry(), entry(segmentation=far), entry(image_id=10)))
    assert report.notes == ("1 images are decided already and take no proposals.",)
    assert [one.state for one in project.instances(second.id)] == [InstanceState.ACCEPTED, InstanceState.PROPOSAL]
    assert project.instances(first.id) == []


def test_ids_are_found_through_the_dataset_that_the_results_are_for(dataset: Path, tmp_path: Path) -> None:
    path = results(tmp_path, entry())
    with Project.create(tmp_path / "plain.maskwright") as plain:
        plain.add_images(sorted((tmp_path / "pictures").iterdir()))
        with pytest.raises(InvalidDataset, match="were not imported"):
            import_results(plain, path)
        assert import_results(plain, path, dataset).proposals == 1
        assert [category.name for category in plain.categories()] == ["cell"]


def test_what_the_project_does_not_hold_and_boxes_are_named(project: Project, tmp_path: Path) -> None:
    box = entry(segmentation=None, bbox=[1, 2, 3, 4])
    report = import_results(project, results(tmp_path, entry(image_id=99), entry(category_id=7), box, entry()))
    assert report.left_out == (
        ("[0]", "the project has nothing of image_id 99"),
        ("[1]", "the project has nothing of category_id 7"),
        ("[2]", "it has no segmentation, and a box is no mask"),
    )
    assert report.proposals == 1


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (entry(score=2), r"\[1\], key 'score'"),
        (entry(score=float("nan")), r"\[1\], key 'score'"),
        (entry(score=True), r"\[1\], key 'score'"),
        (entry(score=10**400), r"\[1\], key 'score'"),
        (entry(segmentation={"size": "\ud800", "counts": "1"}), r"\[1\], key 'segmentation': its size \?"),
        (entry(image_id="a"), r"\[1\], key 'image_id'"),
        (entry(category_id=None), r"\[1\], key 'category_id'"),
        (entry(segmentation={"size": [1, 1], "counts": "1"}), r"\[1\], key 'segmentation': its size"),
        (7, r"\[1\] is not an object"),
    ],
)
def test_a_wrong_entry_is_named_and_nothing_is_imported(
    project: Project, tmp_path: Path, wrong: Any, words: str
) -> None:
    with pytest.raises(InvalidDataset, match=words):
        import_results(project, results(tmp_path, entry(), wrong))
    assert all(not project.instances(image.id) for image in project.images())


def test_a_dataset_is_no_file_of_results(project: Project, dataset: Path) -> None:
    with pytest.raises(InvalidDataset, match="holds no list"):
        import_results(project, dataset)


def test_real_masks_come_back_as_pycocotools_draws_them(tmp_path: Path, data_root: Path) -> None:
    """The ground truth of COCO images as if a model had found it: the ids of the import tell where it belongs."""
    source = data_root / "coco-tiny" / "annotations" / "instances_val2017.json"
    coco = COCO(str(source))
    found = [
        {
            "image_id": one["image_id"],
            "category_id": one["category_id"],
            "score": 0.5,
            "segmentation": {**(rle := coco.annToRLE(one)), "counts": rle["counts"].decode()},
        }
        for one in coco.anns.values()
        if one["iscrowd"] == 0
    ]
    with Project.create(tmp_path / "p.maskwright") as project:
        document = json.loads(source.read_text())
        (tmp_path / "empty.json").write_text(json.dumps({**document, "annotations": []}))
        import_coco(project, tmp_path / "empty.json", data_root / "coco-tiny" / "val2017")
        report = import_results(project, results(tmp_path, *found))
        assert report.proposals == len(found)
        stored = [one for image in project.images() for one in project.instances(image.id)]
        areas = sorted(one.mask.area for one in stored)
        assert areas == sorted(int(oracle.area(one["segmentation"])) for one in found)
