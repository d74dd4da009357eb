"""An evaluation in a few lines of text, for a terminal."""

from __future__ import annotations

from engine.learning.evaluation import Evaluation, Precision
from engine.reporting import counted

UNKNOWN = "unknown"


def summary(evaluation: Evaluation) -> list[str]:
    """The figures, one kind a line, and the masks of each category where there are several."""
    kinds = {"box": evaluation.box, "mask": evaluation.mask}
    lines = [_line(kind, precision) for kind, precision in kinds.items()]
    present = [each for each in evaluation.categories if each.instances]
    if len(present) > 1:
        width = max(len(each.category) for each in present)
        lines += [
            f"{_line(f'mask of {each.category:{width}}', each.mask)}   instances {each.instances}" for each in present
        ]
    labeler = evaluation.labeler
    lines.append(
        f"from a score of {labeler.threshold:g}: proposals good as they are {_share(labeler.accepted_unedited)}, "
        f"instances found {_share(labeler.found)}, seconds an instance {_seconds(labeler.seconds_an_instance)}"
    )
    error = evaluation.calibration.error
    if error is not None:
        lines.append(f"scores are off by {error:.3f} (expected calibration error)")
    lines.append(
        f"{counted(evaluation.images, 'image')}, {counted(evaluation.instances, 'instance')}, at most "
        f"{counted(evaluation.max_detections, 'detection')} an image"
    )
    return lines


def _line(name: str, precision: Precision) -> str:
    return f"{name:5} AP {figure(precision.AP)}   AP50 {figure(precision.AP50)}   AP75 {figure(precision.AP75)}"


def figure(value: float) -> str:
    """An average precision; pycocotools says -1 where there was nothing to find."""
    return f"{value:.3f}" if value >= 0 else UNKNOWN


def _share(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.1%}"


def _seconds(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.1f}"
