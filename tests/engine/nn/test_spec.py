"""A model's description survives JSON, and a wrong one is refused in words."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from engine.errors import InvalidCheckpoint
from engine.nn.spec import Convention, ModelSpec
from engine.nn.zoo import ZOO


@pytest.mark.parametrize("name", sorted(ZOO))
def test_json_gives_back_the_same_description(name: str) -> None:
    spec = ZOO[name]
    assert ModelSpec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec


def test_whole_numbers_are_read_where_fractions_belong(tiny_spec: ModelSpec) -> None:
    values = json.loads(json.dumps(tiny_spec.to_dict()).replace("12.0", "12"))
    assert ModelSpec.from_dict(values) == tiny_spec


def test_settings_that_a_description_leaves_out_have_their_defaults(tiny_spec: ModelSpec) -> None:
    values = tiny_spec.to_dict()
    for name in ("convention", "class_agnostic_masks"):
        del values[name]
    assert ModelSpec.from_dict(values).convention == Convention()
    assert not ModelSpec.from_dict(values).class_agnostic_masks


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"trunk": "vgg"}, "trunk is 'vgg', but should be resnet18 or resnet50"),
        ({"fpn_channels": "many"}, "fpn_channels is 'many', but should be a whole number"),
        ({"fpn_channels": True}, "fpn_channels is True"),
        ({"categories": "cell"}, "categories is 'cell', but should be texts"),
        ({"categories": [1]}, r"categories\[0\] is 1"),
        ({"categories": []}, "no categories"),
        ({"anchor_sizes": [12.0]}, "1 anchor sizes"),
        ({"pixel_mean": [0.5, 0.5]}, "pixel_mean is .*, but should be 3 numbers"),
        ({"mask_layers": []}, "mask layer"),
        ({"convention": 5}, "convention"),
        ({"convention": {"roi_aligned": "yes"}}, "roi_aligned is 'yes', but should be true or false"),
        ({"convention": {"colour": "BGR"}}, "does not know: colour"),
        ({"dilation": 2}, "does not know: dilation"),
    ],
)
def test_a_wrong_setting_is_named(tiny_spec: ModelSpec, change: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidCheckpoint, match=words):
        ModelSpec.from_dict({**tiny_spec.to_dict(), **change})


def test_missing_settings_are_named(tiny_spec: ModelSpec) -> None:
    values = tiny_spec.to_dict()
    del values["trunk"]
    with pytest.raises(InvalidCheckpoint, match="lacks trunk"):
        ModelSpec.from_dict(values)
    with pytest.raises(InvalidCheckpoint, match="named settings"):
        ModelSpec.from_dict([1, 2])


def test_descriptions_and_cards_are_read_without_torch() -> None:
    code = "import sys, engine.nn.spec, engine.checkpoints; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
