"""A saved model comes back; a damaged or foreign file is refused in words; a diverged model never reaches the disk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from engine.checkpoints import ModelCard, checkpoint_id, load, read_card, save
from engine.checkpoints.card import CARD_KEY
from engine.errors import InvalidCheckpoint, NotWritable
from engine.nn.detector import MaskRCNN
from engine.nn.spec import ModelSpec
from engine.nn.zoo import build, with_mapped_categories


@pytest.fixture
def model(tiny_spec: ModelSpec) -> MaskRCNN:
    torch.manual_seed(0)
    model = build(tiny_spec, frozen_norm=False).train()
    with torch.no_grad():
        model.features(torch.randn(2, 3, 64, 64))
    return model


@pytest.fixture
def saved(model: MaskRCNN, tmp_path: Path) -> Path:
    path = tmp_path / "model.safetensors"
    save(path, model, ModelCard(name="tiny", spec=model.spec))
    return path


def rewrite(path: Path, change: Callable[[dict[str, Tensor]], object]) -> None:
    tensors, card = load_file(path), read_card(path)
    change(tensors)
    save_file(tensors, path, metadata={CARD_KEY: card.to_json()})


def test_a_loaded_model_is_the_saved_one_to_half_precision(model: MaskRCNN, saved: Path) -> None:
    loaded, card = load(saved)
    assert card == ModelCard(name="tiny", spec=model.spec)
    assert loaded.spec == model.spec
    assert not loaded.training
    original = model.state_dict()
    for name, tensor in loaded.state_dict().items():
        assert tensor.dtype == torch.float32
        if tensor.ndim < 2:
            assert torch.equal(tensor, original[name]), name
        else:
            torch.testing.assert_close(tensor, original[name], rtol=2**-11, atol=1e-7)
    image = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        for ours, expected in zip(loaded.features(image), model.eval().features(image), strict=True):
            assert float((ours - expected).abs().max()) < 0.01 * float(expected.abs().max())


def test_saving_a_loaded_model_again_gives_the_same_bytes(saved: Path, tmp_path: Path) -> None:
    loaded, card = load(saved)
    save(tmp_path / "again.safetensors", loaded, card)
    assert checkpoint_id(tmp_path / "again.safetensors") == checkpoint_id(saved)


def test_weights_take_two_bytes_each(model: MaskRCNN, saved: Path) -> None:
    weights = sum(parameter.numel() for parameter in model.parameters())
    assert saved.stat().st_size < 2.1 * weights


def test_an_extended_model_is_saved_with_its_categories(saved: Path, tmp_path: Path) -> None:
    extended = with_mapped_categories(load(saved)[0], {"disc": ["disc"], "bar": ["bar"], "ring": []})
    path = tmp_path / "extended.safetensors"
    save(path, extended, ModelCard(name="extended", spec=extended.spec))
    assert load(path)[0].spec.categories == ("disc", "bar", "ring")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e6])
def test_a_model_that_diverged_is_not_saved_and_the_old_file_stays(model: MaskRCNN, saved: Path, value: float) -> None:
    before = saved.read_bytes()
    with torch.no_grad():
        model.rpn.conv.weight[0, 0, 0, 0] = value
    with pytest.raises(InvalidCheckpoint, match=r"rpn\.conv\.weight"):
        save(saved, model, ModelCard(name="tiny", spec=model.spec))
    assert saved.read_bytes() == before
    assert [path.name for path in saved.parent.iterdir()] == [saved.name]


def test_a_card_of_another_model_is_refused(model: MaskRCNN, tmp_path: Path) -> None:
    with pytest.raises(InvalidCheckpoint, match="another model"):
        save(tmp_path / "a", model, ModelCard(name="x", spec=model.spec.with_categories(("other", "two"))))


def test_a_folder_that_does_not_exist_is_said_in_words(model: MaskRCNN, tmp_path: Path) -> None:
    with pytest.raises(NotWritable, match="does not exist"):
        save(tmp_path / "no" / "a.safetensors", model, ModelCard(name="x", spec=model.spec))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: t.pop("rpn.conv.bias"), r"lacks rpn\.conv\.bias"),
        (lambda t: [t.pop(name) for name in list(t) if name.startswith("trunk")], "and 95 more"),
        (lambda t: t.update({"extra.weight": torch.zeros(3)}), r"does not describe: extra\.weight"),
        (
            lambda t: t.update({"box_head.category.bias": torch.zeros(7)}),
            r"box_head\.category\.bias \(7 instead of 3\)",
        ),
        (lambda t: t.update({"rpn.conv.bias": torch.full((16,), torch.nan)}), r"not a number in rpn\.conv\.bias"),
    ],
)
def test_weights_that_do_not_fit_are_named(
    saved: Path, change: Callable[[dict[str, Tensor]], object], words: str
) -> None:
    rewrite(saved, change)
    with pytest.raises(InvalidCheckpoint, match=words) as raised:
        load(saved)
    assert "model.safetensors" in str(raised.value)


def test_a_file_cut_short_is_refused(saved: Path) -> None:
    saved.write_bytes(saved.read_bytes()[:-1000])
    with pytest.raises(InvalidCheckpoint, match="cannot be read"):
        load(saved)
