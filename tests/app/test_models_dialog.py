"""The window of models: use, download, export, and what the categories of a model are in the project."""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
from PySide6.QtWidgets import QFileDialog, QLabel, QPushButton, QWidget
from pytestqt.qtbot import QtBot
from torchvision.models.detection import maskrcnn_resnet50_fpn

from app.category_map_dialog import CategoryMapDialog
from app.jobs.model_files import ModelFiles
from app.jobs.rounds import Rounds
from app.models_dialog import ModelBox, ModelsDialog
from app.session import Session
from engine.checkpoints import checkpoint_id, load, read_card, save
from engine.checkpoints.catalog import FURTHER, TORCHVISION_V1, Published, checkpoint_path
from engine.nn.zoo import with_mapped_categories
from engine.project import CheckpointReference
from engine.resources import BUNDLED_WEIGHTS

from ..engine.checkpoints.serving import Served, serving

VERB_MS = 180_000  # torch is loaded in a process of low priority, on a machine that does other things
BUNDLED = "nuclei"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MASKWRIGHT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return tmp_path / "home"


@pytest.fixture
def dialog(qtbot: QtBot, session: Session) -> Iterator[ModelsDialog]:
    """The window of models over a project with the categories cell and nucleus."""
    rounds, files = Rounds(session), ModelFiles()
    session.project_changed.emit()
    opened = ModelsDialog(session, rounds, files)
    qtbot.addWidget(opened)
    opened.refresh()
    opened.show()
    qtbot.waitExposed(opened)
    yield opened
    files.stop()


@pytest.fixture
def two(tmp_path: Path) -> Path:
    """A checkpoint that knows nuclei and debris."""
    model, card = load(BUNDLED_WEIGHTS)
    extended = with_mapped_categories(model, {"nucleus": ["nucleus"], "debris": []})
    path = tmp_path / "two.safetensors"
    save(path, extended, replace(card, name="two", spec=extended.spec))
    return path


def offer(published: Published, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "models.json").write_text(json.dumps([asdict(published)]))
    monkeypatch.setenv(FURTHER, str(tmp_path / "models.json"))


def pressed(box: ModelBox, text: str) -> QPushButton:
    return next(each for each in box.buttons() if each.text() == text)


def words(dialog: QWidget) -> str:
    return "\n".join(each.text() for each in dialog.findChildren(QLabel) if not each.isHidden())


def test_the_list_tells_of_each_model_what_it_is(dialog: ModelsDialog) -> None:
    said = words(dialog)
    for part in ("Finds nucleus", "Apache-2.0", "25 MB", "80 categories: person, bicycle", "177 MB to download"):
        assert part in said
    assert words(dialog.box(BUNDLED).frame).count("in use") == 1
    for widget in dialog.findChildren(QPushButton):
        assert widget.accessibleName()


def test_a_chosen_model_predicts_and_is_the_base_of_rounds(dialog: ModelsDialog, session: Session, two: Path) -> None:
    assert session.project is not None
    target = checkpoint_path(replace(TORCHVISION_V1))
    target.parent.mkdir(parents=True)
    two.rename(target)
    dialog.refresh()
    pressed(dialog.box(TORCHVISION_V1.title), "Use").click()
    wanted = CheckpointReference(checkpoint_id(target), target)
    assert session.project.current_checkpoint() == session.project.base_checkpoint() == wanted
    assert dialog._rounds.checkpoint == target
    box = dialog.box(TORCHVISION_V1.title)
    assert "in use" in words(box.frame)
    assert "1 category is none of this project's and is left out." in words(box.frame)
    pressed(dialog.box(BUNDLED), "Use").click()
    reference = session.project.base_checkpoint()
    assert reference is not None
    assert reference.path == BUNDLED_WEIGHTS


def test_its_categories_are_chosen_in_a_table(qtbot: QtBot, session: Session, two: Path) -> None:
    assert session.project is not None
    name, known = checkpoint_id(two), read_card(two).spec.categories
    dialog = CategoryMapDialog(session, "two", name, known)
    qtbot.addWidget(dialog)
    assert dialog.targets() == {"nucleus": "nucleus", "debris": None}
    assert dialog.summary.text() == "1 category is found, 1 is left out."
    choice = dialog.choice("debris")
    assert choice.accessibleName() == "What debris is in this project"
    assert [choice.itemText(at) for at in range(choice.count())] == [
        "cell",
        "nucleus",
        "As a new category",
        "Leave out",
    ]
    choice.setCurrentIndex(choice.findText("As a new category"))
    dialog.choice("nucleus").setCurrentText("cell")
    dialog.apply_button.click()
    assert session.project.category_map(name, known).targets == {"nucleus": "cell", "debris": "debris"}
    again = CategoryMapDialog(session, "two", name, known)
    qtbot.addWidget(again)
    assert again.targets() == {"nucleus": "cell", "debris": "debris"}


def test_many_categories_are_searched_and_left_out_together(qtbot: QtBot, session: Session) -> None:
    known = ["nucleus", *(f"kind {number}" for number in range(20)), "N/A"]
    dialog = CategoryMapDialog(session, "many", "many", known)
    qtbot.addWidget(dialog)
    dialog.show()
    dialog.search.setText("KIND 1")
    shown = [name for name in known[:-1] if not dialog.choice(name).isHidden()]
    assert shown == ["kind 1", *(f"kind {number}" for number in range(10, 20))]
    dialog.search.setText("nuc")
    next(each for each in dialog.findChildren(QPushButton) if each.text() == "Leave Out All").click()
    assert set(dialog.targets().values()) == {None}
    dialog.search.setText("kind 1")
    next(each for each in dialog.findChildren(QPushButton) if each.text() == "Add All").click()
    assert {name for name, target in dialog.targets().items() if target == name} == set(shown)


def test_a_model_that_would_find_nothing_asks_for_its_categories(
    qtbot: QtBot, dialog: ModelsDialog, tmp_path: Path
) -> None:
    model, card = load(BUNDLED_WEIGHTS)
    extended = with_mapped_categories(model, {"cat": [], "dog": []})
    target = checkpoint_path(TORCHVISION_V1)
    target.parent.mkdir(parents=True)
    save(target, extended, replace(card, name="photographs", spec=extended.spec))
    dialog.refresh()
    pressed(dialog.box(TORCHVISION_V1.title), "Use").click()
    (asked,) = dialog.findChildren(CategoryMapDialog)
    assert asked.isVisible()
    next(each for each in asked.findChildren(QPushButton) if each.text() == "Add All").click()
    asked.apply_button.click()
    assert "None of its categories" not in words(dialog.box(TORCHVISION_V1.title).frame)


def test_a_model_is_exported_through_the_verb(
    qtbot: QtBot, dialog: ModelsDialog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "mine.safetensors"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(out), ""))
    pressed(dialog.box(BUNDLED), "Export…").click()
    qtbot.waitUntil(lambda: bool(dialog.message.text()), timeout=VERB_MS)
    assert dialog.message.text() == "mine.safetensors is written."
    assert checkpoint_id(out) == checkpoint_id(BUNDLED_WEIGHTS)
    assert not dialog._files.running


def test_offline_there_is_one_message_and_the_old_model_stays(
    qtbot: QtBot, dialog: ModelsDialog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(b"") as served:
        url = served.url
    offer(replace(TORCHVISION_V1, name="ours", title="Ours", url=url), tmp_path, monkeypatch)
    dialog.refresh()
    pressed(dialog.box("Ours"), "Download").click()
    qtbot.waitUntil(lambda: "cannot be reached" in dialog.message.text(), timeout=VERB_MS)
    assert dialog.message.text().count("cannot be reached") == 1
    assert dialog._rounds.checkpoint == BUNDLED_WEIGHTS
    assert pressed(dialog.box("Ours"), "Download").isEnabled()


@pytest.fixture
def cells(tmp_path: Path) -> Iterator[Served]:
    """A server of what torchvision makes for one category."""
    torch.manual_seed(0)
    torch.save(maskrcnn_resnet50_fpn(weights=None, weights_backbone=None, num_classes=2).state_dict(), tmp_path / "c")
    with serving((tmp_path / "c").read_bytes()) as served:
        yield served


@pytest.mark.slow
def test_a_download_shows_how_far_it_is_can_be_cancelled_and_ends_in_the_list(
    qtbot: QtBot, dialog: ModelsDialog, cells: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prefix = hashlib.sha256(cells.content).hexdigest()[:8]
    ours = replace(
        TORCHVISION_V1,
        name="ours",
        title="Ours",
        url=cells.url,
        sha256_prefix=prefix,
        category_count=1,
        first_categories=("cell",),
    )
    offer(ours, tmp_path, monkeypatch)
    dialog.refresh()
    cells.holds_after = len(cells.content) // 2
    pressed(dialog.box("Ours"), "Download").click()
    qtbot.waitUntil(lambda: bool(re.search(r"[1-9]\d* of ", words(dialog.box("Ours").frame))), timeout=VERB_MS)
    pressed(dialog.box("Ours"), "Cancel").click()
    cells.go_on.set()
    qtbot.waitUntil(lambda: not dialog._files.running, timeout=VERB_MS)
    assert not checkpoint_path(ours).exists()
    pressed(dialog.box("Ours"), "Download").click()
    qtbot.waitUntil(lambda: bool(dialog.message.text()), timeout=VERB_MS)
    assert "Ours is here" in dialog.message.text()
    assert cells.asked[0] is None
    assert (cells.asked[1] or "").startswith("bytes=")
    assert read_card(checkpoint_path(ours)).spec.categories == ("cell",)
    pressed(dialog.box("Ours"), "Use").click()
    assert dialog._rounds.checkpoint == checkpoint_path(ours)
