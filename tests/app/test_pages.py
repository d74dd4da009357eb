"""Stacks: the first page is added, the others are offered, and each is an image of its own."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.pages_dialog import PagesDialog
from app.window import MainWindow
from engine.errors import MaskwrightError
from engine.project.intake import these_pages

WAIT = 20_000


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    pixels = np.random.default_rng(0).integers(0, 255, (5, 40, 60), dtype=np.uint8)
    (tmp_path / "stacks").mkdir()
    path = tmp_path / "stacks" / "stack.tif"
    tifffile.imwrite(path, pixels, photometric="minisblack")
    return path


def test_further_pages_are_offered_and_added(qtbot: QtBot, window: MainWindow, stack: Path) -> None:
    with qtbot.waitSignal(window.projects.has_pages, timeout=WAIT):
        assert window.projects.open_folder(stack.parent)
    assert [image.name for image in window.session.images.values()] == ["stack.tif"]
    assert "1 file has more pages" in window.notices.text
    qtbot.mouseClick(window.notices._action, Qt.MouseButton.LeftButton)
    (dialog,) = window.findChildren(PagesDialog)
    dialog.field.setText("3-4")
    assert dialog.these.isChecked()
    qtbot.mouseClick(dialog.add_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: len(window.session.images) == 3, timeout=WAIT)
    assert [image.name for image in window.session.images.values()] == [
        "stack.tif",
        "stack.tif, page 3",
        "stack.tif, page 4",
    ]
    assert "Left out" not in window.notices.text
    last = list(window.session.images)[-1]
    window.session.open_image(last)
    qtbot.waitUntil(lambda: window.session.pixels is not None, timeout=WAIT)
    assert window.session.pixels is not None
    np.testing.assert_array_equal(window.session.pixels[:, :, 0], tifffile.imread(stack)[3])
    assert "page 4" in window.windowTitle()


def test_every_page_leaves_the_first_alone(qtbot: QtBot, stack: Path) -> None:
    dialog = PagesDialog({stack: 5})
    qtbot.addWidget(dialog)
    qtbot.mouseClick(dialog.add_button, Qt.MouseButton.LeftButton)
    assert list(dialog.choice()(stack, 5)) == [1, 2, 3, 4]


def test_pages_that_are_none_are_told_in_the_dialog(qtbot: QtBot, stack: Path) -> None:
    dialog = PagesDialog({stack: 5})
    qtbot.addWidget(dialog)
    dialog.field.setText("one")
    qtbot.mouseClick(dialog.add_button, Qt.MouseButton.LeftButton)
    assert not dialog.result()
    assert "says no pages" in dialog._problem.text()


@pytest.mark.parametrize(("text", "pages"), [("1", [0]), ("2-4", [1, 2, 3]), ("5,1, 3-9", [0, 2, 3, 4]), ("9", [])])
def test_pages_are_counted_from_one_and_those_that_are_not_there_left_out(text: str, pages: list[int]) -> None:
    assert list(these_pages(text)(Path("a"), 5)) == pages


@pytest.mark.parametrize("text", ["", "0", "-3", "a", "1-", "4-2,0"])
def test_what_says_no_pages_is_refused(text: str) -> None:
    with pytest.raises(MaskwrightError, match="says no pages"):
        these_pages(text)


def test_what_was_left_out_is_told_beside_the_offer(qtbot: QtBot, window: MainWindow, stack: Path) -> None:
    stack.with_name("broken.png").write_text("none")
    with qtbot.waitSignal(window.projects.reported, timeout=WAIT) as emitted:
        assert window.projects.open_folder(stack.parent)
    assert "Left out broken.png" in emitted.args[0]
    assert "more pages" in window.notices.text
    window.notices.hide()
    qtbot.waitUntil(lambda: "Left out broken.png" in window.notices.text, timeout=WAIT)


def test_the_pages_of_one_project_are_not_offered_in_another(
    qtbot: QtBot, window: MainWindow, stack: Path, tmp_path: Path
) -> None:
    offered: list[object] = []
    window.projects.has_pages.connect(offered.append)
    said: list[str] = []
    window.session.notice.connect(said.append)
    for number in range(300):
        stack.with_name(f"{number}.png").write_bytes(b"")
    assert window.projects.open_folder(stack.parent)
    window.projects.close()
    assert any("were not added: the project was closed first" in words for words in said)
    other = tmp_path / "other"
    other.mkdir()
    tifffile.imwrite(other / "one.tif", np.zeros((9, 9), np.uint8))
    with qtbot.waitSignal(window.projects.reported, timeout=WAIT):
        assert window.projects.open_folder(other)
    assert offered == []
