"""Formats with one file an image: names that must differ, and pages that have none."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from engine.errors import MaskwrightError
from engine.formats.exporting import Selection, Split, one_file_an_image, parts_of
from engine.geometry.mask import Mask

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


@pytest.mark.parametrize("name", ["", "..", "a/b", "a\\b", "/etc", "C:", ".x"])
def test_a_part_whose_name_is_no_folder_is_refused(holding: Any, name: str) -> None:
    project = holding({"a.png": []}, (9, 9))
    with pytest.raises(MaskwrightError, match="cannot be the name of a folder"):
        parts_of(project, Selection(), Split(((name, 1.0),)))
