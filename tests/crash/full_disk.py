"""Fills a small disk to within some pages, and tries everything that writes: each either succeeds or says in words that
there is no space left, and then nothing has changed.

    unshare -rm sh -c 'mount -t tmpfs -o size=8m none FOLDER && exec python tests/crash/full_disk.py FOLDER'

Prints as JSON how often each kind of work succeeded and was refused, and what was wrong.
"""

import errno
import json
import os
import random
import shutil
import sys
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np
from checks import digest, leftovers, undo_and_redo_all, unsound
from samples import accepted_project, coco_dataset

from engine.errors import MaskwrightError, OutOfSpace
from engine.files import atomic_write
from engine.formats.coco import export_coco
from engine.formats.coco_document import read_dataset
from engine.formats.exporting import ImageFiles
from engine.formats.importing import import_dataset
from engine.formats.registry import FORMATS, export_to_folder
from engine.geometry.mask import Mask
from engine.project import Project, backups, commands

PAGE = 4096
# From nothing at all to more than any of the work needs.
SPACES = [*range(0, 30 * PAGE, 2 * PAGE), 45 * PAGE, 90 * PAGE]


class Disk:
    """A small disk with a project, a copy of it, an older export and a dataset on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = accepted_project(folder)
        self.export = folder / "out.json"
        self.export.write_bytes(b"old")
        self.backup = backups.back_up(self.path).path
        coco_dataset(folder / "data")
        self.dataset = read_dataset(folder / "data" / "coco.json")

    def fill(self, space: int) -> None:
        """Leave so many bytes free."""
        with (self.folder / "filler").open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(PAGE))
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
            os.ftruncate(file.fileno(), max(0, file.tell() - space))

    def clear(self) -> None:
        (self.folder / "filler").unlink(missing_ok=True)

    def works(self) -> dict[str, Callable[[], object]]:
        return {
            "open and close": lambda: Project.open(self.path).close(),
            "back up": lambda: backups.back_up(self.path),
            "restore": lambda: backups.restore(self.path, self.backup),
            "create": lambda: Project.create(self.folder / "new").close(),
            "export a file": self._export_file,
            "export a folder": self._export_folder,
            "snapshot": self._snapshot,
            "import": self._import,
            "a file of any kind": self._write,
        }

    def _export_file(self) -> None:
        with Project.open(self.path, read_only=True) as project:
            export_coco(project, self.export)

    def _export_folder(self) -> None:
        with Project.open(self.path, read_only=True) as project:
            export_to_folder(project, FORMATS["coco"], self.folder / "out", image_files=ImageFiles.COPY)

    def _snapshot(self) -> None:
        with Project.open(self.path, read_only=True) as project:
            project.snapshot(self.folder / "snapshot.maskwright")

    def _import(self) -> None:
        with Project.open(self.path) as project:
            import_dataset(project, self.dataset, self.folder / "data" / "images")

    def _write(self) -> None:
        with atomic_write(self.export) as temporary:
            temporary.write_bytes(b"new" * 2 * PAGE)


def main() -> int:
    disk = Disk(Path(sys.argv[1]).resolve())
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    faults: list[str] = []
    for name, work in disk.works().items():
        for space in SPACES:
            refused, found = try_once(disk, name, work, space)
            counts[name][refused] += 1
            faults += [f"{name}, {space} bytes left: {fault}" for fault in found]
    counts["edit"], found = edit_until_full(disk)
    print(json.dumps({"works": counts, "faults": faults + found}))
    return 0


def try_once(disk: Disk, name: str, work: Callable[[], object], space: int) -> tuple[bool, list[str]]:
    """Whether the work was refused, and what was wrong; the disk is then as it was before."""
    before, faults, refused = digest(disk.path), [], False
    disk.fill(space)
    try:
        work()
    except OutOfSpace as error:
        refused = True
        if not error.remedy:
            faults.append("it is not said what to do")
    except (MaskwrightError, OSError) as error:
        refused = True
        faults.append(f"{type(error).__name__}: {error}")
    disk.clear()
    if (refused or name != "import") and digest(disk.path) != before:
        faults.append("the project has changed")
    if refused and disk.export.read_bytes() != b"old":
        faults.append("the old export is gone")
    faults += [found for backup in backups.listed(disk.path) if (found := unsound(backup.path))]
    faults += [f"{left} stayed" for left in [*leftovers(disk.folder), *disk.folder.glob(".*.lock")]]
    if unsound(disk.path):
        faults.append("the project is damaged")
    if refused:
        new = [one for one in ("out", "new.maskwright", "snapshot.maskwright") if (disk.folder / one).exists()]
        faults += [f"half of {one} is there" for one in new]
    _tidy(disk)
    return refused, faults


def edit_until_full(disk: Disk) -> tuple[list[int], list[str]]:
    """Edit on a disk with less and less space; close it when it is full, and go on when there is space again."""
    generator, counts, faults = random.Random(0), [0, 0], []
    for _ in range(15):
        project = Project.open(disk.path)
        disk.fill(generator.randrange(60) * PAGE)
        state = digest(disk.path)
        try:
            while True:
                mask = Mask.from_crop(np.ones((6, 5)), generator.randrange(30), 2)
                source = json.dumps({"note": "x" * generator.randrange(9000)})
                project.apply(commands.draw(project.new_instance_id(), 1, 1, mask, source))
                state = digest(disk.path)
                counts[0] += 1
                if generator.random() < 0.05:
                    project.checkpoint()
        except OutOfSpace:
            counts[1] += 1
        project.close()  # which says nothing, because nothing is lost
        if digest(disk.path) != state or list(disk.folder.glob(".*.lock")):
            faults.append("edits are lost, or the lock is held")
        disk.clear()
        with Project.open(disk.path) as again:
            if digest(disk.path) != state or unsound(disk.path) or not undo_and_redo_all(again):
                faults.append("after a full disk the project is not what it was")
            again.travel(again.history(None)[-1].id)
    return counts, faults


def _tidy(disk: Disk) -> None:
    disk.export.write_bytes(b"old")
    shutil.rmtree(disk.folder / "out", ignore_errors=True)
    for name in ("new.maskwright", "snapshot.maskwright"):
        (disk.folder / name).unlink(missing_ok=True)
    for backup in backups.listed(disk.path):
        if backup.path != disk.backup:
            backup.path.unlink()


if __name__ == "__main__":
    sys.exit(main())
