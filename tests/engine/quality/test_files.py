"""Promises of the checks of image files: what is missing, changed or shows nearly the same."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from engine.files import sha256_of
from engine.quality.checks import Limits
from engine.quality.files import Similarities, changed_file, difference_hash, missing_file
from engine.quality.findings import Finding
from engine.records import Image
from engine.synthetic import draw, looks

Make = Callable[..., Image]


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "picture.png"
    cv2.imwrite(str(path), np.random.default_rng(1).integers(0, 255, (40, 60, 3), dtype=np.uint8))
    return path


@pytest.fixture
def known(picture: Path, image: Make) -> Image:
    """The record of that picture."""
    return image(path=picture.name, width=60, height=40, content_hash=sha256_of(picture))


def test_a_file_that_is_not_there_is_missing_and_not_changed_as_well(picture: Path, known: Image) -> None:
    assert not list(missing_file(known, picture))
    picture.unlink()
    assert len(list(missing_file(known, picture))) == 1
    assert not list(changed_file(known, picture))


def test_the_same_bytes_are_not_changed(picture: Path, known: Image) -> None:
    assert not list(changed_file(known, picture))


def test_another_content_is_changed_and_another_size_is_told(picture: Path, known: Image) -> None:
    cv2.imwrite(str(picture), np.zeros((40, 60, 3), dtype=np.uint8))
    (finding,) = changed_file(known, picture)
    assert "another content" in finding.message
    cv2.imwrite(str(picture), np.zeros((40, 50, 3), dtype=np.uint8))
    (finding,) = changed_file(known, picture)
    assert "50 x 40 pixels, annotated were 60 x 40" in finding.message


def test_a_damaged_file_is_told_in_words(picture: Path, known: Image) -> None:
    picture.write_bytes(picture.read_bytes()[:100])
    (finding,) = changed_file(known, picture)
    assert "damaged" in finding.message


def test_without_a_known_content_the_size_counts(picture: Path, known: Image) -> None:
    cv2.imwrite(str(picture), np.zeros((40, 60, 3), dtype=np.uint8))
    assert not list(changed_file(replace(known, content_hash=""), picture))
    assert list(changed_file(replace(known, content_hash="", width=61), picture))


@pytest.fixture
def similar(tmp_path: Path, image: Make) -> Callable[..., list[Finding]]:
    """similar(*pixels): the findings on images of those pixels, whose ids count from 0; the first is held out."""

    def run(*pictures: np.ndarray) -> list[Finding]:
        similarities = Similarities(Limits())
        for number, pixels in enumerate(pictures):
            path = tmp_path / f"{number}.png"
            cv2.imwrite(str(path), pixels)
            assert not list(similarities.add(image(id=number, path=path.name, hold_out=number == 0), path))
        return [finding for block in similarities.findings() for finding in block]

    return run


def test_copies_are_found_through_scaling_compression_and_brightness(similar: Callable[..., list[Finding]]) -> None:
    first, other = (draw(seed, looks()[0], 240, 180).rgb for seed in (1, 2))
    smaller = cv2.resize(first, (120, 90), interpolation=cv2.INTER_AREA)
    _, encoded = cv2.imencode(".jpg", first, [cv2.IMWRITE_JPEG_QUALITY, 60])
    brighter = np.clip(first.astype(int) + 10, 0, 255).astype(np.uint8)
    findings = similar(first, other, smaller, cv2.imdecode(encoded, cv2.IMREAD_COLOR), brighter)
    assert [finding.image_id for finding in findings] == [2, 3, 4]
    assert all(finding.message.startswith("Looks like 0.png. One of them is held out") for finding in findings)


def test_few_bright_spots_on_black_ground_are_not_alike_for_the_black(similar: Callable[..., list[Finding]]) -> None:
    pictures = []
    for x, y in ((20, 30), (150, 100), (90, 150)):
        pixels = np.zeros((180, 240, 3), dtype=np.uint8)
        cv2.circle(pixels, (x, y), 8, (250, 250, 250), -1)
        pictures.append(pixels)
    assert not similar(*pictures)


def test_even_pictures_are_alike_where_they_are_of_one_brightness(similar: Callable[..., list[Finding]]) -> None:
    black, grey = (np.full((20, 20, 3), value, dtype=np.uint8) for value in (0, 128))
    assert [finding.image_id for finding in similar(black, grey, black)] == [2]


def test_pairs_are_found_across_blocks(image: Make) -> None:
    similarities = Similarities(Limits())
    rng = np.random.default_rng(3)
    pictures = list(rng.integers(0, 255, (200, 32, 32, 3), dtype=np.uint8))
    hashes = np.array([difference_hash(pixels) for pixels in pictures])
    apart = (hashes[:, None] != hashes[None]).sum(axis=2)
    assert apart[np.triu_indices(200, 1)].min() > 4
    similarities._images = [image(id=number) for number in range(201)]
    similarities._hashes = [*hashes, hashes[5]]
    similarities._thumbnails = [cv2.resize(pixels[..., 0], (16, 16)) for pixels in [*pictures, pictures[5]]]
    assert [each.image_id for block in similarities.findings() for each in block] == [200]


def test_a_file_that_cannot_be_compared_is_told(picture: Path, known: Image) -> None:
    picture.write_bytes(b"no image")
    (finding,) = Similarities(Limits()).add(known, picture)
    assert "could not be compared" in finding.message
