"""The window that says which of a model's categories is which of the project's."""

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QComboBox, QDialog, QGridLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from app.panels.parts import TextField, button, label, row, set_kind
from app.session import Session
from app.theme import SPACING
from app.translation import tr, trn
from engine.project.category_maps import PLACEHOLDER

NEW, LEFT_OUT = tr("As a new category"), tr("Leave out")
SEARCHED_FROM = 12  # categories: fewer are seen at a glance


class _Choice(QComboBox):
    """One that the wheel does not change: it scrolls the list that this lies in."""

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()


class CategoryMapDialog(QDialog):
    """A row for each category of a model, with what it is in the project. Nothing changes before it is applied."""

    def __init__(
        self, session: Session, name: str, checkpoint_id: str, categories: Sequence[str], parent: QWidget | None = None
    ) -> None:
        """`name` is the model's, `categories` its own, in the order of its labels."""
        super().__init__(parent)
        assert session.project is not None
        self._session, self._checkpoint_id = session, checkpoint_id
        self._targets = dict(session.project.category_map(checkpoint_id, categories).targets)
        self._rows: dict[str, tuple[QLabel, QComboBox]] = {}
        self.setWindowTitle(tr("Categories of the Model"))
        self.resize(560, 560 if len(categories) >= SEARCHED_FROM else 380)
        self.search = TextField(tr("Find a category of the model"), tr("Find a category…"))
        self.search.textChanged.connect(self._filter)
        # Those that are found come first: of eighty, one would look for them.
        listed = sorted(
            (each for each in self._targets if each != PLACEHOLDER), key=lambda each: not self._targets[each]
        )
        table = self._make_table(listed)
        self.search.setVisible(len(listed) >= SEARCHED_FROM)
        self.summary = label("", "muted", wrap=True)
        self.apply_button = button(tr("Apply"), self._apply, "primary", tr("Predict the open images again with these"))
        self.apply_button.setDefault(True)
        self.apply_button.setEnabled(not session.read_only)
        self._leave_out = button(tr("Leave Out All"), self._leave_out_listed, "", tr("Of the categories in the list"))
        self._add_all = button(
            tr("Add All"), self._add_listed, "", tr("Of the categories in the list: as new ones where left out")
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(3 * SPACING, 3 * SPACING, 3 * SPACING, 2 * SPACING)
        layout.setSpacing(2 * SPACING)
        layout.addWidget(label(tr("Categories of {model}", model=name), "title", wrap=True))
        layout.addWidget(
            label(
                tr("What the model finds gets the project's category. What is left out is not shown at all."),
                "muted",
                wrap=True,
            )
        )
        layout.addWidget(self.search)
        layout.addWidget(table, 1)
        layout.addWidget(self.summary)
        close = button(tr("Cancel"), self.reject, "", tr("Leave the categories as they are"))
        layout.addLayout(row(self._add_all, self._leave_out, None, close, self.apply_button))
        session.project_changed.connect(self.reject)
        self._summarise()

    def targets(self) -> dict[str, str | None]:
        """What is chosen now for each category of the model."""
        return self._targets | {name: choice.currentData() for name, (_, choice) in self._rows.items()}

    def choice(self, category: str) -> QComboBox:
        """The combo box of one of the model's categories."""
        return self._rows[category][1]

    def _make_table(self, categories: Sequence[str]) -> QScrollArea:
        body = QWidget()
        grid = QGridLayout(body)
        grid.setContentsMargins(0, 0, SPACING, 0)
        grid.setHorizontalSpacing(2 * SPACING)
        grid.setVerticalSpacing(SPACING)
        grid.setColumnStretch(0, 1)
        grid.setColumnStretch(1, 1)
        grid.addWidget(label(tr("The model's category"), "small"), 0, 0)
        grid.addWidget(label(tr("In this project"), "small"), 0, 1)
        for at, name in enumerate(categories, start=1):
            words, choice = label(name, wrap=True), self._make_choice(name)
            words.setBuddy(choice)
            self._rows[name] = words, choice
            grid.addWidget(words, at, 0)
            grid.addWidget(choice, at, 1)
        grid.setRowStretch(len(categories) + 1, 1)
        scroll = QScrollArea()
        scroll.setWidget(body)
        scroll.setWidgetResizable(True)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # the choices take it, and scroll into view
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        return scroll

    def _make_choice(self, category: str) -> QComboBox:
        choice = _Choice()
        choice.setAccessibleName(tr("What {category} is in this project", category=category))
        choice.setToolTip(tr("The project's category that these objects get, or none"))
        target = self._targets[category]
        names = [each.name for each in self._session.categories.values()]
        for name in names:
            choice.addItem(name, name)
        if target is not None and target not in names and target != category:
            choice.addItem(target, target)  # chosen once, and renamed or removed since
        if category not in names:
            choice.addItem(NEW, category)
        choice.addItem(LEFT_OUT, None)
        choice.setCurrentIndex(choice.findData(target) if target is not None else choice.count() - 1)
        choice.currentIndexChanged.connect(self._summarise)
        return choice

    def _filter(self, text: str) -> None:
        for name, (words, choice) in self._rows.items():
            for widget in (words, choice):
                widget.setVisible(text.strip().casefold() in name.casefold())

    def _add_listed(self) -> None:
        for name, (_, choice) in self._rows.items():
            if not choice.isHidden() and choice.currentData() is None:
                choice.setCurrentIndex(choice.findData(name))

    def _leave_out_listed(self) -> None:
        for _, choice in self._rows.values():
            if not choice.isHidden():
                choice.setCurrentIndex(choice.count() - 1)

    def _summarise(self) -> None:
        left_out = 0
        for words, choice in self._rows.values():
            dropped = choice.currentData() is None
            left_out += dropped
            set_kind(words, "muted" if dropped else "")
        found = trn("{count} category is found", "{count} categories are found", len(self._rows) - left_out)
        told = trn("{count} is left out", "{count} are left out", left_out)
        self.summary.setText(tr("{found}, {dropped}.", found=found, dropped=told) if left_out else f"{found}.")

    def _apply(self) -> None:
        if self._session.set_category_map(self._checkpoint_id, self.targets()):
            self.accept()
