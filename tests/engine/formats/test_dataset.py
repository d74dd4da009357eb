"""Shapes drawn together are those drawn one by one, whatever they are, and a wrong one among them is named."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.errors import InvalidDataset
from engine.formats.coco_document import Segmentation
from engine.formats.dataset import Dataset, DatasetAnnotation, Drawn, Shape, mask_of, masks_of
from engine.formats.shapes import Circle, Nothing, Polygons, Union
from engine.geometry import rle
from engine.geometry.mask import Mask

WIDTH, HEIGHT = 60, 40
SQUARE = Mask.from_crop(np.ones((5, 7)), 30, 20)
TRIANGLE = [3.0, 3.0, 20.5, 4.0, 9.0, 30.0]
SHAPES: list[Shape] = [
    Segmentation([TRIANGLE]),
    Nothing(),
    Segmentation(None),
    Segmentation(rle.to_coco(SQUARE, HEIGHT, WIDTH)),
    Drawn(SQUARE, (WIDTH, HEIGHT)),
    Segmentation({"size": [HEIGHT, WIDTH], "counts": [41, 2, HEIGHT * WIDTH - 43]}),
    Polygons([[0.1, 0.1, 0.9, 0.1, 0.5, 0.7], [0.0, 0.0, 1.0, 0.0, 0.5, 0.2]], normalised=True),
    Polygons([[1.0, 2.0]]),
    Segmentation([TRIANGLE, [40.0, 1.0, 59.0, 1.0, 59.0, 39.0]]),
    Union([Circle(30, 20, 8), Polygons([TRIANGLE])]),
]


def annotations(shapes: list[Shape]) -> tuple[DatasetAnnotation, ...]:
    return tuple(DatasetAnnotation(1, 1, shape, f"annotations[{index}]") for index, shape in enumerate(shapes))


def test_shapes_drawn_together_are_those_drawn_one_by_one() -> None:
    listed = annotations(SHAPES)
    dataset = Dataset(Path("all.json"), (), listed, ())
    together = masks_of(dataset, listed, WIDTH, HEIGHT)
    assert together == [mask_of(dataset, each, WIDTH, HEIGHT) for each in listed]
    assert [mask.is_empty for mask in together].count(True) == 3
    assert masks_of(dataset, (), WIDTH, HEIGHT) == []


@pytest.mark.parametrize(
    "value",
    [
        {"size": [WIDTH, HEIGHT], "counts": "0"},
        {"size": [HEIGHT, WIDTH], "counts": "0"},
        {"size": [HEIGHT, WIDTH], "counts": ""},
        {"size": [HEIGHT, WIDTH], "counts": [1, -1, HEIGHT * WIDTH]},
        [[1.0, 2.0, float("nan"), 3.0, 4.0, 5.0]],
        [[0.0, 0.0, 1.0]],
        "text",
    ],
    ids=str,
)
def test_a_wrong_shape_among_right_ones_is_named(value: Any) -> None:
    listed = annotations([*SHAPES, Segmentation(value), *SHAPES])
    dataset = Dataset(Path("all.json"), (), listed, ())
    with pytest.raises(InvalidDataset, match=rf"annotations\[{len(SHAPES)}\], key 'segmentation'"):
        masks_of(dataset, listed, WIDTH, HEIGHT)
