"""A diagram of what scores are worth: where a model's proposals of one score lie, that many of them should be right."""

from collections.abc import Sequence

import pyqtgraph
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.panels.legend import Legend
from app.panels.parts import label
from app.theme import SPACING, theme
from app.translation import number, tr

SIDE = 264
Points = Sequence[tuple[float, float]]  # score, share of hits


class ReliabilityPlot(QWidget):
    """Share of hits over score, before and after, and the line on which both are the same. Imported when shown."""

    def __init__(self) -> None:
        super().__init__()
        self._plot = pyqtgraph.PlotWidget()
        self._plot.setAccessibleName(tr("Share of proposals that are right, by score"))
        self._plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # nothing in it can be used; its description says it all
        self._plot.setFixedSize(SIDE, SIDE)
        self._plot.setMouseEnabled(x=False, y=False)
        self._plot.hideButtons()
        self._plot.setMenuEnabled(False)
        self._plot.setXRange(0, 1, padding=0.04)
        self._plot.setYRange(0, 1, padding=0.04)
        for side in ("left", "bottom"):
            self._plot.getAxis(side).setTicks([[(0, "0"), (0.5, "0.5"), (1, "1")]])
        self._ideal = self._plot.plot([0, 1], [0, 1])
        self._before = self._plot.plot([], [], symbol="o", symbolSize=8)
        self._after = self._plot.plot([], [], symbol="s", symbolSize=8)
        self._legend = Legend([("●", tr("before")), ("■", tr("after")), ("╌", tr("scores that hold true"))])
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACING // 2)
        column.addWidget(label(tr("Share that is right, by score"), "heading"))
        column.addWidget(self._plot)
        column.addWidget(self._legend)
        column.addStretch(1)
        self.setFixedWidth(SIDE)
        theme().changed.connect(self._restyle)
        self._restyle()

    def show_points(self, before: Points, after: Points) -> None:
        """Plot the bins of both models."""
        self._before.setData(*_columns(before))
        self._after.setData(*_columns(after))
        described = (tr("Before"), before), (tr("After"), after)
        self._plot.setAccessibleDescription("; ".join(f"{name}: {_words(points)}" for name, points in described))

    def _restyle(self) -> None:
        tokens = theme().tokens
        self._plot.setBackground(tokens.surface)
        for side in ("left", "bottom"):
            axis = self._plot.getAxis(side)
            axis.setPen(tokens.border)
            axis.setTextPen(tokens.muted)
        self._plot.showGrid(x=True, y=True, alpha=0.12)
        self._ideal.setPen(pyqtgraph.mkPen(tokens.faint, width=1, style=Qt.PenStyle.DashLine))
        for curve, color in ((self._before, tokens.muted), (self._after, tokens.accent)):
            curve.setPen(pyqtgraph.mkPen(color, width=2))
            curve.setSymbolBrush(color)
            curve.setSymbolPen(None)
        self._legend.set_colors([tokens.muted, tokens.accent, tokens.faint])


def _columns(points: Points) -> tuple[list[float], list[float]]:
    return [score for score, _ in points], [hits for _, hits in points]


def _words(points: Points) -> str:
    if not points:
        return tr("not known")
    return ", ".join(
        tr("score {score} right {share} %", score=number(score, 2), share=number(100 * hits)) for score, hits in points
    )
