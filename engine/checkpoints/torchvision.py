"""Weights of torchvision's `maskrcnn_resnet50_fpn` (first version, and models fine-tuned from it) as checkpoints.

torchvision renamed some layers in 2022 and renames files from before when it loads them; here both are read.
"""

from __future__ import annotations

import pickle
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from engine.checkpoints.card import ModelCard
from engine.checkpoints.store import load_weights
from engine.errors import InvalidCheckpoint
from engine.nn.detector import MaskRCNN
from engine.nn.spec import Convention
from engine.nn.zoo import R50_FPN_COCO, TORCHVISION, build

NAMES = (
    (r"backbone\.body\.(.+)", r"trunk.\1"),
    (r"backbone\.fpn\.inner_blocks\.(\d)(?:\.0)?\.(weight|bias)", r"fpn.lateral.\1.\2"),
    (r"backbone\.fpn\.layer_blocks\.(\d)(?:\.0)?\.(weight|bias)", r"fpn.output.\1.\2"),
    (r"rpn\.head\.conv(?:\.0\.0)?\.(weight|bias)", r"rpn.conv.\1"),
    (r"rpn\.head\.cls_logits\.(.+)", r"rpn.objectness.\1"),
    (r"rpn\.head\.bbox_pred\.(.+)", r"rpn.deltas.\1"),
    (r"roi_heads\.box_head\.fc6\.(.+)", r"box_head.fc1.\1"),
    (r"roi_heads\.box_head\.fc7\.(.+)", r"box_head.fc2.\1"),
    (r"roi_heads\.box_predictor\.cls_score\.(.+)", r"box_head.category.\1"),
    (r"roi_heads\.box_predictor\.bbox_pred\.(.+)", r"box_head.deltas.\1"),
    (r"roi_heads\.mask_head\.(\d)\.0\.(.+)", r"mask_head.convs.\1.\2"),
    (r"roi_heads\.mask_predictor\.conv5_mask\.(.+)", r"mask_head.deconv.\1"),
    (r"roi_heads\.mask_predictor\.mask_fcn_logits\.(.+)", r"mask_head.logits.\1"),
)
OLD_MASK_LAYER = re.compile(r"roi_heads\.mask_head\.mask_fcn(\d)\.(.+)")
"""Counted from 1, where the newer names count from 0."""
CATEGORY_WEIGHT = "box_head.category.weight"

FAMILY = "Only torchvision's maskrcnn_resnet50_fpn of the first version is understood."


def read_state_dict(path: str | Path) -> dict[str, Tensor]:
    """The tensors of a `.pth` file. Only tensors are unpickled, so the file cannot run code.

    Raises:
        InvalidCheckpoint: the file cannot be read or holds anything else.
    """
    path = Path(path)
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise InvalidCheckpoint(f"{path.name} holds no tensors that can be read.", remedy=FAMILY) from error
    if isinstance(state, dict) and isinstance(state.get("model"), dict):
        state = state["model"]  # torchvision's training script keeps the optimizer beside it
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise InvalidCheckpoint(f"{path.name} is no plain state dict of tensors.", remedy=FAMILY)
    return dict(state)


def convert(
    state: Mapping[str, Tensor],
    *,
    categories: Sequence[str] | None = None,
    convention: Convention = TORCHVISION,
    source: str = "The state dict",
) -> tuple[MaskRCNN, ModelCard]:
    """
    Args:
        state: torchvision's names and tensors.
        categories: foreground names in the order of the logits; None for COCO's 90.
        convention: the published weights'. A model trained by `weights=None` has `norm_eps` 1e-5 instead.
        source: the file's name for messages.

    Returns:
        The model in evaluation mode and a card that says where it comes from, with room for licence and data.

    Raises:
        InvalidCheckpoint: the weights are another model's, or `categories` does not fit them.
    """
    tensors = {
        _renamed(name, source): tensor for name, tensor in state.items() if not name.endswith(".num_batches_tracked")
    }
    names = tuple(R50_FPN_COCO.categories if categories is None else categories)
    outputs = len(tensors[CATEGORY_WEIGHT]) if CATEGORY_WEIGHT in tensors else len(names) + 1
    if outputs != len(names) + 1:
        raise InvalidCheckpoint(
            f"{source} has {outputs - 1} categories and background, but {len(names)} names were given.",
            remedy="Give one name for each category, in the order of the model's outputs.",
        )
    spec = replace(R50_FPN_COCO, categories=names, convention=convention)
    model = build(spec)
    load_weights(model, tensors, source)
    card = ModelCard(name=spec.name, spec=spec, notes=f"Converted from torchvision's maskrcnn_resnet50_fpn ({source}).")
    return model.to(memory_format=torch.channels_last).eval(), card


def _renamed(name: str, source: str) -> str:
    old = OLD_MASK_LAYER.fullmatch(name)
    if old:
        return f"mask_head.convs.{int(old[1]) - 1}.{old[2]}"
    for theirs, ours in NAMES:
        match = re.fullmatch(theirs, name)
        if match:
            return match.expand(ours)
    raise InvalidCheckpoint(f"{source} has a tensor {name} that does not belong to this model.", remedy=FAMILY)
