"""What a model means for the person who corrects it: what is accepted as it is, what is found, and seconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.learning.agreement import FOUND, GOOD, Agreement
from engine.learning.corrections import strokes_to_mend
from engine.learning.dataset import AnnotatedImage
from engine.learning.effort import ACCEPT_OR_REJECT, MISSED, correction
from engine.records import Detection

CORRECTED_SIDE = 300.0
"""Screen pixels of the longer side of an instance that is being mended: people zoom in until a brush of some pixels
fits. An assumption, the same for every model; twice as many make a stroke about a second longer."""


@dataclass(frozen=True, slots=True)
class LabelerFigures:
    """What a labeler feels of a model, at the score ``threshold`` from which proposals are shown.

    ``accepted_unedited`` is the share of shown proposals whose mask is good, an IoU of 0.8 or more with an instance of
    their category; ``found`` the share of instances that a proposal shows, IoU 0.5 or more; ``seconds_an_instance``
    what each instance costs, by the model of ``engine.learning.effort``. None where there is nothing to divide by.
    """

    threshold: float
    accepted_unedited: float | None
    found: float | None
    seconds_an_instance: float | None

    def to_dict(self) -> dict[str, object]:
        """The figures as JSON values."""
        return {
            "threshold": self.threshold,
            "accepted_unedited": self.accepted_unedited,
            "found": self.found,
            "seconds_an_instance": self.seconds_an_instance,
        }


def labeler_figures(
    images: Sequence[AnnotatedImage],
    found: Sequence[Sequence[Detection]],
    agreements: Sequence[Agreement],
    threshold: float,
) -> LabelerFigures:
    """The figures of detections ``found`` on ``images``, of which ``agreements`` says what belongs together."""
    good = [agreement.counts(GOOD) for agreement in agreements]
    judged = sum(counts.hits + counts.false for counts in good)
    instances = sum(agreement.instances for agreement in agreements)
    hits = sum(agreement.counts(FOUND).hits for agreement in agreements)
    seconds = sum(_seconds(*each) for each in zip(images, found, agreements, strict=True))
    return LabelerFigures(
        threshold=threshold,
        accepted_unedited=sum(counts.hits for counts in good) / judged if judged else None,
        found=hits / instances if instances else None,
        seconds_an_instance=seconds / instances if instances else None,
    )


def _seconds(image: AnnotatedImage, detections: Sequence[Detection], agreement: Agreement) -> float:
    """Seconds to get one image right: a decision on each proposal, corrections of those that are not good, and a box
    for each instance that none shows.

    How well a proposal fits an instance that nobody edited is not asked: it costs the decision alone.
    """
    mending = sum(
        _mending(detections[match.detection], image, match.instance)
        for match in agreement.matches
        if match.iou < GOOD and match.instance not in agreement.unedited
    )
    return agreement.shown * ACCEPT_OR_REJECT + mending + len(agreement.missed) * MISSED


def _mending(detection: Detection, image: AnnotatedImage, instance: int) -> float:
    truth = image.masks[instance]
    enlarged = CORRECTED_SIDE / max(truth.width, truth.height)
    return correction(length * enlarged for length in strokes_to_mend(detection.mask, truth, GOOD))
