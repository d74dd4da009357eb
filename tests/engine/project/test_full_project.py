"""Whenever a project's file may not grow, an edit is either on disk or refused with nothing changed."""

import json
import random
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as PillowImage

from engine.errors import OutOfSpace
from engine.geometry.mask import Mask
from engine.project import Edit, Project, commands
from engine.records import Detection

Step = Callable[[Project, random.Random], object]


def draw(project: Project, generator: random.Random) -> None:
    mask = Mask.from_crop(np.ones((4, 5)), generator.randrange(30), generator.randrange(20))
    source = json.dumps({"note": "x" * generator.randrange(12_000)})
    project.apply(commands.draw(project.new_instance_id(), 1, 1, mask, source))


def change(project: Project, generator: random.Random) -> None:
    present = project.instances(1)
    if present:
        one = generator.choice(present)
        wide = Mask.from_crop(np.random.default_rng(one.id).random((40, 60)) < 0.5, 0, 0)
        edits: list[Edit] = [commands.delete([one]), commands.hide([one]), commands.paint(one, wide, (64, 48))]
        project.apply(generator.choice(edits))


def propose(project: Project, generator: random.Random) -> None:
    mask = Mask.from_crop(np.ones((9, 9)), generator.randrange(30), generator.randrange(20))
    name = "x" * generator.randrange(1, 9000)
    project.set_proposals(1, [Detection(0, name, 0.9, (0.0, 0.0, 9.0, 9.0), mask)], "model")


def travel(project: Project, generator: random.Random) -> None:
    project.travel(generator.choice([0, *(entry.id for entry in project.history(None))]))


STEPS: list[Step] = [draw, draw, change, change, propose, travel, lambda project, _: project.undo()]


def contents(project: Project) -> tuple[object, ...]:
    return project.instances(1), project.images(), project.categories(), project.history(None), project.can_redo


def limit(project: Project, pages: int) -> None:
    """Let the file grow by so many pages and no further."""
    driver = project._database._driver()
    (present,) = driver.execute("PRAGMA page_count").fetchone()
    driver.execute(f"PRAGMA max_page_count={present + pages}")


@given(seed=st.integers(0, 2**32), before=st.integers(0, 8), pages=st.integers(0, 12))
@settings(max_examples=25, deadline=None)
def test_every_step_succeeds_durably_or_changes_nothing(seed: int, before: int, pages: int) -> None:
    generator = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        PillowImage.new("RGB", (64, 48)).save(Path(folder, "a.png"))
        with Project.create(Path(folder, "p")) as project, Project.open(project.path, read_only=True) as reader:
            project.add_images([Path(folder, "a.png")])
            project.apply(commands.add_category(project.new_category_id(), "cell", "#ff0000"))
            for number in range(20):
                if number == before:
                    limit(project, pages)
                stored, refused = contents(reader), False
                try:
                    generator.choice(STEPS)(project, generator)
                except OutOfSpace:
                    refused = True
                assert not refused or contents(reader) == stored
                assert contents(project)[:4] == contents(reader)[:4]
            limit(project, 100_000)
            draw(project, generator)
            end = contents(project)
        with Project.open(project.path) as again:
            assert contents(again) == end
