"""How long a model takes for an image on this machine."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import torch

from engine.checkpoints.speeds import keep_speed
from engine.inference.predictor import Predictor

SIDE = 640
"""Pixels of the image's sides: between a laptop camera's and a microscope's, and the same for all models."""


def device_name(device: torch.device) -> str:
    """What a person calls the device."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"


def measure(predictor: Predictor, cancelled: Callable[[], bool] | None = None) -> float:
    """Seconds to encode one image of 640 x 640 pixels and detect on it, the second time; written down.

    Raises:
        Cancelled: ``cancelled()`` returned True meanwhile.
        MaskwrightError: it cannot be written down.
    """
    image = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
    seconds = 0.0
    for _ in range(2):  # the first time memory is taken and kernels are chosen
        begun = time.perf_counter()
        predictor.detect(predictor.encode(image, cancelled), cancelled=cancelled)
        seconds = time.perf_counter() - begun
    keep_speed(predictor.checkpoint_id, device_name(predictor.device), seconds)
    return seconds
