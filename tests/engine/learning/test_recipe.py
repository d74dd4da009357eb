"""The schedule of a training run: warm-up, cosine, and a limit in seconds that is kept."""

import pytest

from engine.learning.recipe import Recipe


def test_the_learning_rate_warms_up_and_ends_near_zero():
    recipe = Recipe(steps=100, warmup_steps=10)
    factors = [recipe.learning_rate_factor(step) for step in range(100)]
    assert factors[0] == pytest.approx(0.1)
    assert max(factors) == pytest.approx(1.0)
    assert factors[:10] == sorted(factors[:10])
    assert factors[10:] == sorted(factors[10:], reverse=True)
    assert factors[-1] < 0.01


def test_a_slow_machine_sees_the_learning_rate_fall_sooner_and_the_run_end_in_time():
    recipe = Recipe(steps=100, warmup_steps=10, seconds=50.0)
    assert recipe.learning_rate_factor(30, elapsed=10.0) == recipe.learning_rate_factor(30)
    assert recipe.learning_rate_factor(30, elapsed=45.0) < 0.1
    assert recipe.progress(30, elapsed=50.0) == 1.0


def test_a_run_of_fewer_steps_than_its_warm_up_has_a_rate_at_every_step():
    recipe = Recipe(steps=3, warmup_steps=50)
    assert [recipe.learning_rate_factor(step) for step in range(3)] == pytest.approx([0.02, 0.04, 0.06])
