"""Bad files in the window: each is named in words, the rest keeps working, and nothing is lost."""

import logging
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image as Picture
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.messages import ErrorDialog, Faults, start_logging
from app.window import MainWindow
from engine.checkpoints import checkpoint_id
from engine.geometry.mask import Mask
from engine.project import Project, Round, commands
from engine.resources import BUNDLED_WEIGHTS, SAMPLE_IMAGES
from engine.user_folders import log_folder

HEIGHT, WIDTH = 40, 60


@pytest.fixture
def pixels() -> np.ndarray:
    """Red grows to the right and green downwards, so that each way to turn it looks different."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    return np.stack([columns * 4, rows * 6, np.full_like(rows, 90)], axis=-1).astype(np.uint8)


def error_dialog(qtbot: QtBot) -> ErrorDialog:
    """The error dialog that is about to open."""
    qtbot.waitUntil(lambda: isinstance(QApplication.activeModalWidget(), ErrorDialog), timeout=10_000)
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, ErrorDialog)
    return dialog


def shown(qtbot: QtBot, window: MainWindow, name: str) -> np.ndarray:
    """The pixels that the window shows of an image."""
    session = window.session
    session.open_image(next(key for key, image in session.images.items() if Path(image.path).name == name))
    qtbot.waitUntil(lambda: session.pixels is not None)
    assert session.pixels is not None
    return session.pixels


def test_bad_images_are_named_and_unusual_ones_open(
    qtbot: QtBot, window: MainWindow, tmp_path: Path, pixels: np.ndarray
) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    (folder / "zero.png").touch()
    (folder / "text.png").write_text("a diary")
    whole = (SAMPLE_IMAGES / "stained-031.png").read_bytes()
    (folder / "cut.png").write_bytes(whole[: len(whole) // 2])
    Picture.fromarray(pixels).save(folder / "whole.jpg", quality=95)
    (folder / "cut.jpg").write_bytes((folder / "whole.jpg").read_bytes()[:900])
    Picture.fromarray(pixels[:1, :1]).save(folder / "one.png")
    tifffile.imwrite(folder / "deep.tif", (pixels[..., 0].astype(np.uint16) * 200))
    Picture.fromarray(pixels).convert("CMYK").save(folder / "cmyk.jpg", quality=95)
    turned = Picture.Exif()
    turned[0x0112] = 6  # the camera was turned: shown a quarter turn clockwise
    Picture.fromarray(pixels).save(folder / "turned.jpg", quality=95, exif=turned)

    assert window.projects.open_folder(folder)
    qtbot.waitUntil(lambda: len(window.session.images) == 5)
    qtbot.waitUntil(lambda: "Left out" in window.notices.text)
    said = window.notices.text
    named = [name for name in ("zero.png", "text.png", "cut.png", "cut.jpg") if name in said]
    assert named or "4 files" in said, said
    assert shown(qtbot, window, "one.png").shape == (1, 1, 3)
    deep = shown(qtbot, window, "deep.tif")
    assert deep.dtype == np.uint8
    assert deep.max() > 240
    assert shown(qtbot, window, "cmyk.jpg").shape == (HEIGHT, WIDTH, 3)
    upright = shown(qtbot, window, "turned.jpg")
    assert upright.shape == (WIDTH, HEIGHT, 3)
    assert np.abs(upright.astype(int) - np.rot90(pixels, -1)).mean() < 4
    image = window.session.image
    assert image is not None
    assert (image.width, image.height) == (HEIGHT, WIDTH)


def test_an_image_that_went_away_says_so_and_the_others_work(
    qtbot: QtBot, window: MainWindow, tmp_path: Path, pixels: np.ndarray
) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    for number in range(2):
        Picture.fromarray(pixels + np.uint8(number)).save(folder / f"{number}.png")
    with Project.create(folder / "images.maskwright") as project:
        project.add_images(sorted(folder.glob("*.png")))
    (folder / "0.png").unlink()
    assert window.projects.open(folder / "images.maskwright")
    qtbot.waitUntil(lambda: window.session.unreadable is not None)
    assert window.session.unreadable is not None
    assert "0.png" in window.session.unreadable
    np.testing.assert_array_equal(shown(qtbot, window, "1.png"), pixels + np.uint8(1))


@pytest.mark.parametrize("broken", ["missing", "text", "cut short"])
def test_a_project_whose_model_is_broken_opens_with_the_bundled_one(
    qtbot: QtBot, window: MainWindow, tmp_path: Path, pixels: np.ndarray, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    monkeypatch.setattr("app.jobs.rounds.BUNDLED_WEIGHTS", BUNDLED_WEIGHTS)
    Picture.fromarray(pixels).save(tmp_path / "a.png")
    folder = tmp_path / "p.rounds" / "round-001"
    folder.mkdir(parents=True)
    checkpoint = folder / "model.safetensors"
    shutil.copy(BUNDLED_WEIGHTS, checkpoint)
    with Project.create(tmp_path / "p.maskwright") as project:
        project.add_images([tmp_path / "a.png"])
        entry = Round(folder=folder, checkpoint=checkpoint, checkpoint_id=checkpoint_id(checkpoint), promoted=True)
        project.register_checkpoint(entry)
        project.set_current_checkpoint(entry.checkpoint_id, checkpoint)
    if broken == "missing":
        checkpoint.unlink()
    else:
        checkpoint.write_bytes(b"a diary" if broken == "text" else checkpoint.read_bytes()[:2000])
    assert window.projects.open(tmp_path / "p.maskwright")
    dialog = error_dialog(qtbot)
    dialog.copy_button.click()
    assert "The bundled model predicts in its place." in QGuiApplication.clipboard().text()
    dialog.close()
    session = window.session
    assert window.rounds.checkpoint == BUNDLED_WEIGHTS
    bundled = checkpoint_id(BUNDLED_WEIGHTS)
    qtbot.waitUntil(lambda: session.image is not None and session.image.predicted_by == bundled, timeout=60_000)


def test_a_damaged_project_is_named_and_the_open_one_stays(
    qtbot: QtBot, window: MainWindow, tmp_path: Path, pixels: np.ndarray
) -> None:
    Picture.fromarray(pixels).save(tmp_path / "a.png")
    for name in ("good", "damaged"):
        with Project.create(tmp_path / f"{name}.maskwright") as project:
            project.add_images([tmp_path / "a.png"])
    content = bytearray((tmp_path / "damaged.maskwright").read_bytes())
    content[100:4000] = bytes(3900)
    (tmp_path / "damaged.maskwright").write_bytes(content)
    assert window.projects.open(tmp_path / "good.maskwright")
    assert not window.projects.open(tmp_path / "damaged.maskwright")
    dialog = error_dialog(qtbot)
    dialog.copy_button.click()
    assert "damaged.maskwright" in QGuiApplication.clipboard().text()
    dialog.close()
    assert window.session.project is not None
    assert window.session.project.path.name == "good.maskwright"


def test_an_edit_that_the_disk_refuses_leaves_everything_as_it_was(
    qtbot: QtBot, window: MainWindow, tmp_path: Path, pixels: np.ndarray
) -> None:
    Picture.fromarray(pixels).save(tmp_path / "a.png")
    with Project.create(tmp_path / "p.maskwright") as project:
        project.add_images([tmp_path / "a.png"])
        project.apply(commands.add_category(project.new_category_id(), "cell", "#56b4e9"))
    assert window.projects.open(tmp_path / "p.maskwright")
    session = window.session
    assert session.project is not None and session.image is not None and session.active_category_id is not None
    noisy = Mask.from_full(np.random.default_rng(1).random((HEIGHT, WIDTH)) > 0.5)
    image_id, source = session.image.id, f'"{"x" * 50_000}"'
    draw = commands.draw(session.project.new_instance_id(), image_id, session.active_category_id, noisy, source)
    with session.project._database.read() as connection:
        pages = connection.exec_driver_sql("pragma page_count").scalar_one()
        # SQLite's own limit refuses as a full disk does, and needs no file system of its own.
        connection.exec_driver_sql(f"pragma max_page_count = {pages}")
    assert not session.apply(draw)
    dialog = error_dialog(qtbot)
    dialog.copy_button.click()
    assert "no space left" in QGuiApplication.clipboard().text()
    dialog.close()
    assert session.instances == {}
    assert session.project.instances(image_id) == []
    with session.project._database.read() as connection:
        connection.exec_driver_sql("pragma max_page_count = 1000000")
    assert session.apply(draw)
    assert [each.mask for each in session.instances.values()] == [noisy]


def test_a_fault_in_any_thread_is_said_logged_and_copied_with_its_trace(
    qtbot: QtBot, window: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    handlers = list(logging.getLogger("maskwright").handlers)
    start_logging()
    faults = Faults(window.show_problem)

    def fail() -> None:
        raise RuntimeError("the sky fell")

    monkeypatch.setattr(
        threading, "excepthook", lambda args: faults.report(args.exc_type, args.exc_value, args.exc_traceback)
    )
    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    dialog = error_dialog(qtbot)
    dialog.copy_button.click()
    copied = QGuiApplication.clipboard().text()
    dialog.close()
    for words in ("Your edits are saved", "RuntimeError: the sky fell", "in fail", "maskwright", "torch"):
        assert words in copied
    assert "the sky fell" in (log_folder() / "maskwright.log").read_text()
    for handler in logging.getLogger("maskwright").handlers[len(handlers) :]:
        logging.getLogger("maskwright").removeHandler(handler)
        handler.close()
