"""How a person looks at images: the display panel, its commands, and what is remembered of both between starts."""

from collections.abc import Callable
from time import monotonic

from PySide6.QtCore import QObject

from app.actions import Actions
from app.canvas.navigation import View
from app.canvas.view import CanvasView
from app.panels.display import DisplayPanel
from app.preferences import Preferences
from app.session import Session
from app.theme import theme
from app.translation import tr
from engine.errors import MaskwrightError

MOST_VIEWS = 5000  # of images whose view a project keeps: 200 kB of text
KEEP_SECONDS = 60.0  # between two times that they are written while the project is open: what a crash may lose


class Viewing(QObject):
    """Keeps the display settings in the preferences, and in each project how its images were looked at last."""

    def __init__(self, session: Session, canvas: CanvasView, preferences: Preferences) -> None:
        super().__init__(canvas)
        self._session, self._canvas, self._preferences = session, canvas, preferences
        self.display = canvas.display
        self.display.set_settings(preferences.display)
        self.panel = DisplayPanel(self.display, canvas)
        for changed in (self.display.masks_changed, self.display.image_changed):
            changed.connect(self._remember_display)
        session.project_changed.connect(self._restore_views)
        session.leaving.connect(self._keep_views)
        self._kept_at = monotonic()
        session.image_changed.connect(self._keep_views_now_and_then)

    def handlers(self) -> dict[str, Callable[[], object]]:
        """What the commands of this class do."""
        canvas, display = self._canvas, self.display
        return {
            "fit": canvas.fit,
            "zoom_in": lambda: canvas.zoom_by(1.25),
            "zoom_out": lambda: canvas.zoom_by(0.8),
            "zoom_actual": lambda: canvas.zoom_to(1.0),
            "display": lambda: self.panel.setVisible(self.panel.isHidden()),
            "invert": lambda: display.inverted.set(not display.inverted.value),
            "reset_display": display.reset_image,
            "next_coloring": self._next_coloring,
            "zoom_selection": self._zoom_selection,
            "zoom_double": lambda: canvas.zoom_to(2.0),
            "zoom_quadruple": lambda: canvas.zoom_to(4.0),
        }

    def attach(self, actions: Actions) -> None:
        """Let the commands show what is on, and that the image is not seen as it is."""
        self._actions = actions
        self.panel.shown.connect(actions["display"].setChecked)
        self.display.image_changed.connect(self._show_state)
        theme().changed.connect(self._show_state)
        self._show_state()

    # -- inside

    def _show_state(self) -> None:
        neutral = self.display.tone.is_neutral
        action = self._actions["display"]
        action.setIcon(
            theme().icon("tune-variant", "text" if neutral else "warning", "accent" if neutral else "warning")
        )
        self._actions["invert"].setChecked(self.display.inverted.value)

    def _next_coloring(self) -> None:
        self.display.next_coloring()
        chosen = next(each for each in self.display.coloring.entries if each.value == self.display.coloring.value)
        self._session.notice.emit(tr("Masks are coloured by: {choice}", choice=chosen.text))

    def _zoom_selection(self) -> None:
        bounds = [each.mask.bounds for each in self._session.selected_instances() if not each.mask.is_empty]
        if not bounds:
            self._session.notice.emit(tr("Select an instance first, then the view goes there."))
            return
        x1, y1, x2, y2 = zip(*bounds, strict=True)
        self._canvas.navigation.zoom_to_bounds((min(x1), min(y1), max(x2), max(y2)))

    def _remember_display(self) -> None:
        self._preferences.display = self.display.settings

    def _restore_views(self) -> None:
        self._kept_at = monotonic()
        project = self._session.project
        stored = project.views if project is not None else None
        self._canvas.navigation.restore({int(one): View(zoom, x, y) for one, zoom, x, y in stored or ()})

    def _keep_views_now_and_then(self) -> None:
        if monotonic() - self._kept_at > KEEP_SECONDS and not self._session.writing.busy:
            self._keep_views()

    def _keep_views(self) -> None:
        self._kept_at = monotonic()
        project = self._session.project
        if project is None or project.read_only:
            return
        views = self._canvas.navigation.views()
        newest = list(views.items())[-MOST_VIEWS:]
        try:
            project.views = [(one, round(view.zoom, 4), round(view.x, 1), round(view.y, 1)) for one, view in newest]
        except MaskwrightError as error:
            self._session.problem.emit(str(error), "")
