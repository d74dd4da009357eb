"""Checkpoints: weights in safetensors with the model card inside, and converters from other families' files.

Cards are read without torch: the names that need it are imported at their first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.checkpoints.card import ModelCard, card_markdown, checkpoint_id, read_card

if TYPE_CHECKING:
    from engine.checkpoints.store import load, save

__all__ = ["ModelCard", "card_markdown", "checkpoint_id", "load", "read_card", "save"]


def __getattr__(name: str) -> Any:
    if name in ("load", "save"):
        from engine.checkpoints import store

        return getattr(store, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
