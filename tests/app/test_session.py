"""Promises of the session: what it shows, what it refuses, and that memory and file never differ."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from app.session import Session
from app.timeline import Timeline
from engine.geometry.mask import Mask
from engine.project import Project, commands
from engine.records import Detection, Instance, InstanceState, Review

Propose = Callable[..., list[Instance]]


def square(x: int, y: int, side: int = 10) -> Mask:
    return Mask.from_crop(np.ones((side, side), dtype=bool), x, y)


def stored(session: Session) -> dict[int, Instance]:
    assert session.project is not None
    assert session.image is not None
    return {instance.id: instance for instance in session.project.instances(session.image.id)}


def test_the_threshold_decides_which_proposals_are_shown_and_never_hides_accepted_ones(
    session: Session, propose: Propose, add: Callable[[Mask], Instance]
) -> None:
    drawn = add(square(100, 60))
    (proposal,) = propose([square(40, 40)], 0.9)
    for threshold, expected in ((0.0, 2), (0.9, 2), (0.91, 1), (1.0, 1)):
        session.set_threshold(threshold)
        assert len(session.shown_instances()) == expected
    assert drawn.id in {instance.id for instance in session.shown_instances()}
    assert proposal.id in session.instances


def test_large_instances_are_listed_first_so_that_small_ones_are_painted_on_top(
    session: Session, propose: Propose
) -> None:
    propose([square(10, 10, 5), square(30, 30, 40), square(80, 20, 12)])
    assert [instance.mask.area for instance in session.shown_instances()] == [1600, 144, 25]


def test_every_edit_leaves_memory_as_the_file_has_it(session: Session, propose: Propose) -> None:
    first, second = propose([square(10, 10), square(50, 50)])
    session.apply(commands.accept([first]))
    session.apply(commands.reject([second]))
    session.apply(commands.paint(session.instances[first.id], square(15, 15), (160, 120)))
    assert session.instances == stored(session)
    for _ in range(3):
        Timeline(session).undo()
        assert session.instances == stored(session)
    for _ in range(3):
        Timeline(session).redo()
        assert session.instances == stored(session)


def test_an_edit_that_conflicts_changes_nothing_and_says_so(qtbot: QtBot, session: Session, propose: Propose) -> None:
    (proposal,) = propose([square(10, 10)])
    assert session.apply(commands.accept([proposal]))
    with qtbot.waitSignal(session.problem):
        assert not session.apply(commands.reject([proposal]))
    assert session.instances[proposal.id].state is InstanceState.ACCEPTED
    assert session.instances == stored(session)


def test_the_dirty_rectangle_covers_the_mask_before_and_after(
    qtbot: QtBot, session: Session, add: Callable[[Mask], Instance]
) -> None:
    drawn = add(square(20, 20))
    with qtbot.waitSignal(session.instances_changed) as emitted:
        session.apply(commands.paint(drawn, square(60, 40), (160, 120)))
    assert emitted.args == [(20, 20, 70, 50)]


def test_undo_goes_to_the_image_where_the_edit_happened(session: Session, add: Callable[[Mask], Instance]) -> None:
    assert session.image is not None
    first = session.image.id
    add(square(20, 20))
    session.step_image(1)
    assert session.image.id != first
    Timeline(session).undo()
    assert session.image.id == first
    assert session.instances == {}


def test_accepting_an_image_makes_ghosts_of_what_is_below_the_threshold(session: Session, propose: Propose) -> None:
    assert session.image is not None
    image_id = session.image.id
    propose([square(10, 10)], 0.9)
    session.set_threshold(0.95)
    held = list(session.instances.values())
    assert session.apply(commands.accept_image(session.image, held, session.threshold))
    assert session.images[image_id].review is Review.ACCEPTED
    assert [each.state for each in session.instances.values()] == [InstanceState.GHOST]
    assert session.apply(commands.reopen_image(session.image, list(session.instances.values())))
    assert [each.state for each in session.instances.values()] == [InstanceState.PROPOSAL]


def test_pixels_of_an_image_that_was_left_are_ignored(session: Session) -> None:
    assert session.image is not None
    left = session.image.id
    session.step_image(1)
    session.set_pixels(left, np.zeros((120, 160, 3), dtype=np.uint8))
    assert session.pixels is None


@pytest.mark.parametrize("step", [-1, 1])
def test_stepping_stops_at_both_ends(session: Session, step: int) -> None:
    while session.step_image(step):
        pass
    assert session.image is not None
    assert session.image.id == session.order[0 if step < 0 else -1]
    assert not session.step_image(step)


def test_a_project_opens_where_it_was_left(session: Session) -> None:
    assert session.project is not None
    path = session.project.path
    session.step_image(1)
    assert session.image is not None
    image_id = session.image.id
    session.set_threshold(0.35)
    session.close_project()
    assert (session.image, session.images, session.selection) == (None, {}, ())
    session.set_threshold(0.8)
    session.open_project(Project.open(path))
    assert session.image.id == image_id
    assert session.threshold == pytest.approx(0.35)


def test_a_project_opened_for_reading_refuses_edits_in_words(
    qtbot: QtBot, session: Session, tmp_path: Path, add: Callable[[Mask], Instance]
) -> None:
    drawn = add(square(20, 20))
    assert session.project is not None
    path = session.project.path
    session.close_project()
    session.open_project(Project.open(path, read_only=True))
    assert session.read_only
    with qtbot.waitSignal(session.problem):
        assert not session.apply(commands.delete([drawn]))
    assert drawn.id in session.instances


def test_proposals_of_a_model_are_held_at_once_and_shown_a_turn_later(qtbot: QtBot, session: Session) -> None:
    assert session.image is not None
    mask = square(10, 10)
    shown: list[object] = []
    session.instances_changed.connect(shown.append)
    found = [Detection(0, "cell", 0.9, tuple(map(float, mask.bounds)), mask)]
    session.set_proposals(session.image.id, found, "checkpoint", later=True)
    assert [each.mask for each in session.instances.values()] == [mask]
    assert shown == []
    qtbot.waitUntil(lambda: shown == [None])
