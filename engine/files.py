"""Writing files so that a crash or a full disk never leaves half of one, and naming files by their content."""

import contextlib
import errno
import hashlib
import os
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path

from engine.errors import MaskwrightError, NotWritable, OutOfSpace


@contextlib.contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yields a temporary path beside `path`; where the block ends without an error, that file becomes `path`.

    The file is synced to disk before it takes the name, and the folder after, so that a power cut leaves the old or the
    new content, never a mixture. On any error the temporary file is removed and `path` stays as it was.
    A symbolic link is followed: its target is replaced.

    Raises OutOfSpace or NotWritable, in words, where the system refuses, or where `path` is a device or a pipe: to
    replace one, such as /dev/null, would take it from every program. Other errors of the block pass unchanged.
    """
    target = Path(os.path.realpath(path))
    _refuse_special(target)
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


def check_output(path: str | os.PathLike[str], *, inputs: Iterable[str | os.PathLike[str]] = ()) -> None:
    """Refuses a file to write before the work for it is done, rather than after.

    Raises NotWritable where `path` cannot become a file, MaskwrightError where it is one of `inputs`, which writing
    would destroy.
    """
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise NotWritable(f"{path} is a folder.", remedy="Choose a file name.")
    _refuse_special(target)
    for read in inputs:
        if os.path.realpath(read) == str(target) or (target.exists() and Path(read).exists() and target.samefile(read)):
            raise MaskwrightError(f"{path} is what would be read; it is not replaced.", remedy="Choose another name.")
    if not target.parent.is_dir():
        raise _no_folder(target.parent)
    _refuse_unwritable(target.parent)


def check_output_folder(path: str | os.PathLike[str]) -> None:
    """Refuses a folder to write to, which may have to be made, before the work for it is done. Raises NotWritable."""
    folder = Path(os.path.realpath(path))
    while not folder.exists():
        folder = folder.parent
    if not folder.is_dir():
        raise NotWritable(f"{folder} is a file, not a folder.", remedy="Choose another folder.")
    _refuse_unwritable(folder)


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
        return _no_folder(Path(path).parent)
    if error.errno == errno.EISDIR:
        return NotWritable(f"{path} is a folder.", remedy="Choose a file name.")
    return None


def _no_folder(folder: Path) -> NotWritable:
    return NotWritable(f"The folder {folder} does not exist.", remedy="Create it or choose another one.")


def _refuse_special(target: Path) -> None:
    if target.exists() and not target.is_file() and not target.is_dir():
        raise NotWritable(f"{target} is a device or a pipe, not a file.", remedy="Choose a file name.")


def _refuse_unwritable(folder: Path) -> None:
    if not os.access(folder, os.W_OK | os.X_OK):
        raise NotWritable(f"There is no permission to write to {folder}.", remedy="Choose another folder.")


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
