"""Measures the memory that huge images take in the real window, without a display; prints one JSON document on stdout.

    python tests/benchmarks/huge_image.py [--side 30000] [--kinds grey-tiled.tif ...] [--predict] [--folder FOLDER]

Each image is made in a temporary folder (up to 2.7 GB, and some 7 GB beside it while it is open), opened in a window in
a process of its own, looked at whole, zoomed into, panned, and painted on with one stroke. `anonymous_mb` is the most
anonymous memory (RssAnon) that the process held in each phase: what the system cannot take back. `before` is that of
the window without an image. `worst_gap_ms` is how long the event loop was kept from turning. With `--predict` the
bundled model predicts the image too. Linux only: it reads /proc.
"""

from __future__ import annotations

import argparse
import json
import os
import struct
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import cv2
import numpy as np
import tifffile
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication

from app.preferences import Preferences
from app.theme import Mode, theme
from app.window import MainWindow
from engine.project import commands
from engine.project.project import Project

KINDS = tuple(
    f"{colour}-{kind}" for colour in ("grey", "rgb") for kind in ("tiled.tif", "striped.tif", "a.png", "a.jpg")
)
BAND = 512  # rows made at once, and the side of a tile
PATIENCE = 600  # seconds


def bands(side: int, channels: int) -> Iterator[np.ndarray]:
    """The picture from the top down: waves with fine structure, (BAND or less, side) or (..., 3) uint8."""
    x = np.arange(side, dtype=np.uint32)
    for top in range(0, side, BAND):
        y = np.arange(top, min(top + BAND, side), dtype=np.uint32)[:, None]
        waves = np.sin(x / 700) * 50 + np.cos(y / 900) * 50 + 110
        grey = waves.astype(np.uint8) + ((x * 7 + y * 13) % 23).astype(np.uint8)
        yield grey if channels == 1 else np.dstack([grey, grey // 2, 255 - grey])


def make(path: Path, side: int) -> None:
    """Write the picture that the name of the file says."""
    channels = 1 if path.name.startswith("grey") else 3
    shape = (side, side) if channels == 1 else (side, side, 3)
    photometric = "minisblack" if channels == 1 else "rgb"
    if path.name.endswith("tiled.tif"):
        options = {"tile": (BAND, BAND), "compression": "zlib", "compressionargs": {"level": 1}}
        tifffile.imwrite(path, tiles(side, channels), shape=shape, dtype=np.uint8, photometric=photometric, **options)
    elif path.name.endswith("striped.tif"):
        tifffile.imwrite(
            path, bands(side, channels), shape=shape, dtype=np.uint8, photometric=photometric, rowsperstrip=BAND
        )
    elif path.suffix == ".png":
        write_png(path, side, channels)
    else:
        raw = path.with_suffix(".raw")
        with raw.open("wb") as file:
            for band in bands(side, channels):
                file.write(band.tobytes())
        cv2.imwrite(str(path), np.memmap(raw, np.uint8, "r", shape=shape), [cv2.IMWRITE_JPEG_QUALITY, 85])
        raw.unlink()


def tiles(side: int, channels: int) -> Iterator[np.ndarray]:
    for band in bands(side, channels):
        for left in range(0, side, BAND):
            tile = np.zeros((BAND, BAND, *band.shape[2:]), np.uint8)
            part = band[:, left : left + BAND]
            tile[: part.shape[0], : part.shape[1]] = part
            yield tile


def write_png(path: Path, side: int, channels: int) -> None:
    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    packer = zlib.compressobj(1)
    with path.open("wb") as file:
        header = struct.pack(">2I5B", side, side, 8, 0 if channels == 1 else 2, 0, 0, 0)
        file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header))
        for band in bands(side, channels):
            rows = np.pad(band.reshape(len(band), -1), ((0, 0), (1, 0)))  # each row begins with "not predicted"
            file.write(chunk(b"IDAT", packer.compress(rows.tobytes())))
        file.write(chunk(b"IDAT", packer.flush()) + chunk(b"IEND", b""))


class Meter(threading.Thread):
    """Looks at the process's anonymous memory all the time, and remembers the most."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.most = 0.0

    def run(self) -> None:
        while True:
            self.most = max(self.most, anonymous_mb())
            time.sleep(0.01)


def anonymous_mb() -> float:
    status = Path("/proc/self/status").read_text()
    return int(status.split("RssAnon:")[1].split()[0]) / 1024


class Phases:
    """Runs one phase after the other and notes what each took."""

    def __init__(self) -> None:
        self.meter = Meter()
        self.meter.start()
        self.report: dict[str, dict[str, float]] = {}

    def phase(self, name: str, begin: Callable[[], object], done: Callable[[], bool] = lambda: True) -> None:
        """Call `begin` and turn the event loop until `done`, at least a few times."""
        self.meter.most, start, worst, turns = anonymous_mb(), time.perf_counter(), 0.0, 0
        last = start
        begin()
        while turns < 5 or not done():
            QApplication.processEvents()
            now = time.perf_counter()
            worst, last, turns = max(worst, now - last), now, turns + 1
            time.sleep(0.002)
            assert now - start < PATIENCE, f"{name} takes too long"
        self.report[name] = {
            "seconds": round(time.perf_counter() - start, 2),
            "anonymous_mb": round(self.meter.most),
            "worst_gap_ms": round(worst * 1000),
        }


def send(window: MainWindow, kind: QEvent.Type, x: float, y: float, buttons: Qt.MouseButton) -> None:
    button = Qt.MouseButton.NoButton if kind == QEvent.Type.MouseMove else Qt.MouseButton.LeftButton
    place = QPointF(x, y)
    none = Qt.KeyboardModifier.NoModifier
    event = QMouseEvent(kind, place, window.canvas.mapToGlobal(place), button, buttons, none)
    QApplication.sendEvent(window.canvas, event)


def stroke(window: MainWindow) -> None:
    left, middle = Qt.MouseButton.LeftButton, (window.canvas.width() / 2, window.canvas.height() / 2)
    window.workplace.choose_tool("brush")
    send(window, QEvent.Type.MouseButtonPress, *middle, left)
    for step in range(30):
        place = middle[0] + 5 * step, middle[1] + 3 * step
        send(window, QEvent.Type.MouseMove, *place, left)
        QApplication.processEvents()
    send(window, QEvent.Type.MouseButtonRelease, *place, Qt.MouseButton.NoButton)


def measure(path: Path, *, predict: bool) -> dict[str, dict[str, float]]:
    """Every phase on one image, in this process."""
    application = QApplication(sys.argv[:1])
    theme().apply(application, Mode.DARK)
    window = MainWindow(Preferences())
    if not predict:
        window.rounds.checkpoint_changed.disconnect()
    window.show()
    phases = Phases()
    phases.phase("before", lambda: None)
    phases.phase("add", lambda: add(path))
    session, canvas = window.session, window.canvas
    phases.phase(
        "open",
        lambda: window.projects.open(path.with_suffix(".maskwright")),
        lambda: session.pixels is not None or session.unreadable is not None,
    )
    assert session.pixels is not None, session.unreadable
    assert session.image is not None
    images = list(session.images.values())
    phases.phase("thumbnail", lambda: None, lambda: window.thumbnails.pixmap(images[0]) is not None)
    for zoom in (0.1, 0.5, 1.0, 8.0):
        phases.phase(f"zoom_{zoom}", lambda zoom=zoom: canvas.zoom_to(zoom))
        phases.phase(f"pan_{zoom}", lambda: pan(window))
        phases.phase(f"stroke_{zoom}", lambda: stroke(window))
    phases.phase("fit", canvas.fit)
    phases.phase("stroke_fit", lambda: stroke(window))
    assert len(session.instances) >= 1, "no stroke was drawn"
    if predict:
        phases.phase("predict", lambda: None, lambda: session.images[images[0].id].predicted_by is not None)
    phases.phase("close", window.close)
    return phases.report


def pan(window: MainWindow) -> None:
    """Away and back again."""
    for step in range(20):
        sign = 1 if step < 10 else -1
        window.canvas.pan(-120 * sign, -80 * sign)
        window.canvas.repaint()


def add(path: Path) -> None:
    project = Project.create(path.with_suffix(".maskwright"))
    project.add_images([path])
    project.apply(commands.add_category(project.new_category_id(), "cell", "#0072b2"))
    project.close()


def main() -> int:
    """Measure as the arguments say."""
    parser = argparse.ArgumentParser(description="The memory that huge images take")
    parser.add_argument("--side", type=int, default=30_000)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    parser.add_argument("--predict", action="store_true")
    parser.add_argument("--folder", type=Path, help="where to make the images; the temporary folder by default")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.measure is not None:
        print(json.dumps(measure(chosen.measure, predict=chosen.predict)))
        return 0
    report: dict[str, object] = {"side": chosen.side, "cores": os.cpu_count()}
    for kind in chosen.kinds:
        with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
            path = Path(folder) / kind
            make(path, chosen.side)
            command = [sys.executable, __file__, "--measure", str(path), *(["--predict"] if chosen.predict else [])]
            environment = {**os.environ, "MASKWRIGHT_HOME": str(Path(folder) / "home")}
            done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True, text=True)
            report[kind] = json.loads(done.stdout)
    print(json.dumps(report, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
