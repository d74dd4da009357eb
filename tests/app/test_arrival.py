"""A crowded image opens part by part; whoever needs all of its instances has them all the same."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.arrival import PART
from app.canvas.view import CanvasView
from app.panels.instances import InstancesPanel
from app.session import Session
from app.timeline import Timeline
from app.tools.select import Select
from engine.geometry.mask import Mask
from engine.project import Edit, commands
from engine.records import Instance, InstanceState, Review
from tests.app.conftest import show_pixels

COUNT = 3 * PART + 7
SIDE = 4
BLOCK = Mask.from_crop(np.ones((30, 30)), 60, 60)


def place(number: int) -> tuple[int, int]:
    return 5 * (number % 30) + 2, 5 * (number // 30) + 2


@pytest.fixture
def crowded(session: Session) -> int:
    """The id of an image that is not open, with as many instances side by side."""
    assert session.project is not None
    crowd = session.order[1]
    category = next(iter(session.categories))
    for number in range(COUNT):
        mask = Mask.from_crop(np.ones((SIDE, SIDE)), *place(number))
        session.project.apply(commands.draw(session.project.new_instance_id(), crowd, category, mask))
    return crowd


def test_the_instances_of_a_crowded_image_come_in_parts_and_are_all_shown(
    qtbot: QtBot, session: Session, canvas: CanvasView, crowded: int
) -> None:
    told: list[object] = []
    session.instances_changed.connect(told.append)
    session.open_image(crowded)
    assert (len(session.arrived), session.is_arriving, told) == (PART, True, [])
    with qtbot.waitSignal(session.instances_changed):
        pass
    assert (len(session.arrived), session.is_arriving, told) == (COUNT, False, [None])
    for number, instance in enumerate(session.instances.values()):
        assert canvas.layers.overlay.shown_mask(instance.id) == instance.mask
        assert instance.mask.bounds[:2] == place(number)


def test_who_asks_for_the_instances_gets_all_of_them_at_once(qtbot: QtBot, session: Session, crowded: int) -> None:
    session.open_image(crowded)
    assert len(session.instances) == COUNT
    assert len(session.shown_instances()) == COUNT
    with qtbot.waitSignal(session.instances_changed):  # those who only show them hear of it nevertheless
        pass
    assert not session.is_arriving


def test_a_press_finds_what_had_not_arrived_yet(
    qtbot: QtBot, session: Session, canvas: CanvasView, at: Callable[[float, float], QPoint], crowded: int
) -> None:
    canvas.set_tool(Select())
    session.open_image(crowded)
    show_pixels(session)
    assert session.is_arriving
    x, y = place(COUNT - 1)
    QTest.mouseClick(canvas, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, at(x + 1.5, y + 1.5))
    assert session.is_arriving
    assert session.selection == ()
    qtbot.waitUntil(lambda: bool(session.selection))
    assert [session.instances[one].mask.bounds[:2] for one in session.selection] == [(x, y)]


def test_an_image_is_accepted_whole_while_it_arrives(session: Session, crowded: int) -> None:
    assert session.project is not None
    session.open_image(crowded)
    assert session.image is not None
    assert session.apply(commands.reject(list(session.instances.values())[-1:]))
    assert session.apply(commands.accept_image(session.image, list(session.instances.values()), 0.5))
    states = [each.state for each in session.project.instances(crowded)]
    assert states == [InstanceState.ACCEPTED] * (COUNT - 1) + [InstanceState.REJECTED]
    assert session.images[crowded].review is Review.ACCEPTED


def test_another_image_ends_the_arrival_of_the_one_before(qtbot: QtBot, session: Session, crowded: int) -> None:
    first = session.order[0]
    session.open_image(crowded)
    session.open_image(first)
    qtbot.wait(50)
    assert (session.instances, session.is_arriving) == ({}, False)
    session.open_image(crowded)
    session.close_project()
    qtbot.wait(50)
    assert (session.instances, session.is_arriving) == ({}, False)


@pytest.mark.parametrize("arrive", [lambda session: session.instances, lambda session: None])
def test_undo_on_another_image_that_is_crowded_shows_what_is_stored(
    qtbot: QtBot, session: Session, canvas: CanvasView, crowded: int, arrive: Callable[[Session], object]
) -> None:
    assert session.project is not None
    timeline = Timeline(session)
    timeline.undo()  # the last of the instances goes, and the view goes there
    arrive(session)
    assert session.image is not None
    assert session.image.id == crowded
    qtbot.waitUntil(lambda: not session.is_arriving)
    assert session.instances == {each.id: each for each in session.project.instances(crowded)}
    assert len(session.instances) == COUNT - 1


@pytest.mark.parametrize("change", [commands.delete, lambda found: commands.paint(found[0], BLOCK, (160, 120))])
def test_undo_on_another_image_shows_every_instance_once(
    session: Session,
    canvas: CanvasView,
    add: Callable[[Mask], Instance],
    change: Callable[[list[Instance]], Edit],
) -> None:
    drawn = add(Mask.from_crop(np.ones((9, 9)), 5, 5))
    other = add(Mask.from_crop(np.ones((20, 20)), 0, 0))
    assert session.apply(change([drawn]))
    for _ in range(2):
        session.open_image(session.order[1])
        Timeline(session).undo()
        assert session.shown_instances() == [other, drawn]
        assert canvas.layers.overlay.shown_mask(drawn.id) == drawn.mask
        session.open_image(session.order[1])
        Timeline(session).redo()
        assert len(session.shown_instances()) == len(session.instances)


def test_everything_that_will_be_listed_is_selected_though_it_is_not_listed_yet(
    qtbot: QtBot, session: Session, crowded: int
) -> None:
    panel = InstancesPanel(session)
    qtbot.addWidget(panel)
    session.open_image(crowded)
    panel.select_listed()
    assert len(session.selection) == COUNT


def test_where_reading_fails_no_key_waits_for_ever(qtbot: QtBot, session: Session, crowded: int) -> None:
    def failing() -> Iterator[list[Instance]]:
        raise OSError("on purpose")
        yield []

    session.open_image(crowded)
    session._arrival._parts = failing()
    with qtbot.captureExceptions() as faults:
        qtbot.waitUntil(lambda: not session.is_arriving)
    assert [str(fault) for _, fault, _ in faults] == ["on purpose"]
    assert not session._input._watching
