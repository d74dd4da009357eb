"""The simulated labeler leaves every instance right, pays for each step, and its report adds up."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest
import torch

from engine import verbs
from engine.checkpoints import ModelCard, save
from engine.geometry.mask import Mask
from engine.inference.predictor import Predictor
from engine.learning.agreement import GOOD
from engine.learning.corrections import pieces_to_mend
from engine.learning.dataset import AnnotatedImage, from_coco
from engine.learning.effort import MISSED, POLYGON, stroke
from engine.learning.simulated_labeler import SimulatedLabeler, Work
from engine.nn.zoo import NUCLEI, build
from engine.project import Project, commands
from engine.records import ImageStatus
from engine.resources import BUNDLED_WEIGHTS
from engine.synthetic import draw, write_dataset

TINY = replace(
    NUCLEI,
    fpn_channels=16,
    rpn_channels=16,
    box_hidden=32,
    mask_layers=(8,),
    input_min_side=64,
    detections_per_image=20,
)


@pytest.fixture
def image(tmp_path: Path) -> AnnotatedImage:
    drawn = draw(3, "fluorescence", 160, 128)
    path = tmp_path / "cells.png"
    cv2.imwrite(str(path), drawn.rgb[..., ::-1])
    masks = tuple(drawn.masks)
    return AnnotatedImage(path, 160, 128, ("nucleus",) * len(masks), masks)


def tiny() -> Predictor:
    torch.manual_seed(0)
    model = build(TINY).eval()
    return Predictor(model, ModelCard(name="tiny", spec=TINY), "tiny")


@pytest.mark.parametrize("model", ["bundled", "one that knows nothing"])
def test_every_instance_is_good_in_the_end_and_the_journal_has_the_seconds(
    tmp_path: Path, image: AnnotatedImage, model: str
) -> None:
    predictor = Predictor.from_checkpoint(BUNDLED_WEIGHTS) if model == "bundled" else tiny()
    with Project.create(tmp_path / "cells.maskwright") as project:
        project.add_images([image.path])
        project.apply(commands.add_category(project.new_category_id(), "nucleus", "#ff0000"))
        (known,) = project.images()
        work = SimulatedLabeler(project, predictor).correct(known, image)
        (done,) = project.images()
        journal = sum(entry.seconds for entry in project.history())
    assert done.status is ImageStatus.ACCEPTED
    assert work.least_iou >= GOOD
    assert work.instances == len(image.masks) == work.accepted + work.mended + work.boxed + work.outlined
    assert journal == pytest.approx(work.seconds)
    assert work.seconds <= (MISSED + POLYGON) * (work.instances + work.rejected)


def test_pieces_are_what_must_be_painted_and_erased() -> None:
    truth = Mask.from_crop(np.ones((20, 30), bool), 10, 10)
    proposal = Mask.from_crop(np.ones((24, 15), bool), 10, 10)
    pieces = pieces_to_mend(proposal, truth, 1.0)
    mended = proposal
    for piece in pieces:
        mended = mended.subtract(piece.mask) if piece.extra else mended.union(piece.mask)
    assert mended == truth
    assert [piece.extra for piece in pieces] == [False, True]
    assert pieces_to_mend(proposal, proposal, 1.0) == []


def test_a_longer_stroke_costs_more_and_none_is_free() -> None:
    assert 0 < stroke(0.0) < stroke(100.0) < stroke(400.0)


def test_work_adds_up() -> None:
    total = Work(seconds=1.0, accepted=2, least_iou=0.9) + Work(seconds=2.0, boxed=1, least_iou=0.85)
    assert total == Work(seconds=3.0, accepted=2, boxed=1, least_iou=0.85)


@pytest.mark.slow
def test_the_verb_reports_every_round_of_every_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    annotations = write_dataset(tmp_path, 4, seed=5, size=(96, 96))
    base = tmp_path / "tiny.safetensors"
    save(base, tiny().model, ModelCard(name="tiny", spec=TINY))
    data = ["--coco", str(annotations), "--images", str(tmp_path / "images"), "--test-coco", str(annotations)]
    out = tmp_path / "out"
    settings = ["--weights", str(base), "--count", "3", "--rounds-after", "2", "--seeds", "1", "--steps", "10"]
    assert verbs.main(["simulate", *data, *settings, "--out", str(out), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report == json.loads((out / "simulation.json").read_text())
    assert [(run["order"], run["finetuned"]) for run in report["runs"]] == [
        ("queue", True),
        ("queue", False),
        ("random", True),
        ("random", False),
    ]
    truth = {image.path.name: len(image.masks) for image in from_coco(annotations, tmp_path / "images").images}
    for run in report["runs"]:
        assert [each["images"] for each in run["rounds"]] == [2, 3]
        assert run["seconds"] == pytest.approx(sum(each["seconds"] for each in run["rounds"]))
        assert run["least_iou"] >= GOOD
        assert 0 < run["instances"] <= sum(truth.values())
        assert all((each["verdict"] is not None) == run["finetuned"] for each in run["rounds"])
    for order, (tuned, plain) in {"queue": report["runs"][:2], "random": report["runs"][2:]}.items():
        assert tuned["labeled"] == plain["labeled"]
        assert len(set(tuned["labeled"])) == 3
        share = report["summary"]["seconds_with_fine_tuning_over_without"][order]["by_seed"]["0"]
        assert share == pytest.approx(tuned["seconds"] / plain["seconds"])
    ElementTree.parse(out / "simulation.svg")


def test_what_is_measured_before_a_failure_is_written_and_not_added_to(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    annotations = write_dataset(tmp_path, 3, seed=5, size=(96, 96))
    base = tmp_path / "tiny.safetensors"
    save(base, tiny().model, ModelCard(name="tiny", spec=TINY))
    out = tmp_path / "out"
    # The second run finds its place taken by a file.
    out.mkdir()
    (out / "queue-as-it-is-0").write_text("not a folder")
    data = ["--coco", str(annotations), "--images", str(tmp_path / "images"), "--test-coco", str(annotations)]
    settings = ["--weights", str(base), "--count", "2", "--rounds-after", "2", "--seeds", "1", "--steps", "2"]
    assert verbs.main(["simulate", *data, *settings, "--out", str(out)]) != 0
    report = json.loads((out / "simulation.json").read_text())
    assert [(run["order"], run["finetuned"]) for run in report["runs"]] == [("queue", True)]
    ElementTree.parse(out / "simulation.svg")
    capsys.readouterr()
    assert verbs.main(["simulate", *data, *settings, "--out", str(out)]) == 2
    assert "There are runs of another simulation" in capsys.readouterr().err


def test_too_small_a_pool_and_odd_counts_are_refused_in_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    annotations = write_dataset(tmp_path, 2, seed=5, size=(64, 64))
    data = ["--coco", str(annotations), "--images", str(tmp_path / "images"), "--test-coco", str(annotations)]
    assert verbs.main(["simulate", *data, "--out", str(tmp_path / "out")]) == 2
    assert "The pool has 2 images, fewer than the 20 to label." in capsys.readouterr().err
    assert verbs.main(["simulate", *data, "--out", str(tmp_path / "out"), "--rounds-after", "two"]) == 2
    assert "--rounds-after is 'two'" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
