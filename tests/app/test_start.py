"""Promises of the start: no display is said in one sentence, settings survive, and commands are told apart."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QApplication

from app.keymap import COMMANDS
from app.preferences import RECENT_LIMIT, Preferences
from app.theme import DARK, LIGHT, Mode, Theme, Tokens, style_sheet
from engine.verbs import app

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def preferences(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Preferences:
    monkeypatch.setenv("MASKWRIGHT_HOME", str(tmp_path))
    return Preferences()


def test_without_a_display_one_sentence_names_the_headless_verbs() -> None:
    hidden = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    environment = {key: value for key, value in os.environ.items() if key not in hidden}
    program = [sys.executable, str(ROOT / "main.py")]
    done = subprocess.run(program, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    named = done.stderr.split("python main.py ")[1].split(" (see")[0]
    verbs = {command.name or command.callback.__name__ for command in app.registered_commands if command.callback}
    assert set(named.replace(" or", ",").split(", ")) == verbs


def test_an_engine_from_elsewhere_is_explained(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text((ROOT / "main.py").read_text())
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, str(tmp_path / "main.py")], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert str(ROOT) in done.stderr
    assert "pip install -e" in done.stderr


def test_command_ids_are_unique_and_every_command_has_an_icon() -> None:
    ids = [command.id for command in COMMANDS]
    assert len(set(ids)) == len(ids)
    assert all(command.icon for command in COMMANDS)


def test_settings_survive_and_nonsense_counts_as_never_set(preferences: Preferences, tmp_path: Path) -> None:
    assert preferences.first_start
    preferences.remember_start()
    preferences.threshold = 0.7
    preferences.mode = Mode.LIGHT
    again = Preferences()
    assert not again.first_start
    assert again.threshold == pytest.approx(0.7)
    assert again.mode is Mode.LIGHT
    again._settings.setValue("threshold", "much")
    again._settings.setValue("theme", "plaid")
    assert again.threshold == pytest.approx(0.5)
    assert again.mode is Mode.SYSTEM


def test_recent_projects_are_newest_first_bounded_and_leave_out_what_is_gone(
    preferences: Preferences, tmp_path: Path
) -> None:
    paths = [tmp_path / f"{number}.maskwright" for number in range(RECENT_LIMIT + 3)]
    for path in paths:
        path.touch()
        preferences.remember_project(path)
    preferences.remember_project(paths[5])
    assert preferences.recent[:2] == [paths[5], paths[-1]]
    assert len(preferences.recent) == RECENT_LIMIT
    paths[5].unlink()
    assert paths[5] not in preferences.recent


class Hints(QObject):
    """The system's hints, whose scheme a test changes; Qt's own cannot be changed without a desktop."""

    colorSchemeChanged = Signal(object)  # noqa: N815 - Qt's name

    def __init__(self) -> None:
        super().__init__()
        self.scheme = Qt.ColorScheme.Unknown

    def colorScheme(self) -> Qt.ColorScheme:
        return self.scheme

    def change(self, scheme: Qt.ColorScheme) -> None:
        self.scheme = scheme
        self.colorSchemeChanged.emit(scheme)


def test_the_theme_follows_the_system_while_the_window_is_open(
    qapp: QApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    hints = Hints()
    monkeypatch.setattr("app.theme.QGuiApplication", SimpleNamespace(styleHints=lambda: hints))
    followed, told = Theme(), []
    followed.changed.connect(lambda: told.append(followed.tokens))
    followed.apply(qapp, Mode.SYSTEM)
    for scheme, tokens in ((Qt.ColorScheme.Light, LIGHT), (Qt.ColorScheme.Dark, DARK), (Qt.ColorScheme.Light, LIGHT)):
        hints.change(scheme)
        assert told[-1] is followed.tokens is tokens
        assert qapp.palette().window().color().name() == tokens.background
        assert tokens.surface in qapp.styleSheet()
    followed.set_mode(Mode.DARK)
    hints.change(Qt.ColorScheme.Light)
    assert followed.tokens is DARK  # chosen by the person


@pytest.mark.parametrize("tokens", [DARK, LIGHT], ids=["dark", "light"])
def test_the_style_sheet_leaves_no_token_unresolved(tokens: Tokens) -> None:
    assert "@" not in style_sheet(tokens)
