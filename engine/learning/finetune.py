"""What the fine-tune button and the verb `finetune` run: where the data come from, and where the checkpoint goes."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from engine.checkpoints import checkpoint_id, read_card
from engine.errors import InvalidCheckpoint
from engine.learning.dataset import AnnotatedSet, from_coco, from_project, is_unedited
from engine.learning.finished import next_round_folder
from engine.learning.reporters import Reporter
from engine.learning.rounds import RoundCancelled, RoundResult, Source, Wishes, run_round
from engine.project import CategoryMap, CheckpointReference, Project
from engine.project.category_maps import category_map
from engine.records import InstanceState, Review


def source_from_project(path: Path, weights: Path, out: Path | None = None) -> Source:
    """The accepted images of a project, read from a snapshot, so that edits made meanwhile do not matter.

    It starts from the project's base checkpoint, else from ``weights``; the model to compare with is the project's
    current checkpoint, else the base.

    Raises:
        InvalidProject: the file is not a project.
    """
    with tempfile.TemporaryDirectory(prefix="maskwright-") as folder:
        snapshot = Path(folder) / path.name
        with Project.open(path, read_only=True) as project:
            project.snapshot(snapshot)
        with Project.open(snapshot, read_only=True) as project:
            training, held_out = from_project(project)
            base = _path(project.base_checkpoint(), weights)
            base_names = _names(project, base)
            current = _path(project.current_checkpoint(), base)
            try:
                current_names = _names(project, current)
            except InvalidCheckpoint:
                # Its file is gone: as in the window, the one that rounds start from takes its place.
                current, current_names = base, base_names
            share = unedited_share(project)
    out = out or next_round_folder(path)
    return Source(training, held_out, base, current, out, base_names, current_names, share)


def _names(project: Project, checkpoint: Path) -> CategoryMap:
    """What a checkpoint's categories are called in a project. Raises InvalidCheckpoint where it cannot be read."""
    categories = _categories(checkpoint)
    return project.category_map(checkpoint_id(checkpoint), categories)


def _categories(checkpoint: Path) -> tuple[str, ...]:
    return read_card(checkpoint).spec.categories


def _path(reference: CheckpointReference | None, otherwise: Path) -> Path:
    return reference.path if reference is not None and reference.path is not None else otherwise


def unedited_share(project: Project) -> float | None:
    """The share of accepted hold-out instances that are the model's own output, accepted unedited; None without any."""
    instances = [
        instance
        for image in project.images()
        if image.hold_out and image.review is Review.ACCEPTED
        for instance in project.instances(image.id)
        if instance.state is InstanceState.ACCEPTED
    ]
    if not instances:
        return None
    return sum(map(is_unedited, instances)) / len(instances)


def source_from_coco(coco: Path, images: Path, hold_out_coco: Path | None, weights: Path, out: Path) -> Source:
    """A COCO dataset to train on, and another to measure on."""
    training = from_coco(coco, images)
    held_out = from_coco(hold_out_coco, images) if hold_out_coco else AnnotatedSet(training.categories, ())
    names = category_map(None, _categories(weights), training.categories)
    return Source(training, held_out, weights, weights, out, names, names)


def finetune(
    source: Source, wishes: Wishes, *, reporter: Reporter, cancelled: Callable[[], bool], command: str
) -> RoundResult | None:
    """Run one round on ``source``; None when it was cancelled, and then nothing of it is left.

    Raises:
        MaskwrightError: as ``run_round``.
    """
    try:
        result = run_round(source, wishes, command=command, observer=reporter, cancelled=cancelled)
    except RoundCancelled:
        reporter.cancelled()
        return None
    reporter.finished(result)
    return result
