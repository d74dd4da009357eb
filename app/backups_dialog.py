"""The dialog that lists the copies of a project and goes back to one."""

from datetime import UTC, datetime

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QListWidget, QListWidgetItem, QStackedWidget, QVBoxLayout, QWidget

from app.panels.parts import EmptyState, button, label, row
from app.safekeeping import Safekeeping
from app.theme import SPACING
from app.translation import number, tr, trn, when
from engine.project.backups import INTERVAL, Backup

EXPLANATION = tr(
    "While a project is open it is copied every {minutes} minutes of work, into a folder beside it. Going back to a "
    "copy first copies what the project is now, so there is a way forward again.",
    minutes=INTERVAL.seconds // 60,
)
_AGES = (  # minutes that a unit has, and how many of them ago
    (24 * 60, lambda count: trn("{count} day ago", "{count} days ago", count)),
    (60, lambda count: trn("{count} hour ago", "{count} hours ago", count)),
    (1, lambda count: trn("{count} minute ago", "{count} minutes ago", count)),
)


class BackupsDialog(QDialog):
    """Copies with their age and size; one click makes the project what it was."""

    def __init__(self, safekeeping: Safekeeping, writable: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._safekeeping = safekeeping
        self._writable = writable
        self.setWindowTitle(tr("Backups"))
        self.resize(520, 420)
        self.list = QListWidget()
        self.list.setAccessibleName(tr("Backups"))
        self.list.setToolTip(tr("The copies of this project, newest first"))
        self.list.currentItemChanged.connect(self._enable)
        self.list.itemActivated.connect(self._restore)
        self._empty = EmptyState(
            "backup-restore", tr("No copy yet"), tr("The first one is made after ten minutes of work.")
        )
        self._stack = QStackedWidget()
        self._stack.addWidget(self.list)
        self._stack.addWidget(self._empty)
        self.now_button = button(tr("Copy Now"), safekeeping.back_up, "", tr("Make a copy of the project as it is"))
        self.now_button.setEnabled(writable)
        self.restore_button = button(
            tr("Go Back to This Copy"), self._restore, "primary", tr("Make the project what the chosen copy holds")
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(3 * SPACING, 3 * SPACING, 3 * SPACING, 2 * SPACING)
        layout.setSpacing(2 * SPACING)
        layout.addWidget(label(tr("Backups"), "title"))
        layout.addWidget(label(EXPLANATION, "muted", wrap=True))
        layout.addWidget(self._stack, 1)
        layout.addLayout(
            row(
                self.now_button,
                None,
                button(tr("Close"), self.reject, "", tr("Leave the project as it is")),
                self.restore_button,
            )
        )
        safekeeping.backups_changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """List the copies that there are now."""
        self.list.clear()
        for backup in self._safekeeping.backups():
            item = QListWidgetItem(_words(backup))
            item.setData(Qt.ItemDataRole.UserRole, backup)
            self.list.addItem(item)
        self._stack.setCurrentWidget(self.list if self.list.count() else self._empty)
        self.list.setCurrentRow(0)
        self._enable()

    def _enable(self) -> None:
        self.restore_button.setEnabled(self._writable and self.list.currentItem() is not None)

    def _restore(self) -> None:
        item = self.list.currentItem()
        if item is not None and self._writable:
            self.accept()
            self._safekeeping.restore(item.data(Qt.ItemDataRole.UserRole))


def _words(backup: Backup) -> str:
    return f"{when(backup.at)}   ·   {_age(backup.at)}   ·   {_size(backup.path.stat().st_size)}"


def _age(at: datetime) -> str:
    minutes = int((datetime.now(UTC) - at).total_seconds() // 60)
    return next((words(minutes // length) for length, words in _AGES if minutes >= length), tr("just now"))


def _size(count: int) -> str:
    if count >= 2**20:
        return tr("{size} MB", size=number(count / 2**20, 1))
    return tr("{size} kB", size=number(max(1, count // 1024)))
