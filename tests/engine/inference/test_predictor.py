"""What the predictor says is in the user's frame, repeats itself, and copes with images of any shape."""

import json
from pathlib import Path

import numpy as np
import pytest

from engine.geometry import rle
from engine.geometry.boxes import mask_iou_matrix
from engine.geometry.mask import Mask
from engine.images import read_rgb
from engine.inference import Predictor
from engine.inference.predictor import Features
from engine.nn.detector import Cancelled
from engine.records import Detection
from engine.resources import BUNDLED_WEIGHTS

NAME = "a101a00fea63f0c4.png"  # 256 x 256, 18 nuclei


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return Predictor.from_checkpoint(BUNDLED_WEIGHTS)


@pytest.fixture(scope="module")
def pixels(data_root: Path) -> np.ndarray:
    return read_rgb(data_root / "nuclei" / "images" / NAME)


@pytest.fixture(scope="module")
def features(predictor: Predictor, pixels: np.ndarray) -> Features:
    return predictor.encode(pixels)


@pytest.fixture(scope="module")
def truth(data_root: Path) -> list[Mask]:
    whole = json.loads((data_root / "nuclei" / "annotations" / "instances_val.json").read_text())
    image = next(each["id"] for each in whole["images"] if each["file_name"] == NAME)
    return [rle.from_coco(each["segmentation"]) for each in whole["annotations"] if each["image_id"] == image]


def test_nuclei_are_found_where_they_are(predictor: Predictor, features: Features, truth: list[Mask]) -> None:
    found = predictor.detect(features, score_floor=0.5)
    assert abs(len(found) - len(truth)) <= 4
    overlap = mask_iou_matrix([one.mask for one in found], truth)
    assert (overlap.max(axis=0) > 0.5).mean() > 0.65
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    assert features.tile[:2] == (0, 0)
    for one in found:
        x1, y1, x2, y2 = one.box
        assert 0 <= x1 < x2 <= features.tile[2]
        assert 0 <= y1 < y2 <= features.tile[3]
        left, top, right, bottom = one.mask.bounds
        # A pixel belongs to a mask by its centre, so the mask reaches at most a pixel beyond its box.
        assert left >= x1 - 1 and top >= y1 - 1 and right <= x2 + 1 and bottom <= y2 + 1


def test_a_given_box_gets_the_mask_of_what_is_inside(
    predictor: Predictor, features: Features, truth: list[Mask]
) -> None:
    boxes = [tuple(map(float, mask.bounds)) for mask in truth]
    found = predictor.masks_for_boxes(features, boxes)  # type: ignore[arg-type]
    assert len(found) == len(boxes)
    ious = [one.mask.iou(mask) for one, mask in zip(found, truth, strict=True)]
    assert np.mean(ious) > 0.7
    assert predictor.masks_for_boxes(features, []) == []


def jittered(masks: list[Mask], share: float = 0.1) -> list[tuple[float, float, float, float]]:
    """Boxes around masks whose corners are off by up to that share of the sides."""
    random, boxes = np.random.default_rng(0), []
    for mask in masks:
        x1, y1, x2, y2 = mask.bounds
        off = random.uniform(-share, share, 4) * ((x2 - x1, y2 - y1) * 2)
        boxes.append((x1 + off[0], y1 + off[1], x2 + off[2], y2 + off[3]))
    return boxes


def test_a_box_that_is_a_little_off_is_moved_to_the_object(
    predictor: Predictor, features: Features, truth: list[Mask]
) -> None:
    large = [mask for mask in truth if mask.area > 100]
    boxes = jittered(large, 0.15)
    refined, kept = (predictor.masks_for_boxes(features, boxes, refine=refine) for refine in (True, False))
    for found, box in zip(kept, boxes, strict=True):
        assert found.box == pytest.approx([*np.maximum(box[:2], 0), *np.minimum(box[2:], 256)], abs=0.01)

    def off_by(found: list[Detection]) -> float:
        edges = [np.subtract(one.box, mask.bounds) for one, mask in zip(found, large, strict=True)]
        return float(np.abs(edges).mean())

    assert off_by(refined) < 0.9 * off_by(kept)


def test_labels_choose_whose_mask_and_score_it_is(predictor: Predictor, features: Features, truth: list[Mask]) -> None:
    boxes = jittered(truth)
    assert predictor.masks_for_boxes(features, boxes, labels=[0] * len(boxes)) == predictor.masks_for_boxes(
        features, boxes, labels=[None] * len(boxes)
    )


def test_what_is_alike_is_described_alike(predictor: Predictor, features: Features, truth: list[Mask]) -> None:
    boxes = [*jittered(truth, 0.02), *jittered(truth, 0.02), (0.0, 0.0, 256.0, 256.0)]
    seen = predictor.describe(features, boxes)
    assert np.allclose(np.linalg.norm(seen, axis=1), 1, atol=1e-5)
    same = (seen[: len(truth)] * seen[len(truth) : -1]).sum(axis=1)
    assert (same > 0.999).all()
    assert (seen[: len(truth)] @ seen[-1]).max() < same.min()


def test_a_tile_answers_in_the_image_s_frame(predictor: Predictor, pixels: np.ndarray) -> None:
    large = np.zeros((700, 900, 3), dtype=np.uint8)
    large[300:556, 400:656] = pixels
    tile = (400, 300, 656, 556)
    features = predictor.encode(large, tile=tile)
    alone = predictor.encode(pixels)
    assert features.tile == tile
    best = predictor.detect(alone)[0]
    box = best.box
    (found,) = predictor.masks_for_boxes(features, [(box[0] + 400, box[1] + 300, box[2] + 400, box[3] + 300)])
    (wanted,) = predictor.masks_for_boxes(alone, [box])
    assert np.allclose(np.subtract(found.box, wanted.box), (400, 300, 400, 300), atol=3)
    assert found.mask.iou(wanted.mask.moved(400, 300)) > 0.8
    assert all(
        400 <= one.box[0] < one.box[2] <= 656 and 300 <= one.box[1] < one.box[3] <= 556
        for one in predictor.detect(features)
    )


def test_detecting_can_be_cancelled_between_its_steps(predictor: Predictor, features: Features) -> None:
    for steps in (0, 1):
        asked = iter([False] * steps)
        with pytest.raises(Cancelled):
            predictor.detect(features, cancelled=lambda: next(asked, True))  # noqa: B023 (called at once)


def test_the_same_image_gives_the_same_detections(predictor: Predictor, pixels: np.ndarray) -> None:
    first, second = (predictor.detect(predictor.encode(pixels)) for _ in range(2))
    assert first == second


def test_a_flipped_image_gives_flipped_detections(predictor: Predictor, pixels: np.ndarray) -> None:
    # Loosely: strided convolutions see a mirrored image half a cell apart.
    seen, mirrored = (
        np.any([one.mask.to_full(*pixels.shape[:2]) for one in predictor.detect(predictor.encode(each), 0.5)], axis=0)
        for each in (pixels, np.ascontiguousarray(pixels[:, ::-1]))
    )
    back = mirrored[:, ::-1]
    assert (seen & back).sum() / (seen | back).sum() > 0.85


@pytest.mark.parametrize("shape", [(1, 1), (1, 700), (700, 1), (3, 5), (40, 2000)])
def test_images_of_any_shape_are_looked_at(predictor: Predictor, shape: tuple[int, int]) -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    for one in predictor.detect(predictor.encode(rgb)):
        assert one.mask == one.mask.clip(shape[1], shape[0])


def test_encoding_stops_when_it_is_no_longer_wanted(predictor: Predictor, pixels: np.ndarray) -> None:
    asked = 0

    def cancelled() -> bool:
        nonlocal asked
        asked += 1
        return asked > 2

    with pytest.raises(Cancelled):
        predictor.encode(pixels, cancelled)
    assert asked == 3


def test_an_image_that_is_reduced_before_its_contrast_is_stretched_looks_nearly_the_same(
    predictor: Predictor, pixels: np.ndarray
) -> None:
    """Large images go this way, so that no stretched copy of them is made."""
    frugal = Predictor(predictor.model, predictor.card, large=1000)
    enlarged = np.repeat(np.repeat(pixels, 8, axis=0), 8, axis=1)
    usual, reduced = (
        np.any([one.mask.to_full(*enlarged.shape[:2]) for one in each.detect(each.encode(enlarged), 0.5)], axis=0)
        for each in (predictor, frugal)
    )
    assert (usual & reduced).sum() / (usual | reduced).sum() > 0.95
