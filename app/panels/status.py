"""How statuses and states look: one icon, colour and word each, the same in every panel."""

from dataclasses import dataclass

from app.translation import tr
from engine.records import ImageStatus, InstanceState


@dataclass(frozen=True)
class Look:
    icon: str
    token: str
    word: str


IMAGE_LOOKS = {
    ImageStatus.TODO: Look("circle-outline", "faint", tr("To do")),
    ImageStatus.PREDICTED: Look("creation", "proposal", tr("Predicted")),
    ImageStatus.EDITED: Look("circle-edit-outline", "accent", tr("Edited")),
    ImageStatus.ACCEPTED: Look("check-circle", "success", tr("Accepted")),
    ImageStatus.VERIFIED_EMPTY: Look("circle-off-outline", "success", tr("Verified empty")),
    ImageStatus.SKIPPED: Look("minus-circle-outline", "muted", tr("Skipped")),
}
INSTANCE_LOOKS = {
    InstanceState.PROPOSAL: Look("creation", "proposal", tr("Proposal")),
    InstanceState.GHOST: Look("ghost-outline", "faint", tr("Ghost")),
    InstanceState.ACCEPTED: Look("check-circle", "success", tr("Accepted")),
    InstanceState.REJECTED: Look("close-circle-outline", "danger", tr("Rejected")),
}
