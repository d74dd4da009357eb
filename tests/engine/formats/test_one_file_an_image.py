"""Formats with one file an image: names that must differ, pages that have none, parts that are folders."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.errors import MaskwrightError
from engine.formats.exporting import Selection, Split, one_file_an_image, parts_of
from engine.formats.importing import import_dataset
from engine.formats.registry import FORMATS, export_to_folder
from engine.geometry.mask import Mask
from engine.project.project import Project

MASK = Mask.from_crop(np.ones((2, 2)), 1, 1)


def test_later_pages_have_no_file_of_their_own_and_are_said(holding: Any) -> None:
    (part,) = parts_of(holding({"a.png": [("a", MASK)], "b.png": []}, (9, 9)), Selection())
    first, second = part.images
    page = replace(second, image=replace(second.image, page=1), file_name=first.file_name)
    (changed,), losses = one_file_an_image([replace(part, images=(first, page))])
    assert changed.images == (first,)
    assert losses == ("Later pages of a file, which have no name in this format and were left out: 1 (a.png).",)


def test_names_that_differ_in_the_suffix_or_in_capitals_only_become_distinct_whatever_they_are(holding: Any) -> None:
    (part,) = parts_of(holding({"a.png": []}, (9, 9)), Selection())
    (one,) = part.images
    names = ["a.png", "a.jpg", "A.JPG", "a_jpg.bmp", "sub/a.png", "a.b.png", "a.c.png"]
    images = tuple(replace(one, image=replace(one.image, id=n), file_name=name) for n, name in enumerate(names))
    (changed,), losses = one_file_an_image([replace(part, images=images)])
    stems = [image.file_name.rpartition(".")[0].casefold() for image in changed.images]
    assert len(set(stems)) == len(names)
    assert [image.file_name.rpartition(".")[2] for image in changed.images] == [n.rpartition(".")[2] for n in names]
    assert losses == (
        "Images renamed because another has their name but for the suffix: 3 (a_jpg.jpg; A_2.JPG; a_jpg_bmp.bmp).",
    )


@pytest.mark.parametrize("name", ["labelme", "yolo", "voc", "label-map"])
@pytest.mark.parametrize("split", [None, Split((("train", 0.5), ("val", 0.5)))], ids=["whole", "split"])
def test_no_name_of_an_image_leads_a_reader_astray(
    holding: Any, there_and_back: Any, contents: Any, name: str, split: Split | None
) -> None:
    """Folders called as the formats call theirs, and characters that mean something elsewhere."""
    names = [
        "images/a.png",
        "images/images/b.png",
        "masks/c.png",
        "labels/d.png",
        "masks/images/e.png",
        "images/masks/f.png",
    ]
    names += ["train.png", "x/readme é #1.png", "classes.txt.png", "g_masks.png", "JPEGImages/h.i.png", "images.png"]
    masks = {each: [("a", Mask.from_crop(np.ones((1, 1 + n)), n % 5, 3))] for n, each in enumerate(names)}
    project = holding(masks, (30, 9))
    again, report, _ = there_and_back(project, name, split=split)
    assert contents(again) == contents(project)
    assert report.annotations == len(names)


@pytest.mark.parametrize("name", ["labelme", "yolo", "voc", "label-map"])
def test_categories_keep_their_names_whatever_these_are(
    holding: Any, there_and_back: Any, contents: Any, name: str
) -> None:
    """VOC's labelmap.txt has one a line: what breaks lines becomes a space there."""
    categories = [
        "a: b # c",
        "'x'",
        '"',
        "\\",
        "1",
        "null",
        "x:1,2,3::",
        "# y",
        "é ß 細胞",
        "[z]",
        "&<>",
        "two\nlines",
        "\u2028q",
    ]
    project = holding(
        {"a.png": [(each, Mask.from_crop(np.ones((1, 1)), n, 0)) for n, each in enumerate(categories)]}, (30, 9)
    )
    again, _, _ = there_and_back(project, name)
    expected = [
        each.replace("\n", " ").replace("\u2028", " ").strip() if name == "voc" else each for each in categories
    ]
    found = {mask.x: category for category, mask in contents(again)["a.png"]}
    assert [found[n].strip() for n in range(len(categories))] == [each.strip() for each in expected]


@pytest.mark.parametrize("name", ["labelme", "yolo", "voc", "label-map"])
def test_a_part_without_images_and_images_without_files_are_read_again(
    holding: Any, contents: Any, tmp_path: Path, name: str
) -> None:
    """The image files stay where they are; the annotations are matched with the project's own images."""
    project = holding({"a.png": [("a", MASK)]}, (9, 9))
    split = Split((("train", 1.0), ("val", 1e-9)))
    export_to_folder(project, FORMATS[name], tmp_path / "out", split=split)
    dataset = FORMATS[name].read(tmp_path / "out")
    with Project.create(tmp_path / "again.maskwright") as again:
        again.add_images([project.image_path(image) for image in project.images()])
        assert import_dataset(again, dataset, None).instances == 1
        assert contents(again) == contents(project)


@pytest.mark.parametrize("name", ["", "..", "a/b", "a\\b", "/etc", "C:", ".x"])
def test_a_part_whose_name_is_no_folder_is_refused(holding: Any, name: str) -> None:
    project = holding({"a.png": []}, (9, 9))
    with pytest.raises(MaskwrightError, match="cannot be the name of a folder"):
        parts_of(project, Selection(), Split(((name, 1.0),)))
