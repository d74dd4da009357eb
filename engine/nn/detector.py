"""Mask R-CNN with a feature pyramid: the parts joined for detection, for prompts and for training.

Everything here is in network coordinates: pixels of the (scaled) image that the trunk sees, continuous, boxes
x1 y1 x2 y2. Scaling from and to the person's image is `engine.inference`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.nn.anchors import grid_anchors
from engine.nn.box_coding import encode_boxes, large_enough
from engine.nn.box_head import BoxHead, box_detections, box_loss
from engine.nn.fpn import FPN, roi_levels
from engine.nn.mask_head import MaskHead, mask_loss, mask_probabilities, mask_targets
from engine.nn.matching import SampledRoIs, match, sample_rois
from engine.nn.ops import roi_align_levels
from engine.nn.rpn import RPNHead, rpn_loss, rpn_proposals
from engine.nn.spec import PYRAMID_LEVELS, ModelSpec
from engine.nn.trunk import Cancelled, Trunk, go_on

__all__ = ["Cancelled", "Detections", "MaskRCNN", "Target"]

DIVISOR = 32
"""Images are padded to a multiple of C5's stride, so that each of P2 to P4 is exactly twice the next."""
STRIDES = tuple(2**level for level in PYRAMID_LEVELS)
ROI_STRIDES = STRIDES[:-1]
MASK_CHUNK = 100
"""RoIs whose masks are computed at a time in detection: 500 at once take 400 MB a layer with 256 channels."""
PROPOSALS_A_SAMPLE = 4
"""Proposals for each RoI that is drawn where fewer are wanted than usual: enough that negatives differ."""
MIN_INSTANCE_SIDE = 0.1
"""Instances with a thinner box, in pixels, do not train: the logarithm of a size of 0 makes every weight NaN."""


@dataclass(frozen=True)
class Target:
    """The instances of one training image, in the frame of the network's input."""

    boxes: Tensor
    """(g, 4) float32 x1 y1 x2 y2"""
    labels: Tensor
    """(g,) int64 from 0"""
    masks: Tensor
    """(g, H, W) bool or uint8"""
    anchors: Tensor | None = None
    """(a,) int64: the instance that each anchor answers for, as `match` says; None until they are matched"""

    def to(self, device: torch.device) -> Target:
        """The same target on `device`."""
        anchors = None if self.anchors is None else self.anchors.to(device)
        return Target(self.boxes.to(device), self.labels.to(device), self.masks.to(device), anchors)


@dataclass(frozen=True)
class Detections:
    """What was found on one image, best first."""

    boxes: Tensor
    """(n, 4) float32 inside the image"""
    scores: Tensor
    """(n,) float32"""
    labels: Tensor
    """(n,) int64 from 0"""
    mask_probabilities: Tensor
    """(n, m, m) float32, over the box"""

    def filtered(self, kept: Tensor) -> Detections:
        """Those that `kept`, (n,) bool or indices, names."""
        return Detections(self.boxes[kept], self.scores[kept], self.labels[kept], self.mask_probabilities[kept])


class MaskRCNN(nn.Module):
    """Built by `engine.nn.zoo.build`. Heads return raw outputs; what these mean is in functions beside the heads."""

    def __init__(
        self, spec: ModelSpec, *, trunk: Trunk, fpn: FPN, rpn: RPNHead, box_head: BoxHead, mask_head: MaskHead
    ) -> None:
        super().__init__()
        self.spec = spec
        self.trunk = trunk
        self.fpn = fpn
        self.rpn = rpn
        self.box_head = box_head
        self.mask_head = mask_head

    def features(self, images: Tensor, cancelled: Callable[[], bool] | None = None) -> list[Tensor]:
        """
        Args:
            images: (N, 3, H, W) float, normalised by the spec's mean and deviation; sides that are no multiple of 32
                are padded with zeros at the right and bottom.
            cancelled: asked between the trunk's blocks.

        Returns:
            P2..P6 (N, C, height, width) float32, whatever autocast does inside: RoIAlign reads them at that precision.

        Raises:
            Cancelled: as soon as `cancelled()` is true.
        """
        height, width = images.shape[-2:]
        if height % DIVISOR or width % DIVISOR:
            images = F.pad(images, (0, -width % DIVISOR, 0, -height % DIVISOR))
        return [level.float() for level in self.fpn(self.trunk(images, cancelled))]

    def anchors(self, features: Sequence[Tensor]) -> list[Tensor]:
        """Anchors of each level, (cells * ratios, 4)."""
        shapes = [(level.shape[-2], level.shape[-1]) for level in features]
        strides = [(stride, stride) for stride in STRIDES]
        if self.spec.convention.anchor_stride_from_grid:
            height, width = shapes[0][0] * STRIDES[0], shapes[0][1] * STRIDES[0]
            strides = [(height // down, width // across) for down, across in shapes]
        rounded = self.spec.convention.anchors_rounded
        ratios, device = self.spec.anchor_ratios, features[0].device
        return grid_anchors(shapes, strides, self.spec.anchor_sizes, ratios, rounded=rounded, device=device)

    def propose(self, features: Sequence[Tensor], image_sizes: Sequence[tuple[int, int]]) -> list[Tensor]:
        """
        Args:
            features: P2..P6 of N images.
            image_sizes: (height, width) of each without padding.

        Returns:
            For each image (p, 4) boxes that may hold an instance, best first.
        """
        return self._proposals(self.rpn(features), self.anchors(features), image_sizes, training=False)

    def predict_boxes(
        self, features: Sequence[Tensor], boxes: Tensor, image_index: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """
        Args:
            features: P2..P6.
            boxes: (n, 4), from the RPN or a person.
            image_index: (n,) int64, which image a box is on; the first if None.

        Returns:
            Category logits (n, K + 1), background first, and deltas (n, K + 1, 4); `box_detections` reads them.
        """
        logits, deltas = self.box_head(self._box_input(features, boxes, image_index))
        return logits, deltas

    def describe_boxes(self, features: Sequence[Tensor], boxes: Tensor) -> Tensor:
        """(n, hidden) of the (n, 4) boxes on the first image: the box head's last hidden layer."""
        return self.box_head.describe(self._box_input(features, boxes, None))

    def predict_masks(self, features: Sequence[Tensor], boxes: Tensor, image_index: Tensor | None = None) -> Tensor:
        """(n, K, m, m) mask logits of each category, from 0, over each of the (n, 4) boxes."""
        logits = self._mask_logits(features, boxes, image_index)[:, 1:]
        return logits.expand(-1, self.spec.category_count, -1, -1)  # of one channel that serves them all

    @torch.no_grad()
    def detect(
        self,
        features: Sequence[Tensor],
        image_sizes: Sequence[tuple[int, int]],
        cancelled: Callable[[], bool] | None = None,
    ) -> list[Detections]:
        """
        Args:
            features: P2..P6 of N images.
            image_sizes: (height, width) of each without padding.
            cancelled: asked between the stages, and between the masks of some RoIs and of others.

        Returns:
            One `Detections` an image.

        Raises:
            Cancelled: as soon as `cancelled()` is true.
        """
        spec = self.spec
        proposals = self.propose(features, image_sizes)
        go_on(cancelled)
        counts = [len(boxes) for boxes in proposals]
        logits, deltas = self.predict_boxes(features, torch.cat(proposals), _image_index(proposals))
        found = []
        parts = zip(logits.split(counts), deltas.split(counts), proposals, image_sizes, strict=True)
        for image, (image_logits, image_deltas, rois, image_size) in enumerate(parts):
            boxes, scores, labels = box_detections(
                image_logits,
                image_deltas,
                rois,
                image_size,
                weights=spec.convention.box_weights,
                score_floor=spec.score_floor,
                nms_threshold=spec.nms_threshold,
                limit=spec.detections_per_image,
            )
            masks = self._masks(features, boxes, labels, image, cancelled)
            found.append(Detections(boxes, scores, labels, masks))
        return found

    def match_anchors(self, anchors: Sequence[Tensor], targets: Sequence[Target]) -> list[Target]:
        """The targets without instances too thin to train on, and with what the anchors of all levels answer for; as
        they are where that was done before."""
        all_anchors = torch.cat(list(anchors))
        return [target if target.anchors is not None else self._matched(all_anchors, target) for target in targets]

    def losses(self, images: Tensor, targets: Sequence[Target]) -> dict[str, Tensor]:
        """
        Args:
            images: (N, 3, H, W) as for `features`.
            targets: one an image; those without instances teach background.

        Returns:
            Five scalars to be summed, each with a gradient path even where nothing matched.
        """
        return self.losses_of(self.features(images), (images.shape[-2], images.shape[-1]), targets)

    def losses_of(
        self,
        features: Sequence[Tensor],
        image_size: tuple[int, int],
        targets: Sequence[Target],
        roi_samples: int | None = None,
    ) -> dict[str, Tensor]:
        """As `losses`, of features P2..P6 of images of one size (height, width) that were computed before.

        Args:
            targets: those whose anchors were matched before are not matched again.
            roi_samples: RoIs of each image that train the heads, None for as many as the spec says. They are drawn from
                so many proposals for each that most of the time is not spent on those that are passed over.
        """
        spec = self.spec
        anchors, (objectness, deltas) = self.anchors(features), self.rpn(features)
        targets = self.match_anchors(anchors, targets)
        loss_objectness, loss_rpn_box = rpn_loss(
            objectness,
            deltas,
            anchors,
            [target.boxes for target in targets],
            [target.anchors for target in targets if target.anchors is not None],
            samples=spec.rpn_samples,
            positive_fraction=spec.rpn_positive_fraction,
        )
        limit = None if roi_samples is None else PROPOSALS_A_SAMPLE * roi_samples
        sizes = [image_size] * len(targets)
        proposals = self._proposals((objectness, deltas), anchors, sizes, training=True, limit=limit)
        rois = [
            sample_rois(
                boxes,
                target.boxes,
                foreground_iou=spec.roi_foreground_iou,
                count=roi_samples or spec.roi_samples,
                positive_fraction=spec.roi_positive_fraction,
            )
            for boxes, target in zip(proposals, targets, strict=True)
        ]
        loss_category, loss_regression = self._box_losses(features, rois, targets)
        return {
            "loss_rpn_objectness": loss_objectness,
            "loss_rpn_box": loss_rpn_box,
            "loss_box_category": loss_category,
            "loss_box_regression": loss_regression,
            "loss_mask": self._mask_loss(features, rois, targets),
        }

    def _matched(self, anchors: Tensor, target: Target) -> Target:
        kept = _trainable(target)
        foreground, background = self.spec.rpn_foreground_iou, self.spec.rpn_background_iou
        answers = match(kept.boxes, anchors, foreground_iou=foreground, background_iou=background, keep_best=True)
        return replace(kept, anchors=answers)

    def _proposals(
        self,
        outputs: tuple[list[Tensor], list[Tensor]],
        anchors: list[Tensor],
        image_sizes: Sequence[tuple[int, int]],
        *,
        training: bool,
        limit: int | None = None,
    ) -> list[Tensor]:
        spec = self.spec
        before, after = spec.rpn_pre_nms_test, spec.rpn_post_nms_test
        if training:
            before, after = spec.rpn_pre_nms_train, spec.rpn_post_nms_train
        most = max(before, after) if limit is None else limit
        return rpn_proposals(
            *outputs,
            anchors,
            image_sizes,
            pre_nms=min(before, most),
            post_nms=min(after, most),
            nms_threshold=spec.rpn_nms_threshold,
        )

    def _pool(
        self,
        features: Sequence[Tensor],
        boxes: Tensor,
        image_index: Tensor | None,
        size: int,
        *,
        channels_last: bool = False,
    ) -> Tensor:
        spec = self.spec
        if image_index is None:
            image_index = torch.zeros(len(boxes), dtype=torch.int64, device=boxes.device)
        return roi_align_levels(
            list(features[: len(ROI_STRIDES)]),
            boxes,
            image_index,
            roi_levels(boxes, canonical_size=spec.roi_canonical_size, canonical_level=spec.roi_canonical_level),
            [1 / stride for stride in ROI_STRIDES],
            output_size=size,
            sampling_ratio=spec.convention.roi_sampling,
            aligned=spec.convention.roi_aligned,
            channels_last=channels_last,
        )

    def _box_input(self, features: Sequence[Tensor], boxes: Tensor, image_index: Tensor | None) -> Tensor:
        # Linear layers want the channel axis outermost; convolutions run channels-last.
        spec = self.spec
        return self._pool(features, boxes, image_index, spec.box_resolution, channels_last=bool(spec.box_layers))

    def _mask_logits(self, features: Sequence[Tensor], boxes: Tensor, image_index: Tensor | None) -> Tensor:
        pooled = self._pool(features, boxes, image_index, self.spec.mask_resolution, channels_last=True)
        logits: Tensor = self.mask_head(pooled)
        return logits

    def _mask_channel(self, labels: Tensor) -> Tensor:
        """The mask head's channel for each label from 0."""
        return torch.ones_like(labels) if self.spec.class_agnostic_masks else labels + 1

    def _masks(
        self,
        features: Sequence[Tensor],
        boxes: Tensor,
        labels: Tensor,
        image: int,
        cancelled: Callable[[], bool] | None,
    ) -> Tensor:
        """(n, m, m) probabilities of the labels' masks, a chunk of RoIs at a time."""
        parts = [boxes.new_zeros((0, self.spec.mask_output, self.spec.mask_output))]
        if len(boxes):
            for some_boxes, some_labels in zip(boxes.split(MASK_CHUNK), labels.split(MASK_CHUNK), strict=True):
                go_on(cancelled)
                logits = self._mask_logits(features, some_boxes, torch.full_like(some_labels, image))
                parts.append(mask_probabilities(logits, self._mask_channel(some_labels)))
        return torch.cat(parts)

    def _box_losses(
        self, features: Sequence[Tensor], rois: list[SampledRoIs], targets: Sequence[Target]
    ) -> tuple[Tensor, Tensor]:
        boxes = [part.boxes for part in rois]
        labels, wanted = [], []
        for part, target in zip(rois, targets, strict=True):
            positive, instance = part.positive_boxes, part.positive_matches
            labels.append(part.matched.new_zeros(len(part.matched)))
            labels[-1][: len(positive)] = target.labels[instance] + 1
            wanted.append(encode_boxes(target.boxes[instance], positive, self.spec.convention.box_weights))
        logits, deltas = self.predict_boxes(features, torch.cat(boxes), _image_index(boxes))
        return box_loss(logits, deltas, torch.cat(labels), torch.cat(wanted))

    def _mask_loss(self, features: Sequence[Tensor], rois: list[SampledRoIs], targets: Sequence[Target]) -> Tensor:
        boxes = [part.positive_boxes for part in rois]
        logits = self._mask_logits(features, torch.cat(boxes), _image_index(boxes))
        pairs = list(zip(rois, targets, strict=True))
        labels = torch.cat([self._mask_channel(target.labels[part.positive_matches]) for part, target in pairs])
        wanted = [
            mask_targets(target.masks, part.positive_boxes, part.positive_matches, self.spec.mask_output)
            for part, target in pairs
        ]
        return mask_loss(logits, labels, torch.cat(wanted))


def _image_index(boxes: Sequence[Tensor]) -> Tensor:
    """(n,) int64: the image of each row of `torch.cat(boxes)`."""
    counts = torch.tensor([len(part) for part in boxes], device=boxes[0].device)
    return torch.arange(len(boxes), device=counts.device).repeat_interleave(counts)


def _trainable(target: Target) -> Target:
    kept = large_enough(target.boxes, MIN_INSTANCE_SIDE)
    return target if bool(kept.all()) else Target(target.boxes[kept], target.labels[kept], target.masks[kept])
