"""What a fine-tune trains, and why: the heads alone, or the whole model. Knows no torch: the window says it, too."""

from __future__ import annotations

from enum import StrEnum

from engine.learning.recipe import Recipe, Scope

MANY_IMAGES = 4
"""From here on the whole model is worth its time, on a processor too: on mushrooms, which the bundled model never saw,
four accepted images bring it to mask AP 0.77. After two images it comes to 0.76 and the heads alone to 0.74, in a
quarter of the time, which counts most at the start."""

STEPS = {Scope.HEADS: (60, 20), Scope.WHOLE: (60, 10)}
"""Steps of a run, and further ones for each image: an image is seen some dozens of times."""
MOST_STEPS = 240
"""More no longer pays the wait."""
LEARNING_RATE = {Scope.HEADS: 1e-3, Scope.WHOLE: 4e-4}
"""Heads on features that stay as they are bear more. On ten mushroom images they reach mask AP 0.74 by it, and 0.71 at
a fifth of it."""
ROI_SAMPLES = {Scope.HEADS: 64, Scope.WHOLE: None}
"""RoIs of a crop, None for as many as the model's description says: they are what a step of the heads costs."""

VIEWS = 320
"""Crops that the frozen trunk sees at most, 1 MB of disk each for the bundled model: more than a run reads twice."""
VIEWS_AN_IMAGE = 24


STEP_COST = {Scope.HEADS: 0.5, Scope.WHOLE: 2.5}
VIEW_COST = 0.15
"""What a step and a crop through the trunk take, against the detection of one image of 640 x 640 pixels by the same
model: of the bundled one 0.3 and 1.5 s, and 0.08 s, against 0.6 s on two cores."""


class Choice(StrEnum):
    """Why a scope was chosen."""

    FEW_IMAGES = "few images"
    MANY_IMAGES = "many images"
    GPU = "a GPU"
    ASKED = "asked for"


def choose_scope(images: int, *, gpu: bool, asked: Scope | None = None) -> tuple[Scope, Choice]:
    """What to train on a number of accepted images, and why."""
    if asked is not None:
        return asked, Choice.ASKED
    if gpu:
        return Scope.WHOLE, Choice.GPU
    return (Scope.WHOLE, Choice.MANY_IMAGES) if images >= MANY_IMAGES else (Scope.HEADS, Choice.FEW_IMAGES)


def recipe_for(images: int, scope: Scope, *, steps: int | None = None, seed: int = 0) -> Recipe:
    """The fine-tuning recipe for a number of accepted images; ``steps`` where somebody asked for so many."""
    first, further = STEPS[scope]
    count = steps or min(MOST_STEPS, first + further * images)
    crops = Recipe(steps=count).crops_per_step * count
    return Recipe(
        steps=count,
        scope=scope,
        warmup_steps=max(1, count // 10),
        learning_rate=LEARNING_RATE[scope],
        views_per_image=max(1, min(VIEWS_AN_IMAGE, VIEWS // max(1, images), 2 * crops // max(1, images))),
        roi_samples=ROI_SAMPLES[scope],
        seed=seed,
    )


def rough_seconds(recipe: Recipe, images: int, held_out: int, image_seconds: float) -> float:
    """What a round will take on a processor that detects one image of 640 x 640 pixels in ``image_seconds``. A guess to
    decide by; `engine.learning.estimate` measures."""
    views = images * recipe.views_per_image if recipe.scope is Scope.HEADS else 0
    return image_seconds * (recipe.steps * STEP_COST[recipe.scope] + views * VIEW_COST + 2 * held_out)


def why(scope: Scope, choice: Choice) -> str:
    """The choice in words, for a terminal."""
    what = "The heads alone are trained" if scope is Scope.HEADS else "The whole model is trained"
    reasons = {
        Choice.FEW_IMAGES: f"fewer than {MANY_IMAGES} images are not worth the time that a trunk takes",
        Choice.MANY_IMAGES: f"{MANY_IMAGES} images and more are worth it",
        Choice.GPU: "there is a GPU",
        Choice.ASKED: "as asked for",
    }
    return f"{what}: {reasons[choice]}."
