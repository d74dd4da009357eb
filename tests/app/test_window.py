"""Promises of the window, kept by a real one: keys, menus, pages, and what it remembers."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture
from PySide6.QtCore import QCoreApplication, QEvent, QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QAction, QDropEvent, QGuiApplication
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QLineEdit, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from app.jobs.model_thread import PredictorState
from app.key_sheet import KeySheet
from app.keymap import tool_names
from app.messages import ErrorDialog
from app.preferences import Preferences
from app.review_bar import ReviewBar
from app.theme import Mode, theme
from app.tools.shaping import TRIGGERS
from app.window import MainWindow
from engine.geometry.mask import Mask
from engine.project import Project
from engine.records import Detection, InstanceState
from engine.resources import SAMPLE_IMAGES, SAMPLE_TRUTH


def propose(window: MainWindow, *corners: tuple[int, int], score: float = 0.9) -> list[int]:
    """Let a model propose squares of 20 px; returns the ids in reading order."""
    assert window.session.image is not None
    masks = [Mask.from_crop(np.ones((20, 20), dtype=bool), x, y) for x, y in corners]
    found = [Detection(0, "cell", score, tuple(map(float, mask.bounds)), mask) for mask in masks]
    window.session.set_proposals(window.session.image.id, found, "checkpoint")
    return [each.id for each in sorted(window.session.instances.values(), key=lambda each: (each.mask.y, each.mask.x))]


def states(window: MainWindow) -> dict[int, InstanceState]:
    return {key: instance.state for key, instance in window.session.instances.items()}


def press(qtbot: QtBot, window: MainWindow, key: Qt.Key, modifier: Qt.KeyboardModifier | None = None) -> None:
    """Press a key where the focus is."""
    target = QApplication.focusWidget() or window
    qtbot.keyClick(target, key, modifier or Qt.KeyboardModifier.NoModifier)


def test_an_empty_window_welcomes_and_offers_only_what_is_possible(window: MainWindow) -> None:
    assert window.pages.currentWidget() is window.welcome
    assert window.windowTitle() == "Maskwright"
    enabled = {
        name for name in ("sample", "open_folder", "open_dataset", "open_project") if window.actions_[name].isEnabled()
    }
    assert len(enabled) == 4
    for name in ("accept", "undo", "export_dataset", "finetune", "next_image"):
        assert not window.actions_[name].isEnabled(), name


def test_a_folder_becomes_a_project_that_is_remembered(window: MainWindow, working: MainWindow, folder: Path) -> None:
    assert window.pages.currentWidget() is window.workplace
    assert (folder / "pictures.maskwright").is_file()
    assert window.preferences.recent == [folder / "pictures.maskwright"]
    assert window.windowTitle() == "picture 0.png — pictures — Maskwright"


def test_opening_a_folder_again_adds_only_what_is_new(qtbot: QtBot, working: MainWindow, folder: Path) -> None:
    working.projects.close()
    Picture.fromarray(np.zeros((40, 50, 3), dtype=np.uint8)).save(folder / "picture 9.png")
    working.projects.open_folder(folder)
    qtbot.waitUntil(lambda: len(working.session.images) == 4)
    assert working.notices.text.startswith("1 image added.")


def test_hiding_masks_is_a_look_and_not_an_edit(qtbot: QtBot, working: MainWindow) -> None:
    propose(working, (10, 10))
    press(qtbot, working, Qt.Key.Key_H)
    assert working.session.shown_instances() == []
    press(qtbot, working, Qt.Key.Key_H)
    assert len(working.session.shown_instances()) == 1
    assert not working.actions_["undo"].isEnabled()


def test_a_brush_stroke_with_the_mouse_is_one_edit_on_disk(qtbot: QtBot, working: MainWindow) -> None:
    working.categories.field.setText("cell")
    working.categories.add()
    press(qtbot, working, Qt.Key.Key_B)
    canvas = working.canvas
    points = [QPoint(*map(round, canvas.image_to_widget(x, 60))) for x in (40, 60, 80)]
    qtbot.mousePress(canvas, Qt.MouseButton.LeftButton, pos=points[0])
    for point in points[1:]:
        qtbot.mouseMove(canvas, point)
    qtbot.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=points[-1])
    assert working.session.project is not None
    assert working.session.image is not None
    (drawn,) = working.session.project.instances(working.session.image.id)
    assert drawn.mask.contains(60, 60)
    qtbot.waitUntil(lambda: working.actions_["undo"].text() == "Undo New Instance")


def test_a_project_open_elsewhere_is_offered_for_reading(
    qtbot: QtBot, window: MainWindow, tmp_path: Path, folder: Path
) -> None:
    path = tmp_path / "other.maskwright"
    with Project.create(path) as other:
        other.add_images([folder / "picture 0.png"])
        assert not window.projects.open(path)
        assert "open for editing in another window" in window.notices.text
        window.notices._action.click()
        assert window.session.read_only
        assert "(read only)" in window.windowTitle()
        assert not window.actions_["accept"].isEnabled()
        assert window.actions_["next_image"].isEnabled()
        window.projects.close()


def test_a_file_that_is_no_project_is_explained_and_changes_nothing(
    qtbot: QtBot, working: MainWindow, tmp_path: Path
) -> None:
    path = tmp_path / "letter.maskwright"
    path.write_text("Dear reader")
    before = working.session.project
    assert not working.projects.open(path)
    qtbot.waitUntil(lambda: isinstance(QApplication.activeModalWidget(), ErrorDialog))
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, ErrorDialog)
    dialog.copy_button.click()
    copied = QGuiApplication.clipboard().text()
    assert "letter.maskwright" in copied
    assert "PySide6" in copied
    dialog.close()
    assert working.session.project is before


def test_dropped_images_are_added_and_what_cannot_be_read_is_named(
    qtbot: QtBot, working: MainWindow, tmp_path: Path
) -> None:
    good, bad = tmp_path / "good.png", tmp_path / "bad.png"
    Picture.fromarray(np.full((30, 30, 3), 7, dtype=np.uint8)).save(good)
    bad.write_bytes(b"not an image")
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(bad)), QUrl.fromLocalFile(str(good))])
    left, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    working.dropEvent(QDropEvent(QPointF(5, 5), Qt.DropAction.CopyAction, data, left, none))
    qtbot.waitUntil(lambda: len(working.session.images) == 4)
    qtbot.waitUntil(lambda: "bad.png" in working.notices.text)


def test_an_export_runs_beside_the_window(qtbot: QtBot, working: MainWindow, tmp_path: Path) -> None:
    propose(working, (10, 10), (60, 60))
    working.decisions.accept_image()
    out = tmp_path / "out.json"
    working.projects.export_dataset(["--out", str(out)])
    qtbot.waitUntil(out.is_file, timeout=60000)
    qtbot.waitUntil(lambda: working._busy.text() == "", timeout=10000)
    assert '"annotations"' in out.read_text()


def test_a_coco_dataset_becomes_a_project(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    annotations = tmp_path / "truth.json"
    shutil.copy(SAMPLE_TRUTH, annotations)
    arguments = ["--coco", str(annotations), "--images", str(SAMPLE_IMAGES)]
    window.projects.import_dataset(arguments, annotations.name, tmp_path / "truth.maskwright")
    qtbot.waitUntil(lambda: window.session.project is not None, timeout=60000)
    assert len(window.session.images) > 5
    assert {each.state for each in window.session.instances.values()} == {InstanceState.ACCEPTED}


def test_an_import_that_fails_says_why_and_leaves_the_project_open(
    qtbot: QtBot, working: MainWindow, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text('{"images": 3}')
    working.projects.import_dataset(["--coco", str(broken), "--images", str(tmp_path)], broken.name)
    qtbot.waitUntil(lambda: isinstance(QApplication.activeModalWidget(), ErrorDialog), timeout=60000)
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, ErrorDialog)
    dialog.copy_button.click()
    assert "broken.json" in QGuiApplication.clipboard().text()
    dialog.close()
    assert len(working.session.images) == 3


def test_a_window_without_a_model_says_so_and_still_works(working: MainWindow) -> None:
    assert working.prediction.state is PredictorState.OFF
    assert "No model is installed" in working.training.card._facts.text()
    assert not working.training.start_button.isEnabled()


def test_the_key_sheet_lists_every_key(qtbot: QtBot, working: MainWindow) -> None:
    press(qtbot, working, Qt.Key.Key_F1)
    qtbot.waitUntil(lambda: isinstance(QApplication.activeModalWidget(), KeySheet))
    sheet = QApplication.activeModalWidget()
    assert sheet is not None
    sheet.close()


def test_every_control_has_a_name_for_people_who_cannot_see_it(working: MainWindow) -> None:
    controls = [*working.findChildren(QAbstractButton), *working.findChildren(QLineEdit)]
    nameless = [
        f"{type(each).__name__} in {each.parentWidget() and type(each.parentWidget()).__name__}"
        for each in controls
        if each.isVisible() and not (each.accessibleName() or getattr(each, "text", str)() or each.toolTip())
    ]
    assert nameless == []


def test_every_action_has_a_tooltip_and_is_in_a_menu(working: MainWindow) -> None:
    listed: set[QAction] = set()
    for top in working.menuBar().actions():
        menu = top.menu()
        assert menu is not None
        listed.update(menu.actions())  # type: ignore[attr-defined]
    for command_id in ("accept", "tool_brush", "finetune", "export_dataset", "keys", "next_instance"):
        assert working.actions_[command_id] in listed
        assert working.actions_[command_id].toolTip()


@pytest.mark.parametrize("mode", [Mode.LIGHT, Mode.DARK])
def test_the_window_is_painted_in_the_chosen_theme(qtbot: QtBot, working: MainWindow, mode: Mode) -> None:
    working._set_mode(mode)
    qtbot.wait(50)
    dock: QWidget = working.images
    color = dock.grab().toImage().pixelColor(3, dock.height() // 2)
    assert color == theme().color("surface")
    assert (color.lightness() > 128) == (mode is Mode.LIGHT)
    assert working.preferences.mode is mode


def test_closing_leaves_no_thread_and_the_project_free(qtbot: QtBot, working: MainWindow, folder: Path) -> None:
    working.session.step_image(1)
    working.close()
    assert working.session.project is None
    with Project.open(folder / "pictures.maskwright") as project:
        assert len(project.images()) == 3
    for job in (working.loader, working.thumbnails, working.prediction):
        assert not job._thread.isRunning()


def test_a_closing_window_is_out_of_sight_before_it_waits_for_its_threads(
    working: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bool] = []
    stop = working.projects.stop
    monkeypatch.setattr(working.projects, "stop", lambda: (seen.append(working.isVisible()), stop()))
    working.close()
    assert seen == [False]


@pytest.mark.slow
def test_the_sample_project_is_predicted_while_the_window_answers(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bundled model predicts the current image first, then the two ahead of it, and nothing further."""
    monkeypatch.setenv("MASKWRIGHT_HOME", str(tmp_path / "home"))
    window = MainWindow(Preferences())
    qtbot.addWidget(window)
    window.show()
    session = window.session
    order: list[int] = []
    session.image_updated.connect(order.append)
    assert window.projects.open_sample()
    qtbot.waitUntil(lambda: len(session.images) > 5 and len(order) >= 3, timeout=120_000)
    assert order[:3] == session.order[:3]
    qtbot.waitUntil(lambda: window.prediction.state is PredictorState.WAITING, timeout=60_000)
    predicted = [each.id for each in session.images.values() if each.predicted_by is not None]
    assert predicted == session.order[:3]
    assert session.shown_instances()
    assert {each.state for each in session.instances.values()} == {InstanceState.PROPOSAL}
    window.close()


def test_the_keys_of_the_canvas_work_as_soon_as_a_project_is_open(
    qtbot: QtBot, window: MainWindow, folder: Path
) -> None:
    assert window.projects.open_folder(folder)
    qtbot.waitUntil(lambda: window.session.image is not None)
    assert window.focusWidget() is window.canvas
    window.projects.close()
    assert window.projects.open(folder / "pictures.maskwright")
    assert window.focusWidget() is window.canvas


def test_a_long_file_name_is_cut_and_widens_nothing(qtbot: QtBot, working: MainWindow, folder: Path) -> None:
    long = folder / f"{'a very long name ' * 12}.png"
    Picture.new("RGB", (120, 160)).save(long)
    working.projects.add([long])
    qtbot.waitUntil(lambda: len(working.session.images) == 4)
    names = {image.name: image.id for image in working.session.images.values()}
    bar = working.workplace.findChild(ReviewBar)
    assert bar is not None
    widths, shown = [], []
    for name in ("picture 0.png", long.name):
        working.session.open_image(names[name])
        QApplication.processEvents()
        widths.append(working.minimumSizeHint().width())
        shown.append([each.text() for each in bar.findChildren(QLabel) if each.accessibleName() == name])
    assert shown[0] == ["picture 0.png"]
    assert widths[1] <= widths[0]
    (cut,) = shown[1]
    assert cut.startswith("a very") and "…" in cut and cut.endswith(".png")


@pytest.mark.parametrize("width", [1280, 1440])
def test_no_tool_widens_the_window_or_cuts_its_options(qtbot: QtBot, working: MainWindow, width: int) -> None:
    working.resize(width, 800)
    bar = working.workplace.option_bar
    for name in tool_names():
        working.actions_[name].trigger()
        QApplication.processEvents()
        assert working.width() == width, name
        for each in bar.findChildren(QAbstractButton):
            if each.isVisible():
                room = each.mapTo(bar, each.rect().bottomRight())
                assert each.width() >= each.minimumSizeHint().width() and bar.rect().contains(room), name


@pytest.mark.parametrize("width", [1000, 1900])
def test_commands_that_the_option_bar_has_no_room_for_are_in_its_menu(
    qtbot: QtBot, working: MainWindow, width: int
) -> None:
    working.actions_["tool_select"].trigger()
    working.resize(width, 700)
    bar = working.workplace.option_bar
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)  # the controls of the tool before
    (more,) = [each for each in bar.findChildren(QToolButton) if each.accessibleName() == "More commands"]
    qtbot.waitUntil(lambda: more.parentWidget().isVisible() and more.isVisible() is (width == 1000))
    beside = [each.defaultAction() for each in bar.findChildren(QToolButton) if each.isVisible() and each is not more]
    assert [*beside, *more.menu().actions()] == [working.actions_[command_id] for command_id in TRIGGERS]
    assert bool(more.menu().actions()) is (width == 1000)


def test_the_option_bar_gives_its_words_back_where_there_is_room(qtbot: QtBot, working: MainWindow) -> None:
    working.actions_["tool_wand"].trigger()
    bar = working.workplace.option_bar
    beside = Qt.ToolButtonStyle.ToolButtonTextBesideIcon

    def worded() -> list[bool]:
        return [each.toolButtonStyle() is beside for each in bar.findChildren(QToolButton)]

    working.resize(1280, 800)
    qtbot.waitUntil(lambda: not any(worded()))
    working.resize(1900, 800)
    qtbot.waitUntil(lambda: all(worded()))
