"""What of a project goes into an export, into which part, and where the image files go. The formats only write it.

An export is complete or not there: a folder is made beside its place and takes its name at the end.
"""

import itertools
import json
import math
import os
import random
import shutil
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path, PurePosixPath, PureWindowsPath

from engine.errors import MaskwrightError
from engine.formats.reading import Tally
from engine.geometry import polygons
from engine.project.project import Project
from engine.records import Category, Image, ImageStatus, Instance

Progress = Callable[[int, int], None]

# What a person declared complete: the others may have objects that nobody marked, and would teach a model to miss them.
COMPLETE = frozenset({ImageStatus.ACCEPTED, ImageStatus.VERIFIED_EMPTY})


@dataclass(frozen=True, slots=True)
class Selection:
    """Which images to export: those of a status, and of those the hold-out only, all but it, or (None) both."""

    statuses: frozenset[ImageStatus] = COMPLETE
    hold_out: bool | None = None

    def takes(self, image: Image) -> bool:
        """Whether an image is exported."""
        return image.status in self.statuses and self.hold_out in (None, image.hold_out)


@dataclass(frozen=True, slots=True)
class Split:
    """Parts such as ("train", 0.8), ("val", 0.2) and which images stay together in one of them.

    `group_by` is "" for none, "folder" for the folder of an image's file, else a key of its imported record. The same
    seed and images give the same parts.
    """

    shares: tuple[tuple[str, float], ...]
    seed: int = 0
    group_by: str = ""


class ImageFiles(StrEnum):
    """What becomes of the image files in an export to a folder."""

    LEAVE = "leave"
    COPY = "copy"
    LINK = "link"


@dataclass(frozen=True, slots=True)
class ExportImage:
    """An image, its file, and the name it has in the export: relative, with `/`, unique but for the page."""

    image: Image
    path: Path
    file_name: str


@dataclass(frozen=True, slots=True)
class Part:
    """The images of one part of an export, in the project's order; without a split there is one, named ""."""

    name: str
    project: Project
    images: tuple[ExportImage, ...]
    categories: tuple[Category, ...]

    def instances(self, progress: Progress | None = None) -> Iterator[tuple[ExportImage, list[Instance]]]:
        """Each image with its accepted instances, read as they are asked for.

        `progress(done, total)` counts images and may raise to give up.
        """
        accepted = self.project.accepted_instances([one.image.id for one in self.images])
        for done, (exported, (_, instances)) in enumerate(zip(self.images, accepted, strict=True), start=1):
            yield exported, instances
            if progress is not None:
                progress(done, len(self.images))


@dataclass(frozen=True, slots=True)
class ExportReport:
    """The file or folder that was written, what it holds, and what its format could not."""

    path: Path
    images: int
    annotations: int
    losses: tuple[str, ...] = ()


def parts_of(project: Project, selection: Selection, split: Split | None = None) -> list[Part]:
    """What to export. Raises MaskwrightError where the shares are no shares."""
    chosen = [image for image in project.images() if selection.takes(image)]
    categories = tuple(project.categories())
    names = file_names(chosen)
    exported = [ExportImage(image, project.image_path(image), name) for image, name in zip(chosen, names, strict=True)]
    if split is None:
        return [Part("", project, tuple(exported), categories)]
    assigned = _divide(exported, split)
    return [
        Part(name, project, tuple(one for one in exported if assigned[one.image.id] == name), categories)
        for name, _ in split.shares
    ]


def file_names(images: Sequence[Image]) -> list[str]:
    """A name for each image in an export: the imported one, else that of its file; never one for two files."""
    names: list[str] = []
    owners: dict[str, str] = {}
    for image in images:
        imported = json.loads(image.source).get("file_name") if image.source else None
        # An image outside the project's folder has an absolute path, which says nothing on another machine.
        candidates = (imported, _short_name(image.path), f"{image.id}-{_short_name(image.path)}", image.path)
        name = next(one for one in candidates if one and owners.get(one, image.path) == image.path)
        owners[name] = image.path
        names.append(name)
    return names


def one_file_an_image(parts: Sequence[Part]) -> tuple[list[Part], tuple[str, ...]]:
    """The parts for a format that has one file an image, named like it but for the suffix; and what that costs.

    Later pages of a file are left out, and an image whose name differs from another's in the suffix (or in capitals,
    which some disks do not tell apart) only gets the suffix into its name.
    """
    losses = Tally()
    taken: set[str] = set()
    changed = []
    for part in parts:
        images = []
        for one in part.images:
            if one.image.page:
                losses.add("Later pages of a file, which have no name in this format and were left out", one.file_name)
                continue
            name = _distinct(PurePosixPath(one.file_name), taken)
            if name != one.file_name:
                losses.add("Images renamed because another has their name but for the suffix", name)
            images.append(replace(one, file_name=name))
        changed.append(replace(part, images=tuple(images)))
    return changed, losses.sentences()


def ordinary(instances: Sequence[Instance], losses: Tally) -> list[Instance]:
    """The instances but for crowd regions, which only COCO knows."""
    crowds = sum(instance.crowd for instance in instances)
    if crowds:
        losses.add("Crowd regions, which this format does not know and were left out", count=crowds)
    return [instance for instance in instances if not instance.crowd]


def polygons_of(instance: Instance, width: int, height: int) -> list[list[float]] | None:
    """Rings [x, y, x, y, ...] that COCO's filling turns into the instance's mask on an image of that size.

    Those it was imported with, while its mask is unchanged; None where none are exact, as with holes.
    """
    imported = json.loads(instance.source).get("segmentation") if instance.source else None
    if isinstance(imported, list):
        return [ring for ring in imported if len(ring) >= 6]
    return polygons.to_coco_polygons(instance.mask, height, width)


def place_images(part: Part, folder: Path, how: ImageFiles) -> None:
    """Copies or links the files of a part's images into a folder, under their names there.

    Raises MaskwrightError where a file is missing. Several pages of one file are placed once.
    """
    for path, name in dict.fromkeys((one.path, one.file_name) for one in part.images):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if not path.is_file():
            raise MaskwrightError(
                f"The image {path} is missing, so it cannot go into the export.",
                remedy="Find it again (Project, Image Files), or export without the image files.",
            )
        if how is ImageFiles.COPY:
            shutil.copyfile(path, target)
        elif how is ImageFiles.LINK:
            _link(path, target)


def _link(path: Path, target: Path) -> None:
    """A hard link where both are on one disk, because it survives when the original is moved, else a symbolic one."""
    with suppress(OSError):
        os.link(path.resolve(), target)
        return
    target.symlink_to(path.resolve())


def _divide(images: Sequence[ExportImage], split: Split) -> dict[int, str]:
    """The part of each image, by id: groups in random order go where most is missing of what the share asks for."""
    total = sum(share for _, share in split.shares)
    if not split.shares or not math.isfinite(total) or any(not share > 0 for _, share in split.shares):
        raise MaskwrightError("The shares of a split are numbers above zero, such as train=0.8 and val=0.2.")
    if len({name for name, _ in split.shares}) < len(split.shares):
        raise MaskwrightError("Two parts of a split have the same name.", remedy="Give each part its own name.")
    for name, _ in split.shares:
        if not name or name != PureWindowsPath(name).name or name.startswith("."):
            raise MaskwrightError(f"{name!r} cannot be the name of a folder.", remedy="Choose one such as train.")
    groups: dict[str, list[int]] = defaultdict(list)
    for one in images:
        groups[_group(one, split.group_by)].append(one.image.id)
    order = sorted(groups)
    random.Random(split.seed).shuffle(order)
    # Large groups first: a late one would overshoot its part.
    order.sort(key=lambda name: -len(groups[name]))
    wanted = {name: share / total * len(images) for name, share in split.shares}
    filled: Counter[str] = Counter()
    assigned: dict[int, str] = {}
    for group in order:
        part = max(wanted, key=lambda name: wanted[name] - filled[name])
        filled[part] += len(groups[group])
        assigned.update(dict.fromkeys(groups[group], part))
    return assigned


def _group(one: ExportImage, group_by: str) -> str:
    if group_by == "folder":
        return str(PurePosixPath(one.image.path).parent)
    value = json.loads(one.image.source).get(group_by) if group_by and one.image.source else None
    # Pages of one file are never apart, whatever the grouping; the file's path groups them.
    return one.image.path if value is None else f"\0{value}"


def _distinct(name: PurePosixPath, taken: set[str]) -> str:
    """The name, with its suffix in it and then a number where that is needed; notes it as taken."""
    numbered = (f"{name.stem}_{number}" for number in itertools.count(2))
    stems = itertools.chain((name.stem, f"{name.stem}_{name.suffix[1:]}"), numbered)
    stem = next(stem for stem in stems if str(name.with_name(stem)).casefold() not in taken)
    taken.add(str(name.with_name(stem)).casefold())
    return str(name.with_name(stem + name.suffix))


def _short_name(path: str) -> str:
    windows = PureWindowsPath(path)
    return windows.name if windows.root or ".." in windows.parts else path
