"""The proposals of the open image that are not shown because the model doubts them, and which one is at a place."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject

from app.session import Session
from engine.project.instance_filter import is_ghost
from engine.records import Instance


class Ghosts(QObject):
    """Quick enough for every movement of the pointer: what was looked up once is kept until it may have changed."""

    def __init__(self, session: Session, parent: QObject) -> None:
        super().__init__(parent)
        self._session = session
        self._all: list[Instance] | None = None
        self._bounds: NDArray[np.int64] = np.zeros((0, 4), dtype=np.int64)
        # After each of these, others may be ghosts.
        self.signals = session.image_changed, session.instances_changed, session.threshold_changed
        for signal in self.signals:
            signal.connect(self._forget)

    def all(self) -> list[Instance]:
        """Those with pixels, the likeliest first."""
        if self._all is None:
            threshold = self._session.threshold
            found = [
                each
                for each in self._session.instances.values()
                if is_ghost(each, threshold) and not each.hidden and not each.mask.is_empty
            ]
            self._all = sorted(found, key=lambda each: (-(each.score or 0.0), each.id))
            self._bounds = np.array([each.mask.bounds for each in self._all], dtype=np.int64).reshape(-1, 4)
        return self._all

    def at(self, x: float, y: float) -> Instance | None:
        """The likeliest one at a point in continuous image coordinates."""
        everything = self.all()
        x1, y1, x2, y2 = self._bounds.T
        near = np.flatnonzero((x1 <= x) & (x < x2) & (y1 <= y) & (y < y2))
        return next((everything[i] for i in near if everything[i].mask.contains(x, y)), None)

    def _forget(self, *_: object) -> None:
        self._all = None
