"""LabelMe: points are continuous coordinates, a group is one instance, and what is written reads back identical."""

import base64
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image as PillowImage
from PIL import ImageDraw

from engine.errors import InvalidDataset
from engine.formats.coco import Selection, export_coco, import_coco
from engine.formats.exporting import Split
from engine.formats.importing import import_dataset
from engine.formats.labelme import read_labelme
from engine.geometry.mask import Mask
from engine.project import commands
from engine.project.project import Project

WIDTH, HEIGHT = 40, 30
TRIANGLE = [[2.5, 3.0], [20.25, 4.0], [11.0, 25.5]]


def shape(label: str = "cell", points: Any = TRIANGLE, kind: Any = "polygon", **others: Any) -> dict[str, Any]:
    return {"label": label, "points": points, "shape_type": kind, "group_id": None, "flags": {}, **others}


def labelme_file(folder: Path, shapes: Any, name: str = "a", **others: Any) -> Path:
    """A LabelMe file and its image."""
    folder.mkdir(parents=True, exist_ok=True)
    PillowImage.new("RGB", (WIDTH, HEIGHT), (len(name), 0, 0)).save(folder / f"{name}.png")
    document = {
        "version": "5.5.0",
        "flags": {},
        "shapes": shapes,
        "imagePath": f"{name}.png",
        "imageData": None,
        "imageHeight": HEIGHT,
        "imageWidth": WIDTH,
        **others,
    }
    (folder / f"{name}.json").write_text(json.dumps(document))
    return folder / f"{name}.json"


def png(bitmap: Any) -> str:
    file = io.BytesIO()
    PillowImage.fromarray(np.asarray(bitmap, dtype=np.uint8)).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def by_labelme(points: list[list[float]]) -> Any:
    """The mask as LabelMe's scripts draw it: with Pillow, outline and all."""
    canvas = PillowImage.new("L", (WIDTH, HEIGHT))
    ImageDraw.Draw(canvas).polygon([(x, y) for x, y in points], outline=1, fill=1)
    return np.asarray(canvas) > 0


def test_a_polygon_differs_from_what_labelmes_scripts_draw_by_at_most_a_pixel_at_its_outline(
    tmp_path: Path, drawn: Any
) -> None:
    """Pillow fills around pixel corners and draws the outline as well; COCO fills what the polygon covers."""
    ((label, mask),) = drawn(read_labelme(labelme_file(tmp_path, [shape()])), WIDTH, HEIGHT)
    theirs = by_labelme(TRIANGLE)
    border = np.array(TRIANGLE, dtype=np.float32)
    assert label == "cell"
    assert theirs.sum() > mask.area
    for y, x in np.argwhere(theirs != mask.to_full(HEIGHT, WIDTH)).tolist():
        assert abs(cv2.pointPolygonTest(border, (x + 0.5, y + 0.5), True)) <= 1


def test_rectangles_circles_and_bitmaps_are_drawn_and_lines_and_points_named(tmp_path: Path, drawn: Any) -> None:
    bitmap = np.array([[0, 255, 255], [255, 0, 255]])
    shapes = [
        shape(points=[[12, 9], [2, 3]], kind="rectangle"),
        shape(points=[[20, 15], [20, 20]], kind="circle"),
        shape(points=[[38.0, 5.0], [40.0, 6.0]], kind="mask", mask=png(bitmap)),
        shape(points=[[1, 1], [5, 5]], kind="line"),
        shape(points=[[1, 1]], kind="point"),
        shape(points=[[3, 3], [8, 3], [8, 9], [3, 9]], kind="rectangle"),
    ]
    dataset = read_labelme(labelme_file(tmp_path, shapes))
    rectangle, circle, cut, line, point, four = (mask for _, mask in drawn(dataset, WIDTH, HEIGHT))
    assert rectangle == Mask.from_crop(np.ones((6, 10)), 2, 3)
    rows, columns = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    assert np.array_equal(circle.to_full(HEIGHT, WIDTH), (columns - 20) ** 2 + (rows - 15) ** 2 <= 25)
    assert cut == Mask.from_crop(bitmap[:, :2], 38, 5)
    assert line.is_empty and point.is_empty
    assert four == Mask.from_crop(np.ones((6, 5)), 3, 3)
    assert dataset.notes == (
        "Shapes of type line, which have no area and were left out: 1 (a.json, shapes[3]).",
        "Shapes of type point, which have no area and were left out: 1 (a.json, shapes[4]).",
    )


def test_shapes_of_one_label_and_group_are_one_instance(tmp_path: Path, drawn: Any) -> None:
    left, right = [[1, 1], [4, 4]], [[10, 1], [14, 4]]
    shapes = [
        shape(points=left, kind="rectangle", group_id=1),
        shape("debris", left, "rectangle", group_id=1),
        shape(points=right, kind="rectangle", group_id=1, description="other"),
        shape(points=right, kind="rectangle"),
        shape(points=right, kind="rectangle"),
        shape("__ignore__", right, "rectangle"),
    ]
    dataset = read_labelme(labelme_file(tmp_path, shapes))
    one, two = Mask.from_crop(np.ones((3, 3)), 1, 1), Mask.from_crop(np.ones((3, 4)), 10, 1)
    assert drawn(dataset, WIDTH, HEIGHT) == [("cell", one.union(two)), ("debris", one), ("cell", two), ("cell", two)]
    assert [each.where for each in dataset.annotations] == [f"a.json, shapes[{index}]" for index in (0, 1, 3, 4)]
    assert [note.partition(":")[0] for note in dataset.notes] == [
        "Shapes labelled __ignore__, which mark no object and were left out",
        "Groups whose shapes differ in flags or description, of which the first's are kept",
    ]


def test_an_image_with_a_shape_left_out_is_not_declared_complete(project: Project, tmp_path: Path) -> None:
    labelme_file(tmp_path / "data", [shape(points=[[1, 1]], kind="point")])
    report = import_dataset(project, read_labelme(tmp_path / "data"), tmp_path / "data", accept_images=True)
    assert report.left_out == (("a.json, shapes[0]", "it has no mask, or one that covers no pixel"),)
    assert [image.review for image in project.images()] == ["open"]


@pytest.mark.parametrize("seed", range(6))
def test_masks_come_back_identical(
    holding: Any, there_and_back: Any, contents: Any, random_masks: Callable[..., Any], seed: int
) -> None:
    masks = {f"{seed}{number}.png": random_masks(10 * seed + number, WIDTH, HEIGHT) for number in range(8)}
    project = holding({**masks, "empty.png": []}, (WIDTH, HEIGHT))
    again, report, dataset = there_and_back(project, "labelme")
    assert contents(again) == contents(project)
    assert report.losses == dataset.notes == ()
    assert report.annotations == sum(map(len, masks.values()))
    assert [image.status for image in again.images()] == [image.status for image in project.images()]


def test_a_whole_mask_is_a_polygon_parts_share_a_group_and_holes_make_a_bitmap(
    holding: Any, there_and_back: Any, tmp_path: Path
) -> None:
    ring = Mask.from_crop(np.ones((5, 5)), 2, 2).subtract(Mask.from_crop(np.ones((1, 1)), 4, 4))
    parts = Mask.from_crop(np.array([[1, 0, 1]]), 20, 20)
    whole = Mask.from_crop(np.ones((3, 4)), 30, 1)
    there_and_back(holding({"sub/a.png": [("a", ring), ("a", parts), ("a", whole)]}, (WIDTH, HEIGHT)), "labelme")
    (file,) = (tmp_path / "exported0").rglob("*.json")
    document = json.loads(file.read_text())
    assert (file.parent / document["imagePath"]).is_file()
    assert [(each["shape_type"], each["group_id"]) for each in document["shapes"]] == [
        ("mask", None),
        ("polygon", 1),
        ("polygon", 1),
        ("polygon", None),
    ]
    assert document["shapes"][3]["points"] == [[30, 1], [34, 1], [34, 4], [30, 4]]
    decoded = np.asarray(PillowImage.open(io.BytesIO(base64.b64decode(document["shapes"][0]["mask"]))))
    (x1, y1), (x2, y2) = document["shapes"][0]["points"]
    assert decoded.shape == (y2 - y1 + 1, x2 - x1 + 1)
    assert np.array_equal(decoded > 0, ring.bitmap)


def test_vertices_flags_groups_and_descriptions_come_out_as_they_went_in(
    project: Project, tmp_path: Path, there_and_back: Any
) -> None:
    shapes = [
        shape(group_id=7, description="by hand", flags={"sure": True}),
        shape(points=[[30.5, 3], [35, 3], [35, 9.75]], group_id=7, description="by hand", flags={"sure": True}),
        shape("debris", [[1, 1], [9, 1], [9, 9]], group_id=7),
    ]
    labelme_file(tmp_path / "data", shapes, flags={"blurred": True})
    import_dataset(project, read_labelme(tmp_path / "data"), tmp_path / "data", accept_images=True)
    there_and_back(project, "labelme")
    document = json.loads(next((tmp_path / "exported0").rglob("a.json")).read_text())
    kept = [{key: each[key] for key in before} for each, before in zip(document["shapes"], shapes, strict=True)]
    assert kept == shapes
    assert (document["flags"], document["version"]) == ({"blurred": True}, "5.5.0")


def test_a_group_that_was_split_does_not_join_again(
    project: Project, tmp_path: Path, there_and_back: Any, contents: Any
) -> None:
    shapes = [shape(group_id=3), shape(points=[[30, 3], [35, 3], [35, 9]], group_id=3)]
    labelme_file(tmp_path / "data", shapes)
    import_dataset(project, read_labelme(tmp_path / "data"), tmp_path / "data")
    (whole,) = project.instances(1)
    right = Mask.from_crop(np.ones((HEIGHT, 12)), 28, 0)
    project.apply(commands.erase(whole, right, (WIDTH, HEIGHT)))
    project.apply(commands.draw(project.new_instance_id(), 1, whole.category_id, right))
    project.apply(commands.accept_image(project.image(1), project.instances(1), 0.5))
    again, _, _ = there_and_back(project, "labelme")
    assert contents(again) == contents(project)


def test_crowds_are_left_out_and_said(project: Project, tmp_path: Path, there_and_back: Any) -> None:
    labelme_file(tmp_path / "data", [shape()])
    dataset = read_labelme(tmp_path / "data")
    import_dataset(project, dataset, tmp_path / "data", accept_images=True)
    export_coco(project, tmp_path / "coco.json", selection=Selection())
    document = json.loads((tmp_path / "coco.json").read_text())
    document["annotations"][0]["iscrowd"] = 1
    (tmp_path / "coco.json").write_text(json.dumps(document))
    with Project.create(tmp_path / "crowd.maskwright") as other:
        import_coco(other, tmp_path / "coco.json", tmp_path / "data", accept_images=True)
        _, report, _ = there_and_back(other, "labelme")
    assert report.annotations == 0
    assert report.losses == ("Crowd regions, which this format does not know and were left out: 1.",)


def test_parts_are_folders_and_images_that_differ_in_the_suffix_only_stay_apart(
    holding: Any, there_and_back: Any, contents: Any, random_masks: Any, tmp_path: Path
) -> None:
    names = ("a.png", "a.bmp", "A.tif", "b.png")
    masks = {name: random_masks(number, WIDTH, HEIGHT) for number, name in enumerate(names)}
    project = holding(masks, (WIDTH, HEIGHT))
    split = Split((("train", 0.5), ("val", 0.5)))
    again, report, dataset = there_and_back(project, "labelme", split=split)
    assert sorted(contents(again).values(), key=str) == sorted(contents(project).values(), key=str)
    assert len(dataset.images) == 4
    assert report.losses == (
        "Images renamed because another has their name but for the suffix: 2 (a_bmp.bmp; A_tif.tif).",
    )
    assert sum(len(list((tmp_path / "exported0" / part).glob("*.json"))) for part in ("train", "val")) == 4


@pytest.mark.parametrize("stated", ["../elsewhere/a.png", "C:\\me\\a.png", "/home/me/a.png", "..\\..\\a.png"])
def test_an_image_path_that_leads_out_is_looked_for_by_name_inside_the_folder(tmp_path: Path, stated: str) -> None:
    dataset = read_labelme(labelme_file(tmp_path, [shape()], imagePath=stated))
    assert [image.file_name for image in dataset.images] == ["a.png"]
    assert dataset.notes == (
        "Images whose imagePath leads out of the folder, looked for by their name alone: 1 (a.json).",
    )


def test_files_of_folders_below_are_read_and_their_images_found_beside_them(project: Project, tmp_path: Path) -> None:
    labelme_file(
        tmp_path / "data" / "json", [shape()], imagePath="..\\pictures\\a.png", imageWidth=None, imageHeight=None
    )
    labelme_file(tmp_path / "data" / "more", [shape()], "bb")
    labelme_file(tmp_path / "data", [], "other")
    (tmp_path / "data" / "pictures").mkdir()
    (tmp_path / "data" / "json" / "a.png").rename(tmp_path / "data" / "pictures" / "a.png")
    (tmp_path / "data" / "config.json").write_text("[1]")
    dataset = read_labelme(tmp_path / "data")
    report = import_dataset(project, dataset, tmp_path / "data")
    assert [image.file_name for image in dataset.images] == ["pictures/a.png", "more/bb.png", "other.png"]
    assert (report.images, report.instances) == (3, 2)
    assert dataset.notes == ("JSON files without shapes, which are not LabelMe's and were left out: 1 (config.json).",)


def test_a_link_that_leads_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    outside = labelme_file(tmp_path / "outside", [shape()])
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.json").symlink_to(outside)
    with pytest.raises(InvalidDataset, match=r"a\.json is a link that leads out"):
        read_labelme(tmp_path / "data")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"imagePath": None}, "a.json, key 'imagePath': it is missing"),
        ({"imagePath": "a\0.png"}, "a.json, key 'imagePath': .* names no file"),
        ({"imagePath": "x/.."}, "a.json, key 'imagePath': .* names no file"),
        ({"imageWidth": 0}, "a.json, key 'imageWidth': it is no whole number above zero"),
        ({"imageHeight": None}, "a.json, key 'imageHeight': it is no whole number above zero"),
        ({"shapes": {}}, "a.json, key 'shapes': it is no list"),
        ({"shapes": [3]}, r"a.json, shapes\[0\] is not an object"),
        ({"shapes": [shape(" ")]}, r"shapes\[0\], key 'label': it is missing or is no text"),
        ({"shapes": [shape(points=None)]}, r"shapes\[0\], key 'points': it is missing or is no list"),
        ({"shapes": [shape(points=[[1, 2], [3]])]}, r"shapes\[0\], key 'points': point 1 is no pair of numbers"),
        ({"shapes": [shape(points=[[1, float("nan")]])]}, "point 0 is no pair of numbers"),
        ({"shapes": [shape(points=[[1, 10**400]])]}, "point 0 is no pair of numbers"),
        ({"shapes": [shape(group_id=[1])]}, "key 'group_id': it is neither a whole number nor null"),
        ({"shapes": [shape(kind="circle")]}, "key 'points': a circle has two points, not 3"),
        ({"shapes": [shape(points=[[1, 1], [2, 2]], kind="mask")]}, "key 'mask': it is missing or is no text"),
        ({"shapes": [shape(points=[[5, 5], [2, 2]], kind="mask", mask="")]}, "key 'points': they are not the first"),
        ({"shapes": [shape(points=[[0, 0], [1e9, 1e9]], kind="mask", mask="")]}, "key 'points': they are not the"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidDataset, match=words):
        read_labelme(labelme_file(tmp_path, **{"shapes": [], **changes}))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("!", "key 'mask': it is no PNG image in base64"),
        ("AAAA", "key 'mask': it is no PNG image in base64"),
        (png(np.ones((2, 2)))[:60], "key 'mask': it is no PNG image in base64"),
        (png(np.ones((2, 3))), "its picture has 3 x 2 pixels, its points 2 x 2"),
        (png(np.ones((2, 2, 3))), "key 'mask': its picture has several channels"),
    ],
)
def test_a_bitmap_that_cannot_be_drawn_is_named(tmp_path: Path, drawn: Any, text: str, words: str) -> None:
    shapes = [shape(points=[[0, 0], [1, 1]], kind="mask", mask=text)]
    with pytest.raises(InvalidDataset, match=rf"a\.json: a\.json, shapes\[0\], {words}"):
        drawn(read_labelme(labelme_file(tmp_path, shapes)), WIDTH, HEIGHT)


def test_what_is_no_labelme_data_is_refused(tmp_path: Path) -> None:
    (tmp_path / "coco.json").write_text('{"images": []}')
    with pytest.raises(InvalidDataset, match="no LabelMe file"):
        read_labelme(tmp_path / "coco.json")
    with pytest.raises(InvalidDataset, match="holds no LabelMe file"):
        read_labelme(tmp_path)
    with pytest.raises(InvalidDataset, match="There is no file or folder"):
        read_labelme(tmp_path / "nowhere")


def test_the_real_sample_is_read(project: Project, data_root: Path) -> None:
    """Its files name their images by paths that lead out of their folder."""
    folder = data_root / "formats" / "same-five-images"
    dataset = read_labelme(folder / "labelme")
    report = import_dataset(project, dataset, folder / "images")
    assert (report.images, report.instances, report.left_out) == (5, 18, ())
    assert [note.rpartition(": ")[2] for note in report.notes[:1]] == [
        "4 (000000013923.json; 000000076261.json; 000000083540.json; ...)."
    ]
