"""The verbs that fetch, list and hand on checkpoints."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from engine.reporting import say
from engine.verbs.command_line import app


@app.command(name="export-model")
def export_model(
    weights: Annotated[Path, typer.Argument(help="Checkpoint to export.")],
    out: Annotated[Path, typer.Argument(help=".safetensors for a copy with its card, .pth for torchvision.")],
) -> None:
    """Write a checkpoint as a file of its own, for Maskwright or for torchvision."""
    from engine.checkpoints.torchvision_export import export

    told = export(weights, out)
    say(f"{out} is written.")
    for line in told:
        say(line)
