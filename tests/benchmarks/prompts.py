"""Times box prompts in the real window without a display; prints one JSON document on stdout.

    python tests/benchmarks/prompts.py [--repeats 60] [--models bundled r50-fpn]

On an image of 1024 x 768 with 1,000 accepted instances, whose features are cached. Times are milliseconds. `release` is
from letting the mouse button go, in full movement, to the end of the repaint that shows the stored instance;
`after_pause` the same where the pointer was at rest before; `beside_prefetch` as `release`, while the model is
predicting other images; `category` from giving a proposal another category to the repaint with that category's mask.
`control` is the round of an empty question to the model's threads and back, in the same run. The R50-FPN has random
weights, which take as long as trained ones. Other load spoils the figures: `load` is what the machine reported first,
`stolen` the share of the processors that the host of a virtual machine gave to others meanwhile; `calm_p95` leaves out
the samples during which it did.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import cv2
import numpy as np
import torch
from canvas_scene import Figures, Sample, Stopwatch, figures, filled, held_when_calm, outlines, send, the_machine
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtWidgets import QApplication

import app.jobs.rounds
from app.jobs.model_thread import PredictorState
from app.jobs.pixels import neighbours
from app.preferences import Preferences
from app.theme import Mode, theme
from app.window import MainWindow
from engine.checkpoints import ModelCard, load, save
from engine.geometry.mask import Mask
from engine.nn.zoo import R50_FPN_COCO, build
from engine.project import Project, commands
from engine.records import Detection
from engine.resources import BUNDLED_WEIGHTS

SIZE = 1024, 768
CROWD = 1000
PREFETCHED = 12  # images that the model predicts meanwhile, again and again
KEPT = 5  # images whose features are kept: fewer than those, so that they are encoded again and again
MOVES = 4  # of the pointer within a drag
LEFT, NONE = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
MOVE, PRESS, RELEASE = QEvent.Type.MouseMove, QEvent.Type.MouseButtonPress, QEvent.Type.MouseButtonRelease
MOST_MS = {"bundled": 25.0, "r50-fpn": 60.0}  # p95 of `release`
BESIDE = 2.0  # times that, beside a running prefetch
CATEGORY_MS = 16.0
FILLED = 9.0  # of mask logits, so that each box holds something although the image is noise
OTHER = "other"  # a category that the bundled model is taught by copying its own


def wait(condition: Callable[[], bool], seconds: float = 120.0) -> None:
    """Let the window work until something is so."""
    until = time.perf_counter() + seconds
    while not condition():
        if time.perf_counter() > until:
            raise TimeoutError("The window did not come to what was waited for.")
        QApplication.processEvents()
        time.sleep(0.0002)


def rest(seconds: float) -> None:
    until = time.perf_counter() + seconds
    wait(lambda: time.perf_counter() > until)


def checkpoint(name: str, folder: Path) -> Path:
    """The bundled model with a second category, or a large one; the masks of both fill their boxes."""
    if name == "bundled":
        nuclei, card = load(BUNDLED_WEIGHTS)
        model = build(nuclei.spec.with_categories((*nuclei.spec.categories, OTHER)))
        known = nuclei.state_dict()
        with torch.no_grad():
            for key, weights in model.state_dict().items():
                here = known[key]
                more = weights.shape[0] - here.shape[0] if weights.dim() else 0
                weights.copy_(torch.cat([here, here[-more:]]) if more else here)
            model.mask_head.logits.bias.fill_(FILLED)
        card = replace(card, spec=model.spec)
    else:
        model = build(R50_FPN_COCO)
        with torch.no_grad():
            model.mask_head.logits.bias.fill_(FILLED)
        card = ModelCard(name=name, spec=model.spec)
    path = folder / f"{name}.safetensors"
    save(path, model, card)
    return path


def make_project(folder: Path) -> Path:
    """Blurred noise, on the first image of which many instances are accepted and one proposal is left."""
    folder.mkdir()
    random = np.random.default_rng(0)
    paths = []
    for number in range(1 + PREFETCHED):
        coarse = random.integers(0, 255, (SIZE[1] // 16, SIZE[0] // 16, 3), dtype=np.uint8)
        paths.append(folder / f"{number:02}.png")
        cv2.imwrite(str(paths[-1]), cv2.resize(coarse, SIZE, interpolation=cv2.INTER_CUBIC))
    project = Project.create(folder / "prompts.maskwright")
    project.add_images(paths)
    image = project.images()[0]
    category = project.new_category_id()
    project.apply(commands.add_category(category, "object", "#0072b2"))
    found = [Detection(0, "object", 0.9, (0.0, 0.0, 1.0, 1.0), filled(each)) for each in outlines(CROWD, *SIZE)]
    project.set_proposals(image.id, found, "benchmark")
    project.apply(commands.accept(project.instances(image.id)))
    project.last_image_id = image.id
    project.close()
    return folder / "prompts.maskwright"


class Bench:
    """A window on the crowded image, asked again and again."""

    def __init__(self, folder: Path, name: str) -> None:
        app.jobs.rounds.BUNDLED_WEIGHTS = checkpoint(name, folder)
        self.window = MainWindow(Preferences())
        self.window.resize(1440, 900)
        self.window.show()
        self.session, self.prediction = self.window.session, self.window.prediction
        self.window.projects.open(make_project(folder / name))
        wait(lambda: self.session.pixels is not None)
        self.window.workplace.choose_tool("prompt")
        wait(lambda: self.prediction.is_encoded(None) and self.prediction.card is not None)
        assert self.session.image is not None
        wait(
            lambda: self.session.image is not None and self.session.image.predicted_by == self.prediction.checkpoint_id
        )
        rest(1.0)
        self._others = deque(each for each in self.session.order if each != self.session.image.id)
        self.prediction.features.limit = KEPT * self.prediction.features.bytes
        self._random = np.random.default_rng(1)

    def asked(self) -> Sample:
        """Milliseconds of an empty question."""
        answers: list[None] = []
        watch = Stopwatch()
        self.prediction.ask(lambda predictor, features: None, answers.append, print, keep=True)
        wait(lambda: bool(answers))
        return watch.read()

    def prompted(self, *, pause: bool = False, beside: bool = False) -> Sample:
        """Milliseconds from the release of a box to the repaint with its mask; after a `pause` it was seen before."""
        canvas, session = self.window.canvas, self.session
        side = float(self._random.uniform(30, 90))
        x, y = self._random.uniform(10, SIZE[0] - 100), self._random.uniform(10, SIZE[1] - 100)
        first, last = (QPointF(*canvas.image_to_widget(*place)) for place in ((x, y), (x + side, y + side)))
        send(canvas, MOVE, first, NONE)
        send(canvas, PRESS, first, LEFT)
        for step in range(1, MOVES + 1):
            send(canvas, MOVE, first + (last - first) * (step - 1) / MOVES, LEFT)
            rest(0.03)
        if beside:
            self._prefetch()
        if pause:
            send(canvas, MOVE, last, LEFT)
            rest(0.06)
        stored: list[None] = []
        connection = session.history_changed.connect(lambda: stored.append(None))
        watch = Stopwatch()
        send(canvas, RELEASE, last, NONE)
        wait(lambda: bool(stored))
        QApplication.processEvents()
        taken = watch.read()
        session.history_changed.disconnect(connection)
        self.window.timeline.undo()
        rest(0.05)
        return taken

    def recategorised(self) -> Sample:
        """Milliseconds from giving a proposal another category to the repaint with that category's mask."""
        session, project = self.session, self.session.project
        assert project is not None and session.image is not None
        known = self.prediction.card.spec.categories if self.prediction.card is not None else ()
        names = {each.name: each.id for each in session.categories.values()}
        for name in known[:2]:
            if name not in names:
                names[name] = project.new_category_id()
                session.apply(commands.add_category(names[name], name, "#e69f00"))
        x, y = (int(self._random.integers(10, limit - 100)) for limit in SIZE)
        mask = Mask.from_crop(np.ones((60, 60), dtype=np.bool_), x, y)
        number = project.new_instance_id()
        found = Detection(0, known[0], 0.9, (0.0, 0.0, 1.0, 1.0), mask)
        session.apply(commands.propose(session.image.id, [(number, names[known[0]], found)], "benchmark"))
        session.select([number])
        rest(0.1)
        watch = Stopwatch()
        self.window.decisions.give_category(names[known[1]])
        wait(lambda: session.instances[number].category_id == names[known[1]])
        QApplication.processEvents()
        taken = watch.read()
        self.window.timeline.undo()
        self.window.timeline.undo()
        rest(0.05)
        return taken

    def _prefetch(self) -> None:
        """Let the model go on with the next images, none of which it has seen lately, as it does without this tool."""
        session = self.session
        assert session.image is not None
        self._others.rotate(len(neighbours(session.order, session.image.id)))
        session.order = [session.image.id, *self._others]
        for number in neighbours(session.order, session.image.id):
            session.images[number] = replace(session.images[number], predicted_by=None)
        self.prediction.attend_no_more()
        rest(float(self._random.uniform(0.02, 0.12)))


def judged(found: Figures, most: float) -> dict[str, object]:
    held = {"holds": found["p95"] <= most, "holds_when_calm": held_when_calm(found, most)}
    return {"bound": f"p95 at most {most:g} ms", **held, **found}


def measure(name: str, folder: Path, repeats: int) -> dict[str, object]:
    bench = Bench(folder, name)
    control = [bench.asked() for _ in range(repeats)]
    release = figures([bench.prompted() for _ in range(repeats + 3)][3:])
    paused = figures([bench.prompted(pause=True) for _ in range(repeats)])
    beside = figures([bench.prompted(beside=True) for _ in range(repeats)])
    wait(lambda: bench.prediction.state is PredictorState.WAITING)  # no prefetch is left over
    category = figures([bench.recategorised() for _ in range(repeats + 3)][3:])
    held = bench.prediction.features.bytes
    bench.window.close()
    return {
        "control": figures(control),
        "release": judged(release, MOST_MS[name]),
        "after_pause": paused,
        "beside_prefetch": judged(beside, BESIDE * MOST_MS[name]),
        "category": judged(category, CATEGORY_MS),
        "feature_megabytes": round(held / 2**20, 1),
    }


def main() -> int:
    """Measure what the arguments say."""
    parser = argparse.ArgumentParser(description="Box prompts among a thousand instances")
    parser.add_argument("--repeats", type=int, default=60)
    parser.add_argument("--models", nargs="+", choices=tuple(MOST_MS), default=tuple(MOST_MS))
    chosen = parser.parse_args()
    machine, watch = the_machine(), Stopwatch()
    application = QApplication(sys.argv[:1])
    theme().apply(application, Mode.DARK)
    report: dict[str, object] = {**machine}
    with tempfile.TemporaryDirectory() as name:
        os.environ["MASKWRIGHT_HOME"] = str(Path(name) / "home")
        for model in chosen.models:
            report[model] = measure(model, Path(name), chosen.repeats)
    report["stolen"] = watch.stolen()
    print(json.dumps(report, indent=2))
    application.quit()
    return 0


if __name__ == "__main__":
    sys.exit(main())
