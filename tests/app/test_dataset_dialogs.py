"""The dialogs for datasets say exactly what the verbs are given, and the window does it and tells what was left out."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QMessageBox
from pytestqt.qtbot import QtBot

from app.dataset_dialogs import RESULTS, ExportDialog, ImportDialog
from app.report_dialog import ReportDialog
from app.window import MainWindow
from engine.formats.exporting import ImageFiles
from engine.geometry.mask import Mask
from engine.project import Project, commands

WAIT = 60_000


@pytest.fixture
def project_file(tmp_path: Path) -> Path:
    (tmp_path / "pictures").mkdir()
    for index in range(4):
        Picture.new("RGB", (40, 30), (40 * index, 90, 90)).save(tmp_path / "pictures" / f"{index}.png")
    with Project.create(tmp_path / "p.maskwright") as project:
        project.add_images(sorted((tmp_path / "pictures").iterdir()))
        project.apply(commands.add_category(project.new_category_id(), "cell", "#0072b2"))
        for image in project.images():
            mask = Mask.from_crop(np.ones((6, 6)), 4, 5)
            project.apply(commands.draw(project.new_instance_id(), image.id, 1, mask))
            project.apply(commands.accept_image(image, project.instances(image.id), 0.5))
        return project.path


def choose(box: object, data: object) -> None:
    box.setCurrentIndex(box.findData(data))  # type: ignore[attr-defined]


def test_a_plain_export_is_one_file_beside_the_project(qtbot: QtBot, project_file: Path) -> None:
    dialog = ExportDialog(project_file)
    qtbot.addWidget(dialog)
    out = str(project_file.with_suffix(".coco.json"))
    assert dialog.one_file
    assert dialog.arguments() == ["--out", out, "--format", "coco", "--image-files", "leave"]


def test_parts_images_and_format_are_said(qtbot: QtBot, project_file: Path) -> None:
    dialog = ExportDialog(project_file)
    qtbot.addWidget(dialog)
    choose(dialog.kind, "yolo")
    choose(dialog.files, ImageFiles.COPY)
    dialog.which.setCurrentIndex(2)
    dialog.split.setChecked(True)
    dialog.share.setValue(25)
    dialog.seed.setValue(7)
    dialog.by_folder.setChecked(True)
    assert dialog.arguments() == [
        *("--out", str(project_file.with_suffix(".yolo")), "--format", "yolo", "--no-hold-out"),
        *("--image-files", "copy", "--split", "train=75,val=25", "--seed", "7", "--group-by", "folder"),
    ]


def test_a_target_that_the_person_named_stays(qtbot: QtBot, project_file: Path) -> None:
    dialog = ExportDialog(project_file)
    qtbot.addWidget(dialog)
    dialog.out.field.setText("/elsewhere/set")
    choose(dialog.kind, "voc")
    assert dialog.out.path() == Path("/elsewhere/set")
    dialog.out.field.clear()
    assert not dialog.accept_button.isEnabled()


def test_an_import_needs_a_dataset_and_images(qtbot: QtBot) -> None:
    dialog = ImportDialog(new=True)
    qtbot.addWidget(dialog)
    dialog.show()
    assert not dialog.in_project.isVisible()
    assert dialog.kind.findData(RESULTS) == -1
    dialog.data.set_path(Path("/data/a.json"))
    assert not dialog.accept_button.isEnabled()
    dialog.images.set_path(Path("/data/images"))
    assert dialog.accept_button.isEnabled()
    dialog.accept_images.setChecked(True)
    dialog.crowds.setChecked(True)
    expected = ["--data", "/data/a.json", "--format", "coco", "--images", "/data/images", "--accept"]
    assert dialog.arguments() == [*expected, "--crowds-as-instances"]
    choose(dialog.kind, "labelme")
    assert "--crowds-as-instances" not in dialog.arguments()


def test_results_and_merging_by_name_need_no_images(qtbot: QtBot) -> None:
    dialog = ImportDialog(new=False)
    qtbot.addWidget(dialog)
    dialog.data.set_path(Path("/data/a.json"))
    dialog.in_project.setChecked(True)
    assert dialog.arguments() == ["--data", "/data/a.json", "--format", "coco"]
    assert dialog.accept_button.isEnabled()
    choose(dialog.kind, RESULTS)
    assert dialog.arguments() == ["--results", "/data/a.json"]
    dialog.images.set_path(Path("/data/set.json"))
    assert dialog.arguments() == ["--results", "/data/a.json", "--coco", "/data/set.json"]


def test_browsing_fills_the_field(qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dialog = ImportDialog(new=True)
    qtbot.addWidget(dialog)
    dialog.show()
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path))
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(tmp_path / "a.json"), ""))
    qtbot.mouseClick(dialog.data._file_button, Qt.MouseButton.LeftButton)
    qtbot.mouseClick(dialog.images._folder_button, Qt.MouseButton.LeftButton)
    assert dialog.arguments()[:2] == ["--data", str(tmp_path / "a.json")]
    assert dialog.images.path() == tmp_path


def test_the_window_exports_and_imports_and_tells_what_was_left_out(
    qtbot: QtBot, window: MainWindow, project_file: Path, tmp_path: Path
) -> None:
    assert window.projects.open(project_file)
    window.actions_["export_dataset"].trigger()
    (dialog,) = window.findChildren(ExportDialog)
    dialog.out.set_path(tmp_path / "out.json")
    with qtbot.waitSignal(window.projects.reported, timeout=WAIT) as emitted:
        qtbot.mouseClick(dialog.accept_button, Qt.MouseButton.LeftButton)
    assert emitted.args[0].startswith("Exported 4 annotations on 4 images")
    document = json.loads((tmp_path / "out.json").read_text())
    document["annotations"][0]["segmentation"] = []
    (tmp_path / "out.json").write_text(json.dumps(document))
    window.session.close_project()
    window.actions_["open_dataset"].trigger()
    (chooser,) = window.findChildren(ImportDialog)
    chooser.data.set_path(tmp_path / "out.json")
    chooser.images.set_path(tmp_path)
    with qtbot.waitSignal(window.projects.reported, timeout=WAIT) as emitted:
        qtbot.mouseClick(chooser.accept_button, Qt.MouseButton.LeftButton)
    assert emitted.args[0].startswith("Imported 3 annotations and 4 new images")
    assert "annotations[0], it has no mask" in emitted.args[1]
    assert window.projects.path == tmp_path / "out.maskwright"
    assert window.notices.isVisible()
    qtbot.mouseClick(window.notices._action, Qt.MouseButton.LeftButton)
    (report,) = window.findChildren(ReportDialog)
    assert "annotations[0]" in report.text.toPlainText()


def test_a_new_project_from_a_broken_dataset_is_one_error(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text("[]")
    problems: list[str] = []
    window.session.problem.connect(lambda message, details: problems.append(message))
    arguments = ["--data", str(tmp_path / "bad.json"), "--images", str(tmp_path)]
    window.projects.import_dataset(arguments, "bad.json", tmp_path / "bad.maskwright")
    qtbot.waitUntil(lambda: bool(problems), timeout=WAIT)
    assert len(problems) == 1
    assert "holds no JSON object" in problems[0]
    assert not (tmp_path / "bad.maskwright").exists()


@pytest.mark.parametrize("agreed", [False, True])
def test_an_export_asks_before_it_replaces_a_file(
    qtbot: QtBot,
    window: MainWindow,
    project_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    agreed: bool,
) -> None:
    answer = QMessageBox.StandardButton.Yes if agreed else QMessageBox.StandardButton.No
    monkeypatch.setattr(QMessageBox, "question", lambda *_: answer)
    (tmp_path / "mine.json").write_text("mine")
    assert window.projects.open(project_file)
    window.actions_["export_dataset"].trigger()
    (dialog,) = window.findChildren(ExportDialog)
    dialog.out.set_path(tmp_path / "mine.json")
    qtbot.mouseClick(dialog.accept_button, Qt.MouseButton.LeftButton)
    if agreed:
        qtbot.waitUntil(lambda: (tmp_path / "mine.json").read_text() != "mine", timeout=WAIT)
        qtbot.waitUntil(lambda: window.projects._verb is None, timeout=WAIT)
    else:
        assert window.projects._verb is None
        assert (tmp_path / "mine.json").read_text() == "mine"


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """A folder of so many images that a person can think better of importing them."""
    folder = tmp_path / "many"
    folder.mkdir()
    random = np.random.default_rng(0)
    for index in range(400):
        Picture.fromarray(random.integers(0, 256, (64, 64, 3), dtype=np.uint8)).save(folder / f"{index}.png")
    return folder


def test_an_import_tells_how_far_it_is_and_cancelled_leaves_no_project(
    qtbot: QtBot, window: MainWindow, many: Path, tmp_path: Path
) -> None:
    projects, target = window.projects, tmp_path / "new.maskwright"
    told: list[tuple[str, float | None]] = []

    def cancel(text: str, share: float | None) -> None:
        told.append((text, share))
        if share is not None:
            projects.cancel_work()

    projects.progressed.connect(cancel)
    with qtbot.waitSignal(window.session.notice, timeout=WAIT) as said:
        projects.import_dataset(["--images", str(many)], "many", target)
    assert said.args == ["Cancelled. Nothing was changed."]
    assert told[0] == ("Importing many…", None)
    assert told[1][1] is not None and 0 < told[1][1] < 1
    assert told[-1] == ("", None)
    assert list(tmp_path.glob("new*")) == []
    assert window.session.project is None


def test_an_import_that_is_cancelled_leaves_the_project_as_it_was_and_opens_it_again(
    qtbot: QtBot, window: MainWindow, project_file: Path, many: Path
) -> None:
    assert window.projects.open(project_file)
    with qtbot.waitSignal(window.session.notice, timeout=WAIT) as said:
        window.projects.import_dataset(["--images", str(many)], "many")
        window.projects.cancel_work()
    assert said.args == ["Cancelled. Nothing was changed."]
    assert window.projects.path == project_file
    assert len(window.session.images) == 4


def test_an_export_that_is_cancelled_writes_nothing(
    qtbot: QtBot, window: MainWindow, project_file: Path, tmp_path: Path
) -> None:
    before = set(tmp_path.rglob("*"))
    assert window.projects.open(project_file)
    with qtbot.waitSignal(window.session.notice, timeout=WAIT):
        window.projects.export_dataset(["--out", str(tmp_path / "out.json")])
        window.projects.cancel_work()
    window.session.close_project()
    assert set(tmp_path.rglob("*")) - before <= {tmp_path / "home"} | set((tmp_path / "home").rglob("*"))
