"""The quality dock: looks for mistakes in the whole project, goes to each, says why it matters, and mends it."""

from PySide6.QtCore import QModelIndex, Qt, Signal
from PySide6.QtWidgets import QAbstractItemView, QCheckBox, QFrame, QProgressBar, QStackedWidget, QTreeView

from app.jobs.quality import Quality
from app.panels.finding_tree import CHECK_ROLE, FINDING_ROLE, FindingDelegate, FindingTree
from app.panels.parts import EmptyState, Panel, button, frame, label, row
from app.session import Session
from engine.quality.checks import ABOUT, Check, Severity
from engine.quality.findings import Finding

UNFOLDED = 200  # findings: what is likely a mistake is unfolded as long as it can be looked through
LOOKS_FOR = (
    "Duplicates, specks, stray parts, holes, overlaps, masks outside the image, boxes that contradict masks, "
    "forgotten images, rare categories, and where the model disagrees."
)
NOT_PROVEN = "None of the checks found anything. That the annotations are right only you can tell."


class QualityPanel(Panel):
    """Follows `Quality`; everything that it offers is one of its methods."""

    opened = Signal(object)  # Finding: show where it is

    def __init__(self, session: Session, quality: Quality) -> None:
        super().__init__("Quality", headed=False)
        self._session, self._quality = session, quality
        self.check_button = button("Check project", self._start, "primary", "Look for mistakes on every image")
        self.cancel_button = button("Cancel", quality.cancel, "", "Stop looking; what was found stays")
        self.files = QCheckBox("Image files, too")
        self.files.setAccessibleName("Look at image files, too")
        self.files.setToolTip("Also look for missing, changed and nearly equal image files; opens every image")
        self._progress = QProgressBar()
        self._progress.setAccessibleName("Progress of the check")
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
        self.fix_button = button("Fix", self._mend_one)
        self.fix_all_button = button("Fix all", self._mend_all)
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
        view.setAccessibleName("Findings")
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
        self.check_button.setText("Check again" if self.model.rowCount() or self._quality.finished else "Check project")
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
            return f"{done:,} of {total:,} images, {_findings(self.model.open_count())}"
        if self._quality.fixing:
            return "Fixing…"
        if not self.model.rowCount():
            return ""
        left = self.model.open_count()
        if not left:
            return "Nothing that was found is left."
        checked = f"{_images(done)} checked" if self._quality.finished else f"{done:,} of {total:,} images checked"
        return f"{_findings(left)}, {checked}"

    def _say_why_empty(self) -> None:
        if self._quality.running:
            self._empty.say("clipboard-search-outline", "Looking…", LOOKS_FOR)
        elif self._quality.finished:
            self._empty.say("clipboard-check-outline", "Nothing found", NOT_PROVEN)
        else:
            self._empty.say("clipboard-search-outline", "Look for mistakes", LOOKS_FOR)

    def _complete(self) -> None:
        """Unfold what is likely a mistake; hints stay folded until somebody asks."""
        self.model.sort_by_score()
        listed = 0
        for place in range(self.model.rowCount()):
            index = self.model.index(place, 0)
            listed += self.model.rowCount(index)
            hint = ABOUT[Check(index.data(CHECK_ROLE))].severity is Severity.HINT
            self.tree.setExpanded(index, not hint and listed <= UNFOLDED)

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
        about = ABOUT[check]
        outdated = finding is not None and self._quality.is_outdated(finding)
        self._title.setText(about.title)
        self._message.setText(finding.message if finding is not None else "")
        self._message.setVisible(finding is not None)
        self._why.setText(
            about.why if not outdated else "No longer found: it was fixed, or the image was edited since."
        )
        writable = not self._session.read_only
        mendable = [each for each in self.model.open_findings(check) if each.fix is not None]
        one = finding is not None and finding.fix is not None and not outdated
        judgement = one and finding is not None and finding.fix is not None and not finding.fix.safe
        self._fix.setText(f"Fix: {about.fix}" + (" A judgement, so look first." if judgement else ""))
        self._fix.setVisible(bool(mendable))
        self.fix_button.setVisible(one)
        self.fix_button.setEnabled(writable)
        self.fix_all_button.setVisible(bool(mendable))
        self.fix_all_button.setEnabled(writable)
        self.fix_all_button.setText(f"Fix all {len(mendable):,}")
        self.fix_all_button.setAccessibleName(f"Fix all {len(mendable)}: {about.title}")
        self.fix_all_button.setToolTip(f"{about.fix} One step for undo.")
        self.fix_button.setToolTip(about.fix)

    def _mend_one(self) -> None:
        _, finding = self._chosen()
        if finding is not None:
            self._quality.mend([finding])

    def _mend_all(self) -> None:
        check, _ = self._chosen()
        if check is not None:
            self._quality.mend([each for each in self.model.open_findings(check) if each.fix is not None])


def _findings(count: int) -> str:
    return "1 finding" if count == 1 else f"{count:,} findings"


def _images(count: int) -> str:
    return "1 image" if count == 1 else f"{count:,} images"
