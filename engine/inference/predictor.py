"""The model behind an image-shaped door: numpy and user coordinates outside, tensors and network coordinates inside."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.checkpoints import ModelCard, checkpoint_id, load
from engine.images import LARGE_PIXELS
from engine.inference.preprocess import batch, input_scale, normalise, resize, stretch_contrast
from engine.nn.detector import MaskRCNN
from engine.nn.device import best_device
from engine.nn.mask_head import enlarged_as_torchvision
from engine.nn.ops import paste_masks
from engine.records import Detection


@dataclass(frozen=True, slots=True)
class Features:
    """What the trunk and the neck saw of one image; immutable, so that it can be cached and shared by threads.

    Attributes:
        levels: P2 to P6, each (1, C, H / stride, W / stride).
        width, height: the image's size in the user's frame.
        network_size: (height, width) of the resized image before padding, network frame.
        scale: network pixels a user pixel, as (x, y); the two differ by rounding only.
        checkpoint_id: the model that computed them.
    """

    levels: tuple[Tensor, ...]
    width: int
    height: int
    network_size: tuple[int, int]
    scale: tuple[float, float]
    checkpoint_id: str

    @property
    def bytes(self) -> int:
        """Memory held by the levels."""
        return sum(level.numel() * level.element_size() for level in self.levels)


class Predictor:
    """Detects objects on images. Holds no current image; safe to use from one thread at a time."""

    def __init__(
        self, model: MaskRCNN, card: ModelCard, checkpoint: str = "unsaved", large: int = LARGE_PIXELS
    ) -> None:
        """Images of more than ``large`` pixels are reduced before anything else, so that no copy of them is made."""
        self._large = large
        self.model = model.eval()
        self.card = card
        self.checkpoint_id = checkpoint

    @classmethod
    def from_checkpoint(cls, path: Path) -> Predictor:
        """Load a checkpoint file.

        Raises:
            InvalidCheckpoint: the file is not a checkpoint of ours, or is damaged.
        """
        model, card = load(path)
        return cls(model.to(best_device()), card, checkpoint_id(path))

    def move_to(self, device: torch.device) -> None:
        """Compute on ``device`` from now on."""
        if device != self.device:
            self.model.to(device)
            if device.type == "cpu":
                torch.cuda.empty_cache()  # or the driver still counts the memory as taken

    @property
    def device(self) -> torch.device:
        """Where the model runs."""
        return next(self.model.parameters()).device

    @torch.inference_mode()
    def encode(self, rgb: NDArray[np.uint8], cancelled: Callable[[], bool] | None = None) -> Features:
        """Compute the features of an (H, W, 3) uint8 image.

        Raises:
            Cancelled: ``cancelled()`` returned True between two blocks of the trunk.
        """
        spec = self.model.spec
        height, width = rgb.shape[:2]
        factor = input_scale(spec, width, height)
        network_width, network_height = max(1, round(width * factor)), max(1, round(height * factor))
        # A stretched copy of a large image would take the memory that the image itself is kept out of.
        reduce_first = width * height > self._large
        if spec.stretch_contrast and not reduce_first:
            rgb = stretch_contrast(rgb)
        antialias = spec.convention.resize == "antialiased"
        reduced = resize(rgb, network_width, network_height, antialias)
        if spec.stretch_contrast and reduce_first:
            reduced = stretch_contrast(reduced, whole=rgb)
        pixels = normalise(reduced, spec)
        levels = self.model.features(batch([pixels]).to(self.device), cancelled)
        return Features(
            levels=tuple(levels),
            width=width,
            height=height,
            network_size=(network_height, network_width),
            scale=(network_width / width, network_height / height),
            checkpoint_id=self.checkpoint_id,
        )

    @torch.inference_mode()
    def detect(self, features: Features, score_floor: float | None = None) -> list[Detection]:
        """Objects with a score of at least ``score_floor`` (the model's own floor where None), best first.

        Boxes and masks are in the user's frame; detections whose mask is empty are left out.
        """
        (found,) = self.model.detect(list(features.levels), [features.network_size])
        if score_floor is not None:
            found = found.filtered(found.scores >= score_floor)
        return self._detections(features, found.boxes, found.scores, found.labels, found.mask_probabilities)

    @torch.inference_mode()
    def masks_for_boxes(
        self, features: Features, boxes: Sequence[tuple[float, float, float, float]]
    ) -> list[Detection]:
        """What the second stage says of given boxes (x1 y1 x2 y2, user's frame): the likeliest category, its score
        and its mask, one detection a box and in their order; the box stays as given."""
        levels = list(features.levels)
        network_boxes = torch.tensor(boxes, dtype=torch.float32, device=self.device).reshape(-1, 4)
        network_boxes = network_boxes * self._scale(features)
        logits, _ = self.model.predict_boxes(levels, network_boxes)
        scores, labels = logits.softmax(dim=1)[:, 1:].max(dim=1)
        image_index = torch.zeros(len(network_boxes), dtype=torch.int64, device=self.device)
        mask_logits = self.model.predict_masks(levels, network_boxes, image_index)
        chosen = mask_logits[torch.arange(len(labels), device=self.device), labels].sigmoid()
        return self._detections(features, network_boxes, scores, labels, chosen, keep_empty=True)

    def _scale(self, features: Features) -> Tensor:
        return torch.tensor([*features.scale, *features.scale], dtype=torch.float32, device=self.device)

    def _detections(
        self,
        features: Features,
        boxes: Tensor,
        scores: Tensor,
        labels: Tensor,
        probabilities: Tensor,
        keep_empty: bool = False,
    ) -> list[Detection]:
        user_boxes = (boxes / self._scale(features)).float().cpu()
        probabilities, pasted_boxes = probabilities.float().cpu(), user_boxes
        if self.model.spec.convention.paste == "torchvision":
            probabilities, pasted_boxes = enlarged_as_torchvision(probabilities, user_boxes)
        masks = paste_masks(probabilities, pasted_boxes, features.height, features.width)
        names = self.model.spec.categories
        return [
            Detection(label, names[label], score, (x1, y1, x2, y2), mask)
            for (x1, y1, x2, y2), score, label, mask in zip(
                user_boxes.tolist(), scores.tolist(), labels.tolist(), masks, strict=True
            )
            if keep_empty or not mask.is_empty
        ]
