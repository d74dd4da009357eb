"""Times RoIAlign beside torchvision's, in turns in one process, and prints one JSON document on stdout.

    python tests/benchmarks/roi_align.py [--threads 1 2] [--repeats 7] [--rois 1000] [--size 800 1344]

The maps are those of an image of 800 x 1344 at strides 4 to 32 with 256 channels; 1000 boxes of 7 x 7 bins are the box
head's load on one image, 100 boxes of 14 x 14 the mask head's. Each box reads the level that its size assigns it (Lin
et al. 2017, "Feature Pyramid Networks", equation 1). Ours reads channels-last maps, which the trunk makes; torchvision
reads the layout it is fastest with. Times are milliseconds, the median and the best of the repeats; the ratio compares
medians. Other load on the machine spoils the figures: `load` is what the machine reported at the start.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torchvision
from torch import Tensor

from engine.nn import ops

SCALES = (1 / 4, 1 / 8, 1 / 16, 1 / 32)
CHANNELS = 256


@dataclass(frozen=True)
class Load:
    """One call's input: maps (1, C, H_l, W_l) in both layouts, boxes (n, 4) with their levels, bins per side."""

    channels_last: list[Tensor]
    contiguous: list[Tensor]
    boxes: Tensor
    level: Tensor
    output_size: int

    def ours(self, features: list[Tensor]) -> Tensor:
        """The compiled kernel."""
        zeros = torch.zeros_like(self.level)
        return ops.roi_align_levels(
            features, self.boxes, zeros, self.level, SCALES, output_size=self.output_size, sampling_ratio=2
        )

    def torchvision(self, features: list[Tensor]) -> Tensor:
        """What torchvision's MultiScaleRoIAlign does: level by level into one result."""
        pooled = features[0].new_zeros(len(self.boxes), CHANNELS, self.output_size, self.output_size)
        rois = torch.cat([torch.zeros(len(self.boxes), 1), self.boxes], dim=1)
        for i, scale in enumerate(SCALES):
            chosen = torch.nonzero(self.level == i)[:, 0]
            part = torchvision.ops.roi_align(features[i], rois[chosen], self.output_size, scale, 2, True)
            pooled = pooled.index_put((chosen,), part)
        return pooled


def make_load(height: int, width: int, count: int, output_size: int) -> Load:
    """Random maps and boxes whose sides are spread evenly over octaves from 16 pixels to the image's height."""
    random = torch.Generator().manual_seed(0)
    maps = [torch.randn(1, CHANNELS, round(height * s), round(width * s), generator=random).relu_() for s in SCALES]
    limit = torch.tensor([width, height], dtype=torch.float32)
    sides = 16 * (height / 16) ** torch.rand(count, 2, generator=random)
    corner = torch.rand(count, 2, generator=random) * (limit - sides)
    boxes = torch.cat([corner, corner + sides], dim=1)
    level = (4 + torch.log2(sides.prod(dim=1).sqrt() / 224)).floor().clamp(2, 5).to(torch.int64) - 2
    return Load([m.contiguous(memory_format=torch.channels_last) for m in maps], maps, boxes, level, output_size)


def time_in_turns(calls: dict[str, Callable[[], object]], repeats: int) -> dict[str, dict[str, float]]:
    """Milliseconds of each call; the calls take turns so that passing load falls on all of them."""
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for turn in range(repeats + 1):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            if turn:  # the first round warms caches and thread pools
                taken[name].append((time.perf_counter() - start) * 1000)
    return {name: {"median_ms": statistics.median(t), "best_ms": min(t)} for name, t in taken.items()}


def forward_and_backward(align: Callable[[list[Tensor]], Tensor], features: list[Tensor]) -> Callable[[], object]:
    """A call that also takes the gradient with respect to every map."""
    leaves = [feature.clone().requires_grad_() for feature in features]
    upstream = torch.ones_like(align(features))
    return lambda: torch.autograd.grad(align(leaves), leaves, upstream)


def measure(load: Load, threads: int, repeats: int) -> dict[str, object]:
    """Forward, and forward with backward, by ours and torchvision's."""
    torch.set_num_threads(threads)
    difference = (load.ours(load.channels_last) - load.torchvision(load.contiguous)).abs().max().item()
    forward = time_in_turns(
        {
            "ours": lambda: load.ours(load.channels_last),
            "torchvision": lambda: load.torchvision(load.contiguous),
            "torchvision_channels_last": lambda: load.torchvision(load.channels_last),
        },
        repeats,
    )
    both = time_in_turns(
        {
            "ours": forward_and_backward(load.ours, load.channels_last),
            "torchvision": forward_and_backward(load.torchvision, load.contiguous),
        },
        max(repeats // 2, 1),
    )
    result: dict[str, object] = {"threads": threads, "rois": len(load.boxes), "output_size": load.output_size}
    result["largest_difference"] = difference
    for name, times in (("forward", forward), ("forward_and_backward", both)):
        ratio = times["torchvision"]["median_ms"] / times["ours"]["median_ms"]
        result[name] = {**times, "ratio": ratio}
    return result


def main() -> int:
    """Measure as the arguments say; 1 where the kernels are not installed."""
    parser = argparse.ArgumentParser(description="RoIAlign beside torchvision's")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, torch.get_num_threads()])
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--rois", type=int, default=1000)
    parser.add_argument("--size", type=int, nargs=2, default=(800, 1344), metavar=("HEIGHT", "WIDTH"))
    chosen = parser.parse_args()
    if not ops.kernels_available():
        print("The compiled kernels are not installed: there is nothing to compare.", file=sys.stderr)
        return 1
    report = {
        "torch": torch.__version__,
        "torchvision": torchvision.__version__,
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "results": [
            measure(make_load(*chosen.size, count, size), threads, chosen.repeats)
            for count, size in ((chosen.rois, 7), (max(chosen.rois // 10, 1), 14))
            for threads in sorted(set(chosen.threads))
        ],
    }
    print(json.dumps(report, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
