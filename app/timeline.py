"""Back and forth in the project's history: undo, redo, and to any edit at once."""

from collections.abc import Callable, Sequence

from app.session import Session
from engine.errors import MaskwrightError
from engine.project import Edit, Project


class Timeline:
    """Takes the session to another place of its project's history; the window follows to where the edit happened."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def undo(self) -> None:
        """Take the last edit back."""
        self._go(lambda project: [project.undo()])

    def redo(self) -> None:
        """Apply the edit again that was taken back last."""
        self._go(lambda project: [project.redo()])

    def travel(self, entry_id: int) -> None:
        """Undo or redo until the edit of that id is the last one that is done; 0 for none."""
        self._go(lambda project: project.travel(entry_id))

    def _go(self, step: Callable[[Project], Sequence[Edit | None]]) -> None:
        session = self._session
        if session.project is None or session.refuses():
            return
        try:
            edits = [edit for edit in step(session.project) if edit is not None]
        except MaskwrightError as error:
            session.problem.emit(str(error), "")
            return
        if not edits:
            return
        *before, last = edits
        for image_id in dict.fromkeys(edit.image_id for edit in before if edit.image_id is not None):
            session.refresh_image(image_id)
        if any(edit.image_id is None for edit in before):
            session.reload_images()
        if last.image_id is not None and (session.image is None or session.image.id != last.image_id):
            session.open_image(last.image_id)
        elif len(edits) > 1:
            session.reload_image()
        session.show(last)
        session.history_stepped.emit()
