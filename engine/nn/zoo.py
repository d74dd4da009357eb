"""The models that Maskwright knows, and how one is built from its description."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor
from torchvision.models.detection import MaskRCNN_ResNet50_FPN_Weights

from engine.errors import MaskwrightError
from engine.nn.box_head import BoxHead
from engine.nn.detector import MaskRCNN
from engine.nn.fpn import FPN
from engine.nn.mask_head import MaskHead
from engine.nn.norm import FrozenNorm, batch_norm
from engine.nn.rpn import RPNHead
from engine.nn.spec import Convention, ModelSpec
from engine.nn.trunk import CHANNELS, Trunk

__all__ = [
    "NUCLEI",
    "R50_FPN_COCO",
    "R50_FPN_V2_COCO",
    "ZOO",
    "Convention",
    "ModelSpec",
    "build",
    "with_class_agnostic_masks",
    "with_mapped_categories",
]

TORCHVISION = Convention(
    roi_aligned=False,
    anchors_rounded=True,
    anchor_stride_from_grid=True,
    norm_eps=0.0,
    paste="torchvision",
    resize="bilinear",
)
"""Of torchvision's maskrcnn_resnet50_fpn, first version of the weights."""

R50_FPN_COCO = ModelSpec(
    name="r50-fpn-coco",
    # Category ids 1 to 90 with "N/A" at COCO's ten gaps: dropping those outputs would change the softmax.
    categories=tuple(MaskRCNN_ResNet50_FPN_Weights.COCO_V1.meta["categories"][1:]),
    trunk="resnet50",
    fpn_channels=256,
    anchor_sizes=(32.0, 64.0, 128.0, 256.0, 512.0),
    rpn_channels=256,
    box_hidden=1024,
    mask_layers=(256, 256, 256, 256),
    input_min_side=800,
    input_max_side=1333,
    detections_per_image=100,
    convention=TORCHVISION,
)

R50_FPN_V2_COCO = replace(
    R50_FPN_COCO,
    name="r50-fpn-v2-coco",
    head_norm=True,
    rpn_layers=2,
    box_layers=(256, 256, 256, 256),
    box_hidden_layers=1,
    convention=replace(TORCHVISION, norm_eps=1e-5),
)
"""torchvision's maskrcnn_resnet50_fpn_v2, after "Benchmarking Detection Transfer Learning with Vision Transformers"
(Li et al. 2021, section 3). Its norms keep BatchNorm2d's epsilon, where the first version's have none."""

NUCLEI = ModelSpec(
    name="nuclei",
    categories=("nucleus",),
    trunk="resnet18",
    # With 128 channels and 256 hidden units the file would pass 25 MB, two thirds of which are the trunk's last stage.
    fpn_channels=96,
    # Nuclei are 8 to 150 px at this scale: a third of COCO's sizes.
    anchor_sizes=(12.0, 24.0, 48.0, 96.0, 192.0),
    rpn_channels=96,
    box_hidden=128,
    mask_layers=(64, 64, 64),
    # RoIs under 48 px are read from P2, where FPN's 224 px at P4 would also read those of 100 px.
    roi_canonical_size=48.0,
    roi_canonical_level=3,
    input_min_side=512,
    input_max_side=1024,
    stretch_contrast=True,
    rpn_pre_nms_train=1000,
    rpn_post_nms_train=1000,
    roi_samples=256,
    # An image may hold 375 nuclei; 1000 proposals would leave fewer than three for each.
    rpn_pre_nms_test=1500,
    rpn_post_nms_test=1500,
    detections_per_image=500,
)
"""The bundled model, small enough for a laptop's processor."""

ZOO = {spec.name: spec for spec in (R50_FPN_COCO, R50_FPN_V2_COCO, NUCLEI)}


def build(spec: ModelSpec, *, frozen_norm: bool = True) -> MaskRCNN:
    """A model with random weights.

    Args:
        frozen_norm: False gives batch norm that learns, for training from scratch. Its weights load into a frozen
            model: the names are the same.
    """
    norm = batch_norm(frozen=frozen_norm, eps=spec.convention.norm_eps)
    head_norm = norm if spec.head_norm else None
    return MaskRCNN(
        spec,
        trunk=Trunk(name=spec.trunk, norm=norm),
        fpn=FPN(in_channels=CHANNELS[spec.trunk], channels=spec.fpn_channels, norm=head_norm),
        rpn=RPNHead(
            in_channels=spec.fpn_channels,
            channels=spec.rpn_channels,
            anchors=len(spec.anchor_ratios),
            layers=spec.rpn_layers,
        ),
        box_head=BoxHead(
            in_channels=spec.fpn_channels,
            resolution=spec.box_resolution,
            hidden=spec.box_hidden,
            categories=spec.category_count,
            layers=spec.box_layers,
            hidden_layers=spec.box_hidden_layers,
            norm=head_norm,
        ),
        mask_head=MaskHead(
            in_channels=spec.fpn_channels,
            layers=spec.mask_layers,
            categories=spec.mask_channels,
            norm=head_norm,
        ),
    )


BOX_LAYERS = ("box_head.category.", "box_head.deltas.")
MASK_LAYERS = ("mask_head.logits.",)
"""Layers whose outputs are one group a category, background first."""


def with_mapped_categories(model: MaskRCNN, sources: Mapping[str, Sequence[str]]) -> MaskRCNN:
    """A model that knows exactly the categories that `sources` names, in that order.

    Args:
        sources: for each the model's categories whose mean it starts as, the same where it is one; for none of them
            the mean of all: what looks like any object gets a sensible box and mask at once, and training tells the
            categories apart. Several may start from the same. One mask channel that serves every category serves these.

    Returns:
        Another model on the same device and in the same mode.

    Raises:
        MaskwrightError: the model has no category of that name.
    """
    labels = {name: label for label, name in enumerate(model.spec.categories)}
    unknown = sorted({name for names in sources.values() for name in names} - labels.keys())
    if unknown:
        raise MaskwrightError(f"The model {model.spec.name!r} has no category {', '.join(unknown)}.")
    taken = [[labels[name] for name in names] or [*labels.values()] for names in sources.values()]
    return _regrouped(model, model.spec.with_categories(tuple(sources)), taken)


def with_class_agnostic_masks(model: MaskRCNN) -> MaskRCNN:
    """The model with one mask channel, the mean of the categories', that serves every category.

    Exact where there is one category. Boxes and their categories stay as they were.

    Returns:
        `model` itself where it is such a model, else another on the same device and in the same mode.
    """
    if model.spec.class_agnostic_masks:
        return model
    labels = range(model.spec.category_count)
    spec = replace(model.spec, class_agnostic_masks=True)
    return _regrouped(model, spec, [[label] for label in labels], [[*labels]])


@torch.no_grad()
def _regrouped(
    model: MaskRCNN,
    spec: ModelSpec,
    sources: Sequence[Sequence[int]],
    mask_sources: Sequence[Sequence[int]] | None = None,
) -> MaskRCNN:
    """Another model on the same device and in the same mode, with outputs for other categories.

    Args:
        spec: the new model's.
        sources: labels of the old model for each label of the new one, which starts as their mean.
        mask_sources: the same for mask channels; by default as `sources`, or as they are where one serves all.
    """
    frozen = any(isinstance(module, FrozenNorm) for module in model.modules())
    state = dict(model.state_dict())
    if mask_sources is None:
        mask_sources = [[0]] if spec.class_agnostic_masks else sources
    for layers, taken, groups in (
        (BOX_LAYERS, sources, model.spec.category_count),
        (MASK_LAYERS, mask_sources, model.spec.mask_channels),
    ):
        for name in [name for name in state if name.startswith(layers)]:
            state[name] = _mean_groups(state[name], groups + 1, taken)
    regrouped = build(spec, frozen_norm=frozen)
    regrouped.load_state_dict(state)
    device = next(model.parameters()).device
    return regrouped.to(device).to(memory_format=torch.channels_last).train(model.training)


def _mean_groups(tensor: Tensor, groups: int, sources: Sequence[Sequence[int]]) -> Tensor:
    """Of `groups` equal parts along the first axis, the first one, then the mean of the parts that each source names
    (from 0, the first one not counted)."""
    background, *categories = tensor.unflatten(0, (groups, -1)).unbind()
    means = [torch.stack([categories[label] for label in labels]).mean(dim=0) for labels in sources]
    return torch.cat([background, *means])
