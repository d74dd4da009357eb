"""Reads image files off the GUI thread: the current image at once, its neighbours ahead of time, thumbnails."""

import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtGui import QImage, QPixmap

from app.canvas.pyramid import DeepPyramid
from app.jobs.planned_thread import PlannedThread
from app.session import Session
from app.translation import tr
from engine.errors import MaskwrightError
from engine.images import LARGE_PIXELS, read_deep, read_preview
from engine.project import Project
from engine.records import Image

PIXEL_CACHE_BYTES = 256 * 2**20  # about twenty images of 2048 x 2048; the oldest go first
AHEAD, BEHIND = 2, 1  # neighbours to have ready, in list order
THUMBNAIL_SIZE = THUMBNAIL_WIDTH, THUMBNAIL_HEIGHT = 112, 80  # twice the size of a row's, for dense screens
THUMBNAIL_LIMIT = 2000  # 2000 x 36 kB = 72 MB at most
THUMBNAIL_BATCH_MS = 40  # rows that scroll past within this time are asked for together


def neighbours(order: list[int], current: int) -> list[int]:
    """The images most likely to be opened next: two ahead, then one behind."""
    if current not in order:
        return []
    at = order.index(current)
    return order[at + 1 : at + 1 + AHEAD] + order[max(0, at - BEHIND) : at]


def prefetched(session: Session) -> list[int]:
    """The neighbours of the current image that are worth having ready; a large one would push out all others."""
    if session.image is None:
        return []
    found = [session.images[image_id] for image_id in neighbours(session.order, session.image.id)]
    return [image.id for image in found if image.width * image.height <= LARGE_PIXELS]


@dataclass(frozen=True, eq=False)
class Decoded:
    """One page as the model and the canvas want it; the arrays are read-only.

    Attributes:
        rgb: (H, W, 3) uint8 RGB.
        deep: the picture to paint where it is not `rgb` in memory: of more than 8 bits, or large.
    """

    rgb: np.ndarray
    deep: DeepPyramid | None = None

    @property
    def on_disk(self) -> bool:
        return isinstance(self.rgb, np.memmap)

    @property
    def bytes(self) -> int:
        """Of memory."""
        if self.on_disk:
            return 0
        return self.rgb.nbytes + (self.deep.image.values.nbytes if self.deep is not None else 0)


class PixelCache:
    """Decoded pages by path, bounded by bytes. Safe to use from several threads.

    Those above `large` pixels are on disk, and of them only the last is kept: each takes gigabytes.
    """

    def __init__(self, limit: int = PIXEL_CACHE_BYTES, large: int = LARGE_PIXELS) -> None:
        self._limit = limit
        self._large = large
        self._lock = threading.Lock()
        self._entries: OrderedDict[tuple[Path, int], Decoded] = OrderedDict()
        self._turns: dict[tuple[Path, int], threading.Lock] = {}
        self._bytes = 0

    def get(self, path: Path, page: int = 0) -> Decoded | None:
        with self._lock:
            decoded = self._entries.get((path, page))
            if decoded is not None:
                self._entries.move_to_end((path, page))
            return decoded

    def read(self, path: Path, page: int = 0) -> Decoded:
        """A page, decoded now unless it is kept; who asks meanwhile waits. Raises UnreadableImage, OutOfSpace."""
        with self._lock:
            turn = self._turns.setdefault((path, page), threading.Lock())
        with turn:
            decoded = self.get(path, page)
            if decoded is None:
                decoded = self._decode(path, page)
                self._keep((path, page), decoded)
        return decoded

    def _decode(self, path: Path, page: int) -> Decoded:
        image = read_deep(path, page, large=self._large)
        rgb = image.rgb()
        for array in (image.values, rgb):
            array.setflags(write=False)
        plain = not image.is_deep and not isinstance(rgb, np.memmap)
        return Decoded(rgb, None if plain else DeepPyramid(image))

    def _keep(self, key: tuple[Path, int], decoded: Decoded) -> None:
        with self._lock:
            if decoded.on_disk:
                self._entries = OrderedDict((one, kept) for one, kept in self._entries.items() if not kept.on_disk)
            self._entries[key] = decoded
            self._bytes += decoded.bytes
            while self._bytes > self._limit and len(self._entries) > 1:
                _, oldest = self._entries.popitem(last=False)
                self._bytes -= oldest.bytes


@dataclass(frozen=True)
class ReadTask:
    image_id: int
    path: Path
    page: int = 0

    @classmethod
    def of(cls, project: Project, image: Image) -> "ReadTask":
        return cls(image.id, project.image_path(image), image.page)


class _ReaderThread(PlannedThread[ReadTask]):
    read = Signal(object, object)  # task, decoded
    unreadable = Signal(object, str)  # task, why

    def __init__(self, cache: PixelCache) -> None:
        super().__init__()
        self._cache = cache

    def work(self, task: ReadTask) -> None:
        try:
            self.read.emit(task, self._cache.read(task.path, task.page))
        except (MaskwrightError, OSError) as error:
            self.unreadable.emit(task, str(error))
        except Exception:
            self.unreadable.emit(task, tr("Reading {file} failed inside Maskwright.", file=task.path.name))
            raise


class PixelLoader(QObject):
    """Gives the session the pixels of its current image, and keeps those of its neighbours ready."""

    def __init__(self, session: Session, cache: PixelCache) -> None:
        super().__init__()
        self._session = session
        self._cache = cache
        # Decoding a large image takes half a minute and cannot be interrupted, so others do not wait for it.
        self._thread, self._large_thread = _ReaderThread(cache), _ReaderThread(cache)
        for thread in (self._thread, self._large_thread):
            thread.read.connect(self._on_read, Qt.ConnectionType.QueuedConnection)
            thread.unreadable.connect(self._on_unreadable, Qt.ConnectionType.QueuedConnection)
        session.image_changed.connect(self._load)

    def stop(self) -> None:
        self._thread.stop()
        self._large_thread.stop()

    def _load(self) -> None:
        project, image = self._session.project, self._session.image
        if project is None or image is None:
            self._thread.set_plan([])
            self._large_thread.set_plan([])
            return
        if self._session.pixels is not None or self._session.unreadable is not None:
            return
        task = ReadTask.of(project, image)
        kept = self._cache.get(task.path, task.page)
        current = [task] if kept is None else []
        ahead = [ReadTask.of(project, self._session.images[image_id]) for image_id in prefetched(self._session)]
        is_large = image.width * image.height > LARGE_PIXELS
        self._thread.set_plan(ahead if is_large else current + ahead)
        self._large_thread.set_plan(current if is_large else [])
        if kept is not None:
            self._session.set_pixels(image.id, kept.rgb, kept.deep)

    def _on_read(self, task: ReadTask, decoded: Decoded) -> None:
        if self._is_current(task):
            self._session.set_pixels(task.image_id, decoded.rgb, decoded.deep)

    def _on_unreadable(self, task: ReadTask, reason: str) -> None:
        if self._is_current(task):
            self._session.set_unreadable(task.image_id, reason)

    def _is_current(self, task: ReadTask) -> bool:
        project, image = self._session.project, self._session.image
        return project is not None and image is not None and task == ReadTask.of(project, image)


class _ThumbnailThread(PlannedThread[ReadTask]):
    made = Signal(object, object)  # task, QImage or None where the file cannot be read

    def work(self, task: ReadTask) -> None:
        try:
            self.made.emit(task, _thumbnail(read_preview(task.path, *THUMBNAIL_SIZE, task.page)))
        except (MaskwrightError, OSError):
            self.made.emit(task, None)  # the row keeps its placeholder; opening the image says why


class Thumbnails(QObject):
    """Thumbnails for the rows that are painted, made when they are first asked for, latest asked first."""

    ready = Signal(int)  # image id

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._pixmaps: OrderedDict[int, QPixmap | None] = OrderedDict()
        self._wanted: OrderedDict[int, ReadTask] = OrderedDict()
        self._thread = _ThumbnailThread()
        self._thread.made.connect(self._keep, Qt.ConnectionType.QueuedConnection)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(THUMBNAIL_BATCH_MS)
        self._timer.timeout.connect(self._ask)
        session.project_changed.connect(self._forget)

    def pixmap(self, image: Image) -> QPixmap | None:
        """The thumbnail of an image, or None while there is none (yet)."""
        if image.id in self._pixmaps:
            return self._pixmaps[image.id]
        project = self._session.project
        if project is not None:
            self._wanted[image.id] = ReadTask.of(project, image)
            self._wanted.move_to_end(image.id)
            self._timer.start()
        return None

    def stop(self) -> None:
        self._thread.stop()

    def _ask(self) -> None:
        self._thread.set_plan(list(reversed(self._wanted.values()))[:64])

    def _keep(self, task: ReadTask, thumbnail: QImage | None) -> None:
        image_id = task.image_id
        if self._wanted.get(image_id) != task:
            return  # of a project that was closed meanwhile
        del self._wanted[image_id]
        self._pixmaps[image_id] = QPixmap.fromImage(thumbnail) if thumbnail is not None else None
        while len(self._pixmaps) > THUMBNAIL_LIMIT:
            self._pixmaps.popitem(last=False)
        self.ready.emit(image_id)

    def _forget(self) -> None:
        self._pixmaps.clear()
        self._wanted.clear()
        self._thread.set_plan([])


def _thumbnail(pixels: np.ndarray) -> QImage:
    """The middle of an image, as large as fits, scaled down to fill a thumbnail."""
    height, width = pixels.shape[:2]
    x, y, w, h = thumbnail_window(width, height)
    small = np.ascontiguousarray(cv2.resize(pixels[y : y + h, x : x + w], THUMBNAIL_SIZE, interpolation=cv2.INTER_AREA))
    return QImage(small.data, *THUMBNAIL_SIZE, 3 * THUMBNAIL_WIDTH, QImage.Format.Format_RGB888).copy()


def thumbnail_window(width: int, height: int) -> tuple[int, int, int, int]:
    """x y w h of the middle of an image that fills a thumbnail, in image pixels."""
    scale = max(THUMBNAIL_WIDTH / width, THUMBNAIL_HEIGHT / height)
    w, h = min(width, round(THUMBNAIL_WIDTH / scale)), min(height, round(THUMBNAIL_HEIGHT / scale))
    return (width - w) // 2, (height - h) // 2, w, h
