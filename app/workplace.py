"""The middle of the window: the review bar, the tools at the left, and the canvas."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QHBoxLayout, QToolBar, QVBoxLayout, QWidget

from app.actions import Actions
from app.canvas.view import CanvasView
from app.panels.parts import label
from app.panels.window_level import WindowLevelBar
from app.review_bar import ReviewBar
from app.session import Session
from app.tools.base import Tool
from app.tools.brush import Brush
from app.tools.eraser import Eraser
from app.tools.select import Select

_RULE = ""
_VIEW = ("hide_masks", "fit", "zoom_in", "zoom_out")
_SEEN_SHARE = 0.25  # of the canvas: large enough to judge an outline, and its surroundings stay in view
_LEAST_SEEN = 20  # pixels: a speck alone is not enlarged so far that nothing around it is left to see
_STRIP = ("tool_select", "tool_brush", "tool_eraser", _RULE, "undo", "redo", _RULE, *_VIEW)


class Workplace(QWidget):
    """Canvas with its tools. The tools are those of the keymap's `tool_` commands."""

    def __init__(self, session: Session, canvas: CanvasView, actions: Actions) -> None:
        super().__init__()
        self.canvas = canvas
        self._actions = actions
        self._tools: dict[str, Tool] = {tool.name: tool for tool in (Select(), Brush(), Eraser())}
        self._strip = self._make_strip()
        self._radius = label("", "small")
        self._radius.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._radius.setToolTip("Brush radius in image pixels ([ and ])")
        self._radius.setAccessibleName("Brush radius")
        self._strip.insertWidget(actions["undo"], self._radius)
        middle = QHBoxLayout()
        middle.setSpacing(0)
        middle.addWidget(self._strip)
        middle.addWidget(canvas, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(ReviewBar(session, actions))
        column.addLayout(middle, 1)
        self.window_level = WindowLevelBar(session, canvas.update)
        column.addWidget(self.window_level)
        canvas.brush_size.changed.connect(self._show_radius)
        self._show_radius(canvas.brush_size.radius)
        self.choose_tool("select")

    def choose_tool(self, name: str) -> None:
        self._actions[f"tool_{name}"].setChecked(True)
        self.canvas.set_tool(self._tools[name])
        self.canvas.setFocus()

    def look_at(self, bounds: tuple[int, int, int, int]) -> None:
        """Bring image bounds into view, large enough to see what is there."""
        x1, y1, x2, y2 = bounds
        side = max(x2 - x1, y2 - y1, _LEAST_SEEN)
        room = min(self.canvas.width(), self.canvas.height()) * self.canvas.devicePixelRatioF()
        if side * self.canvas.zoom < _SEEN_SHARE * room:
            self.canvas.zoom_to(_SEEN_SHARE * room / side)
            x, y = self.canvas.image_to_widget((x1 + x2) / 2, (y1 + y2) / 2)
            self.canvas.pan(self.canvas.width() / 2 - x, self.canvas.height() / 2 - y)
        self.canvas.show_bounds(bounds)

    def _make_strip(self) -> QToolBar:
        strip = QToolBar("Tools")
        strip.setAccessibleName("Tools")
        strip.setOrientation(Qt.Orientation.Vertical)
        strip.setIconSize(QSize(20, 20))
        strip.setMovable(False)
        for command_id in _STRIP:
            if command_id != _RULE:
                strip.addAction(self._actions[command_id])
                strip.widgetForAction(self._actions[command_id]).setAccessibleName(self._actions[command_id].text())
            else:
                strip.addSeparator()
        return strip

    def _show_radius(self, radius: float) -> None:
        self._radius.setText(f"{radius:g} px")
