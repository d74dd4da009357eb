"""What is exported for torchvision loads in torchvision's own classes and finds the same."""

from __future__ import annotations

import runpy
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torchvision.models.detection import MaskRCNN as TheirMaskRCNN

from engine.checkpoints import ModelCard, checkpoint_id, load, save
from engine.checkpoints.export import export
from engine.checkpoints.torchvision import convert
from engine.checkpoints.torchvision_export import (
    builder_of,
    differences,
    how_to_load,
    torchvision_model,
    torchvision_state,
)
from engine.errors import MaskwrightError
from engine.nn.detector import Detections, MaskRCNN
from engine.nn.spec import ModelSpec
from engine.nn.zoo import NUCLEI, R50_FPN_COCO, R50_FPN_V2_COCO, build, with_class_agnostic_masks

SIDE = 128
"""A multiple of 64, where torchvision's anchors of P6 are spread as everybody's."""


def random_model(spec: ModelSpec) -> MaskRCNN:
    torch.manual_seed(0)
    model = build(spec).to(memory_format=torch.channels_last).eval()
    for layer in (model.box_head.category, model.box_head.deltas, model.mask_head.logits):
        nn.init.normal_(layer.weight, std=0.1)
        nn.init.normal_(layer.bias, std=0.1)
    for norm in model.modules():
        if hasattr(norm, "running_mean"):
            norm.running_mean.uniform_(-0.1, 0.1)
    return model


def saved(spec: ModelSpec, path: Path) -> Path:
    save(path, random_model(spec), ModelCard(name=spec.name, spec=spec))
    return path


def run(lines: list[str], script: Path) -> TheirMaskRCNN:
    """The model that the lines make which the person is told to type."""
    script.write_text("\n".join(lines))
    model = runpy.run_path(str(script))["model"]
    assert isinstance(model, TheirMaskRCNN)
    return model


@torch.inference_mode()
def compare(ours: MaskRCNN, theirs: TheirMaskRCNN) -> None:
    """Both find the same on an image whose pixels torchvision's transform leaves as they are."""
    image = torch.randn(3, SIDE, SIDE, generator=torch.Generator().manual_seed(3))
    theirs.transform.image_mean, theirs.transform.image_std = [0.0] * 3, [1.0] * 3
    theirs.transform.min_size, theirs.transform.max_size = (SIDE,), SIDE
    theirs.transform.postprocess = lambda result, *_: result  # masks before they are pasted
    expected: dict[str, Tensor] = theirs.eval()([image])[0]
    found: Detections = ours.detect(ours.features(image[None]), [(SIDE, SIDE)])[0]
    assert len(found.boxes) > 3
    assert torch.equal(found.labels + 1, expected["labels"])
    torch.testing.assert_close(found.scores, expected["scores"], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(found.boxes, expected["boxes"], rtol=1e-4, atol=1e-2)
    torch.testing.assert_close(found.mask_probabilities, expected["masks"][:, 0], rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize("spec", [R50_FPN_COCO, R50_FPN_V2_COCO], ids=["v1", "v2"])
def test_torchvisions_own_builder_loads_its_shapes_strictly(spec: ModelSpec, tmp_path: Path) -> None:
    spec = replace(spec, categories=("cell", "debris"))
    checkpoint, out = saved(spec, tmp_path / "m.safetensors"), tmp_path / "m.pth"
    told = export(checkpoint, out)
    lines = how_to_load(spec, checkpoint, out)
    assert builder_of(spec) is not None
    assert told == lines  # nothing differs
    theirs, (ours, _) = run(lines, tmp_path / "load.py"), load(checkpoint)
    compare(ours, theirs)
    again, _ = convert(theirs.state_dict(), categories=spec.categories)
    for name, tensor in ours.state_dict().items():
        assert torch.equal(again.state_dict()[name], tensor), name


def test_other_sizes_load_in_torchvisions_general_class(tiny_spec: ModelSpec, tmp_path: Path) -> None:
    assert builder_of(tiny_spec) is None
    checkpoint, out = saved(tiny_spec, tmp_path / "m.safetensors"), tmp_path / "m.pth"
    told = export(checkpoint, out)
    lines = how_to_load(tiny_spec, checkpoint, out)
    assert told[: len(lines)] == lines
    compare(load(checkpoint)[0], run(lines, tmp_path / "load.py"))


def test_every_part_of_a_description_reaches_torchvision(tiny_spec: ModelSpec) -> None:
    spec = replace(
        tiny_spec,
        head_norm=True,
        rpn_layers=2,
        box_layers=(16, 24),
        convention=replace(tiny_spec.convention, roi_aligned=False, anchors_rounded=True),
    )
    for each in (spec, replace(spec, box_hidden_layers=1)):
        ours, theirs = random_model(each), torchvision_model(each)
        theirs.load_state_dict(torchvision_state(ours))
        compare(ours, theirs)


def test_one_mask_channel_stands_there_once_for_each_category(tiny_spec: ModelSpec) -> None:
    ours = with_class_agnostic_masks(random_model(tiny_spec))
    theirs = torchvision_model(ours.spec)
    theirs.load_state_dict(torchvision_state(ours))
    assert len(theirs.roi_heads.mask_predictor.mask_fcn_logits.bias) == 3
    compare(ours, theirs)


def test_what_torchvision_does_otherwise_is_told() -> None:
    assert differences(R50_FPN_COCO) == []
    assert any("contrast" in each for each in differences(NUCLEI))
    ours = replace(R50_FPN_COCO, convention=replace(R50_FPN_COCO.convention, roi_aligned=True))
    assert any("RoIAlign" in each for each in differences(ours))


def test_our_own_format_is_a_copy_with_its_card(tiny_spec: ModelSpec, tmp_path: Path) -> None:
    checkpoint, out = saved(tiny_spec, tmp_path / "m.safetensors"), tmp_path / "copy.safetensors"
    assert export(checkpoint, out) == []
    assert checkpoint_id(out) == checkpoint_id(checkpoint)


def test_what_cannot_be_written_is_refused_in_words(tiny_spec: ModelSpec, tmp_path: Path) -> None:
    checkpoint = saved(tiny_spec, tmp_path / "m.safetensors")
    with pytest.raises(MaskwrightError, match="neither"):
        export(checkpoint, tmp_path / "m.onnx")
    with pytest.raises(MaskwrightError, match="not replaced"):
        export(checkpoint, checkpoint)
    odd = saved(replace(tiny_spec, rpn_channels=8), tmp_path / "odd.safetensors")
    with pytest.raises(MaskwrightError, match="8 channels and its FPN 16"):
        export(odd, tmp_path / "odd.pth")
    assert not (tmp_path / "odd.pth").exists()
