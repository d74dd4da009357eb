"""The model's proposal is found again, whatever a person did to it since."""

from collections.abc import Callable

import pytest

from engine.geometry.mask import Mask
from engine.project import Project, commands
from engine.records import Detection, Image, Instance

SIZE = (64, 48)
Disc = Callable[..., Mask]
Detect = Callable[..., Detection]


@pytest.fixture
def proposal(project: Project, image: Image, disc: Disc, detection: Detect) -> Instance:
    return project.set_proposals(image.id, [detection(disc(10, 10))], "checkpoint")[0]


def test_a_proposal_that_nobody_changed_is_its_own_original(project: Project, proposal: Instance) -> None:
    assert project.original(proposal.id) == proposal
    project.apply(commands.accept([proposal]))
    assert project.original(proposal.id) == proposal


def test_edits_of_mask_and_category_leave_the_original(project: Project, proposal: Instance, disc: Disc) -> None:
    other = project.new_category_id()
    project.apply(commands.add_category(other, "other", "#00ff00"))
    for edit in (
        lambda now: commands.paint(now, disc(14, 10), SIZE),
        lambda now: commands.recategorise([now], other),
        lambda now: commands.erase(now, disc(10, 14), SIZE),
        lambda now: commands.hide([now]),
        lambda now: commands.replace_mask(now, disc(30, 20)),
        lambda now: commands.reject([now]),
    ):
        project.apply(edit(project.instance(proposal.id)))
        assert project.original(proposal.id) == proposal
    while project.undo() is not None:
        if project.can_undo:
            assert project.original(proposal.id) == proposal


def test_what_is_undone_counts_for_nothing(project: Project, proposal: Instance, disc: Disc) -> None:
    project.apply(commands.paint(proposal, disc(14, 10), SIZE))
    project.undo()
    assert project.original(proposal.id) == proposal
    project.redo()
    assert project.original(proposal.id) == proposal


def test_neighbours_are_told_apart(project: Project, image: Image, disc: Disc, detection: Detect) -> None:
    found = project.set_proposals(image.id, [detection(disc(2, 2)), detection(disc(40, 30))], "checkpoint")
    for each in found:
        project.apply(commands.replace_mask(each, disc(20, 20)))
    assert [project.original(each.id) for each in found] == found


def test_what_a_person_drew_has_no_original(project: Project, image: Image, disc: Disc) -> None:
    number = project.new_instance_id()
    project.apply(commands.draw(number, image.id, 1, disc(5, 5)))
    drawn = project.instance(number)
    project.apply(commands.replace_mask(drawn, disc(9, 9)))
    assert project.original(number) is None


def test_an_unknown_instance_is_an_error(project: Project) -> None:
    with pytest.raises(KeyError):
        project.original(4711)
