"""Promises of the queue in the window: its order, its reasons, and how it stays in step with what a person does."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.jobs.pixels import PixelCache
from app.jobs.prediction import Prediction
from app.jobs.queue_order import QueueOrder
from app.panels.image_list import IMAGE_ROLE
from app.panels.images import ImagesPanel
from app.queue_mix_dialog import QueueMixDialog
from app.session import Session
from engine.geometry.mask import Mask
from engine.learning.queue import QueueMix
from engine.project import Project, commands
from engine.project.scores import ImageScore, Part
from engine.resources import BUNDLED_WEIGHTS
from tests.engine.project.conftest import WriteImage, write_image

__all__ = ["write_image"]

CHECKPOINT = "a checkpoint"
ONLY_DOUBT = QueueMix(uncertainty=1, diversity=0, disagreement=0, random=0)


class NoThumbnails:
    def pixmap(self, image: object) -> None:
        return None


@pytest.fixture
def opened(qtbot: QtBot, tmp_path: Path, write_image: WriteImage) -> Iterator[Session]:
    """A session on six images, 1 to 6; nothing is known of 6, of the others later ones are of more doubt."""
    project = Project.create(tmp_path / "project.maskwright")
    project.add_images([write_image(tmp_path / f"{seed}.png", seed) for seed in range(6)])
    for image in project.images()[:5]:
        vector = np.array([image.id, 0], np.float16)
        score = ImageScore(image.content_hash, vector, doubt=Part(image.id, 3 * image.id))
        project.set_score(image.id, CHECKPOINT, score)
    session = Session()
    session.open_project(project)
    yield session
    session.writing.stop()
    session.close_project()


@pytest.fixture
def queue(opened: Session) -> Iterator[QueueOrder]:
    """A queue with a model that was loaded before, and no file of it."""
    prediction = Prediction(opened, PixelCache())
    prediction.checkpoint_id = CHECKPOINT
    order = QueueOrder(opened, prediction)
    yield order
    order.stop()
    prediction.stop()


@pytest.fixture
def panel(qtbot: QtBot, opened: Session, queue: QueueOrder) -> ImagesPanel:
    shown = ImagesPanel(opened, NoThumbnails(), queue, lambda: None)
    qtbot.addWidget(shown)
    shown.resize(280, 600)
    shown.show()
    return shown


def go_by_queue(qtbot: QtBot, panel: ImagesPanel, queue: QueueOrder) -> None:
    queue.set_mix(ONLY_DOUBT)
    with qtbot.waitSignal(queue.changed):
        panel.order.by_queue.click()


def accept(session: Session) -> None:
    assert session.project is not None and session.image is not None
    mask = Mask.from_crop(np.ones((5, 5)), 3, 3)
    if not session.categories:
        session.apply(commands.add_category(session.project.new_category_id(), "cell", "#ff0000"))
    category_id = next(iter(session.categories))
    session.apply(commands.draw(session.project.new_instance_id(), session.image.id, category_id, mask))
    session.apply(commands.accept_image(session.image, list(session.instances.values()), 0.5))


def test_the_queue_lists_the_best_first_and_what_has_no_score_after(
    qtbot: QtBot, opened: Session, panel: ImagesPanel, queue: QueueOrder
) -> None:
    assert opened.order == [1, 2, 3, 4, 5, 6]
    go_by_queue(qtbot, panel, queue)
    assert opened.order == [1, 5, 4, 3, 2, 6], "the current image, then what follows"
    rows = [panel.model.index(row) for row in range(6)]
    assert [row.data(IMAGE_ROLE).id for row in rows] == opened.order
    panel.order.by_file.click()
    assert opened.order == [1, 2, 3, 4, 5, 6]


def test_next_follows_the_queue_and_previous_goes_back(
    qtbot: QtBot, opened: Session, panel: ImagesPanel, queue: QueueOrder
) -> None:
    go_by_queue(qtbot, panel, queue)
    opened.step_image(1)
    opened.step_image(1)
    assert opened.image is not None and opened.image.id == 4
    with qtbot.waitSignal(queue.changed):
        queue.scores.settled.emit()
    assert opened.order == [1, 5, 4, 3, 2, 6], "what the person went past stays before"
    assert panel.list.currentIndex().data(IMAGE_ROLE).id == 4


def test_what_is_accepted_goes_to_the_end(qtbot: QtBot, opened: Session, panel: ImagesPanel, queue: QueueOrder) -> None:
    go_by_queue(qtbot, panel, queue)
    opened.step_image(1)
    accept(opened)
    opened.step_image(1)
    qtbot.waitUntil(lambda: opened.order == [1, 4, 3, 2, 6, 5])
    assert panel.list.currentIndex().data(IMAGE_ROLE).id == 4
    assert panel.model.index(5).data(Qt.ItemDataRole.AccessibleTextRole).endswith("Accepted")


def test_every_row_says_why_and_the_tooltip_says_more(
    qtbot: QtBot, opened: Session, panel: ImagesPanel, queue: QueueOrder
) -> None:
    go_by_queue(qtbot, panel, queue)
    row = panel.model.index(1)
    assert row.data(Qt.ItemDataRole.AccessibleTextRole) == "4.png, To do, 15 unsure proposals"
    assert "unsure of 15 proposals" in row.data(Qt.ItemDataRole.ToolTipRole)
    assert panel.model.index(5).data(Qt.ItemDataRole.AccessibleTextRole) == "5.png, To do", "nothing is known of it"
    panel.order.by_file.click()
    assert panel.model.index(4).data(Qt.ItemDataRole.AccessibleTextRole) == "4.png, To do"


def test_a_filter_holds_in_the_queue_too(qtbot: QtBot, opened: Session, panel: ImagesPanel, queue: QueueOrder) -> None:
    go_by_queue(qtbot, panel, queue)
    panel.field.setText("3")
    assert opened.order == [4]
    panel.field.clear()
    assert sorted(opened.order) == [1, 2, 3, 4, 5, 6]


def test_the_mix_counts_at_once_and_is_kept_with_the_project(
    qtbot: QtBot, opened: Session, panel: ImagesPanel, queue: QueueOrder
) -> None:
    go_by_queue(qtbot, panel, queue)
    panel.order.mix_button.click()
    (dialog,) = panel.window().findChildren(QueueMixDialog)
    dialog.random.setValue(100)
    qtbot.waitUntil(lambda: all(place.reason == "control" for place in queue.places))
    assert opened.project is not None and opened.project.queue_mix is not None
    assert opened.project.queue_mix["random"] == 1.0
    assert opened.project.queue_order is True
    dialog.accept()


def test_the_order_is_taken_up_where_the_project_was_left(
    qtbot: QtBot, opened: Session, panel: ImagesPanel, queue: QueueOrder
) -> None:
    go_by_queue(qtbot, panel, queue)
    assert opened.project is not None
    path = opened.project.path
    project = opened.project
    opened.close_project()
    project.close()
    assert not queue.wanted
    opened.open_project(Project.open(path))
    assert queue.wanted and queue.mix == ONLY_DOUBT
    assert panel.order.by_queue.isChecked()
    qtbot.waitUntil(lambda: opened.order == [1, 5, 4, 3, 2, 6])


def test_every_control_can_be_reached_and_has_a_name(
    qtbot: QtBot, opened: Session, panel: ImagesPanel, queue: QueueOrder
) -> None:
    go_by_queue(qtbot, panel, queue)
    for control in (panel.order.by_file, panel.order.by_queue, panel.order.mix_button, panel.order.pause_button):
        assert control.accessibleName() and control.toolTip()
        assert control.focusPolicy() & Qt.FocusPolicy.TabFocus


@pytest.mark.slow
def test_scores_come_in_the_background_and_can_be_paused(qtbot: QtBot, tmp_path: Path, data_root: Path) -> None:
    paths = sorted((data_root / "nuclei" / "images").glob("*.png"))[:3]
    project = Project.create(tmp_path / "real.maskwright")
    project.add_images(paths)
    session = Session()
    session.open_project(project)
    cache = PixelCache()
    prediction = Prediction(session, cache)
    queue = QueueOrder(session, prediction)
    try:
        queue.want(True)
        assert queue.scores.known is False
        prediction.set_checkpoint(BUNDLED_WEIGHTS)
        qtbot.waitUntil(lambda: queue.scores.known and queue.scores.left < 3, timeout=60_000)
        queue.scores.pause(True)
        qtbot.wait(3000)
        left = queue.scores.left
        qtbot.wait(1500)
        assert queue.scores.left == left
        queue.scores.pause(False)
        prediction.set_training(True)
        assert queue.scores.waiting
        qtbot.wait(3000)
        left = queue.scores.left
        qtbot.wait(1500)
        assert queue.scores.left == left, "a training comes first"
        prediction.set_training(False)
        session.step_image(1)
        assert session.image is not None
        current = session.image.id
        qtbot.waitUntil(lambda: session.images[current].predicted_by is not None, timeout=30_000)
        qtbot.waitUntil(lambda: queue.scores.left == 0, timeout=60_000)
        assert prediction.checkpoint_id is not None
        assert project.unscored(prediction.checkpoint_id) == []
        qtbot.waitUntil(lambda: len(queue.places) == 3, timeout=10_000)
        accept(session)
        qtbot.waitUntil(lambda: len(queue.places) == 2, timeout=15_000)
    finally:
        queue.stop()
        prediction.stop()
        session.writing.stop()
        session.close_project()
