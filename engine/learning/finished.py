"""A round on disk: where it lies, how it is kept, how it is known to be complete, and how a project takes it over.

Nothing here needs torch, because the window reads it too: also what a trainer finished after its window was gone.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engine.checkpoints import checkpoint_id, read_card
from engine.errors import InvalidCheckpoint
from engine.files import atomic_write, clear_leftovers, is_in_use, new_folder
from engine.learning.worse import WORSE_NAME, WorseImage, worse_document
from engine.project import CheckpointReference, Project, Round

CHECKPOINT_NAME = "model.safetensors"
RESULT_NAME = "result.json"
STATE_NAME = "state.pt"
SEED_NAME = "seed.txt"
BETTER = "better"


def next_round_folder(project_path: Path) -> Path:
    """The first free folder `round-NNN` in the project's `.rounds` folder."""
    rounds = project_path.with_suffix(".rounds")
    number = 1
    while (rounds / f"round-{number:03d}").exists():
        number += 1
    return rounds / f"round-{number:03d}"


def training_folder(out: Path) -> Path:
    """Beside `out`, which a training makes, while it runs: what a kill leaves, and the next attempt goes on from."""
    return out.with_name(f".{out.name}.training")


def is_training(project_path: Path) -> bool:
    """Whether a process is at work on a project's next round."""
    return is_in_use(training_folder(next_round_folder(project_path)))


def cut_off_seed(project_path: Path) -> int | None:
    """The seed of a project's last round where its training was cut off: a round with that seed goes on from there.
    None where there is nothing to go on from, or a process is at it."""
    folder = training_folder(next_round_folder(project_path))
    if not (folder / STATE_NAME).is_file() or is_training(project_path):
        return None
    try:
        return int((folder / SEED_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return 0


def forget_cut_off(project_path: Path) -> None:
    """Remove what a training that was cut off left to go on from."""
    folder = training_folder(next_round_folder(project_path))
    shutil.rmtree(folder, ignore_errors=True)
    with contextlib.suppress(OSError):  # there are other rounds
        folder.parent.rmdir()


def keep_round(
    folder: Path, save: Callable[[Path], None], findings: Mapping[str, object], worse: Sequence[WorseImage] = ()
) -> None:
    """Write a round's folder: the checkpoint, which `save` writes, the images that got `worse`, and the result, whose
    `findings` are JSON values.

    A new folder gets its name when it is complete. Raises MaskwrightError, in words; no half round is left then.
    """
    with new_folder(folder) as place:
        _fill(place, folder, save, findings, worse)


def round_of(result: Mapping[str, Any], checkpoint: Path) -> Round:
    """The round that a trainer's result is about. Raises InvalidCheckpoint, and KeyError where something is missing."""
    return Round(
        folder=checkpoint.parent,
        checkpoint=checkpoint,
        checkpoint_id=result["checkpoint_id"],
        base_id=read_card(checkpoint).parent,
        verdict=result["verdict"],
        before=result["before"],
        after=result["after"],
        reason=_reason(result),
    )


def unregistered_rounds(project: Project) -> list[Round]:
    """The complete rounds in the project's folder that it does not know, oldest first; never half of one."""
    if not project.rounds_folder.is_dir():
        return []
    clear_leftovers(project.rounds_folder)
    known = project.rounds()
    folders, ids = {entry.folder for entry in known}, {entry.checkpoint_id for entry in known}
    found = [_complete(path) for path in project.rounds_folder.iterdir() if path not in folders]
    fresh = [entry for entry in found if entry is not None and entry.checkpoint_id not in ids]
    return sorted(fresh, key=lambda entry: entry.created)


def register(project: Project, entry: Round, *, promote: bool) -> Round:
    """Let the project keep a round; with `promote` its checkpoint predicts from now on, in the same transaction."""
    current = CheckpointReference(entry.checkpoint_id, entry.checkpoint) if promote else None
    return project.register_checkpoint(replace(entry, promoted=promote), current=current)


def _fill(
    place: Path,
    folder: Path,
    save: Callable[[Path], None],
    findings: Mapping[str, object],
    worse: Sequence[WorseImage],
) -> None:
    """Write to `place` what is to be found in `folder`."""
    checkpoint = place / CHECKPOINT_NAME
    save(checkpoint)
    named = {"checkpoint": str(folder / CHECKPOINT_NAME), "checkpoint_id": checkpoint_id(checkpoint)}
    with atomic_write(place / WORSE_NAME) as temporary:
        temporary.write_text(json.dumps(worse_document(worse, folder)), encoding="utf-8")
    # Last, because it says that the round is complete.
    with atomic_write(place / RESULT_NAME) as temporary:
        temporary.write_text(json.dumps({**named, **findings}, indent=2), encoding="utf-8")


def _complete(folder: Path) -> Round | None:
    """The round in a folder; None where the result is missing or not that of the checkpoint beside it."""
    checkpoint, told = folder / CHECKPOINT_NAME, folder / RESULT_NAME
    try:
        result = json.loads(told.read_text(encoding="utf-8"))
        if result["checkpoint_id"] != checkpoint_id(checkpoint):
            return None
        return replace(round_of(result, checkpoint), created=datetime.fromtimestamp(told.stat().st_mtime, UTC))
    except (OSError, ValueError, KeyError, TypeError, InvalidCheckpoint):
        return None


def _reason(result: Mapping[str, Any]) -> str:
    """Why the verdict is what it is, and how much of the hold-out is the old model's own output."""
    reason = str(result.get("reason", ""))
    share = result.get("unedited_share")
    if share:
        reason += f" {share:.0%} of the hold-out instances were accepted unedited, which favours the old model."
    return reason.strip()
