"""Vertices of instances that were drawn as polygons: their own stay, and go out again with an export."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from app.canvas.view import CanvasView
from app.session import Session
from app.timeline import Timeline
from app.tools.vertices import Vertices
from engine.formats.coco_export import export_coco
from engine.formats.exporting import Selection
from engine.geometry.polygons import from_coco_polygons
from engine.project import commands
from engine.records import ImageStatus, Instance
from tests.app.tools.test_vertices import click, drag, edits, places, stored

WIDTH, HEIGHT = 160, 120
LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
CONTROL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
At = Callable[[float, float], QPoint]


# -- vertices of polygons

TRIANGLE = [20.5, 20.25, 90.0, 30.0, 40.75, 95.5]
SQUARE = [100.0, 80.0, 140.0, 80.0, 140.0, 110.0, 100.0, 110.0]


@pytest.fixture
def drawn(tool: Vertices, session: Session) -> Instance:
    """An instance drawn as two polygons, selected."""
    assert session.project is not None
    assert session.image is not None
    mask = from_coco_polygons([TRIANGLE, SQUARE], HEIGHT, WIDTH)
    new_id = session.project.new_instance_id()
    source = json.dumps({"segmentation": [TRIANGLE, SQUARE], "area": 1.0, "bbox": [0, 0, 1, 1], "note": "kept"})
    session.apply(commands.draw(new_id, session.image.id, next(iter(session.categories)), mask, source))
    session.select([new_id])
    return session.instances[new_id]


def source_of(session: Session, instance_id: int) -> dict[str, object]:
    assert session.project is not None
    record = json.loads(session.project.instance(instance_id).source or "{}")
    assert isinstance(record, dict)
    return record


def test_a_polygon_has_its_own_vertices_and_keeps_the_others_when_one_is_moved(
    canvas: CanvasView, tool: Vertices, session: Session, drawn: Instance, at: At
) -> None:
    assert places(tool) == {(20.5, 20.25), (90, 30), (40.75, 95.5), (100, 80), (140, 80), (140, 110), (100, 110)}
    drag(canvas, [at(90, 30), at(80, 60), at(70, 50)])
    moved = [20.5, 20.25, 70.0, 50.0, 40.75, 95.5]
    assert source_of(session, drawn.id) == {"segmentation": [moved, SQUARE], "note": "kept"}
    expected = from_coco_polygons([moved, SQUARE], HEIGHT, WIDTH).to_full(HEIGHT, WIDTH)
    np.testing.assert_array_equal(stored(session, drawn.id), expected)
    Timeline(session).undo()
    assert source_of(session, drawn.id)["segmentation"] == [TRIANGLE, SQUARE]
    assert session.instances[drawn.id].mask == drawn.mask


def test_an_export_repeats_the_vertices_and_measures_the_mask(
    canvas: CanvasView, session: Session, drawn: Instance, at: At, tmp_path: Path
) -> None:
    assert session.project is not None
    drag(canvas, [at(90, 30), at(70, 50)])
    export_coco(session.project, tmp_path / "coco.json", selection=Selection(frozenset(ImageStatus)))
    (record,) = json.loads((tmp_path / "coco.json").read_text())["annotations"]
    mask = session.instances[drawn.id].mask
    assert record["segmentation"] == [[20.5, 20.25, 70.0, 50.0, 40.75, 95.5], SQUARE]
    assert (record["area"], record["bbox"]) == (mask.area, [mask.x, mask.y, mask.width, mask.height])


def test_a_vertex_dragged_back_or_against_the_border_changes_nothing(
    canvas: CanvasView, session: Session, drawn: Instance, at: At
) -> None:
    before = edits(session)
    drag(canvas, [at(90, 30), at(70, 50), at(90, 30)])
    assert edits(session) == before
    drag(canvas, [at(90, 30), at(90, -20)])
    assert edits(session) == before + 1
    QTest.keyClick(canvas, Qt.Key.Key_Up)
    assert edits(session) == before + 1
    assert source_of(session, drawn.id)["segmentation"] == [[20.5, 20.25, 90.0, 0.0, 40.75, 95.5], SQUARE]


def test_the_preview_of_a_polygon_is_what_pycocotools_draws(
    canvas: CanvasView, session: Session, drawn: Instance, at: At
) -> None:
    drag(canvas, [at(90, 30), at(100, 90), at(130, 100)], release=False)
    expected = from_coco_polygons([[20.5, 20.25, 130.0, 100.0, 40.75, 95.5], SQUARE], HEIGHT, WIDTH)
    assert canvas.layers.overlay.shown_mask(drawn.id) == expected


def test_a_vertex_is_added_to_and_deleted_from_a_polygon(
    canvas: CanvasView, session: Session, drawn: Instance, at: At
) -> None:
    click(canvas, at(120, 80))
    grown = [100.0, 80.0, 120.0, 80.0, 140.0, 80.0, 140.0, 110.0, 100.0, 110.0]
    assert source_of(session, drawn.id)["segmentation"] == [TRIANGLE, grown]
    click(canvas, at(140, 110), CONTROL)
    left = [100.0, 80.0, 120.0, 80.0, 140.0, 80.0, 100.0, 110.0]
    assert source_of(session, drawn.id)["segmentation"] == [TRIANGLE, left]
    click(canvas, at(40.75, 95.5), CONTROL)
    assert source_of(session, drawn.id)["segmentation"] == [left]
    expected = from_coco_polygons([left], HEIGHT, WIDTH).to_full(HEIGHT, WIDTH)
    np.testing.assert_array_equal(stored(session, drawn.id), expected)
