"""The model that a project's rounds train from: a checkpoint that knows the project's categories and no others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from engine.checkpoints.card import ModelCard, checkpoint_id
from engine.checkpoints.store import load
from engine.nn.detector import MaskRCNN
from engine.nn.zoo import with_mapped_categories
from engine.project import CategoryMap


def base_for_project(
    base_checkpoint: Path, names: CategoryMap, project_categories: Sequence[str]
) -> tuple[MaskRCNN, ModelCard]:
    """A checkpoint as a base for training on a project.

    Args:
        base_checkpoint: of any categories.
        names: what its categories are called in the project, from `Project.category_map`.
        project_categories: what the model is to know, in this order.

    Returns:
        The model in evaluation mode, each category started from those that it is called after, from the mean of all
        where there is none; and its card, whose parent is the checkpoint.

    Raises:
        InvalidCheckpoint: the checkpoint cannot be loaded.
    """
    model, card = load(base_checkpoint)
    known = [name for name in names.targets if name in model.spec.categories]
    sources = CategoryMap({name: names.targets[name] for name in known}).sources(project_categories)
    mapped = with_mapped_categories(model, sources)
    return mapped, replace(card, spec=mapped.spec, parent=checkpoint_id(base_checkpoint))
