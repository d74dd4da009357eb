"""Tools on the canvas, ready to be used, for the tests that several files have of one tool."""

from collections.abc import Callable

import pytest

from app.canvas.view import CanvasView
from app.session import Session
from app.tools.brush import Brush
from app.tools.eraser import Eraser
from app.tools.vertices import Vertices
from engine.records import Instance
from tests.app.tools.test_vertices import holed

Add = Callable[..., Instance]


@pytest.fixture
def brush(canvas: CanvasView) -> CanvasView:
    canvas.set_tool(Brush())
    canvas.brush_size.set(6)
    return canvas


@pytest.fixture
def eraser(canvas: CanvasView) -> CanvasView:
    canvas.set_tool(Eraser())
    canvas.brush_size.set(6)
    return canvas


@pytest.fixture
def tool(canvas: CanvasView) -> Vertices:
    tool = Vertices()
    canvas.set_tool(tool)
    return tool


@pytest.fixture
def instance(tool: Vertices, session: Session, add: Add) -> Instance:
    """The square with the hole, selected."""
    added = add(holed())
    session.select([added.id])
    return added
