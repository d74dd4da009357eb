"""The vertices tool with real mouse and keys: what is stored is the fill of the rings with the handles where they are.

The masks here are of axis-parallel corners, so that a person knows where their handles are, and the oracle is the
even-odd rule at pixel centres written out for a few polygons.
"""

from collections.abc import Callable

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.canvas.view import CanvasView
from app.session import Session
from app.timeline import Timeline
from app.tools.vertices import Vertices
from engine.geometry.mask import Bitmap, Mask
from engine.project import Action, commands
from engine.project.project import Project
from engine.records import Instance, InstanceState

WIDTH, HEIGHT = 160, 120
LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
CONTROL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
Add = Callable[..., Instance]
At = Callable[[float, float], QPoint]
Ring = list[tuple[float, float]]

OUTER: Ring = [(30, 30), (70, 30), (70, 70), (30, 70)]
HOLE: Ring = [(45, 45), (55, 45), (55, 55), (45, 55)]
PART: Ring = [(100, 80), (120, 80), (120, 90), (100, 90)]


def rule(*rings: Ring) -> Bitmap:
    """The oracle: even-odd at pixel centres (H, W)."""
    rows, columns = np.indices((HEIGHT, WIDTH)) + 0.5
    inside = np.zeros((HEIGHT, WIDTH), dtype=bool)
    for ring in rings:
        for (x1, y1), (x2, y2) in zip(ring, ring[1:] + ring[:1], strict=True):
            if y1 != y2:
                inside ^= ((y1 > rows) != (y2 > rows)) & (columns >= x1 + (rows - y1) * (x2 - x1) / (y2 - y1))
    return inside


def holed() -> Mask:
    """A square with a hole, and a second part."""
    return Mask.from_full(rule(OUTER, HOLE, PART))


def stored(session: Session, instance_id: int) -> Bitmap:
    """The mask as the project file has it."""
    assert session.project is not None
    return session.project.instance(instance_id).mask.to_full(HEIGHT, WIDTH)


def drag(canvas: CanvasView, points: list[QPoint], modifiers: Qt.KeyboardModifier = NONE, release: bool = True) -> None:
    QTest.mouseMove(canvas, points[0])
    QTest.mousePress(canvas, LEFT, modifiers, points[0])
    for point in points[1:]:
        QTest.mouseMove(canvas, point)
    if release:
        QTest.mouseRelease(canvas, LEFT, modifiers, points[-1])


def click(canvas: CanvasView, point: QPoint, modifiers: Qt.KeyboardModifier = NONE) -> None:
    drag(canvas, [point], modifiers)


def edits(session: Session) -> int:
    assert session.project is not None
    return len(session.project.history(100))


def places(tool: Vertices) -> set[tuple[float, float]]:
    outline = tool.handles.outline
    return set() if outline is None else {(x, y) for x, y in outline.places.tolist()}


def test_the_handles_are_the_corners_of_the_one_selected_instance(
    tool: Vertices, session: Session, add: Add, instance: Instance
) -> None:
    assert places(tool) == {*OUTER, *HOLE, *PART}
    other = add(Mask.from_full(rule([(5, 5), (15, 5), (15, 15), (5, 15)])))
    session.select([instance.id, other.id])
    assert places(tool) == set()
    session.select([other.id])
    assert places(tool) == {(5, 5), (15, 5), (15, 15), (5, 15)}
    session.select([])
    assert places(tool) == set()


@pytest.mark.parametrize(
    ("handle", "to", "expected"),
    [
        ((70, 30), (80, 20), ([(30, 30), (80, 20), (70, 70), (30, 70)], HOLE, PART)),
        ((45, 45), (38, 52), (OUTER, [(38, 52), (55, 45), (55, 55), (45, 55)], PART)),
        ((120, 90), (150, 100), (OUTER, HOLE, [(100, 80), (120, 80), (150, 100), (100, 90)])),
        ((30, 30), (90, 50), ([(90, 50), (70, 30), (70, 70), (30, 70)], HOLE, PART)),  # it crosses itself and the hole
    ],
    ids=["outer", "hole", "part", "crossing"],
)
def test_dragging_a_handle_moves_its_two_edges_and_nothing_else(
    canvas: CanvasView,
    session: Session,
    instance: Instance,
    at: At,
    handle: tuple[int, int],
    to: tuple[int, int],
    expected: tuple[Ring, ...],
) -> None:
    before = edits(session)
    middle = (handle[0] + to[0]) / 2, (handle[1] + to[1]) / 2 + 9
    drag(canvas, [at(*handle), at(*middle), at(*to)])
    np.testing.assert_array_equal(stored(session, instance.id), rule(*expected))
    assert edits(session) == before + 1
    assert session.project is not None
    assert session.project.history(1)[0].action is Action.VERTEX
    assert session.selection == (instance.id,)


def test_a_handle_stays_where_it_was_put_and_can_be_taken_again(
    canvas: CanvasView, tool: Vertices, session: Session, instance: Instance, at: At
) -> None:
    drag(canvas, [at(70, 30), at(81.5, 20.5)])
    drag(canvas, [at(81.5, 20.5), at(90, 40)])
    moved: Ring = [(30, 30), (90, 40), (70, 70), (30, 70)]
    np.testing.assert_array_equal(stored(session, instance.id), rule(moved, HOLE, PART))
    assert places(tool) == {*moved, *HOLE, *PART}


def test_while_a_handle_is_dragged_the_mask_is_only_shown_and_is_what_is_committed(
    canvas: CanvasView, session: Session, instance: Instance, at: At
) -> None:
    drag(canvas, [at(70, 70), at(90, 60), at(60, 95)], release=False)
    expected = rule([(30, 30), (70, 30), (60, 95), (30, 70)], HOLE, PART)
    assert canvas.layers.overlay.shown_mask(instance.id) == Mask.from_full(expected)
    np.testing.assert_array_equal(stored(session, instance.id), holed().to_full(HEIGHT, WIDTH))
    QTest.mouseRelease(canvas, LEFT, NONE, at(60, 95))
    np.testing.assert_array_equal(stored(session, instance.id), expected)
    assert canvas.layers.overlay.shown_mask(instance.id) == Mask.from_full(expected)


def test_escape_drops_a_drag_then_the_chosen_handles_then_the_selection(
    canvas: CanvasView, tool: Vertices, session: Session, instance: Instance, at: At
) -> None:
    before = edits(session)
    drag(canvas, [at(70, 70), at(90, 90)], release=False)
    QTest.keyClick(canvas, Qt.Key.Key_Escape)
    QTest.mouseMove(canvas, at(100, 60))
    QTest.mouseRelease(canvas, LEFT, NONE, at(100, 60))
    assert edits(session) == before
    assert canvas.layers.overlay.shown_mask(instance.id) == holed()
    assert tool.chosen
    QTest.keyClick(canvas, Qt.Key.Key_Escape)
    assert not tool.chosen
    assert session.selection == (instance.id,)
    QTest.keyClick(canvas, Qt.Key.Key_Escape)
    assert session.selection == ()


def test_going_to_another_image_drops_a_drag(canvas: CanvasView, session: Session, instance: Instance, at: At) -> None:
    before = edits(session)
    drag(canvas, [at(70, 70), at(90, 90)], release=False)
    session.step_image(1)
    QTest.mouseRelease(canvas, LEFT, NONE, at(90, 90))
    assert edits(session) == before
    assert canvas.layers.overlay.preview_mask().is_empty


def test_pressing_an_edge_adds_a_handle_that_is_dragged(
    canvas: CanvasView, tool: Vertices, session: Session, instance: Instance, at: At
) -> None:
    drag(canvas, [at(50, 30), at(50, 15)])
    grown: Ring = [(30, 30), (50, 15), (70, 30), (70, 70), (30, 70)]
    np.testing.assert_array_equal(stored(session, instance.id), rule(grown, HOLE, PART))
    assert places(tool) == {*grown, *HOLE, *PART}


def test_clicking_an_edge_adds_a_handle_and_changes_no_pixel(
    canvas: CanvasView, tool: Vertices, session: Session, instance: Instance, at: At
) -> None:
    before = edits(session)
    click(canvas, at(55, 50))
    assert places(tool) == {*OUTER, *HOLE, *PART, (55, 50)}
    assert edits(session) == before
    drag(canvas, [at(55, 50), at(65, 50)])
    wider: Ring = [(45, 45), (55, 45), (65, 50), (55, 55), (45, 55)]
    np.testing.assert_array_equal(stored(session, instance.id), rule(OUTER, wider, PART))


@pytest.mark.parametrize("way", ["control", Qt.Key.Key_Delete, Qt.Key.Key_Backspace])
def test_a_handle_under_the_pointer_is_deleted_and_not_the_instance(
    canvas: CanvasView, tool: Vertices, session: Session, instance: Instance, at: At, way: str | Qt.Key
) -> None:
    QTest.mouseMove(canvas, at(10, 10))
    QTest.mouseMove(canvas, at(70, 30))
    if isinstance(way, str):
        click(canvas, at(70, 30), CONTROL)
    else:
        QTest.keyClick(canvas, way)
    left: Ring = [(30, 30), (70, 70), (30, 70)]
    np.testing.assert_array_equal(stored(session, instance.id), rule(left, HOLE, PART))
    assert places(tool) == {*left, *HOLE, *PART}


@pytest.mark.parametrize(("first", "expected"), [(HOLE, (OUTER, PART)), (PART, (OUTER, HOLE)), (OUTER, (PART,))])
def test_a_ring_with_too_few_handles_left_goes(
    canvas: CanvasView, session: Session, instance: Instance, at: At, first: Ring, expected: tuple[Ring, ...]
) -> None:
    click(canvas, at(*first[0]))
    click(canvas, at(*first[2]), SHIFT)
    QTest.keyClick(canvas, Qt.Key.Key_Delete)
    np.testing.assert_array_equal(stored(session, instance.id), rule(*expected))


def test_the_last_ring_that_goes_deletes_the_instance(
    canvas: CanvasView, tool: Vertices, session: Session, add: Add, at: At
) -> None:
    small = add(Mask.from_full(rule(PART)))
    session.select([small.id])
    drag(canvas, [at(95, 75), at(125, 95)])
    assert len(tool.chosen) == 4
    QTest.keyClick(canvas, Qt.Key.Key_Delete)
    assert small.id not in session.instances
    assert session.selection == ()
    Timeline(session).undo()
    assert session.instances[small.id].mask == small.mask


def test_a_box_chooses_handles_that_move_together(
    canvas: CanvasView, tool: Vertices, session: Session, instance: Instance, at: At
) -> None:
    drag(canvas, [at(40, 40), at(60, 60)])
    assert len(tool.chosen) == 4
    drag(canvas, [at(45, 45), at(35, 50)])
    moved: Ring = [(x - 10, y + 5) for x, y in HOLE]
    np.testing.assert_array_equal(stored(session, instance.id), rule(OUTER, moved, PART))
    assert len(tool.chosen) == 4


def test_shift_adds_to_the_chosen_handles_and_takes_away(
    canvas: CanvasView, tool: Vertices, session: Session, instance: Instance, at: At
) -> None:
    click(canvas, at(70, 30))
    for corner in ((70, 70), (30, 30), (30, 30)):
        click(canvas, at(*corner), SHIFT)
    assert len(tool.chosen) == 2
    drag(canvas, [at(70, 70), at(80, 70)])
    wider: Ring = [(30, 30), (80, 30), (80, 70), (30, 70)]
    np.testing.assert_array_equal(stored(session, instance.id), rule(wider, HOLE, PART))
    drag(canvas, [at(95, 75), at(125, 95)], SHIFT)
    assert len(tool.chosen) == 6


def test_arrow_keys_nudge_chosen_handles_by_a_pixel_each_as_one_edit(
    canvas: CanvasView, session: Session, instance: Instance, at: At
) -> None:
    before = edits(session)
    click(canvas, at(70, 70))
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Right, Qt.Key.Key_Down, Qt.Key.Key_Left, Qt.Key.Key_Up, Qt.Key.Key_Up):
        QTest.keyClick(canvas, key)
    nudged: Ring = [(30, 30), (70, 30), (71, 69), (30, 70)]
    np.testing.assert_array_equal(stored(session, instance.id), rule(nudged, HOLE, PART))
    assert edits(session) > before


def test_nothing_goes_out_of_the_image(
    canvas: CanvasView, tool: Vertices, session: Session, instance: Instance
) -> None:
    def point(x: float, y: float) -> QPoint:
        return QPoint(*map(round, canvas.image_to_widget(x, y)))

    drag(canvas, [point(70, 30), point(100, -10)])
    outer: Ring = [(30, 30), (100, 0), (70, 70), (30, 70)]
    np.testing.assert_array_equal(stored(session, instance.id), rule(outer, HOLE, PART))
    assert (100, 0) in places(tool)


def test_undo_gives_mask_and_handles_back(
    canvas: CanvasView, tool: Vertices, session: Session, instance: Instance, at: At
) -> None:
    drag(canvas, [at(70, 30), at(80, 20)])
    timeline = Timeline(session)
    timeline.undo()
    assert session.instances[instance.id].mask == holed()
    assert places(tool) == {*OUTER, *HOLE, *PART}
    timeline.redo()
    assert (80, 20) in places(tool)


def test_a_vertex_that_is_dragged_while_its_instance_is_locked_changes_nothing_and_says_so(
    canvas: CanvasView, tool: Vertices, session: Session, instance: Instance, at: At, qtbot: QtBot
) -> None:
    drag(canvas, [at(70, 30), at(80, 20)], release=False)
    session.apply(commands.lock([instance]))
    with qtbot.waitSignal(session.notice) as told:
        QTest.mouseRelease(canvas, LEFT, NONE, at(80, 20))
    assert "locked" in told.args[0]
    assert session.instances[instance.id].mask == holed()
    assert places(tool) == {*OUTER, *HOLE, *PART}


def test_a_click_selects_another_instance_and_beside_all_none(
    canvas: CanvasView, tool: Vertices, session: Session, add: Add, instance: Instance, at: At
) -> None:
    other = add(Mask.from_full(rule([(100, 20), (140, 20), (140, 60), (100, 60)])))
    session.select([instance.id])
    click(canvas, at(120, 40))
    assert session.selection == (other.id,)
    assert places(tool) == {(100, 20), (140, 20), (140, 60), (100, 60)}
    click(canvas, at(10, 100))
    assert session.selection == ()


def test_a_click_beside_the_handles_lets_go_of_the_chosen_ones_first(
    canvas: CanvasView, tool: Vertices, session: Session, instance: Instance, at: At
) -> None:
    for beside in ((38, 38), (10, 100)):
        click(canvas, at(70, 30))
        assert len(tool.chosen) == 1
        click(canvas, at(*beside))
        assert not tool.chosen
        assert session.selection == (instance.id,)


def test_changing_a_proposal_accepts_it_and_only_looking_does_not(
    canvas: CanvasView, tool: Vertices, session: Session, propose: Callable[..., list[Instance]], at: At
) -> None:
    (proposal,) = propose([holed()])
    session.select([proposal.id])
    click(canvas, at(70, 30))
    click(canvas, at(50, 30))
    assert session.instances[proposal.id].state is InstanceState.PROPOSAL
    drag(canvas, [at(70, 30), at(80, 20)])
    changed = session.instances[proposal.id]
    assert (changed.state, changed.edited) == (InstanceState.ACCEPTED, True)


def test_kept_apart_a_handle_takes_nothing_from_other_instances(
    canvas: CanvasView, session: Session, add: Add, instance: Instance, at: At
) -> None:
    other = add(Mask.from_full(rule([(75, 20), (100, 20), (100, 70), (75, 70)])))
    session.select([instance.id])
    canvas.marking.apart.set(True)
    drag(canvas, [at(70, 70), at(110, 60)], release=False)
    expected = rule([(30, 30), (70, 30), (110, 60), (30, 70)], HOLE, PART) & ~other.mask.to_full(HEIGHT, WIDTH)
    assert canvas.layers.overlay.shown_mask(instance.id) == Mask.from_full(expected)
    QTest.mouseRelease(canvas, LEFT, NONE, at(110, 60))
    np.testing.assert_array_equal(stored(session, instance.id), expected)


def test_a_project_open_for_reading_refuses_with_a_notice(
    canvas: CanvasView, tool: Vertices, session: Session, instance: Instance, at: At, qtbot: QtBot
) -> None:
    assert session.project is not None
    assert session.image is not None
    path, image = session.project.path, session.image
    session.open_project(Project.open(path, read_only=True))
    session.open_image(image.id)
    session.set_pixels(image.id, np.zeros((HEIGHT, WIDTH, 3), dtype=np.uint8))
    session.select([instance.id])
    with qtbot.waitSignal(session.notice):
        drag(canvas, [at(70, 30), at(80, 20)])
    np.testing.assert_array_equal(stored(session, instance.id), holed().to_full(HEIGHT, WIDTH))
