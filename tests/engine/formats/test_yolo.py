"""YOLO segmentation: a ring a line holds any mask, every way to lay out a dataset is read, and errors name the line."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra import numpy as hnp
from PIL import Image as PillowImage

from engine.errors import InvalidDataset
from engine.formats.exporting import ImageFiles, Split
from engine.formats.importing import import_dataset
from engine.formats.registry import FORMATS, export_to_folder
from engine.formats.shapes import Polygons
from engine.formats.yolo import read_yolo
from engine.formats.yolo_yaml import read_data_file
from engine.geometry import polygons
from engine.geometry.mask import Bitmap, Mask
from engine.project.project import Project

WIDTH, HEIGHT = 40, 30
NO_SPLIT = "Without a split, data.yaml names the same images for train and val."
LINE = "0 0.05 0.1 0.3 0.1 0.3 0.3 0.05 0.3"
RECTANGLE = Mask.from_crop(np.ones((6, 10)), 2, 3)
DATA = "train: images/train\nval: images/val\nnames: [cell, 'a debris']\n"

bitmaps = hnp.arrays(np.bool_, hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=14))


def yolo_folder(folder: Path, files: dict[str, str]) -> Path:
    """A folder of text files, and images under the names that end with one's suffix."""
    for number, (name, text) in enumerate(files.items()):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix in (".png", ".jpg"):
            PillowImage.new("RGB", (WIDTH, HEIGHT), (number, 9, 0)).save(path)
        else:
            path.write_text(text, encoding="utf-8")
    return folder


@given(bitmaps)
def test_one_ring_that_runs_to_parts_and_holes_decodes_to_the_mask(bitmap: Bitmap) -> None:
    mask = Mask.from_crop(bitmap, 3, 2)
    if not mask.is_empty:
        ring = polygons.joined(polygons.outlines(mask))
        assert Polygons([ring.ravel().tolist()]).draw(20, 20) == mask


@pytest.mark.parametrize("seed", range(6))
def test_masks_come_back_identical(
    holding: Any, there_and_back: Any, contents: Any, random_masks: Callable[..., Any], seed: int
) -> None:
    """On sizes that no binary fraction divides."""
    size = (37 + 100 * seed, 23 + 7 * seed)
    masks = {f"{seed}{number}.png": random_masks(10 * seed + number, *size) for number in range(6)}
    project = holding({**masks, "empty.png": []}, size)
    again, report, dataset = there_and_back(project, "yolo")
    assert contents(again) == contents(project)
    assert (report.losses, dataset.notes) == ((NO_SPLIT,), ())
    assert [image.status for image in again.images()] == [image.status for image in project.images()]


def test_ultralytics_drawing_of_a_line_differs_by_a_pixel_at_the_border_only(holding: Any, tmp_path: Path) -> None:
    """It rounds the corners and fills with OpenCV, which takes the outline in; lines to a hole stay inside the mask."""
    rows, columns = np.mgrid[:200, :300]
    distance = np.hypot(columns - 140, rows - 90)
    mask = Mask.from_full((distance < 70) & (distance > 30))
    project = holding({"a.png": [("ring", mask)]}, (300, 200))
    export_to_folder(project, FORMATS["yolo"], tmp_path / "out")
    (line,) = (tmp_path / "out" / "labels" / "a.txt").read_text().splitlines()
    ring = np.array(line.split()[1:], dtype=float).reshape(-1, 2) * (300, 200)
    theirs = np.zeros((200, 300), np.uint8)
    cv2.fillPoly(theirs, [ring.astype(np.int32)], 1)
    grown = cv2.dilate(mask.to_full(200, 300).astype(np.uint8), np.ones((3, 3)))
    assert not (mask.to_full(200, 300) & (theirs == 0)).any()
    assert not ((theirs > 0) & (grown == 0)).any()


def test_what_is_written_is_what_ultralytics_expects(holding: Any, random_masks: Any, tmp_path: Path) -> None:
    masks = {f"sub/{number}.png": random_masks(number, WIDTH, HEIGHT) for number in range(10)}
    masks["sub/empty.png"] = []
    split = Split((("train", 0.8), ("val", 0.2)))
    out = tmp_path / "out"
    project = holding(masks, (WIDTH, HEIGHT))
    export_to_folder(project, FORMATS["yolo"], out, split=split, image_files=ImageFiles.COPY)
    data = read_data_file(out / "data.yaml")
    assert data.parts == ("images/train", "images/val")
    assert sorted(data.names) == [0, 1] and set(data.names.values()) == {"cell", "debris of a cell"}
    images = sorted(path.relative_to(out / "images").with_suffix("") for path in out.glob("images/*/sub/*.png"))
    labels = sorted(path.relative_to(out / "labels").with_suffix("") for path in out.glob("labels/*/sub/*.txt"))
    assert images == labels and len(images) == 11
    for path in out.glob("labels/*/sub/*.txt"):
        for line in path.read_text().splitlines():
            category, *numbers = line.split()
            assert int(category) in data.names
            assert all(0 <= float(number) <= 1 for number in numbers) and len(numbers) % 2 == 0 and len(numbers) >= 6


def test_parts_that_nobody_reads_are_said(holding: Any, tmp_path: Path) -> None:
    project = holding({"a.png": [("cell", RECTANGLE)]}, (WIDTH, HEIGHT))
    split = Split((("train", 0.5), ("later", 0.5)))
    report = export_to_folder(project, FORMATS["yolo"], tmp_path / "out", split=split)
    assert report.losses == (
        "Ultralytics asks for parts called train and val, which data.yaml does not have both.",
        "Only parts called train, val and test are read from a data.yaml, not later.",
    )


def test_an_imported_ring_keeps_its_vertices(project: Project, tmp_path: Path, there_and_back: Any) -> None:
    ring = [2.5, 3.25, 20.125, 4, 11, 25.5]
    record = {"id": 1, "image_id": 1, "category_id": 1, "segmentation": [ring], "iscrowd": 0}
    document = {
        "images": [{"id": 1, "file_name": "a.png"}],
        "annotations": [record],
        "categories": [{"id": 1, "name": "x: y # 'z'"}],
    }
    yolo_folder(tmp_path, {"coco.json": json.dumps(document), "a.png": ""})
    import_dataset(project, FORMATS["coco"].read(tmp_path / "coco.json"), tmp_path, accept_images=True)
    again, _, dataset = there_and_back(project, "yolo")
    (shape,) = (each.shape for each in dataset.annotations)
    assert np.allclose(np.reshape(shape.rings[0], (-1, 2)) * (WIDTH, HEIGHT), np.reshape(ring, (-1, 2)), atol=1e-6)
    assert [category.name for category in again.categories()] == ["x: y # 'z'"]


LAYOUTS = {
    "data.yaml with folders": {
        "data.yaml": DATA,
        "images/train/a.png": "",
        "labels/train/a.txt": LINE,
        "images/val/b.png": "",
    },
    "data.yaml with a root": {
        "data.yaml": "path: deep\n" + DATA,
        "deep/images/train/a.png": "",
        "deep/labels/train/a.txt": LINE,
        "deep/images/val/b.png": "",
    },
    "data.yaml with a list": {
        "data.yaml": DATA.replace("images/train", "train.txt"),
        "train.txt": "./images/x/a.png\n\n",
        "images/x/a.png": "",
        "labels/x/a.txt": LINE,
        "images/val/b.png": "",
    },
    "data.yaml without images": {"data.yaml": DATA, "labels/train/a.txt": LINE, "labels/val/b.txt": ""},
    "as Roboflow writes it": {
        "data.yaml": "train: ../train/images\nval: ../valid/images\nnc: 2\nnames: ['cell', 'a debris']\n",
        "train/images/a.png": "",
        "train/labels/a.txt": LINE,
        "valid/images/b.png": "",
        "README.roboflow.txt": "hello",
    },
    "twin folders": {
        "images/a.png": "",
        "labels/a.txt": LINE,
        "images/b.png": "",
        "labels/classes.txt": "cell\na debris",
    },
    "beside each other": {"x/a.png": "", "x/a.txt": LINE, "x/b.png": "", "obj.names": "cell\na debris\n"},
    "labels alone": {"a.txt": LINE, "b.txt": "", "classes.txt": "cell\na debris\n", "README.txt": "not a label"},
}


@pytest.mark.parametrize("files", LAYOUTS.values(), ids=LAYOUTS.keys())
def test_every_layout_is_read(tmp_path: Path, drawn: Any, files: dict[str, str]) -> None:
    dataset = read_yolo(yolo_folder(tmp_path / "data", files))
    assert [Path(image.file_name).stem for image in dataset.images] == ["a", "b"]
    assert [category.name for category in dataset.categories] == ["cell", "a debris"]
    assert drawn(dataset, WIDTH, HEIGHT) == [("cell", RECTANGLE)]
    assert dataset.notes == ()


@pytest.mark.parametrize("named", ["", "images", "labels"])
def test_any_of_the_twin_folders_may_be_named_and_given_for_the_images(
    tmp_path: Path, project: Project, named: str
) -> None:
    folder = yolo_folder(tmp_path / "data", LAYOUTS["twin folders"])
    dataset = read_yolo(folder / named)
    report = import_dataset(project, dataset, folder if named == "labels" else folder / "images")
    assert (report.images, report.instances) == (2, 1)


def test_labels_alone_find_their_images_by_name_whatever_the_suffix(project: Project, tmp_path: Path) -> None:
    folder = yolo_folder(tmp_path / "texts", {"a.txt": LINE, "b.txt": "", "c.txt": LINE})
    images = yolo_folder(tmp_path / "images", {"a.jpg": "", "b.png": ""})
    report = import_dataset(project, read_yolo(folder), images)
    assert (report.images, report.instances, report.missing) == (2, 1, ("c",))
    again = import_dataset(project, read_yolo(folder), None)
    assert (again.instances, again.missing) == (0, ("c",))
    assert report.notes == (
        "Categories called by their numbers, because no data.yaml, classes.txt or obj.names names them: 1.",
    )


def test_boxes_are_named_and_their_image_is_not_complete(project: Project, tmp_path: Path) -> None:
    folder = yolo_folder(
        tmp_path / "data",
        {
            "data.yaml": DATA,
            "images/train/a.png": "",
            "labels/train/a.txt": f"1 0.5 0.5 0.1 0.1\n\n{LINE} \n",
            "images/val/b.png": "",
        },
    )
    report = import_dataset(project, read_yolo(folder), folder, accept_images=True)
    assert report.instances == 1
    assert report.notes == ("Boxes without a mask, which were left out: 1 (labels/train/a.txt, line 1).",)
    assert [image.review for image in project.images()] == ["open", "verified-empty"]


def test_what_reaches_over_the_border_is_cut_and_said_and_orphans_are_named(tmp_path: Path, drawn: Any) -> None:
    files = {
        "images/a.png": "",
        "labels/a.txt": "0 -0.1 -0.1 0.1 -0.1 0.1 0.1 -0.1 0.1",
        "labels/other.txt": LINE,
        "classes.txt": "cell",
    }
    dataset = read_yolo(yolo_folder(tmp_path / "data", files))
    assert drawn(dataset, WIDTH, HEIGHT) == [("cell", Mask.from_crop(np.ones((3, 4)), 0, 0))]
    assert dataset.notes == (
        "Polygons that reach over the border of their image and were cut there: 1 (labels/a.txt, line 1).",
        "Text files without an image, which were left out: 1 (labels/other.txt).",
    )


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("0 a b", r"labels/train/a\.txt, line 2: '0 a b' is not a list of numbers"),
        ("2 0.1 0.1 0.2 0.2 0.3 0.1", "line 2: there is no category 2; 2 are named"),
        ("0.5 0.1 0.1 0.2 0.2 0.3 0.1", "line 2: a category number and finite coordinates"),
        ("-1 0.1 0.1 0.2 0.2 0.3 0.1", "line 2: a category number and finite coordinates"),
        ("0 0.1 0.1 0.2 nan 0.3 0.1", "line 2: a category number and finite coordinates"),
        ("0 0.1 0.1 0.2 1e999 0.3 0.1", "line 2: a category number and finite coordinates"),
        (f"{LINE} 0.9", "line 2: 9 numbers follow the category, which are no x, y pairs.* confidences"),
        ("0", "line 2: 0 numbers follow"),
        ("0 12 30 50 60 80 90", "line 2: the coordinates are no fractions of the image"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, line: str, words: str) -> None:
    files = {
        "data.yaml": DATA,
        "images/train/a.png": "",
        "labels/train/a.txt": f"{LINE}\n{line}",
        "images/val/b.png": "",
    }
    with pytest.raises(InvalidDataset, match=words):
        read_yolo(yolo_folder(tmp_path / "data", files))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("names: [a]", "none of train, val and test names images"),
        ("train: images", "key 'names' is missing"),
        ("train: images\nnames: cell", "key 'names' is missing, or is no list"),
        ("train: images\nnames: {a: cell}", "key 'names': 'a' is no category number"),
        ("train: images\nnames: [a, '']", "key 'names': a category has no name"),
        ("train: images\nnames: [a, [b]]", "line 2: a list within a list"),
        ("train: images\nnames: [a, b", r"line 2: \[ is not closed"),
        ("train: images\nnames: ['a, b]", "line 2: .* is not closed"),
        ("train: images\nnc: 3\nnames: [a, b]", "key 'nc' is 3, but 2 categories are named"),
        ("train: images\ntrain: images\nnames: [a]", "line 2: key 'train' comes twice"),
        ("train: images\nnames:\n  - a\n  0: b", "line 3: '- a' is no key with a value"),
        ("  train: images", "line 1: '  train: images' belongs to no key"),
        ("train", "line 1: 'train' is no key with a value"),
        ("train: *images\nnames: [a]", "line 1: .* is YAML that cannot be read here"),
        ("train: images\n  and more\nnames: [a]", "line 2: a value of several lines"),
        ("train: {a: b}\nnames: [a]", "key 'train' is neither a path nor a list"),
        ("path: [a]\ntrain: images\nnames: [a]", "key 'path' is no text"),
        ("train: nowhere\nnames: [a]", "names nowhere, which is not there"),
        ("train: list.txt\nnames: [a]", "There is no file"),
    ],
)
def test_a_wrong_data_file_is_named(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(InvalidDataset, match=words):
        read_yolo(yolo_folder(tmp_path / "data", {"data.yaml": text, "images/a.png": ""}))


def test_a_data_file_is_read_as_people_write_it(tmp_path: Path) -> None:
    text = """# made by hand
---
path: ../datasets/potholes  # dataset root dir
train: [images/train, "images/more#1"]
val:
  - images/val
test:

nc: 4
names:
  0: person's
  2: 'it''s'   # a comment
  1: "a \\"b\\": c # d"
  10: tv
download: |
  import os
  print("[")
roboflow:
  license: CC BY 4.0
"""
    (tmp_path / "d.yaml").write_text(text, encoding="utf-8")
    data = read_data_file(tmp_path / "d.yaml")
    assert data.root == "../datasets/potholes"
    assert data.parts == ("images/train", "images/more#1", "images/val")
    assert data.names == {0: "person's", 1: 'a "b": c # d', 2: "it's", 10: "tv"}
    (tmp_path / "d.yaml").write_text("train: .\nnames: [ 'person',\n  'a, b', c,\n]\n", encoding="utf-8")
    assert read_data_file(tmp_path / "d.yaml").names == {0: "person", 1: "a, b", 2: "c"}


@pytest.mark.parametrize(
    "stated", ["../outside", "/outside", "C:\\\\outside", "..\\\\outside", "a/../../outside", "a\\u0000b"]
)
@pytest.mark.parametrize("listed", [False, True], ids=["in data.yaml", "in a list"])
def test_a_path_that_leads_out_of_the_folder_is_refused(tmp_path: Path, stated: str, listed: bool) -> None:
    yolo_folder(tmp_path / "outside", {"a.png": "", "a.txt": LINE})
    text = json.loads(f'"{stated}"')
    files = {
        "data.yaml": f"train: {'list.txt' if listed else json.dumps(text)}\nnames: [a]",
        "list.txt": text + "/a.png",
    }
    with pytest.raises(InvalidDataset, match=r"leads out|which is not there"):
        read_yolo(yolo_folder(tmp_path / "data", files))


def test_images_that_are_links_to_elsewhere_are_read(project: Project, tmp_path: Path) -> None:
    """As exports make them where the disk has no other links, and as people do."""
    yolo_folder(tmp_path / "outside", {"a.png": ""})
    folder = yolo_folder(tmp_path / "data", {"images/b.png": "", "labels/a.txt": LINE})
    (folder / "images" / "a.png").symlink_to(tmp_path / "outside" / "a.png")
    assert import_dataset(project, read_yolo(folder), folder).instances == 1


def test_a_link_that_leads_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    yolo_folder(tmp_path / "outside", {"secret.txt": LINE})
    folder = yolo_folder(tmp_path / "data", {"images/a.png": "", "labels/b.txt": ""})
    (folder / "labels" / "a.txt").symlink_to(tmp_path / "outside" / "secret.txt")
    with pytest.raises(InvalidDataset, match=r"a\.txt is a link that leads out"):
        read_yolo(folder)


def test_a_link_that_leads_to_itself_is_refused(tmp_path: Path) -> None:
    folder = yolo_folder(tmp_path / "data", {"data.yaml": "train: list.txt\nnames: [a]", "images/a.png": ""})
    (folder / "list.txt").symlink_to("list.txt")
    with pytest.raises(InvalidDataset, match=r"list\.txt cannot be read: Too many levels"):
        read_yolo(folder)


def test_what_is_no_yolo_dataset_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidDataset, match="names no image and no label file"):
        read_yolo(yolo_folder(tmp_path / "empty", {"x.md": ""}))
    with pytest.raises(InvalidDataset, match=r"x\.md is no data\.yaml"):
        read_yolo(tmp_path / "empty" / "x.md")
    with pytest.raises(InvalidDataset, match=r"several YAML files: a\.yaml, b\.yaml"):
        read_yolo(yolo_folder(tmp_path / "two", {"a.yaml": "", "b.yaml": ""}))
    with pytest.raises(InvalidDataset, match="There is no file or folder"):
        read_yolo(tmp_path / "nowhere")


def test_the_real_samples_are_read(tmp_path: Path, data_root: Path) -> None:
    for number, (folder, images, instances) in enumerate((("yolo-seg", 8, 11), ("yolo/strict", 1, 0))):
        dataset = read_yolo(data_root / "formats" / folder)
        with Project.create(tmp_path / f"{number}.maskwright") as project:
            report = import_dataset(project, dataset, dataset.images_folder)
            assert (report.images, report.instances) == (images, instances)
            assert len(report.left_out) == len(dataset.annotations) - instances
