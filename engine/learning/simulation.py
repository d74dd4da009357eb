"""The whole loop with a simulated labeler: does labeling get cheaper when the model learns, and in which order?"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from functools import partial
from itertools import product
from pathlib import Path
from statistics import fmean

import numpy as np

from engine.checkpoints import checkpoint_id, read_card, save
from engine.checkpoints.project_base import base_for_project
from engine.errors import MaskwrightError
from engine.files import atomic_write, check_output_folder
from engine.inference.predictor import Predictor
from engine.learning.dataset import AnnotatedImage, AnnotatedSet, read_pixels
from engine.learning.evaluation import Evaluation, Precision, evaluate, predict_all
from engine.learning.finetune import source_from_project
from engine.learning.promotion import Verdict
from engine.learning.queue import QueueMix, queue
from engine.learning.rounds import Plan, RoundCancelled, Wishes, run_round
from engine.learning.scoring import image_vector, score_image
from engine.learning.simulated_labeler import SimulatedLabeler, Work
from engine.learning.trainer import Step
from engine.nn.detector import Cancelled
from engine.nn.trunk import go_on
from engine.project import CheckpointReference, Project, commands
from engine.project.category_maps import category_map
from engine.project.scores import ScoreTable
from engine.records import Image, Review

COLOUR = "#d0c000"
"""Of the project's categories; nobody looks at them."""


class Order(StrEnum):
    """In which order images are labeled."""

    QUEUE = "queue"
    RANDOM = "random"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What is simulated: on which images, from which checkpoint, and for how many images."""

    pool: AnnotatedSet
    test: AnnotatedSet
    base: Path
    images: int
    rounds_after: tuple[int, ...]
    """Counts of accepted images after which the model is fine-tuned, or only measured where it is not."""
    steps: int | None = None
    """Of each fine-tune, None for as many as the button takes."""
    mix: QueueMix = field(default_factory=QueueMix)


@dataclass(frozen=True, slots=True)
class Measured:
    """The state of a run when some images are accepted: what labeling took since the state before, what a fine-tune
    then came to, and how good the model that predicts from now on is on the test set."""

    images: int
    work: Work
    verdict: str | None
    promoted: bool
    training_seconds: float
    box: Precision
    mask: Precision


@dataclass(frozen=True, slots=True)
class Run:
    """One seed in one order, with fine-tuning or without."""

    order: Order
    finetuned: bool
    seed: int
    labeled: tuple[Path, ...]
    """Its images, as they came."""
    rounds: tuple[Measured, ...]

    @property
    def work(self) -> Work:
        """Of all its images."""
        return sum((each.work for each in self.rounds), Work())

    def to_dict(self) -> dict[str, object]:
        """The run as JSON values."""
        total = self.work
        return {
            "order": self.order,
            "finetuned": self.finetuned,
            "seed": self.seed,
            "images": self.rounds[-1].images,
            "labeled": [path.name for path in self.labeled],
            **_as_dict(total),
            "rounds": [
                {
                    "images": each.images,
                    **_as_dict(each.work),
                    "verdict": each.verdict,
                    "promoted": each.promoted,
                    "training_seconds": each.training_seconds,
                    "box": asdict(each.box),
                    "mask": asdict(each.mask),
                }
                for each in self.rounds
            ],
        }


def _as_dict(work: Work) -> dict[str, object]:
    each = work.seconds / work.instances if work.instances else None
    return {**asdict(work), "seconds_an_instance": each}


Progress = Callable[[str], None]


def simulate(
    setting: Setting,
    folder: Path,
    *,
    seeds: Sequence[int],
    progress: Progress,
    cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[Run]:
    """For every seed the queue's order and a random one, each with fine-tuning and then, the same images in the same
    order, without: one run after the other.

    Each run is a project of its own in ``folder``.

    Raises:
        MaskwrightError: there are not enough images, or a step of the loop failed.
        Cancelled: ``cancelled()`` said to stop.
    """
    if setting.images > len(setting.pool.images):
        raise MaskwrightError(
            f"The pool has {len(setting.pool.images)} images, fewer than the {setting.images} to label.",
            remedy="Label fewer with --count.",
        )
    check_output_folder(folder)
    if any(_run_folder(folder, *each).is_dir() for each in product(Order, (True, False), seeds)):
        raise MaskwrightError(
            f"There are runs of another simulation in {folder}.", remedy="Choose a new or an empty folder."
        )
    folder.mkdir(parents=True, exist_ok=True)
    base = _base_for(setting, folder)
    for seed in seeds:
        for order in Order:
            labeled: tuple[Path, ...] | None = None
            for finetuned in (True, False):
                place = _run_folder(folder, order, finetuned, seed)
                loop = _Loop(setting, base, place, order, finetuned, seed, labeled, cancelled)
                run = loop.run(partial(_told, progress, place.name))
                labeled = run.labeled
                yield run


def _run_folder(folder: Path, order: Order, finetuned: bool, seed: int) -> Path:
    return folder / f"{order}-{'fine-tuned' if finetuned else 'as-it-is'}-{seed}"


def _told(progress: Progress, name: str, text: str) -> None:
    progress(f"{name}: {text}")


def summary(runs: Sequence[Run]) -> dict[str, object]:
    """Seconds over all images with fine-tuning as a share of those without, for the same images: by order, of each seed
    and the mean."""
    without = {(run.order, run.seed): run.work.seconds for run in runs if not run.finetuned}
    shares: dict[str, object] = {}
    for order in Order:
        found = {
            run.seed: run.work.seconds / without[order, run.seed]
            for run in runs
            if run.finetuned and run.order is order and without.get((order, run.seed))
        }
        shares[str(order)] = {"by_seed": found, "mean": fmean(found.values()) if found else None}
    return {"seconds_with_fine_tuning_over_without": shares}


def write_report(path: Path, setting: Setting, runs: Sequence[Run]) -> dict[str, object]:
    """Write the runs as JSON; returns the document."""
    document: dict[str, object] = {
        "base": checkpoint_id(setting.base),
        "pool": {"images": len(setting.pool.images), "instances": setting.pool.instances},
        "test": {"images": len(setting.test.images), "instances": setting.test.instances},
        "rounds_after": list(setting.rounds_after),
        "summary": summary(runs),
        "runs": [run.to_dict() for run in runs],
    }
    with atomic_write(path) as temporary:
        temporary.write_text(json.dumps(document, indent=1), encoding="utf-8")
    return document


def _base_for(setting: Setting, folder: Path) -> Path:
    """The base with the pool's categories: those that it does not know start as the mean of its own."""
    names = category_map(None, read_card(setting.base).spec.categories, setting.pool.categories)
    model, card = base_for_project(setting.base, names, setting.pool.categories)
    path = folder / "base.safetensors"
    save(path, model, card)
    return path


class _Loop:
    """One run: a project, its images' truth, and the model that predicts."""

    def __init__(
        self,
        setting: Setting,
        base: Path,
        folder: Path,
        order: Order,
        finetuned: bool,
        seed: int,
        labeled: tuple[Path, ...] | None,
        cancelled: Callable[[], bool],
    ) -> None:
        """``labeled`` are the images of another run to label once more, None to let the order choose."""
        self._setting, self._base, self._folder = setting, base, folder
        self._order, self._finetuned, self._seed = order, finetuned, seed
        self._labeled, self._cancelled = labeled, cancelled
        self._file = folder / "pool.maskwright"
        self._predictor = Predictor.from_checkpoint(base)
        self._test: Evaluation | None = None  # of the model that predicts

    def run(self, progress: Progress) -> Run:
        self._folder.mkdir(parents=True, exist_ok=True)
        Project.discard(self._file)
        with Project.create(self._file) as project:
            truth = self._fill(project)
            labeled, rounds = self._label(project, truth, progress)
        return Run(self._order, self._finetuned, self._seed, labeled, tuple(rounds))

    def _fill(self, project: Project) -> dict[int, AnnotatedImage]:
        """Add the pool's images and categories; returns the truth by image id."""
        by_path = {image.path.resolve(): image for image in self._setting.pool.images}
        project.add_images(by_path)
        for name in self._setting.pool.categories:
            project.apply(commands.add_category(project.new_category_id(), name, COLOUR))
        reference = CheckpointReference(checkpoint_id(self._base), self._base)
        project.set_base_checkpoint(reference, predicts=True)
        return {image.id: by_path[project.image_path(image).resolve()] for image in project.images()}

    def _label(
        self, project: Project, truth: Mapping[int, AnnotatedImage], progress: Progress
    ) -> tuple[tuple[Path, ...], tuple[Measured, ...]]:
        """Label as many images as the setting says: which they were, and each state that was measured."""
        rounds: list[Measured] = []
        labeled: list[Path] = []
        done, since = 0, Work()
        for stop in sorted({*self._setting.rounds_after, self._setting.images}):
            order = self._next(project, truth)
            for image in order[: stop - done]:
                go_on(self._cancelled)
                since += SimulatedLabeler(project, self._predictor).correct(image, truth[image.id])
                labeled.append(truth[image.id].path)
            done = stop
            rounds.append(self._measure(project, done, since))
            progress(
                f"{done} images, {since.seconds / max(1, since.instances):.2f} s an instance, "
                f"mask AP {rounds[-1].mask.AP:.3f} from now on"
            )
            since = Work()
        return tuple(labeled), tuple(rounds)

    def _next(self, project: Project, truth: Mapping[int, AnnotatedImage]) -> list[Image]:
        """The open images, the one to label next first."""
        images = {image.id: image for image in project.images() if image.review is Review.OPEN}
        if self._labeled is not None:
            by_path = {truth[number].path: image for number, image in images.items()}
            return [by_path[path] for path in self._labeled if path in by_path]
        if self._order is Order.RANDOM:
            # By one permutation of all: the images stay in their order whatever was labeled before.
            turn = np.random.default_rng(self._seed).permutation(len(truth))
            places = dict(zip(sorted(truth), turn.tolist(), strict=True))
            return sorted(images.values(), key=lambda image: places[image.id])
        scores = {
            number: score_image(
                self._predictor, read_pixels(truth[number]), content=image.content_hash, cancelled=self._cancelled
            )
            for number, image in images.items()
        }
        accepted = [
            image_vector(self._predictor.encode(read_pixels(truth[number]), self._cancelled))
            for number in truth
            if number not in images
        ]
        found = queue(ScoreTable.of(scores), np.array(accepted, np.float16), self._setting.mix, self._seed)
        return [images[place.image_id] for place in found]

    def _measure(self, project: Project, accepted: int, work: Work) -> Measured:
        verdict, promoted, seconds = (self._fine_tune(project, accepted)) if self._finetuned else (None, False, 0.0)
        if promoted or self._test is None:
            found = predict_all(self._predictor, self._setting.test, cancelled=self._cancelled)
            self._test = evaluate(self._setting.test, found)
        return Measured(accepted, work, verdict, promoted, seconds, self._test.box, self._test.mask)

    def _fine_tune(self, project: Project, accepted: int) -> tuple[str | None, bool, float]:
        """One round; its model predicts from now on unless it is worse, as a person decides who cannot tell."""
        source = source_from_project(self._file, self._base, self._folder / f"round-{accepted:03d}")
        if source.training.instances == 0:
            return None, False, 0.0
        try:
            wishes = Wishes(steps=self._setting.steps, seed=self._seed)
            result = run_round(source, wishes, command="", observer=_Silent(), cancelled=self._cancelled)
        except RoundCancelled as error:
            raise Cancelled from error
        promoted = result.comparison.verdict is not Verdict.WORSE
        if promoted:
            project.set_current_checkpoint(checkpoint_id(result.checkpoint), result.checkpoint)
            self._predictor = Predictor.from_checkpoint(result.checkpoint)
        return str(result.comparison.verdict), promoted, result.took["seconds"] or 0.0


class _Silent:
    """Nobody watches the rounds of a simulation."""

    def started(self, plan: Plan) -> None: ...
    def view(self, done: int, total: int) -> None: ...
    def step(self, step: Step) -> None: ...
    def evaluated(self, step: int, evaluation: Evaluation) -> None: ...
