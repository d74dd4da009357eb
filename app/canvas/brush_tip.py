"""The shape of the tip that brush and eraser paint with."""

from app.tools.options import Choice, Entry
from app.tools.tips import Tip
from app.translation import tr


class BrushTip(Choice):
    """One tip for all tools that paint."""

    def __init__(self) -> None:
        entries = Entry(Tip.ROUND, tr("Round"), "circle-outline"), Entry(Tip.SQUARE, tr("Square"), "square-outline")
        super().__init__(tr("Tip"), entries, Tip.ROUND)

    @property
    def tip(self) -> Tip:
        return Tip(self.value)
