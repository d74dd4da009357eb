"""The middle of the window: the review bar, the tools at the left, and the canvas."""

from PySide6.QtCore import QEvent, QObject, QSize, Qt
from PySide6.QtGui import QFocusEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QToolBar, QVBoxLayout, QWidget

from app.actions import Actions
from app.canvas.view import CanvasView
from app.jobs.prediction import Prediction
from app.option_bar import OptionBar
from app.panels.parts import set_kind
from app.panels.window_level import WindowLevelBar
from app.review_bar import ReviewBar
from app.session import Session
from app.tools.base import Tool
from app.tools.toolbox import all_tools
from app.translation import tr

_RULE = ""
_VIEW = ("hide_masks", "display", "fit", "zoom_in", "zoom_out")
_SEEN_SHARE = 0.25  # of the canvas: large enough to judge an outline, and its surroundings stay in view
_LEAST_SEEN = 20  # pixels: a speck alone is not enlarged so far that nothing around it is left to see
_HISTORY = ("undo", "redo")
_BY_KEYBOARD = (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason, Qt.FocusReason.ShortcutFocusReason)


class _FocusFrame(QFrame):
    """A frame around the canvas that shows where the keyboard is once Tab led there, and not while it is painted on."""

    def __init__(self, canvas: CanvasView) -> None:
        super().__init__()
        self.setProperty("kind", "around")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(canvas)
        canvas.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QFocusEvent):
            led = event.type() is QEvent.Type.FocusIn and event.reason() in _BY_KEYBOARD
            set_kind(self, "around-focused" if led else "around")
        elif event.type() is QEvent.Type.MouseButtonPress:
            set_kind(self, "around")
        return False


class Workplace(QWidget):
    """Canvas with its tools. The tools are those of the keymap's `tool_` commands."""

    def __init__(self, session: Session, canvas: CanvasView, actions: Actions, prediction: Prediction) -> None:
        super().__init__()
        self.canvas = canvas
        self._actions = actions
        self._tools: dict[str, Tool] = {tool.name: tool for tool in all_tools(prediction)}
        self._strip = self._make_strip()
        middle = QHBoxLayout()
        middle.setSpacing(0)
        middle.addWidget(self._strip)
        middle.addWidget(_FocusFrame(canvas), 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        self.option_bar = OptionBar(actions)
        self._review_bar = ReviewBar(session, actions)
        column.addWidget(self._review_bar)
        column.addWidget(self.option_bar)
        column.addLayout(middle, 1)
        self.window_level = WindowLevelBar(session, canvas.update)
        column.addWidget(self.window_level)
        self.choose_tool("select")

    @property
    def parts(self) -> tuple[QWidget, ...]:
        """What the keyboard goes through, in this order."""
        return self._review_bar, self.option_bar, self._strip, self.canvas, self.window_level

    def choose_tool(self, name: str) -> None:
        self._actions[f"tool_{name}"].setChecked(True)
        self.canvas.set_tool(self._tools[name])
        action = self._actions[f"tool_{name}"]
        self.option_bar.show_tool(self._tools[name], action.text(), action.statusTip())
        self._order_tabs()
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

    def _order_tabs(self) -> None:
        """Tab goes from the review bar through the tool's options and the tools to the canvas, and on to the docks."""
        before: QWidget = self
        for part in self.parts:
            for widget in (part, *part.findChildren(QWidget)):
                if widget.focusPolicy() & Qt.FocusPolicy.TabFocus:
                    QWidget.setTabOrder(before, widget)
                    before = widget

    def _make_strip(self) -> QToolBar:
        strip = QToolBar(tr("Tools"))
        strip.setAccessibleName(tr("Tools"))
        strip.setOrientation(Qt.Orientation.Vertical)
        strip.setIconSize(QSize(20, 20))
        strip.setMovable(False)
        for command_id in (*(f"tool_{name}" for name in self._tools), _RULE, *_HISTORY, _RULE, *_VIEW):
            if command_id != _RULE:
                strip.addAction(self._actions[command_id])
                button = strip.widgetForAction(self._actions[command_id])
                button.setAccessibleName(self._actions[command_id].text())
                button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            else:
                strip.addSeparator()
        return strip
