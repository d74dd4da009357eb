"""The images on which the new model is worse, one at a time, with what both models show there side by side."""

from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from app.canvas.wheel import NOTCH_ZOOM
from app.jobs.background import ToolWork
from app.jobs.pixels import PixelCache
from app.panels.legend import Legend
from app.panels.parts import CutLabel, EmptyState, IconButton, label, row
from app.panels.round_figures import fraction_text
from app.side_by_side import SideBySide
from app.theme import SPACING
from app.translation import number, tr, trn
from app.worse_scenes import FALSE, HIT, TRUTH, Scene, scenes
from engine.learning.worse import View, WorseImage

GROUND = "#20242b"  # of the legend's signs, as most images are: their yellow is lost on a light theme
CACHE_BYTES = 64 * 2**20  # the image looked at and some around it; the window's own cache keeps what is being labelled


class WorsePage(QWidget):
    """Steps through images; they are decoded and composed by `work`, so that the window never waits."""

    def __init__(self, work: ToolWork) -> None:
        super().__init__()
        self._work = work
        self._cache = PixelCache(CACHE_BYTES)
        self._images: tuple[WorseImage, ...] = ()
        self._at = 0
        self.previous = IconButton("chevron-left", tr("The image before (Page Up)"), partial(self.step, -1), 20)
        self.next = IconButton("chevron-right", tr("The next image (Page Down)"), partial(self.step, 1), 20)
        self._place = label("", "muted")
        self._name = CutLabel("heading", Qt.TextElideMode.ElideMiddle)
        self._what = label("", "warning", wrap=True)
        self._sides = label("", "small", wrap=True), label("", "small", wrap=True)
        self.panes = SideBySide(tr("The model before"), tr("The new model"))
        self.panes.stepped.connect(self.step)
        self.message = EmptyState("image-off-outline", "", "")
        self._stack = QStackedWidget()
        self._stack.addWidget(self.panes)
        self._stack.addWidget(self.message)
        self._nothing = EmptyState("timer-sand", tr("Reading what the round kept…"), "")
        self._shown = QWidget()
        self._lay_out()

    @property
    def image(self) -> WorseImage | None:
        """The image that is looked at."""
        return self._images[self._at] if self._images else None

    def show_images(self, images: tuple[WorseImage, ...]) -> None:
        """Show these, from the one that lost most."""
        self._images, self._at = images, 0
        if images:
            self._pages.setCurrentWidget(self._shown)
            self._show()
        else:
            self.say("check-circle-outline", tr("No image got worse"), tr("On none did the new model find less."))

    def say(self, icon: str, title: str, text: str) -> None:
        """Tell why there is no image to show."""
        self._images = ()
        self._nothing.say(icon, title, text)
        self._pages.setCurrentWidget(self._nothing)

    def step(self, step: int) -> None:
        """Go to another image, as far as there is one."""
        place = min(max(self._at + step, 0), len(self._images) - 1)
        if self._images and place != self._at:
            self._at = place
            self._show()

    def _lay_out(self) -> None:
        zoom_out = IconButton("minus", tr("Zoom out (−)"), lambda: self.panes.zoom_by(1 / NOTCH_ZOOM))
        zoom_in = IconButton("plus", tr("Zoom in (+)"), lambda: self.panes.zoom_by(NOTCH_ZOOM))
        fit = IconButton("fit-to-screen-outline", tr("Show the whole image (0)"), self.panes.navigation.fit)
        column = QVBoxLayout(self._shown)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACING)
        column.addLayout(row(self.previous, self._place, self.next, self._name, None, zoom_out, zoom_in, fit))
        column.addWidget(self._what)
        sides = row(*self._sides)
        for place in range(len(self._sides)):
            sides.setStretch(place, 1)
        column.addLayout(sides)
        column.addWidget(self._stack, 1)
        column.addWidget(_legend())
        self._pages = QStackedWidget()
        self._pages.addWidget(self._nothing)
        self._pages.addWidget(self._shown)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(SPACING, SPACING, SPACING, SPACING)
        whole.addWidget(self._pages)

    def _show(self) -> None:
        image = self._images[self._at]
        place = tr("{place} of {count}", place=number(self._at + 1), count=number(len(self._images)))
        self._place.setText(place)
        self.previous.setEnabled(self._at > 0)
        self.next.setEnabled(self._at + 1 < len(self._images))
        self._name.show_text(_name(image), str(image.path))
        self._what.setText(what_is_worse(image))
        for words, name, view in zip(
            self._sides, (tr("Before"), tr("After")), (image.before, image.after), strict=True
        ):
            words.setText(f"{name}: {_side(view)}")
        self.panes.setAccessibleDescription(f"{place}, {_name(image)}: {what_is_worse(image)}")
        self.panes.clear()
        self._stack.setCurrentWidget(self.panes)
        self._work.ask(
            tr("Reading the image…"), lambda advance: scenes(image, self._cache, advance), self._show_scenes, self._fail
        )

    def _show_scenes(self, both: tuple[Scene, Scene]) -> None:
        self.panes.show_scenes(*both)

    def _fail(self, why: str) -> None:
        self.message.say("image-off-outline", tr("The image cannot be shown"), why)
        self._stack.setCurrentWidget(self.message)


def what_is_worse(image: WorseImage) -> str:
    """In words what the new model does worse on an image."""
    before, after = image.before, image.after
    missed, false = len(after.missed) - len(before.missed), after.false - before.false
    parts = []
    if missed > 0:
        parts.append(trn("{count} more missed", "{count} more missed", missed))
    if false > 0:
        parts.append(trn("{count} more false alarm", "{count} more false alarms", false))
    if not parts and after.f1 >= before.f1:
        parts.append(tr("masks fit less closely"))
    return ", ".join(parts) or tr("other instances missed")


def _side(view: View) -> str:
    missed = trn("{count} missed", "{count} missed", len(view.missed))
    false = trn("{count} false alarm", "{count} false alarms", view.false)
    close = tr("F1 {value}, {close} at IoU 0.75", value=fraction_text(view.f1), close=fraction_text(view.f1_close))
    return f"{missed}, {false}, {close}"


def _name(image: WorseImage) -> str:
    name = image.path.name
    return tr("{name}, page {page}", name=name, page=number(image.page + 1)) if image.page else name


def _legend() -> Legend:
    legend = Legend(
        [
            ("■", tr("proposal that shows an instance")),
            ("▨", tr("white dashes: false alarm")),
            ("─", tr("outline as a person accepted it")),
            ("━", tr("thick: instance that is missed")),
        ],
        columns=2,
    )
    legend.set_colors([HIT, FALSE, TRUTH, TRUTH], GROUND)
    return legend
