"""The image files of a project: which are gone or not what they were, and where those that moved are now."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from sqlalchemy import bindparam, update

from engine.errors import MaskwrightError, UnreadableImage
from engine.images import find_images, read_info
from engine.project.database import Database
from engine.project.intake import hash_of
from engine.project.paths import located, portable
from engine.project.schema import images
from engine.records import Image

Progress = Callable[[int, int], None]


class FileProblem(StrEnum):
    """What is wrong with an image's file."""

    MISSING = "missing"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class FileFinding:
    """An image whose file is not what the project knows."""

    image: Image
    problem: FileProblem


def find_moved(lost: Iterable[Image], folder: Path) -> dict[int, Path]:
    """Where the files of images lie below a folder, by image id: those of the same content, whatever they are called.

    Files of the same name are looked at first, and others only of the same size.
    """
    lost = list(lost)
    by_name: dict[str, list[Path]] = defaultdict(list)
    by_size: dict[int, list[Path]] = defaultdict(list)
    for path in find_images(folder):
        with suppress(OSError):  # a link that leads nowhere
            by_size[path.stat().st_size].append(path)
            by_name[path.name].append(path)
    hashes: dict[tuple[Path, int], str] = {}
    found = {}
    for image in lost:
        candidates = by_name[Path(image.path).name] + (by_size[image.file_size] if image.file_size else [])
        for path in dict.fromkeys(candidates):
            if (path, image.page) not in hashes:
                hashes[path, image.page] = hash_of(path, image.page)
            if hashes[path, image.page] == image.content_hash:
                found[image.id] = path
                break
    return found


class ImageFiles:
    """The image files of an open project, whose relative paths start from `root`."""

    def __init__(self, database: Database, root: Path) -> None:
        self._database = database
        self._root = root

    def check(self, known: Sequence[Image], progress: Progress | None = None) -> list[FileFinding]:
        """The images whose files are missing or hold something else than when they were added.

        A file is read again only where its size or its time of modification differ from those that are known.
        `progress(done, total)` may raise to give up.
        """
        return check(known, self._root, progress)

    def relink(self, places: Mapping[int, Path]) -> None:
        """Note where images lie now, by image id, as `find_moved` found them."""
        rows = []
        for image_id, path in places.items():
            facts = path.stat()
            row = {"key": image_id, "place": portable(path, self._root)}
            rows.append({**row, "size": facts.st_size, "time": facts.st_mtime_ns})
        if rows:
            with self._database.write() as connection:
                connection.execute(_RELINK, rows)

    def take_as_it_is(self, image: Image) -> None:
        """Note that an image's file was changed on purpose. Its hold-out membership stays as it is.

        Raises UnreadableImage, and MaskwrightError where the file has another size in pixels: the masks would not fit.
        """
        path = located(image.path, self._root)
        info = read_info(path, image.page)
        if (info.width, info.height) != (image.width, image.height):
            raise MaskwrightError(
                f"{path.name} has {info.width} x {info.height} pixels now, its masks were made on {image.width} x "
                f"{image.height}.",
                remedy="Put the old file back, or add the new one under another name.",
            )
        facts = path.stat()
        values = {"file_size": facts.st_size, "modified_ns": facts.st_mtime_ns}
        with self._database.write() as connection:
            content = {"content_hash": hash_of(path, image.page), **values}
            connection.execute(update(images).where(images.c.id == image.id).values(content))


_RELINK = (
    update(images)
    .where(images.c.id == bindparam("key"))
    .values(path=bindparam("place"), file_size=bindparam("size"), modified_ns=bindparam("time"))
)


def check(known: Sequence[Image], root: Path, progress: Progress | None = None) -> list[FileFinding]:
    """See `ImageFiles.check`; for a thread that has no project open."""
    findings = []
    for done, image in enumerate(known, start=1):
        problem = problem_of(image, located(image.path, root))
        if problem is not None:
            findings.append(FileFinding(image, problem))
        if progress is not None:
            progress(done, len(known))
    return findings


def problem_of(image: Image, path: Path) -> FileProblem | None:
    """What is wrong with the file of an image, read only where its size or time say so. Raises UnreadableImage."""
    try:
        facts = path.stat()
        if (facts.st_size, facts.st_mtime_ns) == (image.file_size, image.modified_ns):
            return None
        return None if hash_of(path, image.page) == image.content_hash else FileProblem.CHANGED
    except FileNotFoundError:
        return FileProblem.MISSING
    except OSError as error:
        raise UnreadableImage(f"{path} cannot be read: {error.strerror}.") from error
