"""The verbs that bring datasets into a project, and write it as one."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from engine.errors import MaskwrightError
from engine.files import check_output
from engine.formats.coco import EVERYTHING, export_coco
from engine.formats.coco_results import ResultsReport, import_results
from engine.formats.exporting import COMPLETE, ImageFiles, Selection, Split
from engine.formats.importing import ImportReport, import_dataset
from engine.formats.registry import FORMATS, export_to_folder, format_named
from engine.images import find_images
from engine.project import Project, every_page, first_page
from engine.project.intake import PageChoice, these_pages
from engine.records import ImageStatus
from engine.reporting import counted, emit, progress_bar, say
from engine.verbs.command_line import AsJson, ProgressJson, ProjectFile, app, say_left_out

FormatName = Annotated[str, typer.Option("--format", help=f"Format: {', '.join(FORMATS)}.")]


@app.command("import")
def import_(
    project_file: ProjectFile,
    coco: Annotated[Path | None, typer.Option(help="COCO annotation file.")] = None,
    data: Annotated[Path | None, typer.Option(help="Or the file or folder of a dataset in another format.")] = None,
    name: FormatName = "coco",
    images: Annotated[
        Path | None, typer.Option(help="Folder of the images; without one, those of the project by file name.")
    ] = None,
    results: Annotated[
        Path | None,
        typer.Option(help="COCO results file to take as proposals; the dataset given says what its ids mean."),
    ] = None,
    accept: Annotated[bool, typer.Option(help="Accept the imported images as complete.")] = False,
    crowds: Annotated[
        bool, typer.Option("--crowds-as-instances", help="Take crowd regions (iscrowd 1) as ordinary instances.")
    ] = False,
    pages: Annotated[str, typer.Option(help="Pages of image files without a dataset: first, all, or 1,3-5.")] = "first",
    progress_json: ProgressJson = False,
) -> None:
    """Bring a dataset, results of a model, or plain images into a project, which is created if it does not exist."""
    source = data or coco
    if coco is not None and data is not None:
        raise MaskwrightError("import takes either --coco or --data.")
    if results is not None and (data is not None or images is not None or accept):
        raise MaskwrightError("import --results takes only --project and --coco beside it.")
    if source is None and results is None and images is None:
        raise MaskwrightError("import takes a dataset (--coco or --data), --results, or a folder of --images.")
    if pages != "first" and (source is not None or results is not None):
        raise MaskwrightError("--pages is for plain images: a dataset names its pages itself.")
    kind, choice = format_named("coco" if coco is not None else name), _page_choice(pages)
    existed, path = project_file.exists(), project_file
    try:
        with Project.open(project_file) if existed else Project.create(project_file) as project:
            path = project.path
            if results is not None:
                _say_results(import_results(project, results, coco), path)
            elif source is not None:
                dataset = kind.read(source)
                with progress_bar("Reading images", as_json=progress_json) as advance:
                    report = import_dataset(
                        project, dataset, images, accept_images=accept, crowd_as_instances=crowds, progress=advance
                    )
                _say_import(report, images, path)
            elif images is not None:
                _add_images(project, images, choice, progress_json)
    except BaseException:
        if not existed:
            Project.discard(path)
        raise


def _page_choice(pages: str) -> PageChoice:
    if pages in ("first", "all"):
        return first_page if pages == "first" else every_page
    return these_pages(pages)


def _add_images(project: Project, folder: Path, pages: PageChoice, as_json: bool) -> None:
    if not folder.is_dir():
        raise MaskwrightError(f"{folder} is no folder.", remedy="Name the folder of the images.")
    with progress_bar("Reading images", as_json=as_json) as advance:
        report = project.add_images(find_images(folder), advance, pages=pages)
    say_left_out([f"{path}. {reason}" for path, reason in report.skipped])
    if not report.added and not report.skipped:
        raise MaskwrightError(f"There is nothing to add in {folder}.", remedy="Choose a folder with images.")
    say(f"Added {counted(len(report.added), 'image')} to {project.path}.")


def _say_import(report: ImportReport, images: Path | None, path: Path) -> None:
    where = f"in {images}" if images is not None else "in the project"
    say_left_out([f"{name} is not {where}." for name in report.missing])
    say_left_out([f"{name}. {reason}" for name, reason in report.unreadable])
    say_left_out([f"{place}, {reason}." for place, reason in report.left_out])
    _say_notes(report.notes)
    say(f"Imported {counted(report.instances, 'annotation')} and {counted(report.images, 'new image')} into {path}.")


def _say_results(report: ResultsReport, path: Path) -> None:
    say_left_out([f"{place}, {reason}." for place, reason in report.left_out])
    _say_notes(report.notes)
    say(f"Imported {counted(report.proposals, 'proposal')} on {counted(report.images, 'image')} into {path}.")


def _say_notes(notes: Iterable[str]) -> None:
    for note in notes:
        say(f"Note: {note}")


@app.command()
def export(
    project_file: ProjectFile,
    out: Annotated[Path, typer.Option(help="COCO file to write; a new folder for other formats, parts and images.")],
    name: FormatName = "coco",
    everything: Annotated[bool, typer.Option("--all", help="Every image, not only the accepted ones.")] = False,
    status: Annotated[list[ImageStatus] | None, typer.Option(help="Images of this status; may be repeated.")] = None,
    hold_out: Annotated[
        bool | None, typer.Option("--hold-out/--no-hold-out", help="Hold-out images only, or all but them.")
    ] = None,
    split: Annotated[str, typer.Option(help="Parts with their shares, such as train=0.8,val=0.2.")] = "",
    seed: Annotated[int, typer.Option(min=0, help="Seed of the split.")] = 0,
    group_by: Annotated[
        str, typer.Option(help="Keep together in one part: folder, or a key of the imported image records.")
    ] = "",
    image_files: Annotated[ImageFiles, typer.Option(help="What becomes of the image files.")] = ImageFiles.LEAVE,
    as_json: AsJson = False,
    progress_json: ProgressJson = False,
) -> None:
    """Write a project's accepted annotations as a dataset: one COCO file, or a folder in any of the formats."""
    if everything and status:
        raise MaskwrightError("export takes either --all or --status.")
    if group_by and not split:
        raise MaskwrightError("--group-by says what stays together in a part.", remedy="Add --split.")
    if as_json and progress_json:
        raise MaskwrightError("export prints either one document (--json) or JSON lines (--progress-json).")
    kind = format_named(name)
    selection = Selection(frozenset(status) if status else EVERYTHING if everything else COMPLETE, hold_out)
    parts = _split(split, seed, group_by) if split else None
    one_file = name == "coco" and parts is None and image_files is ImageFiles.LEAVE
    with (
        Project.open(project_file, read_only=True) as project,
        progress_bar("Exporting", as_json=progress_json) as advance,
    ):
        if one_file:
            check_output(out, inputs=(project_file, *map(project.image_path, project.images())))
            report = export_coco(project, out, selection=selection, progress=advance)
        else:
            report = export_to_folder(
                project, kind, out, selection=selection, split=parts, image_files=image_files, progress=advance
            )
    _say_notes(report.losses)
    if as_json:
        counts = {"images": report.images, "annotations": report.annotations}
        emit({"path": str(report.path), **counts, "losses": list(report.losses)})
    say(f"Exported {counted(report.annotations, 'annotation')} on {counted(report.images, 'image')} to {report.path}.")


def _split(text: str, seed: int, group_by: str) -> Split:
    try:
        pairs = [part.split("=") for part in text.split(",")]
        shares = tuple((name.strip(), float(share)) for name, share in pairs)
    except ValueError:
        raise MaskwrightError(f"--split is parts with shares such as train=0.8,val=0.2, not {text!r}.") from None
    return Split(shares, seed, group_by)
