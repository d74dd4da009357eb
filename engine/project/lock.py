"""One writing process a project: an advisory lock that the system itself drops when the process dies."""

import errno
import fcntl
import os
from pathlib import Path

from engine.errors import MaskwrightError, NotWritable, ProjectLocked
from engine.files import explain


class WriterLock:
    """Held from construction to `release`. The lock is on a file beside the project, `.NAME.maskwright.lock`.

    The project file itself cannot carry it: SQLite's own locks on a file are dropped whenever any descriptor of it
    is closed. Raises ProjectLocked while another process (or another `Project` of this one) holds it.
    """

    def __init__(self, project: Path) -> None:
        self._path = project.with_name(f".{project.name}.lock")
        while True:
            self._descriptor = self._open(project)
            if self._is_current():
                return
            # The holder before removed the file between our opening and locking it: what we hold is a name no more.
            os.close(self._descriptor)

    def release(self) -> None:
        """Let other processes write. The file goes first, while nobody else can hold it."""
        self._path.unlink(missing_ok=True)
        os.close(self._descriptor)

    def _open(self, project: Path) -> int:
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except OSError as error:
            raise _refusal(error, project) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
                raise ProjectLocked(
                    f"{project.name} is open for editing in another window.",
                    remedy="Close it there, or open it here for reading only.",
                ) from error
            raise _refusal(error, project) from error
        return descriptor

    def _is_current(self) -> bool:
        try:
            return os.path.samestat(os.fstat(self._descriptor), self._path.stat())
        except FileNotFoundError:
            return False


def _refusal(error: OSError, project: Path) -> MaskwrightError:
    explained = explain(error, project)
    if explained is not None and project.exists():
        return NotWritable(explained.message, remedy="Open it for reading only.")
    return explained or MaskwrightError(
        f"{project} cannot be locked for editing: {error.strerror}.", remedy="Open it for reading only."
    )
