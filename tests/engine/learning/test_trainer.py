"""The training loop learns, repeats itself from its seed, stops when asked, and never hands over a broken model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import pytest
import torch
from torch import nn

from engine.errors import MaskwrightError
from engine.learning.dataset import AnnotatedImage, AnnotatedSet
from engine.learning.trainer import (
    MovingAverage,
    Recipe,
    TrainingDiverged,
    learning_rate_factor,
    parameter_groups,
    train,
)
from engine.nn.zoo import NUCLEI, build
from engine.synthetic import draw

TINY = replace(
    NUCLEI, fpn_channels=16, rpn_channels=16, box_hidden=32, mask_layers=(8,), input_min_side=64, roi_samples=64
)
RECIPE = Recipe(steps=6, crops_per_step=2, crop_size=64, learning_rate=1e-3, warmup_steps=2)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory) -> AnnotatedSet:
    folder: Path = tmp_path_factory.mktemp("drawn")
    images = []
    for seed in range(2):
        image = draw(seed, "fluorescence", 128, 128)
        path = folder / f"{seed}.png"
        cv2.imwrite(str(path), image.rgb[..., ::-1])
        images.append(AnnotatedImage(path, 128, 128, ("nucleus",) * len(image.masks), tuple(image.masks)))
    return AnnotatedSet(("nucleus",), tuple(images))


def fresh() -> nn.Module:
    torch.manual_seed(0)
    return build(TINY, frozen_norm=False)


def run(data: AnnotatedSet, recipe: Recipe = RECIPE) -> tuple[nn.Module, list[float]]:
    model, losses = fresh(), []
    assert train(model, data, recipe, on_step=lambda step: losses.append(step.loss))
    return model, losses


def test_the_loss_falls(drawn):
    _, losses = run(drawn, replace(RECIPE, steps=24))
    assert sum(losses[-6:]) < 0.9 * sum(losses[:6])


def test_the_same_seed_gives_the_same_run_and_another_seed_another(drawn):
    _, first = run(drawn)
    _, again = run(drawn)
    _, other = run(drawn, replace(RECIPE, seed=1))
    assert first == pytest.approx(again, rel=1e-3)
    assert first != pytest.approx(other, rel=1e-3)


def test_cancelling_stops_at_the_next_step(drawn):
    seen = []
    done = train(fresh(), drawn, RECIPE, on_step=lambda step: seen.append(step.step), cancelled=lambda: len(seen) >= 2)
    assert not done
    assert seen == [1, 2]


def test_a_loss_that_is_not_finite_stops_the_training(drawn):
    model = fresh()
    with torch.no_grad():
        model.box_head.fc1.weight.fill_(float("nan"))
    with pytest.raises(TrainingDiverged, match="the model before is kept"):
        train(model, drawn, RECIPE, on_step=lambda step: None)


def test_an_unreadable_image_is_reported_not_skipped(tmp_path, drawn):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"")
    data = AnnotatedSet(("nucleus",), (replace(drawn.images[0], path=broken),))
    with pytest.raises(MaskwrightError, match=r"broken\.png"):
        train(fresh(), data, RECIPE, on_step=lambda step: None)


def test_no_image_is_refused_in_words():
    with pytest.raises(MaskwrightError, match="no image"):
        train(fresh(), AnnotatedSet(("nucleus",), ()), RECIPE, on_step=lambda step: None)


def test_the_average_of_constant_weights_is_those_weights_and_follows_a_change():
    layer = nn.Linear(3, 2)
    start = layer.weight.detach().clone()
    average = MovingAverage(layer, decay=0.5)
    average.update()
    average.copy_to_model()
    assert torch.equal(layer.weight, start)
    with torch.no_grad():
        layer.weight.add_(1.0)
    average.update()
    average.copy_to_model()
    assert ((layer.weight > start) & (layer.weight < start + 1.0)).all()


def test_the_learning_rate_warms_up_and_ends_near_zero():
    recipe = Recipe(steps=100, warmup_steps=10)
    factors = [learning_rate_factor(step, recipe) for step in range(100)]
    assert factors[0] == pytest.approx(0.1)
    assert max(factors) == pytest.approx(1.0)
    assert factors[:10] == sorted(factors[:10])
    assert factors[10:] == sorted(factors[10:], reverse=True)
    assert factors[-1] < 0.01


def test_only_weights_decay():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
    decayed, free = parameter_groups(model, Recipe(steps=1, weight_decay=0.1))
    assert decayed["weight_decay"] == 0.1
    assert [p.ndim for p in decayed["params"]] == [4]
    assert free["weight_decay"] == 0.0
    assert all(p.ndim == 1 for p in free["params"])
