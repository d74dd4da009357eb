"""What the quality check found as a tree of checks and findings, and the painting of its rows."""

from PySide6.QtCore import QAbstractItemModel, QModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from app.jobs.quality import Quality
from app.panels.finding_words import FINDING_WORDS, said
from app.panels.image_list import Index, paint_row_background
from app.panels.status import Look
from app.session import Session
from app.theme import SPACING, theme
from app.translation import number, tr
from engine.quality.checks import ABOUT, Check, Severity, gravest_first
from engine.quality.findings import Finding

FINDING_ROLE = Qt.ItemDataRole.UserRole
CHECK_ROLE = Qt.ItemDataRole.UserRole + 1
LISTED = 1000  # findings a check: a view asks for every row whenever one comes, and nobody reads more
ROW_HEIGHT = 44  # the same for all: a view of thousands of rows then asks for one
SEVERITY_LOOKS = {
    Severity.ERROR: Look("alert-circle-outline", "danger", tr("Error")),
    Severity.WARNING: Look("alert-outline", "warning", tr("Warning")),
    Severity.HINT: Look("lightbulb-outline", "accent", tr("Hint")),
}
_CHECKS = list(Check)
_TOP = 0  # the internal id of a check's row; that of a finding's row is one more than the place of its check


class FindingTree(QAbstractItemModel):
    """Checks that found something, gravest first; below each its findings, the first `LISTED` of them."""

    def __init__(self, session: Session, quality: Quality) -> None:
        super().__init__()
        self._session, self._quality = session, quality
        self._checks: list[Check] = []
        self._findings: dict[Check, list[Finding]] = {}
        self._open: dict[Check, int] = {}
        quality.cleared.connect(self._clear)
        quality.found.connect(self._add)
        quality.settled.connect(self._repaint)

    def rowCount(self, parent: Index = QModelIndex()) -> int:
        if not parent.isValid():
            return len(self._checks)
        if parent.internalId() != _TOP:
            return 0
        return min(LISTED, len(self._findings[self._checks[parent.row()]]))

    def columnCount(self, parent: Index = QModelIndex()) -> int:
        return 1

    def index(self, row: int, column: int, parent: Index = QModelIndex()) -> QModelIndex:
        if not 0 <= row < self.rowCount(parent) or column != 0:
            return QModelIndex()
        if not parent.isValid():
            return self.createIndex(row, column, _TOP)
        return self.createIndex(row, column, _CHECKS.index(self._checks[parent.row()]) + 1)

    def parent(self, index: Index) -> QModelIndex:  # type: ignore[override]
        if not index.isValid() or index.internalId() == _TOP:
            return QModelIndex()
        return self.index_of(_CHECKS[index.internalId() - 1])

    def flags(self, index: Index) -> Qt.ItemFlag:
        if not index.isValid():
            return Qt.ItemFlag.NoItemFlags
        usual = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        return usual if index.internalId() == _TOP else usual | Qt.ItemFlag.ItemNeverHasChildren

    def sort_by_score(self) -> None:
        """Put those that deserve a look first on top; for when all are there, because what is listed starts anew."""
        self.beginResetModel()
        for findings in self._findings.values():
            findings.sort(key=lambda finding: -finding.score)
        self.endResetModel()

    def index_of(self, check: Check) -> QModelIndex:
        """The row of a check that found something."""
        return self.createIndex(self._checks.index(check), 0, _TOP)

    def open_findings(self, check: Check) -> list[Finding]:
        """The check's findings that still hold."""
        return [finding for finding in self._findings.get(check, []) if not self._quality.is_outdated(finding)]

    def total(self, check: Check) -> int:
        """How many findings a check has, listed or not, whether they still hold or not."""
        return len(self._findings.get(check, []))

    def open_count(self, check: Check | None = None) -> int:
        """How many findings still hold, of one check or of all."""
        return sum(self._open.values()) if check is None else self._open.get(check, 0)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid():
            return None
        top = index.internalId() == _TOP
        check = self._checks[index.row()] if top else _CHECKS[index.internalId() - 1]
        finding = None if top else self._findings[check][index.row()]
        if role == CHECK_ROLE:
            return check
        if role == FINDING_ROLE:
            return finding
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole, Qt.ItemDataRole.ToolTipRole):
            return self._words(check, finding)
        return None

    def place(self, finding: Finding) -> str:
        """The name of the image that a finding is about, and what is to be known of it."""
        image = self._session.images.get(finding.image_id) if finding.image_id is not None else None
        name = tr("The whole project") if image is None else image.name
        return tr("{image} · no longer found", image=name) if self._quality.is_outdated(finding) else name

    def _words(self, check: Check, finding: Finding | None) -> str:
        if finding is not None:
            return f"{said(finding.message)}\n{self.place(finding)}"
        look = SEVERITY_LOOKS[ABOUT[check].severity]
        return f"{look.word}: {FINDING_WORDS[check].title}, {number(self._open[check])}"

    def _clear(self) -> None:
        self.beginResetModel()
        self._checks, self._findings, self._open = [], {}, {}
        self.endResetModel()

    def _add(self, findings: list[Finding]) -> None:
        for check in dict.fromkeys(finding.check for finding in findings):
            if check not in self._findings:
                self._begin(check)
            parent = self.index_of(check)
            new = [finding for finding in findings if finding.check is check]
            known = self._findings[check]
            room = min(LISTED - len(known), len(new))
            if room > 0:
                self.beginInsertRows(parent, len(known), len(known) + room - 1)
            known += new
            if room > 0:
                self.endInsertRows()
            self._open[check] += len(new)
            self.dataChanged.emit(parent, parent)

    def _begin(self, check: Check) -> None:
        row = gravest_first([*self._checks, check]).index(check)
        self.beginInsertRows(QModelIndex(), row, row)
        self._checks.insert(row, check)
        self._findings[check], self._open[check] = [], 0
        self.endInsertRows()

    def _repaint(self) -> None:
        for check in self._checks:
            self._open[check] = len(self.open_findings(check))
            parent = self.index_of(check)
            self.dataChanged.emit(parent, parent)
            self.dataChanged.emit(self.index(0, 0, parent), self.index(self.rowCount(parent) - 1, 0, parent))


class FindingDelegate(QStyledItemDelegate):
    """Paints a check's row (chevron, severity, title, count) and a finding's (what, and on which image)."""

    def __init__(self, model: FindingTree, quality: Quality) -> None:
        super().__init__()
        self._model, self._quality = model, quality

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(160, ROW_HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        paint_row_background(painter, option)
        finding, check = index.data(FINDING_ROLE), index.data(CHECK_ROLE)
        area = option.rect.adjusted(SPACING, 0, -SPACING, 0)
        if isinstance(finding, Finding):
            self._paint_finding(painter, option, area, finding)
        else:
            self._paint_check(painter, option, area, Check(check))
        painter.restore()

    def _paint_check(self, painter: QPainter, option: QStyleOptionViewItem, area: QRect, check: Check) -> None:
        colors, middle = theme(), area.center().y() - 8
        expanded = bool(option.state & QStyle.StateFlag.State_Open)
        colors.paint_icon(
            painter, QRect(area.left(), middle, 16, 16), "chevron-down" if expanded else "chevron-right", "muted"
        )
        count = self._model.open_count(check)
        look = SEVERITY_LOOKS[ABOUT[check].severity] if count else Look("check-circle", "success", "")
        colors.paint_icon(painter, QRect(area.left() + 22, middle, 16, 16), look.icon, look.token)
        font = painter.font()
        font.setWeight(font.Weight.DemiBold)
        painter.setFont(font)
        painter.setPen(colors.color("text" if count else "muted"))
        title = area.adjusted(46, 0, -52, 0)
        words = painter.fontMetrics().elidedText(FINDING_WORDS[check].title, Qt.TextElideMode.ElideRight, title.width())
        painter.drawText(title, Qt.AlignmentFlag.AlignVCenter, words)
        painter.setPen(colors.color("muted"))
        painter.drawText(area, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, number(count))

    def _paint_finding(self, painter: QPainter, option: QStyleOptionViewItem, area: QRect, finding: Finding) -> None:
        colors = theme()
        outdated = self._quality.is_outdated(finding)
        text = area.adjusted(22, 5, 0, -5)
        painter.setPen(colors.color("muted" if outdated else "text"))
        words = option.fontMetrics.elidedText(said(finding.message), Qt.TextElideMode.ElideRight, text.width())
        painter.drawText(text, Qt.AlignmentFlag.AlignTop, words)
        small = painter.font()
        small.setPixelSize(12)
        painter.setFont(small)
        painter.setPen(colors.color("muted"))
        place = painter.fontMetrics().elidedText(self._model.place(finding), Qt.TextElideMode.ElideMiddle, text.width())
        painter.drawText(text, Qt.AlignmentFlag.AlignBottom, place)
