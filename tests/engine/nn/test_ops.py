"""RoIAlign and mask pasting keep to torchvision's and torch's numbers, on every path they can take."""

from __future__ import annotations

import multiprocessing
import threading

import pytest
import torch
import torch.nn.functional as F
import torchvision.ops
from torch import Tensor

from engine.geometry.mask import Mask
from engine.nn import ops

needs_kernels = pytest.mark.skipif(not ops.kernels_available(), reason="installed without a compiler: no kernels")
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")

SCALES = [1 / 4, 1 / 8, 1 / 16]


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def pyramid(channels: int, *, channels_last: bool = True, images: int = 2) -> list[Tensor]:
    maps = [torch.randn(images, channels, 40 // 2**i, 56 // 2**i) for i in range(3)]
    return [m.contiguous(memory_format=torch.channels_last) for m in maps] if channels_last else maps


def random_rois(count: int) -> tuple[Tensor, Tensor, Tensor]:
    """Boxes, images and levels; about half of the boxes reach out of the 224 x 160 image, some lie outside it."""
    corner = torch.rand(count, 2) * torch.tensor([260.0, 200.0]) - 20
    boxes = torch.cat([corner, corner + torch.rand(count, 2) * 120], dim=1)
    return boxes, torch.randint(0, 2, (count,)), torch.randint(0, 3, (count,))


def oracle(
    features: list[Tensor], boxes: Tensor, image_index: Tensor, level: Tensor, size: int, ratio: int, aligned: bool
) -> Tensor:
    """torchvision's RoIAlign, RoI by RoI."""
    rois = torch.cat([image_index[:, None].to(boxes), boxes], dim=1)
    pooled = [
        torchvision.ops.roi_align(features[int(k)], rois[i : i + 1], size, SCALES[int(k)], ratio, aligned)
        for i, k in enumerate(level)
    ]
    return torch.cat(pooled)


# One block of 16 lanes and less, several blocks, every kind of remainder.
@pytest.mark.parametrize("channels", [1, 5, 16, 67, 96, 256, 277])
@pytest.mark.parametrize("aligned", [True, False])
@pytest.mark.parametrize("ratio", [1, 2, 0])
def test_roi_align_gives_the_numbers_of_torchvision(channels: int, aligned: bool, ratio: int) -> None:
    features, (boxes, image_index, level) = pyramid(channels), random_rois(30)
    pooled = ops.roi_align_levels(
        features, boxes, image_index, level, SCALES, output_size=7, sampling_ratio=ratio, aligned=aligned
    )
    expected = oracle(features, boxes, image_index, level, 7, ratio, aligned)
    torch.testing.assert_close(pooled, expected, rtol=0, atol=1e-5)
    assert pooled.is_contiguous()


@pytest.mark.parametrize("size", [1, 2, 7, 14])
@pytest.mark.parametrize("channels_last_features", [True, False])
@pytest.mark.parametrize("channels_last_result", [True, False])
def test_memory_formats_change_the_layout_and_not_the_numbers(
    size: int, channels_last_features: bool, channels_last_result: bool
) -> None:
    features, rois = pyramid(80, channels_last=channels_last_features), random_rois(20)
    pooled = ops.roi_align_levels(features, *rois, SCALES, output_size=size, channels_last=channels_last_result)
    torch.testing.assert_close(pooled, oracle(features, *rois, size, 2, True), rtol=0, atol=1e-5)
    wanted = torch.channels_last if channels_last_result else torch.contiguous_format
    assert pooled.is_contiguous(memory_format=wanted)


def test_a_window_of_a_larger_map_is_read_in_place() -> None:
    whole = torch.randn(2, 96, 30, 40).contiguous(memory_format=torch.channels_last)
    window = whole[:, 16:64, 3:25, 5:37]
    rois = torch.tensor([[1.0, 8.0, 9.0, 70.0, 60.0], [0.0, -9.0, 2.0, 33.0, 200.0]])
    pooled = ops.roi_align(window, rois, output_size=7, spatial_scale=0.5)
    expected = torchvision.ops.roi_align(window.contiguous(), rois, 7, 0.5, 2, True)
    torch.testing.assert_close(pooled, expected, rtol=0, atol=1e-5)


def test_one_sample_a_bin_is_grid_sample_at_the_bin_centres() -> None:
    features = torch.randn(1, 20, 24, 32).contiguous(memory_format=torch.channels_last)
    x1, y1, x2, y2 = 4.3, 5.1, 25.9, 19.4
    size = 7
    across = x1 + (torch.arange(size) + 0.5) * (x2 - x1) / size
    down = y1 + (torch.arange(size) + 0.5) * (y2 - y1) / size
    grid = torch.stack(torch.meshgrid(across / 32 * 2 - 1, down / 24 * 2 - 1, indexing="xy"), dim=-1)
    expected = F.grid_sample(features, grid[None], align_corners=False)
    pooled = ops.roi_align(features, torch.tensor([[0, x1, y1, x2, y2]]), output_size=size, sampling_ratio=1)
    # grid_sample rounds its coordinates in [-1, 1], RoIAlign in pixels: half a unit in the last place of 32 apart.
    torch.testing.assert_close(pooled, expected, rtol=0, atol=5e-5)


@pytest.mark.parametrize("channels", [1, 16, 45, 96])
@pytest.mark.parametrize("aligned", [True, False])
@pytest.mark.parametrize("ratio", [2, 0])
def test_the_gradient_is_that_of_torchvision(channels: int, aligned: bool, ratio: int) -> None:
    features, rois = pyramid(channels), random_rois(40)
    ours = [m.clone().requires_grad_() for m in features]
    theirs = [m.clone().requires_grad_() for m in features]
    pooled = ops.roi_align_levels(ours, *rois, SCALES, output_size=7, sampling_ratio=ratio, aligned=aligned)
    upstream = torch.randn_like(pooled)
    pooled.backward(upstream)
    oracle(theirs, *rois, 7, ratio, aligned).backward(upstream)
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a.grad, b.grad, rtol=0, atol=2e-5)


@needs_kernels
def test_the_gradient_is_the_same_bit_by_bit_with_any_number_of_threads() -> None:
    features, rois = [m.requires_grad_() for m in pyramid(96)], random_rois(200)
    upstream = torch.randn(200, 96, 7, 7)
    before = torch.get_num_threads()
    gradients = []
    try:
        for threads in (1, 2, 5, 5):
            torch.set_num_threads(threads)
            pooled = ops.roi_align_levels(features, *rois, SCALES, output_size=7)
            gradients.append(torch.autograd.grad(pooled, features, upstream))
    finally:
        torch.set_num_threads(before)
    for other in gradients[1:]:
        assert all(torch.equal(a, b) for a, b in zip(gradients[0], other, strict=True))


@needs_kernels
@pytest.mark.parametrize("channels_last", [True, False])
def test_roi_align_is_a_well_formed_torch_operator(channels_last: bool) -> None:
    features = [m.requires_grad_() for m in pyramid(18)]
    boxes, image_index, level = random_rois(6)
    torch.library.opcheck(
        ops._roi_align_levels, (features, boxes, image_index, level, SCALES, 7, 2, True, channels_last)
    )


@needs_kernels
def test_its_gradient_is_a_well_formed_torch_operator_too() -> None:
    boxes, image_index, level = random_rois(6)
    upstream = torch.randn(6, 18, 7, 7)
    arguments = (upstream, boxes, image_index, level, SCALES, 2, [40, 20, 10], [56, 28, 14], 2, True)
    torch.library.opcheck(ops._roi_align_levels_backward, arguments)


def test_no_boxes_give_no_regions_and_a_zero_gradient() -> None:
    features = [m.requires_grad_() for m in pyramid(8)]
    none = torch.zeros(0, dtype=torch.int64)
    pooled = ops.roi_align_levels(features, torch.zeros(0, 4), none, none, SCALES, output_size=7)
    assert pooled.shape == (0, 8, 7, 7)
    pooled.sum().backward()
    for feature in features:
        assert feature.grad is not None
        assert feature.grad.count_nonzero() == 0


@pytest.mark.parametrize("ratio", [2, 0])
def test_boxes_far_outside_or_without_extent_are_harmless(ratio: int) -> None:
    features = [pyramid(20, images=1)[0]]
    extremes = [
        [500.0, 500, 700, 700],
        [-900, -900, -800, -800],
        [30, 30, 30, 30],
        [60, 60, 20, 20],
        [-1e6, 0, 1e6, 50],
    ]
    boxes = torch.tensor(extremes)
    zeros = torch.zeros(len(boxes), dtype=torch.int64)
    pooled = ops.roi_align_levels(features, boxes, zeros, zeros, [0.25], output_size=7, sampling_ratio=ratio)
    assert pooled[:2].count_nonzero() == 0
    expected = oracle(features, boxes[:4], zeros[:4], zeros[:4], 7, ratio, True)
    torch.testing.assert_close(pooled[:4], expected, rtol=0, atol=1e-5)
    assert pooled.isfinite().all()


@needs_kernels
def test_a_box_that_is_not_finite_reads_nothing() -> None:
    features = pyramid(20, images=1)[0]
    rois = torch.tensor([[0, torch.nan, 0, 10, 10], [0, 0, 0, torch.inf, 10]])
    for ratio in (2, 0):
        assert ops.roi_align(features, rois, output_size=7, sampling_ratio=ratio).count_nonzero() == 0


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_low_precision_is_computed_in_float32_and_rounded_once(dtype: torch.dtype) -> None:
    features, rois = [m.to(dtype) for m in pyramid(16)], random_rois(10)
    pooled = ops.roi_align_levels(features, *rois, SCALES, output_size=7)
    exact = ops.roi_align_levels([m.float() for m in features], *rois, SCALES, output_size=7)
    assert torch.equal(pooled, exact.to(dtype))


def test_float64_keeps_its_precision() -> None:
    features, (boxes, image_index, level) = [m.double() for m in pyramid(6)], random_rois(10)
    pooled = ops.roi_align_levels(features, boxes.double(), image_index, level, SCALES, output_size=7)
    expected = oracle(features, boxes.double(), image_index, level, 7, 2, True)
    torch.testing.assert_close(pooled, expected, rtol=0, atol=1e-13)


def test_integer_features_are_refused() -> None:
    with pytest.raises(TypeError, match="floating-point"):
        ops.roi_align(torch.zeros(1, 3, 8, 8, dtype=torch.int32), torch.zeros(1, 5), output_size=7)


@needs_kernels
@pytest.mark.parametrize(("image", "level"), [(2, 0), (-1, 0), (0, 3), (0, -1)])
def test_an_image_or_level_that_does_not_exist_is_refused(image: int, level: int) -> None:
    with pytest.raises(ValueError, match="names"):
        ops.roi_align_levels(
            pyramid(8), torch.rand(1, 4), torch.tensor([image]), torch.tensor([level]), SCALES, output_size=7
        )


def test_the_fallback_without_kernels_gives_the_same_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    features, rois = pyramid(16), random_rois(20)
    probabilities, boxes = torch.rand(8, 28, 28), boxes_of_all_kinds(8)
    pooled = ops.roi_align_levels(features, *rois, SCALES, output_size=7)
    masks = ops.paste_masks(probabilities, boxes, 60, 80)
    monkeypatch.setattr(ops, "_kernels", None)
    torch.testing.assert_close(ops.roi_align_levels(features, *rois, SCALES, output_size=7), pooled, rtol=0, atol=1e-5)
    assert ops.paste_masks(probabilities, boxes, 60, 80) == masks


def boxes_of_all_kinds(count: int) -> Tensor:
    """Inside, across each border of, and beyond an 80 x 60 image; smaller than a pixel and larger than the image."""
    corner = torch.rand(count, 2) * 90 - 15
    return torch.cat([corner, corner + torch.rand(count, 2) ** 2 * 70 + 0.2], dim=1)


def canvas(probabilities: Tensor, box: Tensor, height: int, width: int) -> Tensor:
    """The oracle: grid_sample over the whole image."""
    x = (torch.arange(width) + 0.5 - box[0]) / (box[2] - box[0]) * 2 - 1
    y = (torch.arange(height) + 0.5 - box[1]) / (box[3] - box[1]) * 2 - 1
    grid = torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1)
    return F.grid_sample(probabilities[None, None], grid[None], align_corners=False)[0, 0]


@pytest.mark.parametrize("side", [1, 14, 28])
@pytest.mark.parametrize("threshold", [0.5, 0.1, 0.9])
def test_a_pasted_mask_is_grid_sample_over_the_whole_image(side: int, threshold: float) -> None:
    # The second factor sees to it that whole regions, and not single cells, lie above each threshold.
    probabilities = torch.rand(60, side, side) ** 0.1 * torch.linspace(0.3, 1.2, 60)[:, None, None].clamp(max=1)
    boxes = boxes_of_all_kinds(60)
    masks = ops.paste_masks(probabilities, boxes, 60, 80, threshold=threshold)
    pixels = 0
    for mask, probability, box in zip(masks, probabilities, boxes, strict=True):
        values = canvas(probability, box, 60, 80)
        certain = (values - threshold).abs() > 1e-5
        pasted = torch.from_numpy(mask.to_full(60, 80))
        assert torch.equal(pasted[certain], (values >= threshold)[certain])
        pixels += int(pasted.sum())
    assert pixels > (1000 if side > 1 else 0)  # a single cell rises to its value at one point only


def test_pasting_and_cropping_are_inverses() -> None:
    rows, columns = torch.meshgrid(torch.arange(28), torch.arange(28), indexing="ij")
    disc = ((rows - 13.5) ** 2 + (columns - 13.5) ** 2 < 150).float()
    (mask,) = ops.paste_masks(disc[None], torch.tensor([[10.0, 20.0, 38.0, 48.0]]), 100, 100)
    assert mask == Mask.from_crop(disc.numpy(), 10, 20)


def test_masks_of_certain_pixels_fill_their_box_and_stop_at_the_image() -> None:
    boxes = torch.tensor([[10.0, 5.0, 30.0, 25.0], [-40.0, -40.0, 400.0, 400.0], [70.0, 50.0, 90.0, 70.0]])
    masks = ops.paste_masks(torch.ones(3, 28, 28), boxes, 60, 80)
    assert [mask.bounds for mask in masks] == [(10, 5, 30, 25), (0, 0, 80, 60), (70, 50, 80, 60)]
    assert [mask.area for mask in masks] == [400, 4800, 100]


def test_boxes_that_hold_no_pixel_give_empty_masks() -> None:
    nan, inf = float("nan"), float("inf")
    boxes = torch.tensor([[5.0, 5, 5, 9], [9, 5, 5, 9], [nan, 0, 5, 5], [0, 0, inf, 5], [200, 200, 220, 220]])
    assert ops.paste_masks(torch.ones(5, 28, 28), boxes, 60, 80) == [Mask.empty()] * 5
    assert ops.paste_masks(torch.ones(0, 28, 28), torch.zeros(0, 4), 60, 80) == []


def test_masks_come_in_order_across_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    probabilities, boxes = torch.rand(20, 28, 28), boxes_of_all_kinds(20)
    whole = ops.paste_masks(probabilities, boxes, 60, 80)
    monkeypatch.setattr(ops, "_CHUNK_PIXELS", 500)
    assert ops.paste_masks(probabilities, boxes, 60, 80) == whole


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="probabilities"):
        ops.paste_masks(torch.rand(2, 28, 14), torch.rand(2, 4), 10, 10)
    with pytest.raises(ValueError, match="boxes"):
        ops.paste_masks(torch.rand(2, 28, 28), torch.rand(3, 4), 10, 10)
    with pytest.raises(ValueError, match="threshold"):
        ops.paste_masks(torch.rand(2, 28, 28), torch.rand(2, 4), 10, 10, threshold=0.0)


def test_nms_keeps_the_best_of_what_overlaps_and_groups_apart() -> None:
    boxes = torch.tensor([[0.0, 0, 10, 10], [1, 0, 11, 10], [50, 50, 60, 60]])
    scores = torch.tensor([0.5, 0.9, 0.7])
    assert ops.nms(boxes, scores, 0.5).tolist() == [1, 2]
    assert ops.batched_nms(boxes, scores, torch.tensor([0, 1, 0]), 0.5).tolist() == [1, 2, 0]


def _pool_in_child(connection: multiprocessing.connection.Connection) -> None:
    torch.set_num_threads(1)  # OpenMP's own threads do not survive a fork; the kernels' pool is what is tried here
    features = torch.arange(64.0 * 20 * 20).reshape(1, 64, 20, 20)
    rois = torch.rand(40, 4).repeat(1, 1)
    assert ops._kernels is not None
    pooled = torch.empty(40, 64, 7, 7)
    zeros = torch.zeros(40, dtype=torch.int64)
    ops._kernels.roi_align_forward(
        [features], [1.0], rois, zeros, zeros, pooled, sampling_ratio=2, aligned=True, threads=3
    )
    connection.send(float(pooled.sum()))


@needs_kernels
@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="this platform does not fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_has_a_thread_pool_of_its_own() -> None:
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        ops.roi_align_levels(pyramid(64), *random_rois(40), SCALES, output_size=7)  # the pool has threads now
    finally:
        torch.set_num_threads(before)
    context = multiprocessing.get_context("fork")
    receiving, sending = context.Pipe(duplex=False)
    child = context.Process(target=_pool_in_child, args=(sending,))
    child.start()
    try:
        assert receiving.poll(30), "the child hangs: it waits for threads that the fork left behind"
        assert receiving.recv() > 0
    finally:
        child.kill()
        child.join()


@needs_kernels
def test_threads_that_call_at_the_same_time_get_their_own_results() -> None:
    features, rois = pyramid(64), [random_rois(60) for _ in range(4)]
    expected = [oracle(features, *r, 7, 2, True) for r in rois]
    failures: list[int] = []

    def work(i: int) -> None:
        for _ in range(20):
            pooled = ops.roi_align_levels(features, *rois[i], SCALES, output_size=7)
            if not torch.allclose(pooled, expected[i], rtol=0, atol=1e-5):
                failures.append(i)

    workers = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert failures == []


@needs_gpu
@pytest.mark.gpu
def test_cuda_tensors_stay_on_their_device_with_the_same_numbers() -> None:
    features, rois = pyramid(16), random_rois(20)
    expected = ops.roi_align_levels(features, *rois, SCALES, output_size=7)
    pooled = ops.roi_align_levels([m.cuda() for m in features], *(r.cuda() for r in rois), SCALES, output_size=7)
    assert pooled.is_cuda
    torch.testing.assert_close(pooled.cpu(), expected, rtol=0, atol=1e-4)
    probabilities, boxes = torch.ones(4, 28, 28), boxes_of_all_kinds(4)
    assert ops.paste_masks(probabilities.cuda(), boxes.cuda(), 60, 80) == ops.paste_masks(probabilities, boxes, 60, 80)
