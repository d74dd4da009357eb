"""How statuses and states look: one icon, colour and word each, the same in every panel."""

from dataclasses import dataclass

from engine.records import ImageStatus, InstanceState


@dataclass(frozen=True)
class Look:
    icon: str
    token: str
    word: str


IMAGE_LOOKS = {
    ImageStatus.TODO: Look("circle-outline", "faint", "To do"),
    ImageStatus.PREDICTED: Look("creation", "proposal", "Predicted"),
    ImageStatus.EDITED: Look("circle-edit-outline", "accent", "Edited"),
    ImageStatus.ACCEPTED: Look("check-circle", "success", "Accepted"),
    ImageStatus.VERIFIED_EMPTY: Look("circle-off-outline", "success", "Verified empty"),
    ImageStatus.SKIPPED: Look("minus-circle-outline", "muted", "Skipped"),
}
INSTANCE_LOOKS = {
    InstanceState.PROPOSAL: Look("creation", "proposal", "Proposal"),
    InstanceState.GHOST: Look("ghost-outline", "faint", "Ghost"),
    InstanceState.ACCEPTED: Look("check-circle", "success", "Accepted"),
    InstanceState.REJECTED: Look("close-circle-outline", "danger", "Rejected"),
}
