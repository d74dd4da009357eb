"""What a fine-tune trains, and what it will take."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from engine.errors import MaskwrightError
from engine.learning.choosing import MANY_IMAGES, VIEWS, Choice, choose_scope, recipe_for, why
from engine.learning.dataset import AnnotatedSet
from engine.learning.estimate import Estimate, check_memory, estimate, kept_to
from engine.learning.recipe import Recipe, Scope
from engine.nn.zoo import NUCLEI, build

TINY = replace(
    NUCLEI, fpn_channels=16, rpn_channels=16, box_hidden=32, mask_layers=(8,), input_min_side=64, roi_samples=64
)
NOTHING = AnnotatedSet(("nucleus",), ())


def test_few_images_on_a_processor_train_the_heads_alone() -> None:
    assert choose_scope(3, gpu=False) == (Scope.HEADS, Choice.FEW_IMAGES)
    assert choose_scope(MANY_IMAGES, gpu=False) == (Scope.WHOLE, Choice.MANY_IMAGES)
    assert choose_scope(3, gpu=True) == (Scope.WHOLE, Choice.GPU)
    assert choose_scope(3, gpu=True, asked=Scope.HEADS) == (Scope.HEADS, Choice.ASKED)


@pytest.mark.parametrize("scope", Scope)
@pytest.mark.parametrize("choice", Choice)
def test_every_choice_has_words(scope: Scope, choice: Choice) -> None:
    assert why(scope, choice).endswith(".")


@pytest.mark.parametrize("images", [1, 2, 3, 10, 300])
def test_the_crops_that_a_frozen_trunk_sees_are_bounded(images: int) -> None:
    recipe = recipe_for(images, Scope.HEADS)
    assert 1 <= images * recipe.views_per_image <= VIEWS
    assert recipe_for(images, Scope.HEADS, steps=7).steps == 7


@pytest.mark.parametrize("scope", Scope)
def test_an_estimate_changes_nothing_and_counts_steps(scope: Scope) -> None:
    torch.manual_seed(0)
    model = build(TINY)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    random = torch.get_rng_state()
    recipe = Recipe(steps=10, crops_per_step=2, crop_size=64, scope=scope)
    few = estimate(model, recipe, NOTHING, NOTHING)
    assert torch.equal(torch.get_rng_state(), random)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())
    assert few.memory > 0
    many = estimate(model, replace(recipe, steps=10_000), NOTHING, NOTHING)
    assert many.steps_seconds > 100 * few.steps_seconds


def test_a_run_may_take_longer_than_estimated_but_not_by_much() -> None:
    recipe = Recipe(steps=10)
    assert kept_to(recipe, Estimate(900.0, 600.0, 1, 1)).seconds == pytest.approx(960.0)
    assert kept_to(recipe, Estimate(1.0, 1.0, 1, 1)).seconds == 60.0


def test_too_little_memory_is_said_before_the_start() -> None:
    with pytest.raises(MaskwrightError, match=r"needs about 1000000\.0 GB of memory, and [0-9.]+ GB are free"):
        check_memory(Estimate(1.0, 1.0, 10**15, 0), torch.device("cpu"))
    check_memory(Estimate(1.0, 1.0, 1, 0), torch.device("cpu"))
