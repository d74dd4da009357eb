"""The headless verbs of `python main.py`; the window's buttons run the same ones.

Each verb parses its arguments, calls the engine and prints. A mistake of the person's ends with exit code 2 and one
line on stderr; nothing half written stays behind. torch is imported by the verbs that need it, not before.
"""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from engine.errors import MaskwrightError, UnreadableImage
from engine.files import check_output, check_output_folder, explain
from engine.quality.checks import FILE_CHECKS, Check, Severity
from engine.records import Detection
from engine.reporting import emit, leave_stdout, progress_bar, say, sigterm_as_interrupt, stop_signal
from engine.resources import BUNDLED_WEIGHTS

STOPPED = 130
"""Exit code of a process that was asked to stop, as shells give it for Ctrl+C."""

app = typer.Typer(
    help="Correct masks instead of drawing them. Without a verb the window opens.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Weights = Annotated[Path, typer.Option(help="Checkpoint to predict with.")]
ProjectFile = Annotated[Path, typer.Option("--project", help="Project file (.maskwright).")]
CocoFile = Annotated[Path, typer.Option("--coco", help="COCO annotation file.")]
ImagesFolder = Annotated[Path, typer.Option("--images", help="Folder that the annotation file's image names refer to.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a verb; returns the exit code: 0, 2 for a mistake of the person's, 130 when stopped."""
    try:
        with sigterm_as_interrupt():
            outcome = app(args=arguments, standalone_mode=False)
        return outcome if isinstance(outcome, int) else 0
    except MaskwrightError as error:
        say(f"Error: {error}")
        return 2
    except OSError as error:
        return _refused(error)
    except typer.Abort:
        return STOPPED
    except Exception as error:
        if hasattr(error, "format_message"):  # the argument parser's own errors
            say(f"Error: {error.format_message()} Try 'python main.py --help'.")
            return 2
        raise


def _refused(error: OSError) -> int:
    if error.filename is None:
        refusal = explain(error, "the output")
        if refusal is None:
            raise error
        leave_stdout()
        say(f"Error: {refusal}")
    else:
        say(f"Error: {explain(error, error.filename) or f'{error.filename}: {error.strerror}.'}")
    return 2


@app.command()
def predict(
    images: Annotated[list[Path] | None, typer.Argument(help="Images, or folders of images.")] = None,
    out: Annotated[Path | None, typer.Option(help="COCO file to write, scores included.")] = None,
    project_file: Annotated[Path | None, typer.Option("--project", help="Fill this project's open images.")] = None,
    weights: Weights = BUNDLED_WEIGHTS,
    threshold: Annotated[float, typer.Option(min=0, max=1, help="Lowest score to write to --out.")] = 0.5,
) -> None:
    """Detect objects: on images into a COCO file, or on a project's open images as proposals."""
    into_file = bool(images) and out is not None and project_file is None
    into_project = project_file is not None and not images and out is None
    if not into_file and not into_project:
        raise MaskwrightError("predict takes either images and --out, or --project alone.")

    from engine.inference import Predictor
    from engine.inference.runs import predict_open_images, predict_to_coco
    from engine.project import Project

    predictor = Predictor.from_checkpoint(weights)
    if project_file is not None:
        with Project.open(project_file) as project, progress_bar("Predicting") as advance:
            predicted = predict_open_images(project, predictor, advance)
        say_left_out(predicted.unreadable)
        say(f"Proposals for {predicted.images} images are in {project_file}.")
    elif images and out is not None:
        with progress_bar("Predicting") as advance:
            written = predict_to_coco(images, out, predictor, threshold, advance)
        say_left_out(written.unreadable)
        say(f"Wrote {written.annotations} annotations on {written.images} images to {out}.")


def say_left_out(reasons: Sequence[str]) -> None:
    """A line for each image that could not be read."""
    for reason in reasons:
        say(f"Left out: {reason}")


@app.command()
def finetune(
    project_file: Annotated[
        Path | None, typer.Option("--project", help="Train on this project's accepted images.")
    ] = None,
    coco: Annotated[Path | None, typer.Option(help="Or train on this COCO file.")] = None,
    images: Annotated[Path | None, typer.Option(help="Folder of the COCO file's images.")] = None,
    hold_out_coco: Annotated[Path | None, typer.Option(help="COCO file to compare before and after on.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the new checkpoint; a project has its own.")] = None,
    weights: Annotated[Path, typer.Option(help="Base checkpoint.")] = BUNDLED_WEIGHTS,
    steps: Annotated[int | None, typer.Option(min=1, help="Training steps; by default from the image count.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of every random choice.")] = 0,
    progress_json: Annotated[bool, typer.Option(help="JSON lines on stdout; stop when stdin ends.")] = False,
    as_json: AsJson = False,
) -> int:
    """Train on accepted images and compare the model before and after on the hold-out."""
    if as_json and progress_json:
        raise MaskwrightError("finetune prints either one document (--json) or JSON lines (--progress-json).")
    with stop_signal(watch_stdin=progress_json) as cancelled:
        from engine.learning import finetune as learning

        reporter: learning.Reporter = learning.JsonReporter() if progress_json else learning.BarReporter()
        try:
            if project_file is not None and coco is None and images is None and hold_out_coco is None:
                source = learning.source_from_project(project_file, weights, out)
            elif coco is not None and images is not None and out is not None and project_file is None:
                source = learning.source_from_coco(coco, images, hold_out_coco, weights, out)
            else:
                raise MaskwrightError("finetune takes either --project, or --coco with --images and --out.")
            result = learning.finetune(
                source, steps=steps, seed=seed, reporter=reporter, cancelled=cancelled, command=_command_line()
            )
        except MaskwrightError as error:
            reporter.failed(error)
            raise
    if result is None:
        return STOPPED
    if as_json:
        emit(result.to_dict())
    return 0


@app.command()
def train(
    coco: CocoFile,
    images: ImagesFolder,
    hold_out_coco: Annotated[Path, typer.Option(help="COCO file of the same images' folder to measure on.")],
    out: Annotated[Path, typer.Option(help="Checkpoint file to write.")],
    name: Annotated[str, typer.Option(help="Name on the model card.")],
    data: Annotated[str, typer.Option(help="Where the data come from, for the model card.")] = "",
    licence: Annotated[str, typer.Option(help="Licence of the weights, for the model card.")] = "",
    steps: Annotated[int | None, typer.Option(min=1, help="Training steps.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of every random choice.")] = 0,
) -> int:
    """Train the small model from random weights, as the bundled one was made."""
    check_output_folder(out.parent)
    if out.parent.exists():
        check_output(out, inputs=(coco, hold_out_coco))
    from engine.learning.dataset import from_coco
    from engine.learning.scratch import SCRATCH_RECIPE, new_card, train_from_scratch

    training, held_out = from_coco(coco, images), from_coco(hold_out_coco, images)
    card = new_card(name, training.categories, data=data, licence=licence, command=_command_line())
    recipe = replace(SCRATCH_RECIPE, seed=seed, steps=steps or SCRATCH_RECIPE.steps)
    with stop_signal(watch_stdin=False) as cancelled, progress_bar("Training") as advance:
        result = train_from_scratch(
            card,
            training,
            held_out,
            out,
            recipe,
            on_step=lambda step: advance(step.step, step.steps, f"loss {step.loss:.3f}"),
            cancelled=cancelled,
        )
    if result is None:
        return STOPPED
    say(f"{out}: mask AP50 {result.mask.AP50:.3f} on {result.images} images")
    return 0


def _command_line() -> str:
    return "python main.py " + shlex.join(sys.argv[1:])


@app.command()
def evaluate(
    coco: CocoFile,
    images: ImagesFolder,
    weights: Weights = BUNDLED_WEIGHTS,
    max_detections: Annotated[int, typer.Option(min=1, help="Detections an image that count.")] = 500,
    as_json: AsJson = False,
) -> None:
    """Average precision of a checkpoint on a COCO dataset."""
    from engine.inference import Predictor
    from engine.learning.dataset import from_coco
    from engine.learning.evaluation import evaluate as score
    from engine.learning.evaluation import predict_all

    predictor = Predictor.from_checkpoint(weights)
    dataset = from_coco(coco, images)
    for name in sorted(set(dataset.categories) - set(predictor.model.spec.categories)):
        say(f"Note: the model has no category {name!r}, so it finds none of its instances.")
    with progress_bar("Predicting") as advance:
        found = predict_all(predictor, dataset, advance)
    result = score(dataset, found, max_detections)
    if as_json:
        emit(result.to_dict())
        return
    for kind, value in (("box", result.box), ("mask", result.mask)):
        say(f"{kind:5} AP {value.AP:.3f}   AP50 {value.AP50:.3f}   AP75 {value.AP75:.3f}")
    say(f"{result.images} images, {result.instances} instances, {max_detections} detections an image")


@app.command("import")
def import_(
    project_file: ProjectFile,
    coco: CocoFile,
    images: ImagesFolder,
    accept: Annotated[bool, typer.Option(help="Accept the imported images as complete.")] = False,
) -> None:
    """Bring a COCO dataset into a project, which is created if it does not exist."""
    from engine.formats.coco import import_coco
    from engine.project import Project

    existed, path = project_file.exists(), project_file
    try:
        with Project.open(project_file) if existed else Project.create(project_file) as project:
            path = project.path
            report = import_coco(project, coco, images, accept_images=accept)
    except BaseException:
        if not existed:
            Project.discard(path)
        raise
    for name in report.missing:
        say(f"Left out: {name} is not in {images}.")
    for name, reason in report.unreadable:
        say(f"Left out: {name}. {reason}")
    for where, reason in report.left_out:
        say(f"Left out: {where}, {reason}.")
    for note in report.notes:
        say(f"Note: {note}")
    say(f"Imported {report.instances} annotations and {report.images} new images into {path}.")


@app.command()
def export(
    project_file: ProjectFile,
    out: Annotated[Path, typer.Option(help="COCO file to write.")],
    everything: Annotated[bool, typer.Option("--all", help="Every image, not only the accepted ones.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write a project's accepted annotations as COCO JSON."""
    from engine.formats.coco import EVERYTHING, Selection, export_coco
    from engine.project import Project

    with Project.open(project_file, read_only=True) as project, progress_bar("Exporting") as advance:
        check_output(out, inputs=(project_file, *map(project.image_path, project.images())))
        report = export_coco(project, out, selection=Selection(EVERYTHING) if everything else None, progress=advance)
    if as_json:
        emit({"path": str(report.path), "images": report.images, "annotations": report.annotations})
    say(f"Exported {report.annotations} annotations on {report.images} images to {report.path}.")


@app.command()
def validate(
    project_file: Annotated[Path | None, typer.Option("--project", help="Project file to check.")] = None,
    coco: Annotated[Path | None, typer.Option(help="Or a COCO file to check.")] = None,
    images: Annotated[Path | None, typer.Option(help="Folder of the COCO file's images.")] = None,
    only: Annotated[list[Check] | None, typer.Option("--check", help="Check this only; may be repeated.")] = None,
    skip: Annotated[list[Check] | None, typer.Option(help="Leave this check out; may be repeated.")] = None,
    files: Annotated[bool, typer.Option(help="Look at image files, too: missing, changed, alike.")] = False,
    model: Annotated[bool, typer.Option("--model", help="Compare with what a model finds.")] = False,
    weights: Weights = BUNDLED_WEIGHTS,
    fix: Annotated[bool, typer.Option("--fix", help="Mend what needs no second look; undo takes it back.")] = False,
    fix_all: Annotated[bool, typer.Option("--fix-all", help="Mend what is a judgement, too.")] = False,
    fail_on: Annotated[Severity, typer.Option(help="Exit with 1 from this severity on.")] = Severity.WARNING,
    as_json: AsJson = False,
) -> int:
    """Look for mistakes in the annotations of a project or a COCO dataset; the exit code is 1 where there are any."""
    of_project = project_file is not None and coco is None and images is None
    of_coco = coco is not None and images is not None and project_file is None and not (fix or fix_all)
    if not of_project and not of_coco:
        raise MaskwrightError("validate takes either --project, or --coco with --images and no fix.")
    checks = (frozenset(only or Check) - frozenset(skip or ())) - (frozenset() if files or only else FILE_CHECKS)

    from engine.quality.report import Mend, validate_coco, validate_project

    mend = Mend.ALL if fix_all else Mend.SAFE if fix else Mend.NOTHING
    detector = _detector(weights) if model else None
    with progress_bar("Checking") as advance:
        if project_file is not None:
            report = validate_project(project_file, checks, mend, detector, advance)
        elif coco is not None and images is not None:
            report = validate_coco(coco, images, checks, detector, advance)
    if as_json:
        emit(report.to_dict())
    else:
        for line in report.lines():
            say(line)
    return 1 if report.reaches(fail_on) else 0


def _detector(weights: Path) -> Callable[[Path], list[Detection] | None]:
    """Asks the model, which is loaded now."""
    from engine.images import read_rgb
    from engine.inference import Predictor

    predictor = Predictor.from_checkpoint(weights)

    def detect(path: Path) -> list[Detection] | None:
        try:
            return predictor.detect(predictor.encode(read_rgb(path)))
        except UnreadableImage as error:
            say_left_out([str(error)])
            return None

    return detect


@app.command()
def doctor(as_json: AsJson = False) -> int:
    """Check this installation: versions, kernels, display, bundled model."""
    from engine.doctor import examine

    checks = examine()
    if as_json:
        emit({"checks": [check.to_dict() for check in checks], "healthy": all(check.passed for check in checks)})
    else:
        for check in checks:
            say(f"{'ok  ' if check.passed else 'FAIL'} {check.name}: {check.finding}")
    return 0 if all(check.passed for check in checks) else 1


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder to work in; created if missing.")],
    steps: Annotated[int, typer.Option(min=1, help="Fine-tuning steps.")] = 40,
    as_json: AsJson = False,
) -> int:
    """The whole loop on the sample project: predict, correct, accept, export, fine-tune, compare."""
    from engine.demo import run_demo

    report = run_demo(out, steps=steps)
    if report is None:
        return STOPPED
    if as_json:
        emit(report)
    else:
        say(json.dumps(report, indent=2))
    return 0
