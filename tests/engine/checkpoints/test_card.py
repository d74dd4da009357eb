"""Model cards survive JSON, are read without the weights, and say what is wrong with a file."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import pytest

from engine.checkpoints import ModelCard, card_markdown, checkpoint_id, read_card
from engine.checkpoints.card import CARD_KEY
from engine.errors import InvalidCheckpoint
from engine.nn.spec import ModelSpec


@pytest.fixture
def card(tiny_spec: ModelSpec) -> ModelCard:
    return ModelCard(
        name="Discs and bars",
        spec=tiny_spec,
        created="2026-01-02T03:04:05+00:00",
        licence="CC0-1.0",
        data="12 drawings",
        recipe={"steps": 60, "learning_rate": 1e-3},
        metrics={"mask": {"AP": 0.51234, "AP50": 0.75}, "images": 3},
        parent="0123456789ab",
        command="python main.py finetune",
        notes="Größe: klein",
    )


def write(path: Path, header: bytes) -> Path:
    path.write_bytes(struct.pack("<Q", len(header)) + header)
    return path


def with_card(path: Path, text: Any) -> Path:
    return write(path, json.dumps({"__metadata__": {CARD_KEY: text}}).encode())


def test_json_gives_back_the_same_card(card: ModelCard) -> None:
    assert ModelCard.from_json(card.to_json()) == card


def test_a_card_is_read_from_the_header_alone(card: ModelCard, tmp_path: Path) -> None:
    assert read_card(with_card(tmp_path / "a.safetensors", card.to_json())) == card


def test_a_card_needs_only_a_name_and_a_model(tiny_spec: ModelSpec) -> None:
    card = ModelCard.from_json(json.dumps({"name": "x", "spec": tiny_spec.to_dict()}))
    assert card == ModelCard(name="x", spec=tiny_spec)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": 5}, "name is 5"),
        ({"recipe": "fast"}, "recipe is 'fast'"),
        ({"parent": 7}, "parent is 7"),
        ({"spec": {"name": "x"}}, "lacks categories"),
        ({"colour": "red"}, "'colour'"),
    ],
)
def test_a_wrong_entry_is_named_with_its_file(
    card: ModelCard, tmp_path: Path, change: dict[str, Any], words: str
) -> None:
    path = with_card(tmp_path / "odd.safetensors", json.dumps(json.loads(card.to_json()) | change))
    with pytest.raises(InvalidCheckpoint, match=words) as raised:
        read_card(path)
    assert "odd.safetensors" in str(raised.value)


@pytest.mark.parametrize("entry", ["name", "spec"])
def test_a_missing_entry_is_named(card: ModelCard, entry: str) -> None:
    values = json.loads(card.to_json())
    del values[entry]
    with pytest.raises(InvalidCheckpoint, match=f"no {entry}"):
        ModelCard.from_json(json.dumps(values))


@pytest.mark.parametrize("text", ["{", "[]"])
def test_a_card_that_is_no_json_object_is_refused(text: str) -> None:
    with pytest.raises(InvalidCheckpoint, match="JSON"):
        ModelCard.from_json(text)


@pytest.mark.parametrize(
    "content",
    [b"", b"abc", b"PK\x03\x04" * 50, struct.pack("<Q", 40) + b"{", struct.pack("<Q", 4) + b"[1]\n", b"\xff" * 64],
    ids=["empty", "short", "zip", "truncated", "list", "noise"],
)
def test_a_file_of_another_kind_is_named_as_such(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "holiday.jpg"
    path.write_bytes(content)
    with pytest.raises(InvalidCheckpoint, match=r"holiday\.jpg is not a checkpoint"):
        read_card(path)


def test_weights_without_a_card_are_named_as_such(tmp_path: Path) -> None:
    for header in (b"{}", b'{"__metadata__": {"format": "pt"}}', b'{"__metadata__": 3}'):
        with pytest.raises(InvalidCheckpoint, match="without a model card"):
            read_card(write(tmp_path / "plain.safetensors", header))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidCheckpoint, match=r"gone\.safetensors cannot be read"):
        read_card(tmp_path / "gone.safetensors")


def test_the_id_is_the_start_of_the_files_sha256(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    assert checkpoint_id(tmp_path / "a") == "ba7816bf8f01"


def test_the_page_for_people_shows_where_the_model_comes_from_and_how_good_it_is(card: ModelCard) -> None:
    page = card_markdown(card)
    for part in ("# Discs and bars", "CC0-1.0", "12 drawings", "0123456789ab", "disc, bar", "| mask AP | 0.5123 |"):
        assert part in page
    assert "```\npython main.py finetune\n```" in page
