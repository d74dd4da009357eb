"""Pascal VOC: objects by index, categories by colour, void left out, and what VOC cannot hold counted."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as PillowImage

from engine.errors import InvalidDataset, MaskwrightError
from engine.formats.exporting import Split
from engine.formats.importing import import_dataset
from engine.formats.voc import read_voc
from engine.geometry.mask import Mask
from engine.project import category_color
from engine.project.project import Project

WIDTH, HEIGHT = 40, 30
COLORS = {1: (128, 0, 0), 2: (0, 128, 0), 12: (64, 0, 128), 15: (192, 128, 128), 255: (224, 224, 192)}
LABELMAP = "# label:color_rgb:parts:actions\nbackground:0,0,0::\ncell: 10, 20,30::\nx:y:1,2,3::\n"


def picture(path: Path, values: Any, mode: str = "P", colors: dict[int, tuple[int, int, int]] = COLORS) -> None:
    """A palette, grey or colour picture whose indices have VOC's colours."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = PillowImage.fromarray(np.asarray(values, dtype=np.uint8))
    if mode != "L":
        palette = np.zeros((256, 3), dtype=np.uint8)
        for index, color in colors.items():
            palette[index] = color
        image.putpalette(palette.tobytes())
    (image.convert("RGB") if mode == "RGB" else image).save(path)


def voc_folder(folder: Path, mode: str = "P") -> Path:
    """One image with a dog (object 1, with a void border) and a person (object 2, whose category is a majority)."""
    objects, classes = np.zeros((HEIGHT, WIDTH)), np.zeros((HEIGHT, WIDTH))
    objects[3:9, 2:12], classes[3:9, 2:12] = 1, 12
    objects[3, 2:12] = classes[3, 2:12] = 255
    objects[10:20, 20:40], classes[10:20, 20:40] = 2, 15
    classes[10:14, 20:30] = 12
    picture(folder / "SegmentationObject" / "a.png", objects, mode)
    picture(folder / "SegmentationClass" / "a.png", classes, mode)
    (folder / "JPEGImages").mkdir(exist_ok=True)
    PillowImage.new("RGB", (WIDTH, HEIGHT)).save(folder / "JPEGImages" / "a.jpg")
    return folder


def xml(folder: Path, text: str) -> Path:
    (folder / "Annotations").mkdir(exist_ok=True)
    (folder / "Annotations" / "a.xml").write_text(text, encoding="utf-8")
    return folder


def objects_of(*names: str) -> str:
    return f"<annotation>{''.join(f'<object><name>{name}</name></object>' for name in names)}</annotation>"


EXPECTED = [("dog", Mask.from_crop(np.ones((5, 10)), 2, 4)), ("person", Mask.from_crop(np.ones((10, 20)), 20, 10))]


@pytest.mark.parametrize("mode", ["P", "L", "RGB"])
def test_objects_and_their_categories_are_read_and_void_is_noted(
    project: Project, tmp_path: Path, drawn: Any, mode: str
) -> None:
    folder = voc_folder(tmp_path / "data", mode)
    for named in (folder, folder / "SegmentationObject", folder / "JPEGImages"):
        dataset = read_voc(named)
        assert drawn(dataset, WIDTH, HEIGHT) == EXPECTED
        assert dataset.notes == ("Void pixels (index 255), which are of no object: 10 (SegmentationObject/a.png).",)
    report = import_dataset(project, dataset, folder / "JPEGImages", accept_images=True)
    assert (report.images, report.instances) == (1, 2)
    assert [(category.name, category.color) for category in project.categories()] == [
        ("dog", category_color(1)),  # and not VOC's colours, which nobody chose: its first is red
        ("person", category_color(2)),
    ]


def test_a_labelmap_names_the_colours(tmp_path: Path, drawn: Any) -> None:
    """As CVAT and Datumaro write it."""
    folder = voc_folder(tmp_path / "data")
    picture(folder / "SegmentationClass" / "a.png", np.full((HEIGHT, WIDTH), 1), "RGB", {1: (10, 20, 30)})
    (folder / "labelmap.txt").write_text(LABELMAP)
    dataset = read_voc(folder)
    assert [name for name, _ in drawn(dataset, WIDTH, HEIGHT)] == ["cell", "cell"]
    assert [category.name for category in dataset.categories] == ["cell", "x:y"]
    picture(folder / "SegmentationClass" / "a.png", np.full((HEIGHT, WIDTH), 2), "L")
    assert [name for name, _ in drawn(read_voc(folder), WIDTH, HEIGHT)] == ["x:y", "x:y"]


def test_the_xml_file_names_objects_without_a_class_picture(tmp_path: Path, drawn: Any) -> None:
    folder = xml(voc_folder(tmp_path / "data"), objects_of("cat", "my &amp; thing"))
    noted = "Objects whose XML names another category than SegmentationClass, which was taken: 2"
    assert noted in read_voc(folder).notes[1]
    (folder / "SegmentationClass" / "a.png").unlink()
    assert [name for name, _ in drawn(read_voc(folder), WIDTH, HEIGHT)] == ["cat", "my & thing"]
    xml(folder, objects_of("cat"))
    dataset = read_voc(folder)
    assert [name for name, _ in drawn(dataset, WIDTH, HEIGHT)] == ["cat", "object"]
    assert [note.partition(":")[0] for note in dataset.notes[1:]] == [
        "Images whose XML names another number of objects than their picture has",
        "Objects without a category, which were called object",
    ]


def test_images_of_a_set_without_a_picture_are_named_and_never_opened(tmp_path: Path) -> None:
    folder = voc_folder(tmp_path / "data")
    (folder / "ImageSets" / "Segmentation").mkdir(parents=True)
    (folder / "ImageSets" / "Segmentation" / "train.txt").write_text("a\nb\n../../etc/passwd\n")
    (folder / "ImageSets" / "Segmentation" / "val.txt").write_text("b\n")
    dataset = read_voc(folder)
    assert [image.file_name for image in dataset.images] == ["JPEGImages/a"]
    assert dataset.notes[1] == (
        "Images in ImageSets without a picture in SegmentationObject, which were left out: 2 (b; ../../etc/passwd)."
    )


@pytest.mark.parametrize("seed", range(4))
def test_masks_that_do_not_overlap_come_back_identical(
    holding: Any, there_and_back: Any, contents: Any, random_masks: Callable[..., Any], seed: int
) -> None:
    masks = {}
    for number in range(6):
        free = Mask.from_full(np.ones((HEIGHT, WIDTH)))
        masks[f"{number}.png"] = []
        for category, mask in random_masks(10 * seed + number, WIDTH, HEIGHT):
            if not (rest := mask.intersect(free)).is_empty:
                masks[f"{number}.png"].append((category, rest))
                free = free.subtract(rest)
    project = holding({**masks, "empty.png": []}, (WIDTH, HEIGHT))
    again, report, dataset = there_and_back(project, "voc", split=Split((("train", 0.5), ("val", 0.5))))
    assert contents(again) == contents(project)
    assert report.losses == dataset.notes == ()
    assert report.annotations == sum(map(len, masks.values()))


def test_vocs_own_categories_keep_their_colours_and_the_layout_is_vocs(
    holding: Any, there_and_back: Any, contents: Any, tmp_path: Path
) -> None:
    one, two = Mask.from_crop(np.ones((6, 10)), 2, 3), Mask.from_crop(np.ones((6, 10)), 20, 3)
    project = holding({"a.jpg": [("person", one), ("dog", two)]}, (WIDTH, HEIGHT))
    again, _, dataset = there_and_back(project, "voc")
    assert contents(again) == contents(project)
    out = tmp_path / "exported0"
    with PillowImage.open(out / "SegmentationClass" / "a.png") as image:
        assert image.mode == "P"
        assert np.unique(np.asarray(image)).tolist() == [0, 12, 15]
        assert np.unique(np.asarray(image.convert("RGB")).reshape(-1, 3), axis=0).tolist() == [
            [0, 0, 0],
            [64, 0, 128],
            [192, 128, 128],
        ]
    assert (out / "JPEGImages" / "a.jpg").is_file()
    assert (out / "ImageSets" / "Segmentation" / "default.txt").read_text() == "a\n"
    text = (out / "Annotations" / "a.xml").read_text()
    assert [text.count(f"<{tag}>") for tag in ("object", "bndbox")] == [2, 2]
    assert "<xmin>3</xmin>" in text and "<xmax>12</xmax>" in text
    assert dataset.notes == ()


def test_overlaps_and_instances_beyond_the_254th_are_counted(holding: Any, there_and_back: Any, contents: Any) -> None:
    pixels = [("cell", Mask.from_crop(np.ones((1, 2)), number % 38, number // 38)) for number in range(300)]
    again, report, _ = there_and_back(holding({"a.png": pixels}, (WIDTH, HEIGHT)), "voc")
    assert report.annotations == len(contents(again)["a.png"]) == 254
    assert report.losses == (
        "Instances beyond the 254th of an image, which are lost: 46 (a.png).",
        "Pixels of several instances, which went to the last of them: 247 (a.png).",
    )


def test_more_categories_than_indices_are_refused(holding: Any, there_and_back: Any) -> None:
    mask = Mask.from_crop(np.ones((1, 1)), 0, 0)
    project = holding({"a.png": [(f"kind {number}", mask) for number in range(255)]}, (WIDTH, HEIGHT))
    with pytest.raises(MaskwrightError, match="VOC can tell 254 categories apart, not 255"):
        there_and_back(project, "voc")


def test_a_picture_of_another_size_is_named(project: Project, tmp_path: Path) -> None:
    folder = voc_folder(tmp_path / "data")
    PillowImage.new("RGB", (HEIGHT, WIDTH)).save(folder / "JPEGImages" / "a.jpg")
    with pytest.raises(InvalidDataset, match=r"a\.png, object 1, it has 40 x 30 pixels, its image 30 x 40"):
        import_dataset(project, read_voc(folder), folder)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<annotation>", r"Annotations/a\.xml is not valid XML"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', r"Annotations/a\.xml declares a document type"),
        ('<?xml version="1.0"?><!doctype a SYSTEM "file:///etc/passwd"><a/>', "declares a document type"),
    ],
)
def test_an_xml_file_that_is_wrong_or_dangerous_is_named(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(InvalidDataset, match=words):
        read_voc(xml(voc_folder(tmp_path / "data"), text))


def test_xml_in_an_encoding_that_could_hide_a_declaration_is_refused(tmp_path: Path) -> None:
    folder = xml(voc_folder(tmp_path / "data"), "")
    (folder / "Annotations" / "a.xml").write_bytes('<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'.encode("utf-16"))
    with pytest.raises(InvalidDataset, match="is not a text file in UTF-8"):
        read_voc(folder)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("cell", r"labelmap\.txt, line 1: NAME:RED,GREEN,BLUE:PARTS:ACTIONS is expected"),
        ("cell:1,2,300::", "line 1: NAME:RED"),
        ("a:1,2,3::\nb:1,2,3::", "line 2: 'a' has that colour already"),
        ("cell:1,2,3::", r"object 1: SegmentationClass has the colour 64, 0, 128 there, which no category has"),
        ("\n".join(f"{index}:{index % 256},{index // 256},9::" for index in range(257)), "more than 256 categories"),
    ],
)
def test_what_is_wrong_with_the_labelmap_is_named(tmp_path: Path, text: str, words: str) -> None:
    folder = voc_folder(tmp_path / "data")
    (folder / "labelmap.txt").write_text(text)
    with pytest.raises(InvalidDataset, match=words):
        read_voc(folder)


def test_pictures_that_do_not_fit_and_folders_that_are_no_voc_are_refused(tmp_path: Path) -> None:
    folder = voc_folder(tmp_path / "data")
    picture(folder / "SegmentationClass" / "a.png", np.zeros((3, 3)))
    with pytest.raises(InvalidDataset, match=r"SegmentationClass/a\.png is not of the same size"):
        read_voc(folder)
    (folder / "SegmentationObject" / "a.png").write_bytes(b"x")
    with pytest.raises(InvalidDataset, match=r"SegmentationObject/a\.png is no PNG or TIFF image"):
        read_voc(folder)
    (folder / "SegmentationObject" / "a.png").unlink()
    (folder / "SegmentationObject" / "a.png").symlink_to("/etc/passwd")
    with pytest.raises(InvalidDataset, match=r"a\.png is a link that leads out"):
        read_voc(folder)
    with pytest.raises(InvalidDataset, match="holds no folder SegmentationObject"):
        read_voc(tmp_path)


def test_the_real_sample_is_read(project: Project, data_root: Path) -> None:
    """A colour picture whose class is VOC's bicycle; its XML says otherwise, which is noted."""
    dataset = read_voc(data_root / "formats" / "voc" / "voc_dataset1")
    report = import_dataset(project, dataset, dataset.images_folder)
    assert (report.images, report.instances) == (1, 1)
    assert [category.name for category in project.categories()] == ["bicycle"]
    assert len(report.notes) == 3
