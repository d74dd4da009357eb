"""How many images have come how far, kept up with each change: counting a hundred thousand anew takes a blink."""

from collections import Counter
from collections.abc import Iterable
from operator import attrgetter

from engine.records import Image, ImageStatus

_COUNTED = attrgetter("status", "hold_out")


class ImageTally:
    """Counts of a project's images by status and hold-out membership."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[ImageStatus, bool]] = Counter()

    def start(self, images: Iterable[Image]) -> None:
        """Count these images and no others."""
        self._counts = Counter(map(_COUNTED, images))

    def replace(self, before: Image, after: Image) -> None:
        """Count a counted image as what it is now."""
        self._counts[_COUNTED(before)] -= 1
        self._counts[_COUNTED(after)] += 1

    def count(self, *statuses: ImageStatus, hold_out: bool | None = None) -> int:
        """How many images have one of the statuses; of those the hold-out only, all but it, or (None) both."""
        memberships = (False, True) if hold_out is None else (hold_out,)
        return sum(self._counts[status, member] for status in statuses for member in memberships)
