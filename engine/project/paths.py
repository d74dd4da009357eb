"""How a project names files: relative to its folder where it can, so that the folder may move."""

import os
from pathlib import Path


def portable(path: str | os.PathLike[str], root: Path) -> str:
    """The path relative to `root`, with `/`, where the file lies inside; else the absolute path.

    A link inside the folder counts as inside, wherever it leads.
    """
    absolute = Path(os.path.normpath(Path(path).absolute()))
    for candidate, folder in ((absolute, root), (absolute.resolve(), root.resolve())):
        if candidate.is_relative_to(folder):
            return candidate.relative_to(folder).as_posix()
    return absolute.as_posix()


def located(path: str, root: Path) -> Path:
    """The absolute path of what `portable` named."""
    return root / path
