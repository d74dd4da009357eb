"""An edit written beside the thread that has the project open is the edit that `apply` writes, or none at all."""

import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture

from engine.errors import EditConflict
from engine.geometry.mask import Mask
from engine.project import Action, Edit, InstanceChange, Project, commands
from engine.project import beside as module
from engine.project.beside import apply_beside, step_beside, travel_beside
from engine.records import Instance, InstanceState, Origin

COUNT = 25


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Two images with instances of a category; several batches of them."""
    monkeypatch.setattr(module, "BATCH", 7)
    for index in range(2):
        Picture.new("RGB", (40, 30), (40 * index, 9, 9)).save(tmp_path / f"{index}.png")
    opened = Project.create(tmp_path / "p.maskwright", author="Ada")
    opened.add_images(sorted(tmp_path.glob("*.png")))
    opened.apply(commands.add_category(opened.new_category_id(), "cell", "#0072b2"))
    drawn = [
        Instance(number, 1 + index % 2, 1, square(6), state=InstanceState.ACCEPTED, origin=Origin.DRAWN)
        for index, number in enumerate(opened.new_instance_ids(COUNT))
    ]
    opened.apply(Edit(Action.IMPORT, None, tuple(InstanceChange(None, each) for each in drawn)))
    return opened


def square(side: int) -> Mask:
    return Mask.from_crop(np.ones((side, side), dtype=bool), 3, 4)


def everything(project: Project) -> list[Instance]:
    return [instance for image in project.images() for instance in project.instances(image.id)]


def grown(project: Project) -> Edit:
    changes = tuple(InstanceChange(each, each.with_mask(square(8))) for each in everything(project))
    return Edit(Action.FIX, None, changes)


def test_it_is_there_for_the_open_project_as_one_step_that_undo_takes_back(project: Project) -> None:
    before, edit = everything(project), grown(project)
    shares: list[float] = []
    entries = len(project.history())
    writer = threading.Thread(target=apply_beside, args=(project.path, edit, "Ada", shares.append))
    writer.start()
    writer.join()
    assert sorted(everything(project), key=lambda each: each.id) == sorted(
        (change.after for change in edit.changes if isinstance(change, InstanceChange) and change.after is not None),
        key=lambda each: each.id,
    )
    assert shares == sorted(shares) and shares[0] == 0 and shares[-1] == 1 and len(shares) > 3
    assert len(project.history()) == entries + 1
    assert (project.history()[0].action, project.history()[0].author) == (Action.FIX, "Ada")
    project.undo()
    assert everything(project) == before
    project.close()


def test_giving_up_leaves_everything_as_it_was(project: Project) -> None:
    before = everything(project), len(project.history())

    def give_up(share: float) -> None:
        if share > 0.5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        apply_beside(project.path, grown(project), "Ada", give_up)
    assert (everything(project), len(project.history())) == before
    project.apply(commands.delete([project.instances(1)[0]]))
    project.close()


def test_an_instance_that_changed_meanwhile_refuses_all_of_it(project: Project) -> None:
    edit = grown(project)
    project.apply(commands.delete([project.instances(2)[-1]]))
    before = everything(project)
    with pytest.raises(EditConflict):
        apply_beside(project.path, edit, "Ada")
    assert everything(project) == before
    project.close()


def test_undo_and_redo_beside_are_those_of_the_open_project(project: Project) -> None:
    before, edit = everything(project), grown(project)
    project.apply(edit)
    after = everything(project)
    assert project.size_of_step(forward=False) == len(edit.changes)
    assert project.size_of_step(forward=True) == 0
    undone = step_beside(project.path, forward=False)
    assert undone is not None
    assert {change.before for change in undone.changes if isinstance(change, InstanceChange)} == set(after)
    assert everything(project) == before
    assert project.size_of_step(forward=True) == len(edit.changes)
    redone = step_beside(project.path, forward=True)
    assert redone is not None
    assert {change.after for change in redone.changes if isinstance(change, InstanceChange)} == set(after)
    assert everything(project) == after
    assert step_beside(project.path, forward=True) is None
    project.close()


def test_a_way_through_the_history_can_be_given_up(project: Project) -> None:
    first = project.history()[-1].id
    project.apply(grown(project))
    before = everything(project)

    def give_up(share: float | None) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        travel_beside(project.path, first, give_up)
    assert everything(project) == before
    steps = travel_beside(project.path, first)
    assert [step.action for step in steps] == [Action.FIX, Action.IMPORT]
    assert everything(project) == []
    assert project.history()[-1].undone is False and project.history()[0].undone
    project.close()
