"""How selected instances are told from the others."""

from app.canvas.edges import LARGEST_OUTLINED
from app.session import Session

# More selected instances than this stand out through the overlay: stroking each of their paths would take a frame.
MOST_OUTLINED = 48


class SelectionLook:
    """Outlines are painted over the masks where that is quick; the others of the selection stand out by colours."""

    def __init__(self) -> None:
        self.outlined: tuple[int, ...] = ()
        self.emphasised: frozenset[int] = frozenset()

    def follow(self, session: Session) -> None:
        """Divide what is selected now."""
        # The selection may hold for a moment what an edit has just taken away.
        instances = session.instances if session.selection else {}
        chosen = [instances[one] for one in session.selection if one in instances]
        few = chosen if len(chosen) <= MOST_OUTLINED else []
        self.outlined = tuple(each.id for each in few if each.mask.bitmap.size <= LARGEST_OUTLINED)
        self.emphasised = frozenset(session.selection) - frozenset(self.outlined)
