"""Light and dark: one table of colours, the palette and style sheet made of it, and icons that follow it.

Every colour of the window comes from a `Tokens`; widgets that paint themselves read `theme().tokens` when they paint
and repaint on `theme().changed`.
"""

from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

import qtawesome
from PySide6.QtCore import QObject, QRect, Qt, Signal
from PySide6.QtGui import QColor, QGuiApplication, QIcon, QPainter, QPalette, QPixmap
from PySide6.QtWidgets import QApplication

from app.translation import tr

RESOURCES = Path(__file__).resolve().parent.parent / "resources"
SPACING = 8  # every margin and gap is a multiple of half of this


class Mode(StrEnum):
    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"


MODE_WORDS = {Mode.SYSTEM: tr("Like the System"), Mode.LIGHT: tr("Light"), Mode.DARK: tr("Dark")}


@dataclass(frozen=True)
class Tokens:
    """The colours of one theme, as "#rrggbb". Text on `background` and `surface` keeps a contrast of 4.5 or more."""

    dark: bool
    background: str  # the window behind everything
    surface: str  # docks and cards
    raised: str  # fields, buttons, hovered rows
    border: str
    canvas: str  # around the image
    text: str
    muted: str  # secondary text
    faint: str  # disabled text, the borders of what can be used: 3.0 or more against all grounds
    accent: str
    accent_hover: str
    on_accent: str
    selection: str  # selected row
    success: str
    warning: str
    danger: str
    proposal: str  # a prediction that nobody has touched


DARK = Tokens(
    dark=True,
    background="#14171c",
    surface="#1a1e25",
    raised="#252a33",
    border="#2c323d",
    canvas="#0e1014",
    text="#e6e9ef",
    muted="#9aa4b5",
    faint="#76818f",
    accent="#4f80f2",
    accent_hover="#739dff",
    on_accent="#0b1020",
    selection="#26344f",
    success="#4ac08a",
    warning="#e5b052",
    danger="#f0716c",
    proposal="#f2a24b",
)
LIGHT = Tokens(
    dark=False,
    background="#f3f4f7",
    surface="#ffffff",
    raised="#eef0f4",
    border="#dadee6",
    canvas="#e3e6ec",
    text="#1a2029",
    muted="#586273",
    faint="#7b8494",
    accent="#2f63d8",
    accent_hover="#2452bb",
    on_accent="#ffffff",
    selection="#dde7fd",
    success="#14794f",
    warning="#8f5e00",
    danger="#c2332f",
    proposal="#b3610a",
)


class Theme(QObject):
    """The theme in use. `apply` once with the application; afterwards it follows the system or the chosen mode."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.mode = Mode.SYSTEM
        self.tokens = DARK
        self._pixmaps: dict[tuple[str, str, int, float], QPixmap] = {}

    def apply(self, application: QApplication, mode: Mode = Mode.SYSTEM) -> None:
        """Style `application` and keep it in step with the system's light or dark scheme."""
        application.setStyle("Fusion")
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._refresh, Qt.ConnectionType.UniqueConnection)
        self.set_mode(mode)

    def set_mode(self, mode: Mode) -> None:
        self.mode = mode
        self._refresh()

    def color(self, token: str) -> QColor:
        return QColor(getattr(self.tokens, token))

    def icon(self, name: str, token: str = "text", active: str = "accent") -> QIcon:
        """An icon of the Material set in a theme colour; `active` is its colour while checked."""
        return qtawesome.icon(
            f"mdi6.{name}",
            color=self.color(token),
            color_disabled=self.color("faint"),
            color_on=self.color(active),
            color_on_active=self.color(active),
        )

    def paint_icon(self, painter: QPainter, rect: QRect, name: str, token: str) -> None:
        """Paint an icon from a kept pixmap: for rows, where drawing the glyph anew takes most of the row's time."""
        ratio = painter.device().devicePixelRatioF()
        key = (name, token, rect.width(), ratio)
        pixmap = self._pixmaps.get(key)
        if pixmap is None:
            pixmap = self._pixmaps[key] = self.icon(name, token).pixmap(rect.size(), ratio)
        painter.drawPixmap(rect, pixmap)

    def _refresh(self) -> None:
        application = QApplication.instance()
        if not isinstance(application, QApplication):
            return
        dark = self.mode is Mode.DARK
        if self.mode is Mode.SYSTEM:
            dark = QGuiApplication.styleHints().colorScheme() != Qt.ColorScheme.Light
        self.tokens = DARK if dark else LIGHT
        self._pixmaps.clear()
        application.setPalette(palette(self.tokens))
        application.setStyleSheet(style_sheet(self.tokens))
        self.changed.emit()


_theme: Theme | None = None


def theme() -> Theme:
    """The one theme of this process."""
    global _theme
    if _theme is None:
        _theme = Theme()
    return _theme


def palette(tokens: Tokens) -> QPalette:
    """The Qt palette of a theme, for everything that the style sheet does not name."""
    role = QPalette.ColorRole
    result = QPalette()
    for name, color in {
        role.Window: tokens.background,
        role.WindowText: tokens.text,
        role.Base: tokens.surface,
        role.AlternateBase: tokens.raised,
        role.Text: tokens.text,
        role.PlaceholderText: tokens.muted,
        role.Button: tokens.raised,
        role.ButtonText: tokens.text,
        role.BrightText: tokens.danger,
        role.ToolTipBase: tokens.raised,
        role.ToolTipText: tokens.text,
        role.Highlight: tokens.selection,
        role.HighlightedText: tokens.text,
        role.Link: tokens.accent,
        role.LinkVisited: tokens.accent,
        role.Accent: tokens.accent,
        role.Light: tokens.raised,
        role.Mid: tokens.border,
        role.Dark: tokens.border,
        role.Shadow: tokens.background,
    }.items():
        result.setColor(name, QColor(color))
    for name in (role.Text, role.WindowText, role.ButtonText):
        result.setColor(QPalette.ColorGroup.Disabled, name, QColor(tokens.faint))
    return result


def style_sheet(tokens: Tokens) -> str:
    """The style sheet of a theme: `resources/themes/window.qss` with every `@token` replaced."""
    text = (RESOURCES / "themes" / "window.qss").read_text(encoding="utf-8")
    values = {name: value for name, value in asdict(tokens).items() if isinstance(value, str)}
    values["resources"] = (RESOURCES / "themes").as_posix()
    values["variant"] = "dark" if tokens.dark else "light"
    for name in sorted(values, key=len, reverse=True):
        text = text.replace(f"@{name}", values[name])
    return text
