"""What the window says when a round has ended, and the check that it is the time for."""

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QObject, QTimer

from app.docks import Docks
from app.jobs.quality import Quality
from app.jobs.rounds import Rounds
from app.messages import NoticeBar
from app.panels.round_card import finished_words, found_words
from app.translation import tr
from engine.project import Round


class RoundNotices(QObject):
    """Tells of rounds, and offers to compare what was accepted with the model that learned from it: that finds the
    slips that are left among the examples."""

    def __init__(
        self, rounds: Rounds, quality: Quality, notices: NoticeBar, docks: Docks, show_outcome: Callable[[], None]
    ) -> None:
        """`show_outcome` scrolls the panel to the newest round."""
        super().__init__(rounds)
        self._quality = quality
        self._notices = notices
        self._docks = docks
        self._show_outcome = show_outcome
        rounds.finished.connect(self._tell_finished)
        rounds.found.connect(self._tell_found)
        rounds.cut_off.connect(self._tell_cut_off)
        rounds.cancelled.connect(self._tell_cancelled)

    def _tell_finished(self, entry: Round) -> None:
        self._notices.show_notice(finished_words(entry), action=tr("Show"), then=self._show)
        self._offer(entry)

    def _tell_found(self, entry: Round) -> None:
        self._notices.show_next(found_words(entry), action=tr("Show"), then=self._show)
        self._offer(entry)

    def _tell_cut_off(self) -> None:
        words = tr(
            "A fine-tune was cut off. The next one goes on where it was, unless what it learns from has changed."
        )
        self._notices.show_next(words, action=tr("Show"), then=self._show)

    def _tell_cancelled(self) -> None:
        self._notices.show_notice(tr("The fine-tune was cancelled. The model stays as it was."))

    def _offer(self, entry: Round) -> None:
        words = tr("The new model can tell where it disagrees with what was accepted.")
        self._notices.show_next(words, action=tr("Look for Label Errors"), then=partial(self._compare, entry))

    def _show(self) -> None:
        self._docks.reveal("model")
        QTimer.singleShot(0, self, self._show_outcome)  # when the panel has its place

    def _compare(self, entry: Round) -> None:
        self._docks.reveal("quality")
        self._quality.compare(entry.checkpoint)
