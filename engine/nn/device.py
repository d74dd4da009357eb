"""Where models compute, and how precisely."""

from contextlib import AbstractContextManager, nullcontext

import torch

CPU = torch.device("cpu")


def best_device() -> torch.device:
    """The GPU where there is one that torch can use, else the processor."""
    return torch.device("cuda", torch.cuda.current_device()) if torch.cuda.is_available() else CPU


def autocast(device: torch.device) -> AbstractContextManager[object]:
    """bfloat16 where the hardware multiplies it natively, else float32 unchanged."""
    if device.type == "cuda" or torch.cpu._is_avx512_bf16_supported():
        return torch.autocast(device.type, dtype=torch.bfloat16)
    return nullcontext()
