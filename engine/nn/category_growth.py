"""Teach a model new categories without making it forget the old: its last layers grow by rows."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from engine.nn.detector import MaskRCNN
from engine.nn.zoo import build

ROWS_A_CATEGORY = {"box_head.category": 1, "box_head.deltas": 4, "mask_head.logits": 1}
"""Layers whose outputs are per category, background first, and how many rows of theirs belong to one."""


def extend_categories(model: MaskRCNN, categories: Sequence[str]) -> MaskRCNN:
    """A model that also knows ``categories``; the old ones keep their labels and their weights.

    A new category starts as the mean of the old ones, so that what looks like any known object has a box and a mask
    for it at once. Returns ``model`` itself where nothing is new.
    """
    known = model.spec.categories
    added = tuple(name for name in dict.fromkeys(categories) if name not in known)
    if not added:
        return model
    grown = build(model.spec.with_categories(known + added))
    weights = {
        name: _with_rows(name, tensor, len(known), len(added)) for name, tensor in model.state_dict().items()
    }
    grown.load_state_dict(weights)
    return grown.train(model.training)


def _with_rows(name: str, tensor: Tensor, known: int, added: int) -> Tensor:
    rows = ROWS_A_CATEGORY.get(name.rpartition(".")[0])
    if rows is None:
        return tensor
    by_category = tensor.reshape(known + 1, rows, *tensor.shape[1:])
    mean = by_category[1:].mean(dim=0, keepdim=True)
    return torch.cat([by_category, mean.expand(added, *mean.shape[1:])]).reshape(-1, *tensor.shape[1:])
