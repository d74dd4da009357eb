"""The outline of the instance whose vertices are shown, found once for a mask; where that takes long in a thread."""

import sys
from collections import deque
from dataclasses import dataclass

from PySide6.QtCore import QObject, Qt, QThreadPool, QTimer, Signal

from engine.geometry.mask import Mask
from engine.geometry.outline import Outline, outline_of, outline_of_source
from engine.records import Instance

KEPT = 8  # outlines: so many steps of undo bring handles back as they were left
SHORT = 1 << 16  # pixels of a mask's bounds up to which its outline takes some milliseconds, however jagged it is
LATE_AFTER = 200  # milliseconds; what is found sooner would only make the message flicker


@dataclass(frozen=True, eq=False)
class _Wanted:
    """What an outline is looked for: a mask on an image (width, height), its source record, the tolerance in pixels."""

    mask: Mask
    source: str | None
    image_size: tuple[int, int]
    tolerance: float

    def is_like(self, other: "_Wanted") -> bool:
        return self.mask is other.mask and self.source == other.source and self.tolerance == other.tolerance


@dataclass(frozen=True, eq=False)
class _Known:
    wanted: _Wanted
    outline: Outline


class _Search(QObject):
    """Lives in the GUI thread, where its signal is heard."""

    ended = Signal(object)  # _Known, or None where it failed


class Handles(QObject):
    """`outline` is that of the instance followed, None while there is none or it is still being found."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.outline: Outline | None = None
        self._wanted: _Wanted | None = None
        self._searching = False
        self._known: deque[_Known] = deque(maxlen=KEPT)
        self._search = _Search()
        self._search.ended.connect(self._on_ended, Qt.ConnectionType.QueuedConnection)
        self._late = QTimer(self, singleShot=True, interval=LATE_AFTER)
        self._late.timeout.connect(self.changed)

    @property
    def waiting(self) -> bool:
        """Whether the outline is still being found."""
        return self._wanted is not None and self.outline is None

    @property
    def late(self) -> bool:
        """Whether that takes so long that a person wonders."""
        return self.waiting and not self._late.isActive()

    def follow(self, instance: Instance | None, image_size: tuple[int, int], tolerance: float) -> None:
        """Show the handles of an instance on an image (width, height), or none."""
        if instance is None:
            wanted = None
        else:
            wanted = _Wanted(instance.mask, instance.source, image_size, tolerance)
            if self._wanted is not None and wanted.is_like(self._wanted):
                return
        if wanted is self._wanted:
            return
        self._wanted = wanted
        known = next((one for one in self._known if wanted is not None and wanted.is_like(one.wanted)), None)
        self._set(known.outline if known is not None else None)
        if known is None and wanted is not None:
            if wanted.mask.bitmap.size <= SHORT:
                self._keep(_find(wanted, list(self._known)))
            else:
                self._late.start()
                self._begin(wanted)

    def remember(self, mask: Mask, source: str | None, outline: Outline) -> None:
        """An outline that is known to be that of a mask, because it was changed along with it."""
        assert self._wanted is not None
        wanted = _Wanted(mask, source, self._wanted.image_size, self._wanted.tolerance)
        self._known.appendleft(_Known(wanted, outline))
        if wanted.is_like(self._wanted):
            self._set(outline)

    def _begin(self, wanted: _Wanted) -> None:
        """Find an outline in a thread, once the one that is being found is."""
        if not self._searching:
            self._searching = True
            known, search = list(self._known), self._search
            QThreadPool.globalInstance().start(lambda: _work(wanted, known, search))

    def _on_ended(self, found: _Known | None) -> None:
        self._searching = False
        if found is None:
            self._wanted = None
            return
        self._keep(found)
        if self._wanted is not None and self.outline is None:
            self._begin(self._wanted)

    def _keep(self, found: _Known) -> None:
        self._known.appendleft(found)
        if self._wanted is not None and found.wanted.is_like(self._wanted):
            self._set(found.outline)

    def _set(self, outline: Outline | None) -> None:
        if outline is not self.outline:
            self.outline = outline
            self.changed.emit()


def _work(wanted: _Wanted, known: list[_Known], search: _Search) -> None:
    found = None
    try:
        found = _find(wanted, known)
        found.outline.nearest_edge(0, 0, 0)  # what the first look computes takes more than a frame where it is long
    except Exception:  # noqa: BLE001 - told like any other fault; the canvas goes on without handles
        sys.excepthook(*sys.exc_info())
    search.ended.emit(found)


def _find(wanted: _Wanted, known: list[_Known]) -> _Known:
    """The outline, from one of the same mask if it is known: after undo a mask is equal and another object."""
    for one in known:
        if one.wanted.source == wanted.source and one.wanted.mask == wanted.mask:
            same = one.wanted.tolerance == wanted.tolerance
            return _Known(wanted, one.outline if same else one.outline.thinned(wanted.tolerance))
    vertices = outline_of_source(wanted.source, wanted.mask, wanted.image_size)
    return _Known(wanted, vertices or outline_of(wanted.mask, wanted.tolerance))
