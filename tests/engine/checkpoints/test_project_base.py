"""A base for a project's rounds knows the project's categories, each started from what it is called after."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from engine.checkpoints import ModelCard, checkpoint_id, save
from engine.checkpoints.project_base import base_for_project
from engine.errors import MaskwrightError
from engine.nn.spec import ModelSpec
from engine.nn.zoo import build, with_mapped_categories
from engine.project import CategoryMap

BOXES = torch.tensor([[4.0, 4.0, 40.0, 50.0], [10.0, 8.0, 20.0, 30.0]])


def test_each_category_starts_from_its_sources(tiny_spec: ModelSpec) -> None:
    torch.manual_seed(0)
    spec = tiny_spec.with_categories(("person", "car", "truck"))
    model = build(spec).eval()
    mapped = with_mapped_categories(
        model, {"lorry": ["truck"], "vehicle": ["car", "truck"], "tree": [], "van": ["car"]}
    )
    assert mapped.spec.categories == ("lorry", "vehicle", "tree", "van")
    with torch.no_grad():
        features = model.features(torch.randn(1, 3, 64, 64))
        old_logits, old_deltas = model.predict_boxes(features, BOXES)
        logits, deltas = mapped.predict_boxes(features, BOXES)
        old_masks, masks = model.predict_masks(features, BOXES), mapped.predict_masks(features, BOXES)
    for old, new, first in ((old_logits, logits, 1), (old_deltas, deltas, 1), (old_masks, masks, 0)):
        person, car, truck = old[:, first], old[:, first + 1], old[:, first + 2]
        expected = [truck, (car + truck) / 2, (person + car + truck) / 3, car]
        torch.testing.assert_close(new[:, first:], torch.stack(expected, dim=1))
    torch.testing.assert_close(logits[:, 0], old_logits[:, 0])


def test_a_category_that_the_model_lacks_is_named(tiny_spec: ModelSpec) -> None:
    with pytest.raises(MaskwrightError, match="no category ring"):
        with_mapped_categories(build(tiny_spec), {"cell": ["ring"]})


def test_a_base_follows_the_projects_map(tiny_spec: ModelSpec, tmp_path: Path) -> None:
    path = tmp_path / "base.safetensors"
    save(path, build(tiny_spec), ModelCard(name="base", spec=tiny_spec, licence="CC0-1.0"))
    names = CategoryMap({"disc": "Coin", "bar": None, "gone": "Ring"})
    model, card = base_for_project(path, names, ["Ring", "Coin"])
    assert model.spec.categories == ("Ring", "Coin")
    assert (card.spec, card.parent, card.licence) == (model.spec, checkpoint_id(path), "CC0-1.0")
