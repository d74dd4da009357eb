"""Cutting out equals OpenCV's GrabCut where it may, nearly so on large crops, and finds real nuclei from boxes."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from engine.errors import MaskwrightError
from engine.geometry import cut_out as module
from engine.geometry.cut_out import MOST_PIXELS, PROBABLY, SURELY, SURELY_NOT, box_labels, cut_out, mask_labels
from engine.geometry.mask import Bitmap
from engine.geometry.rle import from_coco
from engine.images import read_rgb


def disc(side: int, radius: float) -> tuple[NDArray[np.uint8], Bitmap]:
    """A textured disc on a textured ground, (side, side, 3), and which pixels it is."""
    random = np.random.default_rng(side)
    rows, columns = np.indices((side, side))
    inside = np.hypot(columns - 0.52 * side, rows - 0.47 * side) <= radius
    values = np.where(inside[..., None], (150, 110, 60), (90, 100, 110)) + random.integers(-25, 26, (side, side, 3))
    return values.astype(np.uint8), inside


def iou(one: Bitmap, other: Bitmap) -> float:
    return float((one & other).sum() / (one | other).sum())


def test_a_box_gives_what_opencvs_call_with_a_rectangle_gives() -> None:
    rgb, inside = disc(150, 40)
    box = (30, 25, 130, 120)
    found = cut_out(rgb, box_labels(150, 150, box))
    labels = np.zeros((150, 150), dtype=np.uint8)
    rect = (box[0], box[1], box[2] - box[0], box[3] - box[1])
    cv2.setRNGSeed(0)
    cv2.grabCut(rgb, labels, rect, np.zeros((1, 65)), np.zeros((1, 65)), 5, cv2.GC_INIT_WITH_RECT)
    np.testing.assert_array_equal(found, labels % 2 == 1)
    assert iou(found, inside) > 0.9


def test_labels_that_are_sure_stay_and_give_what_opencvs_call_with_a_mask_gives() -> None:
    rgb, inside = disc(120, 30)
    wrong = np.roll(inside, 12, axis=1)
    labels = mask_labels(wrong)
    labels[50:60, 10:30] = SURELY
    labels[50:60, 60:64] = SURELY_NOT
    found = cut_out(rgb, labels)
    expected = labels.copy()
    cv2.setRNGSeed(0)
    cv2.grabCut(rgb, expected, (0, 0, 0, 0), np.zeros((1, 65)), np.zeros((1, 65)), 5, cv2.GC_INIT_WITH_MASK)
    np.testing.assert_array_equal(found, expected % 2 == 1)
    assert found[50:60, 10:30].all() and not found[50:60, 60:64].any()


def test_it_is_always_the_same_and_leaves_its_arguments_alone() -> None:
    rgb, _ = disc(100, 30)
    labels = box_labels(100, 100, (10, 10, 90, 90), solid=True)
    before = labels.copy()
    first = cut_out(rgb, labels)
    cv2.setRNGSeed(99)
    np.testing.assert_array_equal(cut_out(rgb, labels), first)
    np.testing.assert_array_equal(labels, before)


def test_a_large_crop_is_cut_out_at_two_sizes_and_as_exactly(monkeypatch: pytest.MonkeyPatch) -> None:
    rgb, inside = disc(700, 220)
    labels = box_labels(700, 700, (110, 80, 620, 600), solid=True)
    labels[100:104, 300:303] = SURELY  # a stroke that a smaller size could lose
    shares: list[float | None] = []
    assert MOST_PIXELS < 700 * 700
    found = cut_out(rgb, labels, shares.append)
    assert shares == sorted(shares, key=lambda share: share or 0) and (shares[-1] or 0) < 1
    assert iou(found, inside) > 0.98
    assert found[100:104, 300:303].all()
    assert not found[labels == SURELY_NOT].any()
    monkeypatch.setattr(module, "MOST_PIXELS", 700 * 700)
    assert iou(found, cut_out(rgb, labels)) > 0.98


def test_the_middle_of_a_solid_object_is_an_ellipse_in_the_box() -> None:
    labels = box_labels(60, 80, (10, 20, 50, 40), solid=True)
    rows, columns = np.indices((60, 80)) + 0.5
    core = ((columns - 30) / 40) ** 2 + ((rows - 30) / 20) ** 2 <= 0.04
    np.testing.assert_array_equal(labels == SURELY, core)
    plain = box_labels(60, 80, (10, 20, 50, 40))
    np.testing.assert_array_equal(np.where(core, SURELY, plain), labels)
    assert (plain == PROBABLY).sum() == 800


@pytest.mark.parametrize(("box", "words"), [((5, 5, 5, 5), "Nothing here"), ((0, 0, 30, 30), "nothing around")])
def test_a_box_of_nothing_or_of_everything_is_refused_in_words(box: tuple[int, int, int, int], words: str) -> None:
    rgb, _ = disc(30, 8)
    with pytest.raises(MaskwrightError, match=words):
        cut_out(rgb, box_labels(30, 30, box))


def test_real_nuclei_come_out_of_their_boxes(data_root: Path) -> None:
    folder = data_root / "nuclei"
    document = json.loads((folder / "annotations" / "instances_val.json").read_text())
    found = []
    for image in document["images"][:40:2]:
        rgb = read_rgb(folder / "images" / image["file_name"])
        own = [each for each in document["annotations"] if each["image_id"] == image["id"] and each["area"] >= 150]
        for annotation in sorted(own, key=lambda each: -each["area"])[:2]:
            mask = from_coco(annotation["segmentation"])
            x1, y1, x2, y2 = (int(edge) for edge in np.add(mask.bounds, (-2, -2, 2, 2)))
            margin = max(x2 - x1, y2 - y1) // 4
            left, top = max(x1 - margin, 0), max(y1 - margin, 0)
            crop = rgb[top : y2 + margin, left : x2 + margin]
            height, width = crop.shape[:2]
            box = max(x1 - left, 0), max(y1 - top, 0), min(x2 - left, width), min(y2 - top, height)
            truth = mask.crop(left, top, left + width, top + height)
            found.append(iou(cut_out(crop, box_labels(height, width, box, solid=True)), truth))
    assert len(found) > 20
    assert np.median(found) > 0.88
    assert np.mean(np.array(found) > 0.5) > 0.9
