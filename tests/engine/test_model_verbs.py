"""The verbs of models list what there is, say how long it takes here, and hand a checkpoint on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine import verbs
from engine.checkpoints import checkpoint_id
from engine.checkpoints.speeds import keep_speed, speeds_of
from engine.resources import BUNDLED_WEIGHTS


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MASKWRIGHT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_the_list_is_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    keep_speed(checkpoint_id(BUNDLED_WEIGHTS), "CPU", 0.25)
    assert verbs.main(["models", "--json"]) == 0
    listed = {each["name"]: each for each in json.loads(capsys.readouterr().out)["models"]}
    assert listed.keys() == {"nuclei", "r50-fpn-coco", "r50-fpn-v2-coco"}
    bundled, coco = listed["nuclei"], listed["r50-fpn-v2-coco"]
    assert (bundled["state"], bundled["categories"], bundled["seconds"]) == ("bundled", 1, {"CPU": 0.25})
    assert (coco["state"], coco["path"], coco["categories"], coco["megabytes"]) == ("to download", None, 80, 177)


def test_speeds_are_kept_by_checkpoint_and_device_and_a_damaged_file_is_measured_again(home: Path) -> None:
    keep_speed("one", "CPU", 1.0)
    keep_speed("one", "GPU", 0.1)
    keep_speed("one", "CPU", 2.0)
    keep_speed("two", "CPU", 3.0)
    assert speeds_of("one") == {"CPU": 2.0, "GPU": 0.1}
    (home / "data" / "speeds.json").write_text("{")
    assert speeds_of("one") == {}


def test_a_name_that_nobody_publishes_ends_with_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert verbs.main(["models", "--download", "yolo", "--progress-json"]) == 2
    told = capsys.readouterr()
    assert json.loads(told.out)["event"] == "failed"
    assert "no model 'yolo' to download" in told.err


def test_a_checkpoint_is_copied(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "mine.safetensors"
    assert verbs.main(["export-model", str(BUNDLED_WEIGHTS), str(out)]) == 0
    assert checkpoint_id(out) == checkpoint_id(BUNDLED_WEIGHTS)
    assert verbs.main(["export-model", str(BUNDLED_WEIGHTS), str(tmp_path / "mine.onnx")]) == 2
    assert "neither .safetensors nor .pth" in capsys.readouterr().err
