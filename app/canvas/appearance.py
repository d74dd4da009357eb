"""How an instance looks on the canvas: its colour, and whether a person stands behind it.

A proposal is a suggestion, so it has a faint fill and a dashed outline; what a person accepted, drew or edited has a
strong fill and a solid outline. The difference never rests on colour alone.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import lru_cache

from PySide6.QtGui import QColor

from app.canvas.palettes import Coloring, color_of
from app.canvas.stretches import differing
from engine.geometry.mask import Mask
from engine.records import Category, Instance, InstanceState

# Shares of the chosen fill. Proposals stay below half of the accepted fill, or the two look alike over a busy photo.
PROPOSAL_SHARE, EMPHASIS_SHARE = 0.4, 1.5
# What fills the gaps of a dashed outline: dark, so that the dashes also show where the image has the category's colour.
GAP = (0, 0, 0, 120)


@dataclass(frozen=True, slots=True)
class Opacity:
    """How much masks hide of the image, from 0 to 1.

    An accepted fill of more than 0.4 hides the texture that is needed to judge an edge.
    """

    fill: float = 0.38
    outline: float = 0.92


@dataclass(frozen=True, slots=True)
class Style:
    """Everything that decides the colours of one instance."""

    color: str
    proposal: bool = False
    emphasised: bool = False

    def fill(self, opacity: Opacity = Opacity()) -> int:
        """The inside, as premultiplied 0xAARRGGBB."""
        share = EMPHASIS_SHARE if self.emphasised else PROPOSAL_SHARE if self.proposal else 1.0
        return premultiplied(self.color, min(round(255 * opacity.fill * share), 255))

    def outline(self, opacity: Opacity = Opacity()) -> int:
        """The boundary pixels, as premultiplied 0xAARRGGBB."""
        return premultiplied("#ffffff" if self.emphasised else self.color, round(255 * opacity.outline))

    def gap(self, opacity: Opacity = Opacity()) -> int:
        """The boundary pixels between two dashes, as premultiplied 0xAARRGGBB; those of a solid outline are alike."""
        if not self.proposal:
            return self.outline(opacity)
        return round(GAP[3] * opacity.outline) << 24


@dataclass(frozen=True, slots=True)
class Shown:
    """One instance as the overlay composes it."""

    id: int
    mask: Mask
    style: Style
    bounds: tuple[int, int, int, int] = field(init=False, repr=False)  # of the mask, which works them out at each call

    def __post_init__(self) -> None:
        object.__setattr__(self, "bounds", self.mask.bounds)


_NOTHING = (None, None)


class Looks:
    """What the overlay composes for instances. Those that are the same objects as before are not looked at again."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Instance, Shown]] = {}
        self._basis: object = None
        self._emphasised: Set[int] = frozenset()
        self._listed: list[Instance] = []  # what `of` was asked for last, and what it returned
        self._shown: list[Shown] = []

    def of(
        self,
        instances: Iterable[Instance],
        categories: Mapping[int, Category],
        emphasised: Set[int],
        coloring: Coloring = Coloring.CATEGORY,
    ) -> list[Shown]:
        """One for each instance in painting order; those in `emphasised` stand out."""
        self._forget_what_changed((coloring, tuple(categories.values())), emphasised)
        listed = list(instances)
        stretch, new_stretch = differing(self._listed, listed)
        new = listed[new_stretch]
        self._look_at(new, categories, coloring)
        self._listed[stretch] = new
        self._shown[stretch] = [self._known[each.id][1] for each in new]
        if len(self._known) > 2 * len(listed):  # most are of another image
            self._known = {each.id: self._known[each.id] for each in listed}
        return list(self._shown)

    def learn(
        self,
        instances: Sequence[Instance],
        categories: Mapping[int, Category],
        emphasised: Set[int],
        coloring: Coloring = Coloring.CATEGORY,
    ) -> list[Shown]:
        """Look at instances that `of` will be asked for among others. Returns those that were not known."""
        self._forget_what_changed((coloring, tuple(categories.values())), emphasised)
        return self._look_at(instances, categories, coloring)

    def _look_at(
        self, instances: Sequence[Instance], categories: Mapping[int, Category], coloring: Coloring
    ) -> list[Shown]:
        known, new = self._known, []
        for instance in [each for each in instances if known.get(each.id, _NOTHING)[0] is not each]:
            color = color_of(instance, categories.get(instance.category_id), coloring)
            proposal = instance.state is InstanceState.PROPOSAL
            shown = Shown(instance.id, instance.mask, style(color, proposal, instance.id in self._emphasised))
            known[instance.id] = instance, shown
            new.append(shown)
        return new

    def _forget_what_changed(self, basis: object, emphasised: Set[int]) -> None:
        """All look different where something else colours them, and some where others stand out."""
        if basis != self._basis:
            self._basis, self._known, self._listed, self._shown = basis, {}, [], []
        if emphasised != self._emphasised:
            for one in emphasised ^ self._emphasised:
                self._known.pop(one, None)
            self._emphasised, self._listed, self._shown = emphasised, [], []


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
