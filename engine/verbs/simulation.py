"""The verb that runs the whole loop with a simulated labeler."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from engine.errors import MaskwrightError
from engine.files import check_output_folder
from engine.reporting import emit, say, stop_signal
from engine.resources import BUNDLED_WEIGHTS
from engine.verbs.command_line import BUNDLED, STOPPED, AsJson, CocoFile, ImagesFolder, app


@app.command()
def simulate(
    coco: CocoFile,
    images: ImagesFolder,
    test_coco: Annotated[Path, typer.Option(help="COCO file of the same images' folder to measure on.")],
    out: Annotated[Path, typer.Option(help="Folder for the report, the plot and the projects.")],
    weights: Annotated[Path, typer.Option(help="Base checkpoint.", show_default=BUNDLED)] = BUNDLED_WEIGHTS,
    count: Annotated[int, typer.Option(min=1, help="Images to label.")] = 20,
    rounds_after: Annotated[
        str, typer.Option(help="Counts of accepted images to fine-tune after, and after the last.")
    ] = "2,5,10,20",
    steps: Annotated[int | None, typer.Option(min=1, help="Steps of each fine-tune; by default as the button.")] = None,
    seeds: Annotated[int, typer.Option(min=1, help="How many seeds.")] = 3,
    as_json: AsJson = False,
) -> int:
    """Label a dataset with a simulated labeler, and say what fine-tuning and the queue are worth."""
    stops = _counts(rounds_after)
    check_output_folder(out)
    from engine.learning.dataset import from_coco
    from engine.learning.simulation import Run, Setting, simulate, write_report
    from engine.learning.simulation_plot import write_plot
    from engine.nn.detector import Cancelled

    setting = Setting(
        pool=from_coco(coco, images),
        test=from_coco(test_coco, images),
        base=weights,
        images=count,
        rounds_after=tuple(stop for stop in stops if stop <= count),
        steps=steps,
    )
    with stop_signal(watch_stdin=False) as cancelled:
        runs: list[Run] = []
        document: dict[str, object] = {}
        try:
            # It takes hours: whatever stops it, what is measured until then is written.
            for run in simulate(setting, out, seeds=range(seeds), progress=say, cancelled=cancelled):
                runs.append(run)
                document = write_report(out / "simulation.json", setting, runs)
                write_plot(out / "simulation.svg", runs)
        except Cancelled:
            say(f"Stopped; what was measured until then is in {out}." if runs else "Stopped.")
            return STOPPED
    say(f"{out / 'simulation.json'} and {out / 'simulation.svg'}")
    if as_json:
        emit(document)
    return 0


def _counts(text: str) -> tuple[int, ...]:
    try:
        counts = tuple(int(part) for part in text.split(","))
    except ValueError:
        counts = ()
    if not counts or min(counts) < 1:
        raise MaskwrightError(f"--rounds-after is {text!r}.", remedy="Give counts with commas between: 2,5,10,20.")
    return counts
