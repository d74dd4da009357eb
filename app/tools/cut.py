"""The cut tool: a straight line across an instance, drawn by dragging or by two clicks, makes two of it."""

import math
from collections.abc import Sequence

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from app.tools.base import PointerEvent, Tool
from app.tools.shaping import CUT_EFFORT, effort_of
from app.translation import tr
from engine.geometry.mask import Mask
from engine.geometry.splitting import split_by_line
from engine.records import Instance

SAME_PLACE = 4.0  # widget pixels; a press and a release closer together are a click
END = 3.0  # widget pixels of the dots at both ends
REACH = END + 2.0


class Cut(Tool):
    """Cuts the selected instances, or with nothing selected every instance that the line runs right across."""

    name = "cut"

    def __init__(self) -> None:
        super().__init__()
        self._start: PointerEvent | None = None
        self._end: PointerEvent | None = None

    def press(self, event: PointerEvent) -> None:
        if self._start is not None:
            self._finish(event)
        elif self.canvas.session.read_only:
            self.canvas.session.notice.emit(tr("This project is open for reading only, so masks cannot be changed."))
        else:
            self._start = self._end = event

    def move(self, event: PointerEvent) -> None:
        if self._start is not None:
            self._repaint()
            self._end = event
            self._repaint()

    def release(self, event: PointerEvent) -> None:
        if self._start is not None and self._length(event) > SAME_PLACE:
            self._finish(event)

    def cancel(self) -> bool:
        if self._start is None:
            return False
        self._repaint()
        self._start = self._end = None
        return True

    def paint(self, painter: QPainter) -> None:
        if self._start is None or self._end is None:
            return
        ends = [QPointF(*self.canvas.viewport.to_widget(each.x, each.y)) for each in (self._start, self._end)]
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(0, 0, 0, 170), 3.4, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        painter.drawLine(*ends)
        painter.setPen(QPen(QColor("#ffffff"), 1.4, Qt.PenStyle.DashLine))
        painter.drawLine(*ends)
        painter.setPen(QPen(QColor(0, 0, 0, 170), 1))
        painter.setBrush(QColor("#ffffff"))
        for end in ends:
            painter.drawEllipse(end, END, END)
        painter.restore()

    # -- inside

    def _finish(self, event: PointerEvent) -> None:
        assert self._start is not None
        points = [(self._start.x, self._start.y), (event.x, event.y)]
        self.cancel()
        concerned = self._concerned(points)
        if isinstance(concerned, str):
            self.canvas.session.notice.emit(concerned)
            return

        def cut(mask: Mask) -> list[Mask]:
            return split_by_line(mask, points)

        nothing = tr("The line has to run right across an instance, from outside to outside.")
        self.canvas.shaping.split(concerned, cut, CUT_EFFORT * effort_of(concerned), nothing)

    def _concerned(self, points: Sequence[tuple[float, float]]) -> list[Instance] | str:
        """The instances that the line may cut, or why there is none."""
        session = self.canvas.session
        selected = session.selected_instances()
        if selected and not all(map(session.is_shown, selected)):
            return tr("The selected instance is hidden. Show it before you change it.")
        if any(each.locked for each in selected):
            return tr("The selected instance is locked. Unlock it before you change it.")
        # What is locked is not in the way of cutting its neighbours.
        candidates = selected or [each for each in session.shown_instances() if not each.locked]
        (left, right), (top, bottom) = (sorted(each) for each in zip(*points, strict=True))
        near = []
        for each in candidates:
            x1, y1, x2, y2 = each.mask.bounds
            if x1 <= right and left <= x2 and y1 <= bottom and top <= y2:
                near.append(each)
        return near or tr("The line crosses no instance that could be cut.")

    def _length(self, event: PointerEvent) -> float:
        assert self._start is not None
        return math.hypot(event.x - self._start.x, event.y - self._start.y) * self.canvas.viewport.scale

    def _repaint(self) -> None:
        if self._start is not None and self._end is not None:
            reach = REACH / self.canvas.viewport.scale
            (left, right), (top, bottom) = (sorted((self._start.x, self._end.x)), sorted((self._start.y, self._end.y)))
            self.canvas.update_image_rect((left - reach, top - reach, right + reach, bottom + reach))
