"""Writing files so that a crash or a full disk never leaves half of one, and naming files by their content."""

import contextlib
import errno
import hashlib
import os
import re
import secrets
import shutil
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from engine.errors import MaskwrightError, NotWritable, OutOfSpace

if sys.platform != "win32":
    import fcntl

# Characters of the target's name in that of its temporary folder: of up to four bytes each, and many file systems allow
# 255 bytes a name.
_NAME_LENGTH = 60
_LEFTOVER = re.compile(r"\..+\.[0-9a-f]{8}\.tmp", re.DOTALL)


@contextlib.contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yields a temporary path on the disk of `path`; where the block ends without an error, that file becomes `path`.

    The file is synced to disk before it takes the name, and the folder after, so that a power cut leaves the old or the
    new content, never a mixture. On any error the temporary file is removed and `path` stays as it was. What a writer
    of the same name left when it was killed goes with the next write.
    A symbolic link is followed: its target is replaced.

    Raises OutOfSpace or NotWritable, in words, where the system refuses, or where `path` is a device or a pipe: to
    replace one, such as /dev/null, would take it from every program. Other errors of the block pass unchanged.
    """
    target = Path(os.path.realpath(path))
    _refuse_special(target)
    with _refusals_in_words(target), _workplace(target) as folder:
        temporary = folder / target.name
        yield temporary
        _copy_mode(target, temporary)
        _sync(temporary)
        temporary.replace(target)
        _sync_folder(target.parent)


def check_new_folder(path: str | os.PathLike[str]) -> None:
    """Raises NotWritable, in words, where `path` holds something already or cannot be made."""
    target = Path(os.path.realpath(path))
    check_output_folder(target)
    if target.exists() and any(target.iterdir()):
        raise NotWritable(f"The folder {target} is not empty.", remedy="Choose a new or an empty folder.")


@contextlib.contextmanager
def new_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yields a folder to fill; it becomes `path`, synced to disk, at the end, and is removed where the block raises.

    Raises NotWritable, in words, where `path` holds something already or cannot be made.
    """
    target = Path(os.path.realpath(path))
    check_new_folder(target)
    with _refusals_in_words(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        with _workplace(target) as folder:
            yield folder
            _sync_tree(folder)
            if target.exists():
                target.rmdir()
            folder.rename(target)
            _sync_folder(target.parent)


@dataclass
class WorkFolder:
    """A folder to work in; with ``keep`` it stays when the work ends."""

    path: Path
    keep: bool = False


@contextlib.contextmanager
def work_folder(path: str | os.PathLike[str]) -> Iterator[WorkFolder]:
    """Yields the folder `path`, made where it does not exist, and removes it when the block ends, with or without an
    error. What a process that was killed left in it is there for the next one.

    Raises NotWritable, in words, where it cannot be made, or another process is at work in it.
    """
    target = Path(os.path.realpath(path))
    check_output_folder(target)
    is_first = not target.parent.exists()
    with _refusals_in_words(target):
        target.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = _lock(target)
    except BlockingIOError as error:
        raise NotWritable(
            f"Another process is at work in {target}.", remedy="Wait for it to end, or choose another folder."
        ) from error
    work = WorkFolder(target)
    try:
        yield work
    finally:
        if not work.keep:
            shutil.rmtree(target, ignore_errors=True)
            if is_first:
                with contextlib.suppress(OSError):  # something else is in it by now
                    target.parent.rmdir()
        if descriptor is not None:
            os.close(descriptor)


def is_in_use(path: str | os.PathLike[str]) -> bool:
    """Whether a process is at work in a folder that `work_folder` gave it. False where the disk knows no locks."""
    try:
        descriptor = _lock(Path(os.path.realpath(path)))
    except BlockingIOError:
        return True
    except OSError:  # there is no such folder
        return False
    if descriptor is not None:
        os.close(descriptor)
    return False


def clear_leftovers(folder: Path, name: str | None = None) -> None:
    """Removes what killed writers of a name, or of any, left in a folder, and nothing of those that are at work."""
    known = _LEFTOVER if name is None else re.compile(rf"\.{re.escape(name[:_NAME_LENGTH])}\.[0-9a-f]{{8}}\.tmp")
    try:
        leftovers = [path for path in folder.iterdir() if known.fullmatch(path.name)]
    except OSError:  # a folder that cannot be listed: nothing of ours was left there
        return
    for leftover in leftovers:
        with contextlib.suppress(OSError):  # its writer is at work, or it cannot be removed and is in nobody's way
            descriptor = _lock(leftover)
            if descriptor is not None:
                shutil.rmtree(leftover, ignore_errors=True)
                os.close(descriptor)


def check_output(path: str | os.PathLike[str], *, inputs: Iterable[str | os.PathLike[str]] = ()) -> None:
    """Refuses a file to write before the work for it is done, rather than after.

    Raises NotWritable where `path` cannot become a file, MaskwrightError where it is one of `inputs`, which writing
    would destroy.
    """
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise NotWritable(f"{path} is a folder.", remedy="Choose a file name.")
    _refuse_special(target)
    if target.exists() and not target.stat().st_mode & 0o222:  # renaming over it would not ask
        raise NotWritable(f"{path} is write-protected; it is not replaced.", remedy="Choose another name.")
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


@contextlib.contextmanager
def _refusals_in_words(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        refusal = explain(error, target)
        if refusal is None:
            raise
        raise refusal from error


@contextlib.contextmanager
def _workplace(target: Path) -> Iterator[Path]:
    """Yields a new folder `.NAME.XXXXXXXX.tmp` beside `target`, and removes what is left of it.

    It is locked while its writer lives, whose death frees it: so `clear_leftovers` tells one from the other. A folder,
    because SQLite has locks of its own on the files in it, and some network disks mix up the two.
    """
    clear_leftovers(target.parent, target.name)
    folder, descriptor = _claim(target)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if descriptor is not None:
            os.close(descriptor)


def _claim(target: Path) -> tuple[Path, int | None]:
    """A new folder and the descriptor that locks it, None where the disk knows no locks."""
    while True:
        folder = target.with_name(f".{target.name[:_NAME_LENGTH]}.{secrets.token_hex(4)}.tmp")
        folder.mkdir()
        with contextlib.suppress(FileNotFoundError, BlockingIOError):
            descriptor = _lock(folder)
            if folder.exists():
                return folder, descriptor
            if descriptor is not None:
                os.close(descriptor)
        # Before it was locked somebody who clears leftovers took it for one.


def _lock(folder: Path) -> int | None:
    """A descriptor that locks a folder until it is closed; None where the disk knows no locks.

    Raises BlockingIOError while another descriptor locks it.
    """
    if sys.platform == "win32":
        return None
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def _copy_mode(existing: Path, temporary: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        temporary.chmod(existing.stat().st_mode & 0o7777)


def _sync(path: Path, flags: int = os.O_RDWR) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_tree(folder: Path) -> None:
    for place, _, names in os.walk(folder):
        for path in [Path(place, name) for name in names]:
            if os.name != "nt" and not path.is_symlink():
                _sync(path, os.O_RDONLY)  # a linked image may be write-protected
        _sync_folder(Path(place))


def _sync_folder(folder: Path) -> None:
    # Windows cannot open a folder as a file, and orders the rename itself.
    if os.name != "nt":
        _sync(folder, os.O_RDONLY)
