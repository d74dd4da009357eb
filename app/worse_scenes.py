"""What both models show on an image that got worse, read and composed off the GUI thread."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.canvas.appearance import Shown, style
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


@dataclass(frozen=True, eq=False)
class Scene:
    """What one side shows: image and masks, composed, and the outlines of the instances that are found or missed."""

    layers: Layers
    found: Sequence[Mask]
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
    # False alarms above what is right: they are what a person looks for.
    ordered = sorted(view.proposals, key=lambda each: each.iou is None)
    looks = [style(HIT) if each.iou is not None else style(FALSE, proposal=True, emphasised=True) for each in ordered]
    pairs = zip(ordered, looks, strict=True)
    layers.overlay.sync([Shown(place, each.mask, look) for place, (each, look) in enumerate(pairs, start=1)])
    while (work := layers.begin_piece(1.0)) is not None:
        advance()
        work()
        layers.overlay.end_piece()
    missed = set(view.missed)
    masks = [mask for _, mask in image.truth]
    found = [mask for place, mask in enumerate(masks) if place not in missed]
    return Scene(layers, found, [masks[place] for place in view.missed])
