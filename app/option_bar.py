"""The bar over the canvas that says how the current tool is used, and lets its options be set."""

from collections.abc import Callable

from PySide6.QtCore import QSignalBlocker, QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QDoubleSpinBox,
    QHBoxLayout,
    QLabel,
    QMenu,
    QSizePolicy,
    QSlider,
    QToolButton,
    QWidget,
)

from app.actions import Actions
from app.panels.parts import CutLabel, IconButton, label
from app.theme import SPACING, theme
from app.tools.base import Tool
from app.tools.options import Choice, Number, Toggle, Triggers
from app.translation import tr

_HEIGHT = 40
_LEAST_WIDTH = 480  # about what tools take in their narrowest form; much more would not fit between the docks
_LEAST_HINT = 90  # of a hint: less of it says nothing
_SLIDER_STEPS = 1000  # more than a slider has pixels
_SLIDER_WIDTH, _FIELD_WIDTH = 96, 76
_WIDE = 100.0  # a number whose most is so many times its least has a slider that is finer where it is small
_BEND = 3.0


class OptionBar(QWidget):
    """The tool's name, a control for each of its options, and a hint at the right."""

    def __init__(self, actions: Actions) -> None:
        super().__init__()
        self._actions = actions
        self.setProperty("kind", "bar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(_HEIGHT)
        self._controls = QWidget()
        self._layout = QHBoxLayout(self)
        self._layout.setContentsMargins(12, 0, 12, 0)
        self._layout.setSpacing(2 * SPACING)
        self._name = label("", "heading")
        self._hint = CutLabel("small", least=_LEAST_HINT, may_go=True)
        self._hint.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._hint.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._layout.addWidget(self._name)
        self._layout.addWidget(self._controls)
        self._layout.addWidget(self._hint, 1)

    def minimumSizeHint(self) -> QSize:
        """The narrowest form rather than the current one: a tool with many options must not widen the window."""
        return QSize(_LEAST_WIDTH, _HEIGHT)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def show_tool(self, tool: Tool, name: str, hint: str) -> None:
        """Show the options of a tool that is active now."""
        self._name.setText(name)
        self._hint.show_text(hint)
        controls = QWidget()
        row = QHBoxLayout(controls)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2 * SPACING)
        for option in tool.options():
            row.addWidget(_TriggerButtons(option, self._actions) if isinstance(option, Triggers) else control(option))
        self._layout.replaceWidget(self._controls, controls)
        self._controls.hide()  # it goes when the event loop has time
        self._controls.deleteLater()
        self._controls = controls
        self._fit()

    def _fit(self) -> None:
        """Leave out words and sliders, and put commands into a menu, in this order and as far as needed."""
        triggers = self._controls.findChildren(_TriggerButtons)
        for each in triggers:
            each.leave_out(0)
        for words, sliders in ((True, True), (False, True), (False, False)):
            for button in self._controls.findChildren(_OptionButton):
                button.show_words(words)
            for number in self._controls.findChildren(_NumberControl):
                number.show_slider(sliders)
            if self._wanted() <= self.width():
                return
        for each in triggers:
            for count in range(1, each.count + 1):
                each.leave_out(count)
                if self._wanted() <= self.width():
                    return

    def _wanted(self) -> int:
        """The width that name and controls take as they are, without the hint."""
        for widget in (*self._controls.findChildren(QWidget), self._controls):
            widget.ensurePolished()
            layout = widget.layout()
            if layout is not None:
                layout.activate()
        margins = self._layout.contentsMargins()
        taken = self._name.sizeHint().width() + self._controls.sizeHint().width()
        return taken + margins.left() + margins.right() + 2 * self._layout.spacing()


def control(option: Toggle | Choice | Number) -> QWidget:
    """What sets an option and follows it."""
    if isinstance(option, Toggle):
        return _ToggleButton(option)
    return _Segments(option) if isinstance(option, Choice) else _NumberControl(option)


class _OptionButton(QToolButton):
    """A checkable button with an icon of the theme and its text."""

    def __init__(self, text: str, tip: str, icon: str) -> None:
        super().__init__()
        self._icon = icon
        self.setText(text)
        self.setToolTip(tip if tip.startswith(text) else f"{text}\n{tip}")  # the text may be left out of the bar
        self.setAccessibleName(text)
        self.setAccessibleDescription(tip)
        self.setCheckable(True)
        self.setProperty("kind", "option")
        self.show_words(True)
        self.setIconSize(QSize(16, 16))
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        theme().changed.connect(self._paint_icon)
        self._paint_icon()

    def show_words(self, shown: bool) -> None:
        beside, alone = Qt.ToolButtonStyle.ToolButtonTextBesideIcon, Qt.ToolButtonStyle.ToolButtonIconOnly
        self.setToolButtonStyle(beside if shown else alone)

    def _paint_icon(self) -> None:
        self.setIcon(theme().icon(self._icon, "muted"))


class _ToggleButton(_OptionButton):
    def __init__(self, option: Toggle) -> None:
        super().__init__(option.text, option.tip, option.icon)
        self.setChecked(option.value)
        self.toggled.connect(option.set)
        option.changed.connect(self.setChecked)


class _TriggerButtons(QWidget):
    """An icon for each command, with the command's own tooltip, enabled while the command is. Those that there is no
    room for are in a menu behind the last one."""

    def __init__(self, option: Triggers, actions: Actions) -> None:
        super().__init__()
        self._actions = [actions[command_id] for command_id in option.command_ids]
        self._buttons: list[QToolButton] = []
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2)
        for action in self._actions:
            button = QToolButton()
            button.setDefaultAction(action)
            button.setAccessibleName(action.text())
            button.setProperty("kind", "quiet")
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
            button.setIconSize(QSize(18, 18))
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            row.addWidget(button)
            self._buttons.append(button)
        self._more = IconButton("dots-horizontal", tr("More commands"))
        self._more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._more.setMenu(QMenu(self._more))
        row.addWidget(self._more)

    @property
    def count(self) -> int:
        return len(self._buttons)

    def leave_out(self, count: int) -> None:
        """Show all but the last `count` commands, which go into the menu."""
        shown = self.count - count
        for place, button in enumerate(self._buttons):
            button.setHidden(place >= shown)
        self._more.setHidden(not count)
        menu = self._more.menu()
        menu.clear()
        menu.addActions(self._actions[shown:])


class _Segments(QWidget):
    """The values of a choice side by side."""

    def __init__(self, option: Choice) -> None:
        super().__init__()
        self.setAccessibleName(option.text)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2)
        group = QButtonGroup(self)
        self._buttons: dict[str, _OptionButton] = {}
        for entry in option.entries:
            button = self._buttons[entry.value] = _OptionButton(
                entry.text, tr("{option}: {value}", option=option.text, value=entry.text), entry.icon
            )
            button.setChecked(entry.value == option.value)
            button.clicked.connect(_setter(option, entry.value))
            group.addButton(button)
            row.addWidget(button)
        option.changed.connect(self._check)  # a method of its own: Qt forgets it together with this widget

    def _check(self, value: str) -> None:
        self._buttons[value].setChecked(True)


class _NumberControl(QWidget):
    """A field for one number, with a slider before it unless the option says otherwise."""

    def __init__(self, option: Number) -> None:
        super().__init__()
        self._option = option
        self._slider = QSlider(Qt.Orientation.Horizontal)
        self._slider.setRange(0, _SLIDER_STEPS)
        self._slider.setFixedWidth(_SLIDER_WIDTH)
        self._slider.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._field = QDoubleSpinBox()
        self._field.setDecimals(0 if option.tick >= 1 else 1 if option.tick >= 0.1 else 2)
        self._field.setRange(option.least, option.most)
        self._field.setSingleStep(option.tick)
        self._field.setSuffix(f" {option.unit}" if option.unit else "")
        self._field.setKeyboardTracking(False)
        self._field.setFocusPolicy(Qt.FocusPolicy.StrongFocus)  # but not by the wheel
        self._field.setFixedWidth(_FIELD_WIDTH)
        self._field.lineEdit().setTextMargins(6, 0, 0, 0)  # a style sheet's padding does not reach the text
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(SPACING)
        name = QLabel(option.text)
        name.setProperty("kind", "muted")
        name.setBuddy(self._slider if option.slider else self._field)
        for widget in (name, self._slider, self._field):
            widget.setAccessibleName(option.text)
            widget.setToolTip(option.tip)
            row.addWidget(widget)
        self.show_slider(True)
        self._slider.valueChanged.connect(lambda place: option.set(self._value_at(place)))
        self._field.valueChanged.connect(option.set)
        option.changed.connect(self._show)
        self._show(option.value)

    def show_slider(self, shown: bool) -> None:
        self._slider.setHidden(not (shown and self._option.slider))

    def _show(self, value: float) -> None:
        with QSignalBlocker(self._slider), QSignalBlocker(self._field):
            self._slider.setValue(self._place_of(value))
            self._field.setValue(value)

    def _place_of(self, value: float) -> int:
        share = (value - self._option.least) / (self._option.most - self._option.least)
        return round(share ** (1 / self._bend) * _SLIDER_STEPS)

    def _value_at(self, place: int) -> float:
        share = (place / _SLIDER_STEPS) ** self._bend
        return self._option.least + share * (self._option.most - self._option.least)

    @property
    def _bend(self) -> float:
        return _BEND if self._option.least > 0 and self._option.most / self._option.least >= _WIDE else 1.0


def _setter(option: Choice, value: str) -> Callable[[], None]:
    return lambda: option.set(value)
