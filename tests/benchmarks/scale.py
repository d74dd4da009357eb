"""Measures a large project in the real window, and large imports and exports; prints one JSON document on stdout.

    python tests/benchmarks/scale.py [--images 100000] [--instances 1000000] [--annotations 36000] [--repeats 3]
        [--seconds 10] [--parts open list queue export import] [--folder FOLDER]

Each part, and each repeat of it, runs in a process of its own on a project that is made first (`made_s`), with Qt's
offscreen platform. Seconds are wall-clock and the process's CPU time, all its threads.

`open` is from `Projects.open` to the image list and the first image's instances painted, its pixels left out: `cold`
with the project's file dropped from the system's cache, then warm. There is no model: responsiveness.py measures that.
`list` tells how long the event loop kept an event waiting, in milliseconds: `control` with nothing going on, then after
the opening, while all image files are looked at, and while somebody scrolls, filters, and decides about image after
image; `holds` says whether p99.9 is at most 50 ms and the worst at most the control's + 50 ms. `queue` tells the same
of a list that goes by the queue: `ordering` while its mix changes all the time, so that it is found anew, `found` times
in all, and `deciding` while somebody decides meanwhile. `export` writes every accepted instance as COCO; `grown_mb` is
by how much the process's peak memory rose over that of the open project. `import` reads a COCO file of 200 JPEGs, half
of it polygons of 32 vertices, half of it compressed RLE, imports it into a new project, and takes that back. (A PNG
takes some ms more than a JPEG, because it is decoded to see that it is whole.) Linux only: it reads /proc. Other load
on the machine spoils the figures: `load` is what it reported.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
from PIL import Image as Picture
from PySide6.QtCore import QEvent, QObject, QTimer, SignalInstance
from PySide6.QtWidgets import QApplication, QWidget
from responsiveness import EVERY_MS, P999_MS, WORST_OVER_CONTROL_MS, GapMeter, Times
from scale_project import CATEGORIES, CHECKPOINT, HEIGHT, WIDTH, coco_record, make_project, outline

import app.jobs.rounds
from app.jobs.queue_order import QueueOrder
from app.preferences import Preferences
from app.theme import Mode, theme
from app.window import MainWindow
from engine.formats.coco import EVERYTHING, export_coco
from engine.formats.coco_document import read_dataset
from engine.formats.exporting import Selection
from engine.formats.importing import import_dataset
from engine.learning.queue import QueueMix
from engine.project import Project

PARTS = ("open", "list", "queue", "export", "import")
IMPORTED_IMAGES = 200
TYPED = "field 01234", "batch 07", "nothing is called like this"

Seconds = dict[str, float]


class Stopwatch:
    """Wall-clock and CPU seconds since it was made or last read."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def read(self) -> Seconds:
        wall, cpu = time.perf_counter(), time.process_time()
        taken = {"wall_s": round(wall - self._wall, 3), "cpu_s": round(cpu - self._cpu, 3)}
        self._wall, self._cpu = wall, cpu
        return taken


class Counted:
    """How often a signal came."""

    def __init__(self, signal: SignalInstance) -> None:
        self.times = 0
        signal.connect(self._count)

    def _count(self) -> None:
        self.times += 1


class PaintWatch(QObject):
    """Whether a widget was painted since this was made."""

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self.painted = False
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        self.painted |= event.type() is QEvent.Type.Paint
        return False


@contextmanager
def window_without_model() -> Iterator[MainWindow]:
    application = QApplication(sys.argv[:1])
    theme().apply(application, Mode.DARK)
    with tempfile.TemporaryDirectory() as home:
        os.environ["MASKWRIGHT_HOME"] = home
        app.jobs.rounds.BUNDLED_WEIGHTS = Path(home) / "none"
        window = MainWindow(Preferences())
        window.show()
        application.processEvents()
        yield window
        window.close()


def open_project(window: MainWindow, path: Path) -> Seconds:
    """Open a project until its list and its first image's instances are painted."""
    watch = Stopwatch()
    assert window.projects.open(path)
    painted = [PaintWatch(window.images.list.viewport()), PaintWatch(window.canvas)]
    while not all(each.painted for each in painted):
        QApplication.processEvents()
    taken = watch.read()
    assert window.session.instances
    return taken


def measure_open(path: Path, arguments: argparse.Namespace) -> dict[str, object]:
    with window_without_model() as window:
        taken = open_project(window, path)
        return {**taken, "images": len(window.session.images)}


def measure_list(path: Path, arguments: argparse.Namespace) -> dict[str, object]:
    with window_without_model() as window:
        meter, seconds = GapMeter(), arguments.seconds
        open_project(window, path)
        after_opening = meter.measure(seconds)  # the files of all images are looked at meanwhile
        control = meter.measure(seconds)
        busy = {"after_opening": after_opening}
        for name, act in (
            ("scrolling", scroll(window)),
            ("filtering", filter_list(window)),
            ("deciding", decide(window)),
        ):
            busy[name] = meter_while(meter, seconds, act)
        return {"control": control, **busy, "holds": hold(control, busy.values())}


def measure_queue(path: Path, arguments: argparse.Namespace) -> dict[str, object]:
    with window_without_model() as window:
        meter, seconds = GapMeter(), arguments.seconds
        open_project(window, path)
        queue = window.queue
        window.prediction.checkpoint_id = CHECKPOINT
        meter.measure(seconds)  # the files of all images are looked at meanwhile
        control = meter.measure(seconds)
        found = Counted(queue.changed)
        window.images.order.by_queue.click()
        busy = {}
        for name, act in (("ordering", order(queue)), ("deciding", decide_and_order(window, queue))):
            before = found.times
            busy[name] = meter_while(meter, seconds, act)
            busy[name]["found"] = found.times - before
        return {"control": control, **busy, "holds": hold(control, busy.values())}


def hold(control: Times, busy: Iterable[Times]) -> bool:
    """Whether a person feels none of it."""
    return all(
        times["p99.9"] <= P999_MS and times["worst"] <= control["worst"] + WORST_OVER_CONTROL_MS for times in busy
    )


def meter_while(meter: GapMeter, seconds: float, act: Iterator[int]) -> Times:
    """The gaps while `act` is stepped, each step saying after how many milliseconds the next one comes."""
    steps = 0
    timer = QTimer(singleShot=True)

    def step() -> None:
        nonlocal steps
        steps += 1
        timer.start(next(act))

    timer.timeout.connect(step)
    timer.start(0)
    times = meter.measure(seconds)
    timer.stop()
    return {**times, "steps": steps}


def scroll(window: MainWindow) -> Iterator[int]:
    """Drag the bar through the whole list, then turn the wheel, again and again."""
    bar = window.images.list.verticalScrollBar()
    while True:
        for value in np.linspace(0, bar.maximum(), 60, dtype=int).tolist():
            bar.setValue(value)
            yield EVERY_MS
        for _ in range(60):
            bar.setValue(bar.value() - 150)
            yield EVERY_MS


def filter_list(window: MainWindow) -> Iterator[int]:
    """Type names letter by letter, delete them again, and choose one status after the other."""
    field, statuses = window.images.field, window.images.statuses
    while True:
        for text in TYPED:
            for length in [*range(len(text) + 1), *range(len(text), -1, -1)]:
                field.setText(text[:length])
                yield 60
        for index in [*range(statuses.count()), 0]:
            statuses.setCurrentIndex(index)
            yield 100


def decide(window: MainWindow) -> Iterator[int]:
    """Accept the current image and go on to the next undecided one, undo that now and then."""
    window.session.open_image(next(iter(window.session.images)))
    while True:
        for _ in range(10):
            window.decisions.next_open()
            yield 100
            window.decisions.accept_image()
            yield 100
        window.timeline.undo()
        yield 100


def order(queue: QueueOrder) -> Iterator[int]:
    """Let other things count for the queue, again and again."""
    while True:
        for share in (0.1, 0.2):
            queue.set_mix(QueueMix(random=share))
            yield 200


def decide_and_order(window: MainWindow, queue: QueueOrder) -> Iterator[int]:
    """Both at once."""
    for pause, _ in zip(decide(window), order(queue), strict=False):
        yield pause


def measure_export(path: Path, arguments: argparse.Namespace) -> dict[str, object]:
    with Project.open(path, read_only=True) as project:
        project.images()
        before = peak_mb()
        watch = Stopwatch()
        report = export_coco(project, path.with_name("export.json"), selection=Selection(EVERYTHING))
        grown = round(peak_mb() - before, 1)
        size = round(report.path.stat().st_size / 2**20, 1)
        return {**watch.read(), "annotations": report.annotations, "file_mb": size, "grown_mb": grown}


def measure_import(path: Path, arguments: argparse.Namespace) -> dict[str, object]:
    target = path.with_name("imported.maskwright")
    with Project.create(target) as project:
        before = peak_mb()
        watch = Stopwatch()
        dataset = read_dataset(path)
        reading = watch.read()
        report = import_dataset(project, dataset, path.parent, accept_images=True)
        result = {"read": reading, "import": watch.read(), "instances": report.instances}
        del dataset
        watch.read()
        project.undo()
        result["undo"] = watch.read()
        project.redo()
        result["redo"] = watch.read()
        result["grown_mb"] = round(peak_mb() - before, 1)
    Project.discard(target)
    return result


def make_coco(folder: Path, annotations: int) -> Path:
    """A COCO file and its images, in a new folder."""
    folder.mkdir()
    random = np.random.default_rng(1)
    images, records = [], []
    for index in range(IMPORTED_IMAGES):
        name = f"{index:04}.jpg"
        pixels = random.integers(0, 255, (HEIGHT // 8, WIDTH // 8, 3), dtype=np.uint8)
        Picture.fromarray(pixels).resize((WIDTH, HEIGHT)).save(folder / name)
        images.append({"id": index, "file_name": name, "width": WIDTH, "height": HEIGHT})
    for number in range(1, annotations + 1):
        image_id, category_id = number * IMPORTED_IMAGES // (annotations + 1), number % len(CATEGORIES)
        records.append(coco_record(number, image_id, category_id, outline(random), as_polygon=number % 2 == 0))
    categories = [{"id": index, "name": name} for index, name in enumerate(CATEGORIES)]
    path = folder / "instances.json"
    path.write_text(json.dumps({"images": images, "annotations": records, "categories": categories}))
    return path


def peak_mb() -> float:
    """The most memory that this process ever had, in MB."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def drop_from_cache(path: Path) -> None:
    """Let the system forget a file's content, so that it is read from the disk again."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


MEASURES: dict[str, Callable[[Path, argparse.Namespace], dict[str, object]]] = {
    "open": measure_open,
    "list": measure_list,
    "queue": measure_queue,
    "export": measure_export,
    "import": measure_import,
}


def alone(part: str, path: Path, seconds: float) -> dict[str, object]:
    """Measure one part in a process of its own."""
    command = [sys.executable, __file__, "--measure", part, str(path), "--seconds", str(seconds)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def repeated(part: str, path: Path, arguments: argparse.Namespace) -> dict[str, object]:
    runs = [alone(part, path, arguments.seconds) for _ in range(arguments.repeats)]
    numbers = {key: statistics.median(run[key] for run in runs) for key in runs[0] if isinstance(runs[0][key], float)}
    return {"median": numbers, "runs": runs} if numbers else {"runs": runs}


def report(folder: Path, arguments: argparse.Namespace) -> dict[str, object]:
    """Every figure that was asked for."""
    found: dict[str, object] = {"cores": os.cpu_count(), "load": os.getloadavg()}
    watch = Stopwatch()
    path = folder / "large.maskwright"
    if not path.exists() and set(arguments.parts) - {"import"}:
        make_project(folder, arguments.images, arguments.instances)
        found["made_s"] = watch.read()["wall_s"]
    if "open" in arguments.parts:
        drop_from_cache(path)
        found["open"] = {"cold": alone("open", path, 0), **repeated("open", path, arguments)}
    for part in ("list", "queue", "export"):
        if part in arguments.parts:
            found[part] = repeated(part, path, arguments)
    if "import" in arguments.parts:
        dataset = folder / "dataset" / "instances.json"
        found["import"] = repeated(
            "import", dataset if dataset.exists() else make_coco(dataset.parent, arguments.annotations), arguments
        )
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--instances", type=int, default=1_000_000)
    parser.add_argument("--annotations", type=int, default=36_000, help="of the COCO file that is imported")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=10, help="of each phase of the list's part")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--folder", type=Path, help="keeps the project there, and takes it from there the next time")
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        part, path = arguments.measure
        print(json.dumps(MEASURES[part](Path(path), arguments)))
        return 0
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        print(json.dumps(report(folder, arguments), indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
