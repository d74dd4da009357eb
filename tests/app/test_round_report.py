"""Promises of the dialog about a fine-tune: every figure, what got worse side by side, and words where it cannot."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication, QLabel, QTreeWidgetItem
from pytestqt.qtbot import QtBot

from app.jobs.pixels import PixelCache
from app.panels.round_figures import Figure, precision_groups, seconds_text
from app.round_report import RoundReport
from app.theme import Mode, theme
from app.worse_page import what_is_worse
from app.worse_scenes import scenes
from engine.errors import MaskwrightError
from engine.geometry.mask import Mask
from engine.learning.dataset import AnnotatedImage, AnnotatedSet
from engine.learning.evaluation import Evaluation, evaluate
from engine.learning.finished import keep_round
from engine.learning.worse import WORSE_NAME, Found, WorseImage, read_worse, worse_images
from engine.project import Round
from engine.records import Detection
from tests.app.test_focus import unseen

WIDTH, HEIGHT = 160, 120


def block(x: int, y: int, size: int = 16) -> Mask:
    return Mask.from_crop(np.ones((size, size), bool), x, y)


def detection(mask: Mask, score: float = 0.9) -> Detection:
    x1, y1, x2, y2 = map(float, mask.bounds)
    return Detection(0, "cell", score, (x1, y1, x2, y2), mask)


@pytest.fixture
def compared(tmp_path: Path) -> AnnotatedSet:
    """Three pictures of four cells each."""
    images = []
    for number in range(3):
        path = tmp_path / f"picture {number}.png"
        Picture.fromarray(np.full((HEIGHT, WIDTH, 3), 60 + number, np.uint8)).save(path)
        masks = tuple(block(30 * place, 30 * place % 90) for place in range(4))
        images.append(AnnotatedImage(path, WIDTH, HEIGHT, ("cell", "cell", "cell", "debris"), masks))
    return AnnotatedSet(("cell", "debris"), tuple(images))


def no_advance(share: float | None = None, /) -> None:
    """Nobody asks how far the work is, or ends it."""


def round_of(folder: Path, before: Evaluation, after: Evaluation, worse: tuple[WorseImage, ...]) -> Round:
    def save(path: Path) -> None:
        path.write_bytes((8).to_bytes(8, "little") + b"{}      ")

    keep_round(folder, save, {}, worse)
    return Round(
        folder, folder / "m", "id", verdict="worse", before=before.to_dict(), after=after.to_dict(), reason="Because."
    )


@pytest.fixture
def entry(tmp_path: Path, compared: AnnotatedSet) -> Round:
    """A round whose model misses two cells of the first picture and one of the second, with a false alarm there."""
    before = [[detection(mask) for mask in image.masks[:3]] for image in compared.images]
    after = [before[0][2:], [*before[1][1:], detection(block(100, 10), 0.7)], before[2]]
    evaluations = [evaluate(compared, found) for found in (before, after)]
    shown = [Found(found, each.agreements) for found, each in zip((before, after), evaluations, strict=True)]
    worse = worse_images(compared.images, *shown)
    return round_of(tmp_path / "p.rounds" / "round-001", *evaluations, worse)


@pytest.fixture
def show(qtbot: QtBot) -> Callable[[Round], RoundReport]:
    """Opens the dialog of a round and waits until it knows what the round kept."""

    def opened(entry: Round) -> RoundReport:
        dialog = RoundReport(entry)
        qtbot.addWidget(dialog, before_close_func=lambda widget: widget.done(0))
        dialog.show()
        qtbot.waitUntil(lambda: not dialog._work.running, timeout=5000)
        return dialog

    return opened


def rows(dialog: RoundReport) -> dict[str, list[str]]:
    """The texts of every row by the headings that lead to it."""
    found = {}

    def note(row: QTreeWidgetItem, above: str) -> None:
        name = f"{above}{row.text(0)}"
        found[name] = [row.text(column) for column in (1, 2, 3)]
        for place in range(row.childCount()):
            note(row.child(place), f"{name}: ")

    for place in range(dialog.figures.topLevelItemCount()):
        row = dialog.figures.topLevelItem(place)
        assert row is not None
        note(row, "")
    return found


def words(dialog: RoundReport) -> str:
    return "\n".join(each.text() for each in dialog.findChildren(QLabel) if each.isVisible())


def test_every_figure_is_told_before_and_after_with_the_change_in_words(
    entry: Round, show: Callable[[Round], RoundReport]
) -> None:
    found = rows(show(entry))
    assert found["For the labeler: Instances found"] == ["75 %", "50 %", "−25 points worse"]
    assert found["For the labeler: Accepted unedited"] == ["100 %", "86 %", "−14 points worse"]
    assert found["For the labeler: Time per instance"][2].endswith("s worse")
    assert found["debris, mask AP50"] == ["0.000", "0.000", "no change"]
    assert found["cell, mask AP50"][0] == "1.000"
    assert {"Masks: AP75", "Boxes: AP", "Scores: Calibration error", "cell, mask AP50: AP"} <= found.keys()


def test_less_time_is_better_and_what_is_not_known_is_a_dash() -> None:
    figure = Figure("Time", "", 4.0, 3.0, seconds_text, less_is_better=True)
    assert (figure.is_better, figure.change_text) == (True, "−1.0 s better")
    assert replace(figure, after=4.04).change_text == "no change"
    unknown = replace(figure, before=None)
    assert (unknown.is_better, unknown.before_text, unknown.change_text) == (None, "–", "")


def test_a_single_category_is_not_told_twice(tmp_path: Path) -> None:
    one = {"categories": {"cell": {"mask": {"AP50": 0.5}}}}
    assert len(precision_groups(Round(tmp_path, tmp_path, "id", before=one, after=one))) == 2


def test_images_that_got_worse_are_shown_side_by_side_and_stepped_through_by_keys(
    qtbot: QtBot, entry: Round, show: Callable[[Round], RoundReport]
) -> None:
    dialog = show(entry)
    dialog.tabs.setCurrentIndex(1)
    page = dialog.worse
    assert dialog.tabs.tabText(1) == "2 images that got worse"
    assert page.image is not None
    assert page.image.path.name == "picture 0.png"
    assert "2 more missed" in words(dialog)
    left, right = page.panes.panes
    qtbot.waitUntil(lambda: not dialog._work.running)
    assert left.scene is not None and right.scene is not None
    assert (len(left.scene.missed), len(right.scene.missed)) == (1, 3)
    page.panes.setFocus()
    qtbot.keyClick(page.panes, Qt.Key.Key_Right)
    assert page.image.path.name == "picture 1.png"
    assert "1 more missed, 1 more false alarm" in words(dialog)
    assert not page.next.isEnabled()
    qtbot.keyClick(page.panes, Qt.Key.Key_Right)
    qtbot.keyClick(page.panes, Qt.Key.Key_Left)
    assert page.image.path.name == "picture 0.png"
    page.next.click()
    qtbot.keyClick(page.panes, Qt.Key.Key_PageUp)
    assert page.image.path.name == "picture 0.png"
    assert page.panes.accessibleDescription().startswith("1 of 2, picture 0.png: 2 more missed")


def test_every_control_of_the_images_shows_the_focus(
    qtbot: QtBot, entry: Round, show: Callable[[Round], RoundReport]
) -> None:
    application = QApplication.instance()
    assert isinstance(application, QApplication)
    theme().apply(application, Mode.DARK)
    dialog = show(entry)
    dialog.tabs.setCurrentIndex(1)
    qtbot.waitUntil(lambda: dialog.worse.panes.panes[0].scene is not None)
    assert unseen(qtbot, dialog) == []


def test_both_sides_are_looked_at_through_one_view(
    qtbot: QtBot, entry: Round, show: Callable[[Round], RoundReport]
) -> None:
    dialog = show(entry)
    dialog.tabs.setCurrentIndex(1)
    qtbot.waitUntil(lambda: dialog.worse.panes.panes[0].scene is not None)
    panes = dialog.worse.panes
    before = panes.navigation.zoom
    panes.setFocus()
    qtbot.keyClick(panes, Qt.Key.Key_Plus)
    assert panes.navigation.zoom > before
    place = panes.navigation.viewport
    qtbot.keyClick(panes, Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier)
    assert panes.navigation.viewport.x > place.x
    qtbot.mousePress(panes.panes[1], Qt.MouseButton.LeftButton, pos=QPoint(50, 50))
    qtbot.mouseMove(panes.panes[1], QPoint(70, 60))
    qtbot.mouseRelease(panes.panes[1], Qt.MouseButton.LeftButton, pos=QPoint(70, 60))
    qtbot.keyClick(panes, Qt.Key.Key_0)
    assert panes.navigation.zoom == before
    pictures = [pane.grab().toImage() for pane in panes.panes]
    assert pictures[0] != pictures[1], "the masks of two models"


def test_false_alarms_and_misses_are_told_apart_from_what_is_right(entry: Round) -> None:
    images = read_worse(entry.folder)
    assert images is not None
    before, after = scenes(images[1], PixelCache(), no_advance)
    assert (before.layers.overlay.width, before.layers.overlay.height) == (WIDTH, HEIGHT)
    codes = before.layers.overlay.pixels(0), after.layers.overlay.pixels(0)
    inside = [int(picture[0:120, 0:160][18, 108]) for picture in codes]
    assert inside[0] == 0 and inside[1] != 0, "the false alarm shows on the new model's side alone"
    assert (len(before.missed), len(after.missed)) == (1, 2)


def test_an_image_that_is_gone_or_another_one_now_is_explained(
    qtbot: QtBot, entry: Round, show: Callable[[Round], RoundReport], compared: AnnotatedSet
) -> None:
    compared.images[0].path.unlink()
    Picture.fromarray(np.zeros((9, 9, 3), np.uint8)).save(compared.images[1].path)
    dialog = show(entry)
    dialog.tabs.setCurrentIndex(1)
    qtbot.waitUntil(dialog.worse.message.isVisible)
    assert "The image cannot be shown" in words(dialog)
    dialog.worse.step(1)
    qtbot.waitUntil(lambda: "picture 1.png is not the image any more" in words(dialog))


@pytest.mark.parametrize(
    ("damage", "title"),
    [
        (lambda path: path.unlink(), "This round kept no images"),
        (lambda path: path.write_text("{"), "The images cannot be shown"),
        (lambda path: path.write_text('{"images": []}'), "No image got worse"),
    ],
    ids=["gone", "broken", "none"],
)
def test_a_round_without_images_says_why(
    entry: Round, show: Callable[[Round], RoundReport], damage: Callable[[Path], object], title: str
) -> None:
    damage(entry.folder / WORSE_NAME)
    dialog = show(entry)
    dialog.tabs.setCurrentIndex(1)
    assert title in words(dialog)
    assert dialog.worse.image is None
    dialog.worse.step(1)


def test_a_round_of_an_earlier_version_shows_what_it_knows(
    tmp_path: Path, show: Callable[[Round], RoundReport]
) -> None:
    figures = {"mask": {"AP": 0.3, "AP50": 0.5, "AP75": 0.2}, "images": 6, "instances": 120}
    dialog = show(Round(tmp_path, tmp_path / "m", "id", verdict="cannot tell", before=figures, after=figures))
    assert rows(dialog)["Masks: AP50"] == ["0.500", "0.500", "no change"]
    assert rows(dialog)["Boxes: AP"] == ["–", "–", ""]
    assert "of an earlier version" in words(dialog)
    assert not dialog.plot.isVisible()


@pytest.mark.parametrize("after", [None, {"images": 0}])
def test_a_round_without_a_hold_out_says_so(
    tmp_path: Path, show: Callable[[Round], RoundReport], after: dict[str, object] | None
) -> None:
    (tmp_path / WORSE_NAME).write_text('{"images": []}')
    dialog = show(Round(tmp_path, tmp_path / "m", "id", before=after, after=after))
    assert "No accepted image was held out" in words(dialog)
    dialog.tabs.setCurrentIndex(1)
    assert "Nothing was compared" in words(dialog)


def test_what_is_worse_is_said_even_where_the_counts_are_the_same(entry: Round) -> None:
    images = read_worse(entry.folder)
    assert images is not None
    same = replace(images[0], after=replace(images[0].before, f1_close=0.1))
    assert what_is_worse(same) == "masks fit less closely"


def test_scenes_of_an_image_that_cannot_be_read_raise_in_words(entry: Round, compared: AnnotatedSet) -> None:
    images = read_worse(entry.folder)
    assert images is not None
    compared.images[0].path.write_bytes(b"no image")
    with pytest.raises(MaskwrightError, match="picture 0"):
        scenes(images[0], PixelCache(), no_advance)
