"""The window of "More Like This": what the model sees as alike, and a cut above which all is taken."""

from collections.abc import Callable

from PySide6.QtCore import QObject, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QImage, QPainter, QPen, QPixmap
from PySide6.QtWidgets import (
    QDialog,
    QListView,
    QListWidget,
    QListWidgetItem,
    QSlider,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.jobs.pixels import PixelCache
from app.jobs.prediction import Prediction
from app.likeness import PICTURE, Alike, Likeness
from app.panels.parts import EmptyState, button, label, row
from app.session import Session
from app.theme import SPACING, theme
from app.translation import number, tr, trn
from engine.records import Instance

CUT = 0.9  # where the slider begins
LEAST = 0.3  # where it ends: what is less alike is something else
STEPS = 100
ROLE = Qt.ItemDataRole.UserRole


class LikenessCommand(QObject):
    """Opens the window over `window` for the selected instance."""

    def __init__(self, window: QWidget, session: Session, prediction: Prediction, cache: PixelCache) -> None:
        super().__init__(window)
        self._window = window
        self._session = session
        self.likeness = Likeness(session, prediction, cache)
        self.dialog: LikenessDialog | None = None

    def handlers(self) -> dict[str, Callable[[], object]]:
        """What the command of this class does."""
        return {"more_like_this": self.show}

    def show(self) -> None:
        """Look for what is like the selected instance."""
        chosen = self._session.selected_instances()
        if len(chosen) != 1 or chosen[0].mask.is_empty:
            self._session.notice.emit(tr("Select one instance to find more like it."))
            return
        if self.dialog is None:
            self.dialog = LikenessDialog(self._session, self.likeness, self._window)
            self.dialog.finished.connect(self.likeness.stop)
        if not self.likeness.look_for(chosen[0]):
            self._session.notice.emit(tr("There is no model to ask. Choose one in the model panel."))
            return
        self.dialog.begin()
        self.dialog.show()
        self.dialog.raise_()


class LikenessDialog(QDialog):
    """Pictures, the most alike first; those below the cut are faint."""

    def __init__(self, session: Session, likeness: Likeness, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._likeness = likeness
        self.setWindowTitle(tr("More Like This"))
        self.resize(620, 560)
        self.summary = label("", "muted", wrap=True)
        self.list = QListWidget()
        self.list.setAccessibleName(tr("Proposals, the most alike first"))
        self.list.setToolTip(tr("Enter or a double click shows it on its image"))
        self.list.setViewMode(QListView.ViewMode.IconMode)
        self.list.setResizeMode(QListView.ResizeMode.Adjust)
        self.list.setMovement(QListView.Movement.Static)
        self.list.setIconSize(QSize(PICTURE, PICTURE))
        self.list.setGridSize(QSize(PICTURE + 20, PICTURE + 34))
        self.list.setUniformItemSizes(True)
        self.list.itemActivated.connect(self._open)
        self._empty = EmptyState(
            "creation", tr("Nothing to compare with"), tr("The images that it saw hold no proposal.")
        )
        self._stack = QStackedWidget()
        self._stack.addWidget(self.list)
        self._stack.addWidget(self._empty)
        self.cut = QSlider(Qt.Orientation.Horizontal)
        self.cut.setAccessibleName(tr("Least likeness that is taken"))
        self.cut.setToolTip(tr("What is less alike is not taken"))
        self.cut.setRange(round(LEAST * STEPS), STEPS)
        self.cut.setValue(round(CUT * STEPS))
        self.cut.valueChanged.connect(self._show_cut)
        self._cut_words = label("", "muted")
        self.take_button = button(tr("Accept"), self._take, "primary", tr("Take all from the cut on, as one edit"))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(3 * SPACING, 3 * SPACING, 3 * SPACING, 2 * SPACING)
        layout.setSpacing(2 * SPACING)
        layout.addWidget(label(tr("More Like This"), "title"))
        layout.addWidget(self.summary)
        layout.addWidget(self._stack, 1)
        layout.addLayout(row(self.cut, self._cut_words))
        layout.addLayout(row(None, button(tr("Close"), self.reject, "", tr("Back to the window")), self.take_button))
        likeness.changed.connect(self.refresh)
        session.project_changed.connect(self.reject)
        for signal in (session.instances_changed, session.categories_changed):
            signal.connect(self._show_cut)
        likeness.failed.connect(self._say)
        theme().changed.connect(self.refresh)

    @property
    def chosen(self) -> list[Alike]:
        """Those from the cut on."""
        least = self.cut.value() / STEPS
        return [each for each in self._likeness.found if each.likeness >= least]

    def begin(self) -> None:
        """Nothing is known yet."""
        self.list.clear()
        self.refresh()

    def refresh(self) -> None:
        """Show what is known."""
        found = self._likeness.found
        for at, each in enumerate(found):
            if at == self.list.count():
                self.list.addItem(QListWidgetItem())
            item = self.list.item(at)
            if item.data(ROLE) is not each:
                item.setData(ROLE, each)
                item.setIcon(_icon(each))
                item.setText(number(each.likeness, 2))
                item.setToolTip(self._words(each.instance))
        while self.list.count() > len(found):
            self.list.takeItem(self.list.count() - 1)
        self._stack.setCurrentWidget(self.list if found or self._likeness.is_looking else self._empty)
        self._show_cut()

    def _show_cut(self, *_: object) -> None:
        chosen, found = self.chosen, self._likeness.found
        least = self.cut.value() / STEPS
        for at, each in enumerate(found):
            if at < self.list.count():
                self.list.item(at).setForeground(theme().color("text" if each.likeness >= least else "faint"))
        self._cut_words.setText(tr("from {likeness}", likeness=number(least, 2)))
        images = len({each.instance.image_id for each in found})
        where = trn("on {count} image", "on {count} images", images)
        compared = trn("{count} proposal compared", "{count} proposals compared", len(found))
        left_out = self._likeness.left_out
        unread = (
            trn("{count} image could not be read", "{count} images could not be read", left_out) if left_out else ""
        )
        looking = tr("Looking…") if self._likeness.is_looking else ""
        self.summary.setText(" · ".join(each for each in (f"{compared} {where}", unread, looking) if each))
        category = self._session.categories.get(self._likeness.category_id or 0)
        name = category.name if category is not None else "?"
        self.take_button.setText(tr("Accept {count} as {name}", count=number(len(chosen)), name=name))
        self.take_button.setEnabled(bool(chosen) and category is not None and not self._session.read_only)

    def _words(self, instance: Instance) -> str:
        image, category = (
            self._session.images.get(instance.image_id),
            self._session.categories.get(instance.category_id),
        )
        parts = [image.name if image is not None else "?", category.name if category is not None else "?"]
        if instance.score is not None:
            parts.append(tr("score {score}", score=number(instance.score, 2)))
        return ", ".join(parts)

    def _take(self) -> None:
        self._likeness.take(self.chosen)

    def _open(self, item: QListWidgetItem) -> None:
        instance = item.data(ROLE).instance
        if instance.image_id in self._session.images:
            self._session.open_image(instance.image_id)
            self._session.select([instance.id])

    def _say(self, why: str) -> None:
        self.summary.setText(why)


def _icon(alike: Alike) -> QIcon:
    picture = QImage(alike.picture.data, PICTURE, PICTURE, 3 * PICTURE, QImage.Format.Format_RGB888)
    shown = QPixmap.fromImage(picture)
    painter = QPainter(shown)
    painter.setPen(QPen(QColor(0, 0, 0, 90), 1))
    painter.drawRect(0, 0, PICTURE - 1, PICTURE - 1)
    painter.end()
    return QIcon(shown)
