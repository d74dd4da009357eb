"""How long a fine-tune will take and how much memory, measured on this machine by a few steps on noise."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from engine.errors import MaskwrightError
from engine.inference.preprocess import input_scale
from engine.learning.dataset import PIXEL_CACHE_BYTES, AnnotatedImage, AnnotatedSet
from engine.learning.recipe import Recipe, Scope
from engine.nn.detector import MaskRCNN, Target
from engine.nn.device import autocast
from engine.nn.trunk import go_on

if sys.platform != "win32":
    import resource

INSTANCES = 16
"""Of a noise crop: about what a crop of a crowded image holds."""
DETECTING = 1.6
"""What finding the objects on a whole image costs, against the trunk over as many pixels: RPN, heads and pasting."""
SLACK = 1.6
"""How much longer than estimated the steps may take before the last are left out: other programs run beside."""
SHORTEST = 60.0
"""Seconds below which no run is cut short."""
OPTIMISER_COPIES = 4
"""Tensors of a trained weight's size: its gradient, both moments of AdamW, and the moving average."""
ROUNDED = 1.15
"""What a measured peak grows by over hundreds of steps: buffers that are kept, the pieces between them."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a round will take: seconds for all of it, bytes of memory at its peak, bytes on disk meanwhile."""

    seconds: float
    steps_seconds: float
    memory: int
    disk: int


def estimate(
    model: MaskRCNN,
    recipe: Recipe,
    training: AnnotatedSet,
    held_out: AnnotatedSet,
    cancelled: Callable[[], bool] = lambda: False,
) -> Estimate:
    """Take the times of one step and of one crop through the trunk, and count them up.

    The model is as it was afterwards, and so are torch's random numbers.

    Raises:
        Cancelled: ``cancelled()`` said to stop.
    """
    size = recipe.crop_size
    state, training_mode = torch.get_rng_state(), model.training
    crops = torch.randn(recipe.crops_per_step, 3, size, size).to(memory_format=torch.channels_last)
    crops = crops.to(next(model.parameters()).device)
    view_seconds = _seconds(lambda: _features(model, crops), cancelled) / len(crops)
    step_seconds = _seconds(lambda: _step(model, crops, recipe), cancelled)
    model.zero_grad(set_to_none=True)
    model.train(training_mode)
    torch.set_rng_state(state)

    views = len(training.images) * recipe.views_per_image if recipe.scope is Scope.HEADS else 0
    looked_at = sum(_network_pixels(model, image) for image in held_out.images) / size**2
    steps_seconds = recipe.steps * step_seconds
    return Estimate(
        seconds=steps_seconds + view_seconds * (views + 2 * DETECTING * looked_at),
        steps_seconds=steps_seconds,
        memory=_memory(model, recipe, training),
        disk=views * _view_bytes(model, size),
    )


def kept_to(recipe: Recipe, expected: Estimate) -> Recipe:
    """The recipe with the longest time that its steps may take."""
    return replace(recipe, seconds=max(SHORTEST, SLACK * expected.steps_seconds))


def check_memory(expected: Estimate, device: torch.device) -> None:
    """Raises MaskwrightError where the machine has less memory left than a round is expected to need."""
    free = _free_memory(device)
    if free is not None and expected.memory > free:
        raise MaskwrightError(
            f"Fine-tuning needs about {expected.memory / 1e9:.1f} GB of memory, and {free / 1e9:.1f} GB are free.",
            remedy="Close other programs, then fine-tune again.",
        )


def peak_memory(device: torch.device) -> int | None:
    """Bytes that this process has taken at most so far; None where the system does not tell."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    if sys.platform == "win32":
        return None
    kilo = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * kilo


def _seconds(work: Callable[[], object], cancelled: Callable[[], bool]) -> float:
    """Of the faster of two runs: the first one prepares kernels and memory."""
    times = []
    for _ in range(2):
        go_on(cancelled)
        began = time.perf_counter()
        work()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        times.append(time.perf_counter() - began)
    return min(times)


@torch.no_grad()
def _features(model: MaskRCNN, crops: Tensor) -> list[Tensor]:
    with autocast(crops.device):
        return model.features(crops)


def _step(model: MaskRCNN, crops: Tensor, recipe: Recipe) -> None:
    heads = recipe.scope is Scope.HEADS
    targets = [_noise(crops.shape[-1], index).to(crops.device) for index in range(len(crops))]
    with autocast(crops.device):
        features = _features(model, crops) if heads else model.features(crops)
        began = [level.detach() for level in features] if heads else features
        losses = model.losses_of(began, (crops.shape[-2], crops.shape[-1]), targets, recipe.roi_samples)
        total = torch.stack([loss.float() for loss in losses.values()]).sum()
    total.backward()


def _noise(size: int, seed: int) -> Target:
    rng = np.random.default_rng(seed)
    corner = torch.from_numpy(rng.uniform(0, 0.8 * size, (INSTANCES, 2)).astype(np.float32))
    side = torch.from_numpy(rng.uniform(0.05 * size, 0.2 * size, (INSTANCES, 2)).astype(np.float32))
    masks = torch.from_numpy(rng.integers(0, 2, (INSTANCES, size, size), dtype=np.uint8))
    return Target(torch.cat([corner, corner + side], 1), torch.zeros(INSTANCES, dtype=torch.int64), masks)


def _network_pixels(model: MaskRCNN, image: AnnotatedImage) -> float:
    return image.width * image.height * input_scale(model.spec, image.width, image.height) ** 2


def _memory(model: MaskRCNN, recipe: Recipe, training: AnnotatedSet) -> int:
    device = next(model.parameters()).device
    heads = (model.rpn, model.box_head, model.mask_head)
    trained = sum(p.numel() for part in heads for p in part.parameters())
    if recipe.scope is Scope.WHOLE:
        trained = sum(p.numel() for p in model.parameters())
    copies = OPTIMISER_COPIES * trained * 4
    pixels = min(PIXEL_CACHE_BYTES, sum(3 * image.width * image.height for image in training.images))
    return round(ROUNDED * (peak_memory(device) or 0)) + copies + (pixels if device.type == "cpu" else 0)


def _view_bytes(model: MaskRCNN, size: int) -> int:
    """Of the float16 features of one crop: the levels P2 to P6 are a quarter of each other."""
    return round(2 * model.spec.fpn_channels * (size / 4) ** 2 * 4 / 3)


def _free_memory(device: torch.device) -> int | None:
    """Bytes that this process has or could still take; None where the system does not tell."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0] + torch.cuda.memory_reserved(device)
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        facts = dict(line.split(":", 1) for line in lines)
        return int(facts["MemAvailable"].split()[0]) * 1024 + (peak_memory(device) or 0)
    except (OSError, KeyError, ValueError):
        return None
