"""The verbs that run or train a model."""

from __future__ import annotations

import shlex
import sys
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from engine.errors import MaskwrightError
from engine.files import check_output, check_output_folder
from engine.reporting import counted, emit, progress_bar, say, stop_signal
from engine.resources import BUNDLED_WEIGHTS
from engine.verbs.command_line import BUNDLED, STOPPED, AsJson, CocoFile, ImagesFolder, Weights, app, say_left_out

NAMED = 5
"""Categories in a sentence."""


class TrainedScope(StrEnum):
    """What a fine-tune trains."""

    AUTO = "auto"
    HEADS = "heads"
    WHOLE = "whole"


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
        say(f"Proposals for {counted(predicted.images, 'image')} are in {project_file}.")
    elif images and out is not None:
        with progress_bar("Predicting") as advance:
            written = predict_to_coco(images, out, predictor, threshold, advance)
        say_left_out(written.unreadable)
        say(f"Wrote {counted(written.annotations, 'annotation')} on {counted(written.images, 'image')} to {out}.")


@app.command()
def finetune(
    project_file: Annotated[
        Path | None, typer.Option("--project", help="Train on this project's accepted images.")
    ] = None,
    coco: Annotated[Path | None, typer.Option(help="Or train on this COCO file.")] = None,
    images: Annotated[Path | None, typer.Option(help="Folder of the COCO file's images.")] = None,
    hold_out_coco: Annotated[Path | None, typer.Option(help="COCO file to compare before and after on.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the new checkpoint; a project has its own.")] = None,
    weights: Annotated[
        Path, typer.Option(help="Base checkpoint, where the project names none.", show_default=BUNDLED)
    ] = BUNDLED_WEIGHTS,
    steps: Annotated[int | None, typer.Option(min=1, help="Training steps; by default from the image count.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of every random choice.")] = 0,
    scope: Annotated[
        TrainedScope, typer.Option(help="What to train; by default few images on a processor train the heads alone.")
    ] = TrainedScope.AUTO,
    class_agnostic_masks: Annotated[
        bool, typer.Option("--class-agnostic-masks", help="One mask for all categories: a new one has masks at once.")
    ] = False,
    progress_json: Annotated[
        bool, typer.Option("--progress-json", help="JSON lines on stdout; stop when stdin ends.")
    ] = False,
    as_json: AsJson = False,
) -> int:
    """Train on accepted images and compare the model before and after on the hold-out."""
    if as_json and progress_json:
        raise MaskwrightError("finetune prints either one document (--json) or JSON lines (--progress-json).")
    with stop_signal(watch_stdin=progress_json) as cancelled:
        from engine.learning import finetune as learning
        from engine.learning.recipe import Scope
        from engine.learning.reporters import BarReporter, JsonReporter, Reporter
        from engine.learning.rounds import Wishes

        reporter: Reporter = JsonReporter() if progress_json else BarReporter()
        try:
            if project_file is not None and coco is None and images is None and hold_out_coco is None:
                source = learning.source_from_project(project_file, weights, out)
            elif coco is not None and images is not None and out is not None and project_file is None:
                source = learning.source_from_coco(coco, images, hold_out_coco, weights, out)
            else:
                raise MaskwrightError("finetune takes either --project, or --coco with --images and --out.")
            wishes = Wishes(
                steps=steps,
                seed=seed,
                scope=None if scope is TrainedScope.AUTO else Scope(scope),
                class_agnostic_masks=class_agnostic_masks,
            )
            result = learning.finetune(
                source, wishes, reporter=reporter, cancelled=cancelled, command=command_line_text()
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
    from engine.learning.summary import figure

    training, held_out = from_coco(coco, images), from_coco(hold_out_coco, images)
    card = new_card(name, training.categories, data=data, licence=licence, command=command_line_text())
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
    say(f"{out}: mask AP50 {figure(result.mask.AP50)} on {counted(result.images, 'image')}")
    return 0


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
    from engine.learning.summary import summary
    from engine.project.category_maps import category_map

    predictor = Predictor.from_checkpoint(weights)
    dataset = from_coco(coco, images)
    names = category_map(None, predictor.model.spec.categories, dataset.categories)
    for name, target in names.targets.items():
        if target is not None and target.casefold() != name.casefold():
            say(f"Note: what the model calls {name!r} counts as {target!r}.")
    unknown = sorted(
        {name for image in dataset.images for name in image.categories} - set(filter(None, names.targets.values()))
    )
    if unknown:
        more = f" and {len(unknown) - NAMED} more" if len(unknown) > NAMED else ""
        listed = ", ".join(map(repr, unknown[:NAMED]))
        say(f"Note: the model has no category {listed}{more}, so it finds none of their instances.")
    with progress_bar("Predicting") as advance:
        found = [names.renamed(each) for each in predict_all(predictor, dataset, advance)]
    result = score(dataset, found, max_detections)
    if as_json:
        emit(result.to_dict())
        return
    for line in summary(result):
        say(line)


def command_line_text() -> str:
    return "python main.py " + shlex.join(sys.argv[1:])
