"""Edits of very many instances: written beside the window, which lives on; what is done meanwhile waits for them."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication, QToolButton
from pytestqt.qtbot import QtBot

from app.session import Session
from app.window import MainWindow
from app.work_pill import WorkPill
from app.writing import MOST_AT_ONCE
from engine.geometry.mask import Mask
from engine.project import Edit, Project, commands
from engine.records import Detection, Instance, InstanceState
from tests.app.test_window import press

MANY = 40 * MOST_AT_ONCE


def dots(count: int) -> list[Mask]:
    """Masks of one pixel each, all of them apart."""
    pixel = np.ones((1, 1), dtype=bool)
    return [Mask.from_crop(pixel, 2 * (index % 79), 2 * (index // 79)) for index in range(count)]


def propose(session: Session, image_id: int, count: int) -> None:
    found = [Detection(0, "cell", 0.9, (0.0, 0.0, 1.0, 1.0), mask) for mask in dots(count)]
    session.set_proposals(image_id, found, "checkpoint")


@pytest.fixture
def crowded(qtbot: QtBot, working: MainWindow) -> Iterator[MainWindow]:
    """The window with many proposals on its first image; waits for what is written at the end."""
    assert working.session.image is not None
    propose(working.session, working.session.image.id, MANY)
    yield working
    qtbot.waitUntil(lambda: not working.session.writing.busy)


def states(session: Session) -> set[InstanceState]:
    return {instance.state for instance in session.instances.values()}


def stored(session: Session) -> dict[int, Instance]:
    assert session.project is not None
    assert session.image is not None
    return {instance.id: instance for instance in session.project.instances(session.image.id)}


def hide_all(session: Session) -> Edit:
    return commands.hide(list(session.instances.values()))


def test_many_instances_are_decided_as_one_step_that_undo_takes_back(qtbot: QtBot, crowded: MainWindow) -> None:
    session, before = crowded.session, stored(crowded.session)
    session.select(session.instances)
    crowded.decisions.accept()
    assert session.writing.busy
    assert states(session) == {InstanceState.PROPOSAL}
    qtbot.waitUntil(lambda: not session.writing.busy)
    assert states(session) == {InstanceState.ACCEPTED}
    assert session.instances == stored(session)
    assert session.selection == ()
    crowded.timeline.undo()
    assert session.writing.busy
    qtbot.waitUntil(lambda: not session.writing.busy)
    assert session.instances == stored(session) == before
    crowded.timeline.redo()
    qtbot.waitUntil(lambda: not session.writing.busy)
    assert states(session) == {InstanceState.ACCEPTED}
    assert session.instances == stored(session)


def test_keys_pressed_meanwhile_do_what_they_say_afterwards_in_their_order(qtbot: QtBot, crowded: MainWindow) -> None:
    session = crowded.session
    first, second = session.order[0], session.order[1]
    crowded.decisions.accept_image()
    press(qtbot, crowded, Qt.Key.Key_B)
    press(qtbot, crowded, Qt.Key.Key_A)
    press(qtbot, crowded, Qt.Key.Key_E)
    assert session.image is not None
    assert session.image.id == first
    qtbot.waitUntil(lambda: not session.writing.busy)
    qtbot.waitUntil(lambda: crowded.canvas.tool is not None and crowded.canvas.tool.name == "eraser")
    assert session.image.id == first  # the accepted image led on to the second, and the key back from there
    assert states(session) == {InstanceState.ACCEPTED}
    press(qtbot, crowded, Qt.Key.Key_D)
    qtbot.waitUntil(lambda: session.image is not None and session.image.id == second)


def test_a_stroke_drawn_meanwhile_is_stored_afterwards(qtbot: QtBot, crowded: MainWindow) -> None:
    session, canvas = crowded.session, crowded.canvas
    crowded.workplace.choose_tool("brush")
    assert session.project is not None
    session.apply(commands.add_category(session.project.new_category_id(), "other", "#0072b2"))
    before = set(session.instances)
    session.apply(hide_all(session))
    start = QPoint(*map(round, canvas.image_to_widget(60, 90)))
    qtbot.mousePress(canvas, Qt.MouseButton.LeftButton, pos=start)
    qtbot.mouseMove(canvas, start + QPoint(9, 0))
    qtbot.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=start + QPoint(9, 0))
    assert session.instances.keys() == before
    qtbot.waitUntil(lambda: len(session.instances) == len(before) + 1)
    assert session.instances == stored(session)
    assert all(instance.hidden for key, instance in session.instances.items() if key in before)


def test_it_can_be_cancelled_which_leaves_everything_as_it_was(qtbot: QtBot, crowded: MainWindow) -> None:
    session, before, said = crowded.session, stored(crowded.session), []
    session.notice.connect(said.append)
    session.apply(hide_all(session), partial(said.append, "then"))
    session.writing.cancel_work()
    qtbot.waitUntil(lambda: not session.writing.busy)
    assert session.instances == stored(session) == before
    assert said == ["Cancelled. Nothing was changed."]


def test_the_button_that_cancels_is_not_kept_waiting(qtbot: QtBot, crowded: MainWindow) -> None:
    session, said = crowded.session, []
    (pill,) = crowded.pages.findChildren(WorkPill, options=Qt.FindChildOption.FindDirectChildrenOnly)
    session.writing.progressed.connect(lambda words, share: said.append(words))
    session.apply(hide_all(session))
    pill._appear()
    QApplication.processEvents()
    qtbot.mouseClick(pill.findChild(QToolButton), Qt.MouseButton.LeftButton)
    assert "Cancelling…" in said


def test_what_cannot_be_written_changes_nothing_and_says_why(qtbot: QtBot, crowded: MainWindow) -> None:
    session, said = crowded.session, []
    stale = hide_all(session)
    session.apply(hide_all(session))
    qtbot.waitUntil(lambda: not session.writing.busy)
    session.problem.connect(lambda message, details: said.append(message))
    before = stored(session)
    assert session.apply(stale, partial(said.append, "then"))
    qtbot.waitUntil(lambda: not session.writing.busy)
    assert len(said) == 1
    assert "not what the project holds" in said[0]
    assert session.instances == stored(session) == before


def test_what_a_model_finds_meanwhile_is_kept(qtbot: QtBot, crowded: MainWindow) -> None:
    session = crowded.session
    assert session.project is not None
    other = session.order[1]
    session.apply(hide_all(session))
    propose(session, other, 3)
    assert session.project.instances(other) == []
    qtbot.waitUntil(lambda: not session.writing.busy)
    assert len(session.project.instances(other)) == 3


def test_a_window_that_closes_meanwhile_loses_nothing(qtbot: QtBot, crowded: MainWindow) -> None:
    session = crowded.session
    assert session.project is not None
    assert session.image is not None
    path, image_id = session.project.path, session.image.id
    session.apply(hide_all(session))
    crowded.close()
    with Project.open(path) as project:
        instances = project.instances(image_id)
    assert len(instances) == MANY
    assert all(instance.hidden for instance in instances)
    qtbot.waitUntil(lambda: not session.writing.busy)


def test_commands_stay_what_they_are_when_pixels_come_meanwhile(qtbot: QtBot, crowded: MainWindow) -> None:
    session = crowded.session
    assert session.image is not None
    assert session.pixels is not None
    session.apply(hide_all(session))
    session.set_pixels(session.image.id, session.pixels)
    assert crowded.actions_["delete"].isEnabled()
    assert "read only" not in crowded.windowTitle()


def test_what_is_typed_goes_where_a_key_before_it_leads(qtbot: QtBot, crowded: MainWindow) -> None:
    session = crowded.session
    assert session.image is not None
    first, tool = session.image.id, crowded.canvas.tool
    crowded.instances.filter.setFocus()
    field = QApplication.focusWidget()
    crowded.canvas.setFocus()
    session.apply(hide_all(session))
    press(qtbot, crowded, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    for key in (Qt.Key.Key_D, Qt.Key.Key_E):
        press(qtbot, crowded, key)
    qtbot.waitUntil(lambda: not session.writing.busy)
    qtbot.wait(50)
    assert QApplication.focusWidget() is not crowded.canvas
    assert field is not None
    assert session.image.id == first
    assert crowded.canvas.tool is tool


def test_a_fault_in_what_waits_keeps_nothing_else_waiting(qtbot: QtBot, crowded: MainWindow) -> None:
    session, done = crowded.session, []

    def fault() -> None:
        raise RuntimeError("on purpose")

    with qtbot.captureExceptions() as faults:
        session.apply(hide_all(session))
        session.writing.when_free(fault)
        session.writing.when_free(partial(done.append, "after it"))
        press(qtbot, crowded, Qt.Key.Key_B)
        qtbot.waitUntil(lambda: not session.writing.busy)
        qtbot.waitUntil(lambda: crowded.canvas.tool is not None and crowded.canvas.tool.name == "brush")
    assert done == ["after it"]
    assert [str(fault) for _, fault, _ in faults] == ["on purpose"]


def test_a_write_that_follows_another_holds_input_as_well(qtbot: QtBot, crowded: MainWindow) -> None:
    session = crowded.session
    session.apply(hide_all(session))
    session.writing.when_free(lambda: session.apply(commands.show(list(session.instances.values()))))
    press(qtbot, crowded, Qt.Key.Key_B)
    qtbot.waitUntil(lambda: session.instances == stored(session) and not session.writing.busy)
    assert not any(instance.hidden for instance in session.instances.values())
    qtbot.waitUntil(lambda: crowded.canvas.tool is not None and crowded.canvas.tool.name == "brush")


def test_what_is_typed_before_it_is_cancelled_is_forgotten(qtbot: QtBot, crowded: MainWindow) -> None:
    session = crowded.session
    tool = crowded.canvas.tool
    session.apply(hide_all(session))
    press(qtbot, crowded, Qt.Key.Key_B)
    session.writing.cancel_work()
    qtbot.waitUntil(lambda: not session.writing.busy)
    qtbot.wait(50)
    assert crowded.canvas.tool is tool


def test_images_are_added_beside_large_edits(qtbot: QtBot, crowded: MainWindow, tmp_path: Path) -> None:
    session, problems = crowded.session, []
    session.problem.connect(lambda message, details: problems.append(message))
    more = []
    for number in range(40):
        more.append(tmp_path / f"more {number}.png")
        Picture.new("RGB", (30, 20), (number, 5, 5)).save(more[-1])
    crowded.projects.add(more)
    for number in range(8):
        instances = list(session.instances.values())
        session.apply(commands.show(instances) if number % 2 else commands.hide(instances))
        qtbot.waitUntil(lambda: not session.writing.busy)
    qtbot.waitUntil(lambda: len(session.images) == 3 + len(more))
    assert problems == []
    assert session.instances == stored(session)
