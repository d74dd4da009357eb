"""The models that can be had: bundled ones, and published ones that are downloaded when a person wants them.

Knows no torch, so that the list is there at once. `MASKWRIGHT_MODELS` names a JSON file of further published models,
a list of objects with the fields of `Published`, for an institution's own server.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, fields
from pathlib import Path

from engine.checkpoints.card import ModelCard, read_card
from engine.errors import InvalidCheckpoint, MaskwrightError
from engine.nn.spec import ModelSpec
from engine.project.category_maps import PLACEHOLDER
from engine.resources import BUNDLED_WEIGHTS
from engine.user_folders import data_folder

FURTHER = "MASKWRIGHT_MODELS"
COCO = "COCO 2017, CC BY 4.0 annotations"
FIRST_OF_COCO = ("person", "bicycle", "car", "motorcycle", "airplane")
LISTED = 5
"""Names of categories in a line; the rest is counted."""


@dataclass(frozen=True, kw_only=True)
class Published:
    """A model that somebody else hosts, as a state dict of one of torchvision's Mask R-CNNs."""

    name: str
    """Also of its file here."""
    title: str
    url: str
    sha256_prefix: str
    """First digits of the file's SHA-256; torchvision's file names carry them."""
    megabytes: int
    """To download; what is kept is half of it, in half precision."""
    licence: str
    data: str
    category_count: int
    first_categories: tuple[str, ...]
    """All of them, in the order of the outputs, where the model is not of COCO's."""
    figures: str = ""
    """How good it is by its publisher's own figures."""

    @property
    def names_all(self) -> bool:
        """Whether every category is named here."""
        return len(self.first_categories) == self.category_count


TORCHVISION_V2 = Published(
    name="r50-fpn-v2-coco",
    title="Mask R-CNN R50-FPN v2, COCO",
    url="https://download.pytorch.org/models/maskrcnn_resnet50_fpn_v2_coco-73cbd019.pth",
    sha256_prefix="73cbd019",
    megabytes=177,
    licence="BSD-3-Clause",
    data=COCO,
    category_count=80,
    first_categories=FIRST_OF_COCO,
    figures="COCO val2017: box AP 47.4, mask AP 41.8",
)
TORCHVISION_V1 = Published(
    name="r50-fpn-coco",
    title="Mask R-CNN R50-FPN, COCO",
    url="https://download.pytorch.org/models/maskrcnn_resnet50_fpn_coco-bf2d0c1e.pth",
    sha256_prefix="bf2d0c1e",
    megabytes=170,
    licence="BSD-3-Clause",
    data=COCO,
    category_count=80,
    first_categories=FIRST_OF_COCO,
    figures="COCO val2017: box AP 37.9, mask AP 34.6",
)


@dataclass(frozen=True)
class Entry:
    """A model of the list: `path` is its checkpoint, None before it is downloaded; `card` is known with it."""

    name: str
    title: str
    path: Path | None
    card: ModelCard | None
    published: Published | None

    @property
    def bundled(self) -> bool:
        return self.published is None

    @property
    def megabytes(self) -> int:
        """Of the file that is here, or else to download."""
        if self.path is not None:
            return round(self.path.stat().st_size / 1e6)
        return self.published.megabytes if self.published is not None else 0

    @property
    def category_count(self) -> int:
        """How many categories it finds."""
        if self.card is not None:
            return len(real_categories(self.card.spec))
        return self.published.category_count if self.published is not None else 0

    @property
    def first_categories(self) -> tuple[str, ...]:
        """Some of them, or all where they are few."""
        if self.card is not None:
            return real_categories(self.card.spec)[:LISTED]
        return self.published.first_categories if self.published is not None else ()


def models_folder() -> Path:
    """Where downloaded models lie."""
    return data_folder() / "models"


def checkpoint_path(published: Published) -> Path:
    """Where the checkpoint of a published model lies once it is downloaded."""
    return models_folder() / f"{published.name}.safetensors"


def published_models() -> list[Published]:
    """What can be downloaded, the better one first.

    Raises:
        MaskwrightError: the file of further models is wrong.
    """
    return [*_further(), TORCHVISION_V2, TORCHVISION_V1]


def published_named(name: str) -> Published:
    """The published model of that name.

    Raises:
        MaskwrightError: there is none.
    """
    known = {each.name: each for each in published_models()}
    if name not in known:
        raise MaskwrightError(f"There is no model {name!r} to download.", remedy=f"There are {', '.join(known)}.")
    return known[name]


def entries() -> list[Entry]:
    """Every bundled and published model, with its card where its file is there and whole."""
    listed = []
    bundled = _card(BUNDLED_WEIGHTS)
    if bundled is not None:
        listed.append(Entry(bundled.name, bundled.name, BUNDLED_WEIGHTS, bundled, None))
    for published in published_models():
        path = checkpoint_path(published)
        card = _card(path)
        listed.append(Entry(published.name, published.title, path if card is not None else None, card, published))
    return listed


def real_categories(spec: ModelSpec) -> tuple[str, ...]:
    """The categories that objects can be of."""
    return tuple(name for name in spec.categories if name != PLACEHOLDER)


def _card(path: Path) -> ModelCard | None:
    try:
        return read_card(path)
    except InvalidCheckpoint:
        return None


def _further() -> list[Published]:
    named = os.environ.get(FURTHER)
    if not named:
        return []
    try:
        values = json.loads(Path(named).read_text(encoding="utf-8"))
        return [_published(each) for each in values]
    except (OSError, ValueError, TypeError, KeyError) as error:
        wanted = ", ".join(each.name for each in fields(Published))
        raise MaskwrightError(
            f"{named}, which {FURTHER} names, is no list of models: {error}.",
            remedy=f"It is JSON: a list of objects with {wanted}.",
        ) from error


def _published(values: dict[str, object]) -> Published:
    made = Published(**{**values, "first_categories": tuple(values["first_categories"])})  # type: ignore[arg-type]
    for each in fields(Published):
        expected = {"megabytes": int, "category_count": int, "first_categories": tuple}.get(each.name, str)
        if not isinstance(getattr(made, each.name), expected):
            raise TypeError(f"{each.name} is {getattr(made, each.name)!r}")
    if Path(made.name).name != made.name or not made.name:
        raise ValueError(f"{made.name!r} cannot be a file's name")
    return made
