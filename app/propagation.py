"""Accepted instances of one image as prompts on the next, for images that are nearly alike or follow each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from app.jobs.prediction import Prediction
from app.session import Session
from app.translation import tr, trn
from engine.geometry.boxes import mask_iou_matrix
from engine.project import SAME_OBJECT_IOU, commands
from engine.records import Detection, Image, Instance, InstanceState, Review

if TYPE_CHECKING:
    from engine.inference import Features, Predictor

Found = tuple[str, list[tuple[int, Detection]]]
"""The id of the checkpoint, and with each category's id what was found."""


class Propagation(QObject):
    """Goes to the next listed image, and lets the model look there where the instances of this one are."""

    def __init__(self, session: Session, prediction: Prediction) -> None:
        super().__init__()
        self._session = session
        self._prediction = prediction

    def handlers(self) -> dict[str, Callable[[], object]]:
        """What the command of this class does."""
        return {"propagate": self.propagate}

    def propagate(self) -> None:
        """Propose on the next image what is accepted on this one, and go there."""
        session = self._session
        if session.image is None or session.refuses():
            return
        instances = session.instances.values()
        accepted = [each for each in instances if each.state is InstanceState.ACCEPTED and not each.mask.is_empty]
        following = self._next()
        if not accepted:
            session.notice.emit(tr("Accept some instances first: they are looked for on the next image."))
        elif following is None:
            session.notice.emit(tr("This is the last image."))
        elif following.review is not Review.OPEN:
            session.notice.emit(tr("The next image is decided already. Reopen it to look for more there."))
        elif not self._ask(following, accepted):
            session.notice.emit(tr("There is no model to ask. Choose one in the model panel."))
        else:
            session.open_image(following.id)

    def _next(self) -> Image | None:
        session = self._session
        assert session.image is not None
        at = session.order.index(session.image.id) + 1 if session.image.id in session.order else len(session.order)
        return session.images[session.order[at]] if at < len(session.order) else None

    def _ask(self, image: Image, accepted: Sequence[Instance]) -> bool:
        session = self._session
        assert session.image is not None
        scale = _scale(session.image, image)
        boxes = [_scaled(instance.mask.bounds, scale) for instance in accepted]
        to_model = self._prediction.to_model
        names = [to_model(session.categories[instance.category_id].name) for instance in accepted]
        ids = [instance.category_id for instance in accepted]

        def answer(predictor: Predictor, features: Features) -> Found:
            known = predictor.card.spec.categories
            labels = [known.index(name) if name in known else None for name in names]
            found = predictor.masks_for_boxes(features, boxes, labels=labels)
            return predictor.checkpoint_id, list(zip(ids, found, strict=True))

        def propose(found: Found) -> None:
            session.writing.when_free(partial(self._propose, image.id, found))

        return self._prediction.ask(answer, propose, self._say, image=image, keep=True)

    def _propose(self, image_id: int, found: Found) -> None:
        """Add what was found and is not there yet."""
        session = self._session
        if session.project is None or image_id not in session.images:
            return
        checkpoint_id, detections = found
        present = [instance.mask for instance in session.project.instances(image_id)]
        masks = [detection.mask for _, detection in detections]
        overlap = mask_iou_matrix(masks, present).max(axis=1, initial=0.0)
        new = [
            (category_id, each)
            for (category_id, each), iou in zip(detections, overlap, strict=True)
            if iou < SAME_OBJECT_IOU and not each.mask.is_empty
        ]
        if not new:
            session.notice.emit(tr("Everything that was looked for is there already."))
            return
        ids = session.project.new_instance_ids(len(new))
        numbered = [(number, *each) for number, each in zip(ids, new, strict=True)]
        told = trn("{count} instance was found here again.", "{count} instances were found here again.", len(new))
        session.apply(commands.propose(image_id, numbered, checkpoint_id), lambda: session.notice.emit(told))

    def _say(self, why: str) -> None:
        if why:
            self._session.notice.emit(why)


def _scale(one: Image, other: Image) -> float:
    """How much larger the same view is on the other image; 1 where its shape says that it is no such view."""
    scale = other.width / one.width
    return scale if abs(one.height * scale - other.height) <= 1 else 1.0


def _scaled(bounds: tuple[int, int, int, int], scale: float) -> tuple[float, float, float, float]:
    x1, y1, x2, y2 = (place * scale for place in bounds)
    return x1, y1, x2, y2
