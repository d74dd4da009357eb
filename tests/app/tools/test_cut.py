"""The cut tool with real mouse and keys: two pieces that are the instance together, on either side of the line."""

from collections.abc import Callable

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.canvas.view import CanvasView
from app.session import Session
from app.timeline import Timeline
from app.tools.cut import Cut
from engine.geometry.mask import Bitmap, Mask
from engine.project import Action, Project, commands
from engine.records import Instance, InstanceState

WIDTH, HEIGHT = 160, 120
LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
Add = Callable[..., Instance]
At = Callable[[float, float], QPoint]


def square(x: int, y: int, side: int) -> Mask:
    return Mask.from_crop(np.ones((side, side), dtype=bool), x, y)


def ring() -> Mask:
    """A square with a hole, and a second part."""
    bitmap = np.zeros((HEIGHT, WIDTH), dtype=bool)
    bitmap[30:70, 30:70] = True
    bitmap[45:55, 45:55] = False
    bitmap[80:90, 100:120] = True
    return Mask.from_full(bitmap)


def stored(session: Session) -> dict[int, Bitmap]:
    """The masks as the project file has them."""
    assert session.project is not None
    assert session.image is not None
    return {one.id: one.mask.to_full(HEIGHT, WIDTH) for one in session.project.instances(session.image.id)}


def drag(canvas: CanvasView, start: QPoint, end: QPoint) -> None:
    QTest.mousePress(canvas, LEFT, NONE, start)
    QTest.mouseMove(canvas, (start + end) / 2)
    QTest.mouseMove(canvas, end)
    QTest.mouseRelease(canvas, LEFT, NONE, end)


def click(canvas: CanvasView, start: QPoint, end: QPoint) -> None:
    QTest.mouseClick(canvas, LEFT, NONE, start)
    QTest.mouseMove(canvas, end)
    QTest.mouseClick(canvas, LEFT, NONE, end)


@pytest.fixture
def cut(canvas: CanvasView) -> CanvasView:
    canvas.set_tool(Cut())
    return canvas


@pytest.mark.parametrize("way", [drag, click])
@pytest.mark.parametrize("selected", [True, False])
def test_a_line_across_makes_two_of_an_instance(
    cut: CanvasView, session: Session, add: Add, at: At, way: Callable[..., None], selected: bool
) -> None:
    instance = add(ring(), "nucleus")
    session.select([instance.id] if selected else [])
    way(cut, at(20.5, 50.5), at(80.5, 50.5))
    masks = stored(session)
    assert len(masks) == 2
    upper, lower = sorted(masks.values(), key=lambda mask: np.argwhere(mask)[0].tolist())
    np.testing.assert_array_equal(upper | lower, ring().to_full(HEIGHT, WIDTH))
    assert not (upper & lower).any()
    # Whatever the line's own row 50 goes to; the part that it does not cross stays with the larger piece.
    square_only = np.zeros((HEIGHT, WIDTH), dtype=bool)
    square_only[30:70, 30:70] = True
    assert not (upper & square_only)[51:].any()
    assert not (lower & square_only)[:50].any()
    assert set(session.selection) == set(masks)
    pieces = session.instances
    assert {(one.category_id, one.state) for one in pieces.values()} == {(instance.category_id, InstanceState.ACCEPTED)}
    assert masks[instance.id].sum() == max(mask.sum() for mask in masks.values())


def test_a_cut_is_one_step_of_the_history(cut: CanvasView, session: Session, add: Add, at: At) -> None:
    assert session.project is not None
    instance = add(ring())
    before = len(session.project.history(None))
    drag(cut, at(20.5, 50.5), at(80.5, 50.5))
    assert len(session.project.history(None)) == before + 1
    assert session.project.history(1)[0].action is Action.SPLIT
    Timeline(session).undo()
    assert list(session.instances.values()) == [instance]


def test_with_one_selected_only_that_is_cut(cut: CanvasView, session: Session, add: Add, at: At) -> None:
    chosen, other = add(square(20, 20, 30)), add(square(60, 20, 30))
    session.select([chosen.id])
    drag(cut, at(10.5, 35.5), at(100.5, 35.5))
    assert session.instances[other.id] == other
    assert len(session.instances) == 3


def test_with_none_selected_all_that_the_line_runs_right_across_are_cut(
    cut: CanvasView, session: Session, add: Add, at: At
) -> None:
    whole, grazed, locked = add(square(20, 20, 30)), add(square(60, 20, 30)), add(square(100, 20, 30))
    session.apply(commands.lock([locked]))
    session.select([])
    drag(cut, at(10.5, 35.5), at(70.5, 35.5))
    drag(cut, at(95.5, 35.5), at(150.5, 35.5))
    assert len(session.instances) == 4
    assert session.instances[whole.id] != whole
    assert session.instances[grazed.id] == grazed
    assert session.instances[locked.id].mask == locked.mask


@pytest.mark.parametrize("end", [(50.5, 50.5), (20.5, 100.5)])
def test_a_line_that_ends_inside_or_passes_beside_changes_nothing_and_says_why(
    cut: CanvasView, session: Session, add: Add, at: At, qtbot: QtBot, end: tuple[float, float]
) -> None:
    instance = add(square(30, 30, 40))
    with qtbot.waitSignal(session.notice):
        drag(cut, at(20.5, 50.5), at(*end))
    assert list(session.instances.values()) == [instance]


def test_escape_drops_the_line_and_keeps_the_selection(cut: CanvasView, session: Session, add: Add, at: At) -> None:
    instance = add(square(30, 30, 40))
    session.select([instance.id])
    bare = cut.grab().toImage()
    QTest.mouseClick(cut, LEFT, NONE, at(20, 50))
    QTest.mouseMove(cut, at(80, 50))
    assert cut.grab().toImage() != bare
    QTest.keyClick(cut, Qt.Key.Key_Escape)
    assert cut.grab().toImage() == bare
    QTest.mouseMove(cut, at(90, 50))
    assert session.instances == {instance.id: instance}
    assert session.selection == (instance.id,)
    drag(cut, at(20.5, 50.5), at(80.5, 50.5))
    assert len(session.instances) == 2


def test_the_line_shows_where_the_cut_will_be_and_leaves_no_trace(
    cut: CanvasView, session: Session, add: Add, at: At
) -> None:
    bare = cut.grab().toImage()
    QTest.mousePress(cut, LEFT, NONE, at(10, 10))
    for point in ((60, 90), (150, 20), (100, 60)):
        QTest.mouseMove(cut, at(*point))
        shown = cut.grab().toImage()
        middle = at((10 + point[0]) / 2, (10 + point[1]) / 2)
        around = [middle + QPoint(x, y) for x in (-1, 0, 1) for y in (-1, 0, 1)]
        assert any(shown.pixelColor(one) != bare.pixelColor(one) for one in around)
    QTest.mouseRelease(cut, LEFT, NONE, at(100, 60))
    assert cut.grab().toImage() == bare


def test_another_image_and_another_tool_drop_the_line(cut: CanvasView, session: Session, add: Add, at: At) -> None:
    instance = add(square(30, 30, 40))
    QTest.mouseClick(cut, LEFT, NONE, at(20, 50))
    cut.set_tool(Cut())
    QTest.mouseClick(cut, LEFT, NONE, at(80, 50))
    assert session.instances == {instance.id: instance}
    session.step_image(1)
    assert cut.tool is not None
    assert not cut.tool.cancel()


def test_a_project_open_for_reading_refuses_with_a_notice(
    cut: CanvasView, session: Session, add: Add, at: At, qtbot: QtBot
) -> None:
    instance, image, project = add(square(30, 30, 40)), session.image, session.project
    assert image is not None
    assert project is not None
    session.open_project(Project.open(project.path, read_only=True))
    session.open_image(image.id)
    session.set_pixels(image.id, np.zeros((HEIGHT, WIDTH, 3), dtype=np.uint8))
    with qtbot.waitSignal(session.notice):
        drag(cut, at(20.5, 50.5), at(80.5, 50.5))
    assert list(session.instances.values()) == [instance]
