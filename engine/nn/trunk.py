"""ResNet trunks: image to C2..C5. Layers and their names are torchvision's, so ImageNet and COCO weights drop in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn
from torchvision.models import resnet18, resnet50

from engine.nn.norm import Norm

TRUNKS: dict[str, Callable[..., Any]] = {"resnet18": resnet18, "resnet50": resnet50}
CHANNELS = {"resnet18": (64, 128, 256, 512), "resnet50": (256, 512, 1024, 2048)}
"""Channels of C2 to C5."""


class Cancelled(Exception):
    """The caller no longer wants the result. Not an error to show to anyone."""


def go_on(cancelled: Callable[[], bool] | None) -> None:
    """Between two steps of a long computation: raise Cancelled as soon as `cancelled()` is true."""
    if cancelled is not None and cancelled():
        raise Cancelled


class Trunk(nn.Module):
    """A ResNet without its classifier."""

    def __init__(self, *, name: str, norm: Norm) -> None:
        super().__init__()
        resnet = TRUNKS[name](weights=None, norm_layer=norm)
        self.conv1, self.bn1, self.relu, self.maxpool = resnet.conv1, resnet.bn1, resnet.relu, resnet.maxpool
        self.layer1, self.layer2 = resnet.layer1, resnet.layer2
        self.layer3, self.layer4 = resnet.layer3, resnet.layer4

    def forward(self, images: Tensor, cancelled: Callable[[], bool] | None = None) -> list[Tensor]:
        """
        Args:
            images: (N, 3, H, W) float, normalised; H and W multiples of 32.
            cancelled: asked before every residual block.

        Returns:
            C2..C5, (N, channels, H / stride, W / stride) at strides 4, 8, 16, 32.

        Raises:
            Cancelled: as soon as `cancelled()` is true.
        """
        x = self.maxpool(self.relu(self.bn1(self.conv1(images))))
        maps = []
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            for block in stage:
                go_on(cancelled)
                x = block(x)
            maps.append(x)
        return maps
