"""Drawn microscope images whose true masks are known: the sample project, the demonstration and tests are made of them.

Everything follows from a seed. The looks imitate what the bundled nuclei model was trained on: fluorescence (bright
nuclei on dark ground) and stained tissue (purple nuclei on bright ground).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.errors import MaskwrightError
from engine.files import atomic_write
from engine.formats.coco_document import write_document
from engine.geometry import rle
from engine.geometry.mask import Mask

Field = NDArray[np.float32]
Pixels = NDArray[np.uint8]

CATEGORY = "nucleus"
ANNOTATION_FILE = "truth.json"

# A sliver at the image's border that nobody could recognise is not drawn, so that the truth need not hold it.
_SMALLEST_AREA = 24
# A new nucleus may press this share of its area against those already there; the rest of its shape stays whole.
_LARGEST_OVERLAP = 0.08


@dataclass(frozen=True, slots=True)
class SyntheticImage:
    """Pixels (H, W, 3) uint8 RGB, and the exact masks of what was drawn; masks do not overlap."""

    rgb: Pixels
    masks: list[Mask]


@dataclass(frozen=True, slots=True)
class _Look:
    """How a kind of image is composed. Diameters are in pixels; `coverage` is the share of the image under nuclei."""

    diameters: tuple[float, float]
    coverage: tuple[float, float]
    elongation: float
    together: float
    paint: Callable[[np.random.Generator, Sequence[Mask], int, int], Pixels]


@dataclass(frozen=True, slots=True)
class _Palette:
    """Optical densities of red, green and blue: the ground's, the nuclei's, and how much the ground varies."""

    ground: tuple[float, float, float]
    nuclei: tuple[float, float, float]
    mottling: float


# Measured on stained tissue: lavender ground of hematoxylin alone, pink ground of hematoxylin and eosin, pale smears.
_PALETTES = (
    _Palette(ground=(0.34, 0.48, 0.16), nuclei=(0.85, 1.15, 0.25), mottling=0.10),
    _Palette(ground=(0.13, 0.42, 0.22), nuclei=(0.85, 1.05, 0.35), mottling=0.22),
    _Palette(ground=(0.08, 0.09, 0.13), nuclei=(0.65, 1.55, 0.55), mottling=0.25),
)


def looks() -> tuple[str, ...]:
    """The names of the looks that `draw` knows."""
    return tuple(_LOOKS)


def draw(seed: int, look: str, width: int, height: int) -> SyntheticImage:
    """An image of that size and its true masks; equal arguments give equal results. Raises MaskwrightError for an
    unknown look or a size below 32 x 32 pixels."""
    if look not in _LOOKS:
        raise MaskwrightError(f"There is no look {look!r}.", remedy=f"Choose one of {', '.join(_LOOKS)}.")
    if width < 32 or height < 32:
        raise MaskwrightError(
            f"{width} x {height} pixels are too few to draw nuclei on.", remedy="Use 32 x 32 or more."
        )
    generator = np.random.default_rng([seed, *look.encode(), width, height])
    masks = _place(generator, _LOOKS[look], width, height)
    return SyntheticImage(_LOOKS[look].paint(generator, masks, width, height), masks)


def write_dataset(folder: str | Path, count: int, seed: int, size: tuple[int, int] = (320, 256)) -> Path:
    """Writes `count` images of `size` (width, height), the looks in turn, to `folder`/images, and their truth as a COCO
    file beside, whose path is returned. Existing files of the same names are replaced."""
    names = looks()
    return _write(Path(folder), [(seed + index, names[index % len(names)], *size) for index in range(count)])


def write_sample(folder: str | Path) -> Path:
    """Writes the sample that this program ships, as `write_dataset` does: resources/sample is made by this alone."""
    plan = [
        (11, "fluorescence", 360, 360),
        (12, "fluorescence", 360, 300),
        (13, "fluorescence", 320, 256),
        (14, "fluorescence", 400, 320),
        (21, "fluorescence-small", 256, 256),
        (22, "fluorescence-small", 256, 256),
        (23, "fluorescence-small", 320, 256),
        (31, "stained", 320, 256),
        (32, "stained", 320, 256),
        (34, "stained", 320, 256),
        # The five below are those that a project holds out, by their content; a verdict on a fine-tune needs five.
        (15, "fluorescence", 320, 256),
        (17, "fluorescence", 320, 256),
        (29, "fluorescence-small", 256, 256),
        (33, "fluorescence-small", 256, 256),
        (36, "stained", 320, 256),
    ]
    return _write(Path(folder), plan)


def _write(folder: Path, plan: Sequence[tuple[int, str, int, int]]) -> Path:
    (folder / "images").mkdir(parents=True, exist_ok=True)
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for image_id, (seed, look, width, height) in enumerate(plan, start=1):
        drawn = draw(seed, look, width, height)
        name = f"{look}-{seed:03d}.png"
        _write_png(folder / "images" / name, drawn.rgb)
        images.append({"id": image_id, "file_name": name, "width": width, "height": height, "look": look})
        first_id = len(annotations) + 1
        annotations += [_annotation(first_id + index, image_id, mask, drawn) for index, mask in enumerate(drawn.masks)]
    document = {
        "info": {"description": "Drawn by Maskwright; the masks are exact.", "version": "1"},
        "licenses": [{"id": 1, "name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"}],
        "images": images,
        "categories": [{"id": 1, "name": CATEGORY, "supercategory": "cell"}],
        "annotations": annotations,
    }
    write_document(folder / ANNOTATION_FILE, document)
    return folder / ANNOTATION_FILE


def _annotation(annotation_id: int, image_id: int, mask: Mask, drawn: SyntheticImage) -> dict[str, Any]:
    height, width = drawn.rgb.shape[:2]
    return {
        "id": annotation_id,
        "image_id": image_id,
        "category_id": 1,
        "iscrowd": 0,
        "area": mask.area,
        "bbox": [mask.x, mask.y, mask.width, mask.height],
        "segmentation": rle.to_coco(mask, height, width),
    }


def _write_png(path: Path, rgb: Pixels) -> None:
    grey = bool((rgb == rgb[:, :, :1]).all())
    encoded = cv2.imencode(".png", rgb[:, :, 0] if grey else rgb[:, :, ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 9])[1]
    with atomic_write(path) as temporary:
        temporary.write_bytes(encoded.tobytes())


def _place(generator: np.random.Generator, look: _Look, width: int, height: int) -> list[Mask]:
    """Nuclei that cover the look's share of the image, alone or against each other, without overlap."""
    taken = np.zeros((height, width), dtype=np.bool_)
    wanted = generator.uniform(*look.coverage) * width * height
    typical = generator.uniform(*look.diameters)
    masks: list[Mask] = []
    # Crowded images may have no room left; forty attempts for each nucleus that fits on average are ample.
    for _ in range(int(40 * wanted / typical**2) + 40):
        if taken.sum() >= wanted:
            break
        radius = np.clip(typical * generator.lognormal(0.0, 0.18), *look.diameters) / 2
        x, y = generator.uniform(0, width), generator.uniform(0, height)
        if masks and generator.random() < look.together:
            x, y = _beside(generator, masks[generator.integers(len(masks))], radius)
        shape = _nucleus(generator, x, y, radius, look.elongation).clip(width, height)
        if shape.area < _SMALLEST_AREA:
            continue
        x1, y1, x2, y2 = shape.bounds
        window = taken[y1:y2, x1:x2]
        if np.count_nonzero(window & shape.bitmap) > _LARGEST_OVERLAP * shape.area:
            continue
        mask = _largest_part(Mask.from_crop(shape.bitmap & ~window, x1, y1))
        window |= shape.bitmap
        masks.append(mask)
    return masks


def _beside(generator: np.random.Generator, neighbour: Mask, radius: float) -> tuple[float, float]:
    """A centre from which a nucleus of that radius about touches its neighbour."""
    angle = generator.uniform(0, 2 * np.pi)
    distance = 0.97 * radius + np.sqrt(neighbour.area / np.pi)
    x1, y1, x2, y2 = neighbour.bounds
    return (x1 + x2) / 2 + distance * np.cos(angle), (y1 + y2) / 2 + distance * np.sin(angle)


def _nucleus(generator: np.random.Generator, x: float, y: float, radius: float, elongation: float) -> Mask:
    """The pixels whose centres lie inside an ellipse around (x, y) that a few Fourier terms deform."""
    ratio = generator.uniform(1.0, elongation) ** 0.5
    turn = generator.uniform(0, np.pi)
    reach = int(np.ceil(1.4 * radius * ratio)) + 2
    left, top = int(np.floor(x)) - reach, int(np.floor(y)) - reach
    rows, columns = np.mgrid[0 : 2 * reach + 1, 0 : 2 * reach + 1]
    across, down = columns + left + 0.5 - x, rows + top + 0.5 - y
    u = (across * np.cos(turn) + down * np.sin(turn)) / (radius * ratio)
    v = (down * np.cos(turn) - across * np.sin(turn)) * ratio / radius
    angle = np.arctan2(v, u)
    border = np.ones_like(angle)
    for order in (2, 3, 4, 5):
        border += generator.normal(0, 0.09 / order) * np.cos(order * angle + generator.uniform(0, 2 * np.pi))
    return Mask.from_crop(np.hypot(u, v) <= border, left, top)


def _largest_part(mask: Mask) -> Mask:
    """The largest connected part: what a neighbour cuts off is a few pixels that nobody would mark."""
    count, parts, statistics, _ = cv2.connectedComponentsWithStats(mask.bitmap.view(np.uint8), connectivity=4)
    if count <= 2:
        return mask
    largest = 1 + int(np.argmax(statistics[1:, cv2.CC_STAT_AREA]))
    return Mask.from_crop(parts == largest, mask.x, mask.y)


def _paint_fluorescence(generator: np.random.Generator, masks: Sequence[Mask], width: int, height: int) -> Pixels:
    return _fluorescence(generator, masks, width, height, brightness=generator.uniform(75, 150), photons=4.0)


def _paint_faint_fluorescence(generator: np.random.Generator, masks: Sequence[Mask], width: int, height: int) -> Pixels:
    return _fluorescence(generator, masks, width, height, brightness=generator.uniform(50, 100), photons=2.5)


def _fluorescence(
    generator: np.random.Generator,
    masks: Sequence[Mask],
    width: int,
    height: int,
    *,
    brightness: float,
    photons: float,
) -> Pixels:
    """Light of the nuclei, blurred by the optics, on a glow of what is out of focus, noisy as counted photons are.

    `brightness` is the typical nucleus's in grey values, `photons` how many make one grey value.
    """
    light = np.zeros((height, width), dtype=np.float32)
    texture = 1 + 0.16 * _noise(generator, width, height, 2.0) + 0.12 * _noise(generator, width, height, 6.0)
    for mask in masks:
        own = brightness * generator.lognormal(0.0, 0.22)
        # One in thirty is dividing: dense and far brighter.
        own *= generator.uniform(1.5, 2.2) if generator.random() < 1 / 30 else 1.0
        x1, y1, x2, y2 = mask.bounds
        window = light[y1:y2, x1:x2]
        window += own * _dome(mask) * texture[y1:y2, x1:x2] * mask.bitmap
    illumination = 1 + 0.15 * _noise(generator, width, height, max(width, height) / 3)
    glow = cv2.GaussianBlur(light, (0, 0), 18.0) * 0.10
    seen = cv2.GaussianBlur(light, (0, 0), generator.uniform(0.8, 1.2))
    expected = np.clip((seen + glow) * illumination + generator.uniform(4, 12), 0, None)
    counted = generator.poisson(expected * photons) / photons + generator.normal(0, 0.8, expected.shape)
    # Cameras bin and files are compressed: neighbouring pixels share some of the noise.
    grey = cv2.GaussianBlur(counted.astype(np.float32), (0, 0), 0.6)
    return np.repeat(_eight_bit(grey)[:, :, None], 3, axis=2)


def _paint_stained(generator: np.random.Generator, masks: Sequence[Mask], width: int, height: int) -> Pixels:
    """Light that ground and nuclei absorb, by the law of Beer and Lambert: their optical densities add up."""
    palette = _PALETTES[generator.integers(len(_PALETTES))]
    mottling = 0.6 * _noise(generator, width, height, 9.0) + 0.4 * _noise(generator, width, height, 2.0)
    ground = 1 + palette.mottling * mottling + 0.15 * _noise(generator, width, height, max(width, height) / 3)
    stain = np.zeros((height, width), dtype=np.float32)
    chromatin = 1 + 0.20 * _noise(generator, width, height, 1.6) + 0.12 * _noise(generator, width, height, 4.0)
    for mask in masks:
        x1, y1, x2, y2 = mask.bounds
        # The membrane takes more stain than the inside.
        rim = 1.2 - 0.3 * _dome(mask)
        window = stain[y1:y2, x1:x2]
        window += generator.uniform(0.7, 1.25) * rim * chromatin[y1:y2, x1:x2] * mask.bitmap
    blurred = cv2.GaussianBlur(stain, (0, 0), generator.uniform(0.7, 1.0))
    density = ground[:, :, None] * np.array(palette.ground) + blurred[:, :, None] * np.array(palette.nuclei)
    noise = cv2.GaussianBlur(generator.normal(0, 4.0, density.shape).astype(np.float32), (0, 0), 0.7)
    return _eight_bit(248 * np.exp(-np.clip(density, 0, None)) + noise)


def _dome(mask: Mask) -> Field:
    """1 inside the mask, falling to 0.6 at its border, over a third of its radius."""
    padded = np.pad(mask.bitmap, 1).astype(np.uint8)
    depth = cv2.distanceTransform(padded, cv2.DIST_L2, 3)[1:-1, 1:-1]
    return np.asarray(0.6 + 0.4 * np.clip(3 * depth / max(float(depth.max()), 1.0), 0, 1), dtype=np.float32)


def _noise(generator: np.random.Generator, width: int, height: int, scale: float) -> Field:
    """Smooth noise (height, width) of mean 0 and deviation 1, whose features are about `scale` pixels wide."""
    # Coarse noise is drawn small and enlarged: a wide blur of the whole image would take most of the time.
    step = max(1, int(scale / 4))
    rows, columns = -(-height // step) + 8, -(-width // step) + 8
    white = generator.standard_normal((rows, columns), dtype=np.float32)
    smooth = cv2.GaussianBlur(white, (0, 0), scale / step)
    smooth = cv2.resize(smooth, (columns * step, rows * step), interpolation=cv2.INTER_CUBIC)[:height, :width]
    return np.asarray((smooth - smooth.mean()) / max(float(smooth.std()), 1e-6), dtype=np.float32)


def _eight_bit(values: NDArray[Any]) -> Pixels:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


_LOOKS = {
    "fluorescence": _Look((24.0, 44.0), (0.16, 0.34), elongation=2.0, together=0.45, paint=_paint_fluorescence),
    "fluorescence-small": _Look(
        (13.0, 22.0), (0.08, 0.18), elongation=1.9, together=0.35, paint=_paint_faint_fluorescence
    ),
    "stained": _Look((17.0, 32.0), (0.14, 0.30), elongation=2.4, together=0.35, paint=_paint_stained),
}
