"""The parts of the window that F6 goes through, so that the keyboard also leaves the canvas, which keeps Tab."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QDockWidget, QMainWindow, QWidget

from app.workplace import Workplace


class Regions:
    """The parts around the canvas, the canvas itself, and the docks that are in front."""

    def __init__(self, window: QMainWindow) -> None:
        self._window = window

    def handlers(self) -> dict[str, Callable[[], object]]:
        """What the keymap's commands about parts of the window do."""
        return {"next_region": lambda: self._go(1), "previous_region": lambda: self._go(-1)}

    def _go(self, step: int) -> None:
        """Give the focus to the first control of the next part that has one."""
        firsts = {region: first for region in self._regions() if (first := _first_control(region)) is not None}
        regions, focused = list(firsts), QApplication.focusWidget()
        here = next((place for place, region in enumerate(regions) if _holds(region, focused)), -1 if step > 0 else 0)
        if regions:
            firsts[regions[(here + step) % len(regions)]].setFocus(Qt.FocusReason.ShortcutFocusReason)

    def _regions(self) -> list[QWidget]:
        workplaces = self._window.findChildren(Workplace)
        docks = [dock for dock in self._window.findChildren(QDockWidget) if not dock.visibleRegion().isEmpty()]
        return [part for workplace in workplaces for part in workplace.parts if part.isVisible()] + docks


def _first_control(region: QWidget) -> QWidget | None:
    usable = (each for each in (region, *region.findChildren(QWidget)) if each.isVisible() and each.isEnabled())
    return next((each for each in usable if each.focusPolicy() & Qt.FocusPolicy.TabFocus), None)


def _holds(region: QWidget, widget: QWidget | None) -> bool:
    return widget is not None and (region is widget or region.isAncestorOf(widget))
