"""All the tools, in the order in which the tool strip lists them."""

from app.jobs.prediction import Prediction
from app.tools.base import Tool
from app.tools.brush import Brush
from app.tools.cut import Cut
from app.tools.eraser import Eraser
from app.tools.grab_cut import GrabCut
from app.tools.lasso import Lasso
from app.tools.polygon import Polygon
from app.tools.prompt import Prompt
from app.tools.select import Select
from app.tools.vertices import Vertices
from app.tools.wand import Wand


def all_tools(prediction: Prediction) -> list[Tool]:
    """One of each; those that ask the model ask `prediction`."""
    shaping = [Brush(), Eraser(), Polygon(), Lasso(), Wand(), GrabCut(), Vertices(), Cut()]
    return [Select(), Prompt(prediction), *shaping]
