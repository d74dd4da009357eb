"""The whole network: it learns, answers alike alone and in a batch, and does not break where there is nothing."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch import Tensor

from engine.nn.box_coding import box_iou
from engine.nn.detector import Cancelled, MaskRCNN, Target
from engine.nn.norm import FrozenNorm
from engine.nn.spec import ModelSpec
from engine.nn.zoo import build

STEPS = 150
"""Enough for random features to overfit one image."""
LOSSES = ["loss_box_category", "loss_box_regression", "loss_mask", "loss_rpn_box", "loss_rpn_objectness"]


@pytest.fixture
def model(tiny_spec: ModelSpec) -> MaskRCNN:
    torch.manual_seed(0)
    return build(tiny_spec).eval()


def no_instances(side: int = 64) -> Target:
    return Target(torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64), torch.zeros(0, side, side, dtype=torch.bool))


def disc_and_bar() -> tuple[Tensor, Target]:
    """A 64 px image of noise with a bright disc and a dark bar."""
    y, x = torch.meshgrid(torch.arange(64) + 0.5, torch.arange(64) + 0.5, indexing="ij")
    disc = (x - 20) ** 2 + (y - 20) ** 2 < 12**2
    bar = (x > 36) & (x < 56) & (y > 44) & (y < 56)
    image = torch.randn(3, 64, 64) * 0.1 + 2.0 * disc - 2.0 * bar
    boxes = torch.tensor([[8.0, 8.0, 32.0, 32.0], [36.0, 44.0, 56.0, 56.0]])
    return image[None], Target(boxes, torch.tensor([0, 1]), torch.stack([disc, bar]))


def test_a_model_that_trained_on_an_image_finds_its_objects(tiny_spec: ModelSpec) -> None:
    torch.manual_seed(0)
    model = build(tiny_spec, frozen_norm=False).train()
    model.trunk.requires_grad_(False)  # random features are enough for two shapes, and nine tenths of the weights
    image, target = disc_and_bar()
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=5e-3)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.05, STEPS)
    for _ in range(STEPS):
        optimizer.zero_grad()
        torch.stack(list(model.losses(image, [target]).values())).sum().backward()
        optimizer.step()
        schedule.step()
    with torch.no_grad():
        (found,) = model.detect(model.features(image), [(64, 64)])
    for label in (0, 1):
        best = int(torch.where(found.labels == label)[0][0])
        assert float(found.scores[best]) > 0.3
        assert float(box_iou(found.boxes[best : best + 1], target.boxes[label : label + 1])) > 0.7
    disc = found.mask_probabilities[int(torch.where(found.labels == 0)[0][0])]
    assert float(disc[10:18, 10:18].mean()) > 0.9
    assert float(disc[:2, :2].mean()) < 0.5


@pytest.mark.parametrize("autocast", [False, True])
def test_images_without_instances_train_background_with_finite_losses(model: MaskRCNN, autocast: bool) -> None:
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        losses = model.losses(torch.randn(2, 3, 64, 64), [no_instances(), no_instances()])
    assert sorted(losses) == LOSSES
    assert [losses[name].item() for name in ("loss_rpn_box", "loss_box_regression", "loss_mask")] == [0, 0, 0]
    torch.stack(list(losses.values())).sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert bool(torch.isfinite(parameter.grad).all()), name


def test_every_parameter_learns_from_an_image_with_instances(model: MaskRCNN) -> None:
    image, target = disc_and_bar()
    torch.stack(list(model.losses(image, [target]).values())).sum().backward()
    untouched = [name for name, p in model.named_parameters() if p.grad is None or not bool(p.grad.any())]
    assert untouched == []


def test_an_instance_without_area_does_not_poison_the_losses(model: MaskRCNN) -> None:
    image, target = disc_and_bar()
    flat = Target(
        torch.cat([target.boxes, torch.tensor([[5.0, 5.0, 5.0, 9.0]])]),
        torch.tensor([0, 1, 0]),
        torch.cat([target.masks, torch.zeros(1, 64, 64, dtype=torch.bool)]),
    )
    assert all(bool(torch.isfinite(loss)) for loss in model.losses(image, [flat]).values())


def test_detections_are_the_same_alone_and_in_a_batch(model: MaskRCNN) -> None:
    images = torch.randn(2, 3, 64, 96)
    sizes = [(64, 96), (50, 70)]
    with torch.no_grad():
        together = model.detect(model.features(images), sizes)
        for i, size in enumerate(sizes):
            (alone,) = model.detect(model.features(images[i : i + 1]), [size])
            assert len(alone.boxes) > 0
            torch.testing.assert_close(together[i].boxes, alone.boxes, rtol=1e-4, atol=1e-3)
            torch.testing.assert_close(together[i].mask_probabilities, alone.mask_probabilities, rtol=1e-4, atol=1e-4)


def test_detections_are_best_first_inside_the_image_and_of_known_categories(model: MaskRCNN) -> None:
    with torch.no_grad():
        (found,) = model.detect(model.features(torch.randn(1, 3, 64, 64)), [(40, 50)])
    assert bool((found.boxes >= 0).all())
    assert float(found.boxes[:, 2].max()) <= 50
    assert float(found.boxes[:, 3].max()) <= 40
    assert bool((found.scores.diff() <= 0).all())
    assert set(found.labels.tolist()) <= {0, 1}
    assert found.mask_probabilities.shape == (len(found.boxes), 28, 28)
    kept = found.filtered(found.labels == 1)
    assert set(kept.labels.tolist()) == {1}
    assert len(kept.mask_probabilities) == len(kept.boxes)


def test_a_model_that_finds_nothing_says_so(tiny_spec: ModelSpec) -> None:
    model = build(dataclasses.replace(tiny_spec, score_floor=1.0)).eval()
    with torch.no_grad():
        (found,) = model.detect(model.features(torch.randn(1, 3, 64, 64)), [(64, 64)])
    assert found.boxes.shape == (0, 4)
    assert found.mask_probabilities.shape == (0, 28, 28)


def test_masks_of_given_boxes_are_those_of_detection(model: MaskRCNN) -> None:
    with torch.no_grad():
        features = model.features(torch.randn(1, 3, 64, 64))
        (found,) = model.detect(features, [(64, 64)])
        logits = model.predict_masks(features, found.boxes)
        assert logits.shape == (len(found.boxes), 2, 28, 28)
        own = logits[torch.arange(len(found.boxes)), found.labels].sigmoid()
    torch.testing.assert_close(own, found.mask_probabilities, rtol=1e-4, atol=1e-5)


def test_no_given_boxes_give_no_predictions(model: MaskRCNN) -> None:
    with torch.no_grad():
        features = model.features(torch.randn(1, 3, 64, 64))
        logits, deltas = model.predict_boxes(features, torch.zeros(0, 4))
        masks = model.predict_masks(features, torch.zeros(0, 4))
    assert (logits.shape, deltas.shape, masks.shape) == ((0, 3), (0, 3, 4), (0, 2, 28, 28))


def test_an_image_of_any_size_is_padded_with_zeros_at_the_right_and_bottom(model: MaskRCNN) -> None:
    image = torch.randn(1, 3, 50, 70)
    padded = torch.zeros(1, 3, 64, 96)
    padded[:, :, :50, :70] = image
    with torch.no_grad():
        levels = model.features(image)
        assert [tuple(level.shape[-2:]) for level in levels] == [(16, 24), (8, 12), (4, 6), (2, 3), (1, 2)]
        for level, expected in zip(levels, model.features(padded), strict=True):
            torch.testing.assert_close(level, expected)


def test_features_are_float32_even_where_the_trunk_computes_in_bfloat16(model: MaskRCNN) -> None:
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        levels = model.features(torch.randn(1, 3, 64, 64))
        (found,) = model.detect(levels, [(64, 64)])
    assert {level.dtype for level in levels} == {torch.float32}
    assert found.boxes.dtype == found.scores.dtype == found.mask_probabilities.dtype == torch.float32


def test_cancelling_stops_before_the_next_block_of_the_trunk(model: MaskRCNN) -> None:
    asked = 0

    def cancelled() -> bool:
        nonlocal asked
        asked += 1
        return asked == 3

    with pytest.raises(Cancelled):
        model.features(torch.randn(1, 3, 64, 64), cancelled)
    assert asked == 3


def test_a_model_trained_with_batch_norm_is_the_same_with_its_norms_frozen(tiny_spec: ModelSpec) -> None:
    torch.manual_seed(0)
    learning = build(tiny_spec, frozen_norm=False).train()
    with torch.no_grad():
        learning.features(torch.randn(4, 3, 64, 64))  # moves the running statistics
    frozen = build(tiny_spec)
    frozen.load_state_dict(learning.state_dict())
    assert any(isinstance(module, FrozenNorm) for module in frozen.modules())
    image = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        for ours, expected in zip(frozen.eval().features(image), learning.eval().features(image), strict=True):
            torch.testing.assert_close(ours, expected)


def test_frozen_norms_do_not_learn(model: MaskRCNN) -> None:
    before = {name: buffer.clone() for name, buffer in model.named_buffers()}
    model.train()
    image, target = disc_and_bar()
    torch.stack(list(model.losses(image, [target]).values())).sum().backward()
    assert before
    assert all(torch.equal(before[name], buffer) for name, buffer in model.named_buffers())
