"""What keeps a project safe while it is open: copies of it, a look at its image files, and word of what was amiss."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from app.jobs.background import Background
from app.session import Session
from app.translation import number, tr, trn, when
from engine.errors import MaskwrightError
from engine.project import FileFinding, FileProblem, Project, backups
from engine.project.backups import Backup
from engine.project.image_files import check, find_moved

IDLE_MS = 20_000  # after this long without an edit the write-ahead log is carried over into the project file
CHECK_MS = 60_000  # how often is asked whether a copy is due
Then = Callable[[], object]


class Safekeeping(QObject):
    """Looks after the session's project. Everything slow happens in a thread of its own."""

    said = Signal(str, str, object)  # words, what a button says, what it does; both empty without one
    problems_changed = Signal()  # the image files that are missing or changed
    backups_changed = Signal()
    restored = Signal(object)  # path of a project that is closed now and may be opened again

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.problems: list[FileFinding] = []
        self._session = session
        self._background = Background()
        self._copied = 0  # where in its history the project was when it was copied or opened
        self._show_problems: Then = lambda: None
        self._show_history: Then = lambda: None
        self._timer = QTimer(self, interval=CHECK_MS)
        self._timer.timeout.connect(self._back_up_if_due)
        self._idle = QTimer(self, singleShot=True, interval=IDLE_MS)
        self._idle.timeout.connect(self.checkpoint)
        session.history_changed.connect(self._idle.start)

    def set_places(self, problems: Then, history: Then) -> None:
        """What shows the image files' problems and the history, for the buttons of notices."""
        self._show_problems, self._show_history = problems, history

    def checkpoint(self) -> None:
        """Carry the write-ahead log over into the project file; every edit is on disk before that, too."""
        project = self._session.project
        if project is not None and not project.read_only:
            try:
                project.checkpoint()
            except MaskwrightError as error:
                self._session.problem.emit(str(error), "")

    def stop(self) -> None:
        """Wait for what is running, for a closing window."""
        self._timer.stop()
        self._background.stop()

    # -- copies

    def backups(self) -> list[Backup]:
        """The copies of the open project, newest first."""
        project = self._session.project
        return backups.listed(project.path) if project is not None else []

    def back_up(self) -> None:
        """Make a copy of the open project now."""
        project = self._session.project
        if project is not None and not project.read_only:
            path = project.path
            self._copied = project.history_position
            self._background.run(lambda: backups.back_up(path), lambda _: self.backups_changed.emit(), self._tell)

    def restore(self, backup: Backup) -> None:
        """Close the open project and make it what a copy holds; `restored` says when it may be opened again."""
        project = self._session.project
        if project is None or project.read_only:
            return
        path = project.path
        self._session.close_project()

        def fail(why: str) -> None:
            self._session.problem.emit(why, "")
            self.restored.emit(path)

        self._background.run(lambda: backups.restore(path, backup.path), lambda _: self.restored.emit(path), fail)

    def _back_up_if_due(self) -> None:
        project = self._session.project
        if project is None or project.read_only or project.history_position == self._copied:
            return
        if backups.is_due(project.path, datetime.now(UTC)):
            self.back_up()

    # -- image files

    def check_files(self) -> None:
        """Look at every image file; `problems_changed` tells the outcome."""
        project = self._session.project
        if project is None:
            return
        known, root = list(self._session.images.values()), project.root
        self._background.run(lambda: check(known, root), lambda found: self._on_checked(project, found), self._tell)

    def find_missing(self, folder: Path) -> None:
        """Look below a folder for the image files that are missing, and link those that are found."""
        project = self._session.project
        lost = [finding.image for finding in self.problems if finding.problem is FileProblem.MISSING]
        if project is not None and lost:
            self._background.run(
                lambda: find_moved(lost, folder),
                lambda found: self._session.writing.when_free(partial(self._link, project, found)),
                self._tell,
            )

    def take_changed_as_they_are(self) -> None:
        """Note that the changed image files were changed on purpose."""
        project = self._session.project
        if project is None or self._session.refuses():
            return
        refused = []
        for finding in self.problems:
            if finding.problem is FileProblem.CHANGED:
                try:
                    project.files.take_as_it_is(finding.image)
                except MaskwrightError as error:
                    refused.append(str(error))
        if refused:
            self._session.problem.emit(refused[0], "\n".join(refused))
        self._session.reload_images()
        self.check_files()

    def _link(self, project: Project, found: dict[int, Path]) -> None:
        if project is not self._session.project:
            return
        try:
            project.files.relink(found)
        except MaskwrightError as error:
            self._session.problem.emit(str(error), "")
            return
        missing = sum(finding.problem is FileProblem.MISSING for finding in self.problems)
        self.said.emit(
            trn(
                "Found {found} of {count} missing image.",
                "Found {found} of {count} missing images.",
                missing,
                found=number(len(found)),
            ),
            "",
            None,
        )
        self._session.reload_images()
        current = self._session.image
        if current is not None and current.id in found:
            self._session.reopen_image(current)
        self.check_files()

    def _on_checked(self, project: Project, found: list[FileFinding]) -> None:
        if project is not self._session.project:
            return
        told = bool(found) and len(found) != len(self.problems)
        self.problems = found
        self.problems_changed.emit()
        if told:
            self.said.emit(problem_words(found), tr("Show"), self._show_problems)

    # -- telling

    def look_after(self) -> None:
        """Begin with the session's project, and say what was amiss when it was opened."""
        project = self._session.project
        self._copied = project.history_position if project is not None else 0
        self.problems = []
        self.problems_changed.emit()
        if project is None:
            self._timer.stop()
            return
        self._timer.start()
        self.check_files()
        if project.recovery is not None:
            self.said.emit(
                _recovered(project.recovery.edits, project.recovery.last), tr("Show History"), self._show_history
            )
        elif project.network is not None:
            self.said.emit(
                tr(
                    "This project is on a network drive ({drive}): it is saved without a shared log there, which is "
                    "safe but slower.",
                    drive=project.network,
                ),
                "",
                None,
            )

    def _tell(self, why: str) -> None:
        self.said.emit(why, "", None)


def problem_words(findings: list[FileFinding]) -> str:
    """How many image files are missing, and how many changed, in a sentence."""
    counts = {problem: sum(finding.problem is problem for finding in findings) for problem in FileProblem}
    missing, changed = counts[FileProblem.MISSING], counts[FileProblem.CHANGED]
    parts = [trn("{count} image is missing.", "{count} images are missing.", missing)] if missing else []
    parts += [trn("{count} image has changed.", "{count} images have changed.", changed)] if changed else []
    return " ".join(parts) or tr("Every image file is there.")


def _recovered(edits: int, last: datetime | None) -> str:
    if last is None:
        return tr("The last session was cut off before its first edit. Nothing was lost.")
    return trn(
        "The last session was cut off. Nothing was lost: its one edit is here, of {moment}.",
        "The last session was cut off. Nothing was lost: all {count} edits are here, the last of {moment}.",
        edits,
        moment=when(last),
    )
