"""The verb that looks for mistakes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated

import typer

from engine.errors import MaskwrightError, UnreadableImage
from engine.quality.checks import FILE_CHECKS, MODEL_CHECKS, Check, Severity
from engine.records import Detection
from engine.reporting import emit, progress_bar, say
from engine.resources import BUNDLED_WEIGHTS
from engine.verbs.command_line import AsJson, Weights, app, say_left_out


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
    if not checks:
        raise MaskwrightError("validate is left with no check to make.", remedy="Skip fewer, or choose another.")
    if only and not model and MODEL_CHECKS & checks:
        if coco is not None:
            raise MaskwrightError(
                f"{_names(MODEL_CHECKS & checks)} needs a model to compare with.", remedy="Add --model."
            )
        names = _names(MODEL_CHECKS & checks)
        say(f"Note: {names} is judged by the proposals that the project holds; --model asks a model.")

    from engine.quality.report import Mend, validate_coco, validate_project

    mend = Mend.ALL if fix_all else Mend.SAFE if fix else Mend.NOTHING
    detector = _detector(weights, project_file) if model else None
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


def _names(checks: Iterable[Check]) -> str:
    return ", ".join(sorted(checks))


def _detector(weights: Path, project_file: Path | None) -> Callable[[Path, int], list[Detection] | None]:
    """Asks the model, which is loaded now, and calls its categories as the project does."""
    from engine.images import read_rgb
    from engine.inference import Predictor
    from engine.project import CategoryMap, Project

    predictor = Predictor.from_checkpoint(weights)
    names = CategoryMap({})
    if project_file is not None:
        with Project.open(project_file, read_only=True) as project:
            names = project.category_map(predictor.checkpoint_id, predictor.model.spec.categories)

    def detect(path: Path, page: int) -> list[Detection] | None:
        try:
            return names.renamed(predictor.detect(predictor.encode(read_rgb(path, page))))
        except UnreadableImage as error:
            say_left_out([str(error)])
            return None

    return detect
