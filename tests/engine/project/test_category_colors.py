"""The colours of categories are told apart by people of any colour vision, however a category comes into being."""

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as Picture

from engine.geometry.mask import Mask
from engine.project import category_color
from engine.project.project import Project
from engine.records import Detection

# Machado, Oliveira and Fernandes 2009, table 1, severity 1.0: what people without one kind of cones see, in linear RGB.
VISIONS = {
    "all cones": np.eye(3),
    "no long cones": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "no middle cones": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
}
XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
WHITE = np.array([0.95047, 1.0, 1.08883])
JUST = 2.3  # CIE 1976 Lab: what is just noticed side by side
CLEARLY = 15.0  # and what is noticed across an image


@pytest.mark.parametrize("vision", VISIONS)
@pytest.mark.parametrize(("count", "least"), [(8, CLEARLY), (16, CLEARLY), (24, JUST)])
def test_the_first_colors_differ_for_everybody(vision: str, count: int, least: float) -> None:
    seen = [lab(category_color(number), VISIONS[vision]) for number in range(1, count + 1)]
    assert min(float(np.linalg.norm(first - second)) for first, second in combinations(seen, 2)) >= least


def test_hundreds_of_categories_have_a_color_each() -> None:
    assert len({category_color(number) for number in range(1, 301)}) == 300


def test_categories_that_a_model_brings_have_the_same_colors(tmp_path: Path) -> None:
    image = tmp_path / "a.png"
    Picture.new("L", (16, 16)).save(image)
    with Project.create(tmp_path / "detected.maskwright") as project:
        (added,) = project.add_images([image]).added
        mask = Mask.from_full(np.ones((4, 4), dtype=bool))
        found = [Detection(number, name, 0.9, (0.0, 0.0, 4.0, 4.0), mask) for number, name in enumerate(("a", "b"))]
        project.set_proposals(added.id, found, "model")
        assert [each.color for each in project.categories()] == [category_color(1), category_color(2)]


def lab(color: str, vision: NDArray[np.float64]) -> NDArray[np.float64]:
    """CIE 1976 L*a*b* under D65 of "#rrggbb" in somebody's eyes."""
    values = np.array([int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)])
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    ratios = XYZ @ np.clip(vision @ linear, 0, 1) / WHITE
    roots = np.where(ratios > 216 / 24389, np.cbrt(ratios), (24389 / 27 * ratios + 16) / 116)
    return np.array([116 * roots[1] - 16, 500 * (roots[0] - roots[1]), 200 * (roots[1] - roots[2])])
