"""What the canvas benchmark works on: crowded images in a real window, and the widgets that it is compared with."""

from __future__ import annotations

import contextlib
import math
import os
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QColor, QImage, QMouseEvent, QPainter, QPainterPath, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QApplication, QWidget

import app.jobs.rounds
from app.jobs.pixels import Decoded, PixelCache
from app.preferences import Preferences
from app.theme import Mode, theme
from app.window import MainWindow
from engine.geometry.mask import Mask
from engine.project import commands
from engine.project.project import Project
from engine.records import Detection

VERTICES = 100
SIZES = 20, 70  # radius of an instance in image pixels, from and to
CANVAS = 1920, 1080

TICKS = Path("/proc/stat")  # Linux tells there what the host of a virtual machine took from it
STOLEN = 7  # the place of that among the ticks of all processors

Figures = dict[str, float | None]
Outline = np.ndarray  # (VERTICES, 2) x, y


class Sample(float):
    """Milliseconds; `calm` where the host took no processor away meanwhile, as far as the system tells."""

    calm = True


class Stopwatch:
    """Times from when it is made."""

    def __init__(self) -> None:
        self._stolen, self._all = _ticks()
        self._start = time.perf_counter()

    def read(self) -> Sample:
        """Milliseconds until now."""
        sample = Sample((time.perf_counter() - self._start) * 1000)
        sample.calm = _ticks()[0] == self._stolen
        return sample

    def stolen(self) -> float:
        """The share of the processors that the host gave to others until now, from 0 to 1."""
        stolen, everything = _ticks()
        return round((stolen - self._stolen) / max(everything - self._all, 1), 3)


def figures(taken: Sequence[float]) -> Figures:
    """`calm_p95` is of the samples during which the host took no processor away, which is the share `calm` of them;
    None where there were none."""
    calm = [each for each in taken if getattr(each, "calm", True)]
    return {
        "median": round(float(np.median(taken)), 2),
        "p95": round(float(np.percentile(taken, 95)), 2),
        "worst": round(max(taken), 2),
        "calm_p95": round(float(np.percentile(calm, 95)), 2) if calm else None,
        "calm": round(len(calm) / len(taken), 2),
    }


def held_when_calm(found: Figures, most: float) -> bool:
    """Whether the calm samples, if there were some, keep to a bound."""
    calm = found["calm_p95"]
    return calm is not None and calm <= most


def the_machine() -> dict[str, object]:
    """What else decides the figures."""
    return {"cores": os.cpu_count(), "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None}


def _ticks() -> tuple[int, int]:
    """What the host took from the processors, and all that they did; nothing where the system does not tell."""
    if not TICKS.exists():
        return 0, 0
    ticks = [int(each) for each in TICKS.read_text().split("\n", 1)[0].split()[1:]]
    return ticks[STOLEN], sum(ticks[: STOLEN + 1])


def outlines(count: int, width: int, height: int) -> list[Outline]:
    """Wobbly closed curves spread over an image."""
    random = np.random.default_rng(0)
    angles = np.linspace(0, 2 * math.pi, VERTICES, endpoint=False)
    result = []
    for _ in range(count):
        wobble = 1 + 0.15 * np.sin(angles * random.integers(2, 6) + random.uniform(0, 6))
        radius = random.uniform(*SIZES) * wobble
        x, y = random.uniform(90, width - 90), random.uniform(90, height - 90)
        result.append(np.stack([x + radius * np.cos(angles), y + radius * np.sin(angles)], axis=1))
    return result


def filled(outline: Outline) -> Mask:
    x1, y1 = np.floor(outline.min(axis=0)).astype(int) - 1
    x2, y2 = np.ceil(outline.max(axis=0)).astype(int) + 1
    bitmap = np.zeros((y2 - y1, x2 - x1), dtype=np.uint8)
    cv2.fillPoly(bitmap, [np.round(outline - (x1, y1)).astype(np.int32)], 1)
    return Mask.from_crop(bitmap, int(x1), int(y1))


def make_project(folder: Path, count: int, width: int, height: int) -> Path:
    """A project with one photo-like image and another; on the first, instances of which every other is accepted."""
    folder.mkdir()
    random = np.random.default_rng(1)
    coarse = random.integers(0, 255, (height // 8, width // 8, 3), dtype=np.uint8)
    for name, size in (("crowded.png", (width, height)), ("other.png", (320, 240))):
        picture = cv2.resize(coarse, size, interpolation=cv2.INTER_LINEAR)
        cv2.imwrite(str(folder / name), picture, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    project = Project.create(folder / "benchmark.maskwright")
    project.add_images([folder / "crowded.png", folder / "other.png"])
    for name, color in (("cell", "#0072b2"), ("nucleus", "#e69f00"), ("debris", "#009e73")):
        project.apply(commands.add_category(project.new_category_id(), name, color))
    image = next(each for each in project.images() if each.width == width)
    found = [
        Detection(0, ("cell", "nucleus", "debris")[i % 3], 0.5 + 0.5 * i / count, (0.0, 0.0, 1.0, 1.0), filled(outline))
        for i, outline in enumerate(outlines(count, width, height))
    ]
    project.set_proposals(image.id, found, "benchmark")
    project.apply(commands.accept(list(project.instances(image.id))[::2]))
    other = next(each for each in project.images() if each.id != image.id)
    project.last_image_id = other.id
    project.close()
    return folder / "benchmark.maskwright"


def open_window(folder: Path) -> MainWindow:
    """The real window without a model, its canvas as large as CANVAS."""
    app.jobs.rounds.BUNDLED_WEIGHTS = folder / "none.safetensors"
    application = QApplication.instance()
    assert isinstance(application, QApplication)
    theme().apply(application, Mode.DARK)
    window = MainWindow(Preferences())
    window.loader.stop()  # pixels are decoded beforehand, and given when it is time
    window.show()
    return window


def enlarge(window: MainWindow) -> None:
    """Until the canvas is as large as CANVAS; with a project open, or its docks are not there."""
    for _ in range(3):
        missing = [
            length - now for length, now in zip(CANVAS, (window.canvas.width(), window.canvas.height()), strict=True)
        ]
        window.resize(window.width() + missing[0], window.height() + missing[1])
        settle(0.3)


def crowded(window: MainWindow) -> tuple[int, Path]:
    """Id and file of the image with the instances."""
    assert window.session.project is not None
    image = max(window.session.images.values(), key=lambda each: each.width)
    return image.id, window.session.project.image_path(image)


def decode(path: Path) -> Decoded:
    """As the reader's thread does."""
    return PixelCache().read(path)


def settle(seconds: float = 0.25) -> float:
    """Let timers fire and everything be painted. How many milliseconds of that were work."""
    return sum(turns(seconds))


def turns(seconds: float = 0.25) -> list[float]:
    """Let timers fire and everything be painted. How many milliseconds each turn of the event loop worked."""
    worked, until = [], time.perf_counter() + seconds
    while time.perf_counter() < until:
        worked.append(turn())
    return worked


def until_shown(window: MainWindow, listed: int) -> tuple[Sample, list[float]]:
    """Let everything come that follows from opening an image: after how many milliseconds canvas and list show all of
    the instances, and the turns of the event loop that this took."""
    watch, taken = Stopwatch(), [turn()]
    rows = window.instances.model.rowCount
    while window.session.is_arriving or window.canvas.composer.busy or rows() != listed:
        taken.append(turn())
    taken.append(turn())  # which paints the last of it
    return watch.read(), taken


def turn() -> float:
    """One turn of the event loop: how many milliseconds it worked."""
    start = time.perf_counter()
    QApplication.processEvents()
    taken = (time.perf_counter() - start) * 1000
    if taken < 0.1:
        time.sleep(0.001)  # nothing was due; without a rest no other thread would get to work
        return 0.0
    return taken


def send(canvas: QWidget, kind: QEvent.Type, place: QPointF, buttons: Qt.MouseButton) -> None:
    """A pointer event, and all painting that follows from it."""
    button = Qt.MouseButton.NoButton if kind == QEvent.Type.MouseMove else Qt.MouseButton.LeftButton
    none = Qt.KeyboardModifier.NoModifier
    QApplication.sendEvent(canvas, QMouseEvent(kind, place, canvas.mapToGlobal(place), button, buttons, none))
    QApplication.processEvents()


def commits(folder: Path, repeats: int) -> list[Sample]:
    """The control of what is stored: milliseconds of durable commits to a write-ahead log."""
    taken = []
    with contextlib.closing(sqlite3.connect(folder / "control.sqlite", isolation_level=None)) as connection:
        for statement in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", "CREATE TABLE control (text)"):
            connection.execute(statement)
        for _ in range(repeats):
            watch = Stopwatch()
            connection.execute("INSERT INTO control VALUES (?)", ("x" * 2000,))
            taken.append(watch.read())
    return taken


class Plain(QWidget):
    """The control: what the machine and Qt take to fill a canvas with one colour."""

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(event.rect(), QColor("#14171c"))
        painter.end()


class ShapeByShape(QWidget):
    """What annotation tools do that build each shape's path at every paint."""

    def __init__(self, picture: QImage, shapes: list[Outline], scale: float) -> None:
        super().__init__()
        self.picture, self.shapes, self.scale = picture, shapes, scale

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.scale(self.scale, self.scale)
        painter.drawImage(0, 0, self.picture)
        pen = QPen(QColor("#0072b2"), 2)
        pen.setCosmetic(True)
        painter.setPen(pen)
        painter.setBrush(QColor(0, 114, 178, 96))
        for shape in self.shapes:
            path = QPainterPath()
            path.addPolygon(QPolygonF([QPointF(x, y) for x, y in shape.tolist()]))
            path.closeSubpath()
            painter.drawPath(path)
        painter.end()
