"""The demo is the whole loop: what it exports is what its project holds, pixel by pixel."""

import json
from pathlib import Path

import numpy as np
import pytest
from pycocotools.coco import COCO

from engine import verbs
from engine.checkpoints import read_card
from engine.project import Project
from engine.records import ImageStatus, InstanceState

pytestmark = pytest.mark.slow


def test_the_demo_goes_round_the_loop(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "demo"
    assert verbs.main(["demo", "--out", str(out), "--steps", "2", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert set(document) == {"before", "after", "export", "checkpoint", "seconds"}
    for figures in (document["before"], document["after"]):
        assert 0.5 < figures["mask"]["AP50"] <= 1
    assert read_card(document["checkpoint"]).parent is not None
    exported = COCO(document["export"]["path"])
    assert len(exported.dataset["images"]) == document["export"]["images"]
    with Project.open(out / "sample.maskwright", read_only=True) as project:
        images = {Path(image.path).name: image for image in project.images()}
        assert {image.status for image in images.values()} == {ImageStatus.ACCEPTED}
        compared = 0
        for record in exported.dataset["images"]:
            image = images[Path(record["file_name"]).name]
            held = [one for one in project.instances(image.id) if one.state is InstanceState.ACCEPTED]
            annotations = exported.imgToAnns[record["id"]]
            for instance, annotation in zip(held, annotations, strict=True):
                expected = instance.mask.to_full(image.height, image.width)
                np.testing.assert_array_equal(exported.annToMask(annotation).astype(bool), expected)
                compared += 1
    assert compared == document["export"]["annotations"] > 400
    assert verbs.main(["demo", "--out", str(out)]) == 2
    assert "already holds a demo" in capsys.readouterr().err
