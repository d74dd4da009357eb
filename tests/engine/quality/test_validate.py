"""Promises of the verb `validate`: its exit codes, its document, what it mends, and what it makes of real datasets."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine import verbs
from engine.geometry import rle
from engine.geometry.mask import Mask
from engine.project import Action, Edit, InstanceChange, Project
from engine.synthetic import write_dataset

Run = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """run(*arguments): the exit code and the JSON document of `validate --json`."""

    def call(*arguments: str | Path) -> tuple[int, dict[str, Any]]:
        code = verbs.main(["validate", *map(str, arguments), "--json"])
        return code, json.loads(capsys.readouterr().out)

    return call


@pytest.fixture
def clean(tmp_path: Path) -> Path:
    """The COCO file of three small drawn images, which lie in `images` beside it."""
    return write_dataset(tmp_path / "drawn", 3, seed=40, size=(128, 96))


@pytest.fixture
def flawed(clean: Path) -> Path:
    """The same file with a duplicate, a speck and a wrong box."""
    document = json.loads(clean.read_text())
    first, second, third = document["annotations"][:3]
    document["annotations"].append({**first, "id": 9001})
    mask = rle.from_coco(second["segmentation"])
    crumb = Mask.from_crop(np.ones((1, 1), dtype=bool), *far_corner(mask))
    second["segmentation"] = rle.to_coco(mask.union(crumb), 96, 128)
    second.pop("bbox", None)
    third["bbox"] = [0, 0, 3, 3]
    clean.write_text(json.dumps(document))
    return clean


def far_corner(mask: Mask) -> tuple[int, int]:
    """A pixel of an image of 128 x 96 that is not near the mask."""
    return (0 if mask.x > 64 else 127, 0 if mask.y > 48 else 95)


@pytest.fixture
def project(flawed: Path, tmp_path: Path) -> Path:
    path = tmp_path / "project.maskwright"
    arguments = ("--project", path, "--coco", flawed, "--images", flawed.parent / "images", "--accept")
    assert verbs.main(["import", *map(str, arguments)]) == 0
    return path


def images_of(coco: Path) -> tuple[str | Path, ...]:
    return "--coco", coco, "--images", coco.parent / "images"


def test_a_clean_dataset_ends_with_zero(run: Run, clean: Path) -> None:
    code, document = run(*images_of(clean), "--files")
    assert code == 0
    assert [finding["severity"] for finding in document["findings"] if finding["severity"] != "hint"] == []
    assert document["images"] == 3
    assert document["instances"] == len(json.loads(clean.read_text())["annotations"])


def test_findings_end_with_one_and_say_where_they_are(run: Run, flawed: Path) -> None:
    code, document = run(*images_of(flawed), "--skip", "hole")
    assert code == 1
    assert document["counts"] == {"duplicate": 1, "box-area": 1, "speck": 1}
    duplicate = next(finding for finding in document["findings"] if finding["check"] == "duplicate")
    assert set(duplicate) == {"check", "severity", "image", "image_id", "instances", "bounds", "message", "fixable"}
    assert duplicate["severity"] == "error" and duplicate["fixable"]
    assert 9001 in duplicate["instances"]
    assert (flawed.parent / "images" / duplicate["image"]).is_file()


@pytest.mark.parametrize(("severity", "code"), [("error", 0), ("warning", 1), ("hint", 1)])
def test_the_severity_that_fails_can_be_chosen(run: Run, flawed: Path, severity: str, code: int) -> None:
    assert run(*images_of(flawed), "--check", "speck", "--fail-on", severity)[0] == code


def test_checks_can_be_chosen_and_left_out(run: Run, flawed: Path) -> None:
    chosen = ("--check", "speck", "--check", "duplicate", "--skip", "duplicate")
    assert run(*images_of(flawed), *chosen)[1]["counts"] == {"speck": 1}


def test_files_are_looked_at_where_asked_or_named(run: Run, clean: Path) -> None:
    next((clean.parent / "images").iterdir()).unlink()
    assert "missing-file" not in run(*images_of(clean))[1]["counts"]
    for asked in (("--files",), ("--check", "missing-file")):
        assert run(*images_of(clean), *asked)[1]["counts"]["missing-file"] == 1


def test_without_a_fix_nothing_is_written(run: Run, project: Path) -> None:
    before = project.read_bytes()
    assert run("--project", project)[0] == 1
    assert project.read_bytes() == before


def test_fix_mends_the_project_and_undo_takes_each_check_back(run: Run, project: Path) -> None:
    with Project.open(project, read_only=True) as opened:
        stored = [opened.instances(image.id) for image in opened.images()]
    code, document = run(
        "--project", project, "--fix", "--check", "duplicate", "--check", "speck", "--check", "box-area"
    )
    assert (code, document["fixed"], document["findings"]) == (0, 3, [])
    with Project.open(project) as opened:
        assert len(opened.history()) == 1 + 3
        for _ in range(3):
            opened.undo()
        assert [opened.instances(image.id) for image in opened.images()] == stored


def test_a_judgement_is_left_to_fix_all(run: Run, project: Path) -> None:
    with Project.open(project) as opened:
        first = opened.instances(opened.images()[0].id)[0]
        tiny = first.with_mask(Mask.from_crop(np.ones((2, 2), dtype=bool), 0, 0))
        opened.apply(Edit(Action.RESHAPE, first.image_id, (InstanceChange(first, tiny),)))
    only = ("--check", "tiny", "--fail-on", "hint")
    assert run("--project", project, "--fix", *only)[0] == 1
    code, document = run("--project", project, "--fix-all", *only)
    assert (code, document["fixed"]) == (0, 1)


@pytest.mark.parametrize(
    "arguments",
    [(), ("--coco", "a.json"), ("--project", "a", "--coco", "b", "--images", "c"), ("--project", "none.maskwright")],
)
def test_a_mistake_ends_with_two_and_one_line(capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]) -> None:
    assert verbs.main(["validate", *arguments]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_coco_file_is_never_mended(flawed: Path) -> None:
    assert verbs.main(["validate", *map(str, images_of(flawed)), "--fix"]) == 2


def test_words_name_the_check_why_it_matters_and_the_sum(capsys: pytest.CaptureFixture[str], flawed: Path) -> None:
    assert verbs.main(["validate", *map(str, images_of(flawed)), "--skip", "hole"]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("Error: Duplicates, 1. The same object counted twice")
    assert lines[-1].startswith("3 findings on 3 images with ")


def test_disagreement_with_the_model_is_looked_for_where_asked(run: Run, clean: Path) -> None:
    document = json.loads(clean.read_text())
    image = document["images"][0]["id"]
    document["annotations"] = [each for each in document["annotations"] if each["image_id"] != image]
    clean.write_text(json.dumps(document))
    checks = ("--check", "missed", "--check", "extra", "--check", "low-iou")
    assert verbs.main(["validate", *map(str, images_of(clean)), *checks]) == 2  # there is nothing to compare with
    found = run(*images_of(clean), *checks, "--model")[1]["findings"]
    assert [finding["image_id"] for finding in found].count(image) >= 2
    assert {finding["check"] for finding in found if finding["image_id"] == image} == {"missed"}


@pytest.mark.parametrize(
    ("annotations", "images", "at_least", "at_most"),
    [
        ("nuclei/annotations/instances_val.json", "nuclei/images", {}, {"duplicate": 0, "speck": 5, "box-area": 5}),
        (
            "coco-tiny/annotations/instances_val2017.json",
            "coco-tiny/val2017",
            {"speck": 3, "hole": 5, "imbalance": 40},
            {"duplicate": 2, "box-area": 5, "far-part": 10, "outside": 0},
        ),
        # Its areas are those of the boxes.
        ("mushrooms/annotations/instances_train.json", "mushrooms/images", {"box-area": 3000, "duplicate": 1}, {}),
    ],
)
def test_real_datasets_have_a_plausible_number_of_findings(
    run: Run, data_root: Path, annotations: str, images: str, at_least: dict[str, int], at_most: dict[str, int]
) -> None:
    _, document = run("--coco", data_root / annotations, "--images", data_root / images)
    counts = document["counts"]
    assert all(counts.get(check, 0) >= number for check, number in at_least.items()), counts
    assert all(counts.get(check, 0) <= number for check, number in at_most.items()), counts
