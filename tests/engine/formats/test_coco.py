"""COCO: what goes in comes out, what changed is made anew, and what is wrong is named."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as PillowImage
from pycocotools import mask as oracle
from pycocotools.coco import COCO

from engine.errors import InvalidDataset, OutOfSpace
from engine.formats.coco import EVERYTHING, ImportReport, Selection, export_coco, import_coco, read_dataset
from engine.formats.importing import import_dataset
from engine.geometry.mask import Mask
from engine.project import commands
from engine.project.edit import Action, Edit, InstanceChange
from engine.project.project import Project
from engine.records import ImageStatus, InstanceState, Origin

WIDTH, HEIGHT = 40, 30
SQUARE = [[2.0, 3.0, 12.0, 3.0, 12.0, 9.0, 2.0, 9.0]]


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with Project.create(tmp_path / "test.maskwright") as opened:
        yield opened


def annotation(number: int, image_id: int = 1, **changes: Any) -> dict[str, Any]:
    return {
        "id": number,
        "image_id": image_id,
        "category_id": 3,
        "iscrowd": 0,
        "area": 60.0,
        "bbox": [2.0, 3.0, 10.0, 6.0],
        "segmentation": SQUARE,
        **changes,
    }


def dataset(tmp_path: Path, annotations: list[dict[str, Any]], images: int = 2, **others: Any) -> tuple[Path, Path]:
    """A COCO file with images 1..n and category 3, and the folder of its images, which differ from each other."""
    folder = tmp_path / "pictures"
    folder.mkdir(exist_ok=True)
    records = []
    for number in range(1, images + 1):
        name = f"{number}.png"
        PillowImage.new("RGB", (WIDTH, HEIGHT), (number, 0, 0)).save(folder / name)
        records.append({"id": number, "file_name": name, "width": WIDTH, "height": HEIGHT})
    document = {"images": records, "annotations": annotations, "categories": [{"id": 3, "name": "cell"}], **others}
    path = tmp_path / "dataset.json"
    path.write_text(json.dumps(document))
    return path, folder


def exported(project: Project, tmp_path: Path, include: Any = "all") -> dict[str, Any]:
    selection = Selection(EVERYTHING) if include == "all" else Selection()
    export_coco(project, tmp_path / "out.json", selection=selection)
    document: dict[str, Any] = json.loads((tmp_path / "out.json").read_text())
    return document


def by_pycocotools(path: Path) -> dict[int, Any]:
    """The compressed RLE of each annotation by its id, drawn by pycocotools alone."""
    coco = COCO(str(path))
    return {number: coco.annToRLE(record) for number, record in coco.anns.items() if record["segmentation"]}


REAL = [
    ("coco-tiny/annotations/instances_val2017.json", "coco-tiny/val2017"),
    ("coco-tiny/annotations/instances_train2017.json", "coco-tiny/train2017"),
    ("coco-tiny/annotations/person_keypoints_val2017.json", "coco-tiny/val2017"),
    ("nuclei/annotations/instances_val.json", "nuclei/images"),
    ("mushrooms/annotations/instances_train.json", "mushrooms/images"),
    ("mushrooms/annotations/instances_val.json", "mushrooms/images"),
]


@pytest.mark.parametrize(("annotations", "images"), REAL, ids=[path.split("/")[-1] for path, _ in REAL])
def test_real_datasets_come_out_as_they_went_in(
    project: Project, tmp_path: Path, data_root: Path, annotations: str, images: str
) -> None:
    """Polygons, compressed RLE, crowds, keypoints, images without annotations, and every key nobody here knows."""
    before = json.loads((data_root / annotations).read_text())
    report = import_coco(project, data_root / annotations, data_root / images, accept_images=True)
    after = exported(project, tmp_path, "accepted")
    assert (report.missing, report.unreadable, report.left_out, report.notes) == ((), (), (), ())
    assert report.images == len(before["images"])
    for records in ("images", "annotations", "categories"):
        by_id = {record["id"]: record for record in before[records]}
        assert {record["id"]: record for record in after[records]} == by_id
    others = before.keys() - {"images", "annotations", "categories"}
    assert {key: after[key] for key in others} == {key: before[key] for key in others}


@pytest.mark.parametrize(("annotations", "images"), REAL, ids=[path.split("/")[-1] for path, _ in REAL])
def test_real_datasets_are_the_same_after_edits_and_their_undo(
    project: Project, tmp_path: Path, data_root: Path, annotations: str, images: str
) -> None:
    """Strokes, deletions, new categories and decisions on every image; taken back, not a byte of a record differs."""
    import_coco(project, data_root / annotations, data_root / images)
    exported(project, tmp_path)
    before = (tmp_path / "out.json").read_bytes()
    imported = project.history()[0].id
    dot = Mask.from_crop(np.ones((3, 3)), 0, 0)
    for image in project.images():
        for number, instance in enumerate(project.instances(image.id)[:4]):
            command = (commands.paint, commands.erase)[number % 2]
            stroke = Mask.from_crop(dot.bitmap, instance.mask.x, instance.mask.y)
            project.apply(command(instance, stroke if number % 2 else dot, (image.width, image.height)))
        project.apply(commands.delete(project.instances(image.id)[2:3]))
        project.apply(commands.accept_image(image, project.instances(image.id), 0.5))
    project.apply(commands.rename_category(project.categories()[0], "another name"))
    exported(project, tmp_path)
    assert (tmp_path / "out.json").read_bytes() != before
    project.travel(imported)
    exported(project, tmp_path)
    assert (tmp_path / "out.json").read_bytes() == before


@pytest.mark.parametrize(("annotations", "images"), REAL[:1] + REAL[3:4], ids=["polygons and crowds", "nuclei"])
def test_masks_made_anew_decode_to_what_was_read(
    project: Project, tmp_path: Path, data_root: Path, annotations: str, images: str
) -> None:
    """Without their sources the masks must come from the bitmaps alone; pycocotools compares the two files."""
    import_coco(project, data_root / annotations, data_root / images)
    for image in project.images():
        changes = tuple(
            InstanceChange(held, replace(held, source=json.dumps({"id": json.loads(held.source or "")["id"]})))
            for held in project.instances(image.id)
        )
        project.apply(Edit(Action.RESHAPE, image.id, changes))
    exported(project, tmp_path)
    before, after = by_pycocotools(data_root / annotations), by_pycocotools(tmp_path / "out.json")
    assert before.keys() == after.keys()
    for number, rle in before.items():
        assert np.array_equal(oracle.decode(rle), oracle.decode(after[number]))
    for record in COCO(str(tmp_path / "out.json")).anns.values():
        assert record["area"] == oracle.area(after[record["id"]])
        assert record["bbox"] == oracle.toBbox(after[record["id"]]).tolist()


def test_imported_instances_are_accepted_and_their_images_are_not(project: Project, tmp_path: Path) -> None:
    report = import_coco(project, *dataset(tmp_path, [annotation(1)]))
    assert report == ImportReport(images=2, instances=1, categories=1)
    (instance,) = project.instances(1)
    assert (instance.state, instance.origin, instance.edited) == (InstanceState.ACCEPTED, Origin.IMPORTED, False)
    assert instance.mask == Mask.from_crop(np.ones((6, 10)), 2, 3)
    assert [image.status for image in project.images()] == [ImageStatus.EDITED, ImageStatus.TODO]


def test_images_are_accepted_on_request_and_those_without_annotations_are_verified_empty(
    project: Project, tmp_path: Path
) -> None:
    import_coco(project, *dataset(tmp_path, [annotation(1)]), accept_images=True)
    assert [image.status for image in project.images()] == [ImageStatus.ACCEPTED, ImageStatus.VERIFIED_EMPTY]
    assert len(exported(project, tmp_path, "accepted")["images"]) == 2


def test_an_image_whose_annotation_was_left_out_is_not_declared_complete(project: Project, tmp_path: Path) -> None:
    boxes_only = [annotation(1), annotation(2, segmentation=[]), annotation(3, image_id=2, segmentation=[[1, 1, 2, 2]])]
    report = import_coco(project, *dataset(tmp_path, boxes_only), accept_images=True)
    assert [where for where, _ in report.left_out] == ["annotations[1]", "annotations[2]"]
    assert report.instances == 1
    assert [image.status for image in project.images()] == [ImageStatus.EDITED, ImageStatus.TODO]


def test_one_import_is_one_step_back(project: Project, tmp_path: Path) -> None:
    import_coco(project, *dataset(tmp_path, [annotation(1), annotation(2, image_id=2)]), accept_images=True)
    assert [entry.action for entry in project.history()] == [Action.IMPORT]
    project.undo()
    assert project.instances(1) == project.instances(2) == []
    assert project.categories() == []
    assert {image.status for image in project.images()} == {ImageStatus.TODO}


def test_an_edited_mask_is_made_anew_and_undoing_brings_the_source_back(project: Project, tmp_path: Path) -> None:
    record = annotation(5, area=59.5, note="by hand")
    import_coco(project, *dataset(tmp_path, [record]))
    stroke = Mask.from_crop(np.ones((2, 2)), 12, 3)
    project.apply(commands.paint(project.instances(1)[0], stroke, (WIDTH, HEIGHT)))
    (changed,) = exported(project, tmp_path)["annotations"]
    assert changed["area"] == 64
    assert changed["bbox"] == [2, 3, 12, 6]
    assert changed["note"] == "by hand"
    assert changed["id"] == 5
    assert COCO(str(tmp_path / "out.json")).annToMask(changed).sum() == 64
    project.undo()
    assert exported(project, tmp_path)["annotations"] == [record]


def test_a_hole_becomes_rle_and_an_edited_crowd_stays_one(project: Project, tmp_path: Path) -> None:
    runs = {"size": [HEIGHT, WIDTH], "counts": [30, 20, HEIGHT * WIDTH - 50]}
    records = [annotation(1), annotation(2, iscrowd=1, segmentation=runs, area=20)]
    import_coco(project, *dataset(tmp_path, records))
    hole, corner = Mask.from_crop(np.ones((1, 1)), 5, 5), Mask.from_crop(np.ones((1, 1)), 1, 0)
    for instance, stroke in zip(project.instances(1), (hole, corner), strict=True):
        project.apply(commands.erase(instance, stroke, (WIDTH, HEIGHT)))
    holed, crowd = exported(project, tmp_path)["annotations"]
    assert isinstance(holed["segmentation"]["counts"], str)
    assert (holed["iscrowd"], holed["area"]) == (0, 59)
    assert isinstance(crowd["segmentation"]["counts"], str)
    assert (crowd["iscrowd"], crowd["area"]) == (1, 19)


def test_only_accepted_instances_of_complete_images_are_exported(project: Project, tmp_path: Path) -> None:
    records = [annotation(1), annotation(2, image_id=2), annotation(3, image_id=2, segmentation=[[1, 1, 9, 1, 9, 9]])]
    import_coco(project, *dataset(tmp_path, records, images=4))
    _, second, third, fourth = project.images()
    project.apply(commands.reject(project.instances(second.id)[:1]))
    project.apply(commands.accept_image(second, project.instances(second.id), 0.5))
    project.apply(commands.verify_empty(third, []))
    project.apply(commands.skip(fourth))
    complete = exported(project, tmp_path, "accepted")
    assert [image["id"] for image in complete["images"]] == [2, 3]
    assert [each["id"] for each in complete["annotations"]] == [3]
    everything = exported(project, tmp_path, "all")
    assert [image["id"] for image in everything["images"]] == [1, 2, 3]
    assert [each["id"] for each in everything["annotations"]] == [1, 3]


def test_ids_are_unique_from_one_and_kept_where_they_can_be(project: Project, tmp_path: Path) -> None:
    """pycocotools takes an annotation of id 0 for unmatched."""
    records = [annotation(0), annotation(7), annotation(7, image_id=2), annotation("x", image_id=2)]
    import_coco(project, *dataset(tmp_path, records))
    drawn = commands.draw(project.new_instance_id(), 1, 1, Mask.from_crop(np.ones((3, 3)), 0, 0))
    project.apply(drawn)
    document = exported(project, tmp_path)
    assert [each["id"] for each in document["annotations"]] == [1, 7, 2, 3, 4]
    assert document["categories"] == [{"id": 3, "name": "cell"}]


def test_renamed_and_drawn_things_are_exported_as_they_are_now(project: Project, tmp_path: Path) -> None:
    import_coco(project, *dataset(tmp_path, [annotation(1)]))
    project.apply(commands.rename_category(project.categories()[0], "nucleus"))
    number = project.new_category_id()
    project.apply(commands.add_category(number, "debris", "#112233"))
    project.apply(commands.recategorise(project.instances(1), number))
    document = exported(project, tmp_path)
    assert document["categories"] == [{"id": 3, "name": "nucleus"}, {"id": 1, "name": "debris"}]
    assert document["annotations"] == [annotation(1, category_id=1)]


def test_importing_twice_adds_nothing(project: Project, tmp_path: Path) -> None:
    files = dataset(tmp_path, [annotation(1)])
    import_coco(project, *files)
    report = import_coco(project, *files)
    assert (report.images, report.instances, report.categories) == (0, 0, 0)
    assert report.left_out == (("annotations[0]", "the project holds it already"),)


def test_an_image_that_a_person_completed_takes_no_annotations(project: Project, tmp_path: Path) -> None:
    path, folder = dataset(tmp_path, [annotation(1)], images=1)
    project.add_images(sorted(folder.iterdir()))
    project.apply(commands.verify_empty(project.image(1), []))
    report = import_coco(project, path, folder)
    assert project.instances(1) == []
    assert "verified-empty" in report.notes[0]


def test_missing_and_unreadable_images_are_named_and_the_others_imported(project: Project, tmp_path: Path) -> None:
    path, folder = dataset(tmp_path, [annotation(number, image_id=number) for number in (1, 2, 3)], images=3)
    (folder / "1.png").unlink()
    (folder / "2.png").write_bytes((folder / "2.png").read_bytes()[:60])
    report = import_coco(project, path, folder)
    assert report.missing == ("1.png",)
    assert [name for name, _ in report.unreadable] == ["2.png"]
    assert (report.images, report.instances) == (1, 1)


def test_an_image_of_another_size_is_left_without_annotations(project: Project, tmp_path: Path) -> None:
    path, folder = dataset(tmp_path, [annotation(1)])
    PillowImage.new("RGB", (HEIGHT, WIDTH)).save(folder / "1.png")
    report = import_coco(project, path, folder)
    assert report.instances == 0
    assert "40 x 30" in report.notes[0]
    assert "30 x 40" in report.notes[0]


def test_a_dataset_whose_images_are_all_missing_is_refused(project: Project, tmp_path: Path) -> None:
    path, _ = dataset(tmp_path, [annotation(1)], images=9)
    (tmp_path / "elsewhere").mkdir()
    with pytest.raises(InvalidDataset, match=r"1\.png, 2\.png, 3\.png, 4\.png, 5\.png and 4 more"):
        import_coco(project, path, tmp_path / "elsewhere")
    with pytest.raises(InvalidDataset, match="does not exist"):
        import_coco(project, path, tmp_path / "nowhere")


@pytest.mark.parametrize(
    "name", ["../1.png", "/etc/passwd", "a/../../1.png", "C:\\1.png", "..\\1.png", "\\\\host\\1.png"]
)
def test_a_file_name_that_leads_out_of_the_folder_is_refused(project: Project, tmp_path: Path, name: str) -> None:
    path, folder = dataset(tmp_path, [])
    document = json.loads(path.read_text())
    document["images"][1]["file_name"] = name
    path.write_text(json.dumps(document))
    with pytest.raises(InvalidDataset, match=r"images\[1\]: .*leads out"):
        import_coco(project, path, folder)
    assert project.images() == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"image_id": 99}, r"annotations\[1\], key 'image_id': no image has id 99"),
        ({"image_id": None}, r"annotations\[1\], key 'image_id': it is missing"),
        ({"category_id": 4}, r"annotations\[1\], key 'category_id': no category has id 4"),
        ({"category_id": "cell"}, r"annotations\[1\], key 'category_id': it is no whole number"),
        ({"iscrowd": 2}, r"annotations\[1\], key 'iscrowd'"),
        ({"segmentation": [[1, 2, 3]]}, r"annotations\[1\], key 'segmentation': polygon 0"),
        ({"segmentation": "all"}, r"annotations\[1\], key 'segmentation'"),
        (
            {"segmentation": {"size": [9, 9], "counts": [81]}},
            r"annotations\[1\], key 'segmentation': its size \[9, 9\]",
        ),
        ({"segmentation": {"size": [HEIGHT, WIDTH], "counts": [7]}}, r"annotations\[1\], key 'segmentation': counts"),
    ],
)
def test_a_wrong_annotation_is_named_and_nothing_is_imported(
    project: Project, tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(InvalidDataset, match=words):
        import_coco(project, *dataset(tmp_path, [annotation(1), annotation(2, **changes)]))
    assert project.images() == []
    assert not project.can_undo


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[]", "no JSON object"),
        ('{"images": [], \n "annotations": [}', "line 2"),
        ('{"images": [], "annotations": []}', "'categories' is missing"),
        ('{"images": {}, "annotations": [], "categories": []}', "'images'"),
        ('{"images": [1], "annotations": [], "categories": []}', r"images\[0\] is not an object"),
        ('{"images": [{"id": 1}], "annotations": [], "categories": []}', r"images\[0\], key 'file_name'"),
        (
            '{"images": [{"id": 1, "file_name": "a", "width": 0, "height": 1}], "annotations": [], "categories": []}',
            "width",
        ),
        ('{"images": [], "annotations": [], "categories": [{"id": 1}]}', r"categories\[0\], key 'name'"),
        (
            '{"images": [], "annotations": [], "categories": [{"id": 1, "name": "a"}, {"id": 1, "name": "b"}]}',
            "used before",
        ),
        ('{"images": [], "annotations": [], "categories": []}', "names no image"),
        ("[" * 100_000, "not a JSON file"),
        ('{"images": ' + "1" * 5000 + "}", "not a JSON file"),
    ],
)
def test_a_file_that_is_no_dataset_is_named(project: Project, tmp_path: Path, text: str, words: str) -> None:
    path, folder = dataset(tmp_path, [])
    path.write_text(text)
    with pytest.raises(InvalidDataset, match=words):
        import_coco(project, path, folder)


def test_bytes_that_are_no_text_are_named(project: Project, tmp_path: Path) -> None:
    path, folder = dataset(tmp_path, [])
    path.write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(InvalidDataset, match="not a text file"):
        import_coco(project, path, folder)


def test_a_dataset_without_sizes_and_with_numbers_that_are_none_is_read(project: Project, tmp_path: Path) -> None:
    path, folder = dataset(tmp_path, [annotation(1.0, area=float("nan"))])
    document = json.loads(path.read_text())
    for image in document["images"]:
        del image["width"], image["height"]
    path.write_text(json.dumps(document))
    assert import_coco(project, path, folder).instances == 1
    (record,) = exported(project, tmp_path)["annotations"]
    assert record["area"] == 60


def test_two_datasets_with_the_same_file_names_are_exported_apart(project: Project, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        path, folder = dataset(tmp_path / name, [annotation(1)], images=1, licenses=[{"id": 1, "name": name}])
        PillowImage.new("RGB", (WIDTH, HEIGHT), (0, len(name), ord(name[0]))).save(folder / "1.png")
        report = import_coco(project, path, folder)
    assert report.notes == ("The project keeps licenses of the dataset imported before.",)
    document = exported(project, tmp_path)
    assert [image["file_name"] for image in document["images"]] == ["1.png", "two/pictures/1.png"]
    assert len({image["id"] for image in document["images"]}) == 2
    assert [each["image_id"] for each in document["annotations"]] == [image["id"] for image in document["images"]]


def test_an_export_that_is_given_up_leaves_the_old_file(project: Project, tmp_path: Path) -> None:
    import_coco(project, *dataset(tmp_path, [annotation(1)]))
    (tmp_path / "out.json").write_text("old")

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export_coco(project, tmp_path / "out.json", selection=Selection(EVERYTHING), progress=stop)
    assert (tmp_path / "out.json").read_text() == "old"


def test_a_dataset_without_its_images_merges_by_file_name(project: Project, tmp_path: Path) -> None:
    path, folder = dataset(tmp_path, [annotation(1), annotation(2, image_id=2), annotation(3, image_id=3)], images=3)
    for number in (1, 2):
        (tmp_path / "elsewhere" / str(number)).mkdir(parents=True)
        (folder / f"{number}.png").rename(tmp_path / "elsewhere" / str(number) / f"{number}.png")
    project.add_images(sorted((tmp_path / "elsewhere").rglob("*.png")))
    report = import_coco(project, path, None)
    assert (report.images, report.instances, report.missing) == (0, 2, ("3.png",))
    assert [len(project.instances(image.id)) for image in project.images()] == [1, 1]


def test_a_file_name_that_several_images_bear_is_not_guessed(project: Project, tmp_path: Path) -> None:
    path, folder = dataset(tmp_path, [annotation(1), annotation(2, image_id=2)])
    for place, shade in (("a", 7), ("b", 8)):
        (tmp_path / place).mkdir()
        PillowImage.new("RGB", (WIDTH, HEIGHT), (shade, 0, 0)).save(tmp_path / place / "1.png")
    project.add_images([tmp_path / "a" / "1.png", tmp_path / "b" / "1.png", folder / "2.png"])
    report = import_coco(project, path, None)
    assert report.notes == ("1.png may be any of 2 images of that name; none was taken.",)
    assert report.instances == 1
    document = json.loads(path.read_text())
    document["images"][0]["file_name"] = "b/1.png"
    path.write_text(json.dumps(document))
    assert import_coco(project, path, None).instances == 1
    assert [len(project.instances(image.id)) for image in project.images()] == [0, 1, 1]


def test_an_import_that_fails_late_adds_no_image(project: Project, tmp_path: Path) -> None:
    """Images and instances are one transaction: a database that is full refuses both."""
    path, folder = dataset(tmp_path, [annotation(number) for number in range(1, 2000)])
    project._database._driver().execute("PRAGMA max_page_count=60")
    with pytest.raises(OutOfSpace):
        import_coco(project, path, folder)
    assert project.images() == project.categories() == []
    project._database._driver().execute("PRAGMA max_page_count=100000")
    assert import_coco(project, path, folder).instances == 1999
    assert len(project.images()) == 2


HOLE = [[2.0, 2.0, 20.0, 2.0, 20.0, 20.0, 2.0, 20.0], [8.0, 8.0, 12.0, 8.0, 12.0, 12.0, 8.0, 12.0]]
RING = {"size": [HEIGHT, WIDTH], "counts": [62, 4, 26, 1, 2, 1, 26, 4, HEIGHT * WIDTH - 126]}


@pytest.mark.parametrize(
    ("changes", "area"),
    [
        ({"iscrowd": 0}, 60),
        ({"iscrowd": False}, 60),
        ({"segmentation": RING}, 10),
        ({"segmentation": HOLE}, 18 * 18),
    ],
    ids=["iscrowd 0", "iscrowd false", "RLE with a hole", "outer ring and hole as two polygons"],
)
def test_what_other_importers_lose_or_misread_is_what_pycocotools_says(
    project: Project, tmp_path: Path, changes: dict[str, Any], area: int
) -> None:
    """COCO's polygons are united, so that a hole written as a second one is filled: COCO cannot say it that way."""
    path, folder = dataset(tmp_path, [annotation(1, **changes)])
    report = import_coco(project, path, folder)
    (instance,) = project.instances(1)
    (truth,) = by_pycocotools(path).values()
    assert np.array_equal(instance.mask.to_full(HEIGHT, WIDTH), oracle.decode(truth))
    assert (instance.mask.area, instance.crowd, report.notes) == (area, False, ())


def ordinary_masks_as_crowds(tmp_path: Path) -> tuple[Path, Path]:
    """As CVAT exports masks that were painted: run-length encoded, iscrowd 1, several of a category on an image."""
    return dataset(tmp_path, [annotation(1), *(annotation(n, iscrowd=1, segmentation=RING) for n in (2, 3))])


def test_crowds_that_look_like_ordinary_masks_stay_crowds_and_are_said(project: Project, tmp_path: Path) -> None:
    report = import_coco(project, *ordinary_masks_as_crowds(tmp_path))
    assert [instance.crowd for instance in project.instances(1)] == [False, True, True]
    assert report.notes[0].startswith("2 of 3 annotations are crowd regions (iscrowd 1)")
    assert "again with crowd regions as instances" in report.notes[0]


def test_a_category_whose_name_is_no_text_is_refused(project: Project, tmp_path: Path) -> None:
    path, folder = dataset(tmp_path, [annotation(1)])
    path.write_text(path.read_text().replace('"cell"', '"cell\\ud800"'))
    with pytest.raises(InvalidDataset, match="has a name that is no text"):
        import_coco(project, path, folder)


def test_crowds_become_instances_on_request(project: Project, tmp_path: Path) -> None:
    path, folder = ordinary_masks_as_crowds(tmp_path)
    report = import_dataset(project, read_dataset(path), folder, crowd_as_instances=True)
    assert [instance.crowd for instance in project.instances(1)] == [False, False, False]
    assert report.notes == ()
    assert [record["iscrowd"] for record in exported(project, tmp_path)["annotations"]] == [0, 0, 0]


def test_values_that_json_can_spell_and_nothing_else_can_hold_are_kept_out(project: Project, tmp_path: Path) -> None:
    path, folder = dataset(tmp_path, [annotation(1, note="\ud800", huge=1)], info={"x": [2]})
    path.write_text(path.read_text().replace('"huge": 1', '"huge": 1e999').replace("[2]", "[-1e999]"))
    import_coco(project, path, folder)
    document = exported(project, tmp_path)
    kept = document["annotations"][0]
    assert (kept["huge"], kept["note"], document["info"]) == (None, "?", {"x": [None]})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"segmentation": [[1, 2, 3, 4, 5, 10**400]]}, "polygon 0 is not a list of numbers"),
        ({"segmentation": [[0, 0, 1e6, 1e6] * 20]}, "polygon 0 has a border longer than any image's"),
        ({"segmentation": {"size": [HEIGHT, WIDTH], "counts": [10**30]}}, "counts is neither"),
        ({"segmentation": {"size": [10**9, 10**9], "counts": [1]}}, "its size"),
        ({"x": json.loads("[" * 300 + "]" * 300)}, "nested more than 100 levels"),
    ],
    ids=["huge number", "endless border", "huge run", "huge size", "deep"],
)
def test_values_beyond_any_image_are_refused(
    project: Project, tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(InvalidDataset, match=words):
        import_coco(project, *dataset(tmp_path, [annotation(1, **changes)]))
    assert project.images() == []
