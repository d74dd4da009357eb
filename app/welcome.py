"""The page of an empty window: what this is, and the ways to begin."""

from collections.abc import Callable, Mapping
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QIcon, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from app.panels.parts import CutLabel, IconButton, IconLabel, button, label, row, set_kind
from app.theme import RESOURCES, SPACING
from app.translation import tr

WIDTH = 720
MOST_NAME = 300  # pixels of a recent project's name; its folder gets the others
CARDS = (
    ("sample", "flask-outline", tr("Open the sample project"), tr("Nuclei images and a model, ready to try")),
    ("open_folder", "folder-image", tr("Open a folder of images"), tr("A new project is made beside them")),
    ("open_dataset", "code-json", tr("Open a dataset"), tr("COCO, LabelMe, YOLO, VOC or label maps")),
    ("open_project", "folder-open-outline", tr("Open a project"), tr("Continue a .maskwright file")),
)


class Card(QFrame):
    """A large button with an icon, a title and a line of explanation."""

    def __init__(self, icon: str, title: str, text: str, chosen: Callable[[], object]) -> None:
        super().__init__()
        self._chosen = chosen
        self.setProperty("kind", "choice")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName(title)
        self.setAccessibleDescription(text)
        self.setToolTip(text)
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(label(title, "heading"))
        words.addWidget(label(text, "small", wrap=True))
        layout = row(IconLabel(icon, "accent", 26), spacing=2 * SPACING)
        layout.setContentsMargins(16, 14, 16, 14)
        layout.addLayout(words, 1)
        self.setLayout(layout)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() is Qt.MouseButton.LeftButton and self.rect().contains(event.position().toPoint()):
            self._chosen()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self._chosen()
        else:
            super().keyPressEvent(event)


class Welcome(QScrollArea):
    """Shown while no project is open."""

    def __init__(self, choices: Mapping[str, Callable[[], object]], open_recent: Callable[[Path], object]) -> None:
        super().__init__()
        self._open_recent = open_recent
        self._recent = QVBoxLayout()
        self._recent.setSpacing(2)
        self._recent_heading = label(tr("Recent projects"), "heading")
        self._hint = self._drop_hint()
        column_widget = QWidget()
        column_widget.setFixedWidth(WIDTH)
        column = QVBoxLayout(column_widget)
        column.setContentsMargins(SPACING, 5 * SPACING, SPACING, 4 * SPACING)
        column.setSpacing(2 * SPACING)
        column.addStretch(1)
        column.addLayout(self._head())
        column.addSpacing(SPACING)
        column.addLayout(self._cards(choices))
        column.addWidget(self._hint)
        column.addSpacing(SPACING)
        column.addWidget(self._recent_heading)
        column.addLayout(self._recent)
        column.addStretch(2)
        page = QWidget()
        outer = row(None, column_widget, None)
        outer.setContentsMargins(0, 0, 0, 0)
        page.setLayout(outer)
        self.setWidget(page)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setAccessibleName(tr("Welcome"))
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # the cards take it, and scroll into view

    def set_recent(self, paths: list[Path]) -> None:
        """List the projects that were opened last."""
        while self._recent.count():
            item = self._recent.takeAt(0)
            widget = item.widget() if item is not None else None
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        self._recent_heading.setVisible(bool(paths))
        for path in paths:
            self._recent.addWidget(self._recent_row(path))

    def set_dragging(self, dragging: bool) -> None:
        """Whether files are held over the window just now."""
        set_kind(self._hint, "drop-active" if dragging else "drop")

    def _head(self) -> QVBoxLayout:
        picture = QLabel()
        picture.setPixmap(QIcon(str(RESOURCES / "icon.svg")).pixmap(64, 64))
        head = QVBoxLayout()
        head.setSpacing(SPACING // 2)
        head.addWidget(picture)
        head.addWidget(label("Maskwright", "display"))
        head.addWidget(label(tr("Correct masks instead of drawing them."), "lead"))
        return head

    def _cards(self, choices: Mapping[str, Callable[[], object]]) -> QGridLayout:
        grid = QGridLayout()
        grid.setSpacing(12)
        for place, (command_id, icon, title, text) in enumerate(CARDS):
            grid.addWidget(Card(icon, title, text, choices[command_id]), place // 2, place % 2)
        return grid

    def _drop_hint(self) -> QFrame:
        hint = QFrame()
        hint.setProperty("kind", "drop")
        layout = row(
            None,
            IconLabel("tray-arrow-down", "muted", 20),
            label(tr("or drop images, a folder or a project anywhere in this window"), "muted"),
            None,
        )
        layout.setContentsMargins(16, 14, 16, 14)
        hint.setLayout(layout)
        return hint

    def _recent_row(self, path: Path) -> QWidget:
        line = QWidget()
        name = button(path.stem, lambda: self._open_recent(path), "link", tr("Open {project}", project=path))
        name.ensurePolished()
        fitting = name.fontMetrics().elidedText(path.stem, Qt.TextElideMode.ElideMiddle, MOST_NAME)
        name.setText(fitting.replace("&", "&&"))
        where = CutLabel("small", Qt.TextElideMode.ElideMiddle)
        where.show_text(str(path.parent).replace(str(Path.home()), "~"))
        go = IconButton("arrow-right", tr("Open {project}", project=path.stem), lambda: self._open_recent(path))
        layout = row(name, where, None, go)
        layout.setContentsMargins(0, 0, 0, 0)
        line.setLayout(layout)
        return line
