"""What goes into an export: the selection, parts that a seed decides, image files; it is whole or not there."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as PillowImage
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from engine.errors import MaskwrightError, NotWritable
from engine.formats.coco import export_coco, import_coco
from engine.formats.exporting import ExportImage, ImageFiles, Selection, Split, _divide, parts_of
from engine.formats.registry import FORMATS, export_to_folder, format_named
from engine.geometry.mask import Mask
from engine.project import Project, commands
from engine.records import Image, ImageStatus, Review

COCO_FORMAT = FORMATS["coco"]


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """Twenty accepted images in four folders, each with one instance, and one that is open."""
    with Project.create(tmp_path / "p.maskwright") as opened:
        paths = []
        for number in range(21):
            path = tmp_path / f"folder {number % 4}" / f"{number}.png"
            path.parent.mkdir(exist_ok=True)
            PillowImage.new("RGB", (16, 12), (number, 0, 0)).save(path)
            paths.append(path)
        opened.add_images(paths)
        opened.apply(commands.add_category(opened.new_category_id(), "cell", "#112233"))
        for image in opened.images()[:20]:
            mask = Mask.from_crop(np.ones((3, 4)), image.id % 9, 2)
            opened.apply(commands.draw(opened.new_instance_id(), image.id, 1, mask))
            opened.apply(commands.accept_image(image, opened.instances(image.id), 0.5))
        yield opened


def names(part: object) -> list[str]:
    return [one.file_name for one in part.images]  # type: ignore[attr-defined]


def test_status_and_hold_out_decide_what_is_taken(project: Project) -> None:
    (everything,) = parts_of(project, Selection(frozenset(ImageStatus)))
    (complete,) = parts_of(project, Selection())
    (held_out,) = parts_of(project, Selection(hold_out=True))
    (rest,) = parts_of(project, Selection(hold_out=False))
    assert (len(everything.images), len(complete.images)) == (21, 20)
    assert sorted(names(held_out) + names(rest)) == sorted(names(complete))
    assert all(one.image.hold_out for one in held_out.images)


def test_the_same_seed_gives_the_same_parts_and_another_one_others(project: Project) -> None:
    shares = (("train", 0.75), ("val", 0.25))
    first, again, other = (parts_of(project, Selection(), Split(shares, seed)) for seed in (1, 1, 2))
    assert [names(part) for part in first] == [names(part) for part in again]
    assert [names(part) for part in first] != [names(part) for part in other]
    assert [len(part.images) for part in first] == [15, 5]
    assert sorted(names(first[0]) + names(first[1])) == sorted(names(parts_of(project, Selection())[0]))


def test_groups_stay_together(project: Project) -> None:
    parts = parts_of(project, Selection(), Split((("train", 0.5), ("val", 0.5)), group_by="folder"))
    folders = [{Path(name).parent for name in names(part)} for part in parts]
    assert folders[0].isdisjoint(folders[1])
    assert [len(part.images) for part in parts] == [10, 10]


def image(number: int, group: str) -> ExportImage:
    source = json.dumps({"group": group})
    record = Image(number, f"{number}.png", 1, 1, "", False, Review.OPEN, ImageStatus.TODO, None, source)
    return ExportImage(record, Path(record.path), record.path)


@given(groups=st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=40), seed=st.integers(0, 99))
def test_no_group_is_ever_divided_and_no_image_left_out(groups: list[str], seed: int) -> None:
    images = [image(number, group) for number, group in enumerate(groups)]
    assigned = _divide(images, Split((("train", 8), ("val", 1), ("test", 1)), seed, "group"))
    assert assigned.keys() == set(range(len(groups)))
    for group in set(groups):
        assert len({assigned[number] for number, own in enumerate(groups) if own == group}) == 1


@pytest.mark.parametrize("shares", [(), (("a", 0.0),), (("a", -1.0), ("b", 2.0)), (("a", 1.0), ("a", 1.0))])
def test_shares_that_are_none_are_refused(project: Project, shares: tuple[tuple[str, float], ...]) -> None:
    with pytest.raises(MaskwrightError):
        parts_of(project, Selection(), Split(shares))


@pytest.mark.parametrize("how", [ImageFiles.COPY, ImageFiles.LINK])
def test_a_folder_export_holds_annotations_and_images(project: Project, tmp_path: Path, how: ImageFiles) -> None:
    split = Split((("train", 0.8), ("val", 0.2)))
    report = export_to_folder(project, COCO_FORMAT, tmp_path / "out", split=split, image_files=how)
    assert (report.images, report.annotations, report.losses) == (20, 20, ())
    for part in ("train", "val"):
        coco = COCO(str(tmp_path / "out" / "annotations" / f"instances_{part}.json"))
        for record in coco.imgs.values():
            path = tmp_path / "out" / "images" / part / record["file_name"]
            assert path.read_bytes() == (tmp_path / record["file_name"]).read_bytes()
            assert path.samefile(tmp_path / record["file_name"]) == (how is ImageFiles.LINK)
    assert [path.name for path in tmp_path.glob(".*.tmp")] == []


def test_a_folder_that_holds_something_is_left_alone(project: Project, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    with pytest.raises(NotWritable, match="not empty"):
        export_to_folder(project, COCO_FORMAT, tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine.txt"]


def test_a_missing_image_stops_the_export_and_leaves_nothing(project: Project, tmp_path: Path) -> None:
    project.image_path(project.images()[3]).unlink()
    with pytest.raises(MaskwrightError, match="is missing"):
        export_to_folder(project, COCO_FORMAT, tmp_path / "out", image_files=ImageFiles.COPY)
    assert not (tmp_path / "out").exists()
    assert list(tmp_path.glob(".*.tmp")) == []


def test_an_export_can_be_imported_again_and_is_the_same(project: Project, tmp_path: Path) -> None:
    export_to_folder(project, COCO_FORMAT, tmp_path / "out", image_files=ImageFiles.COPY)
    with Project.create(tmp_path / "again.maskwright") as again:
        import_coco(
            again, tmp_path / "out" / "annotations" / "instances.json", tmp_path / "out" / "images", accept_images=True
        )
        masks = [[one.mask for one in again.instances(image.id)] for image in again.images()]
        assert masks == [[one.mask for one in project.instances(image.id)] for image in project.images()[:20]]


def test_an_unknown_format_is_named_with_those_there_are() -> None:
    with pytest.raises(MaskwrightError, match=r"no format 'excel'.*coco"):
        format_named("excel")


@pytest.mark.parametrize(
    ("annotations", "images"),
    [
        ("coco-tiny/annotations/instances_val2017.json", "coco-tiny/val2017"),
        ("nuclei/annotations/instances_val.json", "nuclei/images"),
        ("mushrooms/annotations/instances_val.json", "mushrooms/images"),
    ],
)
def test_pycocotools_finds_an_export_equal_to_its_source(
    tmp_path: Path, data_root: Path, annotations: str, images: str
) -> None:
    """AP 1.0 for masks and boxes, with the export taken for a model's results on its source."""
    with Project.create(tmp_path / "p.maskwright") as project:
        import_coco(project, data_root / annotations, data_root / images, accept_images=True)
        export_coco(project, tmp_path / "out.json")
    source, exported = COCO(str(data_root / annotations)), COCO(str(tmp_path / "out.json"))
    results = [
        {**record, "score": 1.0, "segmentation": exported.annToRLE(record)}
        for record in exported.anns.values()
        if not record["iscrowd"]
    ]
    found = source.loadRes(results)
    for kind in ("segm", "bbox"):
        run = COCOeval(source, found, kind)
        run.params.maxDets = [1, 100, 1000]
        run.evaluate()
        run.accumulate()
        precision = run.eval["precision"][..., 0, -1]
        assert precision[precision > -1].min() == pytest.approx(1.0)
