"""Where models compute."""

import torch

CPU = torch.device("cpu")


def best_device() -> torch.device:
    """The GPU where there is one that torch can use, else the processor."""
    return torch.device("cuda", torch.cuda.current_device()) if torch.cuda.is_available() else CPU
