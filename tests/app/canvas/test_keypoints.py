"""Keypoints show over their instance, follow it when it is hidden or deleted, and survive an edit of its mask."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtGui import QColor
from pytestqt.qtbot import QtBot

from app.canvas.view import CanvasView
from app.session import Session
from engine.geometry.mask import Mask
from engine.project import Action, CategoryChange, Edit, InstanceChange, commands
from engine.records import Instance, InstanceState, Origin

FAR = (120, 90)  # outside of the mask


@pytest.fixture
def pointed(session: Session) -> Instance:
    """An imported instance with two joined points, one of them far from its mask."""
    assert session.project is not None
    assert session.image is not None
    category = next(iter(session.categories.values()))
    joined = replace(category, source=json.dumps({"skeleton": [[1, 2]]}))
    session.apply(Edit(Action.IMPORT, None, (CategoryChange(category, joined),)))
    source = json.dumps({"id": 7, "keypoints": [20, 20, 2, *FAR, 1, 0, 0, 0], "segmentation": [[1]]})
    number = session.project.new_instance_id()
    drawn = Instance(
        number,
        session.image.id,
        category.id,
        Mask.from_crop(np.ones((20, 20)), 10, 10),
        state=InstanceState.ACCEPTED,
        origin=Origin.IMPORTED,
        source=source,
    )
    session.apply(Edit(Action.IMPORT, session.image.id, (InstanceChange(None, drawn),)))
    return session.instances[number]


def color_at(canvas: CanvasView, x: float, y: float) -> QColor:
    """What is painted at a point in COCO's pixel indices."""
    place = canvas.image_to_widget(x + 0.5, y + 0.5)
    return canvas.grab().toImage().pixelColor(round(place[0]), round(place[1]))


def paints_the_category(canvas: CanvasView, x: float, y: float) -> bool:
    color, expected = color_at(canvas, x, y), QColor("#0072b2")
    return all(
        abs(one - other) < 40
        for one, other in zip(color.getRgb()[:3], expected.getRgb()[:3], strict=True)  # type: ignore[index]
    )


def test_points_and_the_line_between_them_are_painted(qtbot: QtBot, canvas: CanvasView, pointed: Instance) -> None:
    assert paints_the_category(canvas, 20, 20)
    assert paints_the_category(canvas, 70, 55)  # half way


def test_they_go_with_their_instance(qtbot: QtBot, canvas: CanvasView, session: Session, pointed: Instance) -> None:
    session.apply(commands.hide([pointed]))
    assert not paints_the_category(canvas, 70, 55)
    session.apply(commands.show([session.instances[pointed.id]]))
    assert paints_the_category(canvas, 70, 55)
    session.apply(commands.delete([session.instances[pointed.id]]))
    qtbot.wait(50)
    assert not paints_the_category(canvas, 70, 55)


def test_an_edited_mask_keeps_its_points(canvas: CanvasView, session: Session, pointed: Instance) -> None:
    session.apply(commands.erase(pointed, Mask.from_crop(np.ones((5, 5)), 10, 10), (160, 120)))
    source = json.loads(session.instances[pointed.id].source or "")
    assert source["keypoints"][:3] == [20, 20, 2]
    assert "segmentation" not in source
    assert paints_the_category(canvas, 70, 55)
