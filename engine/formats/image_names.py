"""A project's images by the names that datasets give them."""

from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

from engine.errors import InvalidDataset
from engine.records import Image

_NAMES_IN_A_MESSAGE = 5


class ImageNames:
    """Finds images by the end of their path, or at least by the name of their file."""

    def __init__(self, known: Iterable[Image]) -> None:
        self._by_name: dict[tuple[str, int], list[Image]] = {}
        self._by_stem: dict[tuple[str, int], list[Image]] = {}
        for image in known:
            path = PurePosixPath(image.path)
            self._by_name.setdefault((path.name, image.page), []).append(image)
            self._by_stem.setdefault((path.stem, image.page), []).append(image)

    def find(self, relative: PurePosixPath, page: int = 0, any_suffix: bool = False) -> list[Image]:
        """The images that are meant: one, none, or several where it cannot be told which.

        With `any_suffix` the name lacks the suffix of its file.
        """
        namesakes = (self._by_stem if any_suffix else self._by_name).get((relative.name, page), [])
        return [image for image in namesakes if _is_at(image, relative, any_suffix)] or namesakes


def none_is_there(path: Path, missing: Sequence[str], where: str, remedy: str) -> InvalidDataset:
    """The error for a dataset of which no image was found."""
    named = ", ".join(missing[:_NAMES_IN_A_MESSAGE])
    more = f" and {len(missing) - _NAMES_IN_A_MESSAGE} more" if len(missing) > _NAMES_IN_A_MESSAGE else ""
    problem = f"None of its images is {where}: {named}{more}." if missing else "It names no image."
    return InvalidDataset(f"{path.name}: {problem}", remedy=remedy)


def _is_at(image: Image, relative: PurePosixPath, any_suffix: bool) -> bool:
    path = str(PurePosixPath(image.path).with_suffix("")) if any_suffix else image.path
    return f"/{path}".endswith(f"/{relative}")
