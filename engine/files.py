"""Writing files so that a crash or a full disk never leaves half of one, and naming files by their content."""

import contextlib
import errno
import hashlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from engine.errors import MaskwrightError, NotWritable, OutOfSpace


@contextlib.contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yields a temporary path beside `path`; where the block ends without an error, that file becomes `path`.

    The file is synced to disk before it takes the name, and the folder after, so that a power cut leaves the old or the
    new content, never a mixture. On any error the temporary file is removed and `path` stays as it was.
    A symbolic link is followed: its target is replaced.

    Raises OutOfSpace or NotWritable, in words, where the system refuses; other errors of the block pass unchanged.
    """
    target = Path(os.path.realpath(path))
    # The name is shortened because many file systems allow 255 bytes a name, and the temporary one must fit too.
    temporary = target.with_name(f".{target.name[:100]}.{secrets.token_hex(4)}.tmp")
    try:
        yield temporary
        _copy_mode(target, temporary)
        _sync(temporary)
        temporary.replace(target)
        _sync_folder(target.parent)
    except OSError as error:
        refusal = explain(error, target)
        if refusal is None:
            raise
        raise refusal from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def explain(error: OSError, path: str | os.PathLike[str]) -> MaskwrightError | None:
    """The words for an operating system's refusal to write to `path`; None where the error means something else."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return OutOfSpace(
            f"There is no space left on the disk to write {path}.", remedy="Free some space, then try again."
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return NotWritable(f"There is no permission to write {path}.", remedy="Choose another folder.")
    if error.errno == errno.EROFS:
        return NotWritable(f"{path} is on a disk that can only be read.", remedy="Choose a folder on another disk.")
    if error.errno in (errno.ENOENT, errno.ENOTDIR) and not Path(path).parent.is_dir():
        return NotWritable(f"The folder {Path(path).parent} does not exist.", remedy="Create it or choose another one.")
    if error.errno == errno.EISDIR:
        return NotWritable(f"{path} is a folder.", remedy="Choose a file name.")
    return None


def sha256_of(path: str | os.PathLike[str]) -> str:
    """The SHA-256 of the file's content as 64 lower-case hexadecimal digits. Raises OSError where it cannot be read."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _copy_mode(existing: Path, temporary: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        temporary.chmod(existing.stat().st_mode & 0o7777)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_folder(folder: Path) -> None:
    # Windows cannot open a folder as a file, and orders the rename itself.
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
