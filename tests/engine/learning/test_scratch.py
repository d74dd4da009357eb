"""Training from random weights: one command, the same model each time, with its card."""

from __future__ import annotations

from pathlib import Path

import torch

from engine import verbs
from engine.checkpoints import load, read_card
from engine.learning.dataset import from_coco
from engine.learning.scratch import SCRATCH_RECIPE, new_card, train_from_scratch
from engine.synthetic import write_dataset


def trained(folder: Path, annotations: Path, seed: int) -> dict[str, torch.Tensor]:
    out = folder / f"tiny-{seed}.safetensors"
    data = ["--coco", str(annotations), "--images", str(folder / "images"), "--hold-out-coco", str(annotations)]
    wishes = ["--name", "blobs", "--data", "drawn cells", "--licence", "CC0-1.0", "--steps", "2", "--seed", str(seed)]
    assert verbs.main(["train", *data, *wishes, "--out", str(out)]) == 0
    card = read_card(out)
    assert (card.name, card.data, card.licence, card.recipe["seed"]) == ("blobs", "drawn cells", "CC0-1.0", seed)
    assert card.metrics["images"] == 2
    assert "drawn cells" in out.with_suffix(".md").read_text()
    weights = load(out)[0].state_dict()
    for written in (out, out.with_suffix(".md")):
        written.unlink()
    return weights


def test_the_same_seed_gives_the_same_model_and_another_seed_another(tmp_path: Path) -> None:
    annotations = write_dataset(tmp_path, 2, seed=5, size=(96, 96))
    before = sorted(tmp_path.iterdir())
    first, again, other = (trained(tmp_path, annotations, seed) for seed in (3, 3, 4))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["rpn.objectness.weight"], other["rpn.objectness.weight"])
    assert sorted(tmp_path.iterdir()) == before, "the folder that it worked in is gone"


def test_a_cancelled_training_leaves_nothing(tmp_path: Path) -> None:
    annotations = write_dataset(tmp_path, 2, seed=5, size=(96, 96))
    data = from_coco(annotations, tmp_path / "images")
    before = sorted(tmp_path.iterdir())
    card = new_card("blobs", data.categories, data="", licence="", command="")
    out = tmp_path / "tiny.safetensors"
    result = train_from_scratch(
        card, data, data, out, SCRATCH_RECIPE, on_step=lambda step: None, cancelled=lambda: True
    )
    assert result is None
    assert sorted(tmp_path.iterdir()) == before
