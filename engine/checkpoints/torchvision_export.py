"""Checkpoints for torchvision: their weights under its names, and its own classes put together to hold them."""

from __future__ import annotations

from collections import OrderedDict
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn
from torchvision.models.detection import MaskRCNN as TheirMaskRCNN
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.backbone_utils import BackboneWithFPN
from torchvision.models.detection.faster_rcnn import FastRCNNConvFCHead, FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor
from torchvision.models.detection.rpn import RPNHead
from torchvision.ops import FrozenBatchNorm2d, MultiScaleRoIAlign, roi_align
from torchvision.ops.poolers import LevelMapper

from engine.checkpoints.store import load
from engine.checkpoints.torchvision_names import has_two_layer_head, their_name
from engine.errors import MaskwrightError
from engine.files import atomic_write
from engine.nn.anchors import cell_anchors
from engine.nn.detector import STRIDES, MaskRCNN
from engine.nn.spec import PYRAMID_LEVELS, Convention, ModelSpec
from engine.nn.trunk import CHANNELS, TRUNKS
from engine.nn.zoo import R50_FPN_COCO, R50_FPN_V2_COCO

BUILDERS = {"maskrcnn_resnet50_fpn": R50_FPN_COCO, "maskrcnn_resnet50_fpn_v2": R50_FPN_V2_COCO}
BUILT_OF = (
    *("trunk", "fpn_channels", "head_norm", "anchor_sizes", "anchor_ratios", "rpn_channels", "rpn_layers"),
    *("box_layers", "box_hidden", "box_hidden_layers", "box_resolution", "mask_layers", "mask_resolution"),
    *("roi_canonical_size", "roi_canonical_level"),
)
"""What torchvision's builders fix; everything else of a description is an argument of theirs, or a convention."""
POOLED = ["0", "1", "2", "3"]
"""torchvision's names of P2 to P5."""


def export_state(checkpoint: Path, out: Path) -> list[str]:
    """Write a checkpoint as a state dict for torchvision.

    Returns:
        What the person should know of it: lines of Python that load it, and comments on what torchvision does
        otherwise.

    Raises:
        InvalidCheckpoint: the checkpoint cannot be read.
        MaskwrightError: `out` cannot be written, or torchvision cannot hold the model.
    """
    model, card = load(checkpoint)
    state = torchvision_state(model)
    with atomic_write(out) as temporary:
        torch.save(state, temporary)
    return [*how_to_load(card.spec, checkpoint, out), *(f"# {each}" for each in differences(card.spec))]


def torchvision_state(model: MaskRCNN) -> dict[str, Tensor]:
    """The model's weights under torchvision's names; a mask channel that serves every category stands once for each.

    Raises:
        MaskwrightError: torchvision has no layer for some of them.
    """
    spec = model.spec
    _check_channels(spec)
    state = OrderedDict((their_name(name, spec), tensor.cpu()) for name, tensor in model.state_dict().items())
    if spec.class_agnostic_masks:
        for name in [name for name in state if name.startswith(their_name("mask_head.logits.", spec))]:
            background, foreground = state[name].unbind()
            state[name] = torch.stack([background, *[foreground] * spec.category_count])
    return {name: tensor.contiguous() for name, tensor in state.items()}


def builder_of(spec: ModelSpec) -> str | None:
    """The function of torchvision that builds such a model; None where only `torchvision_model` here does."""
    for name, built in BUILDERS.items():
        if all(getattr(spec, part) == getattr(built, part) for part in BUILT_OF):
            return name
    return None


def how_to_load(spec: ModelSpec, checkpoint: Path, state: Path) -> list[str]:
    """Lines of Python that load an exported state dict into a model of torchvision's called `model`."""
    builder = builder_of(spec)
    if builder is None:
        # Its sizes are none of torchvision's own, so they are read from the card.
        lines = [
            "from engine.checkpoints import read_card",
            "from engine.checkpoints.torchvision_export import torchvision_model",
            f"model = torchvision_model(read_card({str(checkpoint)!r}).spec)",
        ]
    else:
        outputs = spec.category_count + 1
        lines = [
            f"from torchvision.models.detection import {builder}",
            f"model = {builder}(weights=None, weights_backbone=None, num_classes={outputs}).eval()",
        ]
        if spec.convention.norm_eps != Convention().norm_eps:
            lines += [
                "for module in model.modules():",
                f"    if isinstance(module, torch.nn.BatchNorm2d): module.eps = {spec.convention.norm_eps}",
            ]
    return ["import torch", *lines, f"model.load_state_dict(torch.load({str(state)!r}, weights_only=True))"]


def differences(spec: ModelSpec) -> list[str]:
    """What torchvision does otherwise with these weights, so that detections differ a little: as sentences."""
    convention, built = spec.convention, builder_of(spec) is not None
    told = []
    if convention.roi_aligned and built:
        told.append("torchvision's RoIAlign reads half a cell to the right and below (it has no aligned=True).")
    if not convention.anchors_rounded and built:
        told.append("torchvision rounds the corners of its anchors to whole pixels.")
    if not convention.anchor_stride_from_grid:
        told.append("torchvision's anchors of P6 are spread otherwise where a side is no multiple of 64 pixels.")
    if convention.paste == "exact":
        told.append("torchvision pastes masks into boxes of whole pixels.")
    if convention.resize == "antialiased":
        told.append("torchvision scales images without averaging where they shrink.")
    if spec.stretch_contrast:
        told.append("torchvision does not spread the contrast: stretch each image to its 0.5th to 99.8th percentile.")
    return told


def torchvision_model(spec: ModelSpec) -> TheirMaskRCNN:
    """A `torchvision.models.detection.MaskRCNN` in evaluation mode with random weights that `torchvision_state` fits.

    For sizes that torchvision has no builder for. RoIAlign is aligned and anchors are rounded as the description says;
    `differences` tells what stays torchvision's.

    Raises:
        MaskwrightError: torchvision's classes cannot be put together so.
    """
    _check_channels(spec)
    channels, outputs = spec.fpn_channels, spec.category_count + 1
    norm = partial(FrozenBatchNorm2d, eps=spec.convention.norm_eps)
    head_norm = norm if spec.head_norm else None
    anchors = AnchorGenerator(tuple((size,) for size in spec.anchor_sizes), (spec.anchor_ratios,) * len(PYRAMID_LEVELS))
    anchors.cell_anchors = [
        cell_anchors(size, spec.anchor_ratios, rounded=spec.convention.anchors_rounded) for size in spec.anchor_sizes
    ]
    last = spec.box_layers[-1] if spec.box_layers else channels
    flat = last * spec.box_resolution**2
    box_head: nn.Module = TwoMLPHead(flat, spec.box_hidden)
    if not has_two_layer_head(spec):
        box_head = FastRCNNConvFCHead(
            (channels, spec.box_resolution, spec.box_resolution),
            [*spec.box_layers],
            [spec.box_hidden] * spec.box_hidden_layers,
            norm_layer=head_norm,
        )
    return TheirMaskRCNN(
        BackboneWithFPN(
            TRUNKS[spec.trunk](weights=None, norm_layer=norm),
            {f"layer{i + 1}": name for i, name in enumerate(POOLED)},
            [*CHANNELS[spec.trunk]],
            channels,
            norm_layer=head_norm,
        ),
        min_size=spec.input_min_side,
        max_size=spec.input_max_side,
        image_mean=[*spec.pixel_mean],
        image_std=[*spec.pixel_std],
        rpn_anchor_generator=anchors,
        rpn_head=RPNHead(channels, len(spec.anchor_ratios), conv_depth=spec.rpn_layers),
        rpn_pre_nms_top_n_test=spec.rpn_pre_nms_test,
        rpn_post_nms_top_n_test=spec.rpn_post_nms_test,
        rpn_nms_thresh=spec.rpn_nms_threshold,
        box_roi_pool=_Pooler(spec, spec.box_resolution),
        box_head=box_head,
        box_predictor=FastRCNNPredictor(spec.box_hidden, outputs),
        box_score_thresh=spec.score_floor,
        box_nms_thresh=spec.nms_threshold,
        box_detections_per_img=spec.detections_per_image,
        bbox_reg_weights=spec.convention.box_weights,
        mask_roi_pool=_Pooler(spec, spec.mask_resolution),
        mask_head=MaskRCNNHeads(channels, spec.mask_layers, 1, norm_layer=head_norm),
        mask_predictor=MaskRCNNPredictor(spec.mask_layers[-1], spec.mask_layers[-1], outputs),
    ).eval()


class _Pooler(MultiScaleRoIAlign):
    """torchvision's, with `aligned` and strides as a description says, where torchvision's is never aligned."""

    def __init__(self, spec: ModelSpec, output_size: int) -> None:
        super().__init__(POOLED, output_size, spec.convention.roi_sampling)
        self._aligned = spec.convention.roi_aligned
        self._levels = LevelMapper(
            PYRAMID_LEVELS[0], PYRAMID_LEVELS[-2], spec.roi_canonical_size, spec.roi_canonical_level
        )

    def forward(self, x: dict[str, Tensor], boxes: list[Tensor], image_shapes: list[tuple[int, int]]) -> Tensor:
        """(n, C, s, s) of the boxes of all images, one after the other."""
        levels = self._levels(boxes)
        images = torch.cat([each.new_full((len(each), 1), i) for i, each in enumerate(boxes)])
        rois = torch.cat([images, torch.cat(boxes)], dim=1)
        pooled = rois.new_zeros((len(rois), x[POOLED[0]].shape[1], *self.output_size))
        for level, (name, stride) in enumerate(zip(POOLED, STRIDES, strict=False)):
            chosen = torch.where(levels == level)[0]
            pooled[chosen] = roi_align(
                x[name], rois[chosen], self.output_size, 1 / stride, self.sampling_ratio, self._aligned
            )
        return pooled


def _check_channels(spec: ModelSpec) -> None:
    if spec.rpn_channels != spec.fpn_channels:
        raise MaskwrightError(
            f"torchvision cannot hold the model {spec.name!r}: its RPN has {spec.rpn_channels} channels and its FPN"
            f" {spec.fpn_channels}, which are the same in torchvision.",
            remedy="Export it as .safetensors.",
        )
