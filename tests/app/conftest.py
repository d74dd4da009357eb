"""An open project with plain images, and a canvas that shows them, for everything that the window paints."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.canvas.view import CanvasView
from app.preferences import Preferences
from app.session import Session
from app.theme import Mode, theme
from app.window import MainWindow
from engine.geometry.mask import Mask
from engine.project import commands
from engine.project.project import Project
from engine.records import Detection, Instance

WIDTH, HEIGHT = 160, 120


@pytest.fixture
def session(qtbot: QtBot, tmp_path: Path) -> Iterator[Session]:
    """A session on two images of 160 x 120 with the categories cell and nucleus, cell being active."""
    paths = []
    for index in range(2):
        paths.append(tmp_path / f"image {index}.png")
        pixels = np.full((HEIGHT, WIDTH, 3), 90, dtype=np.uint8)
        pixels[..., 0] += np.arange(WIDTH, dtype=np.uint8)
        pixels[0, 0, 1] = index  # equal contents would be one image
        Picture.fromarray(pixels).save(paths[-1])
    project = Project.create(tmp_path / "project.maskwright")
    project.add_images(paths)
    for name, color in (("cell", "#0072b2"), ("nucleus", "#e69f00")):
        project.apply(commands.add_category(project.new_category_id(), name, color))
    opened = Session()
    opened.open_project(project)
    show_pixels(opened)
    yield opened
    opened.writing.stop()
    opened.close_project()


@pytest.fixture
def canvas(qtbot: QtBot, session: Session) -> Iterator[CanvasView]:
    """A canvas of 400 x 300 that shows the session's image at 200 %, image point (0, 0) at the widget's (40, 30)."""
    view = CanvasView(session)
    qtbot.addWidget(view)
    view.resize(400, 300)
    view.show()
    qtbot.waitExposed(view)
    view.zoom_to(2.0)
    view.pan(40 - view.viewport.x, 30 - view.viewport.y)
    yield view
    view.work.stop()
    view.composer.stop()


@pytest.fixture
def add(session: Session) -> Callable[[Mask], Instance]:
    """Draws an accepted instance with a mask on the current image and returns it."""

    def draw(mask: Mask, category: str = "cell") -> Instance:
        assert session.project is not None
        assert session.image is not None
        category_id = next(one.id for one in session.categories.values() if one.name == category)
        new_id = session.project.new_instance_id()
        assert session.apply(commands.draw(new_id, session.image.id, category_id, mask))
        return session.instances[new_id]

    return draw


@pytest.fixture
def propose(session: Session) -> Callable[[Sequence[Mask]], list[Instance]]:
    """Lets a model propose masks on the current image and returns the proposals."""

    def predict(masks: Sequence[Mask], score: float = 0.9) -> list[Instance]:
        assert session.image is not None
        before = set(session.instances)
        found = [Detection(0, "cell", score, tuple(map(float, mask.bounds)), mask) for mask in masks]
        session.set_proposals(session.image.id, found, "checkpoint")
        return [instance for key, instance in session.instances.items() if key not in before]

    return predict


def show_pixels(session: Session) -> None:
    """Give the current image pixels, as the decoding job does."""
    assert session.image is not None
    pixels = np.full((session.image.height, session.image.width, 3), 90, dtype=np.uint8)
    pixels[..., 0] += np.arange(session.image.width, dtype=np.uint8)
    session.set_pixels(session.image.id, pixels)


@pytest.fixture
def at(canvas: CanvasView) -> Callable[[float, float], QPoint]:
    """The widget point that shows an image point."""

    def point(x: float, y: float) -> QPoint:
        widget = canvas.image_to_widget(x, y)
        return QPoint(round(widget[0]), round(widget[1]))

    return point


@pytest.fixture
def wheel(canvas: CanvasView) -> Callable[..., None]:
    """wheel(point, turned, modifiers): turns the wheel over the canvas; 120 is a notch away from the person."""

    def turn(point: QPoint, turned: int, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        place, none = QPointF(point), Qt.MouseButton.NoButton
        where, phase = canvas.mapToGlobal(place), Qt.ScrollPhase.NoScrollPhase
        event = QWheelEvent(place, where, QPoint(), QPoint(0, turned), none, modifiers, phase, False)
        QApplication.sendEvent(canvas, event)

    return turn


@pytest.fixture
def move(canvas: CanvasView) -> Callable[..., None]:
    """move(point, modifiers, pressed): moves the pointer over the canvas, with keys held, as QTest cannot."""

    def to(
        point: QPoint, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier, pressed: bool = False
    ) -> None:
        place, none = QPointF(point), Qt.MouseButton.NoButton
        held = Qt.MouseButton.LeftButton if pressed else none
        kind, where = QEvent.Type.MouseMove, canvas.mapToGlobal(place)
        QApplication.sendEvent(canvas, QMouseEvent(kind, place, where, none, held, modifiers))

    return to


@pytest.fixture
def window(qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MainWindow]:
    """A window without a model, so that torch is not loaded."""
    monkeypatch.setenv("MASKWRIGHT_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("app.jobs.rounds.BUNDLED_WEIGHTS", tmp_path / "no.safetensors")
    application = QApplication.instance()
    assert isinstance(application, QApplication)
    theme().apply(application, Mode.DARK)
    opened = MainWindow(Preferences())
    qtbot.addWidget(opened)
    opened.show()
    opened.activateWindow()
    qtbot.waitExposed(opened)
    yield opened
    opened.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of three images."""
    images = tmp_path / "pictures"
    images.mkdir()
    random = np.random.default_rng(0)
    for number in range(3):
        pixels = random.integers(0, 255, (120, 160, 3), dtype=np.uint8)
        Picture.fromarray(pixels).save(images / f"picture {number}.png")
    return images


@pytest.fixture
def working(qtbot: QtBot, window: MainWindow, folder: Path) -> MainWindow:
    """The window with the folder's project open, pixels there, the canvas focused."""
    assert window.projects.open_folder(folder)
    qtbot.waitUntil(lambda: len(window.session.images) == 3 and window.session.pixels is not None)
    window.canvas.setFocus()
    qtbot.waitUntil(window.canvas.hasFocus)
    return window
