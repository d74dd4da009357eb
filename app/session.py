"""The open project as the window sees and edits it.

Tools and panels never write to a project themselves. They hand an `Edit` to `Session.apply`, which commits it and
tells everybody which rectangle of the image has to be painted again.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from time import monotonic
from typing import TypeVar

from PySide6.QtCore import QObject

from app.session_state import SessionState
from app.translation import tr
from app.writing import MOST_AT_ONCE, Writing, saving
from engine.errors import MaskwrightError
from engine.project import Edit, InstanceChange, Project
from engine.project.beside import Advance, apply_beside
from engine.records import Detection

T = TypeVar("T")
IDLE_SECONDS = 60.0  # work on an edit counts up to this long: after more the person was somewhere else


class Session(SessionState):
    """One open project: what the window is looking at, and the edits of it. Lives in the GUI thread only."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.writing = Writing(self._input, self)

    def close_project(self) -> None:
        self.writing.finish()
        self.writing.forget()
        super().close_project()

    def apply(self, edit: Edit, then: Callable[[], object] = lambda: None) -> bool:
        """Commit an edit, and call `then` when it is shown. On failure nothing changes, the person is told why, `then`
        is not called, and False is returned.

        An edit of very many changes is written by a thread: this returns before it is there, and what the person does
        meanwhile waits for it.
        """
        if self.project is None or self.refuses():
            return False
        if not edit.changes:
            then()
            return True
        if len(edit.changes) > MOST_AT_ONCE and not self.project.read_only:
            self._change_beside(self.project, lambda: edit, len(edit.changes), then)
            return True
        try:
            self.project.apply(edit, self._seconds())
        except MaskwrightError as error:
            self._tell_failure(str(error))
            return False
        self._finish(edit, then)
        return True

    def change(self, build: Callable[[], Edit], count: int, then: Callable[[], object] = lambda: None) -> None:
        """Apply what `build` makes of `count` records: of many in the thread, so it touches nothing of Qt's and no
        project. Why it cannot is told to the person."""
        if self.project is None or self.refuses():
            return
        if count > MOST_AT_ONCE and not self.project.read_only:
            self._change_beside(self.project, build, count, then)
            return
        try:
            edit = build()
        except MaskwrightError as error:
            self.notice.emit(str(error))
        else:
            self.apply(edit, then)

    def write(self, words: str, write: Callable[[Advance], T], done: Callable[[T], object]) -> None:
        """Let a thread write the open project, then call `done` with what it returned. `words` say what is going on.

        Where it fails or is cancelled nothing changes, and the person is told.
        """
        project = self.project

        def tell(act: Callable[[], object]) -> None:
            if self.project is project:
                act()

        self.writing.write(
            words, write, lambda result: tell(partial(done, result)), lambda why: tell(partial(self._tell_failure, why))
        )

    def refuses(self) -> bool:
        """Whether nothing can be changed just now because a job is writing the project; the person is told so."""
        if self.writing.busy:
            self.notice.emit(tr("Wait until the changes are saved, or cancel them."))
        return self.writing.busy

    def set_proposals(
        self, image_id: int, detections: Sequence[Detection], checkpoint_id: str, *, later: bool = False
    ) -> None:
        """Store what the model found on an image, and show it when that image is the current one.

        With `later` it is shown in the next turn of the event loop: storing and showing hundreds of proposals each take
        their time, and what a person does meanwhile comes in between.
        """
        if self.writing.busy:
            again = partial(self.set_proposals, image_id, detections, checkpoint_id, later=later)
            self.writing.when_free(again)
            return
        if self.project is None or self.project.read_only or image_id not in self.images:
            return
        try:
            instances = self.project.set_proposals(image_id, detections, checkpoint_id)
        except MaskwrightError as error:
            self.problem.emit(str(error), "")
            return
        self.refresh_image(image_id)
        self.image_annotated.emit(image_id)
        if len(self.project.categories()) != len(self.categories):
            self.reload_categories()
        if self.image is not None and self.image.id == image_id:
            self._hold(instances, later)

    def set_category_map(self, checkpoint_id: str, targets: Mapping[str, str | None]) -> bool:
        """Choose what a model's categories are called here; what it predicted on open images is stale where that
        changes anything. Not an edit. On failure nothing changes, the person is told why, and False is returned."""
        if self.project is None or self.refuses():
            return False
        try:
            self.project.set_category_map(checkpoint_id, targets)
        except MaskwrightError as error:
            self.problem.emit(str(error), "")
            return False
        self.reload_images()
        if self.image is not None:
            self.image = self.images[self.image.id]
        return True

    def show(self, edit: Edit) -> None:
        """Bring memory in line with an edit that is already committed, and say what changed."""
        if any(not isinstance(change, InstanceChange) for change in edit.changes):
            self.reload_categories()
        if edit.image_id is not None:
            self.refresh_image(edit.image_id)
            self.image_annotated.emit(edit.image_id)
        elif edit.spans_images:
            self.reload_images()
            self.reload_image()
        if self.image is not None and edit.image_id == self.image.id:
            self._shown.apply(edit, self.instances)
            self.instances_changed.emit(edit.dirty_bounds())
            self.select(self.selection)
        self.history_changed.emit()

    # -- inside

    def _change_beside(
        self, project: Project, build: Callable[[], Edit], count: int, then: Callable[[], object]
    ) -> None:
        write = partial(_make, build, project.path, project.author, self._seconds())

        def done(made: Edit | str) -> None:
            if isinstance(made, str):
                self.notice.emit(made)
            elif made.changes:
                self._finish(made, then)
            else:
                then()

        self.write(saving(count), write, done)

    def _seconds(self) -> float:
        """How long the person worked on what is changed now."""
        return min(monotonic() - self._working_since, IDLE_SECONDS)

    def _finish(self, edit: Edit, then: Callable[[], object]) -> None:
        self._working_since = monotonic()
        self.show(edit)
        then()

    def _tell_failure(self, why: str) -> None:
        """Nothing was written; `why` is empty where the person wanted that."""
        if why:
            self.problem.emit(why, "")
            self.reload_image()
        else:
            self.notice.emit(tr("Cancelled. Nothing was changed."))


def _make(build: Callable[[], Edit], path: Path, author: str | None, seconds: float, advance: Advance) -> Edit | str:
    """The edit that `build` made, which is written, or why it made none."""
    try:
        edit = build()
    except MaskwrightError as error:
        return str(error)
    apply_beside(path, edit, author, advance, seconds)
    return edit
