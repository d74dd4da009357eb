"""A small popup over the canvas: typing finds a category, Enter gives it to the selection."""

from collections.abc import Iterable, Sequence

from PySide6.QtCore import QEvent, QPoint, QSize, Qt
from PySide6.QtGui import QColor, QFocusEvent, QIcon, QKeyEvent, QPainter, QPixmap
from PySide6.QtWidgets import QFrame, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from app.decisions import Decisions, add_category
from app.panels.instance_list import paint_dot
from app.panels.parts import TextField, label
from app.session import Session
from app.theme import SPACING
from app.translation import tr, trn
from engine.records import Category

WIDTH, ROWS, ROW_HEIGHT = 300, 8, 30
MOST_LISTED = 40  # the others are a letter away, and each row costs a tenth of a millisecond
TOP = 24  # pixels from the upper edge of the canvas
_ID = Qt.ItemDataRole.UserRole
_STEPS = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1, Qt.Key.Key_Tab: 1, Qt.Key.Key_Backtab: -1}


def matching(categories: Iterable[Category], typed: str, recent: Sequence[int]) -> list[Category]:
    """The categories whose names hold the typed letters in this order, best first.

    A name that begins with them is better than one with a word that does, than one that holds them together, than one
    that holds them apart; among equals those that were given last come first.
    """
    letters = typed.strip().casefold()
    late = len(recent)

    def place(category: Category) -> tuple[int, int]:
        return recent.index(category.id) if category.id in recent else late, category.id

    found = [(_fit(category.name.casefold(), letters), *place(category), category) for category in categories]
    return [category for fit, _, _, category in sorted(found, key=lambda each: each[:3]) if fit < _NO_FIT]


_NO_FIT = 4


def _fit(name: str, letters: str) -> int:
    if name.startswith(letters):
        return 0
    if any(word.startswith(letters) for word in name.replace("-", " ").replace("_", " ").split()):
        return 1
    if letters in name:
        return 2
    rest = iter(name)
    return 3 if all(letter in rest for letter in letters) else _NO_FIT


class CategoryChooser(QFrame):
    """A field, and below it the categories that fit what is typed; the first is chosen unless another one is.

    It closes with Escape and where the focus goes elsewhere.
    """

    def __init__(self, session: Session, decisions: Decisions, canvas: QWidget) -> None:
        super().__init__(canvas)
        self._session, self._decisions, self._canvas = session, decisions, canvas
        self.setProperty("kind", "card")
        self.setAccessibleName(tr("Choose a category"))
        self.field = TextField(tr("Category"), tr("Type a category"))
        self.field.textChanged.connect(self._list)
        self.field.installEventFilter(self)
        self._heading = label("", "small")
        self.list = QListWidget()
        self.list.setAccessibleName(tr("Categories"))
        self.list.setToolTip(tr("Down and Up choose, Enter takes one"))
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setFocusProxy(self.field)  # whose keys move through it
        self.list.setUniformItemSizes(True)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.itemClicked.connect(self._take)
        column = QVBoxLayout(self)
        column.setContentsMargins(10, 10, 10, 10)
        column.setSpacing(SPACING)
        for widget in (self._heading, self.field, self.list):
            column.addWidget(widget)
        self._dots: dict[tuple[str, bool], QIcon] = {}
        self.hide()
        session.image_changed.connect(self._close)

    def open(self) -> None:
        """Show it, empty, over the upper middle of the canvas."""
        selected = len(self._session.selection)
        over = trn("Category of {count} instance", "Category of {count} instances", selected)
        self._heading.setText(over if selected else tr("Category of what is drawn next"))
        if self.field.text():
            self.field.clear()
        else:
            self._list()
        self.show()
        self.raise_()
        self.field.setFocus(Qt.FocusReason.PopupFocusReason)

    def eventFilter(self, watched: object, event: QEvent) -> bool:
        if isinstance(event, QFocusEvent) and event.type() is QEvent.Type.FocusOut:
            self.hide()
        if not isinstance(event, QKeyEvent) or event.type() is not QEvent.Type.KeyPress:
            return False
        key = Qt.Key(event.key())
        if key in _STEPS and self.list.count():
            self.list.setCurrentRow((self.list.currentRow() + _STEPS[key]) % self.list.count())
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._take(self.list.currentItem())
        elif key is Qt.Key.Key_Escape:
            self._close()
        else:
            return False
        return True

    def _list(self) -> None:
        typed = self.field.text().strip()
        categories = self._session.categories.values()
        self.list.clear()
        for category in matching(categories, typed, self._decisions.recent_categories)[:MOST_LISTED]:
            self._add_row(category.name, category.id, self._dot(category.color))
        known = any(category.name.casefold() == typed.casefold() for category in categories)
        if typed and not known and not self._session.read_only:
            self._add_row(tr("Add “{name}”", name=typed), None, self._dot("#888888", faint=True))
        self.list.setCurrentRow(0)
        rows = max(1, min(self.list.count(), ROWS))
        self.list.setFixedHeight(rows * ROW_HEIGHT + 2 * self.list.frameWidth())
        self.setFixedWidth(min(WIDTH, self._canvas.width()))
        self.adjustSize()
        self.move(QPoint((self._canvas.width() - self.width()) // 2, TOP))

    def _add_row(self, text: str, category_id: int | None, icon: QIcon) -> None:
        item = QListWidgetItem(icon, text)
        item.setData(_ID, category_id)
        item.setSizeHint(QSize(0, ROW_HEIGHT))
        self.list.addItem(item)

    def _take(self, item: QListWidgetItem | None) -> None:
        if item is None:
            return
        category_id, typed = item.data(_ID), self.field.text()
        self._close()
        if category_id is None:
            category_id = add_category(self._session, typed)
        if category_id is not None:
            self._decisions.give_category(category_id)

    def _close(self) -> None:
        if self.isVisible():
            self.hide()
            self._canvas.setFocus()

    def _dot(self, color: str, faint: bool = False) -> QIcon:
        """A category's dot; each is drawn once."""
        key = color, faint
        if key not in self._dots:
            picture = QPixmap(32, 32)
            picture.setDevicePixelRatio(2)
            picture.fill(QColor(0, 0, 0, 0))
            painter = QPainter(picture)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            paint_dot(painter, 3, 8, color, faint)
            painter.end()
            self._dots[key] = QIcon(picture)
        return self._dots[key]
