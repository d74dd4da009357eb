"""The dialog that tells in full what a fine-tune changed: every figure, what scores are worth, and the images lost."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QDialog, QTabWidget, QVBoxLayout, QWidget

from app.jobs.background import ToolWork
from app.panels.figure_tree import FigureTree
from app.panels.parts import IconLabel, button, label, row
from app.panels.reliability import ReliabilityPlot
from app.panels.round_card import UNJUDGED, VERDICTS
from app.panels.round_figures import (
    Group,
    calibration_figure,
    is_compared,
    labeler_group,
    precision_groups,
    reliability,
)
from app.panels.verdict_reason import reason_text
from app.theme import SPACING
from app.translation import tr, trn
from app.worse_page import WorsePage
from engine.learning.worse import WorseImage, read_worse
from engine.project import Round

WIDTH, HEIGHT = 980, 700


class RoundReport(QDialog):
    """What a round was worth. What it kept is read off the GUI thread, by threads that end with the dialog."""

    def __init__(self, entry: Round, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.entry = entry
        self.setWindowTitle(tr("What the Fine-Tune Changed"))
        self.resize(WIDTH, HEIGHT)
        self._work = ToolWork(self)
        self.figures = FigureTree()
        self.plot = ReliabilityPlot()
        self.worse = WorsePage(self._work)
        self.tabs = QTabWidget()
        self.tabs.tabBar().setAccessibleName(tr("Parts of the report"))
        self.tabs.tabBar().setToolTip(tr("Figures, or images that got worse"))
        self.tabs.addTab(self._figures_tab(), tr("Figures"))
        self.tabs.addTab(self.worse, tr("Images that got worse"))
        self._lay_out()
        for key, step in ((Qt.Key.Key_PageUp, -1), (Qt.Key.Key_PageDown, 1)):
            shortcut = QShortcut(QKeySequence(key), self.worse)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(lambda step=step: self.worse.step(step))
        self.finished.connect(self._work.stop)
        folder = entry.folder
        self._work.ask(tr("Reading what the round kept…"), lambda advance: read_worse(folder), self._show, self._fail)

    def _lay_out(self) -> None:
        look = VERDICTS.get(self.entry.verdict or "", UNJUDGED)
        column = QVBoxLayout(self)
        column.setContentsMargins(3 * SPACING, 3 * SPACING, 3 * SPACING, 2 * SPACING)
        column.setSpacing(SPACING)
        column.addWidget(label(tr("What the fine-tune changed"), "title"))
        column.addLayout(row(IconLabel(look.icon, look.token, 20), label(look.text, "heading"), None))
        column.addWidget(label(reason_text(self.entry) or tr("No reason is known."), "muted", wrap=True))
        column.addWidget(self.tabs, 1)
        close = button(tr("Close"), self.accept, "primary", tr("Back to the window"))
        close.setDefault(True)
        column.addLayout(row(None, close))

    def _figures_tab(self) -> QWidget:
        labeler, scores = labeler_group(self.entry), calibration_figure(self.entry)
        precisions = precision_groups(self.entry)
        self.figures.show_groups([labeler, *precisions[:2], Group(tr("Scores"), (scores,)), *precisions[2:]])
        self.plot.show_points(reliability(self.entry.before), reliability(self.entry.after))
        self.plot.setVisible(bool(reliability(self.entry.before) or reliability(self.entry.after)))
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(SPACING, SPACING, SPACING, SPACING)
        missing = self._missing()
        if missing:
            column.addWidget(label(missing, "warning", wrap=True))
        body = row(self.figures, self.plot, spacing=2 * SPACING)
        body.setStretch(0, 1)
        column.addLayout(body, 1)
        return page

    def _missing(self) -> str:
        """What is not known of this round, and why."""
        if not is_compared(self.entry):
            return tr("No accepted image was held out, so there was nothing to compare on.")
        if labeler_group(self.entry).figures[0].after is None and not (self.entry.after or {}).get("labeler"):
            return tr("This round is of an earlier version, which measured less. Fine-tune again for all figures.")
        return ""

    def _show(self, images: tuple[WorseImage, ...] | None) -> None:
        if images is None:
            why = tr("It is of an earlier version, or its file is gone. Fine-tune again to have them.")
            self.worse.say("image-off-outline", tr("This round kept no images"), why)
            return
        if not is_compared(self.entry):
            why = tr("No accepted image was held out, so there was nothing to compare on.")
            self.worse.say("help-circle-outline", tr("Nothing was compared"), why)
            return
        title = trn("{count} image that got worse", "{count} images that got worse", len(images))
        self.tabs.setTabText(1, title if images else tr("No image got worse"))
        self.worse.show_images(images)

    def _fail(self, why: str) -> None:
        self.worse.say("alert-circle-outline", tr("The images cannot be shown"), why)
