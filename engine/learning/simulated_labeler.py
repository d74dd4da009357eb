"""A labeler who knows the truth: corrects images by the edits that a person would make, and counts what they cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from math import inf

import numpy as np

from engine.geometry.boxes import mask_iou_matrix
from engine.geometry.mask import Mask
from engine.inference.predictor import Features, Predictor
from engine.learning.agreement import GOOD, agree
from engine.learning.corrections import Piece, pieces_to_mend
from engine.learning.dataset import AnnotatedImage, read_pixels
from engine.learning.effort import ACCEPT_OR_REJECT, MISSED, POLYGON, stroke
from engine.learning.labeler import CORRECTED_SIDE
from engine.project import Project, commands
from engine.records import DEFAULT_THRESHOLD, Category, Detection, Image, Instance, InstanceState


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What an image, or several, took: seconds by the cost model, and how many instances came about in which way."""

    seconds: float = 0.0
    accepted: int = 0
    """Proposals left as they were."""
    rejected: int = 0
    mended: int = 0
    """Proposals brought to an IoU of 0.8 by strokes."""
    boxed: int = 0
    """Instances that a box gave, strokes after it included."""
    outlined: int = 0
    """Instances drawn by hand."""
    instances: int = 0
    least_iou: float = 1.0
    """The lowest overlap of an instance of the truth with what was accepted."""

    def __add__(self, other: Work) -> Work:
        both = {each.name: getattr(self, each.name) + getattr(other, each.name) for each in fields(Work)}
        return Work(**{**both, "least_iou": min(self.least_iou, other.least_iou)})


@dataclass(frozen=True, slots=True)
class _Task:
    """An image to correct, its truth, the categories by name, and what the model answers to a box around each instance.

    A person sees the answer while the box is drawn, and knows what is left to mend.
    """

    image: Image
    truth: AnnotatedImage
    categories: Mapping[str, Category]
    answers: Sequence[Detection]


class SimulatedLabeler:
    """Corrects the images of a project until every instance has an IoU of at least 0.8 with the truth."""

    def __init__(self, project: Project, predictor: Predictor) -> None:
        """``predictor`` proposes, and answers boxes."""
        self._project, self._predictor = project, predictor

    def correct(self, image: Image, truth: AnnotatedImage) -> Work:
        """Predict an image, correct what is shown edit by edit, and accept it.

        A proposal that is not good is mended by strokes, or boxed anew where that takes less; what no proposal shows is
        boxed, and what a box does not give in less time is outlined by hand.
        """
        features = self._predictor.encode(read_pixels(truth))
        detections = self._predictor.detect(features)
        self._project.set_proposals(image.id, detections, self._predictor.checkpoint_id)
        categories = {category.name: category for category in self._project.categories()}
        names = {category.id: name for name, category in categories.items()}
        shown = [each for each in self._project.instances(image.id) if commands.is_shown(each, DEFAULT_THRESHOLD)]
        agreement = agree(truth, [_as_detection(each, names[each.category_id]) for each in shown], DEFAULT_THRESHOLD)
        task = _Task(image, truth, categories, self._answers(features, truth))
        work = Work(instances=len(truth.masks))
        for place in set(range(len(shown))) - {match.detection for match in agreement.matches}:
            self._project.apply(commands.reject([shown[place]]), ACCEPT_OR_REJECT)
            work += Work(rejected=1, seconds=ACCEPT_OR_REJECT)
        for match in agreement.matches:
            work += self._settle(task, shown[match.detection], match.instance)
        for place in agreement.missed:
            work += self._add(task, place)
        image = self._project.image(image.id)
        looked_at = ACCEPT_OR_REJECT * (work.accepted + work.mended)
        accepting = commands.accept_image(image, self._project.instances(image.id), DEFAULT_THRESHOLD)
        self._project.apply(accepting, looked_at)
        return work + Work(least_iou=self._least_iou(image, truth.masks))

    def _answers(self, features: Features, truth: AnnotatedImage) -> list[Detection]:
        """What the model makes of a tight box around each instance."""
        known = self._predictor.model.spec.categories
        labels = [known.index(name) if name in known else None for name in truth.categories]
        boxes = [(float(x1), float(y1), float(x2), float(y2)) for x1, y1, x2, y2 in (m.bounds for m in truth.masks)]
        return self._predictor.masks_for_boxes(features, boxes, labels=labels) if boxes else []

    def _settle(self, task: _Task, proposal: Instance, place: int) -> Work:
        """Decide about a proposal that shows an instance, and mend it where it is not good."""
        truth = task.truth.masks[place]
        pieces = pieces_to_mend(proposal.mask, truth, GOOD)
        if not pieces:
            return Work(accepted=1, seconds=ACCEPT_OR_REJECT)
        if _strokes(pieces, truth) <= _boxing(task, place):
            return Work(mended=1, seconds=ACCEPT_OR_REJECT + self._mend(proposal, pieces, truth, task.image))
        self._project.apply(commands.reject([proposal]), ACCEPT_OR_REJECT)
        return Work(rejected=1, seconds=ACCEPT_OR_REJECT) + self._add(task, place)

    def _add(self, task: _Task, place: int) -> Work:
        """Box an instance, look at the answer, mend it; outline it where that is quicker."""
        image, truth, answer = task.image, task.truth.masks[place], task.answers[place]
        category = task.categories[task.truth.categories[place]]
        number = self._project.new_instance_id()
        if _boxing(task, place) > POLYGON:
            self._project.apply(commands.draw(number, image.id, category.id, truth), POLYGON)
            return Work(outlined=1, seconds=POLYGON)
        identity = self._predictor.checkpoint_id
        self._project.apply(commands.prompt(number, image.id, category, answer.mask, answer.score, identity), MISSED)
        pieces = pieces_to_mend(answer.mask, truth, GOOD)
        return Work(boxed=1, seconds=MISSED + self._mend(self._project.instance(number), pieces, truth, image))

    def _mend(self, instance: Instance, pieces: Sequence[Piece], truth: Mask, image: Image) -> float:
        """Paint and erase the pieces; returns the seconds."""
        total = 0.0
        for piece in pieces:
            seconds = _strokes([piece], truth)
            change = commands.erase if piece.extra else commands.paint
            self._project.apply(change(instance, piece.mask, (image.width, image.height)), seconds)
            instance = self._project.instance(instance.id)
            total += seconds
        return total

    def _least_iou(self, image: Image, truth: Sequence[Mask]) -> float:
        held = self._project.instances(image.id)
        masks = [each.mask for each in held if each.state is InstanceState.ACCEPTED]
        overlap = mask_iou_matrix(truth, masks)
        return float(np.min(overlap.max(axis=1))) if overlap.size else float(not len(truth))


def _as_detection(instance: Instance, category: str) -> Detection:
    x1, y1, x2, y2 = instance.mask.bounds
    return Detection(0, category, instance.score or 0.0, (x1, y1, x2, y2), instance.mask)


def _boxing(task: _Task, place: int) -> float:
    """Seconds to box an instance, look at the answer and mend it; endless where there is none."""
    answer, truth = task.answers[place].mask, task.truth.masks[place]
    return inf if answer.is_empty else MISSED + _strokes(pieces_to_mend(answer, truth, GOOD), truth)


def _strokes(pieces: Sequence[Piece], truth: Mask) -> float:
    """Seconds to draw along pieces of an instance that fills the screen as far as a person zooms in."""
    enlarged = CORRECTED_SIDE / max(truth.width, truth.height)
    return sum(stroke(piece.length * enlarged) for piece in pieces)
