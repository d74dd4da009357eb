"""The quality dock: looks for mistakes in the whole project, goes to each, says why it matters, and mends it."""

from PySide6.QtCore import QModelIndex, Qt, Signal
from PySide6.QtWidgets import QAbstractItemView, QCheckBox, QFrame, QProgressBar, QStackedWidget, QTreeView

from app.jobs.quality import Quality
from app.panels.finding_tree import CHECK_ROLE, FINDING_ROLE, FindingDelegate, FindingTree
from app.panels.finding_words import FINDING_WORDS, said
from app.panels.parts import EmptyState, Panel, button, frame, label, row
from app.session import Session
from app.translation import number, tr, trn
from engine.quality.checks import ABOUT, Check, Severity
from engine.quality.findings import Finding

UNFOLDED = 200  # findings: what is likely a mistake is unfolded as long as it can be looked through
LOOKS_FOR = tr(
    "Duplicates, specks, stray parts, holes, overlaps, masks outside the image, boxes that contradict masks, "
    "forgotten images, rare categories, and where the model disagrees."
)
NOT_PROVEN = tr("None of the checks found anything. That the annotations are right only you can tell.")
COMPARES = tr("Where the model and the accepted images disagree: missed, too much, another outline or category.")
AGREES = tr("The model agrees with every accepted image.")


class QualityPanel(Panel):
    """Follows `Quality`; everything that it offers is one of its methods."""

    opened = Signal(object)  # Finding: show where it is

    def __init__(self, session: Session, quality: Quality) -> None:
        super().__init__(tr("Quality"), headed=False)
        self._session, self._quality = session, quality
        self.check_button = button(tr("Check project"), self._start, "primary", tr("Look for mistakes on every image"))
        self.cancel_button = button(tr("Cancel"), quality.cancel, "", tr("Stop looking; what was found stays"))
        self.files = QCheckBox(tr("Image files, too"))
        self.files.setAccessibleName(tr("Look at image files, too"))
        self.files.setToolTip(tr("Also look for missing, changed and nearly equal image files; opens every image"))
        self._progress = QProgressBar()
        self._progress.setAccessibleName(tr("Progress of the check"))
        self._progress.setTextVisible(False)
        self.summary.setWordWrap(True)
        self.model = FindingTree(session, quality)
        self.tree = self._make_tree()
        self._empty = EmptyState("clipboard-search-outline", "", "")
        self._stack = QStackedWidget()
        self._stack.addWidget(self.tree)
        self._stack.addWidget(self._empty)
        self._title, self._message = label("", "heading", wrap=True), label("", "", wrap=True)
        self._why, self._fix = label("", "small", wrap=True), label("", "small", wrap=True)
        self.fix_button = button(tr("Fix"), self._mend_one, "", tr("Mend the chosen finding"))
        self.fix_all_button = button(tr("Fix all"), self._mend_all, "", tr("Mend everything that this check found"))
        self._detail = self._make_detail()
        self.column.addLayout(row(self.check_button, self.cancel_button, self.files, None))
        self.column.addWidget(self._progress)
        self.column.addWidget(self.summary)
        self.column.addWidget(self._stack, 1)
        self.column.addWidget(self._detail)
        quality.changed.connect(self._refresh)
        quality.settled.connect(self._refresh)
        quality.cleared.connect(self._explain)
        quality.completed.connect(self._complete)
        session.project_changed.connect(self._refresh)
        session.images_changed.connect(self._refresh)
        self._refresh()

    # -- building

    def _make_tree(self) -> QTreeView:
        view = QTreeView()
        view.setAccessibleName(tr("Findings"))
        view.setToolTip(tr("Choose a finding to see it on its image"))
        view.setModel(self.model)
        self._delegate = FindingDelegate(self.model, self._quality)
        view.setItemDelegate(self._delegate)
        view.setHeaderHidden(True)
        view.setRootIsDecorated(False)
        view.setUniformRowHeights(True)
        view.setIndentation(0)
        view.setMouseTracking(True)
        view.setExpandsOnDoubleClick(False)
        view.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        view.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        view.selectionModel().currentChanged.connect(self._choose)
        view.clicked.connect(self._click)
        return view

    def _make_detail(self) -> QFrame:
        box, column = frame("inset")
        for widget in (self._title, self._message, self._why, self._fix):
            column.addWidget(widget)
        column.addLayout(row(self.fix_button, self.fix_all_button, None))
        return box

    # -- following

    def _start(self) -> None:
        self._quality.start(files=self.files.isChecked())

    def _refresh(self) -> None:
        running = self._quality.running
        self.check_button.setVisible(not running)
        self.check_button.setEnabled(bool(self._session.images))
        self.check_button.setText(
            tr("Check again") if self.model.rowCount() or self._quality.finished else tr("Check project")
        )
        self.cancel_button.setVisible(running)
        self.files.setEnabled(not running)
        done, total = self._quality.progress
        self._progress.setVisible(running)
        self._progress.setRange(0, total)
        self._progress.setValue(done)
        self._stack.setCurrentWidget(self.tree if self.model.rowCount() else self._empty)
        self.summary.setText(self._sum())
        self.summary.setVisible(bool(self.summary.text()))
        if not self.model.rowCount():
            self._say_why_empty()
        self._explain()

    def _sum(self) -> str:
        done, total = self._quality.progress
        if self._quality.running:
            return f"{_looked_at(done, total)}, {_findings(self.model.open_count())}"
        if self._quality.fixing:
            return tr("Fixing…")
        if not self.model.rowCount():
            return ""
        left = self.model.open_count()
        if not left:
            return tr("Nothing that was found is left.")
        if not self._quality.finished:
            return f"{_findings(left)}, {_looked_at(done, total)}"
        return f"{_findings(left)}, {trn('{count} image checked', '{count} images checked', done)}"

    def _say_why_empty(self) -> None:
        compares = self._quality.compares
        if self._quality.running:
            self._empty.say("clipboard-search-outline", tr("Looking…"), COMPARES if compares else LOOKS_FOR)
        elif self._quality.finished:
            self._empty.say("clipboard-check-outline", tr("Nothing found"), AGREES if compares else NOT_PROVEN)
        else:
            self._empty.say("clipboard-search-outline", tr("Look for mistakes"), LOOKS_FOR)

    def _complete(self) -> None:
        """Unfold what is likely a mistake; hints stay folded until somebody asks, as who compares with a model does."""
        self.model.sort_by_score()
        listed = 0
        for place in range(self.model.rowCount()):
            index = self.model.index(place, 0)
            listed += self.model.rowCount(index)
            hint = ABOUT[Check(index.data(CHECK_ROLE))].severity is Severity.HINT
            asked = self._quality.compares or not hint
            self.tree.setExpanded(index, asked and listed <= UNFOLDED)

    # -- the chosen finding

    def _choose(self, current: QModelIndex) -> None:
        self._explain()
        finding = current.data(FINDING_ROLE)
        if isinstance(finding, Finding):
            self.opened.emit(finding)

    def _click(self, index: QModelIndex) -> None:
        finding = index.data(FINDING_ROLE)
        if isinstance(finding, Finding):
            self.opened.emit(finding)
        else:
            self.tree.setExpanded(index, not self.tree.isExpanded(index))

    def _chosen(self) -> tuple[Check | None, Finding | None]:
        index = self.tree.currentIndex()
        check, finding = index.data(CHECK_ROLE), index.data(FINDING_ROLE)
        return (None if check is None else Check(check)), (finding if isinstance(finding, Finding) else None)

    def _explain(self) -> None:
        """Say of the chosen check or finding what it is, why it matters and what its fix does."""
        check, finding = self._chosen()
        self._detail.setVisible(check is not None)
        if check is None:
            return
        words = FINDING_WORDS[check]
        outdated = finding is not None and self._quality.is_outdated(finding)
        self._title.setText(words.title)
        self._message.setText(said(finding.message) if finding is not None else "")
        self._message.setVisible(finding is not None)
        self._why.setText(
            words.why if not outdated else tr("No longer found: it was fixed, or the image was edited since.")
        )
        writable = not self._session.read_only
        mendable = [each for each in self.model.open_findings(check) if each.fix is not None]
        one = finding is not None and finding.fix is not None and not outdated
        judgement = one and finding is not None and finding.fix is not None and not finding.fix.safe
        explained = tr("Fix: {what}", what=words.fix)
        self._fix.setText(f"{explained} {tr('A judgement, so look first.')}" if judgement else explained)
        self._fix.setVisible(bool(mendable))
        self.fix_button.setVisible(one)
        self.fix_button.setEnabled(writable)
        self.fix_all_button.setVisible(len(mendable) > (1 if one else 0))
        self.fix_all_button.setEnabled(writable)
        fix_all = tr("Fix all {count}", count=number(len(mendable)))
        self.fix_all_button.setText(fix_all)
        self.fix_all_button.setAccessibleName(f"{fix_all}: {words.title}")
        self.fix_all_button.setToolTip(f"{words.fix} {tr('One step for undo.')}")
        self.fix_button.setToolTip(words.fix)

    def _mend_one(self) -> None:
        _, finding = self._chosen()
        if finding is not None:
            self._quality.mend([finding])

    def _mend_all(self) -> None:
        check, _ = self._chosen()
        if check is not None:
            self._quality.mend([each for each in self.model.open_findings(check) if each.fix is not None])


def _findings(count: int) -> str:
    return trn("{count} finding", "{count} findings", count)


def _looked_at(done: int, total: int) -> str:
    return tr("{done} of {total} images checked", done=number(done), total=number(total))
