"""Two small plots of a running fine-tune: the loss, and mask AP50 on the hold-out."""

import math
from collections.abc import Sequence

import pyqtgraph
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.panels.parts import label
from app.theme import SPACING, theme
from app.translation import number, tr

PLOT_HEIGHT = 112


class _Axis(pyqtgraph.AxisItem):
    """Its numbers are written as people write them."""

    def tickStrings(self, values: Sequence[float], scale: float, spacing: float) -> list[str]:
        decimals = max(0, math.ceil(-math.log10(spacing * scale)))
        return [number(value * scale, decimals) for value in values]


class TrainingPlots(QWidget):
    """Loss a step, and AP50 where it was evaluated. Imported when a round is first shown: pyqtgraph takes its time."""

    def __init__(self) -> None:
        super().__init__()
        self._loss = self._make_plot(tr("Loss by step"))
        self._precision = self._make_plot(tr("Mask AP50 on the hold-out by step"))
        self._precision.setYRange(0, 1, padding=0.08)
        self._precision.getAxis("left").setTicks([[(0, "0"), (0.5, number(0.5, 1)), (1, "1")]])
        self._loss_curve = self._loss.plot([], [])
        self._precision_curve = self._precision.plot([], [], symbol="o", symbolSize=8)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACING // 2)
        for title, plot in ((tr("Loss"), self._loss), (tr("Mask AP50 on the hold-out"), self._precision)):
            column.addWidget(label(title, "small"))
            column.addWidget(plot)
        theme().changed.connect(self._restyle)
        self._restyle()

    def show_values(
        self, losses: Sequence[tuple[int, float]], precisions: Sequence[tuple[int, float]], steps: int
    ) -> None:
        """Plot (step, loss) and (step, AP50 from 0 to 1) pairs of a round of `steps` steps."""
        self._loss_curve.setData([step for step, _ in losses], [loss for _, loss in losses])
        known = [(step, value) for step, value in precisions if value >= 0]  # unknown without a hold-out
        self._precision_curve.setData([step for step, _ in known], [value for _, value in known])
        for plot in (self._loss, self._precision):
            plot.setXRange(0, max(1, steps), padding=0.02)

    def _make_plot(self, name: str) -> pyqtgraph.PlotWidget:
        plot = pyqtgraph.PlotWidget(axisItems={side: _Axis(side) for side in ("left", "bottom")})
        plot.setAccessibleName(name)
        plot.setFixedHeight(PLOT_HEIGHT)
        plot.setMouseEnabled(x=False, y=False)
        plot.hideButtons()
        plot.setMenuEnabled(False)
        plot.getAxis("left").setWidth(36)
        plot.getAxis("bottom").setStyle(hideOverlappingLabels=False)  # or the last step has no number
        plot.getPlotItem().setContentsMargins(0, 0, SPACING, 0)
        return plot

    def _restyle(self) -> None:
        tokens = theme().tokens
        for plot in (self._loss, self._precision):
            plot.setBackground(tokens.surface)
            for side in ("left", "bottom"):
                axis = plot.getAxis(side)
                axis.setPen(tokens.border)
                axis.setTextPen(tokens.muted)
            plot.showGrid(x=False, y=True, alpha=0.12)
        self._loss_curve.setPen(pyqtgraph.mkPen(tokens.accent, width=2))
        self._precision_curve.setPen(pyqtgraph.mkPen(tokens.success, width=2))
        self._precision_curve.setSymbolBrush(tokens.success)
        self._precision_curve.setSymbolPen(None)
