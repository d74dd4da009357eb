"""A published model downloaded and turned into a checkpoint with a card."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from engine.checkpoints.catalog import Published, checkpoint_path
from engine.checkpoints.download import Progress, download


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
    download(published.url, downloaded, sha256_prefix=published.sha256_prefix, progress=progress, cancelled=cancelled)
    # Not before: offline, the person need not wait for torch to be told so.
    from engine.checkpoints.store import save
    from engine.checkpoints.torchvision import convert, read_state_dict

    try:
        names = published.first_categories if published.names_all else None
        model, card = convert(read_state_dict(downloaded), categories=names, source=downloaded.name)
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
    finally:
        downloaded.unlink(missing_ok=True)  # a damaged one was deleted before; this one is no longer needed
    return target
