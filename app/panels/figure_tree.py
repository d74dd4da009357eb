"""A table of figures before and after, in groups, with the change in words and colour."""

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QHeaderView, QTreeWidget, QTreeWidgetItem

from app.panels.round_figures import Figure, Group
from app.theme import theme
from app.translation import tr

NAME, BEFORE, AFTER, CHANGE = range(4)
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
ROW_HEIGHT = 24  # as a list's row: figures that are packed closer are read in the wrong line


class FigureTree(QTreeWidget):
    """One row a figure; a group whose lead stands in its own row is folded at first."""

    def __init__(self) -> None:
        super().__init__()
        self._rows: list[tuple[QTreeWidgetItem, Figure]] = []
        self.setAccessibleName(tr("Figures before and after"))
        self.setToolTip(tr("All on the same held-out images"))
        self.setHeaderLabels([tr("Figure"), tr("Before"), tr("After"), tr("Change")])
        self.setRootIsDecorated(True)
        self.setSelectionMode(QTreeWidget.SelectionMode.SingleSelection)
        self.setEditTriggers(QTreeWidget.EditTrigger.NoEditTriggers)
        header = self.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(NAME, QHeaderView.ResizeMode.Stretch)
        for column in (BEFORE, AFTER, CHANGE):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
            self.headerItem().setTextAlignment(column, RIGHT)
        theme().changed.connect(self._restyle)

    def show_groups(self, groups: Sequence[Group]) -> None:
        """Show figures in the place of those before."""
        self.clear()
        self._rows = []
        for group in groups:
            row = QTreeWidgetItem(self, [group.heading])
            font = QFont(self.font())
            font.setWeight(QFont.Weight.DemiBold)
            row.setFont(NAME, font)
            row.setSizeHint(NAME, QSize(0, ROW_HEIGHT))
            if group.lead is not None:
                self._fill(row, group.lead)
                row.setToolTip(NAME, f"{group.lead.name}: {group.lead.tip}")
            for figure in group.figures:
                child = QTreeWidgetItem(row, [figure.name])
                child.setToolTip(NAME, figure.tip)
                child.setSizeHint(NAME, QSize(0, ROW_HEIGHT))
                self._fill(child, figure)
            row.setExpanded(group.lead is None)
        self._restyle()

    def _restyle(self) -> None:
        for row, figure in self._rows:
            row.setForeground(BEFORE, theme().color("muted"))
            row.setForeground(CHANGE, theme().color(change_token(figure)))

    def _fill(self, row: QTreeWidgetItem, figure: Figure) -> None:
        self._rows.append((row, figure))
        row.setText(BEFORE, figure.before_text)
        row.setText(AFTER, figure.after_text)
        row.setText(CHANGE, figure.change_text)
        for column in (BEFORE, AFTER, CHANGE):
            row.setTextAlignment(column, RIGHT)


def change_token(figure: Figure) -> str:
    """The theme's colour of a change."""
    if figure.is_better is None:
        return "muted"
    return "success" if figure.is_better else "danger"
