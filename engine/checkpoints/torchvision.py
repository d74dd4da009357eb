"""Weights of torchvision's `maskrcnn_resnet50_fpn`, its `_v2`, and models fine-tuned from them, as checkpoints.

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
from engine.checkpoints.store import COUNTER, load_weights
from engine.checkpoints.torchvision_names import their_name
from engine.errors import InvalidCheckpoint
from engine.nn.detector import MaskRCNN
from engine.nn.spec import Convention
from engine.nn.zoo import R50_FPN_COCO, R50_FPN_V2_COCO, build

OLD_NAMES = (
    (re.compile(r"(backbone\.fpn\.(?:inner|layer)_blocks\.\d)\.(weight|bias)"), r"\1.0.\2"),
    (re.compile(r"rpn\.head\.conv\.(weight|bias)"), r"rpn.head.conv.0.0.\1"),
)
"""What layers are called in files from before 2022, and since."""
OLD_MASK_LAYER = re.compile(r"roi_heads\.mask_head\.mask_fcn(\d)\.(.+)")
"""Counted from 1, where the newer names count from 0."""
CATEGORY_WEIGHT = "roi_heads.box_predictor.cls_score.weight"
ONLY_SECOND_VERSION = "rpn.head.conv.1.0.weight"

FAMILY = "Only torchvision's maskrcnn_resnet50_fpn and maskrcnn_resnet50_fpn_v2 are understood."


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
    convention: Convention | None = None,
    source: str = "The state dict",
) -> tuple[MaskRCNN, ModelCard]:
    """
    Args:
        state: torchvision's names and tensors, of either version.
        categories: foreground names in the order of the logits; None for COCO's 90.
        convention: None for the published weights'. A first version trained by `weights=None` has `norm_eps` 1e-5
            instead.
        source: the file's name for messages.

    Returns:
        The model in evaluation mode and a card that says where it comes from, with room for licence and data.

    Raises:
        InvalidCheckpoint: the weights are another model's, or `categories` does not fit them.
    """
    state = {_renewed(name): tensor for name, tensor in state.items() if not name.endswith(COUNTER)}
    second = ONLY_SECOND_VERSION in state
    spec = R50_FPN_V2_COCO if second else R50_FPN_COCO
    names = tuple(spec.categories if categories is None else categories)
    outputs = len(state[CATEGORY_WEIGHT]) if CATEGORY_WEIGHT in state else len(names) + 1
    if outputs != len(names) + 1:
        raise InvalidCheckpoint(
            f"{source} has {outputs - 1} categories and background, but {len(names)} names were given.",
            remedy="Give one name for each category, in the order of the model's outputs.",
        )
    spec = replace(spec, categories=names, convention=convention or spec.convention)
    model = build(spec)
    ours = {their_name(name, spec): name for name in model.state_dict()}
    strange = next((name for name in state if name not in ours), None)
    if strange is not None:
        raise InvalidCheckpoint(f"{source} has a tensor {strange} that does not belong to this model.", remedy=FAMILY)
    load_weights(model, {ours[name]: tensor for name, tensor in state.items()}, source)
    builder = "maskrcnn_resnet50_fpn_v2" if second else "maskrcnn_resnet50_fpn"
    card = ModelCard(name=spec.name, spec=spec, notes=f"Converted from torchvision's {builder} ({source}).")
    return model.to(memory_format=torch.channels_last).eval(), card


def _renewed(name: str) -> str:
    """The name of a layer in torchvision since 2022."""
    mask_layer = OLD_MASK_LAYER.fullmatch(name)
    if mask_layer:
        return f"roi_heads.mask_head.{int(mask_layer[1]) - 1}.0.{mask_layer[2]}"
    for old, new in OLD_NAMES:
        name = old.sub(new, name) if old.fullmatch(name) else name
    return name
