"""What all verbs share: the parser, the options that several take, and how their errors end."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from engine.errors import MaskwrightError
from engine.files import explain
from engine.reporting import leave_stdout, say, sigterm_as_interrupt

STOPPED = 130
"""Exit code of a process that was asked to stop, as shells give it for Ctrl+C."""

app = typer.Typer(
    help="Correct masks instead of drawing them. Without a verb the window opens.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

BUNDLED = "the bundled model"
Weights = Annotated[Path, typer.Option(help="Checkpoint to predict with.", show_default=BUNDLED)]
ProjectFile = Annotated[Path, typer.Option("--project", help="Project file (.maskwright).")]
CocoFile = Annotated[Path, typer.Option("--coco", help="COCO annotation file.")]
ImagesFolder = Annotated[Path, typer.Option("--images", help="Folder that the annotation file's image names refer to.")]
ProgressJson = Annotated[bool, typer.Option("--progress-json", help="Print progress as JSON lines on stdout.")]
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


def say_left_out(reasons: Sequence[str]) -> None:
    """A line for each image that could not be read."""
    for reason in reasons:
        say(f"Left out: {reason}")
