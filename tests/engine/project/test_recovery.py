"""A session that was cut off is told at the next start; one that was closed is not."""

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from engine.geometry.mask import Mask
from engine.project import Project, commands
from engine.records import Image

REPOSITORY = Path(__file__).parents[3]

DRAW_TWICE_AND_DIE = """
import os, signal, sys
import numpy as np
from engine.geometry.mask import Mask
from engine.project import Project, commands

project = Project.open(sys.argv[1])
for x in (2, 20):
    project.apply(commands.draw(project.new_instance_id(), 1, 1, Mask.from_crop(np.ones((4, 4)), x, 3)))
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_session_is_told_with_what_it_had_saved(project: Project, image: Image) -> None:
    assert project.recovery is None
    project.close()
    killed = subprocess.run([sys.executable, "-c", DRAW_TWICE_AND_DIE, str(project.path)], cwd=REPOSITORY, check=False)
    assert killed.returncode == -signal.SIGKILL
    with Project.open(project.path) as again:
        assert again.recovery is not None
        assert again.recovery.edits == 2
        assert again.recovery.last == again.history()[0].at
        assert again.recovery.began <= again.recovery.last
        assert len(again.instances(image.id)) == 2
    with Project.open(project.path) as third:
        assert third.recovery is None


def test_closing_where_nothing_can_be_written_any_more_loses_nothing_and_frees_the_project(
    project: Project, image: Image, disc: Callable[..., Mask]
) -> None:
    project.apply(commands.draw(project.new_instance_id(), image.id, 1, disc(3, 3)))
    made = len(project.history())
    project._database._driver().execute("PRAGMA query_only=ON")
    project.close()
    assert not list(project.root.glob(".*.lock"))
    with Project.open(project.path) as again:
        assert again.recovery is not None
        assert (again.recovery.edits, len(again.instances(image.id))) == (made, 1)


def test_a_reader_changes_nothing_about_it(project: Project) -> None:
    with Project.open(project.path, read_only=True) as reader:
        assert reader.recovery is None
    project.close()
    with Project.open(project.path) as again:
        assert again.recovery is None


def test_edits_say_who_made_them_when_and_how_long_it_took(
    project: Project, image: Image, disc: Callable[..., Mask]
) -> None:
    project.author = "ada"
    number = project.new_instance_id()
    project.apply(commands.draw(number, image.id, 1, disc(3, 3)), seconds=4.5)
    project.author = "grace"
    drawn = project.instance(number)
    project.apply(commands.paint(drawn, disc(9, 3), (64, 48)), seconds=1.5)
    project.apply(commands.draw(number + 1, image.id, 1, disc(30, 3)), seconds=9)
    touched = project.history(instance_id=number)
    assert [(entry.author, entry.seconds) for entry in touched] == [("grace", 1.5), ("ada", 4.5)]
    assert project.history_bounds(touched[0].id) == project.instance(number).mask.bounds
    project.undo()
    assert project.history_bounds(project.history()[0].id) == disc(30, 3).bounds


def test_the_author_is_the_account_unless_named(tmp_path: Path) -> None:
    with Project.create(tmp_path / "p.maskwright", author="ada") as project:
        assert project.author == "ada"
    with Project.open(tmp_path / "p.maskwright") as project:
        assert project.author
