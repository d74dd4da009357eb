"""Makes a disk read-only under projects, and reads them: a closed one, one whose writer was killed, with and without
the file that readers and writers share, and one of an earlier version. None can be written, and nothing changes.

    unshare -rm sh -c 'mount -t tmpfs -o size=8m none FOLDER && exec python tests/crash/read_only.py FOLDER'

Prints as JSON what each project showed before and after.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from checks import tree
from samples import PROJECT, accepted_project, open_session
from scenarios import EARLIER

from engine.errors import MaskwrightError, NotWritable
from engine.formats.coco import export_coco
from engine.project import Project, backups


def main() -> int:
    disk = Path(sys.argv[1]).resolve()
    places = prepare(disk)
    expected = {place.name: looks(place / PROJECT) for place in (shutil.copytree(one, aside(one)) for one in places)}
    before = tree(disk)
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    found = {place.name: looks(place / PROJECT) for place in places}
    refusals = {
        place.name: [refusal(place / PROJECT, do) for do in (Project.open, backups.back_up)] for place in places
    }
    print(json.dumps([expected, found, refusals, tree(disk) == before]))
    return 0


def prepare(disk: Path) -> list[Path]:
    closed, killed, lonely, earlier = (disk / name for name in ("closed", "killed", "log alone", "earlier"))
    accepted_project(closed)
    accepted_project(killed)
    open_session(killed / PROJECT)
    shutil.copytree(killed, lonely)
    (lonely / f"{PROJECT}-shm").unlink()
    earlier.mkdir()
    shutil.copy(EARLIER / "schema-1.maskwright", earlier / PROJECT)
    return [closed, killed, lonely, earlier]


def aside(place: Path) -> Path:
    return Path(tempfile.mkdtemp()) / place.name


def looks(path: Path) -> list[object]:
    """What a window shows of a project: statuses and numbers of instances, the history, and what it exports."""
    with Project.open(path, read_only=True) as project, tempfile.TemporaryDirectory() as folder:
        shown = [[image.status, len(project.instances(image.id))] for image in project.images()]
        export_coco(project, Path(folder, "out.json"))
        return [shown, len(project.history(None)), Path(folder, "out.json").read_text()]


def refusal(path: Path, do: object) -> str:
    try:
        do(path)
    except NotWritable as error:
        return error.message
    except MaskwrightError as error:
        return f"{type(error).__name__}: {error}"
    return "it was written"


if __name__ == "__main__":
    sys.exit(main())
