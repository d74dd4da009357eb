"""What a fine-tune trains, why, and what it takes, in words."""

from pathlib import Path

from app.jobs.rounds import RoundProgress
from app.models_list import id_of
from app.translation import number, tr
from engine.checkpoints.speeds import speeds_of
from engine.learning.choosing import MANY_IMAGES, Choice, choose_scope, recipe_for, rough_seconds
from engine.learning.recipe import Scope

GB = 1e9
PROCESSOR = "CPU"  # what a speed is kept under that no GPU had a part in


def before_words(images: int, held_out: int, checkpoint: Path | None) -> str:
    """What will be trained on a number of accepted images and how long that takes, as far as this machine is known."""
    speeds = speeds_of(id_of(checkpoint)) if checkpoint is not None else {}
    scope, choice = choose_scope(images, gpu=any(device != PROCESSOR for device in speeds))
    words = _scope_words(scope, choice)
    if choice is Choice.GPU or PROCESSOR not in speeds:
        return words
    seconds = rough_seconds(recipe_for(images, scope), images, held_out, speeds[PROCESSOR])
    return f"{words} {tr('It takes about {minutes} min.', minutes=_minutes(seconds))}"


def plan_words(progress: RoundProgress) -> str:
    """What the running round trains and why, and what it was estimated to take."""
    if progress.scope is None or progress.choice is None:
        return ""
    words = _scope_words(progress.scope, progress.choice)
    if progress.seconds and progress.memory:
        minutes, memory = _minutes(progress.seconds), number(progress.memory / GB, 1)
        words += " " + tr("About {minutes} min in all, {memory} GB of memory.", minutes=minutes, memory=memory)
    return words


def _minutes(seconds: float) -> str:
    return number(max(1, round(seconds / 60)))


def _scope_words(scope: Scope, choice: Choice) -> str:
    match choice:
        case Choice.FEW_IMAGES:
            return tr(
                "Only the heads are trained: fewer than {count} images are not worth the time of the whole model.",
                count=MANY_IMAGES,
            )
        case Choice.MANY_IMAGES:
            return tr("The whole model is trained: {count} images and more are worth the time.", count=MANY_IMAGES)
        case Choice.GPU:
            return tr("The whole model is trained, on the GPU.")
        case Choice.ASKED:
            return tr("Only the heads are trained.") if scope is Scope.HEADS else tr("The whole model is trained.")
