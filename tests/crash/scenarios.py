"""What is killed: how each scenario is set up, what it does, and what it must leave behind whenever it dies."""

import json
import random
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from checks import digest, leftovers, tree, undo_and_redo_all, unsound
from child import Say
from editing import everything
from samples import PROJECT, accepted_project, coco_dataset, labelme_dataset, open_session, run_verb, small_checkpoint

from engine.files import atomic_write
from engine.learning.finished import BETTER, keep_round, register, unregistered_rounds
from engine.project import Project, backups, commands
from engine.project.schema import SCHEMA_VERSION

EARLIER = Path(__file__).parents[1] / "engine" / "project" / "earlier"


@dataclass(frozen=True)
class Fault:
    """What is not as it must be: something acknowledged is lost, or (else) something is damaged."""

    words: str
    lost: bool = False


class Scenario(Protocol):
    """One kind of work. `share` is how many of all kills it gets, beside those of the others."""

    name: str
    share: float

    def prepare(self, folder: Path) -> None:
        """Fill a folder with what the work starts from."""

    def work(self, folder: Path, say: Say) -> None:
        """Work in a copy of it, and say what is acknowledged; in the process that is killed."""

    def learn(self, folder: Path, told: list[Any]) -> None:
        """Take note of what the work told and left when it was not killed."""

    def check(self, folder: Path, told: list[Any]) -> list[Fault]:
        """What is wrong with what a killed process left, and with going on from there."""


def all_scenarios(generator: random.Random) -> list[Scenario]:
    editing = [Editing(generator.randrange(1 << 30)) for _ in range(4)]
    importing = [Import(kind, new) for kind in ("coco", "labelme") for new in (True, False)]
    return [*editing, *importing, ExportFile(), ExportFolder(), BackUp(), Restore(), Migration(), HandOver()]


class Editing:
    """Everything that a labeler does, each step acknowledged with what the project holds then."""

    share = 7.0

    def __init__(self, seed: int) -> None:
        self.name = f"editing {seed}"
        self._seed = seed
        self._states: list[tuple[str, int | None]] = []

    def prepare(self, folder: Path) -> None:
        accepted_project(folder)
        self._states = [(digest(folder / PROJECT), None)]

    def work(self, folder: Path, say: Say) -> None:
        began: int | None = None
        for project in everything(folder / PROJECT, self._seed):
            if project is None:
                began, since = None, None
            else:
                entries = project.history(None)
                began = max(entry.id for entry in entries) if began is None else began
                since = sum(entry.id > began for entry in entries)
            say((digest(folder / PROJECT), since))

    def learn(self, folder: Path, told: list[Any]) -> None:
        self._states += [(state, edits) for state, edits in told]

    def check(self, folder: Path, told: list[Any]) -> list[Fault]:
        path, faults = folder / PROJECT, []
        if [(state, edits) for state, edits in told] != self._states[1 : len(told) + 1]:
            return [Fault("the same seed did something else: the harness is wrong")]
        shutil.copytree(folder, folder / "copy")
        faults += sound(folder / "copy" / PROJECT)
        possible = self._states[len(told) : len(told) + 2]
        with Project.open(path) as project:
            state = (digest(path), None if project.recovery is None else project.recovery.edits)
            if state not in possible:
                faults.append(Fault(f"{state} is none of {possible}", lost=state[0] not in dict(possible)))
            if not undo_and_redo_all(project):
                faults.append(Fault("undoing all and redoing all gives something else"))
        with Project.open(path) as project:
            if project.recovery is not None:
                faults.append(Fault("a session that was closed is told as cut off"))
        return faults + tidy(folder)


class Import:
    """The verb `import`, into a new project or one with images and edits."""

    share = 3.0

    def __init__(self, kind: str, new: bool) -> None:
        self.name = f"import {kind} into {'a new' if new else 'an existing'} project"
        self._kind, self._new = kind, new
        self._before, self._after = "", ""

    def prepare(self, folder: Path) -> None:
        {"coco": coco_dataset, "labelme": labelme_dataset}[self._kind](folder / "data")
        if not self._new:
            accepted_project(folder)
            self._before = digest(folder / PROJECT)

    def work(self, folder: Path, say: Say) -> None:
        run_verb("import", "--project", folder / PROJECT, *self._source(folder), "--accept")
        say("imported")

    def learn(self, folder: Path, told: list[Any]) -> None:
        self._after = digest(folder / PROJECT)

    def check(self, folder: Path, told: list[Any]) -> list[Fault]:
        path, faults = folder / PROJECT, []
        if path.exists():
            faults += sound(path)
            with Project.open(path) as project:
                empty = self._new and not project.images() and not project.history() and not project.categories()
                whole = digest(path) == self._after
                if not whole and not empty and digest(path) != self._before:
                    faults.append(Fault("a part of the dataset was imported"))
                if told and not whole:
                    faults.append(Fault("what was imported is not there", lost=True))
        elif not self._new or told:
            faults.append(Fault("the project is gone", lost=True))
        run_verb("import", "--project", path, *self._source(folder), "--accept")
        if digest(path) != self._after:
            faults.append(Fault("importing again gives something else"))
        return faults + tidy(folder)

    def _source(self, folder: Path) -> tuple[object, ...]:
        if self._kind == "coco":
            return "--coco", folder / "data" / "coco.json", "--images", folder / "data" / "images"
        return "--data", folder / "data", "--format", self._kind, "--images", folder / "data"


class ExportFile:
    """The verb `export`, over a COCO file that is there already."""

    name, share = "export over a COCO file", 4.0
    _old, _new = b"old", b""

    def prepare(self, folder: Path) -> None:
        with Project.open(accepted_project(folder)) as project:
            # Long enough that writing it takes a while.
            note = json.dumps({"note": "x" * 4_000_000})
            project.apply(commands.draw(project.new_instance_id(), 1, 1, project.instance(1).mask, note))
        (folder / "out.json").write_bytes(self._old)

    def work(self, folder: Path, say: Say) -> None:
        run_verb("export", "--project", folder / PROJECT, "--out", folder / "out.json")
        say("exported")

    def learn(self, folder: Path, told: list[Any]) -> None:
        self._new = (folder / "out.json").read_bytes()

    def check(self, folder: Path, told: list[Any]) -> list[Fault]:
        faults = sound(folder / PROJECT)
        content = (folder / "out.json").read_bytes()
        if content not in (self._old, self._new):
            faults.append(Fault("the export is neither the old one nor the new one"))
        if told and content != self._new:
            faults.append(Fault("the export is not there", lost=True))
        run_verb("export", "--project", folder / PROJECT, "--out", folder / "out.json")
        if (folder / "out.json").read_bytes() != self._new:
            faults.append(Fault("exporting again gives something else"))
        return faults + tidy(folder)


class ExportFolder:
    """The verb `export`, into a new folder with the images."""

    name, share = "export to a folder with images", 4.0

    def __init__(self) -> None:
        self._whole: dict[str, bytes] = {}

    def prepare(self, folder: Path) -> None:
        accepted_project(folder)

    def work(self, folder: Path, say: Say) -> None:
        self._export(folder)
        say("exported")

    def learn(self, folder: Path, told: list[Any]) -> None:
        self._whole = tree(folder / "out")

    def check(self, folder: Path, told: list[Any]) -> list[Fault]:
        faults = sound(folder / PROJECT)
        if (folder / "out").exists() and tree(folder / "out") != self._whole:
            faults.append(Fault("half an export has the final name"))
        if told and not (folder / "out").exists():
            faults.append(Fault("the export is not there", lost=True))
        shutil.rmtree(folder / "out", ignore_errors=True)
        self._export(folder)
        if tree(folder / "out") != self._whole:
            faults.append(Fault("exporting again gives something else"))
        return faults + tidy(folder)

    def _export(self, folder: Path) -> None:
        where = ("--project", folder / PROJECT, "--out", folder / "out")
        run_verb("export", *where, "--image-files", "copy", "--split", "train=0.7,val=0.3")


class BackUp:
    """Copies of a project that is being edited."""

    name, share = "backups", 3.0

    def prepare(self, folder: Path) -> None:
        accepted_project(folder)

    def work(self, folder: Path, say: Say) -> None:
        with Project.open(folder / PROJECT) as project:
            for image in project.images():
                project.apply(commands.skip(image))
                backup = backups.back_up(project.path)
                say((backup.path.name, digest(project.path)))

    def learn(self, folder: Path, told: list[Any]) -> None:
        """Each run makes copies of its own times."""

    def check(self, folder: Path, told: list[Any]) -> list[Fault]:
        path = folder / PROJECT
        faults = sound(path)
        listed = {backup.path.name: backup.path for backup in backups.listed(path)}
        for name, state in told[-6:]:
            if name not in listed or digest(listed[name]) != state:
                faults.append(Fault(f"the copy {name} is not what it was", lost=True))
        for copy in listed.values():
            faults += sound(copy)
            Project.open(copy, read_only=True).close()
        backups.back_up(path)
        Project.open(path).close()
        return faults + tidy(folder)


class Restore:
    """Going back to a copy, after a session that was cut off and left a log."""

    name, share = "restoring a copy", 4.0
    _before, _after = "", ""

    def prepare(self, folder: Path) -> None:
        accepted_project(folder)
        early = backups.back_up(folder / PROJECT)
        self._after = digest(early.path)
        with Project.open(folder / PROJECT) as project:  # so that the file without its log is neither of the two
            project.apply(commands.skip(project.images()[-1]))
        open_session(folder / PROJECT)
        self._before = digest(folder / PROJECT)

    def work(self, folder: Path, say: Say) -> None:
        backups.restore(folder / PROJECT, backups.listed(folder / PROJECT)[-1].path)
        say("restored")

    def learn(self, folder: Path, told: list[Any]) -> None:
        assert digest(folder / PROJECT) == self._after != self._before

    def check(self, folder: Path, told: list[Any]) -> list[Fault]:
        path = folder / PROJECT
        faults = sound(path)
        state = digest(path)
        kept = {state, *(digest(backup.path) for backup in backups.listed(path))}
        if not kept >= {self._before, self._after}:
            faults.append(Fault("what was there before is nowhere", lost=True))
        if state not in ((self._after,) if told else (self._before, self._after)):
            faults.append(Fault("the project is neither the old nor the restored one"))
        backups.restore(path, backups.listed(path)[-1].path)
        with Project.open(path) as project:
            if digest(path) != self._after or not undo_and_redo_all(project):
                faults.append(Fault("restoring again gives something else"))
        return faults + tidy(folder)


class Migration:
    """Opening a project of an earlier version, which brings it up to date."""

    share = 3.0

    def __init__(self, version: int = SCHEMA_VERSION - 1) -> None:
        self.name = f"migration from version {version}"
        self._version, self._after = version, ""

    def prepare(self, folder: Path) -> None:
        shutil.copy2(EARLIER / f"schema-{self._version}.maskwright", folder / PROJECT)
        for image in EARLIER.glob("*.png"):
            shutil.copy2(image, folder)

    def work(self, folder: Path, say: Say) -> None:
        Project.open(folder / PROJECT).close()
        say("opened")

    def learn(self, folder: Path, told: list[Any]) -> None:
        self._after = digest(folder / PROJECT)

    def check(self, folder: Path, told: list[Any]) -> list[Fault]:
        path = folder / PROJECT
        faults = sound(path)
        with Project.open(path, read_only=True):
            pass
        with Project.open(path) as project:
            if digest(path) != self._after or not undo_and_redo_all(project):
                faults.append(Fault("the project is not what it was", lost=True))
        old = [backup.path for backup in backups.listed(path)]
        if not old:
            faults.append(Fault("the file as it was is not kept", lost=True))
        for backup in old:
            faults += sound(backup)
        return faults + tidy(folder)


class HandOver:
    """A trainer keeps its rounds, and a window registers them and lets them predict."""

    name, share = "hand-over of a fine-tune", 6.0
    _rounds = 3

    def prepare(self, folder: Path) -> None:
        accepted_project(folder)
        for number in range(self._rounds):
            small_checkpoint(folder / f"trained-{number}.safetensors", number)

    def work(self, folder: Path, say: Say) -> None:
        with Project.open(folder / PROJECT) as project:
            for number in range(self._rounds):
                _train(folder / f"trained-{number}.safetensors", project.rounds_folder / f"round-{number}")
                say(("kept", number))
                for entry in unregistered_rounds(project):
                    register(project, entry, promote=True)
                say(("registered", number))

    def learn(self, folder: Path, told: list[Any]) -> None:
        """What is told says it all."""

    def check(self, folder: Path, told: list[Any]) -> list[Fault]:
        faults = sound(folder / PROJECT)
        last = dict(told)
        with Project.open(folder / PROJECT) as project:
            known, fresh = project.rounds(), unregistered_rounds(project)
            if len(known) <= last.get("registered", -1) or len(known) + len(fresh) <= last.get("kept", -1):
                faults.append(Fault(f"a round is lost: {len(known)} and {len(fresh)} after {last}", lost=True))
            current = project.current_checkpoint()
            if (current.id if current else None) != (known[-1].checkpoint_id if known else None):
                faults.append(Fault("the round that was registered last does not predict"))
            if len(list(project.rounds_folder.glob("*"))) > len(known) + len(fresh):
                faults.append(Fault("half a round has the final name"))
            for entry in fresh:
                register(project, entry, promote=True)
            if unregistered_rounds(project) or len(project.rounds()) != len(known) + len(fresh):
                faults.append(Fault("a round was taken over twice"))
        return faults + tidy(folder)


def _train(made: Path, folder: Path) -> None:
    """What a trainer does at the end, with weights that were made before."""

    def save(path: Path) -> None:
        with atomic_write(path) as temporary:
            shutil.copyfile(made, temporary)

    keep_round(folder, save, {"before": {}, "after": {}, "verdict": BETTER, "reason": ""})


def sound(path: Path) -> list[Fault]:
    found = unsound(path)
    return [] if found is None else [Fault(found)]


def tidy(folder: Path) -> list[Fault]:
    """After going on, nothing is left of what the killed process began, and nobody holds the lock."""
    left = [*leftovers(folder), *(str(path) for path in folder.glob(".*.lock"))]
    return [Fault(f"{left} stayed")] if left else []
