"""All the tools, in the order in which the tool strip lists them."""

from app.tools.base import Tool
from app.tools.brush import Brush
from app.tools.eraser import Eraser
from app.tools.grab_cut import GrabCut
from app.tools.select import Select
from app.tools.wand import Wand


def all_tools() -> list[Tool]:
    """One of each."""
    return [Select(), Brush(), Eraser(), Wand(), GrabCut()]
