"""The commands that change what is selected or where the view is, and neither a mask nor a decision."""

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QObject

from app.canvas.peek import Look
from app.canvas.view import CanvasView
from app.category_chooser import CategoryChooser
from app.decisions import Decisions
from app.docks import Docks
from app.held_keys import HeldKeys
from app.panels.instances import InstancesPanel
from app.preferences import Preferences
from app.session import Session
from app.translation import tr
from app.workplace import Workplace
from engine.records import Instance

_LOOKS = {"peek_image": Look.IMAGE, "peek_masks": Look.MASKS, "peek_original": Look.ORIGINAL}


class Selecting(QObject):
    """Handles the commands, and keeps list, walk and view together."""

    def __init__(self, session: Session, decisions: Decisions, preferences: Preferences) -> None:
        super().__init__()
        self._session = session
        self._walk = decisions.walk
        self._decisions = decisions
        self._chooser: CategoryChooser | None = None
        self._panel: InstancesPanel | None = None
        self._docks: Docks | None = None
        self._canvas: CanvasView | None = None
        self._held = HeldKeys(self._end_peek)
        order = session.instance_order
        order.set(preferences.order)
        order.changed.connect(lambda: setattr(preferences, "order", order.value))

    def attach(self, panel: InstancesPanel, docks: Docks, workplace: Workplace) -> None:
        """The list, its dock and the canvas, which are built after the commands."""
        self._panel, self._docks, canvas = panel, docks, workplace.canvas
        self._chooser = CategoryChooser(self._session, self._decisions, canvas)
        self._canvas = canvas
        self._walk.passes = panel.model.passes
        panel.filter.left.connect(canvas.setFocus)
        panel.hovered.connect(canvas.set_hovered)

        def show(instance: Instance, closely: bool) -> None:
            (workplace.look_at if closely else canvas.show_bounds)(instance.mask.bounds)

        self._walk.arrived.connect(show)

    def handlers(self) -> dict[str, Callable[[], object]]:
        """What to call for each command."""
        return {
            "select_all": self.select_all,
            "select_none": lambda: self._session.select([]),
            "select_listed": self.select_listed,
            "select_same": self.select_same,
            "invert_selection": self.invert,
            "filter_instances": self.filter,
            "next_instance": lambda: self._walk.step(1),
            "previous_instance": lambda: self._walk.step(-1),
            "choose_category": self.choose_category,
            **{command: partial(self._peek, look) for command, look in _LOOKS.items()},
            "next_uncertain": lambda: self._walk.step_uncertain(1),
            "previous_uncertain": lambda: self._walk.step_uncertain(-1),
        }

    def select_all(self) -> None:
        """Select what the canvas shows."""
        self._session.select(instance.id for instance in self._session.shown_instances())

    def select_listed(self) -> None:
        """Select what the list shows."""
        if self._panel is not None:
            self._panel.select_listed()

    def select_same(self) -> None:
        """Select every shown instance of the selected ones' categories; of the active one where none is selected."""
        session = self._session
        selected = [each.category_id for each in session.selected_instances()]
        chosen = set(selected) if selected else {session.active_category_id}
        session.select(each.id for each in session.shown_instances() if each.category_id in chosen)
        if not session.selection:
            session.notice.emit(tr("No instance of that category is shown."))

    def invert(self) -> None:
        """Select every shown instance that is not selected."""
        selected = set(self._session.selection)
        self._session.select(each.id for each in self._session.shown_instances() if each.id not in selected)

    def filter(self) -> None:
        """Let the person type what to list."""
        if self._panel is not None and self._docks is not None:
            self._docks.reveal("instances")
            self._panel.filter.field.setFocus()
            self._panel.filter.field.selectAll()

    def choose_category(self) -> None:
        """Let the person type the category of the selection."""
        if self._chooser is not None:
            self._chooser.open()

    def _peek(self, look: Look) -> None:
        canvas = self._canvas
        if canvas is not None:
            self._held.press(lambda: canvas.peek.start(look))

    def _end_peek(self) -> None:
        if self._canvas is not None:
            self._canvas.peek.end()
