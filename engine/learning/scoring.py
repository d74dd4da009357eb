"""Looking at one image with a model, to know how much a person could teach it there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import blake2b

import numpy as np
import torch
from numpy.typing import NDArray

from engine.geometry.mask import Mask
from engine.inference import Features, Predictor
from engine.learning.uncertainty import (
    Object,
    confident,
    differences,
    mask_instability,
    mirrored,
    outside,
    score_doubt,
)
from engine.project import CategoryMap
from engine.project.contents import ProjectContents
from engine.project.scores import ImageScore
from engine.records import Instance, InstanceState

THRESHOLD = 0.5
"""The usual score from which on proposals are shown. A fixed one, so that scores compare, whatever is shown now."""
TOP = 3
"""P5: the last level that the pyramid computes, and the one that sees most of the image."""


def score_image(
    predictor: Predictor,
    pixels: NDArray[np.uint8],
    annotated: Sequence[Object] = (),
    ignored: Sequence[Mask] = (),
    *,
    content: str | None = None,
    features: Features | None = None,
    categories: CategoryMap | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> ImageScore:
    """What a model makes of an image, from one pass over it and one over its mirror image.

    Args:
        pixels: (H, W, 3) uint8 RGB.
        annotated: objects that are there already, as category and mask.
        ignored: regions in which what the model finds is no difference to those: crowds, and what was rejected.
        content: what tells the image from others; by default a digest of the pixels.
        features: of the image and this predictor, where they are known.
        categories: what the model's categories are called among ``annotated``; what they leave out does not count.
        cancelled: asked in between.

    Raises:
        Cancelled: ``cancelled()`` returned True.
    """
    features = features or predictor.encode(pixels, cancelled)
    categories = categories or CategoryMap({})
    soft = [each for each in predictor.detect_soft(features, cancelled) if categories.renamed([each.detection])]
    found = categories.renamed([each.detection for each in soft])
    sure = confident(found, THRESHOLD)
    outlines = [each.probabilities for each in soft if each.detection.score >= THRESHOLD]
    turned = predictor.encode(np.ascontiguousarray(pixels[:, ::-1]), cancelled)
    width = pixels.shape[1]
    turned_back = [mirrored(each, width) for each in predictor.detect(turned, THRESHOLD, cancelled)]
    seen_turned = categories.renamed(turned_back)
    return ImageScore(
        content=content if content is not None else blake2b(pixels.tobytes(), digest_size=16).hexdigest(),
        vector=image_vector(features),
        doubt=score_doubt([each.score for each in found], THRESHOLD),
        instability=mask_instability(np.array(outlines, np.float32).reshape(len(outlines), *_grid(outlines))),
        mirror=differences(sure, confident(seen_turned, THRESHOLD)),
        differences=differences(outside(sure, ignored), annotated) if annotated else None,
    )


def annotations_of(instances: Iterable[Instance], names: Mapping[int, str]) -> tuple[list[Object], list[Mask]]:
    """What ``score_image`` wants to know of an image's instances, whose categories ``names`` are by id: the objects
    that a person annotated or accepted, and the regions to ignore."""
    annotated: list[Object] = []
    ignored: list[Mask] = []
    for each in instances:
        if each.state is InstanceState.REJECTED or (each.state is InstanceState.ACCEPTED and each.crowd):
            ignored.append(each.mask)
        elif each.state is InstanceState.ACCEPTED and not each.mask.is_empty:
            annotated.append((names[each.category_id], each.mask))
    return annotated, ignored


def score_stored(
    project: ProjectContents,
    image_id: int,
    predictor: Predictor,
    pixels: NDArray[np.uint8],
    *,
    features: Features | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> ImageScore:
    """As ``score_image``, of an image of a project with the annotations that it has now."""
    names = {category.id: category.name for category in project.categories()}
    annotated, ignored = annotations_of(project.instances(image_id), names)
    return score_image(
        predictor,
        pixels,
        annotated,
        ignored,
        content=project.image(image_id).content_hash,
        features=features,
        categories=project.category_map(predictor.checkpoint_id, predictor.model.spec.categories),
        cancelled=cancelled,
    )


@torch.inference_mode()
def image_vector(features: Features) -> NDArray[np.float16]:
    """(2 C,) mean and standard deviation of each channel of P5 over the image, padding left out."""
    level = features.levels[TOP][0]
    height, width = (max(1, round(side / 2 ** (TOP + 2))) for side in features.network_size)
    inside = level[:, :height, :width].float().flatten(1)
    vector = torch.cat([inside.mean(dim=1), inside.std(dim=1, correction=0)])
    described: NDArray[np.float16] = vector.half().cpu().numpy()
    return described


def _grid(outlines: Sequence[NDArray[np.float32]]) -> tuple[int, int]:
    """Height and width of mask probabilities; none where there are no masks."""
    return (outlines[0].shape[0], outlines[0].shape[1]) if outlines else (0, 0)
