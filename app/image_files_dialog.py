"""The dialog about image files that are missing or changed: what they are, and what can be done."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtWidgets import QDialog, QFileDialog, QListWidget, QStackedWidget, QVBoxLayout, QWidget

from app.panels.parts import EmptyState, button, label, row
from app.safekeeping import Safekeeping, problem_words
from app.theme import SPACING
from app.translation import tr
from engine.project import FileProblem

EXPLANATION = tr(
    "Missing images are found again below a folder by their content, whatever they are called now. Masks stay with "
    "their images meanwhile."
)
_PROBLEMS = {FileProblem.MISSING: tr("missing"), FileProblem.CHANGED: tr("changed")}
MOST_LISTED = 1000  # beyond that a list helps nobody


class ImageFilesDialog(QDialog):
    """Lists the findings, looks for what is missing, and takes what was changed on purpose."""

    def __init__(
        self, safekeeping: Safekeeping, writable: bool, go_to: Callable[[int], object], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._safekeeping = safekeeping
        self._writable = writable
        self._go_to = go_to
        self.setWindowTitle(tr("Image files"))
        self.resize(560, 420)
        self.summary = label("", "heading", wrap=True)
        self.list = QListWidget()
        self.list.setAccessibleName(tr("Missing and changed images"))
        self.list.setToolTip(tr("Enter or a double click opens the image"))
        self.list.itemActivated.connect(self._open)
        self._fine = EmptyState(
            "image-check-outline", tr("Every image file is there"), tr("None is missing or changed.")
        )
        self._stack = QStackedWidget()
        self._stack.addWidget(self.list)
        self._stack.addWidget(self._fine)
        self.take_button = button(
            tr("Keep Changed Files"), safekeeping.take_changed_as_they_are, "", tr("The files were changed on purpose")
        )
        self.find_button = button(
            tr("Find in Folder…"), self._find, "primary", tr("Look for the missing images below a folder")
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(3 * SPACING, 3 * SPACING, 3 * SPACING, 2 * SPACING)
        layout.setSpacing(2 * SPACING)
        layout.addWidget(label(tr("Image files"), "title"))
        layout.addWidget(self.summary)
        layout.addWidget(label(EXPLANATION, "muted", wrap=True))
        layout.addWidget(self._stack, 1)
        layout.addLayout(
            row(
                self.take_button, None, button(tr("Close"), self.reject, "", tr("Back to the window")), self.find_button
            )
        )
        safekeeping.problems_changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show the findings of the newest look at the files."""
        problems = self._safekeeping.problems
        self.list.clear()
        for finding in problems[:MOST_LISTED]:
            self.list.addItem(f"{finding.image.name}   ·   {_PROBLEMS[finding.problem]}   ·   {finding.image.path}")
        self._stack.setCurrentWidget(self.list if problems else self._fine)
        self.summary.setText(problem_words(problems) if problems else "")
        self.summary.setVisible(bool(problems))
        kinds = {finding.problem for finding in problems}
        self.find_button.setEnabled(self._writable and FileProblem.MISSING in kinds)
        self.take_button.setEnabled(self._writable and FileProblem.CHANGED in kinds)

    def _find(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, tr("Folder to look for the missing images in"))
        if folder:
            self._safekeeping.find_missing(Path(folder))

    def _open(self) -> None:
        self._go_to(self._safekeeping.problems[self.list.currentRow()].image.id)
