"""Adding images: what is read from each file once, and why a file is skipped."""

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, insert, select

from engine.errors import MaskwrightError
from engine.files import sha256_of
from engine.images import page_count, read_info
from engine.project.paths import portable
from engine.project.rows import image_row
from engine.project.schema import images
from engine.records import Image, ImageStatus, Review

# One image in five is held out: enough to compare two models, and most is left to train on.
_HOLD_OUT_ONE_IN = 5

Progress = Callable[[int, int], None]
# Which pages to take, counted from 0, of a file with so many.
PageChoice = Callable[[Path, int], Iterable[int]]
# Imported COCO records of images as JSON text, by file and page.
Sources = Mapping[tuple[Path, int], str | None]


@dataclass(frozen=True, slots=True)
class AddReport:
    """The images that were added, and the files that were not, each with the reason in words."""

    added: list[Image]
    skipped: list[tuple[Path, str]]


def is_held_out(content_hash: str) -> bool:
    """Whether an image of that SHA-256 (hexadecimal) is never trained on. Renaming the file changes nothing."""
    return int(content_hash[:8], 16) % _HOLD_OUT_ONE_IN == 0


def first_page(path: Path, count: int) -> Iterable[int]:
    """The page choice that takes the first page of every file."""
    return (0,)


def every_page(path: Path, count: int) -> Iterable[int]:
    """The page choice that makes an image of each page."""
    return range(count)


def these_pages(text: str) -> PageChoice:
    """The page choice of a text such as "1, 3-5", counted from 1. Raises MaskwrightError where it says no pages."""
    wanted: list[range] = []
    for part in text.split(","):
        first, dash, last = part.partition("-")
        with suppress(ValueError):  # no numbers, or too many digits: it says no pages
            wanted.append(range(int(first) - 1, int(last if dash else first)))
    if len(wanted) < len(text.split(",")) or any(len(pages[:1]) == 0 or pages.start < 0 for pages in wanted):
        raise MaskwrightError(f"{text!r} says no pages.", remedy="Pages count from 1, as in 1,3-5.")
    return lambda path, count: [page for page in range(count) if any(page in pages for pages in wanted)]


def hash_of(path: Path, page: int) -> str:
    """The content hash of an image: the SHA-256 of its file, and for a later page of that together with the page."""
    content = sha256_of(path)
    return content if page == 0 else hashlib.sha256(f"{content}#{page}".encode()).hexdigest()


class Intake:
    """Reads files one by one into images that nothing has stored yet, and remembers what the project already holds."""

    def __init__(self, connection: Connection, root: Path, new_id: Callable[[], int]) -> None:
        self._root = root
        self._new_id = new_id
        known = connection.execute(select(images.c.path, images.c.page, images.c.content_hash)).all()
        self._places = {(path, page) for path, page, _ in known}
        self._names_by_hash = {content_hash: path for path, _, content_hash in known}
        self.images: list[Image] = []
        self.skipped: list[tuple[Path, str]] = []

    def read(self, paths: Iterable[Path], sources: Sources, pages: PageChoice, progress: Progress | None) -> None:
        """Read the files; `progress(done, total)` is called after each and may raise to give up."""
        files = list(paths)
        for done, path in enumerate(files, start=1):
            try:
                for page in pages(path, page_count(path)):
                    self._take(path, page, sources.get((path, page)))
            except MaskwrightError as error:
                self.skipped.append((path, str(error)))
            if progress is not None:
                progress(done, len(files))

    def _take(self, path: Path, page: int, source: str | None) -> None:
        try:
            self.images.append(self._image(path, page, source))
        except MaskwrightError as error:
            self.skipped.append((path, f"Page {page + 1}: {error}" if page else str(error)))

    def _image(self, path: Path, page: int, source: str | None) -> Image:
        name = _as_text(portable(path, self._root))
        if (name, page) in self._places:
            raise MaskwrightError("It is already in the project.")
        info = read_info(path, page)
        try:
            facts = path.stat()
            content_hash = hash_of(path, page)
        except OSError as error:
            raise MaskwrightError(f"It cannot be read: {error.strerror}.") from error
        twin = self._names_by_hash.get(content_hash)
        if twin is not None:
            raise MaskwrightError(f"It has the same content as {twin}, which is already in the project.")
        self._places.add((name, page))
        self._names_by_hash[content_hash] = name
        return Image(
            self._new_id(),
            name,
            info.width,
            info.height,
            content_hash,
            is_held_out(content_hash),
            review=Review.OPEN,
            status=ImageStatus.TODO,
            predicted_by=None,
            source=source,
            page=page,
            file_size=facts.st_size,
            modified_ns=facts.st_mtime_ns,
        )


def insert_images(connection: Connection, new: Sequence[Image]) -> None:
    """Write images that `Intake` read."""
    if new:
        connection.execute(insert(images), [image_row(image) for image in new])


def _as_text(name: str) -> str:
    try:
        os.fsencode(name).decode("utf-8")
    except UnicodeDecodeError as error:
        raise MaskwrightError("Its name is not valid UTF-8.") from error
    return name
