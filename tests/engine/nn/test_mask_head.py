"""Mask targets are the instance as seen through its RoI; the loss is torchvision's."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torchvision.models.detection.roi_heads import maskrcnn_inference, paste_masks_in_image

from engine.nn.mask_head import (
    TARGET_CHUNK,
    MaskHead,
    enlarged_as_torchvision,
    mask_loss,
    mask_probabilities,
    mask_targets,
)
from engine.nn.ops import paste_masks


def blobs(count: int, side: int, seed: int = 0) -> torch.Tensor:
    noise = torch.randn(count, 1, side // 8, side // 8, generator=torch.Generator().manual_seed(seed))
    return F.interpolate(noise, size=(side, side), mode="bilinear")[:, 0] > 0


def test_training_and_detection_compute_the_same_logits() -> None:
    torch.manual_seed(0)
    head = MaskHead(in_channels=12, layers=(8, 8), categories=3)
    torch.nn.init.normal_(head.deconv.bias)
    features = torch.randn(5, 12, 14, 14)
    torch.testing.assert_close(head.train()(features), head.eval()(features), rtol=1e-5, atol=1e-7)


def test_a_roi_on_the_pixel_grid_of_the_targets_size_gets_the_pixels_themselves() -> None:
    masks = blobs(3, 64)
    boxes = torch.tensor([[5.0, 7.0, 33.0, 35.0], [0.0, 0.0, 28.0, 28.0], [36.0, 36.0, 64.0, 64.0]])
    targets = mask_targets(masks, boxes, torch.tensor([2, 0, 1]), 28)
    for target, (x1, y1, x2, y2), instance in zip(targets, boxes.int().tolist(), (2, 0, 1), strict=True):
        assert torch.equal(target.bool(), masks[instance, y1:y2, x1:x2])


def test_a_roi_of_twice_the_size_gets_the_majority_of_two_by_two_pixels() -> None:
    masks = blobs(1, 64)
    (target,) = mask_targets(masks, torch.tensor([[4.0, 4.0, 60.0, 60.0]]), torch.tensor([0]), 28)
    share = F.avg_pool2d(masks[:, None, 4:60, 4:60].float(), 2)[0, 0]
    assert torch.equal(target.bool(), share >= 0.5)


def test_the_part_of_a_roi_outside_the_image_is_empty() -> None:
    (target,) = mask_targets(
        torch.ones(1, 32, 32, dtype=torch.uint8), torch.tensor([[16.0, 16.0, 48.0, 48.0]]), torch.tensor([0]), 16
    )
    assert bool(target[:8, :8].all())
    assert not bool(target[9:].any())


def test_rois_beyond_a_chunk_get_their_own_instance() -> None:
    masks = torch.stack([torch.zeros(16, 16), torch.ones(16, 16)]).bool()
    matched = torch.arange(2 * TARGET_CHUNK + 3) % 2
    boxes = torch.tensor([[2.0, 2.0, 12.0, 12.0]]).expand(len(matched), 4)
    targets = mask_targets(masks, boxes, matched, 4)
    assert torch.equal(targets.flatten(1).mean(dim=1), matched.float())


def test_the_loss_reads_only_the_channel_of_the_own_category() -> None:
    logits = torch.randn(5, 4, 6, 6, requires_grad=True)
    labels = torch.tensor([1, 2, 3, 1, 2])
    targets = torch.randint(0, 2, (5, 6, 6)).float()
    loss = mask_loss(logits, labels, targets)
    expected = F.binary_cross_entropy_with_logits(logits[torch.arange(5), labels], targets)
    torch.testing.assert_close(loss, expected)
    loss.backward()
    assert logits.grad is not None
    touched = logits.grad.abs().sum(dim=(2, 3)) > 0
    assert torch.equal(touched, F.one_hot(labels, 4).bool())


def test_probabilities_are_torchvisions() -> None:
    logits, labels = torch.randn(7, 4, 6, 6), torch.tensor([1, 2, 3, 3, 2, 1, 1])
    (expected,) = maskrcnn_inference(logits, [labels])
    torch.testing.assert_close(mask_probabilities(logits, labels), expected[:, 0])


def test_no_rois_give_no_masks_and_a_loss_that_can_be_trained_on() -> None:
    head = MaskHead(in_channels=3, layers=(4,), categories=2)
    logits = head(torch.zeros(0, 3, 14, 14))
    assert logits.shape == (0, 3, 28, 28)
    none = torch.zeros(0, dtype=torch.int64)
    targets = mask_targets(torch.zeros(0, 20, 20), torch.zeros(0, 4), none, 28)
    assert targets.shape == (0, 28, 28)
    assert mask_probabilities(logits, none).shape == (0, 28, 28)
    loss = mask_loss(logits, none, targets)
    loss.backward()
    assert loss.item() == 0
    assert all(parameter.grad is not None for parameter in head.parameters())


def test_enlarged_masks_are_pasted_as_torchvision_pastes() -> None:
    random = torch.Generator().manual_seed(0)
    corners = torch.rand(50, 2, generator=random) * 60 - 5
    boxes = torch.cat([corners, corners + 0.3 + torch.rand(50, 2, generator=random) * 40], dim=1)
    probabilities = blobs(50, 32)[:, :28, :28] * 0.9
    expected = paste_masks_in_image(probabilities[:, None], boxes, (64, 80))[:, 0]
    masks = paste_masks(*enlarged_as_torchvision(probabilities, boxes), 64, 80)
    pixels = 0
    for mask, values in zip(masks, expected, strict=True):
        certain = (values - 0.5).abs() > 1e-4
        assert torch.equal(torch.from_numpy(mask.to_full(64, 80))[certain], (values >= 0.5)[certain])
        pixels += mask.area
    assert pixels > 5000
