"""An evaluation in a few lines of text, for a terminal."""

from __future__ import annotations

from engine.learning.evaluation import Evaluation, Precision


def summary(evaluation: Evaluation) -> list[str]:
    """The figures, one kind a line, and the masks of each category where there are several."""
    kinds = {"box": evaluation.box, "mask": evaluation.mask}
    lines = [_line(kind, precision) for kind, precision in kinds.items()]
    if len(evaluation.categories) > 1:
        width = max(len(each.category) for each in evaluation.categories)
        lines += [
            f"{_line(f'mask of {each.category:{width}}', each.mask)}   {each.instances} instances"
            for each in evaluation.categories
        ]
    labeler = evaluation.labeler
    lines.append(
        f"from a score of {labeler.threshold:g}: {_share(labeler.accepted_unedited)} of proposals good as they are, "
        f"{_share(labeler.found)} of instances found, {_seconds(labeler.seconds_an_instance)} an instance"
    )
    error = evaluation.calibration.error
    if error is not None:
        lines.append(f"scores are off by {error:.3f} (expected calibration error)")
    lines.append(
        f"{evaluation.images} images, {evaluation.instances} instances, {evaluation.max_detections} detections an image"
    )
    return lines


def _line(name: str, precision: Precision) -> str:
    return f"{name:5} AP {precision.AP:.3f}   AP50 {precision.AP50:.3f}   AP75 {precision.AP75:.3f}"


def _share(value: float | None) -> str:
    return "none" if value is None else f"{value:.1%}"


def _seconds(value: float | None) -> str:
    return "no seconds" if value is None else f"{value:.1f} s"
