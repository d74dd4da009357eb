"""Downloads a file onto a disk that has no room for it, then makes room and downloads it again.

    unshare -rm sh -c 'mount -t tmpfs -o size=8m none FOLDER && exec python tests/crash/full_download.py FOLDER URL SHA'

Prints as JSON the refusal, what was on the disk then beside what filled it, and what is there at the end, by size.
"""

import json
import sys
from pathlib import Path

from engine.checkpoints.download import download
from engine.errors import OutOfSpace

ROOM = 1 << 20


def main() -> int:
    folder, (url, sha256) = Path(sys.argv[1]).resolve(), sys.argv[2:]
    target, filler = folder / "model.pth", folder / "filler"
    filler.write_bytes(bytes(7 * ROOM))
    refusal = ""
    try:
        download(url, target, sha256_prefix=sha256)
    except OutOfSpace as error:
        refusal = str(error)
    filler.unlink()
    kept = sizes(folder)
    download(url, target, sha256_prefix=sha256)
    print(json.dumps([refusal, kept, sizes(folder)]))
    return 0


def sizes(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_size for path in folder.iterdir()}


if __name__ == "__main__":
    sys.exit(main())
