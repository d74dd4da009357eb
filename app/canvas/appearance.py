"""How an instance looks on the canvas: the colour of its category, and whether a person stands behind it.

A proposal is a suggestion, so it has a faint fill and a dashed outline; what a person accepted, drew or edited has a
strong fill and a solid outline. The difference never rests on colour alone.
"""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from functools import lru_cache

from PySide6.QtGui import QColor

from engine.geometry.mask import Mask
from engine.records import Category, Instance, InstanceState

# Opacities out of 255. Proposals stay below half of the accepted fill, or the two look alike over a busy photo; the
# accepted fill stays below 40 %, or texture needed to judge an edge disappears.
PROPOSAL_FILL = 38
ACCEPTED_FILL = 96
EMPHASIS_FILL = 140
OUTLINE = 235
# What fills the gaps of a dashed outline: dark, so that the dashes also show where the image has the category's colour.
GAP = (0, 0, 0, 110)
UNKNOWN_COLOR = "#9aa4b5"  # an instance whose category is not known yet


@dataclass(frozen=True, slots=True)
class Style:
    """Everything that decides the colours of one instance."""

    color: str
    proposal: bool = False
    emphasised: bool = False

    def fill(self) -> int:
        """The inside, as premultiplied 0xAARRGGBB."""
        opacity = EMPHASIS_FILL if self.emphasised else PROPOSAL_FILL if self.proposal else ACCEPTED_FILL
        return premultiplied(self.color, opacity)

    def outline(self) -> int:
        """The boundary pixels, as premultiplied 0xAARRGGBB."""
        return premultiplied("#ffffff" if self.emphasised else self.color, OUTLINE)

    def gap(self) -> int:
        """The boundary pixels between two dashes, as premultiplied 0xAARRGGBB; those of a solid outline are alike."""
        if not self.proposal:
            return self.outline()
        return GAP[3] << 24


@dataclass(frozen=True, slots=True)
class Shown:
    """One instance as the overlay composes it."""

    id: int
    mask: Mask
    style: Style


def shown(instances: Iterable[Instance], categories: Mapping[int, Category], emphasised: Set[int]) -> list[Shown]:
    """What to compose for instances in painting order; those in `emphasised` stand out."""
    result = []
    for instance in instances:
        category = categories.get(instance.category_id)
        color = UNKNOWN_COLOR if category is None else category.color
        proposal = instance.state is InstanceState.PROPOSAL
        result.append(Shown(instance.id, instance.mask, style(color, proposal, instance.id in emphasised)))
    return result


@lru_cache(maxsize=4096)
def style(color: str, proposal: bool = False, emphasised: bool = False) -> Style:
    """The one `Style` with these values, so that comparing a thousand of them is comparing identities."""
    return Style(color, proposal, emphasised)


@lru_cache(maxsize=4096)
def premultiplied(color: str, opacity: int) -> int:
    """0xAARRGGBB of "#rrggbb" at `opacity` out of 255, colours scaled by the opacity as Qt's rasteriser wants them."""
    parsed = QColor(color)
    red, green, blue = ((part * opacity + 127) // 255 for part in (parsed.red(), parsed.green(), parsed.blue()))
    return opacity << 24 | red << 16 | green << 8 | blue
