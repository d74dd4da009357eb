"""What a fine-tune will train, why and how long that takes, as the panel says it."""

from pathlib import Path

import pytest

from app.jobs.rounds import RoundProgress
from app.models_list import id_of
from app.panels.round_plan import before_words, plan_words
from engine.checkpoints.speeds import keep_speed
from engine.learning.choosing import Choice
from engine.learning.recipe import Scope
from engine.resources import BUNDLED_WEIGHTS


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MASKWRIGHT_HOME", str(tmp_path))


def test_before_the_machine_is_known_no_time_is_made_up() -> None:
    assert before_words(3, 5, BUNDLED_WEIGHTS).startswith("Only the heads are trained: fewer than 4 images")
    assert "min" not in before_words(3, 5, BUNDLED_WEIGHTS)
    assert before_words(4, 5, None).startswith("The whole model is trained: 4 images and more")


def test_a_slower_machine_takes_longer_and_a_gpu_trains_the_whole_model() -> None:
    keep_speed(id_of(BUNDLED_WEIGHTS), "CPU", 0.6)
    assert before_words(10, 5, BUNDLED_WEIGHTS).endswith("It takes about 4 min.")
    keep_speed(id_of(BUNDLED_WEIGHTS), "CPU", 1.2)
    assert before_words(10, 5, BUNDLED_WEIGHTS).endswith("It takes about 8 min.")
    keep_speed(id_of(BUNDLED_WEIGHTS), "NVIDIA H200", 0.02)
    assert before_words(2, 5, BUNDLED_WEIGHTS) == "The whole model is trained, on the GPU."


def test_a_running_round_says_what_was_measured() -> None:
    progress = RoundProgress(scope=Scope.HEADS, choice=Choice.ASKED, seconds=130.0, memory=1_200_000_000)
    assert plan_words(progress) == "Only the heads are trained. About 2 min in all, 1.2 GB of memory."
    assert plan_words(RoundProgress()) == ""
