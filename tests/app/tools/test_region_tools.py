"""Polygon and lasso with real mouse and keys: what is stored is what pycocotools, or a count of turns, says."""

import json
import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from pycocotools import mask as coco_mask
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.canvas.view import CanvasView
from app.session import Session
from app.timeline import Timeline
from app.tools.lasso import Lasso
from app.tools.polygon import Polygon
from app.tools.region import SUBTRACT
from engine.formats.coco_export import EVERYTHING, export_coco
from engine.formats.exporting import Selection
from engine.geometry.mask import Bitmap, Mask
from engine.project.edit import Action
from engine.records import Instance, Origin

WIDTH, HEIGHT = 160, 120
LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
CONTROL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
Add = Callable[..., Instance]
At = Callable[[float, float], QPoint]
Move = Callable[..., None]
Points = Sequence[tuple[float, float]]

TRIANGLE = [(20.0, 20.0), (90.0, 30.0), (40.0, 90.0)]
# Concave, with a part of every direction, and crossing itself once.
STAR = [(80.0, 10.0), (110.0, 100.0), (30.0, 45.0), (130.0, 45.0), (50.0, 100.0)]


def click(canvas: CanvasView, at: At, points: Points, modifiers: Qt.KeyboardModifier = NONE) -> None:
    """Click one after the other, the modifiers held at the first."""
    for index, (x, y) in enumerate(points):
        QTest.mouseMove(canvas, at(x, y))
        QTest.mouseClick(canvas, LEFT, NONE if index else modifiers, at(x, y))


def drag(canvas: CanvasView, at: At, points: Points, modifiers: Qt.KeyboardModifier = NONE) -> None:
    QTest.mousePress(canvas, LEFT, modifiers, at(*points[0]))
    for x, y in points[1:]:
        QTest.mouseMove(canvas, at(x, y))
    QTest.mouseRelease(canvas, LEFT, NONE, at(*points[-1]))


def decoded(points: Points, height: int = HEIGHT, width: int = WIDTH) -> Bitmap:
    """The oracle: what pycocotools makes of the vertices."""
    (encoded,) = coco_mask.frPyObjects([[each for point in points for each in point]], height, width)
    return coco_mask.decode(encoded).astype(bool)


def gone_round(points: Points) -> Bitmap:
    """The oracle of a freehand line: centres that it turns around, by the sum of the angles under which it is seen."""
    rows, columns = np.indices((HEIGHT, WIDTH)) + 0.5
    seen = [np.arctan2(y - rows, x - columns) for x, y in [*points, points[0]]]
    turned = sum((after - before + math.pi) % (2 * math.pi) - math.pi for before, after in pairwise(seen))
    return np.round(np.asarray(turned) / (2 * math.pi)) != 0


def distance(points: Points) -> NDArray[np.float64]:
    """Of every pixel's centre (H, W) from a closed line."""
    rows, columns = np.indices((HEIGHT, WIDTH)) + 0.5
    nearest = np.full((HEIGHT, WIDTH), np.inf)
    for (x1, y1), (x2, y2) in pairwise([*points, points[0]]):
        length = max((x2 - x1) ** 2 + (y2 - y1) ** 2, 1e-12)
        along = np.clip(((columns - x1) * (x2 - x1) + (rows - y1) * (y2 - y1)) / length, 0, 1)
        nearest = np.minimum(nearest, np.hypot(columns - x1 - along * (x2 - x1), rows - y1 - along * (y2 - y1)))
    return nearest


def assert_gone_round(mask: Bitmap, points: Points) -> None:
    """Centres on the line itself belong to either side."""
    clear = distance(points) > 1e-6
    np.testing.assert_array_equal(mask[clear], gone_round(points)[clear])


def stored(session: Session, instance_id: int) -> Bitmap:
    """The mask as the project file has it."""
    assert session.project is not None
    return session.project.instance(instance_id).mask.to_full(HEIGHT, WIDTH)


def only(session: Session) -> Instance:
    (instance,) = session.instances.values()
    return instance


def ring() -> Mask:
    """A square with a hole, and a second part."""
    bitmap = np.zeros((HEIGHT, WIDTH), dtype=bool)
    bitmap[30:70, 30:70] = True
    bitmap[45:55, 45:55] = False
    bitmap[80:90, 100:120] = True
    return Mask.from_full(bitmap)


def circle(x: float, y: float, radius: float, turns: float = 1.0, steps: int = 48) -> list[tuple[float, float]]:
    """Points whole in widget pixels, which are half image pixels."""
    angles = [turns * 2 * math.pi * step / steps for step in range(steps)]
    return [(round(2 * (x + radius * math.cos(a))) / 2, round(2 * (y + radius * math.sin(a))) / 2) for a in angles]


@pytest.fixture
def polygon(canvas: CanvasView) -> CanvasView:
    canvas.set_tool(Polygon())
    return canvas


def enter(canvas: CanvasView) -> None:
    QTest.keyClick(canvas, Qt.Key.Key_Return)


# -- polygon


def test_a_closed_polygon_is_a_new_instance_of_what_pycocotools_decodes(
    polygon: CanvasView, session: Session, at: At
) -> None:
    click(polygon, at, TRIANGLE)
    assert session.instances == {}
    enter(polygon)
    instance = only(session)
    assert instance.origin is Origin.DRAWN
    assert instance.category_id == session.active_category_id
    assert session.selection == (instance.id,)
    np.testing.assert_array_equal(stored(session, instance.id), decoded(TRIANGLE))


@pytest.mark.parametrize("way", ["enter", "first vertex", "double click"])
def test_every_way_of_closing_gives_the_same_polygon(polygon: CanvasView, session: Session, at: At, way: str) -> None:
    click(polygon, at, STAR[:-1] if way == "double click" else STAR)
    if way == "enter":
        QTest.keyClick(polygon, Qt.Key.Key_Enter, Qt.KeyboardModifier.KeypadModifier)
    elif way == "first vertex":
        click(polygon, at, [(STAR[0][0] + 2, STAR[0][1] + 1)])
    else:
        click(polygon, at, STAR[-1:])
        QTest.mouseDClick(polygon, LEFT, NONE, at(*STAR[-1]))
    np.testing.assert_array_equal(stored(session, only(session).id), decoded(STAR))
    QTest.mouseClick(polygon, LEFT, NONE, at(5, 5))
    assert len(session.instances) == 1


def test_where_a_polygon_goes_round_twice_is_outside_again(polygon: CanvasView, session: Session, at: At) -> None:
    click(polygon, at, STAR)
    enter(polygon)
    mask = only(session).mask
    assert not mask.contains(80, 60)
    assert mask.contains(80, 30)


def test_a_new_instance_keeps_its_vertices_and_export_repeats_them(
    polygon: CanvasView, session: Session, at: At, tmp_path: Path
) -> None:
    assert session.project is not None
    polygon.zoom_to(polygon.zoom * 1.37)
    click(polygon, at, STAR)
    enter(polygon)
    instance = only(session)
    assert instance.source is not None
    (flat,) = json.loads(instance.source)["segmentation"]
    assert flat == [round(each, 2) for each in flat]
    np.testing.assert_allclose(np.reshape(flat, (-1, 2)), STAR, atol=0.5)
    np.testing.assert_array_equal(stored(session, instance.id), decoded(np.reshape(flat, (-1, 2)).tolist()))
    export_coco(session.project, tmp_path / "coco.json", selection=Selection(EVERYTHING))
    (record,) = json.loads((tmp_path / "coco.json").read_text(encoding="utf-8"))["annotations"]
    assert record["segmentation"] == [flat]
    assert record["area"] == instance.mask.area


def test_a_polygon_across_the_border_is_cut_there(polygon: CanvasView, session: Session, at: At) -> None:
    spikes = [(-15.0, 20.0), (60.0, 25.0), (-15.0, 40.0), (60.0, 60.0), (30.0, 125.0), (-10.0, 100.0)]
    click(polygon, at, spikes)
    enter(polygon)
    instance = only(session)
    # The same on an image with room on every side, cut out of it. An edge that is cut is rounded a little differently.
    moved = decoded([(x + 40, y + 40) for x, y in spikes], HEIGHT + 80, WIDTH + 80)[40:-40, 40:-40]
    clear = distance(spikes) > 0.5
    np.testing.assert_array_equal(stored(session, instance.id)[clear], moved[clear])
    assert instance.source is not None
    (flat,) = json.loads(instance.source)["segmentation"]
    assert min(flat) >= 0 and max(flat[::2]) <= WIDTH and max(flat[1::2]) <= HEIGHT
    np.testing.assert_array_equal(stored(session, instance.id), decoded(np.reshape(flat, (-1, 2)).tolist()))


def test_a_polygon_beside_the_image_is_dropped_with_a_notice(
    polygon: CanvasView, session: Session, at: At, qtbot: QtBot
) -> None:
    click(polygon, at, [(-18.0, 10.0), (-5.0, 10.0), (-5.0, 60.0)])
    with qtbot.waitSignal(session.notice):
        enter(polygon)
    assert session.instances == {}


@pytest.mark.parametrize("way", ["mode", "Ctrl"])
def test_subtracting_cuts_a_hole_and_undo_gives_back_the_exact_mask(
    polygon: CanvasView, session: Session, add: Add, at: At, way: str
) -> None:
    assert session.project is not None
    instance = add(ring())
    session.select([instance.id])
    if way == "mode":
        tool = polygon.tool
        assert isinstance(tool, Polygon)
        tool.mode.set(SUBTRACT)
    corners = [(33.0, 33.0), (62.0, 36.0), (40.0, 43.0)]
    click(polygon, at, corners, NONE if way == "mode" else CONTROL)
    enter(polygon)
    np.testing.assert_array_equal(stored(session, instance.id), ring().to_full(HEIGHT, WIDTH) & ~decoded(corners))
    assert session.project.history(1)[0].action is Action.POLYGON
    Timeline(session).undo()
    assert session.instances[instance.id] == instance
    assert polygon.layers.overlay.shown_mask(instance.id) == ring()


def test_ctrl_in_subtract_mode_adds(polygon: CanvasView, session: Session, add: Add, at: At) -> None:
    instance = add(ring())
    session.select([instance.id])
    tool = polygon.tool
    assert isinstance(tool, Polygon)
    tool.mode.set(SUBTRACT)
    click(polygon, at, TRIANGLE, CONTROL)
    enter(polygon)
    expected = ring().to_full(HEIGHT, WIDTH) | decoded(TRIANGLE)
    np.testing.assert_array_equal(stored(session, instance.id), expected)


def test_adding_to_an_instance_keeps_its_parts_and_stops_at_neighbours_with_keep_apart(
    polygon: CanvasView, session: Session, add: Add, at: At
) -> None:
    instance, other = add(ring()), add(Mask.from_crop(np.ones((30, 20), dtype=bool), 60, 20))
    session.select([instance.id])
    polygon.marking.apart.set(True)
    click(polygon, at, TRIANGLE)
    enter(polygon)
    before = ring().to_full(HEIGHT, WIDTH)
    expected = before | (decoded(TRIANGLE) & ~other.mask.to_full(HEIGHT, WIDTH))
    np.testing.assert_array_equal(stored(session, instance.id), expected)
    assert (before & other.mask.to_full(HEIGHT, WIDTH)).any()


def test_what_keep_apart_cut_keeps_no_vertices(polygon: CanvasView, session: Session, add: Add, at: At) -> None:
    other = add(Mask.from_crop(np.ones((30, 20), dtype=bool), 60, 20))
    polygon.marking.apart.set(True)
    polygon.marking.fresh.set(True)
    click(polygon, at, TRIANGLE)
    enter(polygon)
    (drawn,) = (each for each in session.instances.values() if each.id != other.id)
    assert drawn.source is None
    assert not drawn.mask.overlaps(other.mask)


def test_backspace_takes_vertices_back_one_by_one(polygon: CanvasView, session: Session, at: At) -> None:
    click(polygon, at, [*TRIANGLE, (100.0, 100.0), (5.0, 100.0)])
    for _ in range(2):
        QTest.keyClick(polygon, Qt.Key.Key_Backspace)
    enter(polygon)
    np.testing.assert_array_equal(stored(session, only(session).id), decoded(TRIANGLE))
    click(polygon, at, TRIANGLE[:2])
    for _ in range(3):
        QTest.keyClick(polygon, Qt.Key.Key_Backspace)
    enter(polygon)
    assert len(session.instances) == 1


def test_escape_drops_the_polygon_and_keeps_the_selection(
    polygon: CanvasView, session: Session, add: Add, at: At
) -> None:
    instance = add(ring())
    session.select([instance.id])
    bare = polygon.grab().toImage()
    click(polygon, at, TRIANGLE)
    assert polygon.grab().toImage() != bare
    QTest.keyClick(polygon, Qt.Key.Key_Escape)
    assert polygon.grab().toImage() == bare
    enter(polygon)
    assert session.instances[instance.id] == instance
    assert session.selection == (instance.id,)


def test_enter_with_two_vertices_waits_for_the_third(polygon: CanvasView, session: Session, at: At) -> None:
    click(polygon, at, TRIANGLE[:2])
    enter(polygon)
    click(polygon, at, TRIANGLE[2:])
    enter(polygon)
    np.testing.assert_array_equal(stored(session, only(session).id), decoded(TRIANGLE))


def test_going_to_another_image_drops_the_polygon(polygon: CanvasView, session: Session, at: At) -> None:
    click(polygon, at, TRIANGLE)
    session.step_image(1)
    enter(polygon)
    assert session.instances == {}


def test_shift_snaps_edges_to_multiples_of_45_degrees(polygon: CanvasView, session: Session, at: At) -> None:
    QTest.mouseClick(polygon, LEFT, NONE, at(20, 20))
    for x, y in ((80, 24), (78, 70), (50, 99)):
        QTest.mouseClick(polygon, LEFT, SHIFT, at(x, y))
    enter(polygon)
    instance = only(session)
    # Along the row, down the column, then down to the left: (50, 99) projected onto that diagonal of (80, 70).
    expected = [(20.0, 20.0), (80.0, 20.0), (80.0, 70.0), (50.5, 99.5)]
    assert instance.source is not None
    assert json.loads(instance.source)["segmentation"] == [[each for point in expected for each in point]]


def test_a_category_chosen_while_it_is_drawn_is_that_of_the_new_instance(
    polygon: CanvasView, session: Session, at: At
) -> None:
    click(polygon, at, TRIANGLE)
    before = polygon.grab().toImage()
    (other,) = session.categories.keys() - {session.active_category_id}
    session.set_active_category(other)
    assert polygon.grab().toImage() != before
    enter(polygon)
    assert only(session).category_id == other


def test_dragging_draws_freehand_between_clicked_vertices(polygon: CanvasView, session: Session, at: At) -> None:
    arc = circle(80, 60, 40)[:25]  # from the right over the bottom to the left
    click(polygon, at, [(120.0, 20.0)])
    drag(polygon, at, arc)
    click(polygon, at, [(40.0, 20.0)])
    enter(polygon)
    instance = only(session)
    assert instance.source is not None
    corners = np.reshape(json.loads(instance.source)["segmentation"][0], (-1, 2))
    assert corners[0].tolist() == [120, 20]
    assert corners[-1].tolist() == [40, 20]
    assert 5 < len(corners) < len(arc)
    wanted = decoded([(120.0, 20.0), *arc, (40.0, 20.0)])
    missed = np.count_nonzero(stored(session, instance.id) ^ wanted)
    assert missed < 0.02 * np.count_nonzero(wanted)


def test_a_freehand_line_back_to_the_first_vertex_closes(polygon: CanvasView, session: Session, at: At) -> None:
    loop = circle(80, 60, 40)
    drag(polygon, at, [*loop, loop[0]])
    assert only(session).mask.iou(Mask.from_full(decoded(loop))) > 0.98


def test_a_click_that_trembles_draws_no_freehand(polygon: CanvasView, session: Session, at: At) -> None:
    for x, y in TRIANGLE:
        drag(polygon, at, [(x, y), (x + 1, y), (x + 0.5, y + 1)])
    enter(polygon)
    np.testing.assert_array_equal(stored(session, only(session).id), decoded(TRIANGLE))


def test_enter_and_backspace_are_commands_again_when_no_polygon_is_open(polygon: CanvasView, at: At) -> None:
    assert polygon.tool is not None
    assert not polygon.tool.taken_keys()
    click(polygon, at, TRIANGLE)
    assert Qt.Key.Key_Return in polygon.tool.taken_keys()
    enter(polygon)
    assert not polygon.tool.taken_keys()


def test_the_open_polygon_leaves_no_trace_wherever_the_pointer_went(polygon: CanvasView, at: At, move: Move) -> None:
    """Only what changed is painted again, so a whole repaint must not change anything."""
    random = np.random.default_rng(5)
    click(polygon, at, STAR[:3])
    for x, y in random.uniform((-15, -12), (WIDTH + 15, HEIGHT + 12), (25, 2)):
        move(at(x, y), SHIFT if x > 90 else NONE)
    kept = polygon.grab().toImage()
    polygon.update()
    assert polygon.grab().toImage() == kept


@pytest.mark.parametrize("tool", [Polygon, Lasso])
def test_a_badge_says_that_the_next_outline_subtracts(
    canvas: CanvasView, at: At, tool: Callable[[], Polygon | Lasso]
) -> None:
    canvas.set_tool(tool())
    QTest.mouseMove(canvas, at(60, 60))
    bare = canvas.grab().toImage()
    QTest.keyPress(canvas, Qt.Key.Key_Control)
    assert canvas.grab().toImage() != bare
    QTest.keyRelease(canvas, Qt.Key.Key_Control)
    assert canvas.grab().toImage() == bare
