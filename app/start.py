"""Starts the window: display check, theme, log, and the project to begin with."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.preferences import Preferences
    from app.window import MainWindow

NO_DISPLAY_CODE = 2


def run(arguments: list[str] | None = None) -> int:
    """Open the window and return the exit code when it is closed. `arguments` may name a project file."""
    if not has_display():
        print(_no_display(), file=sys.stderr)
        return NO_DISPLAY_CODE
    from PySide6.QtWidgets import QApplication

    from app.interrupts import Interrupts
    from app.messages import Faults, start_logging
    from app.preferences import Preferences
    from app.theme import theme
    from app.translation import translate_qt
    from app.window import MainWindow

    application = QApplication(sys.argv[:1])
    Interrupts(application, application.closeAllWindows)
    application.setApplicationName("Maskwright")
    application.setDesktopFileName("maskwright")
    translate_qt(application)
    start_logging()
    preferences = Preferences()
    theme().apply(application, preferences.mode)
    window = MainWindow(preferences)
    faults = Faults(window.show_problem)
    faults.install()
    window.show()
    _begin(window, preferences, arguments or [])
    return application.exec()


def has_display() -> bool:
    """Whether Qt can open a window here: always but on a Linux without X11 and Wayland."""
    if not sys.platform.startswith("linux"):
        return True
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"))


def _no_display() -> str:
    from app.translation import tr

    return tr(
        "There is no display for the window; headless verbs work without one: python main.py predict, finetune, "
        "simulate, train, evaluate, models, export-model, import, export, validate, statistics, doctor or demo "
        "(see python main.py --help)."
    )


def _begin(window: "MainWindow", preferences: "Preferences", arguments: list[str]) -> None:
    """Open the named project, or on the very first start the sample, once the window has been painted."""
    from PySide6.QtCore import QTimer

    if arguments:
        path = Path(arguments[0])
        QTimer.singleShot(0, lambda: window.projects.open(path))
    elif preferences.first_start:
        preferences.remember_start()
        QTimer.singleShot(0, window.projects.open_sample)
