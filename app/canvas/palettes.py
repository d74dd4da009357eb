"""The colours that masks can have: their category's, one of their own, or one that says their score or status.

All but the categories' are fixed, whatever the theme, because they lie on photos; none rests on telling red from green.
"""

from collections.abc import Sequence
from enum import StrEnum

from engine.records import Category, Instance, InstanceState

UNKNOWN_COLOR = "#9aa4b5"  # of an instance without a category or score, which says nothing
# Okabe and Ito (2008), "Color Universal Design", without black.
OKABE_ITO = ("#56b4e9", "#e69f00", "#009e73", "#f0e442", "#0072b2", "#cc79a7", "#d55e00")
# Viridis at quarters from a seventh of its length on: its first colours are too dark to be seen on a dark image.
RAMP = ("#433e85", "#2d708e", "#20a386", "#75d054", "#fde725")
SCORE_STEPS = 40  # shades of a ramp: more than can be told apart, few enough that instances share them
PROPOSED, EDITED, CONFIRMED, REFUSED = "#e69f00", "#56b4e9", "#009e73", "#cc79a7"


class Coloring(StrEnum):
    """What the colour of a mask says."""

    CATEGORY = "category"
    INSTANCE = "instance"
    SCORE = "score"
    STATUS = "status"


def color_of(instance: Instance, category: Category | None, coloring: Coloring) -> str:
    """The colour of an instance as "#rrggbb"."""
    if coloring is Coloring.INSTANCE:
        return OKABE_ITO[instance.id % len(OKABE_ITO)]
    if coloring is Coloring.SCORE:
        return UNKNOWN_COLOR if instance.score is None else score_color(instance.score)
    if coloring is Coloring.STATUS:
        return status_color(instance)
    return UNKNOWN_COLOR if category is None else category.color


def score_color(score: float) -> str:
    """From dark blue at 0 to yellow at 1, each step lighter than the one before."""
    place = round(min(max(score, 0.0), 1.0) * SCORE_STEPS) / SCORE_STEPS * (len(RAMP) - 1)
    first = min(int(place), len(RAMP) - 2)
    one, other = _channels(RAMP[first]), _channels(RAMP[first + 1])
    mixed = (round(a + (b - a) * (place - first)) for a, b in zip(one, other, strict=True))
    return "#" + "".join(f"{channel:02x}" for channel in mixed)


def status_color(instance: Instance) -> str:
    """Proposed, corrected or drawn by a person, confirmed as it was, or refused."""
    if instance.state in (InstanceState.PROPOSAL, InstanceState.GHOST):
        return PROPOSED
    if instance.state is InstanceState.REJECTED:
        return REFUSED
    return EDITED if instance.edited or instance.predicted_by is None else CONFIRMED


def _channels(color: str) -> Sequence[int]:
    return tuple(int(color[place : place + 2], 16) for place in (1, 3, 5))
