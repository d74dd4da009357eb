"""The known models have the published sizes; a model keeps what it knows when it learns further categories."""

from __future__ import annotations

import pytest
import torch

from engine.nn.spec import ModelSpec
from engine.nn.zoo import NUCLEI, R50_FPN_COCO, build, extend_categories


def parameters(spec: ModelSpec) -> int:
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in build(spec).parameters())


def test_r50_fpn_has_exactly_the_published_parameters() -> None:
    assert len(R50_FPN_COCO.categories) == 90
    assert parameters(R50_FPN_COCO) == 44_401_393


def test_the_bundled_models_file_stays_under_github_friendly_25_mb() -> None:
    assert 2 * parameters(NUCLEI) < 25_000_000


def test_new_categories_leave_the_old_ones_as_they_were(tiny_spec: ModelSpec) -> None:
    torch.manual_seed(0)
    model = build(tiny_spec).eval()
    extended = extend_categories(model, ["bar", "ring", "star", "ring"])
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


def test_known_categories_change_nothing(tiny_spec: ModelSpec) -> None:
    model = build(tiny_spec)
    assert extend_categories(model, ["disc"]) is model


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("frozen_norm", [False, True])
def test_an_extended_model_keeps_its_mode_and_its_norms(
    tiny_spec: ModelSpec, frozen_norm: bool, training: bool
) -> None:
    model = build(tiny_spec, frozen_norm=frozen_norm).train(training)
    extended = extend_categories(model, ["ring"])
    assert extended.training is training
    assert extended.state_dict().keys() == model.state_dict().keys()
    assert [n for n, _ in extended.named_parameters()] == [n for n, _ in model.named_parameters()]
