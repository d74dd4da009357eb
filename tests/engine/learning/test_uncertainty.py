"""How unsure a model is: identities first, then a real model on real images."""

from pathlib import Path

import numpy as np
import pytest

from engine.geometry.mask import Mask
from engine.images import read_rgb
from engine.inference import Predictor
from engine.learning.dataset import from_coco
from engine.learning.scoring import image_vector, score_image
from engine.learning.uncertainty import (
    confident,
    differences,
    mask_instability,
    mirrored,
    outside,
    score_doubt,
    stability,
)
from engine.project.scores import NOTHING, Part
from engine.records import Detection
from engine.resources import BUNDLED_WEIGHTS

NUCLEI = ("00071198d059ba7f", "003cee89357d9fe1")


def disc(x: int, y: int, radius: int = 6) -> Mask:
    rows, columns = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    return Mask.from_crop(rows**2 + columns**2 <= radius**2, x - radius, y - radius)


def seen(mask: Mask, score: float = 0.9, category: str = "cell") -> Detection:
    return Detection(0, category, score, tuple(map(float, mask.bounds)), mask)


def test_a_step_is_perfectly_stable_and_a_slope_is_not() -> None:
    step = np.zeros((1, 28, 28), np.float32)
    step[:, :, 10:] = 1
    slope = np.broadcast_to(np.linspace(0, 1, 28, dtype=np.float32), (1, 28, 28))
    assert stability(step).tolist() == [1.0]
    assert mask_instability(step) == NOTHING
    assert stability(slope)[0] == pytest.approx(0.27 / 0.73, abs=0.05)
    assert mask_instability(slope).places == 1


def test_nothing_found_is_nothing_to_doubt() -> None:
    assert mask_instability(np.zeros((0, 0, 0), np.float32)) == NOTHING
    assert stability(np.zeros((2, 28, 28), np.float32)).tolist() == [1.0, 1.0]
    assert score_doubt([], 0.5) == NOTHING
    assert differences([], []) == NOTHING


@pytest.mark.parametrize("threshold", [0.2, 0.5, 0.9])
def test_doubt_is_greatest_at_the_threshold_and_none_at_the_ends(threshold: float) -> None:
    assert score_doubt([threshold], threshold) == Part(1.0, 1)
    assert score_doubt([0.0, 1.0], threshold) == NOTHING
    near, far = score_doubt([threshold + 0.01], threshold), score_doubt([threshold + 0.05], threshold)
    assert near.amount > far.amount


def test_a_mirror_image_is_its_own_mirror_images_mirror_image() -> None:
    detection = seen(Mask.from_crop(np.array([[1, 1, 1], [1, 0, 0]]), 5, 7))
    turned = mirrored(detection, 40)
    assert turned.mask == Mask.from_full(detection.mask.to_full(20, 40)[:, ::-1])
    assert turned.box == (32.0, 7.0, 35.0, 9.0)
    assert mirrored(turned, 40) == detection


def test_an_image_that_is_its_own_mirror_image_differs_nowhere_from_it() -> None:
    left, middle = seen(disc(20, 20)), seen(Mask.from_crop(np.ones((6, 8)), 36, 40), 0.7)
    symmetric, lopsided = [left, mirrored(left, 80), middle], [left, middle]
    for found, same in ((symmetric, True), (lopsided, False)):
        turned = [mirrored(each, 80) for each in found]
        assert (differences(confident(found, 0.5), confident(turned, 0.5)) == NOTHING) is same


def test_differences_count_what_only_one_sees_and_how_far_outlines_are_apart() -> None:
    a, b, c = ("cell", disc(20, 20)), ("cell", disc(60, 20)), ("cell", disc(100, 20))
    assert differences([a, b], [b, a]) == NOTHING
    assert differences([a, b], [a]) == differences([a], [a, b]) == Part(1.0, 1)
    assert differences([a], [b, c]) == Part(3.0, 3)
    assert differences([a], [("debris", a[1])]) == Part(1.0, 1)
    moved = ("cell", a[1].moved(5, 0))
    iou = a[1].iou(moved[1])
    assert differences([a], [moved]) == Part(pytest.approx(1 - iou), 1)


def test_one_object_is_no_two_others() -> None:
    whole = Mask.from_crop(np.ones((10, 20)), 0, 0)
    halves = [Mask.from_crop(np.ones((10, 10)), x, 0) for x in (0, 10)]
    assert differences([("cell", whole)], [("cell", half) for half in halves]).amount == pytest.approx(1.5)


def test_what_lies_in_a_crowd_is_no_difference() -> None:
    crowd = Mask.from_crop(np.ones((40, 40)), 0, 0)
    found = [("cell", disc(20, 20)), ("cell", disc(60, 20))]
    assert outside(found, [crowd]) == found[1:]


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return Predictor.from_checkpoint(BUNDLED_WEIGHTS)


def test_perturbed_annotations_differ_more_than_true_ones(predictor: Predictor, data_root: Path) -> None:
    folder = data_root / "nuclei"
    truth = from_coco(folder / "annotations" / "instances_val.json", folder / "images")
    for image in truth.images[:2]:
        pixels = read_rgb(image.path)
        good = list(zip(image.categories, image.masks, strict=True))
        bad = [(name, mask.moved(9, 0)) for name, mask in good[:6]] + good[9:]
        features = predictor.encode(pixels)
        right = score_image(predictor, pixels, good, features=features)
        wrong = score_image(predictor, pixels, bad, features=features)
        assert right.differences is not None and wrong.differences is not None
        assert wrong.differences.amount > right.differences.amount
        assert wrong.differences.places > right.differences.places
        assert (right.doubt, right.mirror, right.content) == (wrong.doubt, wrong.mirror, wrong.content)


def test_an_image_is_scored_from_its_pixels_alone(predictor: Predictor, data_root: Path) -> None:
    """Whatever the model sees, what it sees is a finite number for each part, and the same again."""
    paths = [data_root / "nuclei" / "images" / f"{name}.png" for name in NUCLEI]
    paths += sorted((data_root / "mushrooms" / "images").glob("*.jpg"))[:1]
    scores = [score_image(predictor, read_rgb(path)) for path in paths]
    assert all(np.isfinite(score.vector).all() for score in scores)
    assert all(score.differences is None for score in scores)
    assert len({score.content for score in scores}) == len(scores)
    again = score_image(predictor, read_rgb(paths[0]))
    assert (again.doubt, again.instability, again.mirror) == (
        scores[0].doubt,
        scores[0].instability,
        scores[0].mirror,
    )
    assert (again.vector == scores[0].vector).all()
    nuclei, mushroom = scores[:2], scores[2]
    assert mushroom.doubt.amount > max(score.doubt.amount for score in nuclei), "a model of nuclei is sure of those"


def test_an_empty_image_is_scored(predictor: Predictor) -> None:
    score = score_image(predictor, np.zeros((32, 32, 3), np.uint8))
    assert score.instability == NOTHING or score.instability.amount >= 0
    assert score.vector.shape == (2 * predictor.model.spec.fpn_channels,)


def test_padding_does_not_count(predictor: Predictor) -> None:
    """An image of one color looks the same to the model whatever its shape, but for its borders."""
    wide, square = (np.full((side, 512, 3), 120, np.uint8) for side in (300, 512))
    one, other = (image_vector(predictor.encode(pixels)).astype(np.float32) for pixels in (wide, square))
    channels = len(one) // 2
    assert np.corrcoef(one[:channels], other[:channels])[0, 1] > 0.9
