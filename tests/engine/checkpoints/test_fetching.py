"""A published model becomes a checkpoint with a full card; the list says what is there."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
from torchvision.models.detection import MaskRCNN as TheirMaskRCNN
from torchvision.models.detection import (
    MaskRCNN_ResNet50_FPN_V2_Weights,
    MaskRCNN_ResNet50_FPN_Weights,
    maskrcnn_resnet50_fpn,
    maskrcnn_resnet50_fpn_v2,
)

from engine.checkpoints import load, read_card
from engine.checkpoints.catalog import (
    FURTHER,
    TORCHVISION_V1,
    TORCHVISION_V2,
    Published,
    checkpoint_path,
    entries,
    published_models,
    published_named,
)
from engine.checkpoints.fetching import fetch
from engine.errors import MaskwrightError
from engine.nn.zoo import R50_FPN_COCO, R50_FPN_V2_COCO
from engine.resources import BUNDLED_WEIGHTS

from .serving import serving


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MASKWRIGHT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return tmp_path / "home"


def file_of(model: TheirMaskRCNN, path: Path) -> bytes:
    torch.save(model.state_dict(), path)
    return path.read_bytes()


@pytest.mark.parametrize(
    ("published", "weights"),
    [(TORCHVISION_V1, MaskRCNN_ResNet50_FPN_Weights), (TORCHVISION_V2, MaskRCNN_ResNet50_FPN_V2_Weights)],
)
def test_the_list_says_what_torchvision_says(published: Published, weights: type) -> None:
    known = weights.COCO_V1  # type: ignore[attr-defined]
    assert published.url == known.url
    assert published.sha256_prefix == known.url.rpartition("-")[2].removesuffix(".pth")
    assert published.megabytes == round(known.meta["_file_size"])
    names = [name for name in known.meta["categories"][1:] if name != "N/A"]
    assert len(names) == published.category_count
    assert tuple(names[: len(published.first_categories)]) == published.first_categories
    figures = known.meta["_metrics"]["COCO-val2017"]
    assert f"box AP {figures['box_map']}, mask AP {figures['mask_map']}" in published.figures


@pytest.mark.parametrize(
    ("published", "builder", "spec"),
    [
        (TORCHVISION_V1, maskrcnn_resnet50_fpn, R50_FPN_COCO),
        (TORCHVISION_V2, maskrcnn_resnet50_fpn_v2, R50_FPN_V2_COCO),
    ],
)
def test_what_torchvision_hosts_becomes_a_checkpoint_with_a_full_card(
    published: Published, builder: Callable[..., TheirMaskRCNN], spec: object, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    content = file_of(builder(weights=None, weights_backbone=None), tmp_path / "theirs.pth")
    assert [each.path for each in entries()] == [BUNDLED_WEIGHTS, None, None]
    with serving(content) as served:
        here = replace(published, url=served.url, sha256_prefix=hashlib.sha256(content).hexdigest()[:8])
        path = fetch(here)
    assert path == checkpoint_path(published)
    assert [each.name for each in path.parent.iterdir()] == [path.name]
    model, card = load(path)
    assert model.spec == card.spec == spec
    assert (card.name, card.licence, card.data) == (published.title, "BSD-3-Clause", published.data)
    assert served.url in card.notes
    assert [each.card for each in entries() if each.name == published.name] == [card]


def test_another_models_weights_are_refused_and_nothing_is_left(tmp_path: Path, home: Path) -> None:
    torch.save({"classifier.weight": torch.zeros(1)}, tmp_path / "other.pth")
    content = (tmp_path / "other.pth").read_bytes()
    with serving(content) as served:
        here = replace(TORCHVISION_V2, url=served.url, sha256_prefix=hashlib.sha256(content).hexdigest()[:8])
        with pytest.raises(MaskwrightError, match=r"r50-fpn-v2-coco\.pth has a tensor classifier"):
            fetch(here)
    assert list((home / "data" / "models").iterdir()) == []


def test_an_institution_adds_models_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = replace(TORCHVISION_V1, name="ours", category_count=1, first_categories=("cell",))
    (tmp_path / "models.json").write_text(json.dumps([asdict(ours)]))
    monkeypatch.setenv(FURTHER, str(tmp_path / "models.json"))
    assert published_models()[0] == published_named("ours") == ours
    assert [each.name for each in entries()] == [
        read_card(BUNDLED_WEIGHTS).name,
        "ours",
        "r50-fpn-v2-coco",
        "r50-fpn-coco",
    ]


@pytest.mark.parametrize("wrong", ["{", "5", '[{"name": "x"}]', '[{"name": "../x"}]'])
def test_a_wrong_list_of_models_is_named(wrong: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "models.json").write_text(wrong)
    monkeypatch.setenv(FURTHER, str(tmp_path / "models.json"))
    with pytest.raises(MaskwrightError, match=r"models\.json.*no list of models"):
        published_models()


def test_a_name_that_nobody_publishes_is_told_with_those_that_are() -> None:
    with pytest.raises(MaskwrightError, match=r"no model 'yolo' to download\. There are r50-fpn-v2-coco"):
        published_named("yolo")
