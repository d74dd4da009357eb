"""The docks around the canvas: which panel stands where, and under which name the View menu lists it."""

from collections.abc import Mapping

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDockWidget, QMainWindow, QMenu, QTabBar, QWidget

from app.panels.parts import Panel
from app.translation import tr

LEFT, RIGHT = Qt.DockWidgetArea.LeftDockWidgetArea, Qt.DockWidgetArea.RightDockWidgetArea
IMAGES, CATEGORIES = "images", "categories"  # the others are tabs above the categories


class Docks:
    """The docks of `window`, one a panel, known by names that no language changes; the images at the left."""

    def __init__(self, window: QMainWindow, panels: Mapping[str, Panel]) -> None:
        self._window = window
        self._docks = {name: self._dock(name, panel) for name, panel in panels.items()}

    def _dock(self, name: str, panel: Panel) -> QDockWidget:
        dock = QDockWidget(panel.heading, self._window)
        dock.setObjectName(name)
        dock.setWidget(panel)
        dock.setTitleBarWidget(QWidget())  # every panel has its own heading
        dock.setFeatures(QDockWidget.DockWidgetFeature.DockWidgetClosable)
        self._window.addDockWidget(LEFT if name == IMAGES else RIGHT, dock)
        return dock

    def arrange(self) -> None:
        """Put every dock where it stands at the first start."""
        window, images, categories = self._window, self._docks[IMAGES], self._docks[CATEGORIES]
        first, *others = (dock for name, dock in self._docks.items() if name not in (IMAGES, CATEGORIES))
        window.splitDockWidget(first, categories, Qt.Orientation.Vertical)
        for dock in others:
            window.tabifyDockWidget(first, dock)
        first.raise_()
        window.resizeDocks([images, first], [264, 320], Qt.Orientation.Horizontal)
        window.resizeDocks([first, categories], [560, 220], Qt.Orientation.Vertical)

    def set_visible(self, visible: bool) -> None:
        """Show or hide all of them."""
        for dock in self._docks.values():
            dock.setVisible(visible)
        for tabs in self._window.findChildren(QTabBar, options=Qt.FindChildOption.FindDirectChildrenOnly):
            tabs.setAccessibleName(tr("Panels"))
            # Qt leaves an empty bar behind, where Tab would stop at nothing.
            tabs.setFocusPolicy(Qt.FocusPolicy.TabFocus if visible else Qt.FocusPolicy.NoFocus)

    def reveal(self, name: str) -> None:
        """Bring a dock to the front, whether it was closed or behind another."""
        self._docks[name].show()
        self._docks[name].raise_()

    def fill_menu(self, menu: QMenu) -> None:
        """One entry a dock that shows and hides it."""
        for dock in self._docks.values():
            toggle = dock.toggleViewAction()
            toggle.setText(tr("{name} Panel", name=dock.windowTitle()))
            toggle.setToolTip(tr("Show or hide this panel"))
            menu.addAction(toggle)
