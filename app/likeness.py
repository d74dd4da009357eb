"""More like this: proposals and ghosts by how alike the model sees them to one instance, on every image it has seen.

Alike is what the box head makes of two boxes: the cosine of its last hidden layers, 1 for the same content.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QTimer, Signal

from app.jobs.pixels import PixelCache
from app.jobs.prediction import Prediction
from app.session import Session
from app.translation import tr, trn
from engine.errors import MaskwrightError
from engine.geometry.mask import Mask
from engine.project import Edit, Project, commands
from engine.records import Image, Instance, InstanceState

if TYPE_CHECKING:
    from engine.inference import Features, Predictor

PICTURE = 72  # side of an instance's picture in pixels
MARGIN = 0.35  # of the longer side of an instance's bounds, shown around it
MOST_KEPT = 500  # the most alike ones; who takes more looks again

Picture = NDArray[np.uint8]  # (PICTURE, PICTURE, 3) RGB
# Instances, what the model sees in each (n, d), and their pictures.
Seen = tuple[Sequence[Instance], NDArray[np.float32], Sequence[Picture]]


@dataclass(frozen=True, slots=True)
class Alike:
    """A proposal, how alike it is, from -1 to 1, and what it looks like."""

    instance: Instance
    likeness: float
    picture: Picture


class Likeness(QObject):
    """Looks through the images one by one, the current one first."""

    changed = Signal()  # more is known, or it has been looked through everything
    failed = Signal(str)

    def __init__(self, session: Session, prediction: Prediction, cache: PixelCache) -> None:
        super().__init__()
        self._session = session
        self._prediction = prediction
        self._cache = cache
        self.found: list[Alike] = []  # the most alike first
        self.left_out = 0  # images that could not be looked through
        self.model: Instance | None = None  # what they are alike to
        self._wanted: NDArray[np.float32] | None = None
        self._images: list[Image] = []  # that are still to be looked through
        self._turn = QTimer(self, singleShot=True, interval=0)
        self._turn.timeout.connect(self._look)
        session.project_changed.connect(self.stop)

    @property
    def is_looking(self) -> bool:
        return bool(self._images)

    @property
    def category_id(self) -> int | None:
        """The category that is taken for all: of what they are alike to as it is now."""
        if self.model is None:
            return None
        now = self._session.instances.get(self.model.id, self.model)
        return now.category_id if now.category_id in self._session.categories else None

    def look_for(self, instance: Instance) -> bool:
        """Begin to look for what is like an instance of the current image. False where there is no model to ask."""
        session, current = self._session, self._session.image
        assert current is not None
        self.stop()
        self.model = instance
        others = [image for image in session.images.values() if image.id != current.id]
        self._images = [current, *(image for image in others if self._prediction.has_seen(image))]
        return self._ask(current, [instance, *_undecided(session.instances.values(), instance.id)])

    def stop(self) -> None:
        """Look no further."""
        self._turn.stop()
        self.found, self.left_out, self.model, self._wanted, self._images = [], 0, None, None, []
        self.changed.emit()

    def take(self, chosen: Iterable[Alike]) -> None:
        """Accept those that are still there, in the category of what they are alike to, as one edit."""
        session, category_id, ids = self._session, self.category_id, {each.instance.id for each in chosen}
        if session.project is None or category_id is None or not ids:
            return
        image_ids = {each.instance.image_id for each in self.found if each.instance.id in ids}
        path, made = session.project.path, []

        def build() -> Edit:
            made.append(_accepting(path, image_ids, ids, category_id))
            return made[0]

        session.change(build, len(ids), lambda: self._taken(ids, len(made[0].changes)))

    # -- inside

    def _taken(self, ids: Collection[int], count: int) -> None:
        self.found = [each for each in self.found if each.instance.id not in ids]
        self.changed.emit()
        self._session.notice.emit(trn("{count} proposal accepted.", "{count} proposals accepted.", count))

    def _look(self) -> None:
        """Look through the next image."""
        if self._session.project is not None and self._images and not self._ask(self._images[0]):
            self._go_on(self._images[0])

    def _ask(self, image: Image, instances: Sequence[Instance] | None = None) -> bool:
        """Ask about instances of an image, where none are given about all that nobody decided about."""
        session = self._session
        assert session.project is not None
        project_path, path = session.project.path, session.project.image_path(image)
        cache, model = self._cache, self.model

        def answer(predictor: Predictor, features: Features) -> Seen:
            asked = instances if instances is not None else _undecided_on(project_path, image.id)
            pixels = cache.read(path, image.page).rgb
            described = predictor.describe(features, [each.mask.bounds for each in asked])
            return asked, described, [picture_of(pixels, each.mask) for each in asked]

        def done(seen: Seen) -> None:
            if model is self.model:
                self._take_in(image, *seen)

        def failed(why: str) -> None:
            if model is not self.model:
                return
            if why and self._wanted is not None:  # such as a file that is gone: the other images are still there
                self.left_out += 1
                self._go_on(image)
            else:
                self._fail(why)

        return self._prediction.ask(answer, done, failed, image=image, keep=True)

    def _take_in(
        self, image: Image, instances: Sequence[Instance], seen: NDArray[np.float32], pictures: Sequence[Picture]
    ) -> None:
        if self._wanted is None:
            self._wanted, instances, seen, pictures = seen[0], instances[1:], seen[1:], pictures[1:]
        likeness = (seen @ self._wanted).tolist()
        new = [Alike(*each) for each in zip(instances, likeness, pictures, strict=True)]
        self.found = sorted([*self.found, *new], key=lambda each: -each.likeness)[:MOST_KEPT]
        self._go_on(image)

    def _go_on(self, image: Image) -> None:
        self._images = [each for each in self._images if each.id != image.id]
        self.changed.emit()
        if self._images:
            self._turn.start()

    def _fail(self, why: str) -> None:
        self._images = []
        self.failed.emit(why or tr("The model cannot be asked any more."))


def _accepting(path: Path, image_ids: Iterable[int], ids: Collection[int], category_id: int) -> Edit:
    """Accepts instances as they are now, in a category. Raises MaskwrightError where none is undecided any more."""
    with Project.open(path, read_only=True) as project:
        instances = [each for image_id in image_ids for each in _undecided(project.instances(image_id))]
    there = [each for each in instances if each.id in ids]
    if not there:
        raise MaskwrightError(tr("These were decided meanwhile. Look for more like this again."))
    return commands.accept_as(there, category_id)


def _undecided_on(path: Path, image_id: int) -> list[Instance]:
    with Project.open(path, read_only=True) as project:
        return _undecided(project.instances(image_id))


def _undecided(instances: Iterable[Instance], but: int | None = None) -> list[Instance]:
    """Proposals, shown or not, with pixels."""
    proposals = (each for each in instances if each.state is InstanceState.PROPOSAL)
    return [each for each in proposals if each.id != but and not each.mask.is_empty]


def picture_of(pixels: NDArray[np.uint8], mask: Mask) -> Picture:
    """An instance in the middle of a square of an (H, W, 3) image, with its outline."""
    height, width = pixels.shape[:2]
    x1, y1, x2, y2 = mask.bounds
    half = max(x2 - x1, y2 - y1) * (0.5 + MARGIN)
    left, top = round((x1 + x2) / 2 - half), round((y1 + y2) / 2 - half)
    side = max(round(2 * half), 1)
    inside = max(left, 0), max(top, 0), min(left + side, width), min(top + side, height)
    square = np.zeros((side, side, 3), dtype=np.uint8)
    square[inside[1] - top : inside[3] - top, inside[0] - left : inside[2] - left] = pixels[
        inside[1] : inside[3], inside[0] : inside[2]
    ]
    shrunk = cv2.INTER_AREA if side > PICTURE else cv2.INTER_LINEAR
    picture = cv2.resize(square, (PICTURE, PICTURE), interpolation=shrunk).astype(np.uint8, copy=False)
    bitmap = mask.crop(left, top, left + side, top + side).astype(np.uint8)
    small = np.asarray(cv2.resize(bitmap, (PICTURE, PICTURE), interpolation=cv2.INTER_AREA))
    rings, _ = cv2.findContours(small, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(picture, rings, -1, (255, 255, 255), 1)
    return picture
