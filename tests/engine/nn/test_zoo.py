"""The known models have the published sizes; a model keeps what it knows when it learns further categories."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from engine.nn.detector import MaskRCNN, Target
from engine.nn.spec import ModelSpec
from engine.nn.zoo import (
    NUCLEI,
    R50_FPN_COCO,
    R50_FPN_V2_COCO,
    build,
    with_class_agnostic_masks,
    with_mapped_categories,
)

BOXES = torch.tensor([[4.0, 4.0, 40.0, 50.0], [10.0, 8.0, 20.0, 30.0]])


def parameters(spec: ModelSpec, *, frozen_norm: bool = True) -> int:
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in build(spec, frozen_norm=frozen_norm).parameters())


def test_r50_fpn_has_exactly_the_published_parameters() -> None:
    assert len(R50_FPN_COCO.categories) == 90
    assert parameters(R50_FPN_COCO) == 44_401_393


def test_r50_fpn_v2_has_exactly_the_published_parameters_which_count_what_its_norms_learn() -> None:
    assert parameters(R50_FPN_V2_COCO, frozen_norm=False) == 46_359_409


def test_the_bundled_models_file_stays_under_github_friendly_25_mb() -> None:
    assert 2 * parameters(NUCLEI) < 25_000_000


def with_new(model: MaskRCNN, *names: str) -> MaskRCNN:
    """The model with its own categories and new ones after them."""
    return with_mapped_categories(model, {**{name: [name] for name in model.spec.categories}, **{n: [] for n in names}})


def test_new_categories_leave_the_old_ones_as_they_were(tiny_spec: ModelSpec) -> None:
    torch.manual_seed(0)
    model = build(tiny_spec).eval()
    extended = with_new(model, "ring", "star")
    assert extended.spec.categories == ("disc", "bar", "ring", "star")
    boxes = torch.tensor([[4.0, 4.0, 40.0, 50.0], [10.0, 8.0, 20.0, 30.0]])
    with torch.no_grad():
        features = model.features(torch.randn(1, 3, 64, 64))
        old_logits, old_deltas = model.predict_boxes(features, boxes)
        logits, deltas = extended.predict_boxes(features, boxes)
        old_masks, masks = model.predict_masks(features, boxes), extended.predict_masks(features, boxes)
    torch.testing.assert_close(logits[:, :3], old_logits)
    torch.testing.assert_close(deltas[:, :3], old_deltas)
    torch.testing.assert_close(masks[:, :2], old_masks)
    torch.testing.assert_close(logits[:, 3], old_logits[:, 1:].mean(dim=1))
    torch.testing.assert_close(deltas[:, 4], old_deltas[:, 1:].mean(dim=1))
    torch.testing.assert_close(masks[:, 3], old_masks.mean(dim=1))


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("frozen_norm", [False, True])
def test_an_extended_model_keeps_its_mode_and_its_norms(
    tiny_spec: ModelSpec, frozen_norm: bool, training: bool
) -> None:
    model = build(tiny_spec, frozen_norm=frozen_norm).train(training)
    extended = with_new(model, "ring")
    assert extended.training is training
    assert extended.state_dict().keys() == model.state_dict().keys()
    assert [n for n, _ in extended.named_parameters()] == [n for n, _ in model.named_parameters()]


def random_model(spec: ModelSpec) -> MaskRCNN:
    """A model whose category layers say something, in the memory format of every loaded one."""
    torch.manual_seed(0)
    model = build(spec).to(memory_format=torch.channels_last).eval()
    for layer in (model.box_head.category, model.box_head.deltas, model.mask_head.logits):
        torch.nn.init.normal_(layer.weight, std=0.1)
        torch.nn.init.normal_(layer.bias, std=0.1)
    return model


def test_with_one_category_a_class_agnostic_model_finds_the_same_bit_for_bit(tiny_spec: ModelSpec) -> None:
    model = random_model(tiny_spec.with_categories(("disc",)))
    agnostic = with_class_agnostic_masks(model)
    assert agnostic.spec == replace(model.spec, class_agnostic_masks=True)
    image = torch.randn(1, 3, 96, 96)
    with torch.no_grad():
        (expected,) = model.detect(model.features(image), [(96, 96)])
        (found,) = agnostic.detect(agnostic.features(image), [(96, 96)])
    assert len(expected.boxes) > 3
    for ours, theirs in zip(vars(found).values(), vars(expected).values(), strict=True):
        assert torch.equal(ours, theirs)


def test_one_mask_channel_is_the_mean_of_the_categories_and_leaves_the_boxes(tiny_spec: ModelSpec) -> None:
    model = random_model(tiny_spec)
    agnostic = with_class_agnostic_masks(model)
    assert with_class_agnostic_masks(agnostic) is agnostic
    assert len(agnostic.mask_head.logits.bias) == 2
    with torch.no_grad():
        features = model.features(torch.randn(1, 3, 64, 64))
        for ours, theirs in zip(
            agnostic.predict_boxes(features, BOXES), model.predict_boxes(features, BOXES), strict=True
        ):
            assert torch.equal(ours, theirs)
        masks = agnostic.predict_masks(features, BOXES)
        mean = model.predict_masks(features, BOXES).mean(dim=1, keepdim=True)
    assert masks.shape == (2, 2, 28, 28)
    torch.testing.assert_close(masks, mean.expand_as(masks))


def test_a_new_category_of_a_class_agnostic_model_has_the_masks_of_the_old(tiny_spec: ModelSpec) -> None:
    model = with_class_agnostic_masks(random_model(tiny_spec))
    extended = with_new(model, "ring")
    with torch.no_grad():
        features = model.features(torch.randn(1, 3, 64, 64))
        old, new = model.predict_masks(features, BOXES), extended.predict_masks(features, BOXES)
    assert new.shape[1] == 3
    assert torch.equal(new[:, :2], old)
    assert torch.equal(new[:, 2], old[:, 0])


def test_a_class_agnostic_model_trains_its_one_channel_with_every_category(tiny_spec: ModelSpec) -> None:
    model = with_class_agnostic_masks(random_model(tiny_spec)).train()
    masks = torch.zeros(2, 64, 64, dtype=torch.bool)
    masks[0, 8:40, 8:40] = masks[1, 20:60, 20:60] = True
    boxes = torch.tensor([[8.0, 8.0, 40.0, 40.0], [20.0, 20.0, 60.0, 60.0]])
    for labels in ([0, 0], [1, 1]):
        torch.manual_seed(0)
        model.zero_grad()
        losses = model.losses(torch.randn(1, 3, 64, 64), [Target(boxes, torch.tensor(labels), masks)])
        losses["loss_mask"].backward()
        gradient = model.mask_head.logits.weight.grad
        assert gradient is not None
        assert bool(gradient[1].any())
        assert not bool(gradient[0].any())
