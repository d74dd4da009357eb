"""The whole loop without a person: predict the sample, correct it with the known truth, accept, export, fine-tune.

The corrections are the same `Edit`s that the tools of the window emit.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from pathlib import Path

from engine.errors import MaskwrightError
from engine.files import check_output_folder
from engine.formats.coco import ExportReport, export_coco
from engine.geometry.boxes import mask_iou_matrix
from engine.geometry.mask import Mask
from engine.inference import Predictor
from engine.inference.runs import predict_open_images
from engine.learning import finetune
from engine.learning.dataset import from_coco
from engine.learning.reporters import BarReporter
from engine.learning.rounds import Wishes
from engine.project import Project, commands
from engine.records import Image, Instance, InstanceState
from engine.reporting import counted, progress_bar, say, stop_signal
from engine.resources import BUNDLED_WEIGHTS, SAMPLE_IMAGES, SAMPLE_TRUTH

SAME_OBJECT_IOU = 0.5
"""From this overlap on a proposal shows the same object as the truth, and is corrected instead of replaced."""

THRESHOLD = 0.5
"""The score from which on proposals are shown, as in the window."""


def run_demo(out: Path, *, steps: int) -> dict[str, object] | None:
    """Run the loop in the folder ``out`` and report it as the document that the verb prints; None where it was stopped
    while it learned.

    Raises:
        MaskwrightError: ``out`` already holds a demo, or a step of the loop failed.
    """
    started = time.monotonic()
    project_path = out / "sample.maskwright"
    if project_path.exists():
        raise MaskwrightError(f"{out} already holds a demo.", remedy="Choose another folder with --out.")
    check_output_folder(out)
    try:
        exported = correct_sample(project_path, out / "images", out / "sample.json")
    except BaseException:
        Project.discard(project_path)
        raise
    images, annotations = counted(exported.images, "image"), counted(exported.annotations, "annotation")
    say(f"Corrected and accepted {images}, exported {annotations}.")
    source = finetune.source_from_project(project_path, BUNDLED_WEIGHTS, None)
    with stop_signal(watch_stdin=False) as cancelled:
        result = finetune.finetune(
            source,
            Wishes(steps=steps),
            reporter=BarReporter(),
            cancelled=cancelled,
            command=f"python main.py demo --out {out.name}",
        )
    if result is None:
        return None
    return {
        "before": result.before.to_dict(),
        "after": result.after.to_dict(),
        "export": {"path": str(exported.path), "images": exported.images, "annotations": exported.annotations},
        "checkpoint": str(result.checkpoint),
        "seconds": round(time.monotonic() - started, 1),
    }


def correct_sample(project_path: Path, images: Path, out: Path) -> ExportReport:
    """Copy the sample to the folder ``images``, predict it, correct and accept all of it, and export it to ``out``."""
    shutil.copytree(SAMPLE_IMAGES, images, dirs_exist_ok=True)
    truth = read_truth(SAMPLE_TRUTH)
    with Project.create(project_path) as project:
        project.add_images(images / name for name in sorted(truth))
        with progress_bar("Predicting") as advance:
            predict_open_images(project, Predictor.from_checkpoint(BUNDLED_WEIGHTS), advance)
        for image in project.images():
            correct_image(project, image, truth[Path(image.path).name])
        return export_coco(project, out)


def read_truth(annotations: Path) -> dict[str, list[Mask]]:
    """The masks of each image of a COCO file, by file name."""
    return {image.path.name: list(image.masks) for image in from_coco(annotations, SAMPLE_IMAGES).images}


def correct_image(project: Project, image: Image, truth: Sequence[Mask]) -> None:
    """Bring an image's instances to ``truth`` and accept it, edit by edit as a labeler with a brush would."""
    shown = [
        i for i in project.instances(image.id) if i.state is InstanceState.PROPOSAL and (i.score or 0) >= THRESHOLD
    ]
    overlap = mask_iou_matrix([instance.mask for instance in shown], truth)
    free = set(range(len(truth)))
    category_id = project.categories()[0].id
    for row, instance in enumerate(shown):
        best = max(free, key=lambda column: float(overlap[row, column]), default=None)
        if best is None or overlap[row, best] < SAME_OBJECT_IOU:
            project.apply(commands.reject([instance]))
            continue
        free.discard(best)
        correct_instance(project, instance, truth[best], (image.width, image.height))
    for column in sorted(free):
        project.apply(commands.draw(project.new_instance_id(), image.id, category_id, truth[column]))
    project.apply(commands.accept_image(project.image(image.id), project.instances(image.id), THRESHOLD))


def correct_instance(project: Project, instance: Instance, truth: Mask, size: tuple[int, int]) -> None:
    """One stroke of the brush for what is missing and one of the eraser for what is too much."""
    missing = truth.subtract(instance.mask)
    if not missing.is_empty:
        project.apply(commands.paint(instance, missing, size))
    surplus = instance.mask.subtract(truth)
    if not surplus.is_empty:
        project.apply(commands.erase(project.instance(instance.id), surplus, size))
