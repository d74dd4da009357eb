"""What a person chose about how image and masks are shown. The canvas reads it; no data ever changes by it."""

from dataclasses import dataclass, fields

from PySide6.QtCore import QObject, Signal

from app.canvas.appearance import Opacity
from app.canvas.palettes import Coloring
from app.canvas.tone import Channel, Tone
from app.tools.options import Choice, Entry, Number, Option, Toggle
from app.translation import tr


@dataclass(frozen=True, slots=True)
class DisplaySettings:
    """What is remembered of a display: opacities, brightness and contrast in percent."""

    fill: float = 38.0
    outline: float = 92.0
    coloring: str = Coloring.CATEGORY
    brightness: float = 0.0
    contrast: float = 0.0
    gamma: float = 1.0
    channel: str = Channel.ALL
    inverted: bool = False


class Display(QObject):
    """The settings as options, with a signal for those of the masks and one for those of the image."""

    masks_changed = Signal()
    image_changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        usual = DisplaySettings()
        self.fill = _percent(tr("Fill"), tr("How much the inside of a mask hides of the image"), 0, usual.fill)
        self.outline = _percent(tr("Outline"), tr("How much a mask's outline hides of the image"), 0, usual.outline)
        self.coloring = Choice(tr("Colour by"), _COLORINGS, usual.coloring)
        self.brightness = _percent(tr("Brightness"), tr("Lighter or darker"), -100, usual.brightness)
        self.contrast = _percent(tr("Contrast"), tr("Spread the values around mid grey"), -100, usual.contrast)
        self.gamma = Number(tr("Gamma"), tr("Above 1 lifts what is dark, below 1 lowers it"), 0.2, 5, usual.gamma, 0.01)
        self.channel = Choice(tr("Channel"), _CHANNELS, usual.channel)
        self.inverted = Toggle(tr("Inverted"), tr("Dark becomes light and light becomes dark"), "invert-colors")
        self.of_masks: tuple[Option, ...] = (self.coloring, self.fill, self.outline)
        self.of_image: tuple[Option, ...] = (
            *(self.brightness, self.contrast, self.gamma),
            *(self.channel, self.inverted),
        )
        for options, changed in ((self.of_masks, self.masks_changed), (self.of_image, self.image_changed)):
            for option in options:
                option.changed.connect(changed)

    @property
    def tone(self) -> Tone:
        """What the image goes through when it is drawn."""
        return Tone(
            self.brightness.value / 100,
            self.contrast.value / 100,
            self.gamma.value,
            Channel(self.channel.value),
            self.inverted.value,
        )

    @property
    def opacity(self) -> Opacity:
        """How much the masks hide."""
        return Opacity(self.fill.value / 100, self.outline.value / 100)

    @property
    def color_by(self) -> Coloring:
        """What the colour of a mask says."""
        return Coloring(self.coloring.value)

    @property
    def settings(self) -> DisplaySettings:
        return DisplaySettings(**{each.name: getattr(self, each.name).value for each in fields(DisplaySettings)})

    def set_settings(self, settings: DisplaySettings) -> None:
        for each in fields(DisplaySettings):
            getattr(self, each.name).set(getattr(settings, each.name))

    def reset_image(self) -> None:
        """See the image as it is."""
        for option in self.of_image:
            self.reset(option)

    def reset(self, option: Option) -> None:
        """Give one option its usual value."""
        for each in fields(DisplaySettings):
            if getattr(self, each.name) is option:
                getattr(self, each.name).set(getattr(DisplaySettings(), each.name))

    def next_coloring(self) -> None:
        """Colour by the next of the choices, after the last by the first."""
        values = [entry.value for entry in self.coloring.entries]
        self.coloring.set(values[(values.index(self.coloring.value) + 1) % len(values)])


def _percent(text: str, tip: str, least: float, value: float) -> Number:
    return Number(text, tip, least, 100, value, 1, "%")


_COLORINGS = (
    Entry(Coloring.CATEGORY, tr("Category"), "shape-outline"),
    Entry(Coloring.INSTANCE, tr("Instance"), "palette-outline"),
    Entry(Coloring.SCORE, tr("Score"), "gradient-horizontal"),
    Entry(Coloring.STATUS, tr("Status"), "progress-check"),
)
_CHANNELS = (
    Entry(Channel.ALL, tr("All"), "image-outline"),
    Entry(Channel.RED, tr("Red"), "alpha-r-circle-outline"),
    Entry(Channel.GREEN, tr("Green"), "alpha-g-circle-outline"),
    Entry(Channel.BLUE, tr("Blue"), "alpha-b-circle-outline"),
    Entry(Channel.LUMINANCE, tr("Grey"), "circle-half-full"),
)
