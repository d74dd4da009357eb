"""What can be set about a tool: plain values that the bar over the canvas shows as controls."""

from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal


class Toggle(QObject):
    """On or off."""

    changed = Signal(bool)

    def __init__(self, text: str, tip: str, icon: str, value: bool = False) -> None:
        super().__init__()
        self.text, self.tip, self.icon, self.value = text, tip, icon, value

    def set(self, value: bool) -> None:
        if value != self.value:
            self.value = value
            self.changed.emit(value)


@dataclass(frozen=True, slots=True)
class Entry:
    """One of a choice's values: what a program calls it, what a person reads, its icon of the Material set."""

    value: str
    text: str
    icon: str


class Choice(QObject):
    """One of a few values."""

    changed = Signal(str)

    def __init__(self, text: str, entries: tuple[Entry, ...], value: str) -> None:
        super().__init__()
        self.text, self.entries, self.value = text, entries, value

    def set(self, value: str) -> None:
        if value != self.value:
            self.value = value
            self.changed.emit(value)


class Number(QObject):
    """A number from `least` to `most` in whole multiples of `tick`, with its unit; with a slider if not too narrow."""

    changed = Signal(float)

    def __init__(
        self,
        text: str,
        tip: str,
        least: float,
        most: float,
        value: float,
        tick: float,
        unit: str = "",
        *,
        slider: bool = True,
    ) -> None:
        super().__init__()
        self.text, self.tip, self.unit, self.slider = text, tip, unit, slider
        self.least, self.most, self.tick, self.value = least, most, tick, value

    def set(self, value: float) -> None:
        """Kept between the least and the most."""
        value = min(max(round(value / self.tick) * self.tick, self.least), self.most)
        if value != self.value:
            self.value = value
            self.changed.emit(value)


@dataclass(frozen=True, slots=True)
class Triggers:
    """Buttons side by side that trigger commands of the keymap, by their ids."""

    command_ids: tuple[str, ...]


Option = Triggers | Toggle | Choice | Number
