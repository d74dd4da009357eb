"""The dialog that tells in full what a finished job said: what it left out, and why."""

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QPlainTextEdit, QVBoxLayout, QWidget

from app.panels.parts import button, label, row
from app.theme import SPACING
from app.translation import tr


class ReportDialog(QDialog):
    """A summary, and every line below it, to read and to copy."""

    def __init__(self, summary: str, lines: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Report"))
        self.resize(640, 420)
        self._lines = lines
        self.text = QPlainTextEdit(lines)
        self.text.setReadOnly(True)
        self.text.setAccessibleName(tr("Everything the job said"))
        self.text.setToolTip(tr("What was left out, and why"))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(3 * SPACING, 3 * SPACING, 3 * SPACING, 2 * SPACING)
        layout.setSpacing(2 * SPACING)
        layout.addWidget(label(summary, "heading", wrap=True))
        layout.addWidget(self.text, 1)
        layout.addLayout(
            row(
                button(tr("Copy"), self._copy, "", tr("Copy every line")),
                None,
                button(tr("Close"), self.accept, "primary", tr("Back to the window")),
            )
        )

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self._lines)
