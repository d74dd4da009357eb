"""Opening the files that a dataset consists of: never outside its folder, and with errors that name the file."""

import json
import math
import os
from collections.abc import Collection
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from engine.errors import InvalidDataset

_PLACES_IN_A_NOTE = 3
# Below what systems allow (4,096 and 255 bytes), so that the dataset's folder and another suffix fit too.
_LONGEST_PATH = 2000
_LONGEST_NAME = 240


class Tally:
    """What a reader could not take, or a writer not hold: one sentence a reason, with a count and the first places."""

    def __init__(self) -> None:
        self._places: dict[str, list[str]] = {}
        self._counts: dict[str, int] = {}

    def add(self, reason: str, where: str = "", count: int = 1) -> None:
        """Count a case of `reason`, which reads well before a colon and a number."""
        self._counts[reason] = self._counts.get(reason, 0) + count
        places = self._places.setdefault(reason, [])
        # One more than is shown, so that the sentence can say that there are more.
        if where and len(places) <= _PLACES_IN_A_NOTE and where not in places:
            places.append(where)

    def sentences(self) -> tuple[str, ...]:
        """The reasons in the order in which they came up."""
        return tuple(f"{reason}: {count}{self._among(reason)}." for reason, count in self._counts.items())

    def _among(self, reason: str) -> str:
        places = self._places[reason]
        more = "; ..." if len(places) > _PLACES_IN_A_NOTE else ""
        return f" ({'; '.join(places[:_PLACES_IN_A_NOTE])}{more})" if places else ""


def files_below(folder: Path, suffixes: Collection[str]) -> list[Path]:
    """The files below a folder whose suffix, in lower case, is one of those; sorted, hidden ones left out."""
    found = []
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        paths = (Path(parent, name) for name in names if not name.startswith("."))
        found += [path for path in paths if path.suffix.lower() in suffixes and path.is_file()]
    return sorted(found)


def check_inside(folder: Path, path: Path) -> None:
    """Raises InvalidDataset where `path`, links followed, lies outside of `folder`: for every file that a reader opens.

    Images are not checked: many a dataset has links to them, and nothing but a picture is ever made of one.
    """
    # Unlike Path.resolve, this takes a link that leads to itself as it is: opening it says what is wrong.
    if not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder)):
        raise InvalidDataset(
            f"{shown(path.name)} is a link that leads out of the folder {folder.name}.",
            remedy="Copy the file into the dataset's folder.",
        )


def within(parent: PurePosixPath, name: str) -> PurePosixPath | None:
    """The path that `name`, with `/` or `\\`, means seen from `parent`, a folder relative to the dataset's.

    None where that leads out of the dataset's folder, or is absolute, or is no path.
    """
    windows = PureWindowsPath(name)
    if windows.drive or windows.root or "\0" in name or not is_text(name) or len(name) > _LONGEST_PATH:
        return None
    if any(len(part.encode()) > _LONGEST_NAME for part in windows.parts):
        return None
    parts: list[str] = list(parent.parts)
    for part in windows.parts:
        if part != "..":
            parts.append(part)
        elif parts:
            parts.pop()
        else:
            return None
    return PurePosixPath(*parts)


def name_in(folder: Path, path: Path) -> str:
    """How messages and records call a file below a folder: relative, with `/`, without what is no UTF-8."""
    return shown(path.relative_to(folder).as_posix())


def shown(text: str) -> str:
    """Text that may hold anything, fit for a message: without lone surrogates, and not endless."""
    safe = text.encode("utf-8", "replace").decode("utf-8")
    return safe if len(safe) <= 200 else f"{safe[:200]}..."


def read_text(path: Path, name: str) -> str:
    """The text of a file called `name`. Raises InvalidDataset where it is not there, unreadable or no UTF-8."""
    try:
        if path.exists() and not path.is_file():
            raise InvalidDataset(f"{path} is no file.", remedy="Choose the file of the dataset.")
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise InvalidDataset(f"There is no file {path}.") from error
    except OSError as error:
        raise InvalidDataset(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise InvalidDataset(f"{name} is not a text file in UTF-8.", remedy="Save it as UTF-8.") from error


def read_json(path: Path, name: str) -> Any:
    """The content of a JSON file called `name`; NaN and Infinity, which are no JSON, become None.

    Raises InvalidDataset naming the line that is wrong.
    """
    text = read_text(path, name)
    try:
        return json.loads(text, parse_constant=lambda _: None)
    except json.JSONDecodeError as error:
        at = f"line {error.lineno}, column {error.colno}"
        raise InvalidDataset(f"{name} is not valid JSON: {error.msg} at {at}.") from error
    # Python's own limits: nesting, and the digits of a whole number.
    except (RecursionError, ValueError) as error:
        raise InvalidDataset(f"{name} is not a JSON file that can be read.") from error


def is_text(name: str) -> bool:
    """Whether a text has no lone halves of UTF-16 pairs, which JSON can spell and neither files nor databases hold."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def finite(value: Any) -> float | None:
    """A number of a file as a float; None where it is none, or infinite."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
