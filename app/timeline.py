"""Back and forth in the project's history: undo, redo, and to any edit at once."""

from collections.abc import Sequence
from functools import partial

from app.session import Session
from app.translation import tr
from app.writing import MOST_AT_ONCE, saving
from engine.errors import MaskwrightError
from engine.project import Edit, Project
from engine.project.beside import step_beside, travel_beside


class Timeline:
    """Takes the session to another place of its project's history; the window follows to where the edit happened."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def undo(self) -> None:
        """Take the last edit back."""
        self._step(forward=False)

    def redo(self) -> None:
        """Apply the edit again that was taken back last."""
        self._step(forward=True)

    def travel(self, entry_id: int) -> None:
        """Undo or redo until the edit of that id is the last one that is done; 0 for none."""
        project = self._writable()
        if project is not None:
            write = partial(travel_beside, project.path, entry_id)
            self._session.write(tr("Going through the history…"), write, self._follow)

    def _step(self, *, forward: bool) -> None:
        project = self._writable()
        if project is None:
            return
        try:
            size = project.size_of_step(forward=forward)
            if size > MOST_AT_ONCE:
                write = partial(step_beside, project.path, forward=forward)
                self._session.write(saving(size), write, lambda edit: self._follow([edit]))
                return
            edit = project.redo() if forward else project.undo()
        except MaskwrightError as error:
            self._session.problem.emit(str(error), "")
        else:
            self._follow([edit])

    def _writable(self) -> Project | None:
        """The open project; None where it cannot be written, and then the person was told why."""
        session = self._session
        if session.project is None or session.refuses():
            return None
        if session.project.read_only:
            session.notice.emit(tr("The project is open for reading only."))
            return None
        return session.project

    def _follow(self, steps: Sequence[Edit | None]) -> None:
        """Show what was done, where it was done."""
        session = self._session
        edits = [edit for edit in steps if edit is not None]
        if not edits:
            return
        *before, last = edits
        for image_id in dict.fromkeys(edit.image_id for edit in before if edit.image_id is not None):
            session.refresh_image(image_id)
        if any(edit.image_id is None for edit in before):
            session.reload_images()
            session.reload_categories()
        if last.image_id is not None and (session.image is None or session.image.id != last.image_id):
            session.open_image(last.image_id)
        elif len(edits) > 1:
            session.reload_image()
        session.show(last)
        session.history_stepped.emit()
