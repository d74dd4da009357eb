"""Adding images: what is read from each file once, and why a file is skipped."""

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, insert, select

from engine.errors import MaskwrightError
from engine.files import sha256_of
from engine.images import read_info
from engine.project.paths import portable
from engine.project.rows import Row, image_of
from engine.project.schema import images
from engine.records import Image, ImageStatus, Review

# One image in five is held out: enough to compare two models, and most is left to train on.
_HOLD_OUT_ONE_IN = 5

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class AddReport:
    """The images that were added, and the files that were not, each with the reason in words."""

    added: list[Image]
    skipped: list[tuple[Path, str]]


def is_held_out(content_hash: str) -> bool:
    """Whether an image of that SHA-256 (hexadecimal) is never trained on. Renaming the file changes nothing."""
    return int(content_hash[:8], 16) % _HOLD_OUT_ONE_IN == 0


class Intake:
    """Reads files one by one into rows, and remembers what the project already holds."""

    def __init__(self, connection: Connection, root: Path) -> None:
        self._root = root
        self._paths = set(connection.execute(select(images.c.path)).scalars())
        self._names_by_hash = {row.content_hash: row.path for row in connection.execute(select(images))}
        self.rows: list[Row] = []
        self.skipped: list[tuple[Path, str]] = []

    def read(self, paths: Iterable[Path], sources: Mapping[Path, str], progress: Progress | None) -> None:
        """Read the files; `progress(done, total)` is called after each and may raise to give up."""
        files = list(paths)
        for done, path in enumerate(files, start=1):
            try:
                self.rows.append(self._row(path, sources.get(path)))
            except MaskwrightError as error:
                self.skipped.append((path, str(error)))
            if progress is not None:
                progress(done, len(files))

    def _row(self, path: Path, source: str | None) -> Row:
        name = _as_text(portable(path, self._root))
        if name in self._paths:
            raise MaskwrightError("It is already in the project.")
        info = read_info(path)
        try:
            content_hash = sha256_of(path)
        except OSError as error:
            raise MaskwrightError(f"It cannot be read: {error.strerror}.") from error
        twin = self._names_by_hash.get(content_hash)
        if twin is not None:
            raise MaskwrightError(f"It has the same content as {twin}, which is already in the project.")
        self._paths.add(name)
        self._names_by_hash[content_hash] = name
        return {
            "path": name,
            "width": info.width,
            "height": info.height,
            "content_hash": content_hash,
            "hold_out": is_held_out(content_hash),
            "review": Review.OPEN.value,
            "status": ImageStatus.TODO.value,
            "source": source,
        }


def insert_images(connection: Connection, rows: list[dict[str, Any]]) -> list[Image]:
    """Write rows that `Intake` read, and return them as records in the same order."""
    if not rows:
        return []
    last_before = connection.execute(select(images.c.id).order_by(images.c.id.desc()).limit(1)).scalar() or 0
    connection.execute(insert(images), rows)
    added = connection.execute(select(images).where(images.c.id > last_before).order_by(images.c.id)).mappings()
    return [image_of(row) for row in added]


def _as_text(name: str) -> str:
    try:
        os.fsencode(name).decode("utf-8")
    except UnicodeDecodeError as error:
        raise MaskwrightError("Its name is not valid UTF-8.") from error
    return name
