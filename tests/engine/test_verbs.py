"""Promises of the headless verbs: what they write, one clear line on bad input, and nothing half written."""

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pycocotools.coco import COCO

from engine import verbs
from engine.project import Project, commands
from engine.records import ImageStatus, InstanceState
from engine.resources import BUNDLED_WEIGHTS, SAMPLE_IMAGES, SAMPLE_TRUTH
from engine.synthetic import write_dataset

ROOT = Path(__file__).resolve().parents[2]
VERBS = ("predict", "finetune", "train", "evaluate", "import", "export", "validate", "doctor", "demo")
Refused = Callable[..., str]


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Refused:
    """refused(*arguments): runs a verb that must end with exit code 2, one line and no new file; returns the line."""

    def run(*arguments: str | Path) -> str:
        before = sorted(path for path in tmp_path.rglob("*"))
        assert verbs.main([str(argument) for argument in arguments]) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err.startswith("Error: ")
        assert captured.err.count("\n") == 1, captured.err
        assert sorted(path for path in tmp_path.rglob("*")) == before
        return captured.err

    return run


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """The COCO file of three small drawn images, which lie in `images` beside it."""
    return write_dataset(tmp_path / "drawn", 3, seed=40, size=(128, 96))


def run_main(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, str(ROOT / "main.py"), *map(str, arguments)]
    known = {**os.environ, **environment}
    return subprocess.run(program, env=known, capture_output=True, text=True, check=False, timeout=120)


@pytest.mark.parametrize("verb", VERBS)
def test_help_describes_every_option(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert verbs.main([verb, "--help"]) == 0
    text = capsys.readouterr().out
    options = re.findall(r"(--[a-z][a-z-]+)(.*)", text)
    assert options
    for option, rest in options:
        assert option == "--help" or len(re.sub(r"[│\s\[\]]|TEXT|PATH|INTEGER|FLOAT", "", rest)) > 5, option


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nosuchverb",), "No such command 'nosuchverb'"),
        (("evaluate",), "Missing option '--coco'"),
        (("predict", SAMPLE_IMAGES), "either images and --out, or --project"),
        (("finetune",), "either --project, or --coco"),
        (("predict", SAMPLE_IMAGES, "--out", "o.json", "--threshold", "2"), "--threshold"),
        (("finetune", "--project", "p.maskwright", "--seed", "-1"), "--seed"),
        (("finetune", "--project", "p.maskwright", "--hold-out-coco", SAMPLE_TRUTH), "either --project, or --coco"),
        (("finetune", "--project", "p.maskwright", "--json", "--progress-json"), "either one document"),
    ],
)
def test_a_wrong_command_line_is_explained(refused: Refused, arguments: tuple[str, ...], words: str) -> None:
    assert words in refused(*arguments)


def test_weights_that_are_none_are_named(refused: Refused, tmp_path: Path) -> None:
    text, cut = tmp_path / "text.safetensors", tmp_path / "cut.safetensors"
    text.write_text("these are not weights")
    cut.write_bytes(BUNDLED_WEIGHTS.read_bytes()[:100_000])
    for weights in (text, cut):
        line = refused("predict", SAMPLE_IMAGES, "--out", tmp_path / "o.json", "--weights", weights)
        assert weights.name in line
    assert "none.safetensors" in refused(
        "evaluate", "--coco", SAMPLE_TRUTH, "--images", SAMPLE_IMAGES, "--weights", "none.safetensors"
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "not valid JSON"),
        ('{"a": 1}', "'images'"),
        ("[]", "no JSON object at its top level"),
        ("", "not valid JSON"),
    ],
)
def test_a_file_that_is_no_coco_dataset_is_named(refused: Refused, tmp_path: Path, content: str, words: str) -> None:
    annotations = tmp_path / "annotations.json"
    annotations.write_text(content)
    for verb in (("evaluate",), ("import", "--project", tmp_path / "new.maskwright")):
        line = refused(*verb, "--coco", annotations, "--images", tmp_path)
        assert "annotations.json" in line
        assert words in line


def test_an_image_that_the_dataset_names_and_nobody_has_is_named(refused: Refused, dataset: Path) -> None:
    missing = sorted((dataset.parent / "images").iterdir())[0]
    missing.unlink()
    line = refused("evaluate", "--coco", dataset, "--images", dataset.parent / "images")
    assert missing.name in line
    line = refused(
        "finetune", "--coco", dataset, "--images", dataset.parent / "images", "--out", dataset.parent / "out"
    )
    assert missing.name in line


def test_images_of_another_size_than_their_annotations_are_refused(refused: Refused, dataset: Path) -> None:
    document = json.loads(dataset.read_text())
    for image in document["images"]:
        image["width"], image["height"] = image["height"], image["width"]
    for annotation in document["annotations"]:
        annotation["segmentation"] = [[1, 1, 20, 1, 20, 20]]
    dataset.write_text(json.dumps(document))
    data = ("--coco", dataset, "--images", dataset.parent / "images")
    assert "are for 96 x 128 pixels, but the image has 128 x 96" in refused("evaluate", *data)


def test_an_images_folder_that_does_not_exist_is_named(refused: Refused, dataset: Path, tmp_path: Path) -> None:
    data = ("--coco", dataset, "--images", tmp_path / "nowhere")
    for verb in (("evaluate",), ("import", "--project", tmp_path / "new.maskwright"), ("finetune", "--out", tmp_path)):
        assert f"The images folder {tmp_path / 'nowhere'} does not exist." in refused(*verb, *data)


def test_the_only_category_of_the_model_is_that_of_the_dataset(
    dataset: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--coco", str(dataset), "--images", str(dataset.parent / "images"), "--json"]
    found = []
    for name in ("nucleus", "zebra"):
        dataset.write_text(dataset.read_text().replace('"nucleus"', f'"{name}"'))
        assert verbs.main(["evaluate", *arguments]) == 0
        told = capsys.readouterr()
        found.append(json.loads(told.out)["mask"])
    assert "what the model calls 'nucleus' counts as 'zebra'" in told.err
    assert found[0] == found[1]
    assert found[0]["AP50"] > 0.5


def test_a_category_that_the_model_cannot_find_is_told(dataset: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = json.loads(dataset.read_text())
    document["categories"] = [
        {**document["categories"][0], "name": name, "id": n} for n, name in enumerate(("zebra", "lion"), 1)
    ]
    dataset.write_text(json.dumps(document))
    arguments = ["--coco", str(dataset), "--images", str(dataset.parent / "images"), "--json"]
    assert verbs.main(["evaluate", *arguments]) == 0
    told = capsys.readouterr()
    assert "the model has no category 'zebra'" in told.err
    assert json.loads(told.out)["mask"]["AP50"] == 0


def test_importing_goes_on_without_a_missing_image(
    dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = sorted((dataset.parent / "images").iterdir())[0]
    missing.unlink()
    project = tmp_path / "new.maskwright"
    assert (
        verbs.main(["import", "--project", str(project), "--coco", str(dataset), "--images", str(missing.parent)]) == 0
    )
    assert f"Left out: {missing.name}" in capsys.readouterr().err
    with Project.open(project, read_only=True) as opened:
        assert len(opened.images()) == 2


def test_a_file_of_another_program_is_no_project(refused: Refused, tmp_path: Path) -> None:
    text, database = tmp_path / "text.maskwright", tmp_path / "other.maskwright"
    text.write_text("a diary")
    with sqlite3.connect(database) as connection:
        connection.execute("create table poems (line text)")
    for path in (text, database, tmp_path / "none.maskwright"):
        content = path.read_bytes() if path.exists() else b""
        for verb in (("export", "--out", tmp_path / "o.json"), ("predict",), ("finetune",)):
            assert path.name in refused(*verb, "--project", path)
        assert not path.exists() or path.read_bytes() == content


def test_an_output_that_cannot_be_written_is_named(refused: Refused, tmp_path: Path) -> None:
    image = sorted(SAMPLE_IMAGES.iterdir())[0]
    assert "does not exist" in refused("predict", image, "--out", tmp_path / "nowhere" / "o.json")
    assert "is a folder" in refused("predict", image, "--out", tmp_path)


def test_a_full_disk_is_told_and_leaves_nothing(dataset: Path, tmp_path: Path) -> None:
    full = tmp_path / "full"
    full.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(full)], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("a small file system cannot be mounted here")
    try:
        project = tmp_path / "p.maskwright"
        images = dataset.parent / "images"
        assert (
            verbs.main(
                ["import", "--project", str(project), "--coco", str(dataset), "--images", str(images), "--accept"]
            )
            == 0
        )
        (full / "ballast").write_bytes(bytes(16384))
        done = run_main("export", "--project", project, "--out", full / "o.json")
        assert done.returncode == 2
        assert "no space left on the disk" in done.stderr
        assert [path.name for path in full.iterdir()] == ["ballast"]
    finally:
        subprocess.run(["umount", str(full)], check=True)


def test_what_is_predicted_is_a_coco_file_of_what_is_on_the_images(tmp_path: Path) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    for name in ("fluorescence-011.png", "stained-031.png"):
        shutil.copy(SAMPLE_IMAGES / name, folder)
    out = tmp_path / "o.json"
    assert verbs.main(["predict", str(folder), "--out", str(out)]) == 0
    found, truth = COCO(str(out)), COCO(str(SAMPLE_TRUTH))
    assert [image["id"] for image in found.dataset["images"]] == [1, 2]
    known = {image["file_name"]: image["id"] for image in truth.dataset["images"]}
    for image in found.dataset["images"]:
        masks = [found.annToMask(one).astype(bool) for one in found.imgToAnns[image["id"]]]
        instances = [truth.annToMask(one).astype(bool) for one in truth.imgToAnns[known[image["file_name"]]]]
        seen, drawn = np.any(masks, axis=0), np.any(instances, axis=0)
        assert (seen & drawn).sum() / (seen | drawn).sum() > 0.75
        assert abs(len(masks) - len(instances)) <= 0.25 * len(instances)


def test_an_image_that_cannot_be_read_is_left_out_and_the_rest_goes_on(
    refused: Refused, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, out = tmp_path / "images", tmp_path / "o.json"
    folder.mkdir()
    (folder / "zero.png").touch()
    (folder / "cut.png").write_bytes((SAMPLE_IMAGES / "stained-031.png").read_bytes()[:3000])
    assert "cut.png" in refused("predict", folder, "--out", out)
    shutil.copy(SAMPLE_IMAGES / "stained-031.png", folder / "good.png")
    assert verbs.main(["predict", str(folder), "--out", str(out)]) == 0
    said = capsys.readouterr().err
    assert said.count("Left out: ") == 2
    assert "zero.png is empty" in said
    assert [image["file_name"] for image in json.loads(out.read_text())["images"]] == ["good.png"]


def test_a_projects_open_images_are_filled_and_decided_ones_are_left_alone(dataset: Path, tmp_path: Path) -> None:
    path = tmp_path / "p.maskwright"
    with Project.create(path) as project:
        project.add_images(sorted((dataset.parent / "images").iterdir()))
        decided = project.images()[0]
        project.apply(commands.skip(decided))
    assert verbs.main(["predict", "--project", str(path)]) == 0
    with Project.open(path, read_only=True) as project:
        first, *others = project.images()
        assert first.status is ImageStatus.SKIPPED
        assert not project.instances(first.id)
        assert {image.status for image in others} == {ImageStatus.PREDICTED}
        states = {instance.state for image in others for instance in project.instances(image.id)}
        assert states == {InstanceState.PROPOSAL}


def test_importing_and_exporting_gives_the_annotations_back(
    dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project, out, images = tmp_path / "p.maskwright", tmp_path / "o.json", dataset.parent / "images"
    arguments = ["--project", str(project), "--coco", str(dataset), "--images", str(images), "--accept"]
    assert verbs.main(["import", *arguments]) == 0
    capsys.readouterr()
    assert verbs.main(["export", "--project", str(project), "--out", str(out), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    before, after = json.loads(dataset.read_text()), json.loads(out.read_text())
    assert told == {"path": str(out), "images": 3, "annotations": len(before["annotations"]), "losses": []}
    assert [one["segmentation"] for one in after["annotations"]] == [
        one["segmentation"] for one in before["annotations"]
    ]


def test_an_evaluation_is_one_json_document(data_root: Path, tmp_path: Path) -> None:
    nuclei = data_root / "nuclei"
    whole = json.loads((nuclei / "annotations" / "instances_val.json").read_text())
    whole["images"] = whole["images"][:2]
    ids = {image["id"] for image in whole["images"]}
    whole["annotations"] = [one for one in whole["annotations"] if one["image_id"] in ids]
    annotations = tmp_path / "two.json"
    annotations.write_text(json.dumps(whole))
    done = run_main("evaluate", "--coco", annotations, "--images", nuclei / "images", "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    more = {"categories", "calibration", "labeler"}
    assert set(document) == {"box", "mask", "images", "instances", "max_detections"} | more
    assert document["images"] == 2
    assert document["instances"] == len(whole["annotations"])
    assert document["max_detections"] == 500
    assert set(document["mask"]) == set(document["box"]) == {"AP", "AP50", "AP75"}
    assert 0.6 < document["mask"]["AP50"] <= 1


def test_doctor_finds_this_installation_healthy() -> None:
    done = run_main("doctor", "--json")
    document = json.loads(done.stdout)
    assert done.returncode == 0, document
    assert document["healthy"]
    assert len(document["checks"]) >= 5
