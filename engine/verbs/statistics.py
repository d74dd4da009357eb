"""The verb that tells how much has been done in a project, and how quickly."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from engine.reporting import emit, say
from engine.verbs.command_line import AsJson, app


@app.command()
def statistics(
    project_file: Annotated[Path, typer.Argument(help="Project file (.maskwright).")],
    as_json: AsJson = False,
) -> None:
    """Tell what was accepted in a project, how quickly and how much of it unedited; all of it from its journal."""
    from engine.project import Project

    with Project.open(project_file, read_only=True) as project:
        figures = project.statistics()
    if as_json:
        emit(figures.document())
        return
    for section, name, figure, value in figures.table():
        say(f"{' '.join(part for part in (section, name, figure) if part)}: {'-' if value == '' else value}")
