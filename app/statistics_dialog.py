"""The dialog that tells how much has been done in a project and how quickly, all of it from the project's journal."""

import csv
import json
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QDialog, QFileDialog, QFrame, QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from app.day_bars import DAYS, DayBars
from app.jobs.background import Background
from app.panels.parts import CutLabel, EmptyState, button, frame, label, row
from app.panels.round_figures import share_text
from app.session import Session
from app.theme import SPACING
from app.translation import number, tr, trn
from engine.errors import MaskwrightError
from engine.files import atomic_write
from engine.project import Project, Statistics
from engine.records import ImageStatus

_PROMISE = tr("Read from the journal of this project. Nothing leaves this computer.")
_ROWS = 8  # categories and people that fit; the others are in what is exported
_MINUTE = 60.0


class StatisticsCommand(QObject):
    """Opens the dialog over `window` and lets the figures be read off the GUI thread, by a connection of their own."""

    def __init__(self, window: QWidget, session: Session) -> None:
        super().__init__(window)
        self._window = window
        self._session = session
        self._background = Background()
        self._dialog: StatisticsDialog | None = None  # None once it is closed, which may be before the figures come

    def handlers(self) -> dict[str, Callable[[], object]]:
        """What the commands of this class do."""
        return {"statistics": self.show}

    def show(self) -> None:
        """Open the dialog; the figures come when they are read."""
        project = self._session.project
        if project is None:
            return
        path = project.path
        dialog = self._dialog = StatisticsDialog(path.stem, self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.finished.connect(self._forget)
        dialog.open()
        self._background.run(lambda: _read(path), self._show_figures, self._say)

    def stop(self) -> None:
        """Wait for what is being read, for a closing window."""
        self._background.stop()

    def _show_figures(self, figures: Statistics) -> None:
        if self._dialog is not None:
            self._dialog.show_figures(figures)

    def _say(self, why: str) -> None:
        if self._dialog is not None:
            self._dialog.say(why)

    def _forget(self) -> None:
        self._dialog = None


class StatisticsDialog(QDialog):
    """Four large figures, a bar a day, categories, and people where there are several."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name = name
        self._figures: Statistics | None = None
        self.setWindowTitle(tr("Statistics"))
        self.resize(680, 600)
        self.export_button = button(tr("Export…"), self._export, tip=tr("Write the figures as CSV or JSON"))
        self.export_button.setEnabled(False)
        self._message = EmptyState("chart-bar", tr("Reading the journal…"), "")
        self._body: QWidget = self._message
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(3 * SPACING, 3 * SPACING, 3 * SPACING, 2 * SPACING)
        self._column.setSpacing(2 * SPACING)
        self._column.addWidget(label(tr("Statistics"), "title"))
        self._column.addWidget(label(_PROMISE, "muted", wrap=True))
        self._column.addWidget(self._body, 1)
        close = button(tr("Close"), self.accept, "primary", tr("Close this window"))
        close.setDefault(True)
        self._column.addLayout(row(self.export_button, None, close))

    def show_figures(self, figures: Statistics) -> None:
        """Show what was read."""
        self._figures = figures
        self.export_button.setEnabled(True)
        if not figures.accepted:
            self.say(tr("Accept instances, and what it took is told here."), tr("Nothing is accepted yet"))
            return
        body = _body(figures)
        self._column.replaceWidget(self._body, body)
        self._body.deleteLater()
        self._body = body

    def say(self, why: str, title: str = "") -> None:
        """Tell why there is nothing to show."""
        self._message.say("chart-bar", title or tr("The figures could not be read"), why)

    def _export(self) -> None:
        suggested = f"{self._name} statistics.csv"
        filters = ";;".join((tr("Table (*.csv)"), tr("JSON (*.json)")))
        path, chosen = QFileDialog.getSaveFileName(self, tr("Export statistics"), suggested, filters)
        if path and self._figures is not None:
            target = Path(path)
            if target.suffix not in (".csv", ".json"):
                target = target.with_name(target.name + (".json" if "json" in chosen else ".csv"))
            try:
                write_statistics(target, self._figures)
            except MaskwrightError as error:
                self.export_button.setText(tr("Export again…"))
                self.export_button.setToolTip(str(error))
                self._column.insertWidget(self._column.count() - 1, label(str(error), "danger", wrap=True))


def write_statistics(path: Path, figures: Statistics) -> None:
    """Write figures as JSON where the name ends so, else as CSV with a row a figure.

    Raises MaskwrightError where the disk refuses.
    """
    with atomic_write(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        if path.suffix == ".json":
            json.dump(figures.document(), file, indent=2, ensure_ascii=False)
        else:
            writer = csv.writer(file)
            writer.writerow(("section", "name", "figure", "value"))
            writer.writerows(figures.table())


def _read(path: Path) -> Statistics:
    with Project.open(path, read_only=True) as project:
        return project.statistics()


def _body(figures: Statistics) -> QWidget:
    page = QWidget()
    column = QVBoxLayout(page)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(2 * SPACING)
    today = date.today()
    column.addLayout(_cards(figures, today))
    days, inside = frame("inset")
    bars = DayBars()
    bars.setAccessibleName(tr("Instances accepted a day"))
    bars.show_days(dict(figures.days), today)
    inside.addWidget(label(tr("Instances accepted a day, the last {days} days", days=DAYS), "small"))
    inside.addWidget(bars)
    column.addWidget(days)
    column.addLayout(_tables(figures))
    column.addStretch(1)
    column.addWidget(label(_images(figures), "small", wrap=True))
    return page


def _cards(figures: Statistics, today: date) -> QHBoxLayout:
    share, each = figures.unedited_share, figures.corrections_each
    return row(
        _card(
            number(figures.accepted),
            tr("instances accepted"),
            tr("{count} today", count=number(figures.accepted_on(today))),
            tr("Accepted at present; those that a dataset brought along are left out"),
        ),
        _card(
            duration(figures.median_seconds),
            tr("median an instance"),
            tr("{time} in all", time=duration(figures.seconds)),
            tr("Median over instances: the time on an image is shared equally by its accepted instances"),
        ),
        _card(
            "–" if share is None else share_text(share),
            tr("accepted unedited"),
            trn("{count} instance", "{count} instances", figures.unedited),
            tr("Accepted as the model proposed it: neither mask nor category was changed"),
        ),
        _card(
            "–" if each is None else number(each, 1),
            tr("edits an instance"),
            trn("{count} edit", "{count} edits", figures.corrections),
            tr("Edits of masks and categories for each accepted instance; decisions are no edits"),
        ),
    )


def _card(figure: str, caption: str, remark: str, tip: str) -> QFrame:
    card, column = frame("card")
    column.setSpacing(2)
    card.setToolTip(tip)
    card.setAccessibleName(f"{figure} {caption}, {remark}")
    for each in (label(figure, "display"), label(caption), label(remark, "small")):
        column.addWidget(each)
    return card


def _tables(figures: Statistics) -> QHBoxLayout:
    categories = [
        (each.name, number(each.accepted), share_text(each.unedited / each.accepted)) for each in figures.categories
    ]
    tables = [_table((tr("Category"), tr("Accepted"), tr("Unedited")), categories)]
    if len(figures.authors) > 1:
        people = [
            (each.name or tr("nobody named"), number(each.accepted), duration(each.seconds)) for each in figures.authors
        ]
        tables.append(_table((tr("Person"), tr("Accepted"), tr("Time")), people))
    return row(*tables, spacing=2 * SPACING)


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> QFrame:
    """The first rows, and how many there are besides."""
    box, column = frame("inset")
    grid = QGridLayout()
    grid.setHorizontalSpacing(2 * SPACING)
    grid.setVerticalSpacing(4)
    grid.setColumnStretch(0, 1)
    for line, texts in enumerate([headings, *rows[:_ROWS]]):
        kind = "" if line else "small"
        name = CutLabel(kind)
        name.show_text(texts[0])
        grid.addWidget(name, line, 0)
        for place, text in enumerate(texts[1:], start=1):
            grid.addWidget(label(text, kind), line, place, Qt.AlignmentFlag.AlignRight)
    column.addLayout(grid)
    if len(rows) > _ROWS:
        column.addWidget(label(trn("and {count} more", "and {count} more", len(rows) - _ROWS), "small"))
    column.addStretch(1)
    return box


def _images(figures: Statistics) -> str:
    counts = figures.images
    return tr(
        "{accepted} of {all} images accepted, {empty} verified as empty, {skipped} skipped.",
        accepted=number(counts[ImageStatus.ACCEPTED]),
        all=number(sum(counts.values())),
        empty=number(counts[ImageStatus.VERIFIED_EMPTY]),
        skipped=number(counts[ImageStatus.SKIPPED]),
    )


def duration(seconds: float | None) -> str:
    """A time as people say it: seconds with a tenth, then minutes, then hours; a dash where it is not known."""
    if seconds is None:
        return "–"
    if seconds < _MINUTE:
        return tr("{seconds} s", seconds=number(seconds, 1))
    minutes = round(seconds / _MINUTE)
    if minutes < _MINUTE:
        return tr("{minutes} min", minutes=minutes)
    return tr("{hours} h {minutes} min", hours=minutes // 60, minutes=minutes % 60)
