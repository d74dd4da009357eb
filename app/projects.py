"""Opening, making and filling projects: what stands behind the Project menu, the welcome page and drag and drop."""

import shutil
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from time import monotonic
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from app.jobs.verb_process import VerbProcess
from app.preferences import Preferences
from app.session import Session
from app.translation import tr, trn
from engine.errors import MaskwrightError, ProjectLocked
from engine.images import IMAGE_SUFFIXES, find_images
from engine.project import SUFFIX, Project, first_page
from engine.project.intake import PageChoice
from engine.resources import SAMPLE_IMAGES
from engine.user_folders import data_folder

SLICE_SECONDS = 0.01  # files are added in slices of this length, so that the window answers in between
RELIST_SECONDS = 0.3  # how often the list of images shows what was added so far
SAMPLE_NAME = "Nuclei sample"  # of a file, which is the same one in every language


class Projects(QObject):
    """Gives the session its projects, and remembers the recent ones."""

    locked = Signal(object, str)  # path, why: may be opened for reading only
    busy = Signal(str)  # what is going on, "" when it is over
    progressed = Signal(str, object)  # the same with how much is done, 0 to 1 or None where that is not known
    has_pages = Signal(object)  # files with more pages than the first, which alone was added, and how many they have
    reported = Signal(str, str)  # what a finished job did in a sentence, and everything it said

    def __init__(self, session: Session, preferences: Preferences) -> None:
        super().__init__()
        self._session = session
        self._preferences = preferences
        self._pending: deque[Path] = deque()
        self._pages: PageChoice = first_page
        self._paged: dict[Path, int] = {}
        self._added = 0
        self._skipped: list[tuple[Path, str]] = []
        self._listed_at = 0.0
        self._slices = QTimer(self)
        self._slices.setInterval(0)
        self._slices.timeout.connect(self._add_slice)
        self._verb: VerbProcess | None = None
        session.project_changed.connect(self._drop_pending)

    # -- opening

    def open(self, path: Path, *, read_only: bool = False) -> bool:
        """Open a project file. Where another window writes to it, `locked` asks whether reading is enough."""
        try:
            project = Project.open(path, read_only=read_only)
        except ProjectLocked as error:
            self.locked.emit(path, str(error))
            return False
        except (MaskwrightError, OSError) as error:
            self._session.problem.emit(str(error), "")
            return False
        self._preferences.remember_project(project.path)
        self._session.open_project(project)
        return True

    def open_sample(self) -> bool:
        """Open the sample project, copied to the user's data folder the first time."""
        folder = data_folder() / "sample"
        path = folder / f"{SAMPLE_NAME}{SUFFIX}"
        if path.is_file():
            return self.open(path)
        if not SAMPLE_IMAGES.is_dir():
            self._session.problem.emit(tr("The sample images are missing from this installation."), str(SAMPLE_IMAGES))
            return False
        try:
            shutil.copytree(SAMPLE_IMAGES, folder / "images", dirs_exist_ok=True)
        except OSError as error:
            words = tr("The sample project could not be copied to {folder}: {why}.", folder=folder, why=error.strerror)
            self._session.problem.emit(words, "")
            return False
        return self._create(path, find_images(folder / "images"))

    def open_folder(self, folder: Path) -> bool:
        """The project of a folder of images: made beside the images the first time, opened and topped up later."""
        images = find_images(folder)
        path = folder / f"{folder.name}{SUFFIX}"
        if path.is_file():
            if not self.open(path):
                return False
            self.add(images)
            return True
        if not images:
            self._session.problem.emit(tr("There are no images in {folder}.", folder=folder), "")
            return False
        return self._create(path, images)

    def close(self) -> None:
        self._drop_pending()
        self._session.close_project()

    def drop(self, paths: Iterable[Path]) -> None:
        """What was dropped onto the window: a project is opened, images and folders are added."""
        given = list(paths)
        project = next((path for path in given if path.suffix == SUFFIX), None)
        if project is not None:
            self.open(project)
            return
        images = [path for path in given if path.suffix.lower() in IMAGE_SUFFIXES]
        folders = [path for path in given if path.is_dir()]
        if self._session.project is not None:
            self.add([*images, *(image for folder in folders for image in find_images(folder))])
        elif folders:
            self.open_folder(folders[0])
        elif images and self.open_folder_of(images):
            return
        if not images and not folders:
            words = tr("Only images, folders of images and Maskwright projects can be dropped here.")
            self._session.notice.emit(words)

    def open_folder_of(self, images: list[Path]) -> bool:
        """A project of just these images, beside the first of them."""
        folder = images[0].parent
        path = folder / f"{folder.name}{SUFFIX}"
        if path.is_file():
            if self.open(path):
                self.add(images)
                return True
            return False
        return self._create(path, images)

    # -- filling

    def add(self, images: Iterable[Path], pages: PageChoice = first_page) -> None:
        """Add image files to the open project, some at a time; the list grows meanwhile.

        `has_pages` names the files of which only the first page was added.
        """
        if self._session.project is None or self._session.read_only:
            reading = tr("This project is open for reading only.") if self._session.project is not None else ""
            self._session.notice.emit(reading or tr("Open a project first, then add images to it."))
            return
        self._pending.extend(images)
        self._pages = pages
        if self._pending:
            self._listed_at = monotonic()
            self._slices.start()
        else:
            self._session.notice.emit(tr("There are no images there."))

    @property
    def path(self) -> Path | None:
        """The path of the open project."""
        return self._session.project.path if self._session.project is not None else None

    def import_dataset(self, arguments: Sequence[str], name: str, project: Path | None = None) -> None:
        """Run the verb `import` into a project in a subprocess; the open one by default, which is closed meanwhile."""
        target = project or self.path
        if target is None or self._verb is not None:
            return
        if self.path == target:
            self._session.close_project()
        arguments = ["import", "--project", str(target), *arguments]
        self._run(tr("Importing {name}…", name=name), arguments, lambda: target.is_file() and self.open(target))

    def export_dataset(self, arguments: Sequence[str]) -> None:
        """Run the verb `export` on the open project in a subprocess."""
        if self.path is not None and self._verb is None:
            self._run(tr("Exporting…"), ["export", "--project", str(self.path), *arguments])

    def cancel_work(self) -> None:
        """Stop importing or exporting, which leaves nothing half done, or adding images: those added so far stay."""
        if self._verb is not None:
            self._say_busy(tr("Cancelling…"))
            self._verb.cancel()
        elif self._pending:
            count = len(self._pending)
            self._pending.clear()
            self._session.notice.emit(trn("{count} image was not added.", "{count} images were not added.", count))

    def stop(self) -> None:
        """End what is running, for a closing window."""
        self._drop_pending()
        if self._verb is not None:
            self._verb.stop()

    # -- inside

    def _create(self, path: Path, images: list[Path]) -> bool:
        try:
            project = Project.create(path)
        except (MaskwrightError, OSError) as error:
            self._session.problem.emit(str(error), "")
            return False
        self._preferences.remember_project(project.path)
        self._session.open_project(project)
        self.add(images)
        return True

    def _add_slice(self) -> None:
        project = self._session.project
        if project is None:
            return
        if self._session.writing.busy:
            self._slices.stop()
            self._session.writing.when_free(self._slices.start)
            return
        started = monotonic()
        try:
            while self._pending and monotonic() - started < SLICE_SECONDS:
                report = project.add_images([self._pending.popleft()], pages=self._choose_pages)
                self._added += len(report.added)
                self._skipped += report.skipped
        except MaskwrightError as error:
            self._pending.clear()
            self._session.problem.emit(str(error), "")
        if not self._pending:
            self._finish_adding()
        elif monotonic() - self._listed_at > RELIST_SECONDS:
            self._relist()
            to_go = len(self._pending)
            words = trn("Adding images, {count} to go…", "Adding images, {count} to go…", to_go)
            self._say_busy(words, self._added / max(self._added + to_go, 1))

    def _choose_pages(self, path: Path, count: int) -> Iterable[int]:
        if count > 1 and self._pages is first_page:
            self._paged[path] = count
        return self._pages(path, count)

    def _relist(self) -> None:
        self._session.reload_images()
        self._listed_at = monotonic()
        if self._session.image is None and self._session.order:
            self._session.open_image(self._session.order[0])

    def _finish_adding(self) -> None:
        self._slices.stop()
        self._relist()
        self._say_busy("")
        added, skipped = self._added, self._skipped
        self._added, self._skipped = 0, []
        paged, self._paged = self._paged, {}
        lines = "\n".join(tr("Left out: {path}. {why}", path=path, why=reason) for path, reason in skipped)
        words = trn("{count} image added.", "{count} images added.", added)
        if skipped:
            words = f"{words} {_left_out(skipped)}"
        if paged:
            self.has_pages.emit(paged)
        if skipped or not paged:
            self.reported.emit(words, lines)

    def _drop_pending(self) -> None:
        """Forget what was still to be added: another project is open now."""
        if self._pending:
            words = trn(
                "{count} image was not added: the project was closed first.",
                "{count} images were not added: the project was closed first.",
                len(self._pending),
            )
            self._session.notice.emit(words)
            self._say_busy("")
        self._pending.clear()
        self._slices.stop()
        self._added, self._skipped, self._pages, self._paged = 0, [], first_page, {}

    def _say_busy(self, words: str, share: float | None = None) -> None:
        self.busy.emit(words)
        self.progressed.emit(words, share)

    def _run(self, words: str, arguments: list[str], then: Callable[[], object] | None = None) -> None:
        self._say_busy(words)
        self._verb = verb = VerbProcess(self)
        verb.reported.connect(lambda event: self._on_reported(words, event))
        verb.ended.connect(lambda code, errors: self._on_ended(verb, code, errors, then))
        verb.start([*arguments, "--progress-json"])

    def _on_reported(self, words: str, event: dict[str, Any]) -> None:
        if event.get("event") == "progress" and self._verb is not None and not self._verb.cancelling:
            self.progressed.emit(words, event["done"] / max(event["total"], 1))

    def _on_ended(self, verb: VerbProcess, code: int, said: str, then: Callable[[], object] | None) -> None:
        self._verb = None
        verb.deleteLater()
        self._say_busy("")
        if then is not None:
            then()
        lines = [line for line in said.strip().splitlines() if line.strip()]
        last = lines[-1].removeprefix("Error: ") if lines else ""
        if code == 0:
            self.reported.emit(last or tr("Done."), said if len(lines) > 1 else "")
        elif verb.cancelling:
            self._session.notice.emit(tr("Cancelled. Nothing was changed."))
        else:
            stopped = tr("The job stopped unexpectedly (exit code {code}).", code=code)
            self._session.problem.emit(last or stopped, said)


def _left_out(skipped: Sequence[tuple[Path, str]]) -> str:
    """The first of the files that were not added, with its reason, and how many others there are."""
    path, reason = skipped[0]
    if len(skipped) == 1:
        return tr("Left out {name}: {why}", name=path.name, why=reason)
    return trn(
        "Left out {name} and {count} more: {why}",
        "Left out {name} and {count} more: {why}",
        len(skipped) - 1,
        name=path.name,
        why=reason,
    )
