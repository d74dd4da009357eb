"""Times the canvas on a crowded image, without a display, and prints one JSON document on stdout.

    python tests/benchmarks/canvas.py [--instances 1000] [--size 3840 2160] [--window 1920 1080] [--repeats 60]

Blobs of 40 to 140 pixels lie on an image of 3840 x 2160; the canvas is 1920 x 1080 device-independent pixels on Qt's
offscreen platform, which rasterises on the CPU. Times are milliseconds: median, 95th percentile and worst. `views` are
from a pan or a zoom to the end of a whole repaint. `brush` is from a pointer event to the end of the repaint that it
causes: hovering, moving within a stroke, and releasing, which commits to disk, with the stroke at the instance that
it adds to or elsewhere on the canvas. `control` is the same for a widget that fills itself with one colour: what the
machine and Qt take anyway. `shape_by_shape` paints 300 polygons of 64 vertices with QPainter, each path built and
filled at every paint, over the same image; `ratio` is that by our repaint at the same view, and ours shows every
instance. Other load on the machine spoils the figures: `load` is what it reported at the start.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
import PySide6
from PIL import Image as Picture
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QColor, QImage, QMouseEvent, QPainter, QPainterPath, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QApplication, QWidget

from app.canvas.view import CanvasView
from app.session import Session
from app.timeline import Timeline
from app.tools.brush import Brush
from engine.geometry.mask import Mask
from engine.project import commands
from engine.project.project import Project
from engine.records import Detection

VERTICES = 64
POLYGONS = 300

Times = dict[str, float]
Outline = np.ndarray  # (VERTICES, 2) x, y


def blob_outline(random: np.random.Generator, width: int, height: int) -> Outline:
    """A wobbly closed curve of 40 to 140 pixels somewhere on the image."""
    angles = np.linspace(0, 2 * math.pi, VERTICES, endpoint=False)
    radius = random.uniform(20, 70) * (1 + 0.2 * np.sin(angles * random.integers(2, 6) + random.uniform(0, 6)))
    x, y = random.uniform(70, width - 70), random.uniform(70, height - 70)
    return np.stack([x + radius * np.cos(angles), y + radius * np.sin(angles)], axis=1)


def filled(outline: Outline) -> Mask:
    """The pixels whose centres are inside a closed curve, by counting crossings to their left."""
    x1, y1 = np.floor(outline.min(axis=0)).astype(int)
    x2, y2 = np.ceil(outline.max(axis=0)).astype(int)
    columns, rows = np.arange(x1, x2) + 0.5, np.arange(y1, y2)[:, None] + 0.5
    inside = np.zeros((y2 - y1, x2 - x1), dtype=bool)
    for (ax, ay), (bx, by) in zip(outline, np.roll(outline, -1, axis=0), strict=True):
        if ay != by:
            crossing = ax + (rows - ay) * (bx - ax) / (by - ay)
            inside ^= ((ay > rows) != (by > rows)) & (columns < crossing)
    return Mask.from_crop(inside, int(x1), int(y1))


def opened(folder: Path, masks: list[Mask], width: int, height: int) -> Session:
    """A session on a noise image with the masks, every other one accepted."""
    noise = np.random.default_rng(1).integers(0, 255, (height // 8, width // 8, 3), dtype=np.uint8)
    pixels = np.asarray(Picture.fromarray(noise).resize((width, height), Picture.Resampling.BICUBIC))
    Picture.fromarray(pixels).save(folder / "image.png", compress_level=1)
    project = Project.create(folder / "benchmark.maskwright")
    project.add_images([folder / "image.png"])
    for name, color in (("cell", "#0072b2"), ("nucleus", "#e69f00"), ("debris", "#009e73")):
        project.apply(commands.add_category(project.new_category_id(), name, color))
    session = Session()
    session.open_project(project)
    assert session.image is not None
    names = [category.name for category in session.categories.values()]
    found = [
        Detection(0, names[i % 3], 0.5 + 0.5 * i / len(masks), (0.0, 0.0, 1.0, 1.0), mask)
        for i, mask in enumerate(masks)
    ]
    session.set_proposals(session.image.id, found, "benchmark")
    session.apply(commands.accept(list(session.instances.values())[::2]))
    session.set_pixels(session.image.id, pixels)
    return session


def timed(call: Callable[[], object], prepare: Callable[[], object] = lambda: None, repeats: int = 60) -> Times:
    """Milliseconds of `call`, the first few left out because they fill caches."""
    taken = []
    for turn in range(repeats + 3):
        prepare()
        start = time.perf_counter()
        call()
        if turn >= 3:
            taken.append((time.perf_counter() - start) * 1000)
    return {
        "median_ms": round(float(np.median(taken)), 3),
        "p95_ms": round(float(np.percentile(taken, 95)), 3),
        "worst_ms": round(max(taken), 3),
    }


class ShapeByShape(QWidget):
    """What annotation tools do that build each shape's path at every paint."""

    def __init__(self, picture: QImage, outlines: list[Outline], scale: float) -> None:
        super().__init__()
        self.picture, self.outlines, self.scale = picture, outlines, scale

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.scale(self.scale, self.scale)
        painter.drawImage(0, 0, self.picture)
        pen = QPen(QColor("#0072b2"), 2)
        pen.setCosmetic(True)
        painter.setPen(pen)
        painter.setBrush(QColor(0, 114, 178, 96))
        for outline in self.outlines:
            path = QPainterPath()
            path.addPolygon(QPolygonF([QPointF(x, y) for x, y in outline.tolist()]))
            path.closeSubpath()
            painter.drawPath(path)
        painter.end()


class Plain(QWidget):
    """The control."""

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(event.rect(), QColor("#14171c"))
        painter.end()


def send(canvas: QWidget, kind: QEvent.Type, x: float, y: float, buttons: Qt.MouseButton) -> None:
    """A pointer event, and all painting that follows from it."""
    button = Qt.MouseButton.NoButton if kind == QEvent.Type.MouseMove else Qt.MouseButton.LeftButton
    place = QPointF(x, y)
    none = Qt.KeyboardModifier.NoModifier
    QApplication.sendEvent(canvas, QMouseEvent(kind, place, canvas.mapToGlobal(place), button, buttons, none))
    QApplication.processEvents()


def measure_views(canvas: CanvasView, repeats: int) -> dict[str, Times]:
    """Whole repaints after moving the view, at several zooms."""
    result = {}
    steps = [0]

    def pan() -> None:
        steps[0] += 1
        canvas.pan(37 * (-1) ** (steps[0] // 9), 23 * (-1) ** (steps[0] // 7))
        canvas.repaint()

    def zoom() -> None:
        steps[0] += 1
        canvas.zoom_by(1.25 if steps[0] % 16 < 8 else 0.8, QPointF(700, 400))
        canvas.repaint()

    for name, factor in (("far", 0.5), ("between", 0.37), ("actual", 1.0), ("near", 2.4), ("close", 8.0)):
        canvas.fit()
        canvas.zoom_to(factor)
        result[f"pan_{name}_{factor}"] = timed(pan, repeats=repeats)
    canvas.fit()
    result["zoom_steps"] = timed(zoom, repeats=repeats)
    return result


class Hand:
    """A brush that wanders on an ellipse of the canvas: centre, width and height in widget pixels."""

    def __init__(self, canvas: CanvasView, session: Session, ellipse: tuple[float, float, float, float]) -> None:
        self.canvas, self.session, self.ellipse = canvas, session, ellipse
        self.turn = 0
        self.place = (0.0, 0.0)
        self.released = False

    def move(self, buttons: Qt.MouseButton) -> None:
        """One step on."""
        x, y, width, height = self.ellipse
        self.turn += 1
        self.place = x + width * math.cos(self.turn / 9), y + height * math.sin(self.turn / 7)
        send(self.canvas, QEvent.Type.MouseMove, *self.place, buttons)

    def press(self) -> None:
        send(self.canvas, QEvent.Type.MouseButtonPress, *self.place, Qt.MouseButton.LeftButton)

    def draw(self) -> None:
        """A stroke of 40 pixels up to its release, after taking back the one before."""
        if self.released:
            Timeline(self.session).undo()
        self.move(Qt.MouseButton.NoButton)
        self.press()
        x, y = self.place
        for step in range(1, 5):
            self.place = x + 10 * step, y + 5
            send(self.canvas, QEvent.Type.MouseMove, *self.place, Qt.MouseButton.LeftButton)

    def release(self) -> None:
        send(self.canvas, QEvent.Type.MouseButtonRelease, *self.place, Qt.MouseButton.NoButton)
        self.released = True


def measure_brush(canvas: CanvasView, session: Session, repeats: int) -> dict[str, Times]:
    """A brush of 24 pixels: hovering, moving within a stroke, commits; near the selected instance and far from it."""
    brush = Brush()
    canvas.set_tool(brush)
    canvas.brush_size.set(12)
    result = {}
    for factor in (0.5, 1.0, 4.0):
        canvas.fit()
        canvas.zoom_to(factor)
        chosen = canvas.layers.overlay.within(_middle(canvas))[-1]
        session.select([chosen.id])
        QApplication.processEvents()
        x1, y1, x2, y2 = chosen.mask.bounds
        near = canvas.image_to_widget((x1 + x2) / 2, (y1 + y2) / 2)
        far = canvas.width() / 2, canvas.height() / 2
        for name, ellipse in (("near", (*near, 30, 20)), ("far", (*far, 500, 300))):
            hand = Hand(canvas, session, ellipse)
            result[f"hover_{name}_{factor}"] = timed(partial(hand.move, Qt.MouseButton.NoButton), repeats=repeats)
            hand.press()
            result[f"move_{name}_{factor}"] = timed(partial(hand.move, Qt.MouseButton.LeftButton), repeats=repeats)
            brush.cancel()
            hand.release()
            hand.released = False
            result[f"release_{name}_{factor}"] = timed(hand.release, hand.draw, repeats // 2)
            Timeline(session).undo()
    return result


def _middle(canvas: CanvasView) -> tuple[int, int, int, int]:
    """Image pixels around the middle of the canvas."""
    x, y = canvas.viewport.to_image(canvas.width() / 2, canvas.height() / 2)
    return int(x) - 80, int(y) - 80, int(x) + 80, int(y) + 80


def measure(width: int, height: int, window: tuple[int, int], count: int, repeats: int) -> dict[str, object]:
    """Every figure of the report."""
    random = np.random.default_rng(0)
    outlines = [blob_outline(random, width, height) for _ in range(count)]
    with tempfile.TemporaryDirectory() as folder:
        session = opened(Path(folder), [filled(outline) for outline in outlines], width, height)
        canvas = CanvasView(session)
        canvas.resize(*window)
        canvas.show()
        QApplication.processEvents()
        overlay = canvas.layers.overlay
        scale = min(window[0] / width, window[1] / height)
        canvas.zoom_to(scale)
        plain, slow = Plain(), ShapeByShape(_qimage(session), outlines[:POLYGONS], scale)
        for widget in (plain, slow):
            widget.resize(*window)
            widget.show()
            QApplication.processEvents()
        ours = timed(canvas.repaint, repeats=repeats)
        theirs = timed(slow.repaint, repeats=max(repeats // 6, 3))
        report: dict[str, object] = {
            "control": {
                "whole_repaint": timed(plain.repaint, repeats=repeats),
                "pointer_event": timed(
                    lambda: send(plain, QEvent.Type.MouseMove, 5, 5, Qt.MouseButton.NoButton), repeats=repeats
                ),
            },
            "instances": len(session.shown_instances()),
            "repaint": ours,
            "shape_by_shape": theirs,
            "ratio": round(theirs["median_ms"] / ours["median_ms"], 2),
            "views": measure_views(canvas, repeats),
            "brush": measure_brush(canvas, session, repeats),
            "compose_all": timed(lambda: overlay.refresh((0, 0, width, height)), repeats=5),
            "threshold_step": timed(
                lambda: session.set_threshold(0.7 if session.threshold < 0.7 else 0.69), repeats=max(repeats // 6, 3)
            ),
        }
        session.close_project()
    return report


def _qimage(session: Session) -> QImage:
    assert session.pixels is not None
    height, width = session.pixels.shape[:2]
    rgb = QImage(session.pixels.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888)
    return rgb.convertToFormat(QImage.Format.Format_RGB32)


def main() -> int:
    """Measure as the arguments say."""
    parser = argparse.ArgumentParser(description="The canvas on a crowded image")
    parser.add_argument("--instances", type=int, default=1000)
    parser.add_argument("--size", type=int, nargs=2, default=(3840, 2160), metavar=("WIDTH", "HEIGHT"))
    parser.add_argument("--window", type=int, nargs=2, default=(1920, 1080), metavar=("WIDTH", "HEIGHT"))
    parser.add_argument("--repeats", type=int, default=60)
    chosen = parser.parse_args()
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    application = QApplication(sys.argv[:1])
    header = {"pyside": PySide6.__version__, "cores": os.cpu_count(), "load": load}
    report = measure(*chosen.size, tuple(chosen.window), chosen.instances, chosen.repeats)
    print(json.dumps({**header, **report}, indent=2))
    application.quit()
    return 0


if __name__ == "__main__":
    sys.exit(main())
