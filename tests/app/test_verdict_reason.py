"""Why a verdict is what it is, told from figures and not from the engine's English."""

from pathlib import Path

import pytest

from app.panels.verdict_reason import FEWEST_HELD_OUT, FEWEST_INSTANCES, reason_text
from engine.learning.promotion import SMALLEST_IMAGES, SMALLEST_INSTANCES
from engine.project import Round


def told(**after: object) -> str:
    entry = Round(
        folder=Path("round"),
        checkpoint=Path("round/model.safetensors"),
        checkpoint_id="0",
        base_id=None,
        verdict="cannot tell",
        before={},
        after=after,
        reason="As the engine says it.",
    )
    return reason_text(entry)


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ([0.012, 0.031], "between +0.012 and +0.031 (95 % of resamples)."),
        ([-0.02, -0.01], "between −0.020 and −0.010 (95 % of resamples)."),
        ([-0.0001, 0.04], "between 0.000 and +0.040 (95 % of resamples), which includes no change."),
    ],
)
def test_the_interval_is_told(change: list[float], part: str) -> None:
    said = told(change=change, images=12, instances=340)
    assert said.startswith("On 12 held-out images")
    assert said.endswith(part)


def test_too_small_a_hold_out_and_what_favours_the_old_model_are_told() -> None:
    said = told(change=[-1.0, 1.0], images=3, instances=340, unedited_share=0.25)
    assert "hold-out: 3, instances on them: 340; a verdict needs at least 5 images and 100 instances." in said
    assert said.endswith("25 % of the hold-out instances were accepted unedited, which favours the old model.")
    assert (FEWEST_HELD_OUT, FEWEST_INSTANCES) == (SMALLEST_IMAGES, SMALLEST_INSTANCES)


def test_rounds_of_earlier_versions_say_what_they_kept() -> None:
    assert told(images=3) == "As the engine says it."
