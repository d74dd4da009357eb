"""The instances that the canvas paints, kept in painting order from edit to edit."""

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence

from engine.project import Edit, InstanceChange
from engine.records import Instance

MOST_REORDERED = 32  # from some more on it takes as long to sort all again


class ShownInstances:
    """Large areas first, so that small instances stay on top; of two that are as large the newer one is on top."""

    def __init__(self, is_shown: Callable[[Instance], bool]) -> None:
        self._is_shown = is_shown
        self._all: Mapping[int, Instance] = {}
        self._ordered: list[Instance] | None = None

    def of(self, instances: Mapping[int, Instance]) -> list[Instance]:
        """Those of `instances` that are shown; the list is the caller's."""
        if self._ordered is None or instances is not self._all:
            self._all = instances
            self._ordered = sorted(filter(self._is_shown, instances.values()), key=_place)
        return list(self._ordered)

    def expect(self, part: Sequence[Instance]) -> None:
        """More of them are there. Counts the pixels of each, which would take a while for all at once."""
        self.forget()
        for instance in part:
            _place(instance)

    def forget(self) -> None:
        """Others of them are shown."""
        self._ordered = None

    def apply(self, edit: Edit, instances: dict[int, Instance]) -> None:
        """Bring `instances` in line with an edit. One that concerns few of them keeps their order: sorting all again
        would take a while."""
        if len(edit.changes) > MOST_REORDERED:
            self.forget()
        ordered = self._ordered if instances is self._all else None
        for change in edit.changes:
            if isinstance(change, InstanceChange):
                _apply(change, instances)
                if ordered is not None:
                    self._reorder(change, ordered)

    def _reorder(self, change: InstanceChange, ordered: list[Instance]) -> None:
        present = (each for each in (change.before, change.after) if each is not None)
        for each in present:  # the latter where the instances were read after the edit
            at = bisect_left(ordered, _place(each), key=_place)
            if at < len(ordered) and ordered[at].id == each.id:
                del ordered[at]
        if change.after is not None and self._is_shown(change.after):
            ordered.insert(bisect_left(ordered, _place(change.after), key=_place), change.after)


def _apply(change: InstanceChange, instances: dict[int, Instance]) -> None:
    if change.after is not None:
        instances[change.after.id] = change.after
    elif change.before is not None:
        instances.pop(change.before.id, None)


def _place(instance: Instance) -> tuple[int, int]:
    return -instance.mask.area, instance.id
