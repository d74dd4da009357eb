"""Arrays that lie in memory, or on disk where they are too large for it, and the bands in which they are filled.

An array on disk is a mapped file without a name: its pages belong to the system's cache, which gives them up whenever
memory is short, and the space is free again when the array is.
"""

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray
from platformdirs import user_cache_path

from engine.errors import OutOfSpace
from engine.files import explain

BAND_BYTES = 32 << 20  # worked on at once: large enough for decoders, small beside what a process has anyway
# Left free on the disk: a full one stops the project's own database, and other programs.
SPARE_BYTES = 256 << 20


def new_array(shape: tuple[int, ...], dtype: DTypeLike, *, on_disk: bool) -> NDArray[Any]:
    """Zeros of that shape. Raises OutOfSpace where they are to lie on a disk that has no room for them."""
    if not on_disk:
        return np.zeros(shape, dtype)
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    folder = _cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(folder).free < size + SPARE_BYTES:
            raise OutOfSpace(
                f"Opening an image this large takes {size / 1e9:.1f} GB of disk space in {folder}, which are not free.",
                remedy="Free some space, then try again.",
            )
        with tempfile.TemporaryFile(dir=folder) as file:
            _reserve(file.fileno(), size)
            return np.memmap(file, dtype, mode="w+", shape=shape)
    except OSError as error:
        refusal = explain(error, folder)
        if refusal is None:
            raise
        raise refusal from error


def _reserve(descriptor: int, size: int) -> None:
    """Take the space now: writing to a mapped file on a full disk would end the program rather than raise an error."""
    if hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(descriptor, 0, size)
        except OSError as error:
            if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL):  # a file system that cannot reserve
                raise


def bands(shape: tuple[int, ...], itemsize: int) -> Iterator[slice]:
    """The rows of an array, first axis, as slices of about BAND_BYTES each."""
    row = max(1, int(np.prod(shape[1:])) * itemsize)
    step = max(1, BAND_BYTES // row)
    for first in range(0, shape[0], step):
        yield slice(first, min(first + step, shape[0]))


def contiguous(values: NDArray[Any], *, on_disk: bool) -> NDArray[Any]:
    """`values` itself where it is C-contiguous and lies where it is to, else a copy that does."""
    if values.flags.c_contiguous and (isinstance(values, np.memmap) or not on_disk):
        return values
    if not on_disk:
        return np.ascontiguousarray(values)
    result = new_array(values.shape, values.dtype, on_disk=True)
    for rows in bands(values.shape, values.itemsize):
        result[rows] = values[rows]
    return result


def _cache_folder() -> Path:
    """Of the user rather than of the system: /tmp lies in memory on many machines."""
    home = os.environ.get("MASKWRIGHT_HOME")
    return Path(home) / "cache" if home else user_cache_path("maskwright", appauthor=False)
