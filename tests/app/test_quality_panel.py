"""Promises of the quality panel: it finds in the background, goes to each finding, mends in one step, stays true."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture
from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtWidgets import QAbstractButton, QAbstractItemView, QProgressBar
from pytestqt.modeltest import ModelTester
from pytestqt.qtbot import QtBot

from app.jobs.quality import Quality
from app.panels.finding_tree import CHECK_ROLE, FINDING_ROLE
from app.panels.quality import QualityPanel
from app.session import Session
from app.timeline import Timeline
from app.window import MainWindow
from engine.geometry.mask import Mask
from engine.project import Action, Project, commands
from engine.quality.checks import Check
from engine.quality.findings import Finding
from engine.records import Instance

Draw = Callable[..., Instance]


def block(x: int, y: int, width: int, height: int | None = None) -> Mask:
    return Mask.from_crop(np.ones((height or width, width), dtype=bool), x, y)


SPECKLED = block(10, 10, 40).union(block(60, 60, 2))
PIERCED = block(90, 10, 30).subtract(block(100, 20, 2))


@pytest.fixture
def quality(session: Session) -> Iterator[Quality]:
    job = Quality(session)
    yield job
    job.stop()


@pytest.fixture
def panel(qtbot: QtBot, session: Session, quality: Quality) -> QualityPanel:
    shown = QualityPanel(session, quality)
    qtbot.addWidget(shown)
    shown.resize(320, 600)
    shown.show()
    return shown


@pytest.fixture
def check(qtbot: QtBot, panel: QualityPanel, quality: Quality) -> Callable[[], None]:
    """Presses the button and waits until the whole project is checked."""

    def run() -> None:
        panel.check_button.click()
        qtbot.waitUntil(lambda: quality.finished and not quality.running)

    return run


@pytest.fixture
def speckled(session: Session, add: Draw) -> list[Instance]:
    """An instance with a speck on each of the two images; the first image is the current one."""
    first, second = session.order
    drawn = [add(SPECKLED)]
    session.open_image(second)
    drawn.append(add(SPECKLED))
    session.open_image(first)
    return drawn


def listed(panel: QualityPanel) -> dict[Check, list[Finding]]:
    """What the tree lists, as its rows say."""
    model, root = panel.model, QModelIndex()
    return {
        Check(top.data(CHECK_ROLE)): [model.index(row, 0, top).data(FINDING_ROLE) for row in range(model.rowCount(top))]
        for top in (model.index(row, 0, root) for row in range(model.rowCount(root)))
    }


def choose(panel: QualityPanel, check: Check, row: int = 0) -> Finding:
    index = panel.model.index(row, 0, panel.model.index_of(check))
    panel.tree.setCurrentIndex(index)
    finding = index.data(FINDING_ROLE)
    assert isinstance(finding, Finding)
    return finding


def test_before_a_check_it_says_what_it_would_look_for(panel: QualityPanel) -> None:
    assert panel._empty.isVisible()
    assert "Duplicates, specks" in panel._empty.text.text()
    assert panel.check_button.isEnabled()
    assert not panel._detail.isVisible()


def test_findings_are_grouped_by_check_gravest_first(
    panel: QualityPanel, check: Callable[[], None], add: Draw, speckled: list[Instance]
) -> None:
    add(PIERCED)
    add(block(90, 60, 30))
    add(block(90, 60, 30))
    check()
    found = listed(panel)
    assert list(found)[:3] == [Check.DUPLICATE, Check.SPECK, Check.HOLE]
    assert [finding.instance_ids for finding in found[Check.SPECK]] == [(each.id,) for each in speckled]
    assert panel.model.open_count(Check.SPECK) == 2
    assert panel.tree.isExpanded(panel.model.index_of(Check.SPECK))
    assert not panel.tree.isExpanded(panel.model.index_of(Check.HOLE))
    assert "2 images checked" in panel.summary.text()


def test_a_project_without_mistakes_says_so(
    qtbot: QtBot, panel: QualityPanel, check: Callable[[], None], session: Session, add: Draw
) -> None:
    for image_id in list(session.order):
        session.open_image(image_id)
        for place in range(5):
            for category, y in (("cell", 10), ("nucleus", 60)):
                add(block(5 + 25 * place, y, 20), category)
    check()
    assert listed(panel) == {}
    assert panel._empty.title.text() == "Nothing found"


def test_choosing_a_finding_explains_it_and_asks_to_show_it(
    qtbot: QtBot, panel: QualityPanel, check: Callable[[], None], speckled: list[Instance]
) -> None:
    check()
    with qtbot.waitSignal(panel.opened) as shown:
        finding = choose(panel, Check.SPECK, 1)
    assert shown.args == [finding]
    assert panel._message.text() == finding.message
    assert "box" in panel._why.text()
    assert "Removes the speck" in panel._fix.text()
    assert panel.fix_button.isVisible() and panel.fix_all_button.text() == "Fix all 2"


def test_a_finding_without_a_fix_offers_none(panel: QualityPanel, check: Callable[[], None], add: Draw) -> None:
    add(block(10, 10, 30))
    check()
    choose(panel, Check.IMBALANCE)
    assert not panel.fix_button.isVisible()
    assert not panel.fix_all_button.isVisible()


def test_fix_mends_one_and_undo_brings_the_finding_back(
    qtbot: QtBot, panel: QualityPanel, check: Callable[[], None], session: Session, speckled: list[Instance]
) -> None:
    check()
    finding = choose(panel, Check.SPECK)
    panel.fix_button.click()
    qtbot.waitUntil(lambda: session.instances[speckled[0].id].mask == block(10, 10, 40))
    qtbot.waitUntil(lambda: panel._quality.is_outdated(finding))
    assert panel.model.open_count(Check.SPECK) == 1
    assert not panel.fix_button.isVisible()
    assert "no longer found" in panel.model.place(finding)
    qtbot.waitUntil(lambda: not session.writing.busy)
    Timeline(session).undo()
    assert session.instances[speckled[0].id].mask == SPECKLED
    qtbot.waitUntil(lambda: panel.model.open_count(Check.SPECK) == 2)
    assert not panel._quality.is_outdated(finding)


def test_fix_all_mends_every_image_as_one_step(
    qtbot: QtBot, panel: QualityPanel, check: Callable[[], None], session: Session, speckled: list[Instance]
) -> None:
    assert session.project is not None
    check()
    choose(panel, Check.SPECK)
    entries = len(session.project.history())
    with qtbot.waitSignal(session.notice) as said:
        panel.fix_all_button.click()
    assert said.args == ["Fixed 2 findings. Undo takes it back."]
    assert [session.project.instance(each.id).mask.area for each in speckled] == [1600, 1600]
    assert session.instances[speckled[0].id].mask.area == 1600
    assert len(session.project.history()) == entries + 1
    assert session.project.history()[0].action is Action.FIX
    assert panel.model.open_count(Check.SPECK) == 0
    qtbot.waitUntil(lambda: not session.writing.busy)
    Timeline(session).undo()
    assert session.instances[speckled[0].id].mask == SPECKLED
    assert session.project.instance(speckled[1].id).mask == SPECKLED
    qtbot.waitUntil(lambda: panel.model.open_count(Check.SPECK) == 2)


def test_an_edit_of_the_image_outdates_its_findings_and_brings_new_ones(
    qtbot: QtBot, panel: QualityPanel, check: Callable[[], None], session: Session, add: Draw, speckled: list[Instance]
) -> None:
    check()
    finding = listed(panel)[Check.SPECK][0]
    assert session.apply(commands.erase(speckled[0], block(60, 60, 2), (160, 120)))
    qtbot.waitUntil(lambda: panel._quality.is_outdated(finding))
    add(PIERCED)
    qtbot.waitUntil(lambda: Check.HOLE in listed(panel))
    qtbot.waitUntil(lambda: panel.model.open_count(Check.SPECK) == 1)


def test_a_finding_that_was_edited_meanwhile_is_left_alone_and_said_so(
    qtbot: QtBot, panel: QualityPanel, check: Callable[[], None], session: Session, speckled: list[Instance]
) -> None:
    check()
    finding = listed(panel)[Check.SPECK][0]
    assert session.apply(commands.erase(speckled[0], block(60, 60, 2), (160, 120)))
    with qtbot.waitSignal(session.notice) as said:
        panel._quality.mend([finding])
    assert said.args == ["1 finding is out of date: the image was edited since."]
    assert panel._quality.is_outdated(finding)


def test_a_cancelled_check_stops_and_can_be_started_again(
    qtbot: QtBot, panel: QualityPanel, quality: Quality, check: Callable[[], None], speckled: list[Instance]
) -> None:
    panel.check_button.click()
    assert quality.running and panel.cancel_button.isVisible() and not panel.check_button.isVisible()
    panel.cancel_button.click()
    assert not quality.running and not quality.finished
    assert panel.check_button.isVisible()
    check()
    assert panel.model.open_count(Check.SPECK) == 2


def test_image_files_are_looked_at_where_wanted(
    panel: QualityPanel, check: Callable[[], None], session: Session, speckled: list[Instance]
) -> None:
    assert session.project is not None and session.image is not None
    session.project.image_path(session.image).unlink()
    check()
    assert Check.MISSING_FILE not in listed(panel)
    panel.files.setChecked(True)
    check()
    assert len(listed(panel)[Check.MISSING_FILE]) == 1


def test_another_project_clears_what_was_found(
    panel: QualityPanel, check: Callable[[], None], session: Session, speckled: list[Instance]
) -> None:
    check()
    session.close_project()
    assert listed(panel) == {}
    assert not panel.check_button.isEnabled()
    assert panel._empty.title.text() == "Look for mistakes"


def test_a_project_that_is_open_for_reading_is_checked_and_not_mended(
    panel: QualityPanel, check: Callable[[], None], session: Session, speckled: list[Instance]
) -> None:
    assert session.project is not None
    path = session.project.path
    session.close_project()
    session.open_project(Project.open(path, read_only=True))
    check()
    choose(panel, Check.SPECK)
    assert not panel.fix_button.isEnabled()
    assert not panel.fix_all_button.isEnabled()


def test_the_tree_is_a_sound_model_and_everything_has_a_name(
    qtmodeltester: ModelTester, panel: QualityPanel, check: Callable[[], None], add: Draw, speckled: list[Instance]
) -> None:
    add(PIERCED)
    check()
    qtmodeltester.check(panel.model, force_py=True)
    choose(panel, Check.SPECK)
    for kind in (QAbstractButton, QAbstractItemView, QProgressBar):
        assert all(each.accessibleName() for each in panel.findChildren(kind) if each.isVisible())
    spoken = panel.model.index_of(Check.SPECK).data(Qt.ItemDataRole.AccessibleTextRole)
    assert spoken == "Warning: Specks, 2"


def test_the_window_goes_to_the_image_selects_and_zooms_in(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(2):
        Picture.fromarray(np.full((600, 800, 3), number, dtype=np.uint8)).save(folder / f"{number}.png")
    assert window.projects.open_folder(folder)
    session = window.session
    qtbot.waitUntil(lambda: len(session.images) == 2)
    assert session.project is not None
    session.apply(commands.add_category(session.project.new_category_id(), "cell", "#0072b2"))
    first, second = session.order
    mask = block(100, 100, 60).union(block(700, 500, 3))
    number = session.project.new_instance_id()
    session.apply(commands.draw(number, second, next(iter(session.categories)), mask))
    session.open_image(first)
    window.findings.check_button.click()
    qtbot.waitUntil(lambda: window.quality.finished)
    choose(window.findings, Check.SPECK)
    assert session.image is not None and session.image.id == second
    assert session.selection == (number,)
    canvas = window.canvas
    x, y = canvas.image_to_widget(701.5, 501.5)
    assert abs(x - canvas.width() / 2) < 2 and abs(y - canvas.height() / 2) < 2
    assert canvas.zoom > 5


def test_while_fixes_are_made_nothing_else_changes_the_project_and_their_share_is_told(
    qtbot: QtBot, panel: QualityPanel, check: Callable[[], None], session: Session, speckled: list[Instance]
) -> None:
    check()
    choose(panel, Check.SPECK)
    told: list[tuple[str, float | None]] = []
    panel._quality.progressed.connect(lambda text, share: told.append((text, share)))
    panel.fix_all_button.click()
    assert session.writing.busy
    with qtbot.waitSignal(session.notice) as said:
        assert not session.apply(commands.delete([speckled[0]]))
    assert "Wait until" in said.args[0]
    Timeline(session).undo()
    qtbot.waitUntil(lambda: not session.writing.busy)
    shares = [share for text, share in told if share is not None]
    assert shares == sorted(shares) and shares[-1] == 1.0
    assert told[0] == ("Fixing 2 findings…", None) and told[-1] == ("", None)
    assert session.apply(commands.delete([session.instances[speckled[0].id]]))


def test_fixes_that_are_cancelled_change_nothing(
    qtbot: QtBot, panel: QualityPanel, check: Callable[[], None], session: Session, speckled: list[Instance]
) -> None:
    assert session.project is not None
    check()
    choose(panel, Check.SPECK)
    entries = len(session.project.history())
    with qtbot.waitSignal(session.notice) as said:
        panel.fix_all_button.click()
        panel._quality.cancel_work()
    assert said.args == ["Cancelled. Nothing was changed."]
    qtbot.waitUntil(lambda: not session.writing.busy)
    assert len(session.project.history()) == entries
    assert session.project.instance(speckled[0].id).mask == SPECKLED
    panel.fix_all_button.click()
    qtbot.waitUntil(lambda: session.instances[speckled[0].id].mask == block(10, 10, 40))
