"""What torchvision calls the weights of its Mask R-CNN classes, since 2022."""

from __future__ import annotations

import re
from collections.abc import Callable

from engine.nn.spec import ModelSpec

PREFIXES = {
    "trunk.": "backbone.body.",
    "rpn.conv.": "rpn.head.conv.0.0.",
    "rpn.objectness.": "rpn.head.cls_logits.",
    "rpn.deltas.": "rpn.head.bbox_pred.",
    "box_head.category.": "roi_heads.box_predictor.cls_score.",
    "box_head.deltas.": "roi_heads.box_predictor.bbox_pred.",
    "mask_head.deconv.": "roi_heads.mask_predictor.conv5_mask.",
    "mask_head.logits.": "roi_heads.mask_predictor.mask_fcn_logits.",
}
NUMBERED: tuple[tuple[str, Callable[[int], str]], ...] = (
    ("fpn.lateral", lambda i: f"backbone.fpn.inner_blocks.{i}.0"),
    ("fpn.lateral_norms", lambda i: f"backbone.fpn.inner_blocks.{i}.1"),
    ("fpn.output", lambda i: f"backbone.fpn.layer_blocks.{i}.0"),
    ("fpn.output_norms", lambda i: f"backbone.fpn.layer_blocks.{i}.1"),
    ("rpn.further", lambda i: f"rpn.head.conv.{i + 1}.0"),
    ("box_head.convs", lambda i: f"roi_heads.box_head.{i}.0"),
    ("box_head.norms", lambda i: f"roi_heads.box_head.{i}.1"),
    ("mask_head.convs", lambda i: f"roi_heads.mask_head.{i}.0"),
    ("mask_head.norms", lambda i: f"roi_heads.mask_head.{i}.1"),
)
"""Layers of a list; torchvision puts a convolution, its norm and its activation into one block."""


def has_two_layer_head(spec: ModelSpec) -> bool:
    """Whether torchvision has the box head as its `TwoMLPHead`, whose layers have names instead of numbers."""
    return not spec.box_layers and spec.box_hidden_layers == 2


def their_name(name: str, spec: ModelSpec) -> str:
    """torchvision's name of one of our weights.

    Raises:
        KeyError: it is no weight of a Mask R-CNN of ours.
    """
    for ours, theirs in PREFIXES.items():
        if name.startswith(ours):
            return theirs + name.removeprefix(ours)
    for layers, block in NUMBERED:
        numbered = re.fullmatch(rf"{re.escape(layers)}\.(\d+)\.(.+)", name)
        if numbered:
            return f"{block(int(numbered[1]))}.{numbered[2]}"
    hidden = re.fullmatch(r"box_head\.fc([12])\.(.+)", name)
    if not hidden:
        raise KeyError(name)
    # In torchvision's other box head the flattening is a layer, too, and each hidden layer's activation is the next.
    number = int(hidden[1])
    layer = f"fc{number + 5}" if has_two_layer_head(spec) else len(spec.box_layers) + 2 * number - 1
    return f"roi_heads.box_head.{layer}.{hidden[2]}"
