"""Kills fine-tunes at random moments, and looks whether a checkpoint or the project is damaged.

    python tests/crash/trainer_kills.py --kills 50 [--seed N] [--json]

A small model is fine-tuned on a project of six images, and saves what it needs to go on after every step. The first run
goes to its end. The others get SIGKILL at a moment drawn from its time; whether a new fine-tune begins then or goes on
is up to what the kill left. After each kill the project and the base must be what they were, and what lies in the
folder of rounds must be nothing or a whole round. After the last one a fine-tune must go through. The exit code is 1
where it is not so.
"""

import json
import random
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import torch
from checks import digest, unsound
from command_line import report_of
from samples import accepted_project

from engine.checkpoints import ModelCard, checkpoint_id, load, save
from engine.files import sha256_of
from engine.learning.finished import RESULT_NAME
from engine.nn.zoo import NUCLEI, build

ROOT = Path(__file__).parents[2]
STEPS = 24
SAVES_AT_EVERY_STEP = """
import sys
from engine import verbs
from engine.learning import resuming
resuming.SAVE_SECONDS, resuming.SHARE_FOR_SAVING = 0.0, float("inf")
sys.exit(verbs.main(sys.argv[1:]))
"""
TINY = replace(
    NUCLEI, fpn_channels=16, rpn_channels=16, box_hidden=32, mask_layers=(8,), input_min_side=64, roi_samples=64
)


def main() -> int:
    report = report_of(__doc__ or "", 50, kill_all)
    return 1 if report["faults"] else 0


def kill_all(place: Path, kills: int, seed: int) -> dict[str, object]:
    """Train once to the end, then kill as often as asked; returns the report."""
    generator = random.Random(seed)
    project, base = accepted_project(place), place / "base.safetensors"
    torch.manual_seed(0)
    save(base, build(TINY), ModelCard(name="tiny", spec=TINY))
    before = digest(project), sha256_of(base)
    began = time.monotonic()
    _wait(_start(project, base, place / "whole"))
    length = time.monotonic() - began
    rounds = place / "rounds"
    faults: list[str] = []
    killed = resumed = 0
    while killed < kills:
        process = _start(project, base, rounds / f"round-{len(_whole(rounds)):03d}")
        time.sleep(generator.uniform(0.0, length))
        if process.poll() is None:
            process.kill()
            killed += 1
        told = process.communicate()[0].splitlines()
        first = next((json.loads(line)["step"] for line in told if '"event": "step"' in line), 1)
        resumed += first > 1
        faults += _faults(project, base, rounds, before)
    _wait(_start(project, base, rounds / "last"))
    faults += _faults(project, base, rounds, before)
    if rounds / "last" not in _whole(rounds):
        faults.append("the fine-tune after the kills left no round")
    return {"killed": killed, "went_on": resumed, "whole_rounds": len(_whole(rounds)), "faults": faults}


def _start(project: Path, base: Path, out: Path) -> subprocess.Popen[str]:
    arguments = ["finetune", "--project", str(project), "--weights", str(base), "--out", str(out), "--progress-json"]
    command = [sys.executable, "-c", SAVES_AT_EVERY_STEP, *arguments, "--steps", str(STEPS)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True, cwd=ROOT)


def _wait(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    for _ in process.stdout:  # its stdin stays open: the end of it would stop the fine-tune
        pass
    if process.wait():
        raise RuntimeError("a fine-tune that nobody killed failed")


def _whole(rounds: Path) -> list[Path]:
    """The folders of rounds that lie under their names."""
    return sorted(path for path in rounds.glob("*") if not path.name.startswith(".")) if rounds.is_dir() else []


def _faults(project: Path, base: Path, rounds: Path, before: tuple[str, str]) -> list[str]:
    faults = [] if (digest(project), sha256_of(base)) == before else ["the project or the base is another"]
    damage = unsound(project)
    faults += [damage] if damage else []
    for folder in _whole(rounds):
        result = json.loads((folder / RESULT_NAME).read_text(encoding="utf-8"))
        checkpoint = folder / "model.safetensors"
        load(checkpoint)
        if result["checkpoint_id"] != checkpoint_id(checkpoint):
            faults.append(f"{folder.name} is not the round that its result tells of")
    return faults


if __name__ == "__main__":
    sys.exit(main())
