"""Storing what a model found on an image, without touching what a person did there."""

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Connection, and_, delete, select, update

from engine.geometry.boxes import mask_iou_matrix
from engine.project.changes import insert_instances, refresh_status
from engine.project.rows import instance_row
from engine.project.schema import images, instances
from engine.records import Detection, Instance, InstanceState, Origin, Review

# From this mask IoU on, a detection is the same object as an instance that a person already dealt with.
SAME_OBJECT_IOU = 0.5


def clear_untouched(connection: Connection, image_id: int) -> None:
    """Remove an image's proposals that no edit ever touched; the journal never needs them."""
    connection.execute(
        delete(instances).where(
            instances.c.image_id == image_id,
            instances.c.state == InstanceState.PROPOSAL.value,
            ~instances.c.in_history,
        )
    )


def unmatched(present: Sequence[Instance], detections: Sequence[Detection]) -> list[Detection]:
    """The detections that have pixels and are none of the instances that the image holds already."""
    found = [detection for detection in detections if not detection.mask.is_empty]
    if not present or not found:
        return found
    masks = [instance.mask for instance in present]
    overlap = mask_iou_matrix([detection.mask for detection in found], masks).max(axis=1)
    return [detection for detection, iou in zip(found, overlap, strict=True) if iou < SAME_OBJECT_IOU]


def insert_proposals(
    connection: Connection,
    image_id: int,
    numbered: Iterable[tuple[int, Detection]],
    category_ids: Mapping[str, int],
    checkpoint_id: str,
) -> list[Instance]:
    """Write detections as proposals, each under its id, of the category whose id is given for its name."""
    proposals = [
        Instance(
            number,
            image_id,
            category_ids[found.category],
            found.mask,
            state=InstanceState.PROPOSAL,
            origin=Origin.PREDICTED,
            score=float(found.score),
            predicted_by=checkpoint_id,
        )
        for number, found in numbered
    ]
    if proposals:
        insert_instances(connection, [{**instance_row(proposal), "in_history": False} for proposal in proposals])
    return proposals


def mark_stale(connection: Connection, checkpoint_id: str) -> None:
    """Note that a checkpoint's proposals on open images are no longer what it would say."""
    said = and_(images.c.predicted_by == checkpoint_id, images.c.review == Review.OPEN.value)
    numbers = connection.execute(select(images.c.id).where(said)).scalars().all()
    connection.execute(update(images).where(said).values(predicted_by=None))
    refresh_status(connection, numbers)


def mark_predicted(connection: Connection, image_id: int, checkpoint_id: str) -> None:
    """Note which checkpoint's proposals an image holds."""
    connection.execute(update(images).where(images.c.id == image_id).values(predicted_by=checkpoint_id))
