"""What both models show on an image that got worse, read and composed off the GUI thread."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.canvas.appearance import Opacity, Shown, Style, style
from app.canvas.layers import Layers
from app.canvas.palettes import OKABE_ITO
from app.canvas.pyramid import ImageLevels, Pyramid
from app.jobs.background import Advance
from app.jobs.pixels import PixelCache
from app.translation import tr
from engine.errors import InvalidDataset
from engine.geometry.mask import Mask
from engine.learning.worse import View, WorseImage

# Of Okabe and Ito, whom people with any colour vision tell apart; a false alarm is dashed and a miss thick besides.
HIT, TRUTH, FALSE = OKABE_ITO[0], OKABE_ITO[3], OKABE_ITO[6]


@dataclass(frozen=True, slots=True)
class OutlineOnly(Style):
    """Of an instance that lies below proposals: its outline shows through them, and its inside is the image."""

    def fill(self, opacity: Opacity = Opacity()) -> int:
        return 0


@dataclass(frozen=True, eq=False)
class Scene:
    """What one side shows: image and masks, composed with the outlines of the truth, and the instances missed."""

    layers: Layers
    missed: Sequence[Mask]


def scenes(image: WorseImage, cache: PixelCache, advance: Advance) -> tuple[Scene, Scene]:
    """The image with what the model before shows, and with what the one after does. `advance` may end the work.

    Raises UnreadableImage, InvalidDataset where the file is not the one that was compared, OutOfSpace.
    """
    decoded = cache.read(image.path, image.page)
    height, width = decoded.rgb.shape[:2]
    if (width, height) != (image.width, image.height):
        raise InvalidDataset(tr("{name} is not the image any more that was compared.", name=image.path.name))
    picture = Pyramid(decoded.rgb) if decoded.deep is None else decoded.deep
    return _scene(picture, image, image.before, advance), _scene(picture, image, image.after, advance)


def _scene(picture: ImageLevels, image: WorseImage, view: View, advance: Advance) -> Scene:
    advance()
    layers = Layers()
    layers.resize(image.width, image.height)
    layers.pyramid = picture
    masks = [mask for _, mask in image.truth]
    truth = OutlineOnly(TRUTH)
    looks: list[tuple[Mask, Style]] = [(mask, truth) for mask in masks]
    # False alarms above what is right: they are what a person looks for.
    for each in sorted(view.proposals, key=lambda one: one.iou is None):
        right = each.iou is not None
        looks.append((each.mask, style(HIT) if right else style(FALSE, proposal=True, emphasised=True)))
    layers.overlay.sync([Shown(place, *look) for place, look in enumerate(looks, start=1)])
    while (work := layers.begin_piece(1.0)) is not None:
        advance()
        work()
        layers.overlay.end_piece()
    return Scene(layers, [masks[place] for place in view.missed])
