"""The verbs that list, fetch and hand on checkpoints."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer

from engine.checkpoints import checkpoint_id
from engine.checkpoints.catalog import Entry, entries, published_named
from engine.checkpoints.speeds import Speeds, speeds_of
from engine.errors import MaskwrightError
from engine.reporting import emit, progress_bar, say, stop_signal
from engine.verbs.command_line import STOPPED, AsJson, ProgressJson, app


@app.command()
def models(
    download: Annotated[str | None, typer.Option(help="Download the model of this name.")] = None,
    measure: Annotated[bool, typer.Option(help="Measure how long each takes here before listing them.")] = False,
    as_json: AsJson = False,
    progress_json: ProgressJson = False,
) -> int:
    """List the models that are here or can be downloaded, or download one."""
    if download is not None:
        return _download(download, progress_json)
    if measure:
        _measure([entry.path for entry in entries() if entry.path is not None])
    listed = [_listed(entry) for entry in entries()]
    if as_json:
        emit({"models": [asdict(each) for each in listed]})
        return 0
    for each in listed:
        say(f"{each.name:18} {each.state:14} {each.megabytes:4} MB  {each.title}")
        count = "1 category" if each.categories == 1 else f"{each.categories} categories"
        speeds = [f"{seconds:.2f} s an image ({device})" for device, seconds in each.seconds.items()]
        say(f"{'':18} {'; '.join(fact for fact in (count, each.licence, each.data, each.figures, *speeds) if fact)}")
    return 0


@app.command(name="export-model")
def export_model(
    weights: Annotated[Path, typer.Argument(help="Checkpoint to export.")],
    out: Annotated[Path, typer.Argument(help=".safetensors for a copy with its card, .pth for torchvision.")],
) -> None:
    """Write a checkpoint as a file of its own, for Maskwright or for torchvision."""
    from engine.checkpoints.export import export

    told = export(weights, out)
    say(f"{out} is written.")
    for line in told:
        say(line)


def _download(name: str, progress_json: bool) -> int:
    from engine.checkpoints.download import DownloadCancelled
    from engine.checkpoints.fetching import fetch

    try:
        watched, bar = stop_signal(watch_stdin=progress_json), progress_bar("Downloading", as_json=progress_json)
        with watched as cancelled, bar as advance:
            path = fetch(published_named(name), progress=advance, cancelled=cancelled)
    except DownloadCancelled:
        return STOPPED
    except MaskwrightError as error:
        if progress_json:
            emit({"event": "failed", "message": error.message, "remedy": error.remedy})
        raise
    if progress_json:
        emit({"event": "finished", "path": str(path)})
    say(f"{path} is written.")
    return 0


def _measure(paths: list[Path]) -> None:
    from engine.inference import Predictor
    from engine.inference.speed import measure

    with progress_bar("Measuring") as advance:
        for number, path in enumerate(paths):
            advance(number, len(paths), path.name)
            measure(Predictor.from_checkpoint(path))


@dataclass(frozen=True)
class _Listed:
    """A line of the list."""

    name: str
    title: str
    state: str
    path: str | None
    megabytes: int
    categories: int
    licence: str
    data: str
    figures: str
    seconds: Speeds


def _listed(entry: Entry) -> _Listed:
    published, path = entry.published, entry.path
    known = entry.card if entry.card is not None else published
    assert known is not None  # one that is neither here nor published is not in the list
    return _Listed(
        name=entry.name,
        title=entry.title,
        state="bundled" if entry.bundled else "downloaded" if path is not None else "to download",
        path=None if path is None else str(path),
        megabytes=entry.megabytes,
        categories=entry.category_count,
        licence=known.licence,
        data=known.data,
        figures=published.figures if published is not None else "",
        seconds={} if path is None else speeds_of(checkpoint_id(path)),
    )
