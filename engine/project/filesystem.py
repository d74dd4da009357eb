"""Which kind of disk a file lies on, as far as that decides how a project may be written."""

import os
import re
from pathlib import Path

_MOUNTS = Path("/proc/self/mountinfo")

# File systems that other computers write to as well. SQLite's write-ahead log needs memory that all its readers and
# writers share, which they do not have (https://www.sqlite.org/wal.html, section 2).
_NETWORK_KINDS = frozenset(
    ["9p", "afs", "beegfs", "ceph", "cifs", "coda", "davfs", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs4"]
    + ["smb3", "smbfs", "fuse.ceph", "fuse.davfs2", "fuse.glusterfs", "fuse.rclone", "fuse.s3fs", "fuse.sshfs"]
)


def network_kind(path: Path, mounts: Path = _MOUNTS) -> str | None:
    """The kind of network file system that a file lies on, such as "nfs4"; None on a local disk or where it is unknown.

    `mounts` is the table of mounted file systems as Linux shows it (proc(5), mountinfo).
    """
    try:
        lines = mounts.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return None  # not Linux
    place = Path(os.path.realpath(path))
    best, kind = -1, ""
    for line in lines:
        before, separator, after = line.partition(" - ")
        fields = before.split()
        if not separator or len(fields) < 5 or not after:
            continue
        point = re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), fields[4])
        # Of two mounts at one place the later one covers the earlier.
        if place.is_relative_to(point) and len(point) >= best:
            best, kind = len(point), after.split()[0]
    return kind if kind in _NETWORK_KINDS else None
