"""The models that Maskwright knows, and how one is built from its description."""

from __future__ import annotations

from torchvision.models.detection import MaskRCNN_ResNet50_FPN_Weights

from engine.nn.box_head import BoxHead
from engine.nn.detector import MaskRCNN
from engine.nn.fpn import FPN
from engine.nn.mask_head import MaskHead
from engine.nn.rpn import RPNHead
from engine.nn.spec import Convention, ModelSpec
from engine.nn.trunk import CHANNELS, Trunk

__all__ = ["NUCLEI", "R50_FPN_COCO", "ZOO", "Convention", "ModelSpec", "build"]

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
    # Category ids 1 to 90 with "N/A" at COCO's ten gaps: the weights have 91 outputs, and dropping some changes the softmax.
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

NUCLEI = ModelSpec(
    name="nuclei",
    categories=("nucleus",),
    trunk="resnet18",
    fpn_channels=128,
    # Nuclei are 8 to 150 px at this scale: a third of COCO's sizes.
    anchor_sizes=(12.0, 24.0, 48.0, 96.0, 192.0),
    rpn_channels=128,
    box_hidden=256,
    mask_layers=(64, 64, 64),
    # RoIs under 48 px are read from P2, where FPN's 224 px at P4 would also read those of 100 px.
    roi_canonical_size=48.0,
    roi_canonical_level=3,
    input_min_side=512,
    input_max_side=1024,
    stretch_contrast=True,
    # An image may hold 375 nuclei; 1000 proposals would leave fewer than three for each.
    rpn_pre_nms_test=1500,
    rpn_post_nms_test=1500,
    detections_per_image=500,
)
"""The bundled model, small enough for a laptop's processor."""

ZOO = {spec.name: spec for spec in (R50_FPN_COCO, NUCLEI)}


def build(spec: ModelSpec, *, frozen_norm: bool = True) -> MaskRCNN:
    """A model with random weights.

    Args:
        frozen_norm: False gives batch norm that learns, for training from scratch. Its weights load into a frozen model:
            the names are the same.
    """
    return MaskRCNN(
        spec,
        trunk=Trunk(name=spec.trunk, frozen_norm=frozen_norm, norm_eps=spec.convention.norm_eps),
        fpn=FPN(in_channels=CHANNELS[spec.trunk], channels=spec.fpn_channels),
        rpn=RPNHead(in_channels=spec.fpn_channels, channels=spec.rpn_channels, anchors=len(spec.anchor_ratios)),
        box_head=BoxHead(
            in_channels=spec.fpn_channels,
            resolution=spec.box_resolution,
            hidden=spec.box_hidden,
            categories=spec.category_count,
        ),
        mask_head=MaskHead(in_channels=spec.fpn_channels, layers=spec.mask_layers, categories=spec.category_count),
    )
