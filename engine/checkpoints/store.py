"""Writing and reading checkpoints: one safetensors file with the weights in half precision and the card inside."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from safetensors.torch import save as serialise
from torch import Tensor

from engine.checkpoints.card import CARD_KEY, ModelCard, read_card
from engine.errors import InvalidCheckpoint
from engine.files import atomic_write
from engine.nn.detector import MaskRCNN
from engine.nn.zoo import build

COUNTER = ".num_batches_tracked"
"""BatchNorm2d's step counter, which frozen norms do not have."""
LISTED = 5
"""Names of wrong tensors in a message; a whole wrong model has hundreds."""


def save(path: str | Path, model: MaskRCNN, card: ModelCard) -> None:
    """Write a checkpoint, all of it or nothing.

    Weights are stored as float16; vectors (biases, norms' statistics) stay float32, because a running variance may be
    under float16's smallest number and then divides by zero.

    Raises:
        InvalidCheckpoint: a weight is not a number or too large for float16, or the card describes another model.
        MaskwrightError: the disk refuses.
    """
    if card.spec != model.spec:
        raise InvalidCheckpoint("The model card describes another model than the one to save.")
    tensors = {
        name: tensor.detach().to("cpu", torch.float32 if tensor.ndim < 2 else torch.float16).contiguous()
        for name, tensor in model.state_dict().items()
        if not name.endswith(COUNTER)
    }
    broken = _not_finite(tensors)
    if broken:
        raise InvalidCheckpoint(
            f"The model was not saved: values in {_some(broken)} are infinite or not a number.",
            remedy="The training diverged; train again with a lower learning rate.",
        )
    # One entry of metadata only: safetensors writes several in random order, and equal models should be equal files.
    # Bytes rather than its own writing, which reports a full disk as a parsing error.
    content = serialise(tensors, metadata={CARD_KEY: card.to_json()})
    with atomic_write(path) as temporary:
        temporary.write_bytes(content)


def load(path: str | Path) -> tuple[MaskRCNN, ModelCard]:
    """
    Returns:
        The model in evaluation mode, float32, channels-last, norms frozen, on the CPU; and its card.

    Raises:
        InvalidCheckpoint: saying what is wrong with the file.
    """
    path = Path(path)
    card = read_card(path)
    try:
        tensors = load_file(path)
    except (SafetensorError, OSError) as error:
        raise InvalidCheckpoint(
            f"The weights in {path.name} cannot be read: {error}.", remedy="Copy the file again from where it came."
        ) from error
    model = build(card.spec)
    load_weights(model, tensors, path.name)
    return model.to(memory_format=torch.channels_last).eval(), card


def load_weights(model: MaskRCNN, tensors: Mapping[str, Tensor], source: str) -> None:
    """Copy `tensors`, of any floating-point type, into the model; `source` is their file's name for messages.

    Raises:
        InvalidCheckpoint: a tensor is missing, unknown, of another shape or holds values that are not finite.
    """
    expected = {name: tensor for name, tensor in model.state_dict().items() if not name.endswith(COUNTER)}
    problems = {
        "lacks": [name for name in expected if name not in tensors],
        "has weights that its model card does not describe:": [name for name in tensors if name not in expected],
        "has the wrong shape of": [
            f"{name} ({_shape(tensors[name])} instead of {_shape(tensor)})"
            for name, tensor in expected.items()
            if name in tensors and tensors[name].shape != tensor.shape
        ],
        "has infinite values or ones that are not a number in": _not_finite(tensors),
    }
    for what, names in problems.items():
        if names:
            raise InvalidCheckpoint(
                f"{source} {what} {_some(names)}.",
                remedy="The file is damaged or of another model; choose another one.",
            )
    model.load_state_dict({name: tensor.float() for name, tensor in tensors.items()}, strict=False)


def _not_finite(tensors: Mapping[str, Tensor]) -> list[str]:
    return [name for name, tensor in tensors.items() if not bool(torch.isfinite(tensor).all())]


def _some(names: Iterable[str]) -> str:
    names = sorted(names)
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(names[:LISTED]) + more


def _shape(tensor: Tensor) -> str:
    return " x ".join(str(side) for side in tensor.shape) or "a number"
