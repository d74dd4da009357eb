"""Nothing acknowledged is ever lost, one process writes, and every refusal changes nothing and says why."""

import contextlib
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.errors import InvalidProject, MaskwrightError, NotWritable, OutOfSpace, ProjectLocked
from engine.geometry.mask import Mask
from engine.project import Project, commands
from engine.records import Detection, Image

REPOSITORY = Path(__file__).parents[3]
Disc = Callable[..., Mask]

# Draws one instance after the other, and names each on stdout once `apply` has returned.
DRAW_FOREVER = """
import sys
import numpy as np
from engine.geometry.mask import Mask
from engine.project import Project, commands

project = Project.open(sys.argv[1])
while True:
    number = project.new_instance_id()
    mask = Mask.from_crop(np.ones((1 + number % 20, 5)), number % 40, 3)
    project.apply(commands.draw(number, 1, 1, mask))
    print(number, mask.area, flush=True)
"""

# Opens a project as asked, tries to write, and says what happened.
OPEN_AND_WRITE = """
import sys
from engine.errors import MaskwrightError
from engine.project import Project, commands

try:
    with Project.open(sys.argv[1], read_only=sys.argv[2] == "read") as project:
        print(len(project.instances(1)))
        project.apply(commands.skip(project.image(1)))
        print("written")
except MaskwrightError as error:
    print(type(error).__name__)
"""


# Opens a project at the moment that a line of stdin names, says whether it may write, and closes it at the next line.
RACE = """
import sys, time
from engine.errors import ProjectLocked
from engine.project import Project

print("ready", flush=True)
for line in sys.stdin:
    while time.monotonic() < float(line):
        pass
    try:
        project = Project.open(sys.argv[1])
        print("won", flush=True)
        sys.stdin.readline()
        project.close()
    except ProjectLocked:
        print("lost", flush=True)
        sys.stdin.readline()
    print("closed", flush=True)
"""


def run(script: str, *arguments: str) -> list[str]:
    command = [sys.executable, "-c", script, *arguments]
    finished = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=120, check=True)
    return finished.stdout.split()


def contents(project: Project, image: Image) -> tuple[object, ...]:
    return project.instances(image.id), project.images(), project.categories(), project.history()


@pytest.mark.parametrize("acknowledged", [1, 37, 150])
def test_killing_the_process_loses_nothing_that_it_acknowledged(
    project: Project, image: Image, acknowledged: int
) -> None:
    project.close()
    with subprocess.Popen(
        [sys.executable, "-c", DRAW_FOREVER, str(project.path)], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(acknowledged)]
        process.send_signal(signal.SIGKILL)
        lines += process.stdout.readlines()
    areas = dict(map(int, line.split()) for line in lines if line.endswith("\n"))
    assert len(areas) >= acknowledged
    with Project.open(project.path) as again:
        stored = {instance.id: instance.mask.area for instance in again.instances(image.id)}
        assert stored.items() >= areas.items()
        # The edit that the kill interrupted may be there, acknowledged or not; more than that may not.
        assert len(stored) <= len(areas) + 1
        for _ in stored:
            again.undo()
        assert again.instances(image.id) == []


@contextlib.contextmanager
def few_pages(project: Project) -> Iterator[None]:
    """SQLite's own limit on the size of the file, as good as reached."""
    driver = project._database._driver()
    (limit,) = driver.execute("PRAGMA max_page_count").fetchone()
    (pages,) = driver.execute("PRAGMA page_count").fetchone()
    driver.execute(f"PRAGMA max_page_count={pages}")
    yield
    driver.execute(f"PRAGMA max_page_count={limit}")


@contextlib.contextmanager
def small_files(project: Project) -> Iterator[None]:
    """The system's limit on the size of any file, reached by the log."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    log = project.path.with_name(f"{project.path.name}-wal")
    resource.setrlimit(resource.RLIMIT_FSIZE, (log.stat().st_size + 5000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize(("limit", "error"), [(few_pages, OutOfSpace), (small_files, MaskwrightError)])
def test_a_full_disk_is_told_in_words_changes_nothing_and_later_edits_work(
    project: Project,
    image: Image,
    disc: Disc,
    detection: Callable[..., Detection],
    limit: Callable[[Project], contextlib.AbstractContextManager[None]],
    error: type[MaskwrightError],
) -> None:
    project.apply(commands.draw(project.new_instance_id(), image.id, 1, disc(5, 5)))
    project.apply(commands.draw(project.new_instance_id(), image.id, 1, disc(30, 5)))
    project.undo()
    before = contents(project, image)
    large = commands.draw(project.new_instance_id(), image.id, 1, disc(0, 0), source=f'"{"x" * 50_000}"')
    with limit(project):
        with pytest.raises(error, match=r"space|disk") as caught:
            project.apply(large)
        with pytest.raises(error):
            project.set_proposals(image.id, [detection(disc(n, n), category="x" * 20_000) for n in range(3)], "base")
        assert contents(project, image) == before
        assert project.can_redo
    assert caught.value.remedy
    assert "sqlite" not in str(caught.value).lower()
    assert project.redo() is not None
    project.apply(large)
    after = contents(project, image)
    project.close()
    with Project.open(project.path) as again:
        assert contents(again, image) == after


def test_one_process_writes_and_others_read_what_is_committed(project: Project, image: Image, disc: Disc) -> None:
    project.apply(commands.draw(project.new_instance_id(), image.id, 1, disc(5, 5)))
    assert run(OPEN_AND_WRITE, str(project.path), "write") == ["ProjectLocked"]
    assert run(OPEN_AND_WRITE, str(project.path), "read") == ["1", "NotWritable"]
    project.apply(commands.draw(project.new_instance_id(), image.id, 1, disc(30, 5)))
    assert run(OPEN_AND_WRITE, str(project.path), "read") == ["2", "NotWritable"]
    project.close()
    assert run(OPEN_AND_WRITE, str(project.path), "read") == ["2", "NotWritable"]
    assert run(OPEN_AND_WRITE, str(project.path), "write") == ["2", "written"]


def test_an_open_reader_sees_each_commit_and_keeps_nobody_from_writing(
    project: Project, image: Image, disc: Disc
) -> None:
    with Project.open(project.path, read_only=True) as reader:
        for number in range(3):
            project.apply(commands.draw(project.new_instance_id(), image.id, 1, disc(number, number)))
            assert reader.instances(image.id) == project.instances(image.id)
            project.checkpoint()
        assert (reader.read_only, reader.can_undo, project.can_undo) == (True, False, True)


def test_a_second_writer_in_the_same_process_is_refused_until_the_first_closes(project: Project) -> None:
    with pytest.raises(ProjectLocked, match="another window"):
        Project.open(project.path)
    project.close()
    project.close()
    Project.open(project.path).close()
    assert [file.name for file in project.root.iterdir()] == [project.path.name]


def test_a_dead_process_leaves_no_lock(project: Project, image: Image) -> None:
    project.close()
    with subprocess.Popen(
        [sys.executable, "-c", DRAW_FOREVER, str(project.path)], cwd=REPOSITORY, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        with pytest.raises(ProjectLocked):
            Project.open(project.path)
        process.kill()
        process.communicate()
    Project.open(project.path).close()


def test_of_two_processes_that_open_at_the_same_moment_exactly_one_writes(project: Project) -> None:
    project.close()
    command = [sys.executable, "-c", RACE, str(project.path)]
    with contextlib.ExitStack() as running:
        racers = [
            running.enter_context(
                subprocess.Popen(command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            )
            for _ in range(2)
        ]

        def say(words: str) -> None:
            for racer in racers:
                assert racer.stdin is not None
                racer.stdin.write(words)
                racer.stdin.flush()

        def answers() -> list[str]:
            return sorted(racer.stdout.readline().strip() for racer in racers if racer.stdout is not None)

        assert answers() == ["ready", "ready"]
        for _ in range(50):
            say(f"{time.monotonic() + 0.005}\n")
            assert answers() == ["lost", "won"]
            say("close\n")
            assert answers() == ["closed", "closed"]
    assert [file.name for file in project.root.iterdir()] == [project.path.name]


def test_a_reader_outlives_a_writer_that_is_killed(project: Project, image: Image) -> None:
    project.close()
    command = [sys.executable, "-c", DRAW_FOREVER, str(project.path)]
    with Project.open(project.path, read_only=True) as reader:
        with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for _ in range(5):
                number = int(process.stdout.readline().split()[0])
                assert reader.instance(number)
            process.kill()
        left = reader.instances(image.id)
        assert len(left) >= 5
        with Project.open(project.path) as again:
            assert again.instances(image.id) == left
            again.undo()
            assert reader.instances(image.id) == left[:-1]


def foreign_database(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE instances (id)")


def newer_project(path: Path) -> None:
    Project.create(path).close()
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version=99")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (foreign_database, "another program"),
        (newer_project, "newer Maskwright"),
        (lambda path: path.write_text("dear diary, " * 40), "not a Maskwright project"),
        (lambda path: path.touch(), "not a Maskwright project"),
        (lambda path: None, "no project at"),
    ],
)
@pytest.mark.parametrize("read_only", [False, True])
def test_anything_else_than_a_project_is_refused_and_left_alone(
    tmp_path: Path, make: Callable[[Path], object], words: str, read_only: bool
) -> None:
    path = tmp_path / "file.maskwright"
    make(path)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    with pytest.raises(InvalidProject, match=words):
        Project.open(path, read_only)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_a_damaged_project_is_told_in_words(project: Project, image: Image) -> None:
    project.close()
    damaged = bytearray(project.path.read_bytes())
    damaged[4096:] = b"\xff" * (len(damaged) - 4096)
    project.path.write_bytes(damaged)
    with pytest.raises(InvalidProject, match="damaged"):
        Project.open(project.path)
    assert not list(project.root.glob(".*.lock"))


def test_creating_never_replaces_a_file(project: Project) -> None:
    other = project.root / "notes.maskwright"
    other.write_text("mine")
    with pytest.raises(MaskwrightError, match="exists already"):
        Project.create(project.root / "notes")
    assert other.read_text() == "mine"
    with pytest.raises(NotWritable, match="does not exist"):
        Project.create(project.root / "nowhere" / "p.maskwright")


def test_checkpointing_empties_the_log_into_the_file(project: Project, image: Image, disc: Disc) -> None:
    project.apply(commands.draw(project.new_instance_id(), image.id, 1, disc(5, 5)))
    before = project.path.read_bytes()
    project.checkpoint()
    assert project.path.read_bytes() != before
    copy = project.root / "copy.maskwright"
    copy.write_bytes(project.path.read_bytes())
    with Project.open(copy, read_only=True) as alone:
        assert alone.instances(image.id) == project.instances(image.id)


def test_a_snapshot_is_complete_stays_as_it_is_and_finds_the_images(
    project: Project, image: Image, disc: Disc, tmp_path_factory: pytest.TempPathFactory
) -> None:
    project.apply(commands.draw(project.new_instance_id(), image.id, 1, disc(5, 5)))
    before = contents(project, image)
    path = tmp_path_factory.mktemp("round") / "snapshot.maskwright"
    project.snapshot(path)
    project.apply(commands.skip(image))
    with Project.open(path, read_only=True) as snapshot:
        assert contents(snapshot, image) == before
        assert snapshot.image_path(snapshot.image(image.id)) == project.image_path(image)
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_crowded_image_keeps_every_mask(
    project: Project, image: Image, disc: Disc, detection: Callable[..., Detection]
) -> None:
    masks = [disc(n % 32 * 40, n // 32 * 40, 40) for n in range(1000)]
    project.set_proposals(image.id, [detection(mask) for mask in masks], "base")
    assert [instance.mask for instance in project.instances(image.id)] == masks


def test_the_process_that_opened_for_reading_never_makes_a_lock(project: Project) -> None:
    project.close()
    with Project.open(project.path, read_only=True):
        assert not list(project.root.glob(".*.lock"))
