"""How a fine-tune tells a person, or the window, how it goes."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Protocol

from engine.errors import MaskwrightError
from engine.learning.choosing import why
from engine.learning.evaluation import Evaluation
from engine.learning.rounds import Plan, RoundObserver, RoundResult
from engine.learning.summary import figure
from engine.learning.trainer import Step
from engine.reporting import Advance, counted, emit, progress_bar, say


class Reporter(RoundObserver, Protocol):
    """Tells a person, or the window, how a fine-tune goes."""

    def finished(self, result: RoundResult) -> None: ...
    def failed(self, error: MaskwrightError) -> None: ...
    def cancelled(self) -> None: ...


class JsonReporter:
    """One JSON object a line on stdout."""

    def started(self, plan: Plan) -> None:
        emit(
            {
                "event": "started",
                "steps": plan.recipe.steps,
                "images": len(plan.training.images),
                "hold_out": len(plan.held_out.images),
                "scope": plan.recipe.scope,
                "choice": plan.choice,
                "seconds": plan.expected.seconds,
                "memory": plan.expected.memory,
                "disk": plan.expected.disk,
            }
        )

    def view(self, done: int, total: int) -> None:
        emit({"event": "view", "done": done, "total": total})

    def step(self, step: Step) -> None:
        emit(
            {
                "event": "step",
                "step": step.step,
                "steps": step.steps,
                "loss": step.loss,
                "losses": step.losses,
                "seconds_left": step.seconds_left,
            }
        )

    def evaluated(self, step: int, evaluation: Evaluation) -> None:
        emit({"event": "evaluated", "step": step, "mask_AP50": evaluation.mask.AP50})

    def finished(self, result: RoundResult) -> None:
        emit({"event": "finished", **result.to_dict()})

    def failed(self, error: MaskwrightError) -> None:
        emit({"event": "failed", "message": error.message, "remedy": error.remedy})

    def cancelled(self) -> None:
        emit({"event": "cancelled"})


class BarReporter:
    """A progress bar and words on stderr."""

    def __init__(self) -> None:
        self._bar = ExitStack()
        self._advance: Advance | None = None
        self._has_stepped = False

    def started(self, plan: Plan) -> None:
        images, held_out = (counted(len(each.images), "image") for each in (plan.training, plan.held_out))
        say(f"Training on {images} with {counted(plan.training.instances, 'instance')}, {held_out} held out.")
        both = {image.path for image in plan.training.images} & {image.path for image in plan.held_out.images}
        if both:
            say(f"Note: learned from and held out at once, so that the figures flatter: images {len(both)}.")
        say(why(plan.recipe.scope, plan.choice))
        expected = plan.expected
        seconds = expected.seconds
        time = f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
        say(f"About {time} and {expected.memory / 1e9:.1f} GB of memory.")
        self._advance = self._bar.enter_context(progress_bar("Fine-tuning"))

    def view(self, done: int, total: int) -> None:
        if self._advance is not None:
            self._advance(0, 1, f"{done} of {total} crops through the trunk")

    def step(self, step: Step) -> None:
        if step.step > 1 and not self._has_stepped:
            say(f"A training that was cut off goes on at step {step.step}.")
        self._has_stepped = True
        if self._advance is not None:
            self._advance(step.step, step.steps, f"loss {step.loss:.3f}")

    def evaluated(self, step: int, evaluation: Evaluation) -> None:
        if step:
            self._bar.close()
        mask = evaluation.mask
        say(f"Hold-out after {counted(step, 'step')}: mask AP50 {figure(mask.AP50)}, mask AP {figure(mask.AP)}")

    def finished(self, result: RoundResult) -> None:
        say(f"Verdict: {result.comparison.verdict}. {result.comparison.reason}")
        say(f"Checkpoint: {result.checkpoint}")

    def failed(self, error: MaskwrightError) -> None:
        self._bar.close()

    def cancelled(self) -> None:
        self._bar.close()
        say("Stopped; the model before is kept.")
