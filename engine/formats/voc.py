"""Pascal VOC with SegmentationObject: a palette picture an image, whose indices are the objects, 255 being void.

An object's category is what most of its pixels are in SegmentationClass, by colour: that of VOC's 20 classes, or of a
labelmap.txt (as CVAT and Datumaro write it). Annotations/*.xml name it where there is no such picture.
"""

import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from engine.errors import InvalidDataset, MaskwrightError
from engine.formats.dataset import Dataset, DatasetAnnotation, DatasetCategory, DatasetImage, Drawn
from engine.formats.exporting import ExportImage, Part, Progress, ordinary
from engine.formats.label_image import Labels, masks_in, paint, read_label_image
from engine.formats.reading import Tally, check_inside, files_below, name_in, read_text, shown
from engine.geometry.mask import Mask
from engine.records import Category, Instance

# In the order of their indices, from 1 on (VOC2012 development kit).
_VOC_NAMES = (
    "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow",
    "diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor",
)  # fmt: skip
_VOID = 255
# Palette pictures have 256 indices, of which one is the background and one void.
_MOST = 254
_UNNAMED = "object"
_NO_CATEGORIES = frozenset({"background", "void", "ignored"})


def _palette() -> NDArray[np.uint8]:
    """VOC's colours (256, 3): the bits of an index, from the lowest, go round red, green and blue from the highest."""
    index = np.arange(256)
    colors = np.zeros((256, 3), dtype=np.uint8)
    for bit in range(8):
        for channel in range(3):
            colors[:, channel] |= (((index >> (3 * bit + channel)) & 1) << (7 - bit)).astype(np.uint8)
    return colors


_COLORS = _palette()
_PACKED = _COLORS.astype(np.int64) @ (65536, 256, 1)


@dataclass(frozen=True, slots=True)
class _Palette:
    """What the colours of SegmentationClass mean: `names` by packed colour, `order` the packed colour by index."""

    names: Mapping[int, str]
    order: NDArray[np.int64]


def read_voc(path: str | Path) -> Dataset:
    """The objects of a VOC folder. Raises InvalidDataset naming the file that is wrong."""
    path = Path(path)
    folder = path.parent if path.name in ("SegmentationObject", "SegmentationClass", "JPEGImages") else path
    if not (folder / "SegmentationObject").is_dir():
        raise InvalidDataset(
            f"{path} holds no folder SegmentationObject.",
            remedy="Choose the folder above it; boxes alone have no masks.",
        )
    tally = Tally()
    palette = _read_palette(folder)
    images: list[DatasetImage] = []
    annotations: list[DatasetAnnotation] = []
    ids: dict[str, int] = {}
    for name in palette.names.values():
        if name not in _NO_CATEGORIES:
            ids.setdefault(name, len(ids) + 1)
    for number, file in enumerate(files_below(folder / "SegmentationObject", {".png"}), start=1):
        relative = PurePosixPath(file.relative_to(folder / "SegmentationObject").as_posix()).with_suffix("")
        name = name_in(folder, file)
        check_inside(folder, file)
        images.append(DatasetImage(number, str("JPEGImages" / relative), None, name, any_suffix=True))
        for where, category, shape in _objects(folder, relative, name, palette, tally):
            annotations.append(DatasetAnnotation(number, ids.setdefault(category, len(ids) + 1), shape, where))
    _note_unlabelled(folder, {image.file_name for image in images}, tally)
    used = {annotation.category_id for annotation in annotations}
    # The standard classes that nothing is of were not chosen by anyone, nor were the standard colours of the others.
    chosen = (folder / "labelmap.txt").is_file()
    named = {name: number for name, number in ids.items() if number in used or chosen}
    categories = tuple(
        DatasetCategory(number, name, color=_color(palette, name) if chosen else None) for name, number in named.items()
    )
    return Dataset(path, tuple(images), tuple(annotations), categories, notes=tally.sentences(), images_folder=folder)


def image_folder(part: str) -> PurePosixPath:
    """Where the images of a part lie in a folder that `write_voc` wrote to: VOC has one folder for all parts."""
    return PurePosixPath("JPEGImages")


def write_voc(parts: Sequence[Part], folder: Path, progress: Progress | None = None) -> tuple[int, tuple[str, ...]]:
    """Writes SegmentationObject, SegmentationClass, Annotations, ImageSets and labelmap.txt.

    Returns how many instances, and what VOC cannot hold. Raises MaskwrightError above 254 categories.
    """
    losses = Tally()
    written = 0
    indices = _indices(parts[0].categories)
    names = {category.id: _one_line(category.name) for category in parts[0].categories}
    lines = ["# label:color_rgb:parts:actions", "background:0,0,0::"]
    lines += [f"{names[number]}:{','.join(map(str, _COLORS[index].tolist()))}::" for number, index in indices.items()]
    (folder / "labelmap.txt").write_text("\n".join([*lines, ""]), encoding="utf-8")
    for part in parts:
        stems = []
        for one, instances in part.instances(progress):
            kept = ordinary(instances, losses)
            if len(kept) > _MOST:
                losses.add("Instances beyond the 254th of an image, which are lost", one.file_name, len(kept) - _MOST)
            kept = kept[:_MOST]
            stem = str(PurePosixPath(one.file_name).with_suffix(""))
            written += _write_pictures(folder, stem, one, kept, indices, losses)
            _write_xml(folder / "Annotations" / f"{stem}.xml", one, kept, names)
            stems.append(stem)
        sets = folder / "ImageSets" / "Segmentation" / f"{part.name or 'default'}.txt"
        sets.parent.mkdir(parents=True, exist_ok=True)
        sets.write_text("".join(f"{stem}\n" for stem in stems), encoding="utf-8")
    return written, losses.sentences()


def _objects(
    folder: Path, relative: PurePosixPath, name: str, palette: _Palette, tally: Tally
) -> Iterator[tuple[str, str, Drawn]]:
    """Where, category and mask of each object on an image."""
    file = folder / "SegmentationObject" / relative.with_name(f"{relative.name}.png")
    picture = read_label_image(file, name, colors=True)
    values = _indices_of(picture.values) if picture.is_color else picture.values
    void = values == _VOID
    if void.any():
        tally.add("Void pixels (index 255), which are of no object", name, int(np.count_nonzero(void)))
        values = np.where(void, 0, values)
    classes = _classes(folder, relative, palette, values.shape)
    stated = _xml_names(folder, relative)
    found = list(masks_in(values, name))
    if stated and len(stated) != len(found):
        tally.add("Images whose XML names another number of objects than their picture has", name)
    for value, mask in found:
        where = f"{name}, object {value}"
        by_xml = stated[value - 1] if value <= len(stated) else None
        category = None if classes is None else _category(classes, mask, where, palette)
        if category is None and by_xml is None:
            tally.add(f"Objects without a category, which were called {_UNNAMED}", where)
        elif category is not None and by_xml is not None and category != by_xml:
            tally.add("Objects whose XML names another category than SegmentationClass, which was taken", where)
        yield where, category or by_xml or _UNNAMED, Drawn(mask, (values.shape[1], values.shape[0]))


def _classes(
    folder: Path, relative: PurePosixPath, palette: _Palette, shape: tuple[int, ...]
) -> NDArray[np.int64] | None:
    """The packed colour (H, W) of each pixel of an image's SegmentationClass, where there is one."""
    file = folder / "SegmentationClass" / relative.with_name(f"{relative.name}.png")
    if not file.is_file():
        return None
    check_inside(folder, file)
    name = name_in(folder, file)
    picture = read_label_image(file, name, colors=True)
    if picture.values.shape != shape:
        raise InvalidDataset(f"{name} is not of the same size as its picture in SegmentationObject.")
    if picture.is_color:
        return picture.values.astype(np.int64)
    order = palette.order if picture.colors is None else picture.colors.astype(np.int64) @ (65536, 256, 1)
    padded = np.full(256, int(_PACKED[_VOID]))
    padded[: len(order)] = order
    padded[_VOID] = _PACKED[_VOID]
    if picture.values.max(initial=0) > _VOID:
        raise InvalidDataset(f"{name} has values above 255, which are no classes.")
    return padded[picture.values]


def _category(classes: NDArray[np.int64], mask: Mask, where: str, palette: _Palette) -> str | None:
    """What most of an object's pixels are; None where all are background or void."""
    x1, y1, x2, y2 = mask.bounds
    colors, counts = np.unique(classes[y1:y2, x1:x2][mask.bitmap], return_counts=True)
    for color in colors[np.argsort(-counts, kind="stable")].tolist():
        if color in (0, int(_PACKED[_VOID])):
            continue
        if color not in palette.names:
            rgb = f"{color >> 16}, {color >> 8 & 255}, {color & 255}"
            raise InvalidDataset(
                f"{where}: SegmentationClass has the colour {rgb} there, which no category has.",
                remedy="Put a labelmap.txt with a line NAME:RED,GREEN,BLUE:: for each category into the folder.",
            )
        if palette.names[color] not in _NO_CATEGORIES:
            return palette.names[color]
    return None


def _read_palette(folder: Path) -> _Palette:
    file = folder / "labelmap.txt"
    if not file.is_file():
        return _Palette({int(_PACKED[index]): name for index, name in enumerate(_VOC_NAMES, start=1)}, _PACKED)
    check_inside(folder, file)
    names: dict[int, str] = {}
    order = []
    for number, line in enumerate(read_text(file, file.name).splitlines(), start=1):
        if not line.strip() or (line.startswith("#") and "color_rgb" in line):
            continue
        pieces = line.strip().rsplit(":", 3)
        channels = pieces[1].split(",") if len(pieces) == 4 else []
        if len(channels) != 3 or not all(_is_byte(channel.strip()) for channel in channels) or not pieces[0].strip():
            raise InvalidDataset(f"labelmap.txt, line {number}: NAME:RED,GREEN,BLUE:PARTS:ACTIONS is expected.")
        red, green, blue = (int(channel) for channel in channels)
        color = red << 16 | green << 8 | blue
        if color in names:
            raise InvalidDataset(f"labelmap.txt, line {number}: {shown(names[color])!r} has that colour already.")
        names[color] = pieces[0].strip()
        order.append(color)
    if len(order) > 256:
        raise InvalidDataset("labelmap.txt names more than 256 categories.")
    return _Palette(names, np.array(order, dtype=np.int64))


def _is_byte(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 3 and int(text) < 256


def _indices_of(colors: Labels) -> Labels:
    """The indices that packed colours (H, W) stand for; those that VOC does not have come after its 256."""
    present, which = np.unique(colors, return_inverse=True)
    known = {int(color): index for index, color in reversed(list(enumerate(_PACKED.tolist())))}
    unknown = iter(range(256, 256 + len(present)))
    indices = np.array([known[color] if color in known else next(unknown) for color in present.tolist()])
    return indices[which].reshape(colors.shape)


def _xml_names(folder: Path, relative: PurePosixPath) -> list[str]:
    """The categories of the objects that an image's XML file lists, in its order; none without such a file."""
    file = folder / "Annotations" / relative.with_name(f"{relative.name}.xml")
    if not file.is_file():
        return []
    check_inside(folder, file)
    name = name_in(folder, file)
    text = read_text(file, name)
    # Entities can make a small file endless or read others; no VOC file declares any.
    if "<!DOCTYPE" in text.upper() or "<!ENTITY" in text.upper():
        raise InvalidDataset(f"{name} declares a document type, which is not read.", remedy="Remove the declaration.")
    try:
        root = ElementTree.fromstring(text)
    except (ElementTree.ParseError, ValueError) as error:
        raise InvalidDataset(f"{name} is not valid XML: {error}.") from error
    return [(each.findtext("name") or "").strip() or _UNNAMED for each in root.findall("object")]


def _note_unlabelled(folder: Path, known: set[str], tally: Tally) -> None:
    sets = folder / "ImageSets" / "Segmentation"
    noted: set[str] = set()
    for file in files_below(sets, {".txt"}) if sets.is_dir() else ():
        check_inside(folder, file)
        for stem in read_text(file, name_in(folder, file)).split():
            if str(PurePosixPath("JPEGImages") / stem) not in known and stem not in noted:
                noted.add(stem)
                tally.add(
                    "Images in ImageSets without a picture in SegmentationObject, which were left out", shown(stem)
                )


def _color(palette: _Palette, name: str) -> str | None:
    packed = next((color for color, other in palette.names.items() if other == name), None)
    return None if packed is None else f"#{packed:06x}"


def _indices(categories: Sequence[Category]) -> dict[int, int]:
    """The index of each category by its id: VOC's own where all are VOC's, else from 1 on."""
    if len(categories) > _MOST:
        raise MaskwrightError(
            f"VOC can tell {_MOST} categories apart, not {len(categories)}.", remedy="Choose another format."
        )
    if all(category.name in _VOC_NAMES for category in categories):
        return {category.id: _VOC_NAMES.index(category.name) + 1 for category in categories}
    return {category.id: index for index, category in enumerate(categories, start=1)}


def _write_pictures(
    folder: Path,
    stem: str,
    one: ExportImage,
    instances: Sequence[Instance],
    indices: Mapping[int, int],
    losses: Tally,
) -> int:
    """Writes the objects of an image and their classes; returns how many objects can be seen."""
    objects = paint(instances, one.image.width, one.image.height, losses, one.file_name)
    classes = np.array([0, *(indices[instance.category_id] for instance in instances)], dtype=np.uint8)[objects]
    _write_picture(folder / "SegmentationObject" / f"{stem}.png", objects.astype(np.uint8))
    _write_picture(folder / "SegmentationClass" / f"{stem}.png", classes)
    return len(np.unique(objects)) - int((objects == 0).any())


def _write_picture(path: Path, indices: Labels) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Pillow.fromarray(indices)
    picture.putpalette(_COLORS.tobytes())
    picture.save(path)


def _write_xml(path: Path, one: ExportImage, instances: Sequence[Instance], names: Mapping[int, str]) -> None:
    root = ElementTree.Element("annotation")
    _add(root, "filename", _one_line(PurePosixPath(one.file_name).name))
    size = ElementTree.SubElement(root, "size")
    for key, length in (("width", one.image.width), ("height", one.image.height), ("depth", 3)):
        _add(size, key, length)
    _add(root, "segmented", 1)
    for instance in instances:
        entry = ElementTree.SubElement(root, "object")
        _add(entry, "name", names[instance.category_id])
        box = ElementTree.SubElement(entry, "bndbox")
        x1, y1, x2, y2 = instance.mask.bounds
        # VOC counts pixels from 1, and both corners are inside.
        for key, place in (("xmin", x1 + 1), ("ymin", y1 + 1), ("xmax", x2), ("ymax", y2)):
            _add(box, key, place)
    path.parent.mkdir(parents=True, exist_ok=True)
    ElementTree.indent(root)
    path.write_text(ElementTree.tostring(root, encoding="unicode"), encoding="utf-8")


def _add(parent: ElementTree.Element, key: str, value: Any) -> None:
    ElementTree.SubElement(parent, key).text = str(value)


def _one_line(name: str) -> str:
    """A name without what neither a line of text nor XML can hold."""
    return "".join(character if character.isprintable() else " " for character in name)
