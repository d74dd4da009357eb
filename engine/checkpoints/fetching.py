"""A published model downloaded and turned into a checkpoint with a card."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from engine.checkpoints.catalog import Published, checkpoint_path
from engine.checkpoints.download import Progress, download
from engine.errors import InvalidCheckpoint
from engine.files import sha256_of


def fetch(
    published: Published,
    *,
    progress: Progress = lambda done, total: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Path:
    """Download a published model into the user's data folder.

    Returns:
        Its checkpoint. The file that was downloaded is deleted.

    Raises:
        DownloadCancelled: `cancelled()` returned True.
        MaskwrightError: as `download`, or the file holds another model than it should.
    """
    target = checkpoint_path(published)
    downloaded = target.with_suffix(".pth")
    # One that is there was left where there was no room for the checkpoint, or by a kill, and need not come again.
    if not (downloaded.is_file() and sha256_of(downloaded).startswith(published.sha256_prefix)):
        prefix = published.sha256_prefix
        download(published.url, downloaded, sha256_prefix=prefix, progress=progress, cancelled=cancelled)
    # Not before: offline, the person need not wait for torch to be told so.
    from engine.checkpoints.store import save
    from engine.checkpoints.torchvision import convert, read_state_dict

    try:
        names = published.first_categories if published.names_all else None
        model, card = convert(read_state_dict(downloaded), categories=names, source=downloaded.name)
    except InvalidCheckpoint:
        downloaded.unlink()  # it is another model; to download it again would not help
        raise
    card = replace(
        card,
        name=published.title,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        licence=published.licence,
        data=published.data,
        command=f"python main.py models --download {published.name}",
        notes=f"{card.notes} {published.figures} by its publisher. Downloaded from {published.url}.".strip(),
    )
    save(target, model, card)
    downloaded.unlink()
    return target
