"""All images of a session in the queue's order, as arrays: a hundred thousand are arranged in a few milliseconds."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject

from app.session import Session
from engine.records import Review

Ids = NDArray[np.int64]


class Arrangement(QObject):
    """Knows which images nobody decided about yet."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._ids: Ids = np.zeros(0, np.int64)  # ascending, as they were added
        self._open: NDArray[np.bool_] = np.zeros(0, np.bool_)
        session.images_changed.connect(self._read)
        session.image_updated.connect(self._update)
        self._read()

    def of(self, front: Sequence[int], ranked: Ids) -> list[int]:
        """Every image: of the open ones first `front`, then `ranked`, then the others in list order; at last what is
        decided, in list order too."""
        taken = ~self._open

        def take(places: NDArray[np.intp]) -> NDArray[np.intp]:
            fresh = places[~taken[places]]
            taken[fresh] = True
            return fresh

        first = take(self._places_of(np.array(front, np.int64)))
        parts = [first, take(self._places_of(ranked)), np.flatnonzero(~taken), np.flatnonzero(~self._open)]
        order: list[int] = self._ids[np.concatenate(parts)].tolist()
        return order

    def _places_of(self, ids: Ids) -> NDArray[np.intp]:
        """Where images are in the list; those that are gone are left out."""
        if not len(self._ids):
            return np.zeros(0, np.intp)
        places = np.searchsorted(self._ids, ids).clip(max=len(self._ids) - 1)
        return places[self._ids[places] == ids]

    def _read(self) -> None:
        images = self._session.images
        self._ids = np.fromiter(images, np.int64, len(images))
        self._open = np.fromiter((image.review is Review.OPEN for image in images.values()), np.bool_, len(images))

    def _update(self, image_id: int) -> None:
        places = self._places_of(np.array([image_id], np.int64))
        self._open[places] = self._session.images[image_id].review is Review.OPEN
