"""Our R50-FPNs compute what torchvision's two do, stage by stage, from the same weights under old and new names.

Each stage is fed torchvision's own inputs, so that a difference names the stage that makes it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torchvision.models.detection import MaskRCNN as TheirMaskRCNN
from torchvision.models.detection import maskrcnn_resnet50_fpn_v2
from torchvision.models.detection.backbone_utils import resnet_fpn_backbone
from torchvision.models.detection.image_list import ImageList
from torchvision.ops import FrozenBatchNorm2d

from engine.checkpoints.torchvision import convert, read_state_dict
from engine.errors import InvalidCheckpoint
from engine.nn.box_head import box_detections
from engine.nn.detector import MaskRCNN
from engine.nn.mask_head import enlarged_as_torchvision
from engine.nn.ops import paste_masks
from engine.nn.rpn import rpn_proposals
from engine.nn.zoo import R50_FPN_COCO, R50_FPN_V2_COCO

# Sides whose halves leave P6 with a stride that is no power of two in torchvision: 160 // 3 = 53.
HEIGHT, WIDTH = 160, 224
IMAGE_SIZES = [(160, 224), (131, 200)]
TOLERANCE = 1e-4
"""Of each stage's largest value: 53 layers in float32, summed in another order."""


def close(ours: Tensor, theirs: Tensor) -> None:
    assert ours.shape == theirs.shape
    assert float((ours - theirs).abs().max()) <= TOLERANCE * float(theirs.abs().max())


SPECS = {"v1": R50_FPN_COCO, "v2": R50_FPN_V2_COCO}


def random_norms(model: nn.Module) -> None:
    for name, module in model.named_modules():
        if isinstance(module, nn.BatchNorm2d | FrozenBatchNorm2d):
            # Trained residual branches are small; at 1 the sum doubles at every block.
            module.weight.uniform_(*((0.1, 0.3) if name.endswith("bn3") else (0.7, 1.3)))
            module.running_var.uniform_(0.7, 1.3)
            for part in (module.bias, module.running_mean):
                part.uniform_(-0.1, 0.1)


@pytest.fixture(scope="module", params=sorted(SPECS))
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def theirs(version: str) -> Iterator[TheirMaskRCNN]:
    torch.manual_seed(0)
    if version == "v1":
        norm = partial(FrozenBatchNorm2d, eps=0.0)
        model = TheirMaskRCNN(resnet_fpn_backbone(backbone_name="resnet50", weights=None, norm_layer=norm), 91).eval()
    else:
        model = maskrcnn_resnet50_fpn_v2(weights=None, weights_backbone=None).eval()
    with torch.inference_mode():
        random_norms(model)
        for layer in (model.rpn.head.cls_logits, model.rpn.head.bbox_pred):
            layer.weight.mul_(10)
        model.roi_heads.box_predictor.cls_score.weight.mul_(20)
    with torch.inference_mode():
        yield model


@pytest.fixture(scope="module")
def ours(version: str, theirs: TheirMaskRCNN) -> MaskRCNN:
    model, card = convert(theirs.state_dict())
    assert card.spec == SPECS[version]
    return model


@pytest.fixture(scope="module")
def images() -> Tensor:
    return torch.randn(2, 3, HEIGHT, WIDTH, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def features(theirs: TheirMaskRCNN, images: Tensor) -> dict[str, Tensor]:
    return theirs.backbone(images)


@pytest.fixture(scope="module")
def proposals(theirs: TheirMaskRCNN, images: Tensor, features: dict[str, Tensor]) -> list[Tensor]:
    boxes, _ = theirs.rpn(ImageList(images, IMAGE_SIZES), features)
    return boxes


def test_trunk(ours: MaskRCNN, theirs: TheirMaskRCNN, images: Tensor) -> None:
    for level, expected in zip(ours.trunk(images), theirs.backbone.body(images).values(), strict=True):
        close(level, expected)


def test_features(ours: MaskRCNN, images: Tensor, features: dict[str, Tensor]) -> None:
    levels = ours.features(images)
    assert len(levels) == 5
    for level, expected in zip(levels, features.values(), strict=True):
        close(level, expected)


def test_rpn_outputs(ours: MaskRCNN, theirs: TheirMaskRCNN, features: dict[str, Tensor]) -> None:
    levels = list(features.values())
    logits, deltas = theirs.rpn.head(levels)
    our_logits, our_deltas = ours.rpn(levels)
    for i, level in enumerate(levels):
        assert level.shape[0] == 2
        close(our_logits[i], logits[i].permute(0, 2, 3, 1).flatten(1))
        close(our_deltas[i], deltas[i].unflatten(1, (3, 4)).permute(0, 3, 4, 1, 2).flatten(1, 3))


def test_anchors(ours: MaskRCNN, theirs: TheirMaskRCNN, images: Tensor, features: dict[str, Tensor]) -> None:
    levels = list(features.values())
    expected, _ = theirs.rpn.anchor_generator(ImageList(images, IMAGE_SIZES), levels)
    assert torch.equal(torch.cat(ours.anchors(levels)), expected)


def test_proposals_from_the_same_rpn_outputs(
    ours: MaskRCNN, theirs: TheirMaskRCNN, features: dict[str, Tensor], proposals: list[Tensor]
) -> None:
    levels = list(features.values())
    logits, deltas = theirs.rpn.head(levels)
    found = rpn_proposals(
        [level.permute(0, 2, 3, 1).flatten(1) for level in logits],
        [level.unflatten(1, (3, 4)).permute(0, 3, 4, 1, 2).flatten(1, 3) for level in deltas],
        ours.anchors(levels),
        IMAGE_SIZES,
        pre_nms=1000,
        post_nms=1000,
        nms_threshold=0.7,
    )
    for boxes, expected in zip(found, proposals, strict=True):
        assert len(expected) > 100
        torch.testing.assert_close(boxes, expected, rtol=1e-5, atol=1e-3)


def test_box_outputs(
    ours: MaskRCNN, theirs: TheirMaskRCNN, features: dict[str, Tensor], proposals: list[Tensor]
) -> None:
    heads = theirs.roi_heads
    logits, deltas = heads.box_predictor(heads.box_head(heads.box_roi_pool(features, proposals, IMAGE_SIZES)))
    index = torch.repeat_interleave(torch.tensor([len(boxes) for boxes in proposals]))
    our_logits, our_deltas = ours.predict_boxes(list(features.values()), torch.cat(proposals), index)
    close(our_logits, logits)
    close(our_deltas.flatten(1), deltas)


def test_detections_from_the_same_box_outputs(
    theirs: TheirMaskRCNN, features: dict[str, Tensor], proposals: list[Tensor]
) -> None:
    heads, spec = theirs.roi_heads, R50_FPN_COCO
    logits, deltas = heads.box_predictor(heads.box_head(heads.box_roi_pool(features, proposals, IMAGE_SIZES)))
    expected = heads.postprocess_detections(logits, deltas, proposals, IMAGE_SIZES)
    counts = [len(boxes) for boxes in proposals]
    for i, (some_logits, some_deltas) in enumerate(zip(logits.split(counts), deltas.split(counts), strict=True)):
        boxes, scores, labels = box_detections(
            some_logits,
            some_deltas.unflatten(1, (-1, 4)),
            proposals[i],
            IMAGE_SIZES[i],
            weights=spec.convention.box_weights,
            score_floor=spec.score_floor,
            nms_threshold=spec.nms_threshold,
            limit=spec.detections_per_image,
        )
        assert len(expected[0][i]) > 5
        assert torch.equal(labels + 1, expected[2][i])
        assert torch.equal(scores, expected[1][i])
        assert torch.equal(boxes, expected[0][i])


def test_mask_logits(
    ours: MaskRCNN, theirs: TheirMaskRCNN, features: dict[str, Tensor], proposals: list[Tensor]
) -> None:
    heads, some = theirs.roi_heads, [boxes[:40] for boxes in proposals]
    logits = heads.mask_predictor(heads.mask_head(heads.mask_roi_pool(features, some, IMAGE_SIZES)))
    index = torch.repeat_interleave(torch.tensor([len(boxes) for boxes in some]))
    close(ours.predict_masks(list(features.values()), torch.cat(some), index), logits[:, 1:])


def old_name(name: str) -> str:
    """What the layer is called in the files that torchvision hosts."""
    name = re.sub(r"(inner_blocks|layer_blocks)\.(\d)\.0\.", r"\1.\2.", name)
    name = re.sub(r"rpn\.head\.conv\.0\.0\.", "rpn.head.conv.", name)
    return re.sub(r"mask_head\.(\d)\.0\.", lambda m: f"mask_head.mask_fcn{int(m[1]) + 1}.", name)


def test_images_give_the_same_detections(ours: MaskRCNN, theirs: TheirMaskRCNN, images: Tensor) -> None:
    theirs.transform.image_mean, theirs.transform.image_std = [0.0] * 3, [1.0] * 3
    theirs.transform.min_size, theirs.transform.max_size = (HEIGHT,), WIDTH
    expected = theirs([images[0]])[0]
    found = ours.detect(ours.features(images[:1]), [(HEIGHT, WIDTH)])[0]
    assert len(expected["boxes"]) > 5
    assert torch.equal(found.labels + 1, expected["labels"])
    torch.testing.assert_close(found.scores, expected["scores"], rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(found.boxes, expected["boxes"], rtol=1e-3, atol=1e-2)
    pasted, boxes = enlarged_as_torchvision(found.mask_probabilities, found.boxes)
    for mask, seen in zip(paste_masks(pasted, boxes, HEIGHT, WIDTH), expected["masks"][:, 0], strict=True):
        ours_full = torch.from_numpy(mask.to_full(HEIGHT, WIDTH)).bool()
        assert float((ours_full == (seen >= 0.5)).float().mean()) > 0.999


@pytest.mark.parametrize("version", ["v1"], indirect=True, scope="module")  # the second is younger than the old names
def test_files_with_the_old_names_give_the_same_model(ours: MaskRCNN, theirs: TheirMaskRCNN, tmp_path: Path) -> None:
    state = {old_name(name): tensor.clone() for name, tensor in theirs.state_dict().items()}
    assert "roi_heads.mask_head.mask_fcn1.weight" in state
    assert len(state.keys() & theirs.state_dict().keys()) < len(state)
    torch.save({"model": state, "epoch": 3}, tmp_path / "old.pth")
    model, _ = convert(read_state_dict(tmp_path / "old.pth"))
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, ours.state_dict()[name]), name


def test_the_wrong_number_of_category_names_is_refused(theirs: TheirMaskRCNN) -> None:
    with pytest.raises(InvalidCheckpoint, match="90 categories and background, but 2 names"):
        convert(theirs.state_dict(), categories=["cell", "nucleus"], source="mine.pth")


def test_another_models_weights_are_refused() -> None:
    with pytest.raises(InvalidCheckpoint, match="classifier"):
        convert({"classifier.weight": torch.zeros(1)})
    with pytest.raises(InvalidCheckpoint, match="lacks"):
        convert({"rpn.head.conv.weight": torch.zeros(1)})


@pytest.mark.parametrize("content", [b"", b"not a pickle", b"\x80\x04cos\nsystem\n."])
def test_a_file_without_tensors_is_refused_and_runs_no_code(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.pth").write_bytes(content)
    with pytest.raises(InvalidCheckpoint, match=r"x\.pth"):
        read_state_dict(tmp_path / "x.pth")


def test_a_whole_module_is_refused(tmp_path: Path) -> None:
    torch.save(nn.Linear(2, 2), tmp_path / "module.pth")
    with pytest.raises(InvalidCheckpoint, match=r"module\.pth"):
        read_state_dict(tmp_path / "module.pth")
