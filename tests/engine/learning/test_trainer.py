"""The training loop learns, repeats itself from its seed, stops when asked, and never hands over a broken model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import nn

from engine.errors import MaskwrightError
from engine.inference.preprocess import batch
from engine.learning.augmentation import training_sample
from engine.learning.dataset import AnnotatedImage, AnnotatedSet, read_pixels
from engine.learning.recipe import Recipe, Scope
from engine.learning.resuming import STATE_NAME, SavedRun
from engine.learning.trainer import TrainingDiverged, parameter_groups, train
from engine.learning.views import compute_views
from engine.nn.device import autocast
from engine.nn.zoo import NUCLEI, build
from engine.synthetic import draw

TINY = replace(
    NUCLEI, fpn_channels=16, rpn_channels=16, box_hidden=32, mask_layers=(8,), input_min_side=64, roi_samples=64
)
RECIPE = Recipe(steps=6, crops_per_step=2, crop_size=64, learning_rate=1e-3, warmup_steps=2)
HEADS = replace(RECIPE, scope=Scope.HEADS, views_per_image=4, roi_samples=32)


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


def test_heads_alone_learn_and_leave_trunk_and_neck_bit_for_bit(drawn, tmp_path):
    torch.manual_seed(0)
    model, losses, seen = build(TINY), [], []
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    recipe = replace(HEADS, steps=48, crops_per_step=4)
    assert train(
        model,
        drawn,
        recipe,
        on_step=lambda step: losses.append(step.loss),
        on_view=lambda done, total: seen.append((done, total)),
        folder=tmp_path,
    )
    assert seen[-1] == (8, 8)
    assert sum(losses[-12:]) < 0.9 * sum(losses[:12])
    changed = {
        name.split(".")[0] for name, tensor in model.state_dict().items() if not torch.equal(tensor, before[name])
    }
    assert changed == {"rpn", "box_head", "mask_head"}
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_heads_see_what_the_whole_model_would_have_computed(drawn, tmp_path):
    model = build(TINY).eval()
    views = compute_views(model, drawn, HEADS, tmp_path)
    levels, targets = views.batch([5])
    rng = np.random.default_rng((HEADS.seed, 1, 1))
    image = drawn.images[1]
    pixels, target = training_sample(
        rng, image, read_pixels(image), TINY, size=HEADS.crop_size, scale_jitter=HEADS.scale_jitter
    )
    assert torch.equal(targets[0].masks, target.masks)
    assert torch.equal(targets[0].boxes, target.boxes)
    with torch.no_grad(), autocast(torch.device("cpu")):
        whole = model.features(batch([pixels]))
    for kept, level in zip(levels, whole, strict=True):
        assert torch.allclose(kept, level, rtol=0.02, atol=0.02 * float(level.abs().max()))
    assert torch.equal(targets[0].anchors, model.match_anchors(model.anchors(whole), [target])[0].anchors)
    assert int((targets[0].anchors >= 0).sum()) >= len(target.boxes)


@pytest.mark.parametrize("recipe", [RECIPE, HEADS], ids=["whole", "heads"])
def test_a_killed_run_ends_as_it_would_have_without_the_kill(drawn, tmp_path, monkeypatch, recipe):
    uninterrupted = build(TINY)
    start = {name: tensor.clone() for name, tensor in uninterrupted.state_dict().items()}
    train(uninterrupted, drawn, recipe, on_step=lambda step: None)

    class Killed(Exception):
        pass

    def killed_after_three(step):
        if step.step == 3:
            raise Killed

    first, second, told = build(TINY), build(TINY), []
    first.load_state_dict(start)
    second.load_state_dict(start)
    monkeypatch.setattr("engine.learning.resuming.SAVE_SECONDS", 0.0)
    monkeypatch.setattr("engine.learning.resuming.SHARE_FOR_SAVING", float("inf"))
    with pytest.raises(Killed):
        train(first, drawn, recipe, on_step=killed_after_three, folder=tmp_path, key="a run")
    train(second, drawn, recipe, on_step=lambda step: told.append(step.step), folder=tmp_path, key="a run")
    assert told == [3, 4, 5, 6]
    for name, tensor in second.state_dict().items():
        assert torch.allclose(tensor, uninterrupted.state_dict()[name], rtol=1e-3, atol=1e-5), name


@pytest.mark.parametrize("spoil", ["another key", "cut off", "not ours"])
def test_a_state_that_is_not_this_runs_is_not_gone_on_from(tmp_path, spoil):
    SavedRun(tmp_path, "a run").save({"step": 3})
    assert SavedRun(tmp_path, "a run").load() == {"step": 3}
    state = tmp_path / STATE_NAME
    if spoil == "cut off":
        state.write_bytes(state.read_bytes()[:100])
    elif spoil == "not ours":
        torch.save([1, 2], state)
    assert SavedRun(tmp_path, "another" if spoil == "another key" else "a run").load() is None


def test_a_run_keeps_to_its_seconds(drawn):
    steps = []
    assert train(fresh(), drawn, replace(RECIPE, steps=100_000, seconds=1.0), on_step=lambda step: steps.append(step))
    assert len(steps) < 1000
    assert steps[-1].seconds_left < 0.5


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


def test_only_weights_decay():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
    decayed, free = parameter_groups(model, Recipe(steps=1, weight_decay=0.1))
    assert decayed["weight_decay"] == 0.1
    assert [p.ndim for p in decayed["params"]] == [4]
    assert free["weight_decay"] == 0.0
    assert all(p.ndim == 1 for p in free["params"])
