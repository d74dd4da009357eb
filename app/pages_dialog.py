"""The dialog that asks which pages of multi-page files become images."""

from collections.abc import Mapping
from pathlib import Path

from PySide6.QtWidgets import QDialog, QRadioButton, QVBoxLayout, QWidget

from app.panels.parts import TextField, button, label, row
from app.theme import SPACING
from app.translation import number, tr, trn
from engine.errors import MaskwrightError
from engine.project import every_page
from engine.project.intake import PageChoice, these_pages


class PagesDialog(QDialog):
    """All pages, or those that are typed. The first page of each file is in the project already."""

    def __init__(self, files: Mapping[Path, int], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Pages"))
        self.setMinimumWidth(420)
        explanation = trn(
            "{file} has {most} pages; the first was added. Each page that you add becomes an image of its own.",
            "{count} files have up to {most} pages; the first was added. Each page that you add becomes an image of "
            "its own.",
            len(files),
            file=next(iter(files)).name,
            most=number(max(files.values())),
        )
        self.every = QRadioButton(tr("Every page"))
        self.every.setChecked(True)
        self.these = QRadioButton(tr("These pages"))
        self.every.setToolTip(tr("Add all pages but the first, which is there already"))
        self.these.setToolTip(tr("Add the pages that are typed at the right"))
        self.field = TextField(tr("Pages to add"), tr("1, 3-5"))
        self.field.textChanged.connect(lambda: self.these.setChecked(True))
        self._problem = label("", "danger", wrap=True)
        self._choice: PageChoice = every_page
        layout = QVBoxLayout(self)
        layout.setContentsMargins(3 * SPACING, 3 * SPACING, 3 * SPACING, 2 * SPACING)
        layout.setSpacing(2 * SPACING)
        layout.addWidget(label(tr("Pages"), "title"))
        layout.addWidget(label(explanation, "muted", wrap=True))
        layout.addWidget(self.every)
        layout.addLayout(row(self.these, self.field))
        layout.addWidget(self._problem)
        self.add_button = button(tr("Add Pages"), self._finish, "primary", tr("Add the chosen pages as images"))
        layout.addLayout(
            row(None, button(tr("Only the First"), self.reject, "", tr("Add no other page")), self.add_button)
        )

    def choice(self) -> PageChoice:
        """What was chosen, without the first page."""
        return lambda path, count: [page for page in self._choice(path, count) if page > 0]

    def _finish(self) -> None:
        try:
            self._choice = every_page if self.every.isChecked() else these_pages(self.field.text())
        except MaskwrightError as error:
            self._problem.setText(str(error))
            return
        self.accept()
