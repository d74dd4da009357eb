"""Undo and redo by name: what they would take back or do again."""

from PySide6.QtCore import QObject, QTimer

from app.actions import ACTION_WORDS, Actions
from app.session import Session
from app.translation import tr

NAMING_MS = 30  # edits in quick succession name undo and redo once
NAMED = 50  # after more undos than this in a row, undo no longer says what it would take back


class HistoryNames(QObject):
    """Keeps the texts of undo and redo, and whether they are possible, as the session's history is."""

    def __init__(self, session: Session, actions: Actions) -> None:
        super().__init__(actions)
        self._session, self._actions = session, actions
        self._timer = QTimer(self, singleShot=True, interval=NAMING_MS)
        self._timer.timeout.connect(self.refresh)
        self._soon = QTimer(self, singleShot=True, interval=0)
        self._soon.timeout.connect(self._enable)
        session.history_changed.connect(self._later)
        session.history_stepped.connect(self._enable)  # who undoes one edit too many redoes it at once
        self.refresh()

    def refresh(self) -> None:
        """Say what undo and redo would do now."""
        project, possible = self._session.project, self._enable()
        entries = project.history(NAMED if possible["redo"] else 1) if project is not None else []  # undone ones first
        undo = next((entry for entry in entries if not entry.undone), None)
        redo = next((entry for entry in reversed(entries) if entry.undone), None)
        texts = {"undo": (tr("Undo"), tr("Undo {action}")), "redo": (tr("Redo"), tr("Redo {action}"))}
        for command_id, entry in (("undo", undo), ("redo", redo)):
            text, named = texts[command_id]
            if entry is not None and possible[command_id]:
                text = named.format(action=ACTION_WORDS[entry.action])
            self._actions.rename(command_id, text)

    def _later(self) -> None:
        """What is possible is asked once the edit is painted, and the names come when there is time."""
        if self._session.project is not None:  # a key that comes sooner is not lost
            self._actions["undo"].setEnabled(True)
        self._soon.start()
        self._timer.start()

    def _enable(self) -> dict[str, bool]:
        self._soon.stop()
        project = self._session.project
        back, forward = project.steps if project is not None else (False, False)
        possible = {"undo": back, "redo": forward}
        for command_id, is_possible in possible.items():
            self._actions[command_id].setEnabled(is_possible)
        return possible
