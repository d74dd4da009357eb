"""A fine-tune as the window runs it: a process that tells how it goes, stops when asked, and leaves the rest alone."""

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine import verbs
from engine.checkpoints import checkpoint_id, load, read_card, save
from engine.files import sha256_of
from engine.formats.coco import import_coco
from engine.learning.finetune import source_from_project
from engine.learning.resuming import STATE_NAME
from engine.learning.worse import read_worse
from engine.project import CheckpointReference, Project
from engine.records import Review
from engine.resources import BUNDLED_WEIGHTS
from engine.synthetic import write_dataset

ROOT = Path(__file__).resolve().parents[3]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def accepted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of seven small drawn images, all accepted with their exact masks, two of them held out."""
    folder = tmp_path_factory.mktemp("accepted")
    annotations = write_dataset(folder, 7, seed=81, size=(128, 96))
    with Project.create(folder / "cells.maskwright") as project:
        import_coco(project, annotations, folder / "images", accept_images=True)
        held_out = sum(image.hold_out for image in project.images())
        assert held_out == 2
    return folder / "cells.maskwright"


def start(project: Path, out: Path, steps: int) -> subprocess.Popen[str]:
    program = [sys.executable, str(ROOT / "main.py"), "finetune", "--project", str(project), "--out", str(out)]
    pipe = subprocess.PIPE
    arguments = [*program, "--steps", str(steps), "--scope", "heads", "--progress-json"]
    return subprocess.Popen(arguments, stdin=pipe, stdout=pipe, stderr=pipe, text=True, env={**os.environ})


def first_step(process: subprocess.Popen[str]) -> int:
    assert process.stdout is not None
    for line in process.stdout:
        event = json.loads(line)
        if event["event"] == "step":
            return int(event["step"])
    raise AssertionError(process.stderr.read() if process.stderr else "")


def test_a_round_tells_each_step_and_leaves_a_checkpoint_and_both_figures(accepted: Path, tmp_path: Path) -> None:
    before = sha256_of(BUNDLED_WEIGHTS), sha256_of(accepted)
    process = start(accepted, tmp_path / "round", steps=3)
    assert process.stdout is not None
    events: list[dict[str, Any]] = [json.loads(line) for line in process.stdout]
    assert process.wait(60) == 0
    kinds = [event["event"] for event in events]
    views = kinds.count("view")
    assert views > 0
    assert kinds == ["started", "evaluated", *["view"] * views, *["step"] * 3, "evaluated", "finished"]
    started, last = events[0], events[-1]
    assert started["images"] + started["hold_out"] == 7
    assert (started["scope"], started["choice"]) == ("heads", "asked for")
    steps = [event for event in events if event["event"] == "step"]
    assert [event["step"] for event in steps] == [1, 2, 3]
    assert all(event["loss"] == pytest.approx(sum(event["losses"].values())) for event in steps)
    assert 0 < last["took"]["memory"] < 1.5 * started["memory"]
    assert last["verdict"] == "cannot tell"  # too few held-out images
    assert last["before"]["images"] == last["after"]["images"] == started["hold_out"]
    assert events[1]["mask_AP50"] == last["before"]["mask"]["AP50"]
    checkpoint = Path(last["checkpoint"])
    assert checkpoint.parent == tmp_path / "round"
    assert checkpoint_id(checkpoint) == last["checkpoint_id"] != checkpoint_id(BUNDLED_WEIGHTS)
    assert read_card(checkpoint).parent == checkpoint_id(BUNDLED_WEIGHTS)
    assert json.loads((checkpoint.parent / "result.json").read_text())["verdict"] == last["verdict"]
    assert last["after"]["labeler"].keys() >= {"accepted_unedited", "found", "seconds_an_instance"}
    worse = read_worse(checkpoint.parent)
    assert worse is not None
    assert [each.figures() for each in worse] == last["worse_images"]
    assert (sha256_of(BUNDLED_WEIGHTS), sha256_of(accepted)) == before


def test_a_round_that_is_stopped_ends_soon_and_leaves_nothing(accepted: Path, tmp_path: Path) -> None:
    process = start(accepted, tmp_path / "round", steps=500)
    first_step(process)
    output, errors = process.communicate("cancel\n", timeout=60)
    assert process.returncode == verbs.STOPPED, errors
    assert json.loads(output.splitlines()[-1]) == {"event": "cancelled"}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("how", ["its window is gone", "the system ends", "it is killed"])
def test_a_round_that_was_cut_off_goes_on_where_it_was(accepted: Path, tmp_path: Path, how: str) -> None:
    process = start(accepted, tmp_path / "round", steps=500)
    first_step(process)
    state = tmp_path / ".round.training" / STATE_NAME
    deadline = time.monotonic() + 60
    while not state.exists():
        assert time.monotonic() < deadline
        time.sleep(0.1)
    if how == "it is killed":
        process.kill()
    elif how == "the system ends":
        process.terminate()
    process.communicate(timeout=60)  # closes stdin
    assert [path.name for path in tmp_path.iterdir()] == [".round.training"]
    again = start(accepted, tmp_path / "round", steps=500)
    assert first_step(again) > 1
    again.communicate("cancel\n", timeout=60)
    assert list(tmp_path.iterdir()) == []


def test_every_round_starts_from_the_base_and_is_compared_with_what_predicts(accepted: Path, tmp_path: Path) -> None:
    project_file = shutil.copy(accepted, tmp_path / "copy.maskwright")
    other = tmp_path / "other.safetensors"
    model, card = load(BUNDLED_WEIGHTS)
    save(other, model, replace(card, name="another"))
    with Project.open(project_file) as project:
        project.set_current_checkpoint(checkpoint_id(other), other)
    source = source_from_project(Path(project_file), BUNDLED_WEIGHTS)
    assert (source.base, source.current) == (BUNDLED_WEIGHTS, other)
    with Project.open(project_file) as project:
        project.set_base_checkpoint(CheckpointReference(checkpoint_id(other), other))
        project.set_current_checkpoint(checkpoint_id(BUNDLED_WEIGHTS), BUNDLED_WEIGHTS)
    source = source_from_project(Path(project_file), BUNDLED_WEIGHTS)
    assert (source.base, source.current) == (other, BUNDLED_WEIGHTS)


def test_held_out_images_are_never_trained_on(accepted: Path) -> None:
    with Project.open(accepted, read_only=True) as project:
        held_out = {project.image_path(image) for image in project.images() if image.hold_out}
        others = {project.image_path(image) for image in project.images()} - held_out
    source = source_from_project(accepted, BUNDLED_WEIGHTS)
    assert {image.path for image in source.training.images} == others
    assert {image.path for image in source.held_out.images} == held_out


def test_a_project_without_an_accepted_image_is_told_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "cells.maskwright"
    annotations = write_dataset(tmp_path, 2, seed=80, size=(64, 64))
    with Project.create(path) as project:
        import_coco(project, annotations, tmp_path / "images")
        assert {image.review for image in project.images()} == {Review.OPEN}
    assert verbs.main(["finetune", "--project", str(path)]) == 2
    assert "Accept" in capsys.readouterr().err
    assert not path.with_suffix(".rounds").exists()


def test_an_accepted_image_that_is_gone_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "cells.maskwright"
    annotations = write_dataset(tmp_path, 3, seed=80, size=(64, 64))
    with Project.create(path) as project:
        import_coco(project, annotations, tmp_path / "images", accept_images=True)
        gone = [project.image_path(image) for image in project.images() if not image.hold_out]
    for image in gone:
        image.unlink()
    assert verbs.main(["finetune", "--project", str(path), "--steps", "2"]) == 2
    error = capsys.readouterr().err
    assert any(image.name in error for image in gone)
    assert not path.with_suffix(".rounds").exists()
