"""A checkpoint as a file of its own: for Maskwright elsewhere, or for torchvision."""

from __future__ import annotations

import shutil
from pathlib import Path

from engine.checkpoints.store import load
from engine.checkpoints.torchvision_export import export_state
from engine.errors import MaskwrightError
from engine.files import atomic_write, check_output


def export(checkpoint: Path, out: Path) -> list[str]:
    """Write a checkpoint once more: `.safetensors` is a copy with its card, `.pth` a state dict for torchvision.

    Returns:
        What the person should know of it, as lines of Python; nothing for a copy.

    Raises:
        InvalidCheckpoint: the checkpoint cannot be read.
        MaskwrightError: `out` has another suffix or cannot be written, or torchvision cannot hold the model.
    """
    if out.suffix not in (".safetensors", ".pth"):
        raise MaskwrightError(
            f"{out.name} is neither .safetensors nor .pth.",
            remedy="Choose .safetensors for Maskwright, .pth for torchvision.",
        )
    check_output(out, inputs=[checkpoint])
    if out.suffix == ".pth":
        return export_state(checkpoint, out)
    load(checkpoint)  # a broken one is not handed on
    with atomic_write(out) as temporary:
        shutil.copyfile(checkpoint, temporary)
    return []
