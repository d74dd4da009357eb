"""The model card: what a checkpoint is, where it comes from and how good it is. Reads cards without torch."""

from __future__ import annotations

import dataclasses
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.errors import InvalidCheckpoint
from engine.files import sha256_of
from engine.nn.spec import ModelSpec

CARD_KEY = "maskwright.card"
"""Where the card's JSON stands in a safetensors file's metadata."""
MAX_HEADER = 100_000_000
"""Bytes; the limit of the safetensors library itself. A larger number is some other file's first eight bytes."""
ID_DIGITS = 12
"""48 bits of the file's SHA-256: no clash among the checkpoints of a project, and short enough to read aloud."""


@dataclass(frozen=True, kw_only=True)
class ModelCard:
    """Travels inside its checkpoint."""

    name: str
    spec: ModelSpec
    created: str = ""
    """ISO 8601, UTC."""
    licence: str = ""
    """Of the weights, as an SPDX expression where there is one."""
    data: str = ""
    """What the weights were trained on, and under which licence."""
    fingerprint: str = ""
    """Of the training data, as of `engine.learning.dataset.fingerprint`."""
    recipe: Mapping[str, Any] = field(default_factory=dict)
    """Settings of the training, JSON values."""
    metrics: Mapping[str, Any] = field(default_factory=dict)
    """As of `evaluate`, on the hold-out."""
    parent: str | None = None
    """Checkpoint id of the weights that training started from."""
    command: str = ""
    """Reproduces the checkpoint."""
    notes: str = ""

    def to_json(self) -> str:
        return json.dumps(dataclasses.asdict(self), ensure_ascii=False, sort_keys=True)

    @staticmethod
    def from_json(text: str) -> ModelCard:
        """
        Raises:
            InvalidCheckpoint: naming what is missing, unknown or of the wrong type.
        """
        try:
            values = json.loads(text)
        except ValueError as error:
            raise InvalidCheckpoint(f"The model card is not JSON: {error}.") from error
        if not isinstance(values, dict):
            raise InvalidCheckpoint("The model card is not a JSON object.")
        kinds: dict[str, type] = dict.fromkeys(
            ("name", "created", "licence", "data", "fingerprint", "parent", "command", "notes"), str
        )
        kinds |= {"recipe": dict, "metrics": dict, "spec": dict}
        for name, value in values.items():
            if name not in kinds:
                raise InvalidCheckpoint(f"The model card has an entry {name!r} that this version does not know.")
            if not isinstance(value, kinds[name]) and not (name == "parent" and value is None):
                expected = "a text" if kinds[name] is str else "a JSON object"
                raise InvalidCheckpoint(f"The model card's {name} is {value!r}, but should be {expected}.")
        for name in ("name", "spec"):
            if name not in values:
                raise InvalidCheckpoint(f"The model card has no {name}.")
        return ModelCard(**{**values, "spec": ModelSpec.from_dict(values["spec"])})


def read_card(path: str | Path) -> ModelCard:
    """The card of a checkpoint, from the file's header alone.

    Raises:
        InvalidCheckpoint: the file cannot be read, is no safetensors file, or has no valid card.
    """
    path = Path(path)
    metadata = _header(path).get("__metadata__")
    text = metadata.get(CARD_KEY) if isinstance(metadata, dict) else None
    if not isinstance(text, str):
        raise InvalidCheckpoint(
            f"{path.name} holds weights without a model card, so what they are is not known.",
            remedy="Choose a checkpoint written by Maskwright, or convert this one.",
        )
    try:
        return ModelCard.from_json(text)
    except InvalidCheckpoint as error:
        raise InvalidCheckpoint(f"{path.name}: {error.message}", remedy=error.remedy) from error


def checkpoint_id(path: str | Path) -> str:
    """Names the checkpoint by its content: the first 12 hexadecimal digits of the file's SHA-256."""
    return sha256_of(path)[:ID_DIGITS]


def card_markdown(card: ModelCard) -> str:
    """The card as a page for people."""
    lines = [f"# {card.name}", ""]
    if card.notes:
        lines += [card.notes, ""]
    facts = {
        "Created": card.created,
        "Licence": card.licence,
        "Training data": card.data,
        "Fingerprint of the data": card.fingerprint,
        "Started from": card.parent or "",
        "Categories": ", ".join(card.spec.categories),
        "Trunk": f"{card.spec.trunk}, {card.spec.fpn_channels} FPN channels",
        "Input": f"short side from {card.spec.input_min_side} px, long side to {card.spec.input_max_side} px",
    }
    lines += [f"- **{name}:** {value}" for name, value in facts.items() if value]
    for title, values in (("Metrics", card.metrics), ("Recipe", card.recipe)):
        if values:
            lines += ["", f"## {title}", "", "| | |", "|---|---|"]
            lines += [f"| {name} | {value} |" for name, value in _flat(values)]
    if card.command:
        lines += ["", "## Reproduce", "", "```", card.command, "```"]
    return "\n".join(lines) + "\n"


def _flat(values: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    rows = []
    for name, value in values.items():
        if isinstance(value, Mapping):
            rows += _flat(value, f"{prefix}{name} ")
        elif isinstance(value, list) and value and isinstance(value[0], Mapping):
            lines = (", ".join(f"{key} {_figure(part)}" for key, part in each.items()) for each in value)
            rows += [(f"{prefix}{name} {place}", line) for place, line in enumerate(lines, start=1)]
        else:
            rows.append((f"{prefix}{name}", _figure(value)))
    return rows


def _figure(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return "–" if value is None else str(value)


def _header(path: Path) -> dict[str, Any]:
    """The JSON object at a safetensors file's start: its length as eight bytes, then itself."""
    try:
        with path.open("rb") as file:
            prefix = file.read(8)
            length = struct.unpack("<Q", prefix)[0] if len(prefix) == 8 else MAX_HEADER + 1
            header = json.loads(file.read(length)) if length <= MAX_HEADER else None
    except OSError as error:
        raise InvalidCheckpoint(f"The checkpoint {path} cannot be read: {error.strerror}.") from error
    except ValueError:
        header = None
    if not isinstance(header, dict):
        raise InvalidCheckpoint(
            f"{path.name} is not a checkpoint: it is no safetensors file, or a damaged one.",
            remedy="Choose a .safetensors file, or copy it again from where it came.",
        )
    return header
