"""Drawn images: the same for the same seed, with a truth that is exact and like real nuclei."""

import json
from pathlib import Path

import numpy as np
import pytest
from pycocotools.coco import COCO

from engine import synthetic
from engine.errors import MaskwrightError
from engine.files import sha256_of

SAMPLE = Path(__file__).parents[2] / "resources" / "sample"


@pytest.mark.parametrize("look", synthetic.looks())
def test_a_seed_decides_everything(look: str) -> None:
    first, again, other = (synthetic.draw(seed, look, 200, 150) for seed in (5, 5, 6))
    assert np.array_equal(first.rgb, again.rgb)
    assert first.masks == again.masks
    assert not np.array_equal(first.rgb, other.rgb)


@pytest.mark.parametrize("look", synthetic.looks())
@pytest.mark.parametrize("seed", range(4))
def test_the_masks_lie_inside_the_image_without_overlap(look: str, seed: int) -> None:
    drawn = synthetic.draw(seed, look, 260, 256)
    assert drawn.rgb.shape == (256, 260, 3)
    assert len(drawn.masks) >= 5
    covered = sum(mask.to_full(256, 260).astype(int) for mask in drawn.masks)
    assert np.max(covered) == 1
    assert np.sum(covered) == sum(mask.area for mask in drawn.masks)


@pytest.mark.parametrize("look", synthetic.looks())
def test_nuclei_are_of_the_size_that_the_bundled_model_knows(look: str) -> None:
    areas = [mask.area for seed in range(4) for mask in synthetic.draw(seed, look, 256, 256).masks]
    assert 12 <= np.median(2 * np.sqrt(np.array(areas) / np.pi)) <= 42


@pytest.mark.parametrize("look", synthetic.looks())
def test_nuclei_stand_out_from_the_ground_where_the_truth_says(look: str) -> None:
    drawn = synthetic.draw(1, look, 256, 256)
    inside = np.any([mask.to_full(256, 256) for mask in drawn.masks], axis=0)
    grey = drawn.rgb.mean(axis=2)
    contrast = abs(grey[inside].mean() - grey[~inside].mean())
    assert contrast > 2 * grey[~inside].std()


def test_some_nuclei_touch() -> None:
    drawn = synthetic.draw(11, "fluorescence", 360, 360)
    grown = [mask.crop(-1, -1, 361, 361) for mask in drawn.masks]
    grown = [m | np.roll(m, 1, 0) | np.roll(m, -1, 0) | np.roll(m, 1, 1) | np.roll(m, -1, 1) for m in grown]
    assert np.max(np.sum(grown, axis=0)) >= 2


def test_an_unknown_look_and_a_tiny_image_are_refused() -> None:
    with pytest.raises(MaskwrightError, match="no look"):
        synthetic.draw(1, "x-ray", 100, 100)
    with pytest.raises(MaskwrightError, match="too few"):
        synthetic.draw(1, "stained", 10, 100)


def test_a_written_dataset_holds_what_was_drawn(tmp_path: Path) -> None:
    path = synthetic.write_dataset(tmp_path, count=4, seed=50, size=(120, 100))
    coco = COCO(str(path))
    assert len(coco.imgs) == 4
    assert len({image["look"] for image in coco.imgs.values()}) == len(synthetic.looks())
    for offset, image in enumerate(coco.imgs.values()):
        drawn = synthetic.draw(50 + offset, image["look"], 120, 100)
        annotations = coco.loadAnns(coco.getAnnIds(image["id"]))
        assert [coco.annToMask(each).sum() for each in annotations] == [mask.area for mask in drawn.masks]


def test_the_shipped_sample_is_what_the_command_writes(tmp_path: Path) -> None:
    """The truth exactly; of the pixels the size, because image libraries round differently on other processors."""
    written = synthetic.write_sample(tmp_path)
    shipped = SAMPLE / synthetic.ANNOTATION_FILE
    assert json.loads(written.read_text()) == json.loads(shipped.read_text())
    names = {path.name for path in (tmp_path / "images").iterdir()}
    assert names == {path.name for path in (SAMPLE / "images").iterdir()}


def test_the_shipped_sample_is_small_and_its_images_differ() -> None:
    files = [path for path in SAMPLE.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 1_500_000
    assert len({sha256_of(path) for path in files}) == len(files)
