"""What a fine-tune trains, why, and what it takes, in words."""

from app.jobs.rounds import RoundProgress
from app.translation import number, tr
from engine.learning.choosing import MANY_IMAGES, Choice, choose_scope
from engine.learning.recipe import Scope

GB = 1e9


def before_words(images: int) -> str:
    """What will be trained on a number of accepted images, as far as it is known before the start: a GPU is not."""
    return _scope_words(*choose_scope(images, gpu=False))


def plan_words(progress: RoundProgress) -> str:
    """What the running round trains and why, and what it was estimated to take."""
    if progress.scope is None or progress.choice is None:
        return ""
    words = _scope_words(progress.scope, progress.choice)
    if progress.seconds and progress.memory:
        minutes = number(max(1, round(progress.seconds / 60)))
        memory = number(progress.memory / GB, 1)
        words += " " + tr("About {minutes} min in all, {memory} GB of memory.", minutes=minutes, memory=memory)
    return words


def _scope_words(scope: Scope, choice: Choice) -> str:
    match choice:
        case Choice.FEW_IMAGES:
            return tr(
                "Only the heads are trained: fewer than {count} images the trunk would learn by heart.",
                count=MANY_IMAGES,
            )
        case Choice.MANY_IMAGES:
            return tr("The whole model is trained: {count} images and more are worth the time.", count=MANY_IMAGES)
        case Choice.GPU:
            return tr("The whole model is trained, on the GPU.")
        case Choice.ASKED:
            return tr("Only the heads are trained.") if scope is Scope.HEADS else tr("The whole model is trained.")
